"""Money and receipts that do not get through are trouble of the store, told once when it begins and once after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from jwo_cli.drive.carriers import CarrierSource
from jwo_cli.drive.outbox import Outbox, OutboxSettings
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.drive.state import _ill
from jwo_cli.drive.supervise import Arrived
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.paying import PaymentPurpose
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from tests.drive.counter import Shop, identical
from tests.payments.conftest import QUICK
from tests.payments.till import store


class Wagon:
    """Carries whatever it is told to."""

    trouble = ""


async def heard(source: CarrierSource, change: Callable[[int], None], count: int) -> list[Trouble]:
    """So many words of a source, with a change before each."""
    stream, out = source.stream(), []
    for number in range(count):
        change(number)
        inlet: Inlet = await anext(stream)
        assert isinstance(inlet, Trouble)
        out.append(inlet)
    await stream.aclose()  # type: ignore[attr-defined]
    return out


def test_troubles_are_told_when_they_begin_and_when_they_are_over() -> None:
    """Well, stalled with a reason, well again; a reason that changes is no new trouble."""
    wagon = Wagon()

    def change(number: int) -> None:
        wagon.trouble = ("", "RefusedError: no", "")[number]

    words = asyncio.run(heard(CarrierSource("payments", wagon, look_s=0.001), change, 3))
    assert [(word.over, word.note) for word in words] == [(True, ""), (False, "RefusedError: no"), (True, "")]


def test_the_journal_and_the_status_know_of_them(tmp_path: Path) -> None:
    """A running store journals it, its status names it until it is over, and its replay has it, too."""
    shop = Shop(tmp_path)

    def say(trouble: str) -> None:
        told = Trouble(at_ns=shop.clock(), device_id="payments", kind=FaultKind.STALLED, over=not trouble, note=trouble)
        shop.run.take(Arrived("payments", told, 0))

    say("")
    assert [fault for _, fault in shop.intake.observed([DeviceFaulted])] == []
    say("RefusedError: HTTP 401")
    assert _ill(shop.intake, shop.run.source) == ("payments: stalled, RefusedError: HTTP 401",)
    say("")
    assert _ill(shop.intake, shop.run.source) == ()
    shop.end()
    identical(shop)


def carried(tmp_path: Path, act: Callable[[FakeProvider, StripeProvider, Outbox], Coroutine[None, None, None]]) -> None:
    """A charge is due, and an outbox runs while something is done to its provider."""

    async def whole() -> None:
        async with FakeProvider() as fake:
            provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake", timeout_s=1.0)
            with store(tmp_path) as shop:
                customer = await provider.customer("ann")
                shop.account("ann", customer, await provider.attach(customer, "pm_card_visa"))
                shop.due(PaymentPurpose.CHARGE, 300)
                outbox, stop = Outbox(shop.intake, provider, settings=SETTINGS), asyncio.Event()
                running = asyncio.create_task(outbox.run(stop))
                await act(fake, provider, outbox)
                for _ in range(500):
                    if not any(outbox.book.open()) and outbox.book.by_key:
                        break
                    await asyncio.sleep(0.01)
                assert [answer.outcome for answer in shop.answers()] == ["done"]
                assert outbox.trouble == ""
                stop.set()
                await running
            await provider.aclose()

    asyncio.run(whole())


SETTINGS = OutboxSettings(first_wait_s=0.001, longest_wait_s=0.3, poll_s=0.05, tail_s=0.05, closing_s=QUICK.closing_s)


def test_what_nobody_thought_of_is_told_and_does_not_spin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that raises anything at all: asked again after the longest wait, not thousands of times a second."""
    calls = 0

    async def act(fake: FakeProvider, provider: StripeProvider, outbox: Outbox) -> None:
        async def odd(_: object) -> None:
            nonlocal calls
            calls += 1
            raise AttributeError("an odd answer")

        with monkeypatch.context() as patched:
            patched.setattr(provider, "charge", odd)
            await asyncio.sleep(1.0)
        assert 1 <= calls <= 5
        assert outbox.trouble == "AttributeError: an odd answer"

    carried(tmp_path, act)


def test_a_provider_that_stays_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is away for a moment is not; both lose nothing."""

    async def act(fake: FakeProvider, provider: StripeProvider, outbox: Outbox) -> None:
        url = provider._api._base_url
        provider._api._base_url = "http://127.0.0.1:1"
        for _ in range(500):
            if outbox.trouble:
                break
            await asyncio.sleep(0.01)
        assert outbox.trouble.startswith("the provider does not answer: http://127.0.0.1:")
        provider._api._base_url = url

    carried(tmp_path, act)
