"""Where baskets become receipts and reviews become corrections, and what money is asked for each.

Charged is what is beyond doubt; a correction asks for the difference, once, numbered.
"""

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import Decision, ReceiptCorrected, ReceiptIssued, VisitEnded
from jwo_cli.model.effects import AskStaff, Capture, Effect, Refund, SendReceipt
from jwo_cli.model.observations import ReviewDecided

from .receipts import Thresholds, correct_receipt, issue_receipt
from .roster import Visit
from .settings import EngineSettings
from .settle import Basket
from .step import Caused, Step
from .unweighed import note

# Receipts of this run that a person may still correct; older ones are corrected from the journal.
_KEPT_RECEIPTS = 5_000


@dataclass(slots=True)
class _Kept:
    """A receipt that may still be corrected, and how often it was."""

    receipt: ReceiptIssued
    corrected: ReceiptCorrected | None = None
    decisions: int = 0


class Till:
    """Issues receipts and keeps the latest of them for correction."""

    def __init__(self, catalogue: Catalogue, settings: EngineSettings) -> None:
        self._catalogue = catalogue
        self._thresholds = Thresholds(receipt=settings.settle_threshold, line=settings.line_threshold)
        self._receipts: dict[str, _Kept] = {}

    def issue(self, ended: VisitEnded, visit: Visit, basket: Basket, causes: tuple[int, ...]) -> Step:
        """The receipt of a closed basket, the reviews it needs, and the money that is beyond doubt."""
        issued = issue_receipt(
            ended,
            basket.lines,
            probability=round(basket.probability, 4),
            catalogue=self._catalogue,
            thresholds=self._thresholds,
            account=visit.account,
            note=note(visit.unweighed),
        )
        receipt = issued.receipt
        self._receipts[receipt.receipt_id] = _Kept(receipt)
        for old in list(self._receipts)[:-_KEPT_RECEIPTS]:
            del self._receipts[old]
        decisions: list[Decision] = [receipt, *issued.reviews]
        effects: list[Effect] = [SendReceipt(receipt_id=receipt.receipt_id)]
        effects += [AskStaff(receipt_id=receipt.receipt_id, reason=review.reason) for review in issued.reviews]
        if visit.account is not None and receipt.charged_minor > 0:
            capture = Capture(
                receipt_id=receipt.receipt_id,
                account=visit.account,
                amount_minor=receipt.charged_minor,
                currency=receipt.currency,
            )
            effects.append(capture)
        return Step(tuple(Caused(decision, causes) for decision in decisions), tuple(effects))

    def reviewed(self, seq: int, decided: ReviewDecided) -> Step:
        """A person settled a review; deciding again replaces that. Unknown receipts change nothing."""
        kept = self._receipts.get(decided.receipt_id)
        if kept is None:
            return Step()
        corrected = correct_receipt(kept.receipt, decided, self._catalogue, previous=kept.corrected)
        kept.corrected, kept.decisions = corrected, kept.decisions + 1
        account, difference = kept.receipt.account, corrected.difference_minor
        effects: list[Effect] = []
        if account is not None and difference:
            make = Capture if difference > 0 else Refund
            effects.append(
                make(
                    receipt_id=decided.receipt_id,
                    account=account,
                    amount_minor=abs(difference),
                    currency=corrected.currency,
                    decision=kept.decisions,
                )
            )
        return Step((Caused(corrected, (seq,)),), tuple(effects))
