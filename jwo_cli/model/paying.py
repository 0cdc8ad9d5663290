"""Money that is to move and what became of it: an intent with its key first, the provider's answer after it.

A `PaymentDue` is durable before anybody calls the provider; `key` is the idempotency key of that call, made of what is
to happen (visit, purpose, amount, how often it was decided and tried), so that asking again can only ask for the same.
Only dues of a store that really runs are carried to the provider: their entries' source begins with `CHARGED_SOURCE`.
Recordings that are replayed, and a store in shadow mode, decide the same dues, and nobody charges them. Neither does a
store that runs without payments: its source says so (`UNCHARGED_SOURCE`), and people are asked before that is changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from .layout import LATER

# Entries of a running store have a source that begins so, and those of a run without payments go on so.
CHARGED_SOURCE = "run/"
UNCHARGED_SOURCE = f"{CHARGED_SOURCE}no-payments/"


def charges(source: str) -> bool:
    """Whether a run's entries of this source ask people for money."""
    return source.startswith(CHARGED_SOURCE) and not source.startswith(UNCHARGED_SOURCE)


class PaymentPurpose(StrEnum):
    """What is to be done with the shopper's money."""

    AUTHORISE = "authorise"  # at the entry: hold an amount
    CAPTURE = "capture"  # at the exit: take what is due of what is held
    CHARGE = "charge"  # take an amount that nothing is held for
    REFUND = "refund"
    CANCEL = "cancel"  # let go of what is held


class PaymentOutcome(StrEnum):
    """What became of a due. All but `pending` and `action_needed` are final, except that done beats what is not done.

    `returned` ends a refund that was done: the shopper's bank sent it back, and the store has the money again.
    """

    DONE = "done"
    PENDING = "pending"  # the provider has it and will say
    ACTION_NEEDED = "action_needed"  # the shopper's bank asks for the shopper: a link waits for them
    DECLINED = "declined"  # the bank said no
    FAILED = "failed"  # it cannot be done as asked; `code` says why
    RETURNED = "returned"


class MethodProblem(StrEnum):
    """Codes of our own, beside the provider's."""

    NO_METHOD = "no_payment_method"
    NOT_AUTHORISED = "not_authorised"  # nothing is held that could be captured
    SUPERSEDED = "superseded"  # another due of the same receipt asks for what is owed now
    PROVIDER_ERROR = "provider_error"  # the provider failed, and shows nothing for this key
    KEY_REUSED = "idempotency_key_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDue:
    """Move this amount, once. `decision` is 0 at the exit and numbers the corrections of a receipt after it.

    `attempt` counts the tries after a refusal. `amount_minor` is above zero, in minor units of `currency`. A capture
    and a cancel name the key of the due that asked to hold the money: `held_key`.
    """

    at_ns: int
    key: str
    purpose: PaymentPurpose
    visit_id: str
    receipt_id: str | None
    account: str
    amount_minor: int
    currency: str
    decision: int = 0
    attempt: int = 1
    held_key: str = ""

    def __post_init__(self) -> None:
        if self.amount_minor <= 0:
            raise ValueError(f"{self.purpose.value} of {self.amount_minor}: what is due is above zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAnswered:
    """The provider's word on a due: at most one for each key and outcome, whether a call or a webhook brought it.

    `amount_minor` is what moved, by the provider's count: a refund may get only a part from one payment, and the rest
    is due again. `reference` is the provider's id of what happened, `payment` the payment that a refund came from.
    `code` is the provider's reason in short. `link` is where the shopper settles it, if they are needed. `attempt` is
    the due's: one above 1 asked for all that its receipt missed.
    """

    at_ns: int
    key: str
    purpose: PaymentPurpose
    receipt_id: str | None
    account: str
    amount_minor: int
    currency: str
    outcome: PaymentOutcome
    provider: str
    reference: str
    code: str = ""
    link: str = ""
    payment: str = ""
    attempt: int = field(default=1, metadata=LATER)


class DisputeState(StrEnum):
    """How far a dispute is: a shopper asked their bank for the money back."""

    ASKED = "asked"  # the bank only asks; no money moved
    OPEN = "open"  # the bank took the money back, until it is decided
    WON = "won"  # the store has it again
    LOST = "lost"
    DROPPED = "dropped"  # it was asked, and no money moved


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputed:
    """A step of a dispute about a payment that we made, once each, whatever order the provider tells it in.

    `amount_minor` is what is disputed. What this step moved: `taken_minor` the provider took (below zero: gave back),
    `fee_minor` likewise for its fee, and `lost_minor` is lost for good with it. A dispute that is heard of only at its
    end has its beginning as an entry before that.
    """

    at_ns: int
    dispute: str
    payment: str
    receipt_id: str
    account: str
    state: DisputeState
    amount_minor: int
    currency: str
    taken_minor: int
    fee_minor: int
    lost_minor: int
    provider: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSent:
    """A receipt or correction went to a webhook, or did not: `status` is the HTTP status, 0 where nobody answered.

    `number` is the document's own; `final` means that nothing more is tried; `content` is the SHA-256 of the body and
    `target` the address without what may be secret in it.
    """

    at_ns: int
    number: str
    receipt_id: str
    target: str
    content: str
    attempt: int
    status: int
    delivered: bool
    final: bool


def payment_due(
    *,
    at_ns: int,
    purpose: PaymentPurpose,
    visit_id: str,
    receipt_id: str | None,
    account: str,
    amount_minor: int,
    currency: str,
    decision: int = 0,
    attempt: int = 1,
    held_key: str = "",
) -> PaymentDue:
    """A due with the key of its content: `jwo-` and 40 hex digits. `at_ns` is no part of it."""
    content = [visit_id, purpose.value, receipt_id, account, amount_minor, currency, decision, attempt, held_key]
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
    return PaymentDue(
        at_ns=at_ns,
        key=f"jwo-{digest[:40]}",
        purpose=purpose,
        visit_id=visit_id,
        receipt_id=receipt_id,
        account=account,
        amount_minor=amount_minor,
        currency=currency,
        decision=decision,
        attempt=attempt,
        held_key=held_key,
    )
