"""What just happened, in a sentence: for the live view and for people who follow a replay through a pipe."""

from __future__ import annotations

from jwo_cli.model.decisions import CartChanged, Decision, ReceiptIssued, Settlement, VisitStarted
from jwo_cli.model.entering import EntryRefused
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FloorTouched,
    HandsMet,
    IdentityDoubted,
    Observation,
    Reach,
    Role,
    ShelfTouched,
    TagChanged,
    TrackEnded,
    TrackStarted,
    UnreadStay,
    UnweighedReach,
    WeightChanged,
)
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed
from jwo_cli.model.staffing import (
    CatalogueChanged,
    EntryGranted,
    EntryPending,
    GateReleased,
    GateRestored,
    ModeChanged,
    ModeRefused,
    PlanogramChanged,
    VisitJoined,
    VisitUnclaimed,
)
from jwo_cli.model.units import format_minor

REMEMBERED = 1_000  # people who were told of last: a store runs for months


class Names:
    """Short names for people (A, B, … in order of appearance, * for staff) and the products' names."""

    def __init__(self, store: Store) -> None:
        self._products = {key: product.name for key, product in store.catalogue.by_id().items()}
        self._letters: dict[str, str] = {}
        self._visits: dict[str, str] = {}
        self.staff: dict[str, str] = {}
        self._came = 0

    def person(self, track_id: str) -> str:
        """The letter of a track: A to Z, then a to z, then again."""
        letter = self._letters.get(track_id)
        if letter is None:
            place = self._came % 52
            self._came += 1
            letter = chr(ord("A") + place) if place < 26 else chr(ord("a") + place - 26)
        return _keep(self._letters, track_id, letter)

    def product(self, product_id: str) -> str:
        """A product's name, or its number where the catalogue has none."""
        return self._products.get(product_id) or product_id

    def visitor(self, visit_id: str) -> str:
        """The letter of a visit's first track."""
        return self.person(self._visits.get(visit_id, visit_id))

    def learn(self, decision: Decision) -> None:
        """Remember who a visit belongs to."""
        if isinstance(decision, VisitStarted):
            _keep(self._visits, decision.visit_id, decision.track_id)
            if decision.role is Role.STAFF:
                _keep(self.staff, decision.track_id, decision.visit_id)

    def held(self) -> int:
        """People and visits that have names: a measure of memory."""
        return len(self._letters) + len(self._visits) + len(self.staff)


def _keep(table: dict[str, str], key: str, value: str) -> str:
    """Put it last, whatever its place was; those who were named longest ago are forgotten. The value."""
    table.pop(key, None)
    table[key] = value
    while len(table) > REMEMBERED:
        del table[next(iter(table))]
    return value


def observed(observation: Observation, names: Names) -> str | None:
    """A sentence for an observation, None for what nobody wants to read."""
    match observation:
        case TrackStarted():
            who = "a member of staff" if observation.role is Role.STAFF else "a shopper"
            return f"{names.person(observation.track_id)} appears: {who}"
        case TrackEnded():
            left = "leaves" if observation.left_store >= 0.5 else "is out of sight"
            return f"{names.person(observation.track_id)} {left}"
        case CodeScanned():
            return f"a code is scanned at {observation.gate_id}"
        case WeightChanged():
            grams = sum(plate.delta_g for plate in observation.plates)
            return f"{observation.shelf_id}: {grams:+.0f} g{_nearest(observation.reaches, names)}"
        case ShelfTouched():
            return f"{observation.shelf_id}: touched, nothing taken{_nearest(observation.reaches, names)}"
        case UnweighedReach():
            return f"{names.person(observation.track_id)} reaches to {observation.plates[0]}, which does not weigh"
        case UnreadStay():
            return f"{names.person(observation.track_id)} was near {observation.antenna_id}, which read nothing"
        case TagChanged():
            return f"{observation.antenna_id}: {names.product(observation.product_id)} {observation.state.value}"
        case HandsMet():
            return f"{names.person(observation.a)} and {names.person(observation.b)}: hands meet"
        case IdentityDoubted():
            before, after = names.person(observation.before), names.person(observation.after)
            return f"{before} and {after}: {observation.kind} of identities, {observation.probability:.0%} likely"
        case DeviceFaulted():
            return _faulted(observation)
        case _:
            return _house(observation, names)


def _faulted(fault: DeviceFaulted) -> str:
    if fault.until_ns > fault.at_ns and fault.note:
        return f"{fault.device_id}: {fault.kind.value} is over"
    note = f" ({fault.note})" if fault.note else ""
    return f"{fault.device_id}: {fault.kind.value}{note}; its evidence counts as missing"


def _house(observation: Observation, names: Names) -> str | None:
    """A sentence for what happened on the floor of the house, or to the house itself."""
    match observation:
        case FloorTouched():
            return f"{names.person(observation.track_id)} reaches to the floor"
        case ModeChanged():
            why = f": {observation.reason}" if observation.reason else ""
            return f"the store is {observation.mode.value.replace('_', ' ')} ({observation.staff}{why})"
        case ModeRefused():
            return f"the store cannot be {observation.mode.value}: {'; '.join(observation.reasons)}"
        case EntryGranted() | EntryPending():
            what = "is let in" if isinstance(observation, EntryGranted) else "waits for the bank"
            return f"{observation.gate_id}: {observation.account} {what} ({observation.way.value})"
        case EntryRefused():
            return f"{observation.gate_id}: kept shut, {observation.refusal.value}"
        case GateReleased():
            return f"{observation.gate_id} stands open: {observation.reason}"
        case GateRestored():
            return f"{observation.gate_id} locks again"
        case CatalogueChanged():
            return f"prices changed by {observation.staff}: {len(observation.products)} products"
        case PlanogramChanged():
            return f"the planogram changed by {observation.staff}: {len(observation.facings)} facings"
        case PaymentAnswered():
            amount = format_minor(observation.amount_minor, observation.currency)
            return f"{observation.account}: {observation.purpose.value} of {amount} {observation.outcome.value}"
        case PaymentDisputed():
            amount = format_minor(observation.amount_minor, observation.currency)
            return f"{observation.account}: a dispute about {amount} is {observation.state.value}"
        case _:
            return None


def _nearest(reaches: tuple[Reach, ...], names: Names) -> str:
    if not reaches:
        return ", nobody near"
    best = max(reaches, key=lambda reach: reach.log_likelihood)
    hand = f", hand {best.hand_m:.2f} m away" if best.hand_m is not None else ""
    return f", likeliest {names.person(best.track_id)}{hand}"


def decided(decision: Decision, names: Names) -> str | None:
    """A sentence for a decision, None for what nobody wants to read."""
    match decision:
        case CartChanged():
            lines = ", ".join(f"{line.quantity} × {names.product(line.product_id)}" for line in decision.lines)
            return f"{names.visitor(decision.visit_id)}'s cart: {lines or 'empty'}"
        case ReceiptIssued():
            how = "settled" if decision.settled is Settlement.AUTOMATIC else "for review"
            total = format_minor(decision.total_minor, decision.currency)
            return f"{names.visitor(decision.visit_id)}'s receipt: {total}, {how}"
        case VisitUnclaimed():
            return f"{names.visitor(decision.visit_id)} left without an account ({decision.stray.value})"
        case VisitJoined():
            return f"{names.visitor(decision.visit_id)} belongs to {names.visitor(decision.into)}"
        case _:
            return None
