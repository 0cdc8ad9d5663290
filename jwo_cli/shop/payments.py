"""What is due and what was paid, as a fold over dues and answers; what to try next follows from the two alone.

1. A due is open until its answer is final. Done beats everything: money that moved is never talked away, whatever
   order the answers come in. A due that waits for the shopper (`action_needed`) ends done or given up, nothing else.
2. Dues of one receipt are carried one after the other, as they were decided, and a charge after what lets go of money
   on the same card (`frees`), unless nobody answers about that: a bank may have no more than what it holds.
3. What a receipt owes is what was decided (first attempts); what it paid is what was done. When all its dues are final
   and the two differ, the difference is due again: a charge by the retry policy, a refund at once. So a capture that
   failed becomes a charge, and whatever may have been taken twice goes back by itself.
4. A refund of more than was paid (its charge was declined), or of what the shopper's bank gave back already, is not
   asked for: the later tries ask for less instead.
5. A hold that nothing took or let go of is let go of again (`holds`).
6. A refund that was done may come back weeks later: then it is missing again. That is the end of it.
7. A store runs for months: what is settled is forgotten, the latest of it last, and read back from the journal when
   something about it comes (a correction, a late webhook, a dispute).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from jwo_cli.model.effects import AskStaff
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import (
    DisputeState,
    MethodProblem,
    PaymentAnswered,
    PaymentDisputed,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
    payment_due,
)
from jwo_cli.model.units import NS_PER_S, format_minor

from .bills import TAKING, Bill, Dispute, DueState
from .door_holds import let_go
from .holds import Hold
from .step import Step

Paying = PaymentDue | PaymentAnswered | PaymentDisputed
# What the journal says about a receipt, or about a hold by its key, up to an entry: (seq, value), in order.
Recall = Callable[[str, int], Iterable[tuple[int, Paying]]]

# The provider takes no amount below its minimum: it may take it as a part of a larger one.
TOO_SMALL = "amount_too_small"

# A card that was refused so is not to be tried again.
HARD = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When what was refused is tried again, seconds after the refusal; after the last one a person decides.

    `hard` codes are never tried again by themselves: the card has to change first. Card networks forbid it
    (https://docs.stripe.com/declines/codes), and each try costs.
    """

    declined_s: tuple[int, ...] = (3_600, 86_400, 259_200)
    provider_s: tuple[int, ...] = (3_600, 21_600, 86_400)
    refund_s: tuple[int, ...] = (3_600, 86_400, 259_200)
    hard: tuple[str, ...] = HARD


class PaymentBook:
    """The fold. Feed it dues, answers, disputes and payment methods in journal order.

    With `recall` it holds what is open and the latest `kept` of what is settled; without, everything.
    """

    def __init__(self, policy: RetryPolicy | None = None, *, recall: Recall | None = None, kept: int = 1_000) -> None:
        self.policy = policy or RetryPolicy()
        self.by_key: dict[str, DueState] = {}
        self.bills: dict[str, Bill] = {}
        self.wallets: dict[str, PaymentMethodSet] = {}
        self.holds: dict[str, Hold] = {}  # by the key of the due that asked for it
        self._left: dict[str, None] = {}  # holds that are to be let go of again
        self._methods: dict[str, list[tuple[int, PaymentMethodSet]]] = {}  # of an account, with when it was named
        self._open: dict[str, None] = {}
        self._letting_go: dict[str, dict[str, DueState]] = {}  # open cancels of an account
        self._missing: dict[str, None] = {}  # bills whose dues are all final and do not add up
        self._recall, self._kept = recall, kept
        self._settled: dict[str, None] = {}  # receipts, and holds that were let go of, settled last at the end

    # -- what happened -------------------------------------------------------------------------------------------

    def decided(self, seq: int, due: PaymentDue) -> None:
        """A due entered the journal."""
        if due.receipt_id is not None and (due.decision or due.attempt > 1):
            self.bill(due.receipt_id, before_seq=seq)  # one that comes later than the exit's
        if due.held_key and due.held_key not in self.by_key:
            self._remember(due.held_key, seq)
        if due.key in self.by_key:
            return
        methods = self._methods.get(due.account, ())
        wallet = next((method for named, method in reversed(methods) if named <= seq), None)
        state = DueState(seq=seq, due=due, wallet=wallet)
        self.by_key[due.key] = state
        self._open[due.key] = None
        if due.purpose is PaymentPurpose.AUTHORISE:
            self.holds[due.key] = Hold(state)
        elif (hold := self.holds.get(due.held_key)) is not None:
            hold.ends.append(state)
            self._left.pop(due.held_key, None)
        if due.purpose is PaymentPurpose.CANCEL:
            self._letting_go.setdefault(due.account, {})[due.key] = state
        if due.receipt_id is not None:
            self.bills.setdefault(due.receipt_id, Bill(due.receipt_id)).dues.append(state)
            self._look(due.receipt_id)

    def method_set(self, method: PaymentMethodSet, *, seq: int = 0) -> None:
        """An account pays this way from now on."""
        self.wallets[method.account] = method
        self._methods.setdefault(method.account, []).append((seq, method))

    def answered(self, answer: PaymentAnswered, *, seq: int = sys.maxsize) -> None:
        """The provider's word; one that adds nothing changes nothing."""
        state = self.state(answer.key, answer.receipt_id, before_seq=seq)
        if state is None or not self.adds(answer.key, answer.outcome):
            return
        self._answer(state, answer)
        if state.due.receipt_id is not None:
            self._look(state.due.receipt_id)
        hold = state.due.key if state.due.key in self.holds else state.due.held_key
        if hold in self.holds:
            self._look_at_hold(hold)

    def _answer(self, state: DueState, answer: PaymentAnswered) -> None:
        state.outcome, state.answered_ns = answer.outcome, answer.at_ns
        state.reference, state.code = answer.reference or state.reference, answer.code
        state.link = answer.link
        state.moved_minor = answer.amount_minor if answer.outcome is PaymentOutcome.DONE else 0
        state.of = answer.payment
        if state.final:
            self._open.pop(answer.key, None)
            going = self._letting_go.get(answer.account, {})
            if going.pop(answer.key, None) is not None and not going:
                del self._letting_go[answer.account]

    def disputed(self, step: PaymentDisputed, *, seq: int = sys.maxsize) -> None:
        """A step of a dispute about one of our payments."""
        bill = self.bill(step.receipt_id, before_seq=seq)
        if bill is None:
            return
        dispute = bill.disputes.setdefault(step.dispute, Dispute(step))
        dispute.step = step
        dispute.taken_minor += step.taken_minor
        dispute.fee_minor += step.fee_minor
        self._look(step.receipt_id)

    def adds(self, key: str, outcome: PaymentOutcome) -> bool:
        """Whether an answer changes what is known of a key."""
        state = self.by_key.get(key)
        if state is None or state.outcome is outcome:
            return False
        if PaymentOutcome.RETURNED in (state.outcome, outcome):
            return state.outcome is PaymentOutcome.DONE and state.due.purpose is PaymentPurpose.REFUND
        if state.outcome is PaymentOutcome.DONE or state.bounced:
            return False
        if outcome is PaymentOutcome.DONE or state.outcome is None:
            return True
        if state.outcome is PaymentOutcome.PENDING:
            return True
        # A card that is refused on the page that the link leads to can be followed by one that is not.
        return state.outcome is PaymentOutcome.ACTION_NEEDED and outcome is PaymentOutcome.FAILED

    # -- what is known -------------------------------------------------------------------------------------------

    def bill(self, receipt_id: str, *, before_seq: int = sys.maxsize) -> Bill | None:
        """A receipt's bill, from the journal where it was forgotten; None where nothing was due for it."""
        if receipt_id not in self.bills:
            self._remember(receipt_id, before_seq)
        return self.bills.get(receipt_id)

    def state(self, key: str, receipt_id: str | None, *, before_seq: int = sys.maxsize) -> DueState | None:
        """A due by its key and its receipt (None for a hold), from the journal where it was forgotten."""
        if key and key not in self.by_key:
            self._remember(receipt_id or key, before_seq)
            if receipt_id is None and key in self.by_key:
                self._recalled(key, before_seq)
        return self.by_key.get(key)

    def _recalled(self, key: str, before_seq: int) -> None:
        """A hold was read back, or what let go of one: what is open is never forgotten, so its visit is over."""
        hold = self.holds.get(key)
        if hold is not None:
            hold.over = True
            again = let_go(hold.asked.due, 0)
            while again.key not in self.by_key:
                self._remember(again.key, before_seq)
                if again.key not in self.by_key:
                    break
                again = let_go(hold.asked.due, 0, attempt=again.attempt + 1)
        self._rest(key)

    def disputes(self) -> Iterator[Dispute]:
        """Disputes about the receipts that are remembered."""
        for bill in self.bills.values():
            yield from bill.disputes.values()

    def held(self) -> int:
        """How many dues are remembered: a measure of memory."""
        return len(self.by_key)

    def _remember(self, subject: str, before_seq: int) -> None:
        """Fold in what the journal says of something that is not known here (any more)."""
        recall, self._recall = self._recall, None
        try:
            for seq, value in recall(subject, before_seq - 1) if recall is not None else ():
                self.follow(seq, value)
        finally:
            self._recall = recall

    def follow(self, seq: int, value: Paying | PaymentMethodSet) -> None:
        """Fold an entry in."""
        match value:
            case PaymentDue():
                self.decided(seq, value)
            case PaymentMethodSet():
                self.method_set(value, seq=seq)
            case PaymentAnswered():
                self.answered(value, seq=seq)
            case PaymentDisputed():
                self.disputed(value, seq=seq)

    def _look(self, receipt_id: str) -> None:
        """See how a bill stands after it changed."""
        bill = self.bills[receipt_id]
        self._missing.pop(receipt_id, None)
        self._settled.pop(receipt_id, None)
        if bill.settled():
            self._rest(receipt_id)
        elif all(item.final for item in bill.dues):
            self._missing[receipt_id] = None

    def _look_at_hold(self, key: str) -> None:
        """See how a hold stands after it, or what was to end it, changed."""
        hold = self.holds[key]
        self._left.pop(key, None)
        self._settled.pop(key, None)
        if hold.left:
            self._left[key] = None
        elif hold.over or (hold.ends and not hold.busy):
            self._rest(key)

    def _rest(self, subject: str) -> None:
        """Nothing more is to be done about a receipt or a hold: of such, only the latest are remembered."""
        self._settled.pop(subject, None)
        self._settled[subject] = None
        while self._recall is not None and len(self._settled) > self._kept:
            oldest = next(iter(self._settled))
            del self._settled[oldest]
            bill, hold = self.bills.pop(oldest, None), self.holds.pop(oldest, None)
            dues = bill.dues if bill is not None else []
            ends = [item for item in hold.ends if item.due.receipt_id is None] if hold is not None else []
            for key in (oldest, *(item.due.key for item in (*dues, *ends))):
                self.by_key.pop(key, None)

    # -- what to do ----------------------------------------------------------------------------------------------

    def open(self) -> Iterator[DueState]:
        """Dues without a final answer, oldest first."""
        for key in list(self._open):
            yield self.by_key[key]

    def before(self, state: DueState) -> DueState | None:
        """The due that has to be final before this one is carried; None when there is none."""
        held = self.by_key.get(state.due.held_key)
        if held is not None and not held.final:
            return held
        if state.due.receipt_id is None:
            return None
        earlier = (item for item in self.bills[state.due.receipt_id].dues if item.seq < state.seq and not item.final)
        return next(earlier, None)

    def frees(self, state: DueState) -> list[DueState]:
        """What lets go of money that a charge may need, where the provider is waited for; not a bank."""
        if state.due.purpose is not PaymentPurpose.CHARGE:
            return []
        going = [
            (item, self.by_key.get(item.due.held_key)) for item in self._letting_go.get(state.due.account, {}).values()
        ]
        known = [(item, (item.outcome, held.outcome if held is not None else None)) for item, held in going]
        return [item for item, said in known if item.seq < state.seq and PaymentOutcome.PENDING not in said]

    def surplus_minor(self, state: DueState) -> int:
        """What could be given back when a refund is carried: paid by then, above what was owed by then."""
        bill = self.bills[state.due.receipt_id or ""]
        return bill.paid_minor() - bill.disputed_minor() - bill.owed_minor(state.seq)

    def again(self, now_ns: int) -> Iterator[tuple[PaymentDue, DueState, int]]:
        """(due, the refused one behind it, when it is time): holds that are left, receipts that do not add up.

        Those whose time has not come are among them; those that wait for a person are not.
        """
        for hold in self.left():
            if (at_ns := hold.next_ns(self.policy.provider_s)) is not None:
                yield hold.renewed(max(now_ns, 0)), hold.asked, at_ns
        for receipt_id in list(self._missing):
            bill = self.bills[receipt_id]
            missing = bill.missing_minor()
            if missing == 0 or not all(item.final for item in bill.dues):
                continue
            last = max((item for item in bill.dues), key=lambda item: item.answered_ns)
            at_ns = self._next_ns(bill, last, missing)
            if at_ns is not None:
                yield self.renewed(bill, missing, max(now_ns, 0)), last, at_ns

    def left(self) -> list[Hold]:
        """What is held although its visit is over, and nothing is under way to let go of it."""
        return [self.holds[key] for key in self._left]

    def missing(self, receipt_id: str, now_ns: int) -> PaymentDue | None:
        """What a receipt misses as a new due, whatever the policy says; None while it is carried, or misses nothing."""
        bill = self.bill(receipt_id)
        if bill is None or not all(item.final for item in bill.dues):
            return None
        missing = bill.missing_minor()
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
        asked = [item for item in asked if item.code != TOO_SMALL or item.due.amount_minor >= abs(missing)]
        if not asked:
            return last.answered_ns
        worst = asked[-1]
        wallet = self.wallets.get(worst.due.account)
        if missing > 0 and wallet is not None and not same_card(wallet, worst.wallet):
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
        return bill is None or bill.settled()


def same_card(one: PaymentMethodSet, other: PaymentMethodSet | None) -> bool:
    """Whether two entries name the very same way to pay, whenever they did."""
    names = (one.provider, one.customer_ref, one.method_ref)
    return other is not None and names == (other.provider, other.customer_ref, other.method_ref)


def disputed(step: PaymentDisputed) -> Step:
    """A shopper's bank takes money back, or says how it ended: somebody has to know."""
    amount = format_minor(step.amount_minor, step.currency)
    why = f" ({step.reason})" if step.reason else ""
    what = f"dispute of {amount} by {step.account}: {step.state.value}{why}"
    to_do = "; answer it at the provider in time" if step.state in (DisputeState.ASKED, DisputeState.OPEN) else ""
    return Step((), (AskStaff(receipt_id=step.receipt_id, reason=what + to_do),))
