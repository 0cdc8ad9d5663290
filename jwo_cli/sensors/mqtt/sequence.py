"""Everything once and in order, or known to be missing: sequence numbers within a device's runs.

A message that comes early waits for those before it, which the device sends again when it sees that they are not
acknowledged. What has not come when the wait is over is given up and told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

# A device sends again what was not acknowledged for two seconds; twice that is enough for a broker's restart and a try.
WAIT_NS = 5_000_000_000
HELD_MOST = 20_000
# No device loses or keeps so many messages: such a number is a counter's fault, not a gap and not a repetition.
LEAP = 1 << 31
# After a restart the broker may still hand over what a device said before it; for longer than that nothing waits.
LATE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message belongs: `base` is the oldest number that its device still keeps and can send again."""

    device_id: str
    boot: str
    seq: int
    base: int


@dataclass(slots=True)
class _Run(Generic[T]):
    boot: str
    next_seq: int
    early: dict[int, tuple[int, T]] = field(default_factory=dict)  # seq -> when it came, and what
    before: str | None = None  # the run before this one, and when it ended
    began_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """`count` messages of a device's run, from `first_seq` on, were given up."""

    device_id: str
    boot: str
    first_seq: int
    count: int


class Sequences(Generic[T]):
    """The order of all devices' messages; feed it every message, and the clock."""

    def __init__(self, *, wait_ns: int = WAIT_NS) -> None:
        self._wait_ns = wait_ns
        self._runs: dict[str, _Run[T]] = {}
        self.duplicates = 0

    def take(self, place: Place, item: T, now_ns: int) -> list[T | Missing]:
        """A message came: what may be handled now, in order.

        Of a device that is heard first (it or we may just have started), everything from its base on is waited for.
        What is late of the run before the present one is dropped. Raises ValueError for a number far beyond the run's.
        """
        device_id, seq = place.device_id, place.seq
        out: list[T | Missing] = []
        run = self._runs.get(device_id)
        if run is not None and run.boot == place.boot and seq - run.next_seq >= LEAP:
            raise ValueError(f"seq {seq} comes after {run.next_seq - 1}")
        if run is None:
            run = self._runs[device_id] = _Run(place.boot, min(place.base, seq))
        elif run.boot != place.boot:
            if run.before == place.boot and now_ns - run.began_ns < LATE_NS:
                self.duplicates += 1
                return out
            while run.early:
                out += self._give_up(device_id, run)
            run = self._runs[device_id] = _Run(place.boot, 0, before=run.boot, began_ns=now_ns)
        elif run.next_seq - seq >= LEAP:  # its counter began anew, or it was wrong when it was heard first
            while run.early:
                out += self._give_up(device_id, run)
            run = self._runs[device_id] = _Run(place.boot, min(place.base, seq))
        if seq < run.next_seq or seq in run.early:
            self.duplicates += 1
            return out
        run.early[seq] = (now_ns, item)
        out += self._ready(run)
        if len(run.early) > HELD_MOST:
            out += self._give_up(device_id, run)
        return out

    def advance(self, now_ns: int) -> list[T | Missing]:
        """Time passed: what was waited for long enough is given up, and what came after it may be handled."""
        out: list[T | Missing] = []
        for device_id, run in self._runs.items():
            while run.early and now_ns - run.early[min(run.early)][0] >= self._wait_ns:
                out += self._give_up(device_id, run)
        return out

    def acknowledged(self, device_id: str) -> tuple[str, int] | None:
        """(boot, seq) up to which all of a device's messages are handled or given up; None before the first."""
        run = self._runs.get(device_id)
        return None if run is None or run.next_seq == 0 else (run.boot, run.next_seq - 1)

    def knows(self, device_id: str) -> bool:
        """Whether the device was heard of."""
        return device_id in self._runs

    def devices(self) -> list[str]:
        """All devices that were heard of, in that order."""
        return list(self._runs)

    def waiting(self, device_id: str) -> bool:
        """Whether something of this device is missing right now."""
        run = self._runs.get(device_id)
        return run is not None and bool(run.early)

    def _ready(self, run: _Run[T]) -> list[T | Missing]:
        out: list[T | Missing] = []
        while run.next_seq in run.early:
            out.append(run.early.pop(run.next_seq)[1])
            run.next_seq += 1
        return out

    def _give_up(self, device_id: str, run: _Run[T]) -> list[T | Missing]:
        """Go on behind the first gap."""
        first = min(run.early)
        gap = Missing(device_id=device_id, boot=run.boot, first_seq=run.next_seq, count=first - run.next_seq)
        run.next_seq = first
        return [gap, *self._ready(run)]
