"""Ten thousand visits over a bad network to a provider that fails; an outbox that is killed: does money move once?"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.__main__ import MISSED
from jwo_cli.drive.dues import follow
from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import Reconciliation, reconcile
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.fake.proxy import FaultProxy, NetworkFault
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.payments import PaymentBook
from tests.payments.days import visit
from tests.payments.kills import SETTINGS, Provider, holds_left, kill_until_done
from tests.payments.till import Store, store

TITLE = "Payments"
VISITS, ACCOUNTS, KILLS, KILL_VISITS = 10_000, 1_000, 100, 600
NETWORK = {
    NetworkFault.DROP: 0.03,
    NetworkFault.CUT: 0.03,
    NetworkFault.DELAY: 0.003,
    NetworkFault.LATE: 0.003,
    NetworkFault.ERROR_BEFORE: 0.03,
    NetworkFault.ERROR_AFTER: 0.03,
}
PROVIDER: dict[Fault, float] = {fault: 0.02 for fault in Fault if fault is not Fault.TIMEOUT}


@dataclass(frozen=True, slots=True)
class _Done:
    """What a run came to: visits, how many the provider charged other than owed, both sums, holds that are left."""

    visits: int
    faults: int
    over: int
    under: int
    owed_minor: int
    found: Reconciliation
    held: int
    wall_s: float
    killed: int = 0


def run() -> str:
    """One table, a row for each way to break things."""
    rows = [_row("bad network, failing provider", asyncio.run(_storm())), _row("killed after the answer", _kills())]
    head = (
        "| what breaks | visits | faults | charged too much | too little | books = provider | unsettled | held | wall"
    )
    note = (
        f"Network: {sum(NETWORK.values()):.0%} of exchanges dropped, cut after sending, delayed beyond the time-out, "
        f"arriving late, or answered 502; provider: {sum(PROVIDER.values()):.0%} declined, dropped or answered 500, "
        "before or after, kept under the key or not. Visits hold, capture, charge, cancel and refund. Client, proxy "
        "and provider share one core."
    )
    return "\n".join([f"{head} |", "|---|--:|--:|--:|--:|---|--:|--:|--:|", *rows, "", note])


def _row(name: str, done: _Done) -> str:
    totals = done.found.totals[0]
    same = not done.found.differences and totals.ledger_minor == totals.provider_minor == done.owed_minor
    equal = f"yes, {totals.ledger_minor / 100:,.2f}" if same else MISSED
    faults = f"{done.killed} kills" if done.killed else f"{done.faults:,}"
    over, under = (f"{count}" if count == 0 else f"{count} {MISSED}" for count in (done.over, done.under))
    held = f"{done.held}" if done.held == 0 else f"{done.held} {MISSED}"
    unsettled = done.found.open + done.found.owed
    speed = f"{done.wall_s:.0f} s ({done.visits / done.wall_s:.0f} visits/s)"
    return f"| {name} | {done.visits:,} | {faults} | {over} | {under} | {equal} | {unsettled} | {held} | {speed} |"


async def _storm() -> _Done:
    with tempfile.TemporaryDirectory() as folder, store(Path(folder)) as shop:
        async with FakeProvider(faults=Faults(PROVIDER, seed=1)) as fake:
            shop.currency = "SEK"
            for number in range(ACCOUNTS):
                _, customer = fake.bank.call("POST", "/v1/customers", {})
                path = "/v1/payment_methods/pm_card_visa/attach"
                _, method = fake.bank.call("POST", path, {"customer": customer["id"]})
                shop.account(f"a{number}", customer["id"], method["id"])
            owed = _day(shop, VISITS, ACCOUNTS)
            began = time.monotonic()
            async with FaultProxy(fake.url, NETWORK, seed=1, delay_s=1.2) as proxy:
                provider = StripeProvider(TEST_KEY, base_url=proxy.url, name="fake", timeout_s=1.0)
                outbox = Outbox(shop.intake, provider, settings=SETTINGS)
                await outbox.settle(patience_s=3_600)
                await provider.aclose()
            wall_s = time.monotonic() - began
            charged = dict.fromkeys(owed, 0)
            for thing in fake.bank.of_kind("charge"):
                charged[thing["metadata"]["visit_id"]] += thing["amount_captured"] - thing["amount_refunded"]
            fake.faults = Faults()
            found, held = await _compare(shop, fake.url, outbox.book)
            return _Done(
                visits=VISITS,
                faults=sum(proxy.hits.values()) - proxy.hits["fine"],
                over=sum(charged[name] > amount for name, amount in owed.items()),
                under=sum(charged[name] < amount for name, amount in owed.items()),
                owed_minor=sum(owed.values()),
                found=found,
                held=held,
                wall_s=wall_s,
            )


def _kills() -> _Done:
    with tempfile.TemporaryDirectory() as folder, Provider() as fake, store(Path(folder)) as shop:
        shop.currency = "SEK"
        asyncio.run(_enrol(shop, fake.url))
        owed = _day(shop, KILL_VISITS, 20)
        began = time.monotonic()
        killed = kill_until_done(shop.intake.directory, fake.url, kills=KILLS, seed=1)
        wall_s = time.monotonic() - began
        book = PaymentBook()
        follow(book, shop.intake)
        found, held = asyncio.run(_compare(shop, fake.url, book))
        paid = {name: book.bills[f"r-{name}"].paid_minor() if f"r-{name}" in book.bills else 0 for name in owed}
        return _Done(
            visits=KILL_VISITS,
            faults=0,
            over=sum(paid[name] > amount for name, amount in owed.items()),
            under=sum(paid[name] < amount for name, amount in owed.items()),
            owed_minor=sum(owed.values()),
            found=found,
            held=held,
            wall_s=wall_s,
            killed=killed,
        )


async def _enrol(shop: Store, url: str) -> None:
    provider = StripeProvider(TEST_KEY, base_url=url, name="fake")
    for number in range(20):
        customer = await provider.customer(f"a{number}")
        shop.account(f"a{number}", customer, await provider.attach(customer, "pm_card_visa"))
    await provider.aclose()


def _day(shop: Store, visits: int, accounts: int) -> dict[str, int]:
    draws = random.Random(1)  # noqa: S311 - a day, not a secret
    names = [f"v{number:06d}" for number in range(visits)]
    with shop.intake.transaction():
        return {name: visit(shop, draws, name, account=f"a{place % accounts}") for place, name in enumerate(names)}


async def _compare(shop: Store, url: str, book: PaymentBook) -> tuple[Reconciliation, int]:
    provider = StripeProvider(TEST_KEY, base_url=url, name="fake")
    now_s = int(time.time())
    found = await reconcile(shop.intake, provider, book, since_s=now_s - 86_400, until_s=now_s + 3_600)
    held = await holds_left(provider)
    await provider.aclose()
    return found, held
