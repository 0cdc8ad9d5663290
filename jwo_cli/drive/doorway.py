"""A run's doors: what is shown at them, what they say themselves, and what the journal is told of it.

The gatekeeper says whether a code is good, the house's mode has the last word, and the bank may be asked before a door
opens. A door's own stamps are believed a few seconds far (`arrival`).
"""

from __future__ import annotations

from collections.abc import Iterable

from jwo_cli.drive.arrival import believed, granted, shown, trusted
from jwo_cli.drive.door_wait import DoorWait, WaitRules, Word
from jwo_cli.drive.fold import Done
from jwo_cli.drive.sources import CardSeen, CodeSeen, DoorReport
from jwo_cli.estimate.signals import CodeRead
from jwo_cli.model.entering import EntryRefused, Refusal
from jwo_cli.model.layout import GateKind, Store
from jwo_cli.model.observations import Observation
from jwo_cli.model.staffing import EntryPending, GateReleased, GateRestored
from jwo_cli.shop.gatekeeper import Admitted, Gatekeeper
from jwo_cli.shop.house import House

Said = CodeSeen | CardSeen | CodeRead | DoorReport
Told = Word | EntryPending | GateReleased | GateRestored


class Doorway:
    """One run's doors. Without a gatekeeper only what was verified where it was read lets somebody in."""

    def __init__(self, store: Store, house: House, gatekeeper: Gatekeeper | None, wait: WaitRules) -> None:
        self._gates = frozenset(gate.gate_id for gate in store.gates)
        self._exits = frozenset(gate.gate_id for gate in store.gates if gate.kind is GateKind.EXIT)
        self._house, self._gatekeeper = house, gatekeeper
        self._wait = DoorWait(wait, house.admits)
        if gatekeeper is not None:
            gatekeeper.exits, gatekeeper.admits = self._exits, house.admits

    def knows(self, gate_id: str) -> bool:
        """Whether the layout has this gate; one without any gates has whatever there is."""
        return gate_id in self._gates or not self._gates

    def remember(self, observations: Iterable[Observation]) -> None:
        """What the gatekeeper must not forget: accounts, and codes that were used."""
        if self._gatekeeper is not None:
            for observation in observations:
                self._gatekeeper.saw(observation)

    def heard(self, what: Said, now_ns: int, *, late: bool) -> list[Told]:
        """What the journal is told of something that was shown at a door, or that it says; `late`: see `believed`."""
        if isinstance(what, DoorReport):
            return self._stands(what, believed(what.at_ns, now_ns, late=late))
        if isinstance(what, CodeRead):
            return self._decided(trusted(what))
        return [] if self._gatekeeper is None else self._decided(shown(self._gatekeeper, what, now_ns=now_ns))

    def saw(self, done: Done, *, now_ns: int, monotonic_s: float) -> list[Word]:
        """The bank's word on somebody who waits."""
        return self._wait.saw(done, now_ns=now_ns, monotonic_s=monotonic_s)

    def overdue(self, *, now_ns: int, monotonic_s: float) -> list[Word]:
        """What becomes of those for whom the bank said nothing in time."""
        return self._wait.overdue(now_ns=now_ns, monotonic_s=monotonic_s)

    def end(self, *, now_ns: int) -> list[Word]:
        """The run ends: whoever waits does not come in."""
        return self._wait.end(now_ns=now_ns)

    def _decided(self, decision: Admitted | EntryRefused | None) -> list[Told]:
        """What the gatekeeper said of whoever stands at a door; the house's mode has the last word."""
        if decision is None:
            return []
        if isinstance(decision, EntryRefused):
            return [decision]
        if decision.gate_id in self._exits:
            return [granted(decision)]
        if not self._house.admits(decision.role):
            at_ns, gate_id, account = decision.at_ns, decision.gate_id, decision.account
            return [EntryRefused(at_ns=at_ns, gate_id=gate_id, refusal=Refusal.CLOSED, account=account)]
        return [self._wait.word(decision)]

    def _stands(self, report: DoorReport, at_ns: int) -> list[Told]:
        """That a door stands open, or locks again, once."""
        gate_id, known = report.gate_id, report.gate_id in self._house.released()
        if report.released and not known:
            return [GateReleased(at_ns=at_ns, gate_id=gate_id, reason=report.reason or "unlocked")]
        return [GateRestored(at_ns=at_ns, gate_id=gate_id)] if known and not report.released else []
