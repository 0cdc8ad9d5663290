"""The house itself, apart from who is in it: its mode, its doors, the prices and places in force, ages that were seen.

All of it changes by entries with a date. What is asked of it here is asked by the engine for a visit, and by the driver
before it lets somebody in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.effects import AskStaff, OpenGate, RefuseEntry
from jwo_cli.model.entering import EntryRefused, Role
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import CodeScanned
from jwo_cli.model.staffing import (
    AgeConfirmed,
    CatalogueChanged,
    EntryGranted,
    EntryPending,
    GateReleased,
    GateRestored,
    Mode,
    ModeChanged,
    PlanogramChanged,
)

from .step import Step

# Ages and released doors that are remembered, the latest of each.
_KEPT_AGES, _KEPT_DOORS = 5_000, 100


@dataclass(slots=True)
class _Released:
    """A door that stands, or stood, open."""

    gate_id: str
    reason: str
    from_ns: int
    until_ns: int | None = None


class House:
    """Modes, doors, prices, places. A store without any such entry is up, with the layout that it was built with."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.mode = Mode.UP
        self._released: list[_Released] = []
        self._ages: dict[str, int] = {}

    def admits(self, role: Role) -> bool:
        """Whether the mode lets somebody of this role in."""
        return self.mode is Mode.UP or (self.mode is Mode.STAFF_ONLY and role is not Role.SHOPPER)

    def age_of(self, visit_id: str, account: str | None) -> int:
        """The age that staff confirmed of a visit or its account, 0 where nobody looked."""
        return max(self._ages.get(visit_id, 0), self._ages.get(account or "", 0))

    def stood_open(self, at_ns: int) -> str:
        """Why a door stood open then, empty when all were locked."""
        found = [door for door in self._released if door.from_ns <= at_ns <= (door.until_ns or at_ns)]
        return "; ".join(f"the door {door.gate_id} stood open ({door.reason})" for door in found)

    def released(self) -> tuple[str, ...]:
        """The doors that stand open now."""
        return tuple(door.gate_id for door in self._released if door.until_ns is None)

    def handle(
        self,
        observation: EntryGranted
        | EntryPending
        | EntryRefused
        | ModeChanged
        | GateReleased
        | GateRestored
        | AgeConfirmed,
    ) -> Step:
        """Fold one in; a door that decided is to open, or to say why it stays shut."""
        match observation:
            case EntryGranted():
                return Step(effects=(OpenGate(gate_id=observation.gate_id, account=observation.account),))
            case EntryRefused():
                return Step(effects=(RefuseEntry(gate_id=observation.gate_id, refusal=observation.refusal),))
            case ModeChanged():
                self.mode = observation.mode
            case GateReleased():
                self._restored(observation.gate_id, observation.at_ns)
                door = _Released(observation.gate_id, observation.reason, observation.at_ns)
                self._released = [*self._released, door][-_KEPT_DOORS:]
            case GateRestored():
                self._restored(observation.gate_id, observation.at_ns)
            case AgeConfirmed():
                self._ages[observation.account or observation.visit_id or ""] = observation.age
                for old in list(self._ages)[:-_KEPT_AGES]:
                    del self._ages[old]
        return Step()

    def relaid(self, observation: CatalogueChanged | PlanogramChanged) -> Store:
        """The store as it stands from now on."""
        match observation:
            case CatalogueChanged():
                self.store = replace(self.store, catalogue=changed_catalogue(self.store.catalogue, observation))
            case PlanogramChanged():
                self.store = replace(self.store, facings=observation.facings, version=observation.layout_version)
        return self.store

    def _restored(self, gate_id: str, at_ns: int) -> None:
        for door in self._released:
            if door.gate_id == gate_id and door.until_ns is None:
                door.until_ns = at_ns


def went_out(scan: CodeScanned) -> AskStaff:
    """Somebody went out who had not come in: there is nothing to settle, and staff may want to look."""
    return AskStaff(receipt_id="", reason=f"{scan.account} went out by {scan.gate_id}, and had not come in")


def changed_catalogue(catalogue: Catalogue, change: CatalogueChanged) -> Catalogue:
    """The catalogue after a change; products that it does not name stay as they are."""
    fresh = {product.product_id: product for product in change.products}
    kept = [fresh.pop(product.product_id, product) for product in catalogue.products]
    return replace(
        catalogue,
        products=(*kept, *fresh.values()),
        taxes=catalogue.taxes if change.taxes is None else change.taxes,
        promotions=catalogue.promotions if change.promotions is None else change.promotions,
    )
