"""Everything once and in order, or known to be missing: sequence numbers within a device's runs.

A message that comes early waits for those before it, which the device sends again when it sees that they are not
acknowledged. What has not come when the wait is over is given up and told; while nobody could send it (`resume`), the
wait does not run. Counters of 16 or 32 bits go round: what they mean is the number nearest to the one expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

# A device sends again what did not arrive for two seconds; the front end waits for four: what comes behind a gap must
# not wait longer. Who keeps nothing sends nothing again, and MQTT keeps the order of what one device publishes.
WAIT_NS = 3_500_000_000
NO_WAIT_NS = 500_000_000
HELD_MOST = 20_000
HELD_BYTES = 64 << 20  # of all devices together
ITEM_BYTES = 1_000  # what keeping a message costs beside its payload
# No device loses or keeps so many messages: such a number is a counter's fault, not a gap and not a repetition.
LEAP = 1 << 31
# A broker repeats what is in flight, a thousand messages at most; a device that keeps nothing repeats nothing itself.
REPEATS = 1_000
WHOLE_BITS = 63  # of a counter that does not go round
# After a restart the broker may still hand over what a device said before it; for longer than that nothing waits.
LATE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message belongs: `base` is the oldest number that its device still keeps, None of one that keeps nothing.

    With fewer than WHOLE_BITS both are as the device counts, modulo 2 to that power.
    """

    device_id: str
    boot: str
    seq: int
    base: int | None
    bits: int = WHOLE_BITS


@dataclass(slots=True)
class _Run(Generic[T]):
    boot: str
    next_seq: int
    bits: int = WHOLE_BITS
    keeps: bool = True
    early: dict[int, tuple[int, T, int]] = field(default_factory=dict)  # seq -> when it came, what, its bytes
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
        self._bytes = 0
        self.duplicates = 0

    def take(self, place: Place, item: T, now_ns: int, *, size: int = 0) -> list[T | Missing]:
        """A message of `size` bytes came: what may be handled now, in order.

        Of a device that is heard first (it or we may just have started), everything from its base on is waited for.
        What is late of the run before the present one is dropped. Raises ValueError for a number far beyond the run's.
        """
        device_id = place.device_id
        out: list[T | Missing] = []
        run = self._runs.get(device_id)
        seq, base = _numbers(place, run)
        if run is not None and run.boot == place.boot and seq - run.next_seq >= LEAP:
            raise ValueError(f"seq {seq} comes after {run.next_seq - 1}")
        if run is not None and run.before == place.boot and now_ns - run.began_ns < LATE_NS:
            self.duplicates += 1
            return out
        if run is not None and run.boot != place.boot:
            out += self._given_up(device_id, run)
            run = self._runs[device_id] = _Run(place.boot, 0, place.bits, before=run.boot, began_ns=now_ns)
        elif run is None or _anew(run, seq, keeps=place.base is not None):
            out += self._given_up(device_id, run) if run is not None else []
            run = self._runs[device_id] = _Run(place.boot, min(base, seq), place.bits)
        if seq < run.next_seq or seq in run.early:
            self.duplicates += 1
            return out
        run.keeps = place.base is not None
        run.early[seq] = (now_ns, item, size + ITEM_BYTES)
        self._bytes += size + ITEM_BYTES
        out += self._ready(run)
        while run.early and (len(run.early) > HELD_MOST or self._bytes > HELD_BYTES):
            out += self._give_up(device_id, run)
        return out

    def advance(self, now_ns: int) -> list[T | Missing]:
        """Time passed: what was waited for long enough is given up, and what came after it may be handled."""
        out: list[T | Missing] = []
        for device_id, run in self._runs.items():
            wait_ns = self._wait_ns if run.keeps else min(self._wait_ns, NO_WAIT_NS)
            while run.early and now_ns - run.early[min(run.early)][0] >= wait_ns:
                out += self._give_up(device_id, run)
        return out

    def resume(self, now_ns: int) -> None:
        """Nobody could send anything until now: what is missing is waited for from here on."""
        for run in self._runs.values():
            run.early = {seq: (now_ns, item, size) for seq, (_, item, size) in run.early.items()}

    def acknowledged(self, device_id: str) -> tuple[str, int] | None:
        """(boot, seq) up to which all of a device's messages are handled or given up; None before the first."""
        run = self._runs.get(device_id)
        return None if run is None or run.next_seq == 0 else (run.boot, run.next_seq - 1)

    def counted(self, device_id: str, seq: int) -> int:
        """A number as the device itself counts it; -1, nothing yet, stays what it is."""
        run = self._runs.get(device_id)
        return -1 if run is None or seq < 0 else seq % (1 << run.bits)

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
            _, item, size = run.early.pop(run.next_seq)
            self._bytes -= size
            out.append(item)
            run.next_seq += 1
        return out

    def _give_up(self, device_id: str, run: _Run[T]) -> list[T | Missing]:
        """Go on behind the first gap."""
        first = min(run.early)
        gap = Missing(device_id=device_id, boot=run.boot, first_seq=run.next_seq, count=first - run.next_seq)
        run.next_seq = first
        return [gap, *self._ready(run)]

    def _given_up(self, device_id: str, run: _Run[T]) -> list[T | Missing]:
        """A run is over: nothing of it is waited for any more."""
        out: list[T | Missing] = []
        while run.early:
            out += self._give_up(device_id, run)
        return out


def _numbers(place: Place, run: _Run[T] | None) -> tuple[int, int]:
    """Both as whole numbers: of a counter that goes round, those nearest to what is expected."""
    base = place.seq if place.base is None else place.base
    if place.bits == WHOLE_BITS:
        return place.seq, base
    round_ = 1 << place.bits
    expected = run.next_seq if run is not None and run.boot == place.boot else place.seq
    seq = expected + (place.seq - expected + round_ // 2) % round_ - round_ // 2
    return seq, seq - (place.seq - base) % round_


def _anew(run: _Run[T], seq: int, *, keeps: bool) -> bool:
    """Whether a counter began anew within a run: it was wrong when heard first, or went round or back without saying.

    A device that keeps what it sent may send all of it again; any other cannot.
    """
    behind = run.next_seq - seq
    return behind >= LEAP or (behind > REPEATS and not keeps)
