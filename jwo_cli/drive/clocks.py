"""Devices' clocks: what a device says is believed while its stamps are near the moment at which they arrive.

A stamp far from its arrival is the network's doing or the clock's. One that is late waits here: if a timely one follows
it was late, and goes on before that one; if a second's worth of such stamps come, the clock is off, and what the device
says is left out until it is right again. So a device whose clock is off is silent to the front end: its evidence is
missing, and what hands did there meanwhile stays in doubt. What is stamped ahead cannot be true and never goes on.

The least that a row of stamps is off by is what is told: the network adds to it and takes nothing away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jwo_cli.estimate.signals import Signal
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

# Stamps this far from the moment at which they arrive are a clock's fault: half of what the front end waits for.
CLOCK_OFF_NS = 2 * NS_PER_S
# Cameras show one body at two places where their stamps are a step apart; those of machines on one network are not late
# by so much between that machine and the store (the time that it takes to look at a picture does not count).
CAMERA_OFF_NS = 750 * NS_PER_MS
# One late message, or many that arrive in one burst, are the network's doing.
ROW_NS, ROW_MESSAGES = NS_PER_S, 3


@dataclass(slots=True)
class _Clock:
    """One device's latest row of stamps that are off on the same side."""

    since_ns: int = 0  # arrival of the first of them
    count: int = 0
    least_ns: int = 0  # the smallest by which they are off
    apart: bool = False
    late: list[Signal] = field(default_factory=list)


class Clocks:
    """All devices' clocks, as far as they are heard; stamps more than `off_ns` from their arrival are off."""

    def __init__(self, off_ns: int = CLOCK_OFF_NS) -> None:
        self._off_ns = off_ns
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

    def stamped(self, device_id: str, at_ns: int, now_ns: int) -> bool:
        """A message with this stamp arrived; whether it is off."""
        clock, off_ns = self._clocks.setdefault(device_id, _Clock()), at_ns - now_ns
        if abs(off_ns) <= self._off_ns:
            clock.count, clock.apart = 0, False
            return False
        if not clock.count or off_ns * clock.least_ns < 0:
            clock.since_ns, clock.count, clock.least_ns, clock.late = now_ns, 0, off_ns, []
        clock.count += 1
        clock.least_ns = min(clock.least_ns, off_ns, key=abs)
        if clock.count >= ROW_MESSAGES and now_ns - clock.since_ns >= ROW_NS:
            clock.apart = True
        return True

    def off_by(self, device_id: str) -> int | None:
        """By how much a device's clock is off, ns; None where it is not."""
        clock = self._clocks.get(device_id)
        return clock.least_ns if clock is not None and clock.apart else None

    def apart(self) -> Iterator[tuple[str, int, int | None]]:
        """Each device: since when its clock is off, and by how much, None where it is not; ns."""
        for device_id, clock in self._clocks.items():
            yield device_id, clock.since_ns, self.off_by(device_id)
