"""The fake provider's money, without HTTP: customers, PaymentIntents, charges, refunds, pages; Stripe's rules.

A call is one function of (state, path, form); it answers a status and a JSON object and leaves events behind. Refused
are refunds above what is left, captures above what is held, and steps that a payment's status does not allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import disputes

Json = dict[str, Any]
Form = Mapping[str, str]
Answer = tuple[int, Json]

# The payment methods that Stripe's test mode knows, and what each does to a charge off session.
METHODS = {
    "pm_card_visa": "",
    "pm_card_mastercard": "",
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedLostCard": "lost_card",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
    "pm_card_authenticationRequired": "authentication_required",
    "pm_card_createDispute": "",
}
# Smallest charge, in minor units; Stripe's list is longer.
SMALLEST = {"eur": 50, "usd": 50, "gbp": 30, "chf": 50, "jpy": 50}


class Bank:
    """All objects by id, in order of creation. `now_s` is asked for each object's time."""

    def __init__(self, now_s: Callable[[], int], *, base_url: str = "http://127.0.0.1") -> None:
        self._now_s = now_s
        self.base_url = base_url
        self.things: dict[str, Json] = {}
        self.events: list[Json] = []
        self.count = 0
        self.decline_next = False

    def call(self, method: str, path: str, form: Form) -> Answer:
        """What a request does. Unknown paths are 404."""
        for verb, pattern, function in _ROUTES:
            found = re.fullmatch(pattern, path) if verb == method else None
            if found is not None:
                try:
                    return function(self, form, *found.groups())
                except ValueError as error:
                    return 400, _error("invalid_request_error", str(error), code="parameter_invalid_integer")
        return 404, _error("invalid_request_error", f"Unrecognized request URL ({method}: {path})")

    def make(self, prefix: str, kind: str, **fields: Any) -> Json:
        """A new object with an id, kept."""
        self.count += 1
        thing = {"id": f"{prefix}_fake{self.count:08d}", "object": kind, "created": self._now_s(), **fields}
        self.things[thing["id"]] = thing
        return thing

    def get(self, identifier: str, kind: str) -> Json | None:
        """An object of a kind, None where there is none."""
        thing = self.things.get(identifier)
        return thing if thing is not None and thing["object"] == kind else None

    def event(self, kind: str, thing: Json) -> None:
        """Leave an event with the object as it is now."""
        self.count += 1
        event = {"id": f"evt_fake{self.count:08d}", "object": "event", "type": kind, "created": self._now_s()}
        self.events.append({**event, "api_version": "2024-06-20", "data": {"object": _copy(thing)}})

    def of_kind(self, kind: str) -> list[Json]:
        """All objects of a kind, newest first."""
        return [thing for thing in reversed(self.things.values()) if thing["object"] == kind]

    # -- payments ------------------------------------------------------------------------------------------------

    def confirm(self, intent: Json, *, present: bool) -> Answer:
        """Try to take (or hold) an intent's amount. `present`: the shopper is there to authenticate."""
        refusal = METHODS.get(self._kind_of_method(intent["payment_method"]), "")
        if self.decline_next:
            refusal, self.decline_next = "generic_decline", False
        if refusal == "authentication_required" and present:
            refusal = ""
        if refusal:
            return self._refused(intent, refusal)
        held = intent["capture_method"] == "manual"
        charge = self.make(
            "ch",
            "charge",
            amount=intent["amount"],
            amount_captured=0 if held else intent["amount"],
            amount_refunded=0,
            captured=not held,
            refunded=False,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            payment_method=intent["payment_method"],
            metadata=dict(intent["metadata"]),
            status="succeeded",
            paid=True,
        )
        intent.update(latest_charge=charge["id"], last_payment_error=None)
        if held:
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self.event("payment_intent.amount_capturable_updated", intent)
        else:
            intent.update(status="succeeded", amount_received=intent["amount"])
            self.event("payment_intent.succeeded", intent)
            if self._kind_of_method(intent["payment_method"]) == "pm_card_createDispute":
                disputes.begin(self, intent["id"])
        return 200, intent

    def _refused(self, intent: Json, refusal: str) -> Answer:
        asked = refusal == "authentication_required"
        error = {
            "type": "card_error",
            "code": refusal if asked or refusal == "expired_card" else "card_declined",
            "decline_code": refusal,
            "message": "The bank asks for the cardholder." if asked else "The card was declined.",
        }
        intent.update(status="requires_payment_method", last_payment_error=dict(error))
        self.event("payment_intent.payment_failed", intent)
        return 402, {"error": {**error, "payment_intent": _copy(intent)}}

    def _kind_of_method(self, method: str) -> str:
        thing = self.get(method, "payment_method")
        return str(thing["metadata"]["test"]) if thing is not None else method


def _customer(bank: Bank, form: Form) -> Answer:
    return 200, bank.make("cus", "customer", metadata=_metadata(form), email=form.get("email"))


def _search(bank: Bank, form: Form) -> Answer:
    asked = re.fullmatch(r"metadata\['account'\]:'(.*)'", form.get("query", ""))
    if asked is None:
        return 400, _error("invalid_request_error", "This fake searches for metadata['account'] only")
    account = re.sub(r"\\(.)", r"\1", asked[1])
    return 200, _page(form, [item for item in bank.of_kind("customer") if item["metadata"].get("account") == account])


def _forget(bank: Bank, _: Form, customer: str) -> Answer:
    if bank.get(customer, "customer") is None:
        return missing("customer", customer)
    del bank.things[customer]
    for method in bank.of_kind("payment_method"):
        if method["customer"] == customer:
            method["customer"] = None
    return 200, {"id": customer, "object": "customer", "deleted": True}


def _attach(bank: Bank, form: Form, method: str) -> Answer:
    if bank.get(form.get("customer", ""), "customer") is None:
        return missing("customer", form.get("customer", ""))
    known = bank.get(method, "payment_method")
    if known is None and method not in METHODS:
        return missing("PaymentMethod", method)
    if known is None:
        known = bank.make("pm", "payment_method", type="card", metadata={"test": method}, customer=None)
    known["customer"] = form["customer"]
    return 200, known


def _methods(bank: Bank, form: Form, customer: str) -> Answer:
    return 200, _page(form, [thing for thing in bank.of_kind("payment_method") if thing["customer"] == customer])


def _intend(bank: Bank, form: Form) -> Answer:
    amount, currency = form.get("amount", ""), form.get("currency", "")
    if not amount.isascii() or not amount.isdigit() or not re.fullmatch("[a-z]{3}", currency):
        return 400, _error("invalid_request_error", "Invalid amount or currency", code="parameter_invalid_integer")
    if int(amount) < SMALLEST.get(currency, 1):
        return 400, _error("invalid_request_error", "Amount is below the minimum", code="amount_too_small")
    customer, method = form.get("customer", ""), form.get("payment_method", "")
    if bank.get(customer, "customer") is None:
        return missing("customer", customer)
    kept = bank.get(method, "payment_method")
    if (kept is None and method not in METHODS) or (kept is not None and kept["customer"] != customer):
        return missing("PaymentMethod", method)
    intent = bank.make(
        "pi",
        "payment_intent",
        amount=int(amount),
        amount_capturable=0,
        amount_received=0,
        currency=currency,
        customer=customer,
        payment_method=method,
        capture_method=form.get("capture_method", "automatic"),
        metadata=_metadata(form),
        status="requires_confirmation",
        last_payment_error=None,
        latest_charge=None,
    )
    return bank.confirm(intent, present=False) if form.get("confirm") == "true" else (200, intent)


def _capture(bank: Bank, form: Form, identifier: str) -> Answer:
    intent = bank.get(identifier, "payment_intent")
    if intent is None:
        return missing("payment_intent", identifier)
    if intent["status"] != "requires_capture":
        return _unexpected(intent, "captured")
    amount = int(form.get("amount_to_capture", intent["amount_capturable"]))
    if not 0 < amount <= intent["amount_capturable"]:
        return 400, _error("invalid_request_error", "More than is held cannot be captured", code="amount_too_large")
    intent["metadata"].update(_metadata(form))
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    bank.things[intent["latest_charge"]].update(captured=True, amount_captured=amount)
    bank.event("payment_intent.succeeded", intent)
    return 200, intent


def _cancel(bank: Bank, _: Form, identifier: str) -> Answer:
    intent = bank.get(identifier, "payment_intent")
    if intent is None:
        return missing("payment_intent", identifier)
    if intent["status"] in ("succeeded", "canceled"):
        return _unexpected(intent, "canceled")
    intent.update(status="canceled", amount_capturable=0)
    bank.event("payment_intent.canceled", intent)
    return 200, intent


def _refund(bank: Bank, form: Form) -> Answer:
    intent = bank.get(form.get("payment_intent", ""), "payment_intent")
    charge = None if intent is None else bank.things.get(intent["latest_charge"] or "")
    if intent is None or charge is None:
        return missing("payment_intent", form.get("payment_intent", ""))
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = int(form.get("amount", left))
    if left == 0:
        return 400, _error("invalid_request_error", "The charge was refunded", code="charge_already_refunded")
    if not 0 < amount <= left:
        return 400, _error("invalid_request_error", f"Refund amount is greater than unrefunded amount ({left})")
    if amount > left - disputes.held_back(bank, charge):
        return 400, _error("invalid_request_error", "The charge has been charged back", code="charge_disputed")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    refund = bank.make(
        "re",
        "refund",
        amount=amount,
        currency=intent["currency"],
        charge=charge["id"],
        payment_intent=intent["id"],
        metadata=_metadata(form),
        status="succeeded",
    )
    bank.event("refund.created", refund)
    return 200, refund


# -- pages and lists -----------------------------------------------------------------------------------------------


def _session(bank: Bank, form: Form) -> Answer:
    if "customer" in form and bank.get(form["customer"], "customer") is None:
        return missing("customer", form["customer"])
    session = bank.make(
        "cs",
        "checkout.session",
        mode=form.get("mode"),
        customer=form.get("customer"),
        amount_total=int(form.get("line_items[0][price_data][unit_amount]", 0)),
        currency=form.get("line_items[0][price_data][currency]"),
        metadata=_metadata(form),
        intent_metadata=_metadata(form, "payment_intent_data[metadata]"),
        status="open",
    )
    session["url"] = f"{bank.base_url}/pay/{session['id']}"
    return 200, session


def _expire(bank: Bank, _: Form, identifier: str) -> Answer:
    session = bank.get(identifier, "checkout.session")
    if session is None:
        return missing("checkout session", identifier)
    if session["status"] != "open":
        return 400, _error("invalid_request_error", "Only Checkout Sessions with a status of open can be expired")
    session["status"] = "expired"
    return 200, session


def _pay(bank: Bank, form: Form, identifier: str) -> Answer:
    """What the shopper does on the page: enter a card (`method`), or confirm a payment."""
    session = bank.get(identifier, "checkout.session")
    if session is None or session["status"] != "open":
        return 410, _error("invalid_request_error", "This page is closed")
    method = form.get("method", "pm_card_visa")
    session["status"] = "complete"
    if session["mode"] == "setup":
        status, kept = _attach(bank, {"customer": session["customer"]}, method)
        if status == 200:
            setup = bank.make("seti", "setup_intent", customer=session["customer"], payment_method=kept["id"])
            bank.event("setup_intent.succeeded", {**setup, "status": "succeeded", "metadata": {}})
        return status, session if status == 200 else kept
    intent = bank.make(
        "pi",
        "payment_intent",
        amount=session["amount_total"],
        amount_capturable=0,
        amount_received=0,
        currency=session["currency"],
        customer=session["customer"],
        payment_method=method,
        capture_method="automatic",
        metadata=session["intent_metadata"],
        status="requires_confirmation",
        last_payment_error=None,
        latest_charge=None,
    )
    status, body = bank.confirm(intent, present=True)
    if status != 200:
        session["status"] = "open"
    return status, session if status == 200 else body


def _read(kind: str, *, called: str = "") -> Callable[[Bank, Form, str], Answer]:
    def read(bank: Bank, _: Form, identifier: str) -> Answer:
        thing = bank.get(identifier, kind)
        return (200, thing) if thing is not None else missing(called or kind, identifier)

    return read


def _list(kind: str) -> Callable[[Bank, Form], Answer]:
    def listed(bank: Bank, form: Form) -> Answer:
        since, until = int(form.get("created[gte]", 0)), int(form.get("created[lt]", 1 << 40))
        things = [thing for thing in bank.of_kind(kind) if since <= thing["created"] < until]
        for name in ("customer", "payment_intent"):
            if name in form:
                things = [thing for thing in things if thing.get(name) == form[name]]
        return 200, _page(form, things)

    return listed


def _page(form: Form, things: list[Json]) -> Json:
    size = min(max(int(form.get("limit", 10)), 1), 100)
    after = form.get("starting_after")
    if after is not None:
        names = [thing["id"] for thing in things]
        things = things[names.index(after) + 1 :] if after in names else []
    return {"object": "list", "data": things[:size], "has_more": len(things) > size}


def _metadata(form: Form, name: str = "metadata") -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


def _error(kind: str, message: str, *, code: str = "") -> Json:
    return {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


def missing(what: str, identifier: str) -> Answer:
    """There is no such object."""
    return 404, _error("invalid_request_error", f"No such {what}: '{identifier}'", code="resource_missing")


def _unexpected(intent: Json, what: str) -> Answer:
    message = f"This PaymentIntent could not be {what} because it has a status of {intent['status']}."
    body = _error("invalid_request_error", message, code="payment_intent_unexpected_state")
    body["error"]["payment_intent"] = _copy(intent)
    return 400, body


def _copy(thing: Json) -> Json:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in thing.items()}


_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", "/v1/customers", _customer),
    ("GET", "/v1/customers/search", _search),
    ("GET", "/v1/customers/([^/]+)", _read("customer")),
    ("DELETE", "/v1/customers/([^/]+)", _forget),
    ("GET", "/v1/customers/([^/]+)/payment_methods", _methods),
    ("POST", "/v1/payment_methods/([^/]+)/attach", _attach),
    ("POST", "/v1/payment_intents", _intend),
    ("GET", "/v1/payment_intents", _list("payment_intent")),
    ("GET", "/v1/payment_intents/([^/]+)", _read("payment_intent")),
    ("POST", "/v1/payment_intents/([^/]+)/capture", _capture),
    ("POST", "/v1/payment_intents/([^/]+)/cancel", _cancel),
    ("POST", "/v1/refunds", _refund),
    ("GET", "/v1/refunds", _list("refund")),
    ("GET", "/v1/charges", _list("charge")),
    ("GET", "/v1/disputes", _list("dispute")),
    ("POST", "/v1/disputes/([^/]+)", disputes.evidence),
    ("POST", "/v1/disputes/([^/]+)/close", disputes.accept),
    ("POST", "/v1/checkout/sessions", _session),
    ("GET", "/v1/checkout/sessions", _list("checkout.session")),
    ("GET", "/v1/checkout/sessions/([^/]+)", _read("checkout.session", called="checkout session")),
    ("POST", "/v1/checkout/sessions/([^/]+)/expire", _expire),
    ("POST", "/pay/([^/]+)", _pay),
)
