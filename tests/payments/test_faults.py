"""Hundreds of visits over a bad network and a provider that fails: nothing twice, nothing lost, books agree."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from jwo_cli.drive.outbox import OutboxSettings
from jwo_cli.drive.paying import reconcile
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.fake.proxy import FaultProxy, NetworkFault
from jwo_cli.payments.fake.server import TEST_KEY
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.payments import RetryPolicy

from .conftest import enrol, scene
from .days import visit
from .kills import holds_left

# Waiting faults are rarer, because each costs the test its time.
WAITING = (NetworkFault.DELAY, NetworkFault.LATE)
NETWORK = {fault: 0.01 if fault in WAITING else 0.04 for fault in NetworkFault}
PROVIDER = {fault: 0.02 for fault in Fault if fault is not Fault.TIMEOUT}
SETTINGS = OutboxSettings(
    at_once=8,
    first_wait_s=0.005,
    longest_wait_s=0.2,
    poll_s=0.05,
    tail_s=0.05,
    policy=RetryPolicy(declined_s=(0,) * 20, provider_s=(0,) * 20, refund_s=(0,) * 20),
)


@pytest.mark.slow
def test_five_hundred_visits_over_a_bad_network_pay_what_they_owe(tmp_path: Path) -> None:
    """18 % of exchanges fail on the way and 14 % at the provider: each visit's money is exactly what it owes."""
    seed = 1

    async def act() -> None:
        async with (
            scene(tmp_path, settings=SETTINGS) as made,
            FaultProxy(made.fake.url, NETWORK, seed=seed, delay_s=0.5) as proxy,
        ):
            made.fake.faults = Faults(PROVIDER, seed=seed)
            provider = StripeProvider(TEST_KEY, base_url=proxy.url, name="fake", timeout_s=0.4)
            made.provider, made.outbox = provider, made.new_outbox()
            made.outbox = made.new_outbox()
            made.shop.currency = "SEK"  # no smallest charge there, so that a rest of a krona can be asked for
            for number in range(50):
                enrol(made, f"a{number}", "pm_card_visa")
            draws = random.Random(seed)
            names = [f"v{number:06d}" for number in range(500)]
            owed = {name: visit(made.shop, draws, name, account=f"a{n % 50}") for n, name in enumerate(names)}
            assert await made.outbox.settle(patience_s=600)
            await provider.aclose()
            charged = made.charged()
            assert {name: charged.get(name, 0) for name in owed} == owed
            assert sum(proxy.hits.values()) - proxy.hits["fine"] > 80
            assert all(made.outbox.book.settled(name) for name in made.outbox.book.bills)
            made.fake.faults = Faults()
            straight = StripeProvider(TEST_KEY, base_url=made.fake.url, name="fake")
            now_s = int(time.time())
            found = await reconcile(
                made.shop.intake, straight, made.outbox.book, since_s=now_s - 3600, until_s=now_s + 3600
            )
            assert await holds_left(straight) == 0
            await straight.aclose()
            assert found.differences == ()
            assert found.totals[0].ledger_minor == found.totals[0].provider_minor == sum(owed.values())

    asyncio.run(act())


def test_an_outbox_cut_off_at_any_moment_goes_on_where_the_journal_is(tmp_path: Path) -> None:
    """Forty outboxes, each stopped dead a few milliseconds in, at whatever it waits for; then one that may end."""

    async def act() -> None:
        async with scene(tmp_path, settings=SETTINGS) as made:
            made.fake.faults = Faults(PROVIDER, seed=5)
            made.shop.currency = "SEK"
            draws = random.Random(5)
            names = [f"v{number}" for number in range(40)]
            owed = {name: visit(made.shop, draws, name, account="ann") for name in names}
            for _ in range(40):
                running = asyncio.create_task(made.outbox.run(asyncio.Event()))
                await asyncio.sleep(draws.uniform(0.001, 0.03))
                dead = [running, *made.outbox._tasks.values()]
                for task in dead:
                    task.cancel()
                await asyncio.gather(*dead, return_exceptions=True)
                await made.dies()
            assert await made.outbox.settle(patience_s=600)
            charged = made.charged()
            assert {name: charged.get(name, 0) for name in owed} == owed
            assert await holds_left(made.provider) == 0
            keys = [(answer.key, answer.outcome) for answer in made.shop.answers()]
            assert len(set(keys)) == len(keys)

    asyncio.run(act())
