"""A store that runs and charges: the door, the till, the outbox and the provider, and the replay of all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import reconcile
from jwo_cli.journal import Intake
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import PaymentAnswered
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.settings import EngineSettings
from tests.drive.counter import Shop, enters, identical, up


@pytest.mark.parametrize(
    ("hold_minor", "words"),
    [
        (0, ["charge 100 done"]),
        (50, ["authorise 50 done", "capture 50 done", "charge 50 done"]),
        (500, ["authorise 500 done", "capture 100 done"]),
    ],
)
def test_a_visit_is_charged_and_replayed(tmp_path: Path, hold_minor: int, words: list[str]) -> None:
    """Whatever is held: the provider has what the receipt charges, the books agree, the replay decides the same."""
    shop = Shop(tmp_path, settings=EngineSettings(authorise_minor=hold_minor))
    up(shop)
    scanned = False

    def scan(at_s: float) -> None:
        nonlocal scanned
        if at_s > 1.0 and not scanned:
            scanned = True
            enters(shop, at_s)

    async def pay() -> list[str]:
        async with FakeProvider() as fake:
            provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
            customer = await provider.customer("acct-ann")
            method = await provider.attach(customer, "pm_card_visa")
            shop.run.note(
                PaymentMethodSet(
                    at_ns=shop.clock(), account="acct-ann", provider="fake", customer_ref=customer, method_ref=method
                )
            )
            shop.play(meanwhile=scan)
            outbox = Outbox(shop.intake, provider)
            assert await outbox.settle(patience_s=20)
            shop.run.commit()
            found = await reconcile(shop.intake, provider, outbox.book, since_s=0, until_s=1 << 40)
            await provider.aclose()
            assert found.differences == ()
            assert [(item.ledger_minor, item.provider_minor) for item in found.totals] == [(100, 100)]
        with Intake.open(tmp_path / "journal") as intake:
            answers = [answer for _, answer in intake.observed([PaymentAnswered])]
        return [f"{answer.purpose} {answer.amount_minor} {answer.outcome}" for answer in answers]

    assert asyncio.run(pay()) == words
    shop.end()
    identical(shop)
