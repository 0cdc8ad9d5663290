"""An outbox that is killed between the provider's answer and its commit, again and again, over one journal."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from jwo_cli.drive.outbox import Outbox, OutboxSettings
from jwo_cli.journal import Intake
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.provider import Answer, Order
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.payments import RetryPolicy

FORK = multiprocessing.get_context("fork")
SETTINGS = OutboxSettings(
    at_once=8,
    first_wait_s=0.01,
    longest_wait_s=0.2,
    tail_s=0.05,
    policy=RetryPolicy(declined_s=(0,) * 20, provider_s=(0,) * 20, refund_s=(0,) * 20),
)


class Mortal(StripeProvider):
    """A provider whose client dies right after its `lives`-th answer: the money moved, and nobody wrote it down."""

    lives = 1 << 30

    async def charge(self, order: Order) -> Answer:
        answer = await super().charge(order)
        return self._live(answer)

    async def capture(self, order: Order, reference: str) -> Answer:
        answer = await super().capture(order, reference)
        return self._live(answer)

    async def refund(self, order: Order, reference: str) -> Answer:
        answer = await super().refund(order, reference)
        return self._live(answer)

    def _live(self, answer: Answer) -> Answer:
        self.lives -= 1
        if self.lives <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


async def holds_left(provider: StripeProvider) -> int:
    """How many payments the provider still holds money for."""
    intents = provider._list("/v1/payment_intents", {})
    return sum([thing["status"] == "requires_capture" async for thing in intents])


def _serve(pipe: Connection) -> None:
    async def act() -> None:
        async with FakeProvider() as fake:
            pipe.send(fake.url)
            await asyncio.to_thread(pipe.recv)

    asyncio.run(act())


def _carry(journal: Path, url: str, lives: int) -> None:
    async def act() -> None:
        provider = Mortal(TEST_KEY, base_url=url, name="fake")
        provider.lives = lives
        with Intake.open(journal, create=False) as intake:
            done = await Outbox(intake, provider, settings=SETTINGS).settle(patience_s=300)
        await provider.aclose()
        os._exit(0 if done else 1)

    asyncio.run(act())


class Provider:
    """The fake provider in a process of its own, which outlives the outboxes. A context manager."""

    def __enter__(self) -> Self:
        self._pipe, theirs = FORK.Pipe()
        self._process = FORK.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        self.url: str = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send("stop")
        self._process.join(10)
        self._process.kill()


def kill_until_done(journal: Path, url: str, *, kills: int, seed: int) -> int:
    """Carry a journal's dues with an outbox that dies `kills` times, then with one that lives; how many were killed."""
    draws, killed = random.Random(seed), 0
    for number in range(kills + 1):
        lives = draws.randint(1, 5) if number < kills else 1 << 30
        process = FORK.Process(target=_carry, args=(journal, url, lives))
        process.start()
        process.join(400)
        killed += process.exitcode == -signal.SIGKILL
        if process.exitcode == 0:
            break
    return killed
