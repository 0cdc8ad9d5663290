"""A receipt's bill: what was due for it, what the provider made of each due, what a bank took back.

What is owed is what was decided (first attempts), what is paid is what was done. Nothing here asks anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import PaymentDisputed, PaymentDue, PaymentOutcome, PaymentPurpose

FINAL = (PaymentOutcome.DONE, PaymentOutcome.DECLINED, PaymentOutcome.FAILED, PaymentOutcome.RETURNED)
TAKING = (PaymentPurpose.CAPTURE, PaymentPurpose.CHARGE)


@dataclass(slots=True)
class DueState:
    """A due and the last word on it. `outcome` None: not answered yet."""

    seq: int
    due: PaymentDue
    wallet: PaymentMethodSet | None  # as it was when the due was decided, so that asking again asks the same
    outcome: PaymentOutcome | None = None
    reference: str = ""
    code: str = ""
    link: str = ""
    of: str = ""  # the payment that a refund came from
    answered_ns: int = 0
    moved_minor: int = 0  # by the provider's word; a refund may have got only a part from the payment it came from

    @property
    def final(self) -> bool:
        """Whether nothing more is to be done about this due itself."""
        return self.outcome in FINAL

    @property
    def bounced(self) -> bool:
        """Whether this is a refund that was made, and failed at the bank: that one never comes to be."""
        return self.outcome is PaymentOutcome.FAILED and bool(self.of)

    @property
    def sign(self) -> int:
        """Which way it moves money: 1 to the store, -1 back, 0 for holding and letting go."""
        if self.due.purpose in TAKING:
            return 1
        return -1 if self.due.purpose is PaymentPurpose.REFUND else 0


@dataclass(slots=True)
class Dispute:
    """A dispute about a payment: its last step, and what the provider holds or keeps back of the payment by now."""

    step: PaymentDisputed
    taken_minor: int = 0
    fee_minor: int = 0


@dataclass(slots=True)
class Bill:
    """All dues of one receipt, in order, and disputes about what was paid for it."""

    receipt_id: str
    dues: list[DueState] = field(default_factory=list)
    disputes: dict[str, Dispute] = field(default_factory=dict)

    def missing_minor(self) -> int:
        """What is to be charged yet (above zero) or given back. What a bank gave back is not given back again.

        Nor is it charged again: who is right is between the shopper and their bank, and a person.
        """
        owed, paid = self.owed_minor(), self.paid_minor()
        return max(owed - paid, 0) or min(owed - paid + self.disputed_minor(), 0)

    def disputed_minor(self) -> int:
        """What went back to the shopper by way of their bank."""
        return sum(dispute.taken_minor for dispute in self.disputes.values())

    def settled(self) -> bool:
        """Whether all of it is final and adds up."""
        return all(item.final for item in self.dues) and self.missing_minor() == 0

    def owed_minor(self, until_seq: int | None = None) -> int:
        """What was decided, by dues up to `until_seq`."""
        return sum(
            item.sign * item.due.amount_minor
            for item in self.dues
            if item.due.attempt == 1 and (until_seq is None or item.seq <= until_seq)
        )

    def paid_minor(self) -> int:
        """What the provider did."""
        return sum(item.sign * item.moved_minor for item in self.dues if item.outcome is PaymentOutcome.DONE)

    def payments(self) -> dict[str, int]:
        """Payment reference -> what is left of it after refunds and disputes, oldest first."""
        left: dict[str, int] = {}
        for item in self.dues:
            if item.outcome is not PaymentOutcome.DONE:
                continue
            if item.due.purpose in TAKING:
                left[item.reference] = left.get(item.reference, 0) + item.moved_minor
            elif item.due.purpose is PaymentPurpose.REFUND:
                left[item.of] = left.get(item.of, 0) - item.moved_minor
        for dispute in self.disputes.values():
            left[dispute.step.payment] = left.get(dispute.step.payment, 0) - dispute.taken_minor
        return left


def source_of(left: dict[str, int], amount_minor: int) -> tuple[str, int]:
    """(payment, amount) that a refund comes from: the newest that covers it, else all of the one with the most left."""
    covering = [reference for reference, amount in left.items() if amount >= amount_minor]
    reference = covering[-1] if covering else max(left, key=lambda name: left[name])
    return reference, min(left[reference], amount_minor)
