"""What the store believes and settles. Every decision is journalled with the entries that caused it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .catalogue import SoldBy
from .layout import LATER
from .observations import Role
from .paying import PaymentDue
from .staffing import VisitJoined, VisitUnclaimed


class ActionKind(StrEnum):
    """What somebody did with an item."""

    PICK = "pick"
    PUT = "put"
    MISPLACE = "misplace"
    HAND_OVER = "hand_over"
    RESTOCK = "restock"
    PART = "part"  # the beginning of what the next event on these plates ends
    NONE = "none"


class Settlement(StrEnum):
    """How a receipt came to be final: sure enough by itself, or waiting for a person."""

    AUTOMATIC = "automatic"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitStarted:
    """A person entered. `visit_id` comes from content (recording and first tracker id)."""

    at_ns: int
    visit_id: str
    track_id: str
    role: Role
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One way to explain an event: who did what, with what, how many.

    `visit_id` is None for nobody we know; "a & b" where two acted at once. Of a doubted identity it is whose id went
    over to somebody else, None where none did.
    """

    visit_id: str | None
    action: ActionKind
    items: tuple[tuple[str, int], ...]
    probability: float

    @property
    def visits(self) -> tuple[str, ...]:
        """Whose it was: none, one, or two who acted at once."""
        return () if self.visit_id is None else tuple(self.visit_id.split(" & "))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventExplained:
    """What is believed about one weight, tag or hand event at the time it was final, best explanation first."""

    at_ns: int
    event_seq: int
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAlternative:
    """Another quantity of the same line, or another product in its place, and how probable it is.

    `name` is the product's, on receipts: they are read where no catalogue is.
    """

    product_id: str
    quantity: int
    probability: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A product in a virtual cart or basket: the most probable quantity, its probability, and what else it may be."""

    product_id: str
    quantity: int
    probability: float
    caused_by: tuple[int, ...]
    alternatives: tuple[LineAlternative, ...] = ()
    mass_g: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChanged:
    """The virtual cart of a visit after an event: belief, not yet a basket."""

    at_ns: int
    visit_id: str
    lines: tuple[CartLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEnded:
    """A person left (or the stream ended): the basket is closed.

    `probability` is that of the whole basket, also where it is empty and no receipt follows; None in entries that were
    written before it was told.
    """

    at_ns: int
    visit_id: str
    track_id: str
    probability: float | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """A priced line, minor units. `total_minor` is what the shopper pays for it: goods, deposit and tax.

    `unit_price_minor` is as on the shelf (per kilogram when `sold_by` is weight; `mass_g` is then the mass to pay).
    `discount_minor` ≤ 0; `tax_minor` is the tax inside `total_minor`, `deposit_tax_minor` its share on the deposit.
    `promotions` are the names of what was applied; `age_min` flags goods that are not sold to everybody.
    """

    product_id: str
    name: str
    quantity: int
    unit_price_minor: int
    discount_minor: int
    deposit_minor: int
    tax_class: str
    tax_rate_bp: int
    tax_minor: int
    total_minor: int
    probability: float
    charged: bool
    caused_by: tuple[int, ...]
    alternatives: tuple[LineAlternative, ...] = ()
    mass_g: float | None = None
    promotions: tuple[str, ...] = ()
    reason: str = ""
    sold_by: SoldBy = SoldBy.UNIT
    age_min: int | None = None
    deposit_tax_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIssued:
    """The best estimate of a visit, priced. Only lines with `charged` are charged: all of an automatic receipt's,
    those sure enough of a receipt under review. `total_minor` and `tax_minor` are the sums over all lines,
    `charged_minor` over the charged ones. `prices_include_tax` says how the shelf prices on the lines are meant.
    """

    at_ns: int
    receipt_id: str
    visit_id: str
    track_id: str
    currency: str
    lines: tuple[ReceiptLine, ...]
    total_minor: int
    tax_minor: int
    charged_minor: int
    settled: Settlement
    probability: float
    reasons: tuple[str, ...] = ()
    account: str | None = None
    prices_include_tax: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewNeeded:
    """A person should look at a receipt: which line and why."""

    at_ns: int
    receipt_id: str
    visit_id: str
    product_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MassDoubted:
    """The catalogue's mass of a product disagrees with what left its facing; the proposed correction is measured."""

    at_ns: int
    product_id: str
    listed_g: float | None
    measured_g: float
    events: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptCorrected:
    """A person decided: the receipt's lines from now on and the difference to what was charged before.

    `replaces` are the lines as they stood before, so that the ledger can take them back from this decision alone.
    `total_minor` sums the charged lines; `difference_minor` below zero is a refund. `account` is who pays, if anybody.
    """

    at_ns: int
    receipt_id: str
    visit_id: str
    currency: str
    lines: tuple[ReceiptLine, ...]
    total_minor: int
    tax_minor: int
    difference_minor: int
    staff: str
    replaces: tuple[ReceiptLine, ...] = ()
    prices_include_tax: bool = True
    account: str | None = field(default=None, metadata=LATER)


Decision = (
    VisitStarted
    | EventExplained
    | CartChanged
    | VisitEnded
    | ReceiptIssued
    | ReviewNeeded
    | MassDoubted
    | ReceiptCorrected
    | PaymentDue
    | VisitJoined
    | VisitUnclaimed
)
