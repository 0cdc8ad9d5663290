"""Where baskets become receipts, and what money is asked for them at the exit.

Charged is what is beyond doubt; what people decide afterwards is the desk's (`desk`). Where the store holds money at
the entry, the exit captures of it what is due, charges what is above it, and lets go of it when nothing is due. Where
what is above it is less than providers take, all is charged at once, and the hold let go of. What is due never depends
on what the provider answered: a replay, which has no provider, decides the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import Decision, ReceiptIssued, VisitEnded
from jwo_cli.model.effects import AskStaff, Effect, Pay, SendReceipt
from jwo_cli.model.entering import EntryRefused
from jwo_cli.model.observations import Role
from jwo_cli.model.paying import (
    MethodProblem,
    PaymentAnswered,
    PaymentDisputed,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
    payment_due,
)
from jwo_cli.model.staffing import EntryGranted, EntryPending
from jwo_cli.model.units import format_minor

from .door_holds import DoorHolds, let_go
from .payments import disputed
from .prices import fair_catalogue
from .pricing import BasketItem
from .receipts import Thresholds, issue_receipt
from .roster import Visit
from .settings import EngineSettings
from .settle import Basket
from .step import Caused, Step
from .unweighed import note

# Providers take no charge below this, minor units (https://docs.stripe.com/currencies, minimum charge amounts).
_SMALLEST = {"CZK": 1_500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17_500, "MXN": 1_000, "NOK": 300, "SEK": 300}
_SMALLEST |= {"AED": 200, "BGN": 100, "MYR": 200, "PLN": 200, "RON": 200, "THB": 1_000}
_SMALLEST_ELSE = 50


class Till:
    """Issues receipts, and asks for their money."""

    def __init__(self, catalogue: Catalogue, settings: EngineSettings) -> None:
        self.catalogue = catalogue
        self._thresholds = Thresholds(
            receipt=settings.settle_threshold, line=settings.line_threshold, age_review=settings.age_review
        )
        self._hold_minor = settings.authorise_minor
        self.door = DoorHolds()

    def issue(self, ended: VisitEnded, visit: Visit, basket: Basket, causes: tuple[int, ...], *, age: int = 0) -> Step:
        """The receipt of a closed basket, the reviews it needs, and the money that is beyond doubt.

        `age` is what staff confirmed of the shopper. Priced by the lower of the prices at entry and at exit.
        """
        items = [
            BasketItem(product_id=line.product_id, quantity=line.quantity, mass_g=line.mass_g)
            for line in basket.lines
            if line.quantity
        ]
        came = self.catalogue if visit.came is None else visit.came
        catalogue = fair_catalogue(came, self.catalogue, items, started_ns=visit.started_ns, ended_ns=ended.at_ns)
        issued = issue_receipt(
            ended,
            basket.lines,
            probability=round(basket.probability, 4),
            catalogue=catalogue,
            thresholds=replace(self._thresholds, age_checked=age),
            account=visit.account,
            note="; ".join(filter(None, (*visit.notes, note(visit.unweighed)))),
        )
        receipt = issued.receipt
        effects: list[Effect] = [SendReceipt(receipt_id=receipt.receipt_id)]
        effects += [AskStaff(receipt_id=receipt.receipt_id, reason=review.reason) for review in issued.reviews]
        decisions: list[Decision] = [receipt, *issued.reviews]
        if visit.account is not None:
            dues = _at_exit(ended, visit, visit.account, receipt)
            decisions += dues
            effects += [Pay(due=due) for due in dues]
        return Step(tuple(Caused(decision, causes) for decision in decisions), tuple(effects))

    def at_door(self, word: EntryGranted | EntryPending | EntryRefused, visits: Iterable[Visit], seq: int) -> Step:
        """Somebody is let in or not, or waits until money is held, where it is not for the visit that they join."""
        if not isinstance(word, EntryPending):
            return self.door.decided(word, seq)
        held = any(visit.account == word.account and visit.held is not None for visit in visits)
        if held or not self._hold_minor:
            return Step()
        return self.door.asked(word, self._hold_minor, self.catalogue.currency, seq)

    def entered(self, visit: Visit, at_ns: int, seq: int) -> Step:
        """Hold money for a shopper who came in with an account, once a visit, where the store does so."""
        hold = self._hold_minor > 0 and visit.held is None and visit.role is Role.SHOPPER
        if not hold or visit.account is None:
            return Step()
        visit.held = self.door.taken(visit.account)
        if visit.held is not None:
            return Step()
        visit.held = payment_due(
            at_ns=at_ns,
            purpose=PaymentPurpose.AUTHORISE,
            visit_id=visit.visit_id,
            receipt_id=None,
            account=visit.account,
            amount_minor=self._hold_minor,
            currency=self.catalogue.currency,
        )
        return Step((Caused(visit.held, (seq,)),), (Pay(due=visit.held),))

    def left_with_nothing(self, ended: VisitEnded, visit: Visit, seq: int) -> Step:
        """Let go of what was held for a visit without a receipt."""
        if visit.held is None:
            return Step()
        due = let_go(visit.held, ended.at_ns)
        return Step((Caused(due, (seq,)),), (Pay(due=due),))

    def answered(self, answer: PaymentAnswered | PaymentDisputed) -> Step:
        """The provider answered: where it refused, or a bank took money back, somebody has to know."""
        if isinstance(answer, PaymentDisputed):
            return disputed(answer)
        asked = answer.outcome is PaymentOutcome.ACTION_NEEDED and answer.purpose is PaymentPurpose.CHARGE
        refused = answer.outcome in (PaymentOutcome.DECLINED, PaymentOutcome.FAILED, PaymentOutcome.RETURNED)
        if not (refused or asked) or answer.code in (MethodProblem.SUPERSEDED, MethodProblem.NOT_AUTHORISED):
            return Step()  # what took the place of a due answers for itself
        amount = format_minor(answer.amount_minor, answer.currency)
        why = f" ({answer.code})" if answer.code else ""
        reason = f"{answer.purpose.value} of {amount} for {answer.account}: {answer.outcome.value}{why}"
        if asked:
            no_page = "there is no page for them: look at return_url in jwo.toml"
            reason += f"; {f'the shopper confirms it at {answer.link}' if answer.link else no_page}"
        return Step((), (AskStaff(receipt_id=answer.receipt_id or "", reason=reason),))


def _at_exit(ended: VisitEnded, visit: Visit, account: str, receipt: ReceiptIssued) -> list[PaymentDue]:
    """What the exit asks for: a capture of what is held, a charge of what is above it; nothing due lets go of it."""
    held, due_minor = visit.held, receipt.charged_minor
    if due_minor <= 0:
        return [] if held is None else [let_go(held, ended.at_ns)]
    captured = 0 if held is None else min(due_minor, held.amount_minor)
    if 0 < due_minor - captured < _SMALLEST.get(receipt.currency, _SMALLEST_ELSE):
        captured = 0
    parts = [
        (PaymentPurpose.CAPTURE, captured, held.key if held else ""),
        (PaymentPurpose.CHARGE, due_minor - captured, ""),
    ]
    dues = [
        payment_due(
            at_ns=ended.at_ns,
            purpose=purpose,
            visit_id=receipt.visit_id,
            receipt_id=receipt.receipt_id,
            account=account,
            amount_minor=amount,
            currency=receipt.currency,
            held_key=held_key,
        )
        for purpose, amount, held_key in parts
        if amount
    ]
    return dues if held is None or captured else [let_go(held, ended.at_ns), *dues]
