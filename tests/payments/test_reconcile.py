"""Reconciling: every difference between books and provider is named, to the penny, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import DifferenceKind, Reconciliation, hold_minor, provider_of, reconcile, webhooks
from jwo_cli.journal import Intake
from jwo_cli.layouts.settings_money import PaymentSettings
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome
from jwo_cli.model.paying import PaymentPurpose as Purpose

from .conftest import Scene
from .till import Store

Change = Callable[[Scene], None]


async def compared(scene: Scene, *, strangers: bool = True, hours: float = 1.0) -> Reconciliation:
    now_s = int(time.time())
    return await reconcile(
        scene.shop.intake,
        scene.provider,
        scene.outbox.book,
        since_s=now_s - round(3_600 * hours),
        until_s=now_s + 3_600,
        strangers=strangers,
    )


async def day(scene: Scene) -> None:
    """Three visits: captured, charged, and one that got something back."""
    held = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
    scene.shop.due(Purpose.CAPTURE, 1234, held=held)
    scene.shop.due(Purpose.CHARGE, 500, visit="v2")
    scene.shop.due(Purpose.REFUND, 120, visit="v2", decision=1)
    scene.shop.due(Purpose.CHARGE, 999, visit="v3")
    assert await scene.settle()


def of_kind(scene: Scene, kind: str, place: int = 0) -> dict[str, Any]:
    return scene.fake.bank.of_kind(kind)[place]


def test_a_sound_day_agrees(play: Callable[..., None]) -> None:
    """Four movements, one sum, no difference, nothing open."""

    async def act(scene: Scene) -> None:
        await day(scene)
        found = await compared(scene)
        assert found.agrees
        assert (found.payments, found.open, found.owed) == (4, 0, 0)
        (total,) = found.totals
        assert (total.currency, total.ledger_minor, total.provider_minor) == ("EUR", 2613, 2613)

    play(act)


def lose_a_charge(scene: Scene) -> None:
    del scene.fake.bank.things[of_kind(scene, "charge")["id"]]


def change_an_amount(scene: Scene) -> None:
    of_kind(scene, "charge")["amount_captured"] = 998


def refund_behind_our_back(scene: Scene) -> None:
    intent = of_kind(scene, "payment_intent")["id"]
    scene.fake.bank.call("POST", "/v1/refunds", {"payment_intent": intent, "amount": "100"})


def change_a_currency(scene: Scene) -> None:
    of_kind(scene, "charge")["currency"] = "sek"


@pytest.mark.parametrize(
    ("change", "kind", "ours", "theirs"),
    [
        (lose_a_charge, DifferenceKind.NOT_THEIRS, 999, 0),
        (change_an_amount, DifferenceKind.AMOUNT, 999, 998),
        (refund_behind_our_back, DifferenceKind.NOT_OURS, 0, -100),
        (change_a_currency, DifferenceKind.AMOUNT, 999, 999),
    ],
)
def test_every_difference_is_named(
    play: Callable[..., None], change: Change, kind: DifferenceKind, ours: int, theirs: int
) -> None:
    """Missing there, missing here, another amount, another currency: one line, with both amounts."""

    async def act(scene: Scene) -> None:
        await day(scene)
        change(scene)
        found = await compared(scene)
        (difference,) = found.differences
        assert (difference.kind, difference.ours_minor, difference.theirs_minor) == (kind, ours, theirs)
        assert not found.agrees

    play(act)


def test_payments_of_others_at_the_same_provider_can_be_left_out(play: Callable[..., None]) -> None:
    """A web shop on the same account: a difference, unless only ours are wanted."""

    async def act(scene: Scene) -> None:
        await day(scene)
        wallet = scene.outbox.book.wallets["ann"]
        form = {"amount": "777", "currency": "eur", "confirm": "true", "customer": wallet.customer_ref}
        scene.fake.bank.call("POST", "/v1/payment_intents", {**form, "payment_method": wallet.method_ref})
        assert [item.theirs_minor for item in (await compared(scene)).differences] == [777]
        assert (await compared(scene, strangers=False)).agrees

    play(act)


def test_another_store_at_the_same_provider_can_be_left_out(play: Callable[..., None], tmp_path: Path) -> None:
    """Two stores of ours on one account: each compares its own."""

    async def act(scene: Scene) -> None:
        await day(scene)
        with Intake.open(tmp_path / "other", store_id="annexe") as intake:
            other = Store(intake)
            wallet = scene.outbox.book.wallets["ann"]
            other.account("ann", wallet.customer_ref, wallet.method_ref)
            other.due(Purpose.CHARGE, 4_000)
            other.due(Purpose.REFUND, 300, decision=1)
            outbox = Outbox(intake, scene.provider, settings=scene.settings)
            assert await outbox.settle(patience_s=20)
            assert [item.theirs_minor for item in (await compared(scene)).differences] == [4_000, -300]
            assert (await compared(scene, strangers=False)).agrees
            scene.shop, scene.outbox = other, outbox
            found = await compared(scene, strangers=False)
            assert (found.agrees, found.payments) == (True, 2)

    play(act)


def test_an_answer_that_is_found_weeks_later_is_no_difference(play: Callable[..., None]) -> None:
    """The store was down for three weeks after it asked: dated by the due there, by the answer here."""

    async def act(scene: Scene) -> None:
        before_ns = 21 * 86_400 * 10**9
        scene.shop.at_ns -= before_ns
        scene.shop.due(Purpose.CHARGE, 500)
        scene.shop.due(Purpose.REFUND, 100, decision=1)
        assert await scene.settle()
        for kind in ("charge", "refund", "payment_intent"):
            of_kind(scene, kind)["created"] -= 21 * 86_400
        assert (await compared(scene)).agrees

    play(act)


def test_a_port_that_is_taken_is_said_in_words(play: Callable[..., None]) -> None:
    """Where, and what to do about it; no word of a disk."""

    async def act(scene: Scene) -> None:
        place = scene.fake.url.removeprefix("http://")
        with pytest.raises(UserError, match=place) as caught:
            async with webhooks(scene.outbox, place):
                pass
        assert "listen" in caught.value.fix

    play(act)


def test_the_edges_of_the_window_make_no_differences(play: Callable[..., None]) -> None:
    """Held days before it was captured, dated by the hold there and by the capture here: the same payment."""

    async def act(scene: Scene) -> None:
        await day(scene)
        for thing in scene.fake.bank.of_kind("charge"):
            thing["created"] -= 5 * 86_400
        assert (await compared(scene)).agrees

    play(act)


def test_what_has_no_answer_and_what_is_owed_is_counted_and_is_no_difference(play: Callable[..., None]) -> None:
    """A due that nobody carried yet; a charge that was declined."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500, account="eve")
        assert await scene.settle()
        scene.shop.due(Purpose.CHARGE, 700, visit="v2")
        scene.outbox.catch_up()
        found = await compared(scene)
        assert (found.differences, found.open, found.owed) == ((), 1, 2)

    play(act)


def test_money_in_the_books_that_never_moved_is_found(play: Callable[..., None]) -> None:
    """An answer that somebody made up."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.CHARGE, 500)
        scene.shop.append(
            PaymentAnswered(
                at_ns=time.time_ns(),
                key=due.key,
                purpose=due.purpose,
                receipt_id=due.receipt_id,
                account="ann",
                amount_minor=500,
                currency="EUR",
                outcome=PaymentOutcome.DONE,
                provider="fake",
                reference="pi_made_up",
            )
        )
        (difference,) = (await compared(scene)).differences
        assert (difference.kind, difference.reference, difference.receipt_id) == (
            DifferenceKind.NOT_THEIRS,
            "pi_made_up",
            "r-v1",
        )

    play(act)


def test_settings_without_a_provider_or_a_key_say_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence each; and what is held counts in the currency's minor units."""
    with pytest.raises(UserError, match="no payment provider"):
        provider_of(None)
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    settings = PaymentSettings(provider="stripe", key="env:NO_SUCH_KEY", hold=20.5)
    with pytest.raises(UserError, match="NO_SUCH_KEY"):
        provider_of(settings)
    assert [hold_minor(settings, currency) for currency in ("EUR", "JPY", "KWD")] == [2050, 20, 20500]
    assert hold_minor(None, "EUR") == 0
