"""The fake provider in this process, and a store whose accounts pay at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jwo_cli.drive.outbox import Outbox, OutboxSettings
from jwo_cli.payments.fake.faults import Faults
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider

from .till import Store, store

CARDS = {
    "ann": "pm_card_visa",
    "bob": "pm_card_chargeDeclinedInsufficientFunds",
    "eve": "pm_card_chargeDeclinedLostCard",
    "sca": "pm_card_authenticationRequired",
}
QUICK = OutboxSettings(first_wait_s=0.01, longest_wait_s=0.05, poll_s=0.05, tail_s=0.05)
SECRET = b"whsec_test"


class Scene:
    """A store, its outbox and its provider."""

    def __init__(
        self, shop: Store, fake: FakeProvider, connect: Callable[[], StripeProvider], settings: OutboxSettings
    ) -> None:
        self.shop, self.fake, self.settings = shop, fake, settings
        self._connect = connect
        self.provider = connect()
        self.outbox = self.new_outbox()

    async def dies(self) -> None:
        """Its process is gone, and its connections with it; another one begins."""
        await self.provider.aclose()
        self.provider = self._connect()
        self.outbox = self.new_outbox()

    def new_outbox(self, **more: object) -> Outbox:
        """The outbox of a process that starts now."""
        return Outbox(self.shop.intake, self.provider, settings=self.settings, **more)  # type: ignore[arg-type]

    async def settle(self) -> bool:
        return await self.outbox.settle(patience_s=20.0)

    def charged(self) -> dict[str, int]:
        """What the provider has of each visit: captured less refunded."""
        things = self.fake.bank.things
        sums: dict[str, int] = {}
        for thing in things.values():
            if thing["object"] == "charge":
                visit = thing["metadata"]["visit_id"]
                sums[visit] = sums.get(visit, 0) + thing["amount_captured"] - thing["amount_refunded"]
        return sums

    def said(self) -> list[str]:
        return [
            f"{answer.purpose} {answer.amount_minor} {answer.outcome} {answer.code}".strip()
            for answer in self.shop.answers()
        ]


def enrol(made: Scene, account: str, card: str) -> None:
    """An account that pays with a card, made at the provider without its HTTP."""
    bank = made.fake.bank
    _, customer = bank.call("POST", "/v1/customers", {"metadata[account]": account})
    _, method = bank.call("POST", f"/v1/payment_methods/{card}/attach", {"customer": customer["id"]})
    made.shop.account(account, customer["id"], method["id"])


@asynccontextmanager
async def scene(
    folder: Path,
    *,
    faults: Faults | None = None,
    settings: OutboxSettings = QUICK,
    timeout_s: float = 1.0,
) -> AsyncIterator[Scene]:
    """Everything, with an account for each of CARDS."""
    quiet = Faults()
    async with FakeProvider(faults=quiet, timeout_s=1.5) as fake:

        def connect() -> StripeProvider:
            secrets = (b"whsec_old", SECRET)
            return StripeProvider(
                TEST_KEY, base_url=fake.url, name="fake", timeout_s=timeout_s, webhook_secrets=secrets
            )

        with store(folder) as shop:
            made = Scene(shop, fake, connect, settings)
            try:
                for account, card in CARDS.items():
                    enrol(made, account, card)
                fake.faults = faults or quiet
                yield made
            finally:
                await made.provider.aclose()


Play = Callable[[Callable[[Scene], Coroutine[object, object, None]]], None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a coroutine on a fresh scene."""

    def run(act: Callable[[Scene], Coroutine[object, object, None]], **more: object) -> None:
        async def whole() -> None:
            async with scene(tmp_path, **more) as made:  # type: ignore[arg-type]
                await act(made)

        asyncio.run(whole())

    return run
