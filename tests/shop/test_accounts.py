"""What an account owes, as the gate sees it: all that was refused and not paid since, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.entering import AccountOpened, PaymentMethodSet, Refusal, Role
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.shop.accounts import Account, Accounts

Outcome, Purpose = PaymentOutcome, PaymentPurpose
OPENED = AccountOpened(at_ns=1, account="ann", role=Role.SHOPPER, commitment="")


def said(
    key: str, amount: int, outcome: Outcome, purpose: Purpose = Purpose.CHARGE, *, code: str = "", attempt: int = 1
) -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=2, key=key, purpose=purpose, receipt_id="r-1", account="ann", amount_minor=amount, currency="EUR",
        outcome=outcome, provider="fake", reference="pi_1", code=code, attempt=attempt,
    )  # fmt: skip


def card(reference: str, at_ns: int = 3) -> PaymentMethodSet:
    return PaymentMethodSet(at_ns=at_ns, account="ann", provider="fake", customer_ref="cus_1", method_ref=reference)


def ann(*seen: AccountOpened | PaymentAnswered | PaymentMethodSet) -> Account:
    accounts = Accounts()
    for item in (OPENED, card("pm_1", 1), *seen):
        accounts.saw(item)
    return accounts.by_reference["ann"]


def test_a_part_that_is_paid_leaves_the_rest_owed() -> None:
    """Thirty-five declined, a euro of the same receipt paid: thirty-five are still owed."""
    account = ann(said("k1", 3500, Outcome.DECLINED), said("k2", 100, Outcome.DONE))
    assert account.owing == {"r-1": 3500}
    assert account.refusal(needs_payment=True) is Refusal.DECLINED


def test_a_later_try_asks_for_all_of_it() -> None:
    """Declined twice it is owed once; the try that is paid pays all, however late an earlier one turns out paid."""
    both = (said("k1", 3500, Outcome.DECLINED), said("k2", 100, Outcome.DECLINED))
    again = said("k3", 3600, Outcome.DECLINED, attempt=2)
    assert ann(*both).owing == ann(*both, again).owing == {"r-1": 3600}
    assert ann(*both, said("k3", 3600, Outcome.DONE, attempt=2)).owing == {}
    assert ann(*both, again, said("k4", 3600, Outcome.DONE, attempt=3)).owing == {}
    assert ann(*both, again, said("k1", 3500, Outcome.DONE)).owing == {"r-1": 100}


def test_what_could_not_be_made_is_owed_like_what_was_declined() -> None:
    """A link that nobody followed, a provider that failed; an amount that no provider takes keeps nobody out."""
    assert ann(said("k1", 500, Outcome.FAILED, code="canceled")).owing == {"r-1": 500}
    assert ann(said("k1", 38, Outcome.FAILED, code="amount_too_small")).owing == {}
    capture = said("k1", 500, Outcome.FAILED, Purpose.CAPTURE, code="not_authorised")
    small = said("k2", 38, Outcome.FAILED, code="amount_too_small")
    assert ann(capture, small).owing == {"r-1": 538}
    assert ann(capture, small, said("k3", 538, Outcome.DONE, attempt=2)).owing == {}


def test_a_correction_of_what_was_never_paid_lowers_what_is_owed() -> None:
    """Five declined, two taken off: three; all five taken off: nothing. What was paid and refunded is no debt."""
    declined = said("k1", 500, Outcome.DECLINED)
    less = said("k2", 200, Outcome.FAILED, Purpose.REFUND, code="superseded")
    assert ann(declined, less).owing == {"r-1": 300}
    assert ann(declined, said("k2", 500, Outcome.FAILED, Purpose.REFUND, code="superseded")).owing == {}
    assert ann(said("k1", 500, Outcome.DONE), said("k2", 200, Outcome.DONE, Purpose.REFUND)).owing == {}
    assert ann(declined, said("k2", 200, Outcome.DONE, Purpose.REFUND)).owing == {"r-1": 500}


def test_what_a_correction_gave_back_makes_up_for_nothing_later() -> None:
    """Five declined beside twenty paid, seven taken off: two go back, and two that staff add are owed if refused.

    As long as the two have not gone back, they make up for what is added.
    """
    corrected = (
        said("k1", 2000, Outcome.DONE),
        said("k2", 500, Outcome.DECLINED),
        said("k3", 700, Outcome.FAILED, Purpose.REFUND, code="superseded"),
    )
    more = said("k5", 500, Outcome.DECLINED)
    assert ann(*corrected, said("k4", 200, Outcome.DONE, Purpose.REFUND, attempt=2), more).owing == {"r-1": 500}
    assert ann(*corrected, said("k4", 200, Outcome.FAILED, Purpose.REFUND, attempt=2), more).owing == {"r-1": 300}


def test_the_very_same_card_again_changes_nothing() -> None:
    """A lost card that is named once more is still lost; another one may pay."""
    lost = (said("k1", 500, Outcome.DECLINED, code="lost_card"),)
    hold = said("h", 900, Outcome.DECLINED, Purpose.AUTHORISE, code="lost_card")
    assert ann(*lost, card("pm_1")).owing == {"r-1": 500}
    assert ann(hold, card("pm_1")).unheld == "lost_card"
    other = ann(*lost, hold, card("pm_2"))
    assert (other.owing, other.unheld) == ({}, "")
    assert ann(*lost, card("pm_2"), said("k2", 500, Outcome.DECLINED, attempt=2)).owing == {"r-1": 500}


@given(st.lists(st.tuples(st.integers(1, 500), st.booleans()), min_size=1, max_size=6))
def test_what_is_owed_is_what_was_refused(story: list[tuple[int, bool]]) -> None:
    """Any charges of one receipt, in any order of fortune: the sum of the refused ones, until a later try is paid."""
    answers = [
        said(f"k{number}", amount, Outcome.DONE if paid else Outcome.DECLINED)
        for number, (amount, paid) in enumerate(story)
    ]
    owed = sum(amount for amount, paid in story if not paid)
    assert sum(ann(*answers).owing.values()) == owed
    assert ann(*answers, said("last", max(owed, 1), Outcome.DONE, attempt=2)).owing == {}
