"""Who comes in: roles, how somebody was admitted or refused, and what an account is to the store.

An account is an opaque reference. Names, addresses and whatever else belongs to a person are kept sealed beside the
journal under a key of that person's own; what stands here is a commitment to them. A payment is a reference at its
provider, never card data.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Decides who can be billed: only shoppers are."""

    SHOPPER = "shopper"
    STAFF = "staff"
    TESTER = "tester"
    UNTRACKED = "untracked"


class EntryWay(StrEnum):
    """How somebody was let in: their own entry code, a card held to the reader, or a member of staff."""

    CODE = "code"
    CARD = "card"
    STAFF = "staff"


class Refusal(StrEnum):
    """Why a gate stayed shut."""

    UNREADABLE = "unreadable"  # not an entry code at all: another QR code, or cut off
    FOREIGN = "foreign"  # an entry code of another store
    FORGED = "forged"  # made for this store, but not with one of its keys
    EXPIRED = "expired"
    NOT_YET = "not_yet"  # dated ahead of the gate's clock
    USED = "used"
    UNKNOWN = "unknown"  # no such account
    BLOCKED = "blocked"
    DECLINED = "declined"  # a charge was declined and is still owed, or the bank holds nothing on their card
    NO_PAYMENT = "no_payment"  # the account has no way to pay
    NO_ANSWER = "no_answer"  # the provider said nothing in time, and the store does not open without
    CLOSED = "closed"  # the store lets nobody in now


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRefused:
    """A gate let somebody not in, and why. `code_id` and `account` are told as far as they could be read."""

    at_ns: int
    gate_id: str
    refusal: Refusal
    account: str | None = None
    code_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    """An account was opened. `commitment` binds its sealed personal fields; without their key it tells nothing."""

    at_ns: int
    account: str
    role: Role
    commitment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBlocked:
    """Staff blocked an account, or let it in again (`blocked` false)."""

    at_ns: int
    account: str
    blocked: bool
    reason: str
    staff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErased:
    """The key to an account's personal fields was destroyed; its visits and receipts stay, without a person."""

    at_ns: int
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethodSet:
    """An account pays through `provider`: the references of its customer and payment method there."""

    at_ns: int
    account: str
    provider: str
    customer_ref: str
    method_ref: str


Entering = EntryRefused | AccountOpened | AccountBlocked | AccountErased | PaymentMethodSet
