"""Stripe's webhooks as events: what of a payment they settle. Order and repetition are the reader's business.

Source: https://docs.stripe.com/api/events/types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from jwo_cli.model.paying import DisputeState, PaymentOutcome, PaymentPurpose

from .amounts import minor_amount
from .provider import DisputeNews, Event, SignatureError
from .signature import verify

HEADER = "stripe-signature"

_INTENTS = {
    "payment_intent.succeeded": PaymentOutcome.DONE,
    "payment_intent.amount_capturable_updated": PaymentOutcome.DONE,
    "payment_intent.processing": PaymentOutcome.PENDING,
    "payment_intent.requires_action": PaymentOutcome.ACTION_NEEDED,
    "payment_intent.payment_failed": PaymentOutcome.DECLINED,
    "payment_intent.canceled": PaymentOutcome.FAILED,
}
_REFUNDS = {"succeeded": PaymentOutcome.DONE, "failed": PaymentOutcome.FAILED, "canceled": PaymentOutcome.FAILED}

# https://docs.stripe.com/api/disputes/object: a "warning" is an inquiry, which takes no money.
_DISPUTES = {
    "warning_needs_response": DisputeState.ASKED,
    "warning_under_review": DisputeState.ASKED,
    "warning_closed": DisputeState.DROPPED,
    "prevented": DisputeState.DROPPED,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def parse(body: bytes, headers: Mapping[str, str], secrets: tuple[bytes, ...], *, now_s: float) -> Event:
    """The event in a webhook's raw body. Raises SignatureError for one that is not Stripe's, or is no event."""
    given = {name.lower(): value for name, value in headers.items()}
    verify(body, given.get(HEADER, ""), secrets, now_s=now_s)
    try:
        event = json.loads(body)
        return _event(str(event["id"]), str(event["type"]), event["data"]["object"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise SignatureError("the webhook is signed, but is no event") from error


def _event(event_id: str, kind: str, thing: dict[str, Any]) -> Event:
    if kind in _INTENTS:
        return _intent(event_id, kind, thing)
    if kind in ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"):
        return Event(
            event_id=event_id,
            kind=kind,
            key=_key(thing),
            receipt_id=_receipt(thing),
            reference=str(thing["id"]),
            purpose=PaymentPurpose.REFUND,
            outcome=_REFUNDS.get(str(thing["status"]), PaymentOutcome.PENDING),
            **_money(thing, int(thing["amount"])),
            code=str(thing.get("failure_reason") or ""),
            payment=str(thing.get("payment_intent") or ""),
        )
    if kind == "setup_intent.succeeded":
        return Event(
            event_id=event_id,
            kind=kind,
            customer_ref=str(thing.get("customer") or ""),
            method_ref=str(thing.get("payment_method") or ""),
        )
    if kind.startswith("charge.dispute."):
        return Event(event_id=event_id, kind=kind, reference=str(thing["id"]), dispute=dispute_news(thing))
    return Event(event_id=event_id, kind=kind)


def _intent(event_id: str, kind: str, thing: dict[str, Any]) -> Event:
    outcome = _INTENTS[kind]
    error = thing.get("last_payment_error") or {}
    code = "" if outcome is PaymentOutcome.DONE else str(error.get("decline_code") or error.get("code") or "")
    if code == "authentication_required":
        outcome = PaymentOutcome.ACTION_NEEDED
    held = kind == "payment_intent.amount_capturable_updated"
    manual = thing.get("capture_method") == "manual"
    captured = manual and kind == "payment_intent.succeeded"
    purpose = PaymentPurpose.AUTHORISE if manual else PaymentPurpose.CHARGE
    return Event(
        event_id=event_id,
        kind=kind,
        key=_key(thing),
        receipt_id=_receipt(thing),
        reference=str(thing["id"]),
        purpose=PaymentPurpose.CAPTURE if captured else purpose,
        outcome=outcome,
        **_money(thing, int(thing["amount_capturable"] if held else thing["amount_received"] or thing["amount"])),
        code=code or ("canceled" if outcome is PaymentOutcome.FAILED else ""),
        customer_ref=str(thing.get("customer") or ""),
    )


def dispute_news(thing: dict[str, Any]) -> DisputeNews:
    """A dispute object. Its fee is what its balance transactions say, as far as they are in its own currency."""
    currency = str(thing["currency"]).upper()
    moves = thing.get("balance_transactions") or ()
    fee = sum(int(move["fee"]) for move in moves if str(move["currency"]).upper() == currency)
    return DisputeNews(
        dispute=str(thing["id"]),
        payment=str(thing.get("payment_intent") or ""),
        state=_DISPUTES.get(str(thing["status"]), DisputeState.ASKED),
        amount_minor=minor_amount(int(thing["amount"]), currency),
        currency=currency,
        fee_minor=minor_amount(fee, currency),
        reason=str(thing.get("reason") or ""),
        at_s=int(thing["created"]),
    )


class _Money(TypedDict):
    amount_minor: int
    currency: str


def _money(thing: dict[str, Any], wire: int) -> _Money:
    currency = str(thing["currency"]).upper()
    return {"amount_minor": minor_amount(wire, currency), "currency": currency}


def _key(thing: dict[str, Any]) -> str:
    return str((thing.get("metadata") or {}).get("jwo_key") or "")


def _receipt(thing: dict[str, Any]) -> str | None:
    return str((thing.get("metadata") or {}).get("receipt_id") or "") or None
