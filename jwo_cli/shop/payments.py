"""What is due and what was paid, as a fold over dues and answers; what to try next follows from the two alone.

1. A due is open until its answer is final. Done beats everything: money that moved is never talked away, whatever
   order the answers come in. A due that waits for the shopper (`action_needed`) ends done or given up, nothing else.
2. Dues of one receipt are carried one after the other, as they were decided.
3. What a receipt owes is what was decided (first attempts); what it paid is what was done. When all its dues are final
   and the two differ, the difference is due again: a charge by the retry policy, a refund at once. So a capture that
   failed becomes a charge, and whatever may have been taken twice goes back by itself.
4. A refund of more than was paid (its charge was declined) is not asked for: the later tries ask for less instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import (
    MethodProblem,
    PaymentAnswered,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
    payment_due,
)
from jwo_cli.model.units import NS_PER_S

FINAL = (PaymentOutcome.DONE, PaymentOutcome.DECLINED, PaymentOutcome.FAILED)
TAKING = (PaymentPurpose.CAPTURE, PaymentPurpose.CHARGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When what was refused is tried again, seconds after the refusal; after the last one a person decides.

    `hard` codes are never tried again by themselves: the card has to change first. Card networks forbid it
    (https://docs.stripe.com/declines/codes), and each try costs.
    """

    declined_s: tuple[int, ...] = (3_600, 86_400, 259_200)
    provider_s: tuple[int, ...] = (3_600, 21_600, 86_400)
    refund_s: tuple[int, ...] = (3_600, 86_400, 259_200)
    hard: tuple[str, ...] = (
        "do_not_try_again",
        "expired_card",
        "fraudulent",
        "invalid_account",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    )


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
    def sign(self) -> int:
        """Which way it moves money: 1 to the store, -1 back, 0 for holding and letting go."""
        if self.due.purpose in TAKING:
            return 1
        return -1 if self.due.purpose is PaymentPurpose.REFUND else 0


@dataclass(slots=True)
class Bill:
    """All dues of one receipt, in order."""

    receipt_id: str
    dues: list[DueState] = field(default_factory=list)

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
        """Payment reference -> what is left of it after refunds, oldest first."""
        left: dict[str, int] = {}
        for item in self.dues:
            if item.outcome is not PaymentOutcome.DONE:
                continue
            if item.due.purpose in TAKING:
                left[item.reference] = left.get(item.reference, 0) + item.moved_minor
            elif item.due.purpose is PaymentPurpose.REFUND:
                left[item.of] = left.get(item.of, 0) - item.moved_minor
        return left


def source_of(left: dict[str, int], amount_minor: int) -> tuple[str, int]:
    """(payment, amount) that a refund comes from: the newest that covers it, else all of the one with the most left."""
    covering = [reference for reference, amount in left.items() if amount >= amount_minor]
    reference = covering[-1] if covering else max(left, key=lambda name: left[name])
    return reference, min(left[reference], amount_minor)


class PaymentBook:
    """The fold. Feed it dues, answers and payment methods in journal order."""

    def __init__(self, policy: RetryPolicy | None = None) -> None:
        self.policy = policy or RetryPolicy()
        self.by_key: dict[str, DueState] = {}
        self.bills: dict[str, Bill] = {}
        self.wallets: dict[str, PaymentMethodSet] = {}
        self._open: dict[str, None] = {}
        self._missing: dict[str, None] = {}  # bills whose dues are all final and do not add up

    # -- what happened -------------------------------------------------------------------------------------------

    def decided(self, seq: int, due: PaymentDue) -> None:
        """A due entered the journal."""
        if due.key in self.by_key:
            return
        state = DueState(seq=seq, due=due, wallet=self.wallets.get(due.account))
        self.by_key[due.key] = state
        self._open[due.key] = None
        if due.receipt_id is not None:
            self.bills.setdefault(due.receipt_id, Bill(due.receipt_id)).dues.append(state)
            self._missing.pop(due.receipt_id, None)

    def method_set(self, method: PaymentMethodSet) -> None:
        """An account pays another way from now on."""
        self.wallets[method.account] = method

    def answered(self, answer: PaymentAnswered) -> None:
        """The provider's word; one that adds nothing changes nothing."""
        if not self.adds(answer.key, answer.outcome):
            return
        state = self.by_key[answer.key]
        state.outcome, state.answered_ns = answer.outcome, answer.at_ns
        state.reference, state.code = answer.reference or state.reference, answer.code
        state.link = answer.link
        state.moved_minor = answer.amount_minor if answer.outcome is PaymentOutcome.DONE else 0
        state.of = answer.payment
        if state.final:
            self._open.pop(answer.key, None)
        if state.due.receipt_id is not None:
            self._missing.pop(state.due.receipt_id, None)
            if not self.settled(state.due.receipt_id) and state.final:
                self._missing[state.due.receipt_id] = None

    def adds(self, key: str, outcome: PaymentOutcome) -> bool:
        """Whether an answer changes what is known of a key."""
        state = self.by_key.get(key)
        if state is None or state.outcome in (PaymentOutcome.DONE, outcome):
            return False
        if outcome is PaymentOutcome.DONE or state.outcome is None:
            return True
        if state.outcome is PaymentOutcome.PENDING:
            return True
        # A card that is refused on the page that the link leads to can be followed by one that is not.
        return state.outcome is PaymentOutcome.ACTION_NEEDED and outcome is PaymentOutcome.FAILED

    # -- what to do ----------------------------------------------------------------------------------------------

    def open(self) -> Iterator[DueState]:
        """Dues without a final answer, oldest first."""
        for key in list(self._open):
            yield self.by_key[key]

    def before(self, state: DueState) -> DueState | None:
        """The due that has to be final before this one is carried; None when it may be."""
        held = self.by_key.get(state.due.held_key)
        if held is not None and not held.final:
            return held
        if state.due.receipt_id is None:
            return None
        earlier = (item for item in self.bills[state.due.receipt_id].dues if item.seq < state.seq and not item.final)
        return next(earlier, None)

    def surplus_minor(self, state: DueState) -> int:
        """What could be given back when a refund is carried: paid by then, above what was owed by then."""
        bill = self.bills[state.due.receipt_id or ""]
        return bill.paid_minor() - bill.owed_minor(state.seq)

    def again(self, now_ns: int) -> Iterator[tuple[PaymentDue, DueState, int]]:
        """(due, the refused one behind it, when it is time) for receipts whose dues are final and do not add up.

        Those whose time has not come are among them; those that wait for a person are not.
        """
        for receipt_id in list(self._missing):
            bill = self.bills[receipt_id]
            missing = bill.owed_minor() - bill.paid_minor()
            if missing == 0 or not all(item.final for item in bill.dues):
                continue
            last = max((item for item in bill.dues), key=lambda item: item.answered_ns)
            at_ns = self._next_ns(bill, last, missing)
            if at_ns is not None:
                yield self.renewed(bill, missing, max(now_ns, 0)), last, at_ns

    def missing(self, receipt_id: str, now_ns: int) -> PaymentDue | None:
        """What a receipt misses as a new due, whatever the policy says; None while it is carried, or misses nothing."""
        bill = self.bills.get(receipt_id)
        if bill is None or not all(item.final for item in bill.dues):
            return None
        missing = bill.owed_minor() - bill.paid_minor()
        return self.renewed(bill, missing, now_ns) if missing else None

    def renewed(self, bill: Bill, missing_minor: int, now_ns: int) -> PaymentDue:
        """The next attempt at what a bill misses (above zero: a charge; below: a refund)."""
        last = bill.dues[-1].due
        return payment_due(
            at_ns=now_ns,
            purpose=PaymentPurpose.CHARGE if missing_minor > 0 else PaymentPurpose.REFUND,
            visit_id=last.visit_id,
            receipt_id=bill.receipt_id,
            account=last.account,
            amount_minor=abs(missing_minor),
            currency=last.currency,
            decision=last.decision,
            attempt=1 + max(item.due.attempt for item in bill.dues),
        )

    def _next_ns(self, bill: Bill, last: DueState, missing: int) -> int | None:
        """When the missing amount is due again; None when a person has to decide."""
        wanted = (PaymentPurpose.REFUND,) if missing < 0 else TAKING
        refused = [item for item in bill.dues if item.outcome is not PaymentOutcome.DONE and item.due.purpose in wanted]
        asked = [item for item in refused if item.code not in (MethodProblem.SUPERSEDED, MethodProblem.NOT_AUTHORISED)]
        asked = [item for item in asked if not (item.due.purpose is PaymentPurpose.CAPTURE and item.final)]
        if not asked:
            return last.answered_ns
        worst = asked[-1]
        wallet = self.wallets.get(worst.due.account)
        if missing > 0 and wallet is not None and wallet != worst.wallet:
            return worst.answered_ns  # another way to pay was named since
        delays = self._delays(worst)
        if worst.code in self.policy.hard or len(asked) > len(delays):
            return None
        return worst.answered_ns + delays[len(asked) - 1] * NS_PER_S

    def _delays(self, refused: DueState) -> tuple[int, ...]:
        if refused.due.purpose is PaymentPurpose.REFUND:
            return self.policy.refund_s
        if refused.outcome is PaymentOutcome.DECLINED:
            return self.policy.declined_s
        certain = (MethodProblem.PROVIDER_ERROR, MethodProblem.KEY_REUSED, "canceled")
        return self.policy.provider_s if refused.code in certain else ()

    def settled(self, receipt_id: str) -> bool:
        """Whether everything about a receipt is final and adds up."""
        bill = self.bills.get(receipt_id)
        if bill is None:
            return True
        return all(item.final for item in bill.dues) and bill.owed_minor() == bill.paid_minor()
