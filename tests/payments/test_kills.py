"""Killed between the provider's answer and its commit: the next process asks with the same key; money moves once."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from jwo_cli.drive.dues import follow
from jwo_cli.drive.paying import Reconciliation, reconcile
from jwo_cli.payments.fake.server import TEST_KEY
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.payments import PaymentBook

from .days import visit
from .kills import Provider, holds_left, kill_until_done
from .till import store


@pytest.mark.slow
def test_an_outbox_that_is_killed_again_and_again_moves_money_once(tmp_path: Path) -> None:
    """Twenty kills right after an answer: every receipt settled, books and provider equal, nothing open or held."""
    with Provider() as fake, store(tmp_path) as shop:
        provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
        shop.currency = "SEK"

        async def enrol() -> None:
            customer = await provider.customer("ann")
            shop.account("ann", customer, await provider.attach(customer, "pm_card_visa"))
            await provider.aclose()

        async def compare(book: PaymentBook) -> Reconciliation:
            now_s = int(time.time())
            found = await reconcile(shop.intake, provider, book, since_s=now_s - 3600, until_s=now_s + 3600)
            assert await holds_left(provider) == 0
            await provider.aclose()
            return found

        asyncio.run(enrol())
        draws = random.Random(3)
        owed = sum(visit(shop, draws, f"v{number}", account="ann") for number in range(150))
        assert kill_until_done(shop.intake.directory, fake.url, kills=20, seed=3) == 20
        book = PaymentBook()
        follow(book, shop.intake)
        found = asyncio.run(compare(book))
        assert (found.differences, found.open, found.owed) == ((), 0, 0)
        assert found.totals[0].ledger_minor == found.totals[0].provider_minor == owed
