"""What a run does about breaks: the past comes before the present, nothing is told twice, nothing is safe too early.

A broker that was gone, or a store that was cut off, leaves devices with measurements that nobody has used. They give
them again (`Resending`); here their signals wait until they are in order (`backlog`), what they would tell a second
time is left out (`retold`), and the devices are told what they need keep no longer: all is told of it, and committed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from jwo_cli.drive.backlog import CATCH_UP_S, Backlog, Resending
from jwo_cli.drive.fold import as_overheard
from jwo_cli.drive.resume import LIVE_SOURCES, Past
from jwo_cli.drive.retold import BACK_NS, LATEST, Retold, is_told
from jwo_cli.drive.sources import Behind, CardSeen, CodeSeen, Source
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import Signal
from jwo_cli.journal import Intake
from jwo_cli.model.entry import Entry
from jwo_cli.model.layout import Antenna
from jwo_cli.model.observations import DeviceFaulted, FaultKind, Observation
from jwo_cli.model.units import NS_PER_S

EARLY_NS = 2 * NS_PER_S  # a run that begins anew uses what was measured so shortly before


class Again:
    """One run's memory of what came when, and of what was told before it."""

    def __init__(
        self, sources: Sequence[Source], intake: Intake, past: Past, *, antennas: Sequence[Antenna], start_ns: int
    ) -> None:
        self._sources = [source for source in sources if isinstance(source, Resending)]
        self._taken: Counter[str] = Counter()
        self._backlog = Backlog()
        known = _before(intake, past) if past.cut_off else []
        self._retold = Retold(as_overheard(entry, after=0, earlier=True) for entry in known)
        since_ns = start_ns - (BACK_NS if past.cut_off else EARLY_NS)
        for source in self._sources:
            source.begin(since_ns=since_ns, resumed=past.cut_off)
        if past.cut_off and self._sources:
            self._backlog.expect(CATCH_UP_S, time.monotonic())
        own_ns = (entry.recorded_ns for entry in reversed(known) if entry.source.startswith(LIVE_SOURCES))
        cut_ns = next(own_ns, start_ns)  # the office, or a replay, may have written since
        missed = [
            (source.name, FaultKind.GAP, since_ns if isinstance(source, Resending) else start_ns)
            for source in sources
            if source.critical
        ]
        missed += [(antenna.antenna_id, FaultKind.DEAD, start_ns) for antenna in antennas]
        self.missed = _missed(missed, cut_ns)

    @property
    def holding(self) -> bool:
        """Whether signals wait for older ones."""
        return self._backlog.holding

    @property
    def entering(self) -> int:
        """How many were let in and wait behind older signals: the front end knows nothing of them yet."""
        return self._backlog.entering

    def took(self, arrived: Arrived) -> None:
        """The store has taken something: journalled, or passed on to `signals`."""
        self._taken[arrived.source] += 1

    def expect(self, behind: Behind) -> None:
        """A source lags behind, or does no longer."""
        self._backlog.expect(behind.seconds, time.monotonic())

    def signals(self, signal: Signal | None = None) -> list[Signal]:
        """What may go to the front end now, in order; with one more, or because time has passed."""
        now_s = time.monotonic()
        return self._backlog.due(now_s) if signal is None else self._backlog.take(signal, now_s)

    def rest(self) -> list[Signal]:
        """All that still waits, in order: nothing more will come."""
        self._backlog.expect(0, time.monotonic())
        return self._backlog.due(time.monotonic())

    def fresh(self, found: Sequence[Observation]) -> list[Observation]:
        """The front end's news without what was told before the cut."""
        return self._retold.fresh(found)

    def answered(self, what: CodeSeen | CardSeen) -> bool:
        """Whether somebody who showed this was answered before the cut."""
        return self._retold.at_door(what.gate_id, what.at_ns)

    def committed(self, perception: Perception) -> None:
        """All that the front end told is durable: what it needs no more need not be kept."""
        if self._backlog.holding:
            return
        until_ns = perception.untold_ns() if self._sources else 0
        for source in self._sources:
            source.safe(self._taken[source.name], until_ns)


def _before(intake: Intake, past: Past) -> list[Entry]:
    """The last entries up to the head, since the last orderly end: all that `Retold` looks at, whoever wrote beside.

    A live store's entries count, not others': a replay into the journal, or the office, may write thousands after a
    cut. It is gone back until a live store's entries in hand span more than what is asked for, by our own clock.
    """
    back = LATEST
    while True:
        after = max(past.ended, past.head_seq - back)
        out = [entry for entry in intake.entries(after) if entry.seq <= past.head_seq]
        told = [entry.recorded_ns for entry in out if is_told(entry)]
        if after == past.ended or (told and told[0] < told[-1] - 2 * BACK_NS):
            return out
        back *= 4


def _missed(missed: Sequence[tuple[str, FaultKind, int]], cut_ns: int) -> list[DeviceFaulted]:
    """What nobody measured, or kept, while no store ran: missing evidence, a fault for each (name, kind, until when).

    Of readers it is the antennas that matter, and a gap of theirs is their own word. Who brings their reads is not
    asked: a machine that keeps them may have been cut off as well.
    """
    return [
        DeviceFaulted(at_ns=cut_ns, device_id=name, kind=kind, until_ns=until_ns, note="no store ran")
        for name, kind, until_ns in missed
        if until_ns > cut_ns
    ]
