"""Looks after a running store twice a second: devices, doors that should be shut, the disk, the clock, closing time.

It decides nothing about baskets. What it finds becomes an observation of the store's own, journalled like any other:
a device is ill or well again, the mode changes, time has come for a visit that never ended. What staff ask for from
another process (`ModeRequested`) it answers in the journal, so that whoever asked can read the answer there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jwo_cli.drive.fold import Done
from jwo_cli.drive.health import HealthBook
from jwo_cli.drive.supervise import SourceState
from jwo_cli.journal.database import free_bytes
from jwo_cli.model.observations import Observation, Ticked
from jwo_cli.model.staffing import Mode, ModeChanged, ModeRefused, ModeRequested
from jwo_cli.shop.engine import Engine

LOOK_S = 0.5
# Below this nobody comes in any more: four times what the journal keeps to close in order, some hours of a small store.
LOW_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run was told: open as soon as it can, close at a time of day, how much disk must be free."""

    open_when_well: bool = False
    closes: Callable[[int], bool] | None = None  # whether the store should be closed at a time, ns
    low_bytes: int = LOW_BYTES


class Kept(Protocol):
    """What the caretaker needs of a run."""

    engine: Engine
    health: HealthBook
    states: dict[str, SourceState]

    @property
    def inside(self) -> int:
        """How many visits are open, or begin in a moment."""

    def note(self, observation: Observation, caused_by: tuple[int, ...] = ()) -> None:
        """Journal and handle an observation of the store's own."""


class Caretaker:
    """One run's caretaker. `place` is on the disk that matters: the journal's."""

    def __init__(self, kept: Kept, place: Path, rules: Rules) -> None:
        self._kept, self._place, self._rules = kept, place, rules
        self._opening = rules.open_when_well
        self._against: tuple[str, ...] = ("its devices were not looked at yet",) if rules.open_when_well else ()
        self.stopping = False  # the process was told to end: nobody opens the store any more

    @property
    def mode(self) -> Mode:
        """Who is let in now."""
        return self._kept.engine.house.mode

    @property
    def kept_shut(self) -> tuple[str, ...]:
        """What keeps a store shut that was told to open by itself, a sentence each; empty where nothing does."""
        return () if self.mode is Mode.UP else self._against

    def look(self, *, now_ns: int, monotonic_s: float) -> None:
        """Whatever has changed by itself since the last look."""
        kept = self._kept
        looked = kept.health.look(kept.states.values(), now_ns=now_ns, monotonic_s=monotonic_s)
        for fault in (*looked, *kept.health.timed(now_ns)):
            kept.note(fault)
        wake_ns = kept.engine.wake_ns()
        if wake_ns is not None and wake_ns <= now_ns:
            kept.note(Ticked(at_ns=now_ns))
        ends = next(self._ends(self.mode, now_ns), None)
        if ends is not None:
            self._change(now_ns, Mode.DRAINING, *ends[:2])
        if self.mode is Mode.DRAINING and not kept.inside:
            self._change(now_ns, Mode.DOWN, "drained", "nobody is inside any more")
        if self._opening and not self.stopping:
            self._against = () if self.mode is Mode.UP else self.hindrances(now_ns)
            # What is shut is opened by staff, also when the night is over.
            self._opening = bool(self._against) and not self.shut(now_ns)
            if not self._against and self.mode is not Mode.UP:
                self._change(now_ns, Mode.UP, "run", "every device that it needs is well")

    def shut(self, now_ns: int) -> bool:
        """Whether closing time has come."""
        return self._rules.closes is not None and self._rules.closes(now_ns)

    def hindrances(self, now_ns: int, mode: Mode = Mode.UP) -> tuple[str, ...]:
        """Why the store cannot open now, for everybody or for staff alone, a sentence each."""
        found = list(self._kept.health.failing(self._kept.states.values())) if mode is Mode.UP else []
        if self.stopping:
            found.append("it was told to stop, and ends when everybody has left")
        return (*found, *(sentence for _, _, sentence in self._ends(mode, now_ns)))

    def _ends(self, mode: Mode, now_ns: int) -> Iterator[tuple[str, str, str]]:
        """What ends a mode in which somebody comes in, and refuses it: who says so, why, and that in a sentence."""
        if mode in {Mode.UP, Mode.STAFF_ONLY} and free_bytes(self._place) < self._rules.low_bytes:
            mb = self._rules.low_bytes >> 20
            yield "disk", "the disk is nearly full", f"the disk has less than {mb} MB free"
        if mode is Mode.UP and self.shut(now_ns):  # staff work on
            yield "hours", "closing time", "it is past closing time"

    def asked(self, done: Iterable[Done]) -> None:
        """Answer what staff asked for."""
        for item in done:
            if isinstance(item.observation, ModeRequested):
                self._answer(item.observation, item.entry.seq)

    def _answer(self, asked: ModeRequested, seq: int) -> None:
        against: Sequence[str] = ()
        wanted = asked.mode
        if wanted in {Mode.UP, Mode.STAFF_ONLY}:
            against = self.hindrances(asked.at_ns, wanted)
        elif wanted is Mode.DOWN and self._kept.inside:
            wanted = Mode.DRAINING
        if against:
            self._kept.note(ModeRefused(at_ns=asked.at_ns, mode=asked.mode, reasons=tuple(against)), (seq,))
            return
        self._opening, self._against = False, ()
        self._kept.note(ModeChanged(at_ns=asked.at_ns, mode=wanted, staff=asked.staff, reason=asked.reason), (seq,))

    def _change(self, now_ns: int, mode: Mode, staff: str, reason: str) -> None:
        self._kept.note(ModeChanged(at_ns=now_ns, mode=mode, staff=staff, reason=reason))
