"""What the world did, as far as the sensors' front end can tell: the only input of the engine.

High-rate telemetry (60 Hz weights, 10 Hz poses) stays in the recording's streams and the journal's segments; what is
journalled entry by entry is what models made of it. A weight change carries who could have reached it, so that an
explanation never has to go back to the raw samples. Quantities are rounded by the front end (0.01 g, 1 mm, 1e-4) so
that equal input gives equal bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from .entering import (
    AccountBlocked,
    AccountErased,
    AccountOpened,
    EntryRefused,
    EntryWay,
    PaymentMethodSet,
)
from .entering import Role as Role  # noqa: PLC0414 - whoever reads observations finds it here
from .layout import LATER
from .paying import PaymentAnswered, PaymentDisputed, ReceiptSent
from .staffing import (
    AgeConfirmed,
    CatalogueChanged,
    EntryGranted,
    EntryPending,
    GateReleased,
    GateRestored,
    ModeChanged,
    ModeRefused,
    ModeRequested,
    PlanogramChanged,
    StockCounted,
    StockMoved,
    StockRestocked,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOpened:
    """The first observation of a run or replay: which recording and which layout everything after it belongs to."""

    at_ns: int
    recording_id: str
    layout_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScanned:
    """Somebody was admitted at a gate: `account` is an opaque reference, `track_id` who stood there, if seen.

    `code_id` names the single use of an entry code; it is empty where no code was shown (card, staff).
    """

    at_ns: int
    gate_id: str
    account: str
    party_size: int = 1
    role: Role = Role.SHOPPER
    track_id: str | None = None
    code_id: str = field(default="", metadata=LATER)
    way: EntryWay = field(default=EntryWay.CODE, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackStarted:
    """A person appeared under a new tracker id, at a gate when `gate_id` is given, on the floor otherwise."""

    at_ns: int
    track_id: str
    x_m: float
    y_m: float
    role: Role = Role.SHOPPER
    gate_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackEnded:
    """A tracker id was seen for the last time. `left_store` is the probability that the person walked out there."""

    at_ns: int
    track_id: str
    x_m: float
    y_m: float
    left_store: float = 1.0
    gate_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDoubted:
    """Two tracker ids may have swapped their persons at `at_ns`, or `before` went on as `after` (`kind` restart).

    In a `merge` two people came under one id: `before` was lost, and `after` may go on as the person that it named, so
    that `before` stands for whoever `after` was, out of sight.
    """

    at_ns: int
    kind: str  # "swap" | "restart" | "merge"
    before: str
    after: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsMet:
    """Two people's hands came together, so that something may have changed hands; `distance_m` is the closest."""

    at_ns: int
    until_ns: int
    a: str
    b: str
    distance_m: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorTouched:
    """Somebody's hand went to the floor at (x, y): something may have been left or picked up there."""

    at_ns: int
    track_id: str
    x_m: float
    y_m: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateDelta:
    """Change of one plate across an event, grams, with its standard deviation (settled level after minus before)."""

    plate_id: str
    delta_g: float
    sigma_g: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.delta_g) and math.isfinite(self.sigma_g) and self.sigma_g >= 0):
            raise ValueError(f"{self.plate_id}: {self.delta_g} ± {self.sigma_g} g is not a measured change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How well a person explains a change by being there: log-likelihood, closest hand and body (m, None unseen)."""

    track_id: str
    log_likelihood: float
    hand_m: float | None
    body_m: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightChanged:
    """The settled weight on one shelf changed between `begin_ns` and `end_ns`.

    `plates` are those that changed (or may have). `real` is the probability that something really left or arrived
    (against drift, a shift of goods along the shelf, or a sensor's fault). `reaches` lists everybody near; nobody there
    is an empty tuple, and `poses_known` False means that no camera could have seen anybody then (missing evidence).
    `steps` is how many separate lifts the trace shows inside the change (1 when one). `appearance` is what a camera saw
    in the hand: (product_id, log-likelihood against something it says nothing about), empty where none saw it.
    """

    at_ns: int
    begin_ns: int
    end_ns: int
    shelf_id: str
    plates: tuple[PlateDelta, ...]
    real: float
    reaches: tuple[Reach, ...]
    poses_known: bool = True
    steps: int = 1
    appearance: tuple[tuple[str, float], ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfTouched:
    """Someone pressed or touched a shelf and nothing was taken: kept because it explains what was not charged."""

    at_ns: int
    begin_ns: int
    end_ns: int
    shelf_id: str
    plates: tuple[str, ...]
    peak_g: float
    reaches: tuple[Reach, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnweighedReach:
    """Somebody's hand did at these plates, while they did not weigh, what hands do that take or place something.

    `plates` are those that the hand fits about equally well, best first; `begin_ns` to `end_ns` is how long it stayed.
    """

    at_ns: int
    begin_ns: int
    end_ns: int
    plates: tuple[str, ...]
    track_id: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadStay:
    """Somebody was in an antenna's field from `at_ns` to `until_ns` while the antenna was not heard.

    `tags_known` says that goods which only it tells of were read there before: which of them left meanwhile is told
    once it has been heard again for a while. Else that can never be told.
    """

    at_ns: int
    until_ns: int
    antenna_id: str
    track_id: str
    tags_known: bool


class TagState(StrEnum):
    """What an RFID antenna makes of a tag."""

    PRESENT = "present"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChanged:
    """A tagged item appeared at or left an antenna's field, with probability; `reaches` as for a weight change.

    One that left while the antenna was not heard left at any moment from `at_ns` to `until_ns`; 0 where the moment is
    known. `reaches` are then of all who were there meanwhile, also of those who have left the store since.
    """

    at_ns: int
    antenna_id: str
    tag_id: str
    product_id: str
    state: TagState
    probability: float
    reaches: tuple[Reach, ...] = ()
    until_ns: int = field(default=0, metadata=LATER)


class FaultKind(StrEnum):
    """What is wrong with a device; its evidence counts as missing from `at_ns` to `until_ns`."""

    DEAD = "dead"
    STUCK = "stuck"
    SPIKING = "spiking"
    NAN = "nan"
    GAP = "gap"
    DUPLICATE = "duplicate"
    DISORDER = "disorder"
    CLOCK = "clock"
    UNKNOWN_CHANNEL = "unknown_channel"
    STALLED = "stalled"  # what it carries out does not get through


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFaulted:
    """A device gave no, impossible or displaced data; `device_id` is a plate, shelf, fixture, stream or antenna."""

    at_ns: int
    device_id: str
    kind: FaultKind
    until_ns: int
    count: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecided:
    """A person says what is on a receipt: `lines` (product id, quantity), all of them.

    `charge_more` says that the shopper pays it also where that is more than they were told; else that is the most.
    `account` names who pays a receipt that had nobody.
    """

    at_ns: int
    receipt_id: str
    staff: str
    lines: tuple[tuple[str, int], ...]
    note: str = ""
    charge_more: bool = field(default=False, metadata=LATER)
    account: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """The clock moved; nothing else happened."""

    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreClosed:
    """The stream ended: everybody still inside is taken to have left."""

    at_ns: int


Observation = (
    StoreOpened
    | CodeScanned
    | TrackStarted
    | TrackEnded
    | IdentityDoubted
    | HandsMet
    | FloorTouched
    | WeightChanged
    | ShelfTouched
    | UnweighedReach
    | UnreadStay
    | TagChanged
    | DeviceFaulted
    | ReviewDecided
    | Ticked
    | StoreClosed
    | EntryRefused
    | AccountOpened
    | AccountBlocked
    | AccountErased
    | PaymentMethodSet
    | PaymentAnswered
    | PaymentDisputed
    | ReceiptSent
    | ModeChanged
    | ModeRequested
    | ModeRefused
    | EntryGranted
    | EntryPending
    | GateReleased
    | GateRestored
    | CatalogueChanged
    | PlanogramChanged
    | StockRestocked
    | StockCounted
    | StockMoved
    | AgeConfirmed
)
