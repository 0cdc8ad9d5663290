"""What the store needs of a payment provider: one protocol, its words, and the two ways in which asking can fail.

A call either has an answer (`Answer`, also when the bank says no), or it is uncertain whether anything happened
(`UnavailableError`: ask again with the same key), or the provider does not let us in at all (`RefusedError`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from jwo_cli.model.paying import DisputeState, PaymentOutcome, PaymentPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """How an account pays: references at the provider, never card data."""

    customer_ref: str
    method_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One call that moves or holds money. Its idempotency key and the store's id are kept with what it makes."""

    key: str
    amount_minor: int
    currency: str
    wallet: Wallet
    visit_id: str
    receipt_id: str | None = None
    store_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider said. `reference` names what was made (empty where nothing was), `code` why not.

    `amount_minor` is what moved by the provider's own count; 0 where it does not say, and what was asked is meant.
    `payment` is the payment that a refund came from.
    """

    outcome: PaymentOutcome
    reference: str = ""
    code: str = ""
    amount_minor: int = 0
    payment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money that moved, as the provider lists it. `payment` is the payment it belongs to (its own id for a charge).

    `key` and `store_id` are those of the order that moved it, empty where it was none of ours.
    """

    reference: str
    payment: str
    purpose: PaymentPurpose  # charge or refund
    amount_minor: int
    currency: str
    key: str
    at_s: int
    store_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeNews:
    """A dispute as the provider tells it now. `payment` is the payment that is disputed; `fee_minor` by now."""

    dispute: str
    payment: str
    state: DisputeState
    amount_minor: int
    currency: str
    fee_minor: int
    reason: str
    at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A webhook's content, verified. `key` is that of the call that made the object, empty for what we did not make.

    `receipt_id` is the receipt of that call, None for a hold. `outcome` is None for events that say nothing about a
    payment's end; `method_ref` comes with a finished set-up.
    """

    event_id: str
    kind: str
    key: str = ""
    receipt_id: str | None = None
    reference: str = ""
    purpose: PaymentPurpose | None = None
    outcome: PaymentOutcome | None = None
    amount_minor: int = 0
    currency: str = ""
    code: str = ""
    payment: str = ""
    customer_ref: str = ""
    method_ref: str = ""
    dispute: DisputeNews | None = None


class UnavailableError(Exception):
    """It is not known whether the provider did it: ask again with the same key. The message holds no secret.

    `stuck` says that asking again brings the same: the provider keeps a failure of its own under this key.
    """

    def __init__(self, problem: str, *, stuck: bool = False) -> None:
        super().__init__(problem)
        self.stuck = stuck


class RefusedError(Exception):
    """The provider does not accept us (wrong or missing key, no permission): a person has to mend it."""


class SignatureError(Exception):
    """A webhook that does not come from the provider, or comes too late."""


class Provider(Protocol):
    """A payment provider. Every call may raise UnavailableError or RefusedError."""

    @property
    def name(self) -> str:
        """The name that journal entries carry."""

    async def customer(self, account: str) -> str:
        """The provider's customer for an account, made once; its reference."""

    async def knows(self, customer_ref: str) -> bool:
        """Whether there is such a customer, not deleted."""

    async def attach(self, customer_ref: str, method_ref: str) -> str:
        """Give a customer a payment method that the provider made; its reference. Raises ValueError if it refuses."""

    async def setup_link(self, customer_ref: str, *, return_url: str) -> str:
        """A page of the provider's where the shopper enters a card."""

    async def forget(self, customer_ref: str) -> None:
        """Delete a customer with their payment methods; what was paid stays. Safe to repeat."""

    async def method_of(self, customer_ref: str) -> str | None:
        """The customer's newest payment method, None without one."""

    async def authorise(self, order: Order) -> Answer:
        """Hold an amount. Done: it is held."""

    async def capture(self, order: Order, reference: str) -> Answer:
        """Take an amount of what `reference` holds, at most all of it; the rest is let go."""

    async def charge(self, order: Order) -> Answer:
        """Take an amount while the shopper is away."""

    async def refund(self, order: Order, reference: str) -> Answer:
        """Give an amount of a payment back."""

    async def cancel(self, order: Order, reference: str) -> Answer:
        """Let go of what `reference` holds, or give up a payment that is not complete. Done: nothing was taken."""

    async def payment_link(self, order: Order, *, return_url: str) -> str:
        """A page of the provider's where the shopper pays an order that their bank asked them for."""

    async def close_pages(self, order: Order) -> bool:
        """Have nobody pay this order on a page of its own any more; False where somebody did, and it is to be found."""

    async def find(self, order: Order, purpose: PaymentPurpose, *, reference: str = "") -> Answer | None:
        """What became of an order's key, asked from the provider's own lists; None where they do not show it.

        `reference` is the payment that it is about, if any. No clock is asked: a wrong one must not hide a payment.
        """

    def movements(self, since_s: int, until_s: int) -> AsyncIterator[Movement]:
        """All money that moved in [since_s, until_s) by the provider's clock, newest first."""

    def disputes(self, since_s: int, until_s: int) -> AsyncIterator[DisputeNews]:
        """All disputes that began in [since_s, until_s) by the provider's clock, as they stand now, newest first."""

    def parse(self, body: bytes, headers: Mapping[str, str], *, now_s: float) -> Event:
        """A webhook's event, its signature checked over the raw body. Raises SignatureError."""

    async def aclose(self) -> None:
        """Let go of connections."""
