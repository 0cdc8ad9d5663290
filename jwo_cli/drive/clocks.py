"""Devices' clocks: what a device says is believed while its stamps are near the moment at which they arrive.

A stamp far from its arrival is the network's doing or the clock's. One that is late waits here: if a timely one follows
it was late, and goes on before that one; if a second's worth of such stamps come, the clock is off, and what the device
says is left out until it is right again. So a device whose clock is off is silent to the front end: its evidence is
missing, and what hands did there meanwhile stays in doubt. What is stamped ahead cannot be true and never goes on.

The least that a row of stamps is off by is what is told: the network adds to it and takes nothing away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from jwo_cli.estimate.signals import Signal
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

# Stamps this far from the moment at which they arrive are a clock's fault: half of what the front end waits for.
CLOCK_OFF_NS = 2 * NS_PER_S
# Cameras show one body at two places where their stamps are a step apart; those of machines on one network are not late
# by so much more than each other (the time that it takes to look at a picture does not count).
CAMERA_OFF_NS = 750 * NS_PER_MS
# One late message, or many that arrive in one burst, are the network's doing.
ROW_NS, ROW_MESSAGES = NS_PER_S, 3
LAG_NS = NS_PER_S  # so long everybody has to lag, before it is no single one's
CAMERA_ROW_NS = LAG_NS + NS_PER_S // 2  # a lag that begins for all at once is known as such before it is a row


@dataclass(slots=True)
class _Clock:
    """One device's latest row of stamps that are off on the same side."""

    since_ns: int = 0  # arrival of the first of them
    count: int = 0
    least_ns: int = 0  # the smallest by which they are off
    lag_ns: int = 0  # what all were behind at that one
    apart: bool = False
    right_since_ns: int = 0  # the same of its latest row of stamps that are not
    right: int = 0
    late: list[Signal] = field(default_factory=list)


class Clocks:
    """All devices' clocks, as far as they are heard; stamps more than `off_ns` from their arrival are off.

    They are told when a row of such is `row_ns` long.
    """

    def __init__(self, off_ns: int = CLOCK_OFF_NS, row_ns: int = ROW_NS) -> None:
        self._off_ns, self._row_ns = off_ns, row_ns
        self._clocks: dict[str, _Clock] = {}

    def believed(self, device_id: str, signal: Signal, at_ns: int, now_ns: int) -> list[Signal]:
        """What may go on now that this arrived, captured at `at_ns` by its device's clock, at `now_ns` by ours."""
        clock = self._clocks.setdefault(device_id, _Clock())
        if not self.stamped(device_id, at_ns, now_ns):
            late, clock.late = clock.late, []
            return [*late, signal]
        if clock.apart:
            clock.late = []
        elif at_ns < now_ns:
            clock.late.append(signal)
        return []

    def stamped(self, device_id: str, at_ns: int, now_ns: int, *, lag_ns: int = 0, more_ns: int = 0) -> bool:
        """A message with this stamp arrived; whether it is off, where all are `lag_ns` behind.

        It may be `more_ns` more behind than others.
        """
        clock, off_ns = self._clocks.setdefault(device_id, _Clock()), at_ns - now_ns + lag_ns
        if -self._off_ns - more_ns <= off_ns <= self._off_ns:
            clock.count, clock.apart = 0, False
            if not clock.right or now_ns < clock.right_since_ns:
                clock.right_since_ns, clock.right = now_ns, 0
            clock.right += 1
            return False
        clock.right = 0
        if not clock.count or off_ns * clock.least_ns < 0 or now_ns < clock.since_ns:
            clock.since_ns, clock.count, clock.least_ns, clock.late = now_ns, 0, off_ns, []
        clock.count += 1
        if clock.count == 1 or abs(off_ns) < abs(clock.least_ns):
            clock.least_ns, clock.lag_ns = off_ns, lag_ns
        if clock.count >= ROW_MESSAGES and now_ns - clock.since_ns >= self._row_ns:
            clock.apart = True
        return True

    def steady(self, device_id: str, now_ns: int) -> bool:
        """Whether a device's clock has been right for a row: silence says nothing, nor does one burst."""
        clock = self._clocks.get(device_id)
        if clock is None or clock.right < ROW_MESSAGES:
            return False
        return now_ns - clock.right_since_ns >= self._row_ns

    def off_by(self, device_id: str) -> int | None:
        """By how much a device's stamps are off, ns; None where they are not. What all are behind hides none of it."""
        clock = self._clocks.get(device_id)
        if clock is None or not clock.apart:
            return None
        return clock.least_ns - (clock.lag_ns if clock.least_ns < 0 else 0)

    def apart(self) -> Iterator[tuple[str, int, int | None]]:
        """Each device: since when its clock is off, and by how much, None where it is not; ns."""
        for device_id, clock in self._clocks.items():
            yield device_id, clock.since_ns, self.off_by(device_id)


class Lag:
    """By how much all devices that are heard are behind: that is the store's own, or the network's, and no clock's.

    Its clock, where it is the store's: what all are behind shows nobody twice. What is ahead is no lag.
    """

    def __init__(self) -> None:
        self._least: dict[str, deque[tuple[int, int]]] = {}  # device -> (arrival, lag), both ascending
        self._began_ns = self._latest_ns = 0

    def heard(self, device_id: str, at_ns: int, now_ns: int) -> None:
        """A message with this stamp arrived."""
        if not 0 <= now_ns - self._latest_ns <= LAG_NS:  # the first, the first after a break, or our clock was set back
            self._least, self._began_ns = {}, now_ns
        self._latest_ns, least = now_ns, self._least.setdefault(device_id, deque())
        while least and least[-1][1] >= now_ns - at_ns:
            least.pop()
        least.append((now_ns, now_ns - at_ns))
        while least[0][0] < now_ns - LAG_NS:
            least.popleft()

    def shared_ns(self, now_ns: int, *, but: Collection[str] = ()) -> int:
        """The least of the latest second, 0 until that is over; of those that are not `but`, if any."""
        heard = self._latest(now_ns)
        if now_ns - self._began_ns < LAG_NS or not heard:
            return 0
        return max(0, min([lag for device_id, lag in heard.items() if device_id not in but] or heard.values()))

    def usual_ns(self, now_ns: int) -> int | None:
        """What the middle one of them is behind in the latest second, the later of two; None where none was heard.

        So one that is ahead, or comes late, says nothing for the others.
        """
        lags = sorted(lag for lag in self._latest(now_ns).values() if lag >= -CAMERA_OFF_NS)
        return max(0, lags[len(lags) // 2]) if lags else None

    def _latest(self, now_ns: int) -> dict[str, int]:
        """The least lag of each that was heard in the latest second; others are forgotten."""
        for device_id, least in tuple(self._least.items()):
            while least and least[0][0] < now_ns - LAG_NS:
                least.popleft()
            if not least:
                del self._least[device_id]
        return {device_id: least[0][1] for device_id, least in self._least.items()}
