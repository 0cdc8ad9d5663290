"""A door that waits for the bank: its word opens it, its no keeps it shut, and silence is what the settings say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jwo_cli.drive.door_wait import WaitRules
from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import reconcile
from jwo_cli.journal import Intake
from jwo_cli.model.entering import EntryRefused, PaymentMethodSet, Refusal
from jwo_cli.model.observations import CodeScanned
from jwo_cli.model.paying import MethodProblem, PaymentAnswered, PaymentDue, PaymentOutcome, PaymentPurpose
from jwo_cli.model.staffing import EntryGranted, EntryPending, Mode
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.settings import EngineSettings
from tests.drive.counter import Shop, enters, identical, up

HOLDS = EngineSettings(authorise_minor=500)
LONG_S = 9.0  # longer than any door waits


def waiting(place: Path, *, open_unanswered: bool = True) -> Shop:
    """A store that holds money and waits for it; Ann's code was good a moment ago."""
    shop = Shop(place, settings=HOLDS, wait=WaitRules(wait_s=3.0, open_unanswered=open_unanswered))
    up(shop)
    shop.play(until_s=1.0)
    enters(shop, 1.0)
    return shop


def dues(shop: Shop) -> list[PaymentDue]:
    with Intake.open(shop.place / "journal") as intake:
        return [due for _, due in intake.observed([PaymentDue])]


def says(shop: Shop, outcome: PaymentOutcome, code: str = "") -> None:
    """The provider's word on the first hold."""
    due = dues(shop)[0]
    shop.staff(
        PaymentAnswered(
            at_ns=shop.clock(), key=due.key, purpose=due.purpose, receipt_id=None, account=due.account,
            amount_minor=due.amount_minor, currency=due.currency, outcome=outcome, provider="fake", reference="pi_1",
            code=code,
        )
    )  # fmt: skip
    shop.run.commit()


def late(shop: Shop) -> None:
    """The door waited long enough."""
    overdue = shop.run._doorway.overdue(now_ns=shop.clock(), monotonic_s=time.monotonic() + LONG_S)
    shop.run._tell(overdue)


def words(shop: Shop) -> list[str]:
    """What the journal says of the door and of money."""
    kinds = (EntryPending, EntryGranted, EntryRefused, PaymentDue, CodeScanned)
    with Intake.open(shop.place / "journal") as intake:
        found = [value for _, value in intake.observed(kinds)]
    return [
        value.purpose.value
        if isinstance(value, PaymentDue)
        else f"refused {value.refusal}"
        if isinstance(value, EntryRefused)
        else f"granted {value.bank}".strip()
        if isinstance(value, EntryGranted)
        else type(value).__name__
        for value in found
    ]


def test_the_door_opens_with_the_banks_word_and_what_is_held_is_captured(tmp_path: Path) -> None:
    """Shut until then; one hold, which the visit takes along; the replay decides the same."""
    shop = waiting(tmp_path)
    assert (shop.run.live.opened, words(shop)) == (0, ["EntryPending", "authorise"])
    says(shop, PaymentOutcome.DONE)
    assert shop.run.live.opened == 1
    shop.play(from_s=1.0)
    shop.end()
    assert words(shop) == ["EntryPending", "authorise", "granted held", "CodeScanned", "capture"]
    assert dues(shop)[1].held_key == dues(shop)[0].key
    identical(shop)


@pytest.mark.parametrize("outcome", [PaymentOutcome.DECLINED, PaymentOutcome.ACTION_NEEDED, PaymentOutcome.FAILED])
def test_a_bank_that_says_no_keeps_the_door_shut(tmp_path: Path, outcome: PaymentOutcome) -> None:
    """Also one that wants its customer, and a method that is none; whatever may be held is let go of."""
    shop = waiting(tmp_path)
    says(shop, outcome, "insufficient_funds")
    assert (shop.run.live.opened, shop.run.live.refused) == (0, {Refusal.DECLINED: 1})
    late(shop)
    shop.end()
    assert words(shop) == ["EntryPending", "authorise", "refused declined", "cancel"]
    identical(shop)


@pytest.mark.parametrize(
    ("code", "opens", "word"),
    [
        ("", True, "granted no_answer"),
        ("", False, "refused no_answer"),
        (MethodProblem.PROVIDER_ERROR.value, True, "granted no_answer"),
        (MethodProblem.PROVIDER_ERROR.value, False, "refused no_answer"),
    ],
)
def test_silence_is_settled_by_the_settings_and_recorded(tmp_path: Path, code: str, word: str, *, opens: bool) -> None:
    """No word in time, or a provider that failed itself: the door opens or not, and the journal says why."""
    shop = waiting(tmp_path, open_unanswered=opens)
    if code:
        says(shop, PaymentOutcome.FAILED, code)
    else:
        late(shop)
    assert words(shop)[2] == word
    if opens:
        shop.play(from_s=1.0)
    shop.end()
    assert words(shop)[-1] == ("capture" if opens else "cancel")
    identical(shop)


def test_a_word_that_comes_too_late_changes_nothing_at_the_door(tmp_path: Path) -> None:
    """Let in without it; a no that comes then is told to staff, and the exit asks for its own."""
    shop = waiting(tmp_path)
    late(shop)
    says(shop, PaymentOutcome.DECLINED, "insufficient_funds")
    assert [reason for reason in shop.run.live.asked if "insufficient_funds" in reason]
    shop.play(from_s=1.0)
    shop.end()
    assert words(shop)[2:] == ["granted no_answer", "CodeScanned", "capture"]
    identical(shop)


def test_nobody_else_waits(tmp_path: Path) -> None:
    """A tester, and a friend whom somebody inside lets in: at once, and nothing more is held."""
    shop = waiting(tmp_path)
    enters(shop, 1.1, "tester")
    assert shop.run.live.opened == 1
    says(shop, PaymentOutcome.DONE)
    shop.play(from_s=1.0, until_s=5.0)
    enters(shop, 5.0)
    assert shop.run.live.opened == 3
    assert [due.purpose for due in dues(shop)] == [PaymentPurpose.AUTHORISE]
    shop.play(from_s=5.0)
    shop.end()
    identical(shop)


def test_two_phones_of_one_account_wait_for_one_hold(tmp_path: Path) -> None:
    """Both are let in with it."""
    shop = waiting(tmp_path)
    enters(shop, 1.1)
    assert len(dues(shop)) == 1
    says(shop, PaymentOutcome.DONE)
    assert shop.run.live.opened == 2
    shop.play(from_s=1.0)
    shop.end()
    assert [due.purpose.value for due in dues(shop)] == ["authorise", "capture"]
    identical(shop)


@pytest.mark.parametrize("how", ["closes", "ends"])
def test_a_store_that_closes_meanwhile_lets_nobody_in(tmp_path: Path, how: str) -> None:
    """The bank's yes comes after it closed, or never: refused as closed, and the money is let go of."""
    shop = waiting(tmp_path)
    if how == "closes":
        shop.ask(Mode.DOWN)
        says(shop, PaymentOutcome.DONE)
    shop.end()
    assert words(shop) == ["EntryPending", "authorise", "refused closed", "cancel"]
    identical(shop)


def test_who_waited_when_the_store_was_cut_off_is_let_go_of(tmp_path: Path) -> None:
    """Killed while the bank was asked: the next run refuses, and cancels what may be held."""
    first = waiting(tmp_path / "a")
    first.intake.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b", settings=HOLDS, wait=WaitRules(wait_s=3.0))
    assert words(second) == ["EntryPending", "authorise", "refused no_answer", "cancel"]
    second.end()


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("pm_card_visa", ["EntryPending", "authorise", "granted held", "CodeScanned", "capture"]),
        ("pm_card_chargeDeclinedInsufficientFunds", ["EntryPending", "authorise", "refused declined", "cancel"]),
        ("pm_card_authenticationRequired", ["EntryPending", "authorise", "refused declined", "cancel"]),
    ],
)
def test_with_a_provider_the_books_agree_whatever_it_says(tmp_path: Path, card: str, told: list[str]) -> None:
    """The outbox carries the hold while the door waits; nothing stays held of who was turned away."""
    import asyncio

    shop = Shop(tmp_path, settings=HOLDS, wait=WaitRules(wait_s=3.0))
    up(shop)
    shop.play(until_s=1.0)

    async def pay() -> None:
        async with FakeProvider() as fake:
            provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
            customer = await provider.customer("acct-ann")
            method = await provider.attach(customer, card)
            shop.run.note(
                PaymentMethodSet(
                    at_ns=shop.clock(), account="acct-ann", provider="fake", customer_ref=customer, method_ref=method
                )
            )
            outbox = Outbox(shop.intake, provider)
            enters(shop, 1.0)
            assert await outbox.settle(patience_s=20)
            shop.run.commit()
            shop.play(from_s=1.0)
            assert await outbox.settle(patience_s=20)
            shop.run.commit()
            found = await reconcile(shop.intake, provider, outbox.book, since_s=0, until_s=1 << 40)
            await provider.aclose()
            assert found.agrees
            statuses = {thing["status"] for thing in fake.bank.of_kind("payment_intent")}
            assert statuses == {"succeeded" if card == "pm_card_visa" else "canceled"} or not statuses - {
                "requires_payment_method",
                "canceled",
            }

    asyncio.run(pay())
    shop.end()
    assert words(shop)[: len(told)] == told
    identical(shop)
