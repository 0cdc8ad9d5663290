"""Stripe's HTTP API: PaymentIntents off session, captures, refunds, set-up and payment pages, lists.

Sources: https://docs.stripe.com/api (payment_intents, refunds, charges, checkout/sessions, customers, idempotent
requests), https://docs.stripe.com/error-low-level (a 500 is kept under its key, so that the same key brings it again:
whether anything happened is asked from the lists), https://docs.stripe.com/currencies#special-cases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from jwo_cli.model.paying import MethodProblem, PaymentOutcome, PaymentPurpose

from . import stripe_events
from .amounts import minor_amount, wire_amount
from .api import Api, Reply
from .provider import Answer, DisputeNews, Event, Movement, Order, RefusedError

URL = "https://api.stripe.com"
# The version whose objects this file reads; Stripe keeps serving it whatever the account's own default is.
VERSION = "2024-06-20"
_PAGE = 100

# Statuses of a PaymentIntent that are not the end.
_OUTCOMES = {
    "succeeded": PaymentOutcome.DONE,
    "requires_capture": PaymentOutcome.DONE,
    "processing": PaymentOutcome.PENDING,
    "requires_action": PaymentOutcome.ACTION_NEEDED,
    "requires_confirmation": PaymentOutcome.ACTION_NEEDED,
    "requires_payment_method": PaymentOutcome.DECLINED,
    "canceled": PaymentOutcome.FAILED,
}
_REFUNDS = {
    "succeeded": PaymentOutcome.DONE,
    "pending": PaymentOutcome.PENDING,
    "requires_action": PaymentOutcome.PENDING,
    "failed": PaymentOutcome.FAILED,
    "canceled": PaymentOutcome.FAILED,
}
_NOT_THERE = 404


class StripeProvider:
    """Stripe, or anything that speaks like it. `secret` and `webhook_secrets` are never shown."""

    def __init__(
        self,
        secret: str,
        *,
        webhook_secrets: tuple[bytes, ...] = (),
        base_url: str = URL,
        name: str = "stripe",
        timeout_s: float = 20.0,
    ) -> None:
        self._name = name
        self._webhook_secrets = webhook_secrets
        self._api = Api(base_url, secret, headers={"Stripe-Version": VERSION}, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"StripeProvider({self._name!r}, {self._api!r})"

    @property
    def name(self) -> str:
        """The name that journal entries carry."""
        return self._name

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._api.aclose()

    # -- setting up ----------------------------------------------------------------------------------------------

    async def customer(self, account: str) -> str:
        """A customer with the account in its metadata: the one that is there, else a new one.

        The search knows of what was made a minute ago, and the key of what was made since.
        """
        wanted = account.replace("\\", "\\\\").replace("'", "\\'")
        reply = await self._api.get("/v1/customers/search", {"query": f"metadata['account']:'{wanted}'", "limit": 1})
        if found := _fine(reply)["data"]:
            return str(found[0]["id"])
        form = {"metadata": {"account": account}}
        return _id(await self._api.post("/v1/customers", form, key=f"jwo-customer-{account}"))

    async def knows(self, customer_ref: str) -> bool:
        """A deleted customer is still shown, as deleted."""
        reply = await self._api.get(f"/v1/customers/{quote(customer_ref, safe='')}")
        return reply.status != _NOT_THERE and not _fine(reply).get("deleted")

    async def attach(self, customer_ref: str, method_ref: str) -> str:
        """Attach a payment method; in test mode also one of Stripe's own, such as pm_card_visa."""
        path = f"/v1/payment_methods/{quote(method_ref, safe='')}/attach"
        reply = await self._api.post(path, {"customer": customer_ref})
        if not reply.fine:
            raise ValueError(_error(reply).get("message") or "the provider refused the payment method")
        return str(reply.body["id"])

    async def setup_link(self, customer_ref: str, *, return_url: str) -> str:
        """A Checkout page in setup mode: the card's data go to Stripe and nowhere else."""
        form = {
            "mode": "setup",
            "customer": customer_ref,
            "payment_method_types": ["card"],
            "success_url": return_url,
        }
        return str(_fine(await self._api.post("/v1/checkout/sessions", form))["url"])

    async def forget(self, customer_ref: str) -> None:
        """Delete a customer for good: name, address and cards go, payments stay and can be refunded."""
        reply = await self._api.delete(f"/v1/customers/{quote(customer_ref, safe='')}")
        if reply.status != _NOT_THERE:  # it was deleted before
            _fine(reply)

    async def method_of(self, customer_ref: str) -> str | None:
        """The newest payment method of a customer."""
        body = _fine(await self._api.get(f"/v1/customers/{quote(customer_ref, safe='')}/payment_methods", {"limit": 1}))
        return str(body["data"][0]["id"]) if body["data"] else None

    # -- money ---------------------------------------------------------------------------------------------------

    async def authorise(self, order: Order) -> Answer:
        """A PaymentIntent with manual capture, confirmed off session."""
        return await self._intend(order, {"capture_method": "manual"})

    async def charge(self, order: Order) -> Answer:
        """A PaymentIntent that is confirmed and captured at once, off session."""
        return await self._intend(order, {})

    async def _intend(self, order: Order, more: Mapping[str, object]) -> Answer:
        amount = wire_amount(order.amount_minor, order.currency)
        if amount is None:
            return Answer(outcome=PaymentOutcome.FAILED, code="amount_precision")
        form = {
            "amount": amount,
            "currency": order.currency.lower(),
            "customer": order.wallet.customer_ref,
            "payment_method": order.wallet.method_ref,
            "payment_method_types": ["card"],
            "off_session": True,
            "confirm": True,
            "metadata": _metadata(order),
            **more,
        }
        return _intent_answer(await self._api.post("/v1/payment_intents", form, key=order.key))

    async def capture(self, order: Order, reference: str) -> Answer:
        """Capture `amount_to_capture` of an authorised PaymentIntent."""
        form = {"amount_to_capture": wire_amount(order.amount_minor, order.currency), "metadata": _metadata(order)}
        return _intent_answer(await self._api.post(f"/v1/payment_intents/{reference}/capture", form, key=order.key))

    async def cancel(self, order: Order, reference: str) -> Answer:
        """Cancel a PaymentIntent; one that is cancelled already is fine, one that succeeded is not."""
        path = f"/v1/payment_intents/{reference}"
        reply = await self._api.post(f"{path}/cancel", {"cancellation_reason": "abandoned"}, key=order.key)
        if not reply.fine:
            now = await self._api.get(path)
            if now.fine and now.body["status"] == "canceled":
                reply = now
        if reply.fine and reply.body["status"] == "canceled":
            return Answer(outcome=PaymentOutcome.DONE, reference=reference)
        return _intent_answer(reply)

    async def refund(self, order: Order, reference: str) -> Answer:
        """Refund a part of a PaymentIntent."""
        form = {
            "payment_intent": reference,
            "amount": wire_amount(order.amount_minor, order.currency),
            "metadata": _metadata(order),
        }
        reply = await self._api.post("/v1/refunds", form, key=order.key)
        return _refund_answer(reply.body) if reply.fine else _problem(reply)

    async def payment_link(self, order: Order, *, return_url: str) -> str:
        """A Checkout page that takes the order's amount from a shopper who is there to confirm it."""
        form = {
            "mode": "payment",
            "customer": order.wallet.customer_ref,
            "payment_method_types": ["card"],
            "success_url": return_url,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": wire_amount(order.amount_minor, order.currency),
                        "product_data": {"name": f"Receipt {order.receipt_id or order.visit_id}"},
                    },
                }
            ],
            "metadata": _metadata(order),
            "payment_intent_data": {"metadata": _metadata(order)},
        }
        return str(_fine(await self._api.post("/v1/checkout/sessions", form, key=f"{order.key}-link"))["url"])

    async def close_pages(self, order: Order) -> bool:
        """Expire the order's Checkout sessions. The list knows also one whose address we never came to write down."""
        closed = True
        async for page in self._list("/v1/checkout/sessions", {"customer": order.wallet.customer_ref}):
            if _key_of(page) != order.key or page["status"] == "expired":
                continue
            path = f"/v1/checkout/sessions/{page['id']}"
            if page["status"] == "open" and not (await self._api.post(f"{path}/expire", {})).fine:
                page = _fine(await self._api.get(path))  # noqa: PLW2901 - it was paid, or closed, meanwhile
            elif page["status"] == "open":
                continue
            closed = closed and page["status"] == "expired"
        return closed

    # -- asking --------------------------------------------------------------------------------------------------

    async def find(self, order: Order, purpose: PaymentPurpose, *, reference: str = "") -> Answer | None:
        """The lists are complete at once (the search is not): walk them for the key."""
        if purpose in (PaymentPurpose.CAPTURE, PaymentPurpose.CANCEL):
            return await self._find_ended(purpose, reference)
        path, query = "/v1/payment_intents", {"customer": order.wallet.customer_ref}
        if purpose is PaymentPurpose.REFUND:
            path, query = "/v1/refunds", {"payment_intent": reference}
        found = [item async for item in self._list(path, query) if _key_of(item) == order.key]
        answers = [
            _refund_answer(item) if purpose is PaymentPurpose.REFUND else _intent_answer(Reply(200, item))
            for item in found
        ]
        done = (answer for answer in answers if answer.outcome is PaymentOutcome.DONE)
        return next(done, answers[0] if answers else None)

    async def _find_ended(self, purpose: PaymentPurpose, reference: str) -> Answer | None:
        reply = await self._api.get(f"/v1/payment_intents/{reference}")
        if not reply.fine:
            return None
        ended = "canceled" if purpose is PaymentPurpose.CANCEL else "succeeded"
        if reply.body["status"] != ended:
            return None
        return replace(_intent_answer(reply), outcome=PaymentOutcome.DONE, code="")

    async def movements(self, since_s: int, until_s: int) -> AsyncIterator[Movement]:
        """Captured charges and refunds that were made good, by the time they were made."""
        window = {"created": {"gte": since_s, "lt": until_s}}
        async for item in self._list("/v1/charges", window):
            if item["amount_captured"]:
                payment = str(item.get("payment_intent") or item["id"])
                yield _movement(item, item["amount_captured"], payment, PaymentPurpose.CHARGE)
        async for item in self._list("/v1/refunds", window):
            if item.get("status") == "succeeded":
                payment = str(item.get("payment_intent") or item.get("charge"))
                yield _movement(item, item["amount"], payment, PaymentPurpose.REFUND)

    async def disputes(self, since_s: int, until_s: int) -> AsyncIterator[DisputeNews]:
        """Disputes by the time they were opened."""
        async for item in self._list("/v1/disputes", {"created": {"gte": since_s, "lt": until_s}}):
            yield stripe_events.dispute_news(item)

    async def _list(self, path: str, query: Mapping[str, object]) -> AsyncIterator[dict[str, Any]]:
        after: dict[str, object] = {}
        while True:
            body = _fine(await self._api.get(path, {**query, "limit": _PAGE, **after}))
            for item in body["data"]:
                yield item
            if not body["has_more"]:
                return
            after = {"starting_after": body["data"][-1]["id"]}

    def parse(self, body: bytes, headers: Mapping[str, str], *, now_s: float) -> Event:
        """A webhook's event, its signature checked over the raw body."""
        return stripe_events.parse(body, headers, self._webhook_secrets, now_s=now_s)


def _metadata(order: Order) -> dict[str, object]:
    return {
        "jwo_key": order.key,
        "visit_id": order.visit_id,
        "receipt_id": order.receipt_id,
        "store_id": order.store_id or None,
    }


def _key_of(item: Mapping[str, Any]) -> str:
    return str((item.get("metadata") or {}).get("jwo_key") or "")


def _movement(item: dict[str, Any], amount: int, payment: str, purpose: PaymentPurpose) -> Movement:
    currency = str(item["currency"]).upper()
    return Movement(
        reference=str(item["id"]) if purpose is PaymentPurpose.REFUND else payment,
        payment=payment,
        purpose=purpose,
        amount_minor=minor_amount(amount, currency),
        currency=currency,
        key=_key_of(item),
        at_s=int(item["created"]),
        store_id=str((item.get("metadata") or {}).get("store_id") or ""),
    )


def _intent_answer(reply: Reply) -> Answer:
    """A PaymentIntent's status as an outcome; errors by their code."""
    if not reply.fine:
        return _problem(reply)
    error = reply.body.get("last_payment_error") or {}
    outcome = _OUTCOMES.get(reply.body["status"], PaymentOutcome.PENDING)
    code = "" if outcome is PaymentOutcome.DONE else str(error.get("decline_code") or error.get("code") or "")
    if code == "authentication_required":
        outcome = PaymentOutcome.ACTION_NEEDED
    if outcome is PaymentOutcome.FAILED:
        code = code or "canceled"
    moved = 0
    if outcome is PaymentOutcome.DONE and reply.body["status"] == "succeeded":
        moved = minor_amount(int(reply.body["amount_received"]), str(reply.body["currency"]).upper())
    return Answer(outcome=outcome, reference=str(reply.body["id"]), code=code, amount_minor=moved)


def _refund_answer(body: Mapping[str, Any]) -> Answer:
    outcome = _REFUNDS.get(str(body["status"]), PaymentOutcome.PENDING)
    code = str(body.get("failure_reason") or "") if outcome is PaymentOutcome.FAILED else ""
    moved = minor_amount(int(body["amount"]), str(body["currency"]).upper())
    return Answer(
        outcome=outcome,
        reference=str(body["id"]),
        code=code,
        amount_minor=moved,
        payment=str(body.get("payment_intent") or ""),
    )


def _problem(reply: Reply) -> Answer:
    """An error that is certain: the bank's no, a question to the shopper, or a request that cannot be done."""
    error = _error(reply)
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or f"http_{reply.status}")
    reference = str((error.get("payment_intent") or {}).get("id") or "")
    if error.get("type") == "idempotency_error":
        return Answer(outcome=PaymentOutcome.FAILED, code=MethodProblem.KEY_REUSED.value)
    if "authentication_required" in (error.get("code"), error.get("decline_code")):
        return Answer(outcome=PaymentOutcome.ACTION_NEEDED, reference=reference, code="authentication_required")
    refused = reply.status == 402 or error.get("type") == "card_error"
    return Answer(outcome=PaymentOutcome.DECLINED if refused else PaymentOutcome.FAILED, reference=reference, code=code)


def _error(reply: Reply) -> dict[str, Any]:
    error = reply.body.get("error")
    return error if isinstance(error, dict) else {}


def _fine(reply: Reply) -> dict[str, Any]:
    if not reply.fine:
        raise RefusedError(f"HTTP {reply.status}: {_error(reply).get('message') or 'the provider refused'}")
    return reply.body


def _id(reply: Reply) -> str:
    return str(_fine(reply)["id"])
