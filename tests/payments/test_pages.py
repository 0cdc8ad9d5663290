"""Pages where shoppers answer their bank: once a page is in nobody's plan any more, nobody can pay on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from jwo_cli.drive.outbox import OutboxSettings
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.shop.payments import RetryPolicy

from .conftest import QUICK, Scene, enrol

AT_ONCE = RetryPolicy(declined_s=(0, 0), provider_s=(0, 0), refund_s=(0, 0))
SETTINGS = replace(QUICK, return_url="https://shop.example/paid", policy=AT_ONCE)


async def asked(scene: Scene) -> str:
    """Ten are due of somebody whose bank asks for them; the path of the page."""
    scene.shop.due(Purpose.CHARGE, 1000, account="sca")
    assert await scene.settle()
    return scene.shop.answers()[-1].link.removeprefix(scene.fake.url)


def pay(scene: Scene, page: str) -> int:
    status, _ = scene.fake.bank.call("POST", page, {"method": "pm_card_visa"})
    return status


def test_who_pays_with_another_card_cannot_pay_on_the_old_page_too(play: Callable[..., None]) -> None:
    """A review adds a euro, another card is named: eleven are taken of it, and the page of the ten is closed."""

    async def act(scene: Scene) -> None:
        page = await asked(scene)
        enrol(scene, "sca", "pm_card_visa")
        scene.shop.due(Purpose.CHARGE, 100, account="sca", decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 1100}
        assert pay(scene, page) == 410
        assert await scene.settle()
        assert scene.charged() == {"v1": 1100}

    play(act, settings=SETTINGS)


def test_who_paid_on_the_page_just_before_it_is_given_up_has_paid(play: Callable[..., None]) -> None:
    """No webhook told of it: giving up finds the money, and only the euro is asked for."""

    async def act(scene: Scene) -> None:
        page = await asked(scene)
        assert pay(scene, page) == 200
        enrol(scene, "sca", "pm_card_visa")
        scene.shop.due(Purpose.CHARGE, 100, account="sca", decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 1100}
        assert scene.said()[1:] == ["charge 1000 done", "charge 100 done"]

    play(act, settings=SETTINGS)


def test_who_pays_while_the_page_is_being_closed_has_paid(play: Callable[..., None]) -> None:
    """The page says that it is complete instead of closing: the due is done, not given up."""

    async def act(scene: Scene) -> None:
        page = await asked(scene)
        ask = scene.fake.bank.call

        def slow(method: str, path: str, form: object) -> object:
            if path.endswith("/expire"):
                assert pay_first.pop() == page
                assert ask("POST", page, {"method": "pm_card_visa"})[0] == 200
            return ask(method, path, form)  # type: ignore[arg-type]

        pay_first = [page]
        scene.fake.bank.call = slow  # type: ignore[method-assign, assignment]
        scene.shop.due(Purpose.CHARGE, 100, account="sca", decision=1)
        enrol(scene, "sca", "pm_card_visa")
        assert await scene.settle()
        assert scene.charged()["v1"] >= 1000
        assert scene.said()[1] == "charge 1000 done"
        assert scene.outbox.book.bills["r-v1"].owed_minor() == 1100

    play(act, settings=SETTINGS)


def test_a_page_whose_address_was_never_written_down_is_closed_too(play: Callable[..., None]) -> None:
    """Whatever breaks while pages are closed, none of them is open once its due is over."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue += [Fault.DROP_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER]
        await asked(scene)
        scene.fake.faults.queue += [Fault.DROP_AFTER, Fault.ERROR_BEFORE, Fault.DROP_BEFORE]
        scene.shop.due(Purpose.REFUND, 400, account="sca", decision=1)
        assert await scene.settle()
        pages = scene.fake.bank.of_kind("checkout.session")
        assert [(page["amount_total"], page["status"]) for page in reversed(pages)] == [
            (1000, "expired"),
            (600, "open"),
        ]

    play(act, faults=Faults(), settings=SETTINGS)


@pytest.mark.parametrize("why", [True, False])
def test_a_payment_that_somebody_cancelled_there_keeps_its_page_until_it_is_given_up(
    play: Callable[..., None], *, why: bool
) -> None:
    """Cancelled by hand at the provider, which says why or not: the due waits, its page is closed before all else."""

    async def act(scene: Scene) -> None:
        page = await asked(scene)
        (intent,) = scene.fake.bank.of_kind("payment_intent")
        assert scene.fake.bank.call("POST", f"/v1/payment_intents/{intent['id']}/cancel", {})[0] == 200
        intent["last_payment_error"] = intent["last_payment_error"] if why else None
        await polled(scene)
        assert scene.said() == ["charge 1000 action_needed authentication_required"]
        assert pay(scene, page) == 200
        await polled(scene)
        assert scene.said()[1:] == ["charge 1000 done"]
        assert scene.charged() == {"v1": 1000}

    play(act, settings=SETTINGS)


def test_a_page_that_cannot_be_made_keeps_nothing_from_being_known(play: Callable[..., None]) -> None:
    """The provider refuses the page: what the bank said is written down without one, and given up in its time."""

    async def act(scene: Scene) -> None:
        ask = scene.fake.bank.call

        def refuses(method: str, path: str, form: object) -> object:
            if path == "/v1/checkout/sessions" and method == "POST":
                return 400, {"error": {"type": "invalid_request_error", "message": "Not a valid URL"}}
            return ask(method, path, form)  # type: ignore[arg-type]

        scene.fake.bank.call = refuses  # type: ignore[method-assign, assignment]
        assert await asked(scene) == ""
        assert scene.said() == ["charge 1000 action_needed authentication_required"]
        assert "Not a valid URL" in scene.outbox.trouble
        scene.shop.due(Purpose.REFUND, 1000, account="sca", decision=1)
        assert await scene.settle()
        assert scene.said()[1:] == ["charge 1000 failed canceled", "refund 1000 failed superseded"]
        assert scene.outbox.trouble == ""

    play(act, settings=SETTINGS)


def test_a_page_that_the_provider_owes_for_a_moment_is_made_at_the_next_try(play: Callable[..., None]) -> None:
    """It is overloaded just then: the due stays as it is, and has its link a moment later, not none for a day."""

    async def act(scene: Scene) -> None:
        ask, faults = scene.fake.bank.call, [Fault.ERROR_BEFORE]

        def charged(method: str, path: str, form: object) -> object:
            if path == "/v1/payment_intents" and method == "POST":
                scene.fake.faults.queue.append(faults.pop())  # meets the call after this one
            return ask(method, path, form)  # type: ignore[arg-type]

        scene.fake.bank.call = charged  # type: ignore[method-assign, assignment]
        page = await asked(scene)
        assert (faults, list(scene.fake.faults.queue)) == ([], [])
        assert scene.said() == ["charge 1000 action_needed authentication_required"]
        assert pay(scene, page) == 200

    play(act, faults=Faults(), settings=SETTINGS)


async def polled(scene: Scene) -> None:
    """The outbox runs for a moment."""
    stop = asyncio.Event()
    running = asyncio.create_task(scene.outbox.run(stop))
    await asyncio.sleep(0.3)
    stop.set()
    await running


def test_a_link_needs_a_place_to_come_back_to(play: Callable[..., None]) -> None:
    """Without one there is no page, and the due waits all the same."""

    async def act(scene: Scene) -> None:
        assert await asked(scene) == ""
        assert scene.fake.bank.of_kind("checkout.session") == []

    play(act, settings=OutboxSettings(policy=AT_ONCE))
