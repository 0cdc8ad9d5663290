"""What the people who run the store do while it is open, and what the doors do: observations like any other.

A store is in one of four modes; `draining` lets those who are inside finish. A change of prices, planogram or stock is
an entry with a date, never an edit: a receipt can name what was in force when its shopper came in and when they left.
Goods are counted in pieces, goods sold by weight in whole grams.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .catalogue import Product, Promotion, SoldBy, TaxRate
from .entering import EntryWay, Role
from .layout import LATER, Facing


class Mode(StrEnum):
    """Who is let in."""

    UP = "up"
    STAFF_ONLY = "staff_only"
    DRAINING = "draining"  # nobody comes in; who is inside finishes and is charged
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    """The store opens, closes or drains; `staff` is who said so ("hours", "disk": the store itself)."""

    at_ns: int
    mode: Mode
    staff: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRequested:
    """Somebody asks the running store for a mode; it answers with `ModeChanged` or `ModeRefused`."""

    at_ns: int
    mode: Mode
    staff: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRefused:
    """The running store does not do what was asked, and why: one sentence each."""

    at_ns: int
    mode: Mode
    reasons: tuple[str, ...]


class BankWord(StrEnum):
    """What a door that waits for the bank heard before it opened."""

    NOT_ASKED = ""
    HELD = "held"
    NO_ANSWER = "no_answer"  # not in time: the store's settings let them in


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPending:
    """A shopper's code is good, and the door waits for the bank's word on what is held; then they are let in or not."""

    at_ns: int
    gate_id: str
    account: str
    party_size: int = 1
    code_id: str = ""
    way: EntryWay = EntryWay.CODE


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryGranted:
    """The door lets somebody in, at once; who of the people before it that is, `CodeScanned` says a moment later."""

    at_ns: int
    gate_id: str
    account: str
    party_size: int = 1
    role: Role = Role.SHOPPER
    code_id: str = ""
    way: EntryWay = EntryWay.CODE
    staff: str = ""
    bank: BankWord = field(default=BankWord.NOT_ASKED, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReleased:
    """A door stands open for everybody: fire alarm, loss of power, a broken lock. What leaves then is looked at."""

    at_ns: int
    gate_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRestored:
    """A door locks again."""

    at_ns: int
    gate_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChanged:
    """From now on these products, tax rates and promotions are in force; the others stay as they were.

    `products` are new or changed; none goes while the store runs, as a unit of it may stand on a shelf or be in a hand.
    `taxes` and `promotions` replace the whole list; None leaves it alone.
    """

    at_ns: int
    staff: str
    products: tuple[Product, ...] = ()
    taxes: tuple[TaxRate, ...] | None = None
    promotions: tuple[Promotion, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanogramChanged:
    """From now on these facings are what stands where; `layout_version` is that of the layout they come from."""

    at_ns: int
    staff: str
    facings: tuple[Facing, ...]
    layout_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRestocked:
    """Goods were brought in: pieces, or grams of goods sold by weight. `plates` is where they went, if said."""

    at_ns: int
    staff: str
    product_id: str
    quantity: int
    plates: tuple[str, ...] = ()
    sold_by: SoldBy = SoldBy.UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCounted:
    """Somebody counted `found` where the books said `booked`; the difference is shrink (or what nobody had booked)."""

    at_ns: int
    staff: str
    product_id: str
    found: int
    booked: int
    sold_by: SoldBy = SoldBy.UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMoved:
    """Goods went from one place in the store to another; how many there are stays the same."""

    at_ns: int
    staff: str
    product_id: str
    quantity: int
    from_plates: tuple[str, ...]
    to_plates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeConfirmed:
    """Somebody of the staff saw that this account, or whoever is on this visit, is at least so many years old."""

    at_ns: int
    staff: str
    age: int
    account: str | None = None
    visit_id: str | None = None

    def __post_init__(self) -> None:
        if (self.account is None) == (self.visit_id is None):
            raise ValueError("an age is confirmed of an account or of a visit: name one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitJoined:
    """Decision: whoever came in as `visit_id` belongs to `into`: a friend let in by another scan, or the same one."""

    at_ns: int
    visit_id: str
    into: str


class Stray(StrEnum):
    """How somebody came to be inside without an account."""

    TAILGATED = "tailgated"  # came through the door behind somebody, or over it
    APPEARED = "appeared"  # was first seen inside


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitUnclaimed:
    """Decision: a visit ended that nobody's code stands for; its goods are on a receipt that nobody can be charged."""

    at_ns: int
    visit_id: str
    track_id: str
    stray: Stray
