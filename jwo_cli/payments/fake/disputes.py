"""Disputes at the fake provider: opened by its test card or by hand, decided by evidence, as in Stripe's test mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bank import Bank

Json = dict[str, Any]
# What Stripe takes in Europe when a bank takes money back; here it comes back where the store is right.
FEE = 2_000
_HELD = ("needs_response", "under_review", "lost")


def begin(bank: Bank, payment: str, amount: int | None = None, *, asked: bool = False) -> Json:
    """The shopper wants a payment back from their bank, or (`asked`) the bank only asks about it."""
    charge = bank.things[bank.things[payment]["latest_charge"]]
    dispute = bank.make(
        "du",
        "dispute",
        amount=charge["amount_captured"] if amount is None else amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=payment,
        reason="fraudulent",
        status="warning_needs_response" if asked else "needs_response",
        balance_transactions=[],
        metadata={},
    )
    bank.event("charge.dispute.created", dispute)
    if not asked:
        _move(dispute, -1)
        bank.event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(bank: Bank, dispute: Json, *, won: bool) -> None:
    """The shopper's bank decides."""
    asked = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if asked else "won" if won else "lost"
    bank.event("charge.dispute.closed", dispute)
    if dispute["status"] == "won":
        _move(dispute, 1)
        bank.event("charge.dispute.funds_reinstated", dispute)


def held_back(bank: Bank, charge: Json) -> int:
    """What of a charge its bank took back."""
    found = (thing for thing in bank.of_kind("dispute") if thing["charge"] == charge["id"])
    return sum(thing["amount"] for thing in found if thing["status"] in _HELD)


def evidence(bank: Bank, form: Mapping[str, str], identifier: str) -> tuple[int, Json]:
    """The words `winning_evidence` and `losing_evidence` decide."""
    return _decide(bank, identifier, form.get("evidence[uncategorized_text]", ""))


def accept(bank: Bank, _: Mapping[str, str], identifier: str) -> tuple[int, Json]:
    """The store accepts a dispute: it is lost."""
    return _decide(bank, identifier, "losing_evidence")


def _decide(bank: Bank, identifier: str, words: str) -> tuple[int, Json]:
    from .bank import missing

    dispute = bank.get(identifier, "dispute")
    if dispute is None:
        return missing("dispute", identifier)
    over = dispute["status"] in ("won", "lost", "warning_closed")
    if not over and words in ("winning_evidence", "losing_evidence"):
        decide(bank, dispute, won=words == "winning_evidence")
    return 200, dispute


def _move(dispute: Json, sign: int) -> None:
    """A dispute's money and fee leave the store's balance, or come back."""
    amount, fee = sign * dispute["amount"], -sign * FEE
    move = {"amount": amount, "fee": fee, "net": amount - fee, "currency": dispute["currency"]}
    dispute["balance_transactions"] = [*dispute["balance_transactions"], move]
