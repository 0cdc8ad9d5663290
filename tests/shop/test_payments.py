"""The fold of dues and answers: whatever order answers come in, the money that moved is the money that is counted."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

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
from jwo_cli.shop.bills import source_of
from jwo_cli.shop.payments import PaymentBook, RetryPolicy

Outcome, Purpose = PaymentOutcome, PaymentPurpose


def due(purpose: Purpose, amount: int, *, decision: int = 0, attempt: int = 1) -> PaymentDue:
    return payment_due(
        at_ns=1,
        purpose=purpose,
        visit_id="v1",
        receipt_id="r-v1",
        account="ann",
        amount_minor=amount,
        currency="EUR",
        decision=decision,
        attempt=attempt,
    )


def answer(of: PaymentDue, outcome: Outcome, *, at_s: int = 0, code: str = "", amount: int = 0) -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=at_s * NS_PER_S,
        key=of.key,
        purpose=of.purpose,
        receipt_id=of.receipt_id,
        account=of.account,
        amount_minor=amount or of.amount_minor,
        currency=of.currency,
        outcome=outcome,
        provider="fake",
        reference=f"pi-{of.key[4:10]}",
        code=code,
    )


def method(reference: str) -> PaymentMethodSet:
    return PaymentMethodSet(at_ns=1, account="ann", provider="fake", customer_ref="cus_1", method_ref=reference)


def test_a_key_is_made_of_what_is_to_happen_and_not_of_when() -> None:
    """The same visit, purpose, amount and try have one key at any time; anything else another."""
    one = due(Purpose.CHARGE, 500)
    assert payment_due(**{**_fields(one), "at_ns": 99}).key == one.key
    others = [
        due(Purpose.REFUND, 500),
        due(Purpose.CHARGE, 501),
        due(Purpose.CHARGE, 500, decision=1),
        due(Purpose.CHARGE, 500, attempt=2),
        payment_due(**{**_fields(one), "visit_id": "v2"}),
        payment_due(**{**_fields(one), "account": "bob"}),
        payment_due(**{**_fields(one), "currency": "SEK"}),
    ]
    assert len({one.key, *(other.key for other in others)}) == 8
    assert len(one.key) <= 255


@given(st.lists(st.sampled_from(Outcome), max_size=8))
def test_once_done_always_done_and_nothing_is_counted_twice(outcomes: list[Outcome]) -> None:
    """Any answers in any order, repeated or not: paid is the amount if any said done, and nothing else."""
    book, charge = PaymentBook(), due(Purpose.CHARGE, 500)
    book.decided(1, charge)
    for outcome in outcomes:
        adds = book.adds(charge.key, outcome)
        before = book.by_key[charge.key].outcome
        book.answered(answer(charge, outcome))
        assert (book.by_key[charge.key].outcome != before) == adds
    assert book.bills["r-v1"].paid_minor() == (500 if Outcome.DONE in outcomes else 0)


# A first answer: nothing comes back that was not done before.
FIRST = [outcome for outcome in Outcome if outcome is not Outcome.RETURNED]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 300), st.sampled_from(FIRST)), min_size=1, max_size=6))
def test_what_is_tried_again_is_exactly_what_is_missing(story: list[tuple[bool, int, Outcome]]) -> None:
    """Charges and refunds with any answers: the next due is the difference of owed and paid, or there is none."""
    book, owed, paid = PaymentBook(), 0, 0
    for number, (taking, amount, outcome) in enumerate(story):
        item = due(Purpose.CHARGE if taking else Purpose.REFUND, amount, decision=number)
        sign = 1 if taking else -1
        owed += sign * amount
        book.decided(number + 1, item)
        book.answered(answer(item, outcome, at_s=number))
        paid += sign * amount if outcome is Outcome.DONE else 0
    waiting = any(outcome in (Outcome.PENDING, Outcome.ACTION_NEEDED) for _, _, outcome in story)
    found = book.missing("r-v1", 10)
    if waiting or owed == paid:
        assert found is None
    else:
        assert found is not None
        assert (found.purpose, found.amount_minor) == (
            Purpose.CHARGE if owed > paid else Purpose.REFUND,
            abs(owed - paid),
        )
    assert book.settled("r-v1") == (not waiting and owed == paid)


def test_dues_of_a_receipt_wait_for_each_other() -> None:
    """The second is carried when the first has a final answer."""
    book, first, second = PaymentBook(), due(Purpose.CHARGE, 500), due(Purpose.REFUND, 100, decision=1)
    book.decided(1, first)
    book.decided(2, second)
    before = book.before(book.by_key[second.key])
    assert before is not None
    assert before.due == first
    book.answered(answer(first, Outcome.PENDING))
    assert book.before(book.by_key[second.key]) is not None
    book.answered(answer(first, Outcome.DONE))
    assert book.before(book.by_key[second.key]) is None


def test_a_charge_waits_until_what_is_held_for_it_is_let_go_of() -> None:
    """Held twenty, due twenty and thirty cents: while the hold stands, a card with thirty has only ten."""
    common = {"at_ns": 1, "visit_id": "v1", "account": "ann", "currency": "EUR", "receipt_id": None}
    held = payment_due(purpose=Purpose.AUTHORISE, amount_minor=2000, **common)  # type: ignore[arg-type]
    gone = payment_due(purpose=Purpose.CANCEL, amount_minor=2000, held_key=held.key, **common)  # type: ignore[arg-type]
    charge, other = due(Purpose.CHARGE, 2030), replace(due(Purpose.CHARGE, 100), account="bob", key="k", visit_id="v2")
    book = PaymentBook()
    for seq, item in enumerate((held, gone, charge, replace(other, receipt_id="r-v2"))):
        book.decided(seq + 1, item)
    state = book.by_key[charge.key]
    assert [item.due for item in book.frees(state)] == [gone]
    assert (book.before(state), book.frees(book.by_key["k"])) == (None, [])
    book.answered(answer(held, Outcome.PENDING))  # a bank may take days
    assert book.frees(state) == []
    book.answered(answer(held, Outcome.DONE))
    assert [item.due for item in book.frees(state)] == [gone]
    book.answered(answer(gone, Outcome.FAILED, code=MethodProblem.PROVIDER_ERROR))
    assert book.frees(state) == []


def test_a_charge_waits_for_all_money_that_is_let_go_of_and_for_none_that_is_later() -> None:
    """Of three holds two are to be let go of before the charge, and nothing that is no charge waits for them."""
    common = {"at_ns": 1, "account": "ann", "currency": "EUR", "receipt_id": None, "amount_minor": 2000}
    book, charge, gone = PaymentBook(), due(Purpose.CHARGE, 2030), []
    for number in range(3):
        held = payment_due(purpose=Purpose.AUTHORISE, visit_id=f"v{number}", **common)  # type: ignore[arg-type]
        cancel = payment_due(purpose=Purpose.CANCEL, visit_id=f"v{number}", held_key=held.key, **common)  # type: ignore[arg-type]
        book.decided(10 * number + 1, held)
        book.answered(answer(held, Outcome.DONE))
        book.decided(10 * number + 2, cancel)
        gone.append(book.by_key[cancel.key])
    book.decided(20, charge)
    assert book.frees(book.by_key[charge.key]) == gone[:2]
    assert [book.frees(item) for item in gone] == [[], [], []]


def test_a_refused_charge_is_due_again_by_the_policy() -> None:
    """After an hour, then after a day from the second refusal; a third refusal is for a person."""
    book, item = PaymentBook(RetryPolicy(declined_s=(3_600, 86_400))), due(Purpose.CHARGE, 500)
    times = []
    for number in range(3):
        book.decided(number + 1, item)
        book.answered(answer(item, Outcome.DECLINED, at_s=1_000 * number, code="insufficient_funds"))
        again = list(book.again(now_ns=0))
        times += [at_ns // NS_PER_S - 1_000 * number for _, _, at_ns in again]
        item = again[0][0] if again else item
    assert times == [3_600, 86_400]
    assert item.attempt == 3


def test_a_hard_refusal_waits_for_another_card() -> None:
    """A stolen card is never tried again; the account's next one at once."""
    book, item = PaymentBook(), due(Purpose.CHARGE, 500)
    book.method_set(method("pm_1"))
    book.decided(1, item)
    book.answered(answer(item, Outcome.DECLINED, at_s=5, code="stolen_card"))
    assert list(book.again(now_ns=0)) == []
    book.method_set(method("pm_2"))
    ((again, _, at_ns),) = book.again(now_ns=0)
    assert (again.amount_minor, at_ns) == (500, 5 * NS_PER_S)


def test_a_lost_card_that_is_named_again_is_still_lost() -> None:
    """The very same card is no other one, whenever it was named."""
    book, item = PaymentBook(), due(Purpose.CHARGE, 500)
    book.method_set(method("pm_1"))
    book.decided(1, item)
    book.answered(answer(item, Outcome.DECLINED, at_s=5, code="lost_card"))
    book.method_set(replace(method("pm_1"), at_ns=99))
    assert list(book.again(now_ns=0)) == []


def test_a_refund_that_comes_back_is_missing_again() -> None:
    """Done, then sent back by the shopper's bank: tried again by the policy; that one itself never comes to be."""
    book, charge, back = PaymentBook(), due(Purpose.CHARGE, 500), due(Purpose.REFUND, 200, decision=1)
    for number, item in enumerate((charge, back)):
        book.decided(number + 1, item)
        book.answered(answer(item, Outcome.DONE))
    assert book.settled("r-v1")
    book.answered(answer(back, Outcome.RETURNED, at_s=9, code="expired_or_canceled_card"))
    assert (book.bills["r-v1"].missing_minor(), list(book.bills["r-v1"].payments().values())) == (-200, [500])
    ((again, _, at_ns),) = book.again(now_ns=0)
    assert (again.purpose, again.amount_minor, at_ns) == (Purpose.REFUND, 200, (9 + 3_600) * NS_PER_S)
    assert not any(book.adds(back.key, outcome) for outcome in Outcome)
    assert not book.adds(charge.key, Outcome.RETURNED)


def test_a_refund_whose_failure_is_told_before_its_success_has_failed() -> None:
    """Webhooks come in any order: a refund that was made and failed is never done."""
    book, back = PaymentBook(), due(Purpose.REFUND, 200, decision=1)
    book.decided(1, due(Purpose.CHARGE, 500))
    book.decided(2, back)
    book.answered(replace(answer(back, Outcome.FAILED, code="lost_or_stolen_card"), payment="pi_1"))
    assert not book.adds(back.key, Outcome.DONE)


def test_a_due_keeps_the_card_of_its_time() -> None:
    """What is asked again is asked the same, also when the account pays another way meanwhile."""
    book, item = PaymentBook(), due(Purpose.CHARGE, 500)
    book.method_set(method("pm_1"))
    book.decided(1, item)
    book.method_set(method("pm_2"))
    wallet = book.by_key[item.key].wallet
    assert wallet is not None
    assert wallet.method_ref == "pm_1"


def test_a_due_that_was_forgotten_keeps_the_card_of_its_time_too() -> None:
    """Read back from the journal it has the card that it was asked with, not today's."""
    told: list[tuple[int, PaymentDue | PaymentAnswered]] = []
    book, item = PaymentBook(recall=lambda about, _: told if about == "r-v1" else (), kept=0), due(Purpose.CHARGE, 500)
    book.follow(1, method("pm_1"))
    for seq, value in ((2, item), (3, answer(item, Outcome.DONE))):
        told.append((seq, value))
        book.follow(seq, value)
    book.follow(4, method("pm_2"))
    assert book.held() == 0
    state = book.state(item.key, "r-v1")
    assert state is not None
    assert state.wallet is not None
    assert state.wallet.method_ref == "pm_1"


def test_money_taken_twice_goes_back_by_itself() -> None:
    """A charge given up as failed turns out done after its next try was: the surplus is due back at once."""
    book, first = PaymentBook(), due(Purpose.CHARGE, 500)
    book.decided(1, first)
    book.answered(answer(first, Outcome.FAILED, code=MethodProblem.PROVIDER_ERROR))
    second = due(Purpose.CHARGE, 500, attempt=2)
    book.decided(2, second)
    book.answered(answer(second, Outcome.DONE))
    assert book.settled("r-v1")
    book.answered(answer(first, Outcome.DONE, at_s=7))
    ((back, _, at_ns),) = book.again(now_ns=0)
    assert (back.purpose, back.amount_minor, at_ns) == (Purpose.REFUND, 500, 7 * NS_PER_S)


def test_a_refund_comes_from_a_payment_that_covers_it_or_from_the_fullest() -> None:
    """The newest that covers it; where none does, all that the fullest has, and the rest is due again."""
    assert source_of({"a": 500, "b": 300, "c": 100}, 250) == ("b", 250)
    assert source_of({"a": 500, "b": 300}, 700) == ("a", 500)
    book = PaymentBook()
    for number, item in enumerate([due(Purpose.CHARGE, 500), due(Purpose.CHARGE, 300, decision=1)]):
        book.decided(number + 1, item)
        book.answered(answer(item, Outcome.DONE))
    back = due(Purpose.REFUND, 700, decision=2)
    book.decided(3, back)
    book.answered(answer(back, Outcome.DONE, amount=500))
    missing = book.missing("r-v1", 0)
    assert missing is not None
    assert (missing.purpose, missing.amount_minor) == (Purpose.REFUND, 200)


def _fields(item: PaymentDue) -> dict[str, object]:
    names = ("at_ns", "purpose", "visit_id", "receipt_id", "account", "amount_minor", "currency", "decision", "attempt")
    return {name: getattr(item, name) for name in names}


def test_what_is_settled_is_forgotten_and_read_back_when_something_about_it_comes() -> None:
    """A thousand visits a day: the book holds the latest and what is open; a refund of long ago finds its payment."""
    told: dict[str, list[tuple[int, PaymentDue | PaymentAnswered]]] = {}
    asked: list[str] = []

    def recall(subject: str, until: int) -> list[tuple[int, PaymentDue | PaymentAnswered]]:
        asked.append(subject)
        return [(seq, value) for seq, value in told.get(subject, []) if seq <= until]

    book = PaymentBook(recall=recall, kept=5)

    def tell(seq: int, value: PaymentDue | PaymentAnswered) -> None:
        told.setdefault(value.receipt_id or value.key, []).append((seq, value))
        book.follow(seq, value)

    def visit(number: int, *, declined: bool = False) -> None:
        hold, name = number % 3, f"v{number}"
        common = {"visit_id": name, "account": "ann", "currency": "EUR"}
        if hold:
            held = payment_due(at_ns=1, purpose=Purpose.AUTHORISE, receipt_id=None, amount_minor=900, **common)  # type: ignore[arg-type]
            tell(number * 10, held)
            tell(number * 10 + 1, answer(held, Outcome.DONE))
        purpose = (Purpose.CHARGE, Purpose.CAPTURE, Purpose.CANCEL)[hold]
        ended = payment_due(
            at_ns=1, purpose=purpose, receipt_id=None if hold == 2 else f"r-{name}", amount_minor=500,
            held_key=held.key if hold else "", **common,  # type: ignore[arg-type]
        )  # fmt: skip
        tell(number * 10 + 2, ended)
        tell(number * 10 + 3, answer(ended, Outcome.DECLINED if declined else Outcome.DONE))

    for number in range(3_000):
        visit(number, declined=number in (300, 600))
    assert asked == []  # a visit as usual asks the journal nothing
    assert book.held() < 20
    assert [due.receipt_id for due, _, _ in book.again(0)] == ["r-v300", "r-v600"]

    back = payment_due(
        at_ns=1, purpose=Purpose.REFUND, visit_id="v1", receipt_id="r-v1", account="ann", amount_minor=200,
        currency="EUR", decision=1,
    )  # fmt: skip
    tell(40_000, back)
    state = book.by_key[back.key]
    assert book.surplus_minor(state) == 200
    assert len(book.bills["r-v1"].payments()) == 1
    tell(40_001, answer(back, Outcome.DONE))
    assert book.settled("r-v1")
    late = told["r-v9"][1][1]
    assert isinstance(late, PaymentAnswered)
    assert book.state(late.key, late.receipt_id) is not None
    assert not book.adds(late.key, Outcome.DONE)
    hold = next(name for name, found in told.items() if isinstance(found[0][1], PaymentDue) and not found[0][1].held_key
                and found[0][1].purpose is Purpose.AUTHORISE)  # fmt: skip
    assert book.state(hold, None) is not None
    for number in range(3_000, 3_100):
        visit(number)
    assert book.held() < 20
