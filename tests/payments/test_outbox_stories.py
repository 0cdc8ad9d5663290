"""Stories of money: what the till asks for, and what the provider and the books hold in the end."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from jwo_cli.drive.outbox import Outbox, OutboxSettings
from jwo_cli.journal import Intake
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.shop.payments import RetryPolicy

from .conftest import Scene, enrol
from .till import Store

AT_ONCE = RetryPolicy(declined_s=(0, 0), provider_s=(0, 0), refund_s=(0, 0))


def test_a_charge_at_the_exit_is_taken_once(play: Callable[..., None]) -> None:
    """One due, one charge, one answer; an outbox that starts again adds nothing."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 375)
        assert await scene.settle()
        again = scene.new_outbox()
        assert await again.settle()
        assert scene.charged() == {"v1": 375}
        assert scene.said() == ["charge 375 done"]

    play(act)


def test_of_what_is_held_the_exit_takes_what_is_due_and_charges_the_rest(play: Callable[..., None]) -> None:
    """Ten held, twelve due: ten captured, two charged; of twenty held, five are captured."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 1000, held=held)
        scene.shop.due(Purpose.CHARGE, 200)
        more = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False, visit="v2")
        scene.shop.due(Purpose.CAPTURE, 500, held=more, visit="v2")
        assert await scene.settle()
        assert scene.charged() == {"v1": 1200, "v2": 500}

    play(act)


def test_an_empty_basket_lets_go_of_what_was_held(play: Callable[..., None]) -> None:
    """Authorised at the entry, cancelled at the exit: nothing is taken."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CANCEL, 1000, receipt=False, held=held)
        assert await scene.settle()
        assert scene.charged() == {"v1": 0}
        assert [thing["status"] for thing in scene.fake.bank.of_kind("payment_intent")] == ["canceled"]

    play(act)


def test_what_could_not_be_held_is_charged_instead(play: Callable[..., None]) -> None:
    """The bank refused to hold anything; at the exit the capture becomes a charge by itself."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DECLINE)
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 300, held=held)
        assert await scene.settle()
        assert scene.charged() == {"v1": 300}
        assert scene.said() == [
            "authorise 1000 declined generic_decline",
            "capture 300 failed not_authorised",
            "charge 300 done",
        ]

    play(act, faults=Faults())


def test_a_refund_is_taken_from_the_payments_that_paid(play: Callable[..., None]) -> None:
    """Captured ten and charged two; eleven back: ten from the one, and the rest, due again, from the other."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 1000, held=held)
        scene.shop.due(Purpose.CHARGE, 200)
        scene.shop.due(Purpose.REFUND, 1100, decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 100}
        assert scene.said()[-2:] == ["refund 1000 done", "refund 100 done"]

    play(act)


def test_a_refund_of_what_was_never_paid_lowers_what_is_owed(play: Callable[..., None]) -> None:
    """Five declined, two of it given back: nothing is refunded, and the next try asks for three."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DECLINE)
        scene.shop.due(Purpose.CHARGE, 500)
        scene.shop.due(Purpose.REFUND, 200, decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 300}
        assert scene.said() == [
            "charge 500 declined generic_decline",
            "refund 200 failed superseded",
            "charge 300 done",
        ]

    play(act, faults=Faults(), settings=OutboxSettings(policy=AT_ONCE))


def test_a_refused_card_is_tried_by_the_policy_and_then_left_to_a_person(play: Callable[..., None]) -> None:
    """Insufficient funds: the first try and two more; a lost card only once; no method at all: no call."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500, account="bob")
        scene.shop.due(Purpose.CHARGE, 600, account="eve", visit="v2")
        scene.shop.due(Purpose.CHARGE, 700, account="nobody", visit="v3")
        assert await scene.settle()
        assert sorted(scene.said()) == [
            *["charge 500 declined insufficient_funds"] * 3,
            "charge 600 declined lost_card",
            "charge 700 failed no_payment_method",
        ]
        assert scene.charged() == {}

    play(act, settings=OutboxSettings(policy=AT_ONCE))


def test_a_refund_of_a_receipt_of_long_ago_finds_its_payment(play: Callable[..., None]) -> None:
    """A desk decides about a receipt of an earlier run: the outbox forgot it, and reads its payments in the journal."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 1000, held=held)
        for number in range(2, 12):
            scene.shop.due(Purpose.CHARGE, 100 + number, visit=f"v{number}")
        assert await scene.settle()
        for outbox in (scene.outbox, scene.new_outbox(kept=3), scene.new_outbox(kept=3)):
            scene.outbox = outbox
            scene.shop.due(Purpose.REFUND, 100, decision=1 + len(scene.shop.dues), source="run/desk")
            assert await scene.settle()
            scene.shop.due(Purpose.CHARGE, 100, visit="other", decision=len(scene.shop.dues), source="run/desk")
            assert await scene.settle()
            assert outbox.book.held() < 25
        assert scene.outbox.book.held() < 10
        assert scene.charged()["v1"] == 700
        assert scene.said().count("refund 100 done") == 3

    play(act)


def test_another_card_pays_what_the_first_one_did_not(play: Callable[..., None]) -> None:
    """Once the account pays another way, what is owed is tried at once."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 600, account="eve")
        assert await scene.settle()
        enrol(scene, "eve", "pm_card_visa")
        assert await scene.settle()
        assert scene.charged() == {"v1": 600}

    play(act)


def test_a_card_at_another_provider_is_not_charged_here(play: Callable[..., None]) -> None:
    """The store charged through another one before: its references say nothing to this one, until a card is named."""

    async def act(scene: Scene) -> None:
        old = PaymentMethodSet(at_ns=1, account="dan", provider="other", customer_ref="cus_1", method_ref="pm_1")
        scene.shop.append(old)
        scene.shop.due(Purpose.CHARGE, 600, account="dan")
        assert await scene.settle()
        assert scene.said() == ["charge 600 failed no_payment_method"]
        enrol(scene, "dan", "pm_card_visa")
        assert await scene.settle()
        assert scene.charged() == {"v1": 600}

    play(act)


def test_a_bank_that_asks_for_its_customer_gets_a_link(play: Callable[..., None]) -> None:
    """The due waits; the shopper confirms on the provider's page; the due is done, once."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 450, account="sca")
        assert await scene.settle()
        (answer,) = scene.shop.answers()
        assert (answer.outcome, answer.code) == ("action_needed", "authentication_required")
        page = answer.link.removeprefix(scene.fake.url)
        assert scene.fake.bank.call("POST", page, {"method": "pm_card_authenticationRequired"})[0] == 200
        await asyncio.sleep(0.06)
        scene.outbox.nudge()
        stop = asyncio.Event()
        running = asyncio.create_task(scene.outbox.run(stop))
        await asyncio.sleep(0.2)
        stop.set()
        await running
        assert scene.charged() == {"v1": 450}
        assert scene.said()[-1] == "charge 450 done"

    settings = OutboxSettings(poll_s=0.05, tail_s=0.05, return_url="https://shop.example/paid")
    play(act, settings=settings)


def test_a_shopper_who_is_asked_for_does_not_stand_in_the_way_of_a_correction(play: Callable[..., None]) -> None:
    """The charge waits for the shopper, a review lowers it: the first is given up, the rest asked for."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 450, account="sca")
        assert await scene.settle()
        scene.shop.due(Purpose.REFUND, 150, account="sca", decision=1)
        assert await scene.settle()
        assert scene.said() == [
            "charge 450 action_needed authentication_required",
            "charge 450 failed canceled",
            "refund 150 failed superseded",
            "charge 300 action_needed authentication_required",
        ]

    play(act, settings=OutboxSettings(policy=AT_ONCE))


def test_a_hold_that_the_bank_wants_to_ask_about_is_no_hold(play: Callable[..., None]) -> None:
    """The exit gives it up: what is due is charged (and asked about) on its own, an empty basket owes nothing."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 2000, account="sca", receipt=False)
        scene.shop.due(Purpose.CAPTURE, 450, account="sca", held=held)
        other = scene.shop.due(Purpose.AUTHORISE, 1000, account="sca", receipt=False, visit="v2")
        scene.shop.due(Purpose.CANCEL, 1000, account="sca", receipt=False, visit="v2", held=other)
        assert await scene.settle()
        assert sorted(scene.said()) == [
            "authorise 1000 action_needed authentication_required",
            "authorise 1000 failed canceled",
            "authorise 2000 action_needed authentication_required",
            "authorise 2000 failed canceled",
            "cancel 1000 failed not_authorised",
            "capture 450 failed not_authorised",
            "charge 450 action_needed authentication_required",
        ]
        assert scene.charged() == {}

    play(act)


def test_a_link_that_nobody_follows_is_closed_and_asked_anew(play: Callable[..., None]) -> None:
    """After its life the due is given up, and the next try has a page of its own."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 450, account="sca")
        assert await scene.settle()
        late = scene.new_outbox(now_ns=lambda: time.time_ns() + 24 * 3_600 * 10**9)
        stop = asyncio.Event()
        running = asyncio.create_task(late.run(stop))
        for _ in range(1_000):
            if len(scene.shop.answers()) >= 3:
                break
            await asyncio.sleep(0.01)
        stop.set()
        await running
        assert scene.said()[:3] == [
            "charge 450 action_needed authentication_required",
            "charge 450 failed canceled",
            "charge 450 action_needed authentication_required",
        ]
        links = [answer.link for answer in scene.shop.answers() if answer.link]
        assert len(set(links)) == 2

    settings = OutboxSettings(
        poll_s=0.02, tail_s=0.02, closing_s=0.1, return_url="https://shop.example/paid", policy=AT_ONCE
    )
    play(act, settings=settings)


@pytest.mark.parametrize("hours", [30, -30])
def test_a_due_whose_key_the_provider_may_have_forgotten_is_looked_up_first(
    play: Callable[..., None], hours: int
) -> None:
    """Charged, not written down, long ago or by a clock that was ahead: nothing is charged that the lists show."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.CHARGE, 500)
        assert not await scene.outbox.settle(patience_s=0.0)
        assert scene.charged() == {"v1": 500}
        scene.fake._keys.clear()
        late = scene.new_outbox(now_ns=lambda: time.time_ns() + hours * 3_600 * 10**9)
        assert await late.settle(patience_s=20)
        assert scene.charged() == {"v1": 500}
        assert scene.said() == ["charge 500 done"]

    play(act, faults=Faults(), settings=OutboxSettings(first_wait_s=5.0))


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DECLINE])
def test_whatever_breaks_the_money_moves_once(play: Callable[..., None], fault: Fault) -> None:
    """Each fault on a charge and on its refund: taken once, given back once, and the journal says so."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(fault)
        scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        assert scene.charged() == {"v1": 500}
        scene.fake.faults.queue.append(fault)
        scene.shop.due(Purpose.REFUND, 120, decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 380}
        assert scene.outbox.book.settled("r-v1")

    settings = OutboxSettings(first_wait_s=0.01, longest_wait_s=0.05, policy=AT_ONCE)
    play(act, faults=Faults(), settings=settings, timeout_s=0.3)


def test_only_a_running_store_charges(play: Callable[..., None]) -> None:
    """Dues of a replay and of a shadow are never carried, whoever opens the journal."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500, source="recording/0123456789abcdef")
        scene.shop.due(Purpose.CHARGE, 500, source="shadow/kiosk", visit="v2")
        assert await scene.settle()
        assert scene.charged() == {}
        with pytest.raises(ValueError, match="is not the source of a store that charges"):
            Outbox(scene.shop.intake, scene.provider, source="shadow/kiosk")

    play(act)


def test_two_outboxes_on_one_journal_charge_once(play: Callable[..., None]) -> None:
    """A command that retries while the store runs asks with the same keys, and adds no second answer."""

    async def act(scene: Scene) -> None:
        for number in range(30):
            scene.shop.due(Purpose.CHARGE, 100 + number, visit=f"v{number}")
        both: list[Any] = [scene.outbox, scene.new_outbox(jitter=random.Random(1))]
        assert all(await asyncio.gather(*(outbox.settle(patience_s=20) for outbox in both)))
        assert scene.charged() == {f"v{number}": 100 + number for number in range(30)}
        assert len(scene.shop.answers()) == 30

    play(act)


def test_a_key_that_the_provider_does_not_know_loses_nothing(play: Callable[..., None]) -> None:
    """Refused as a client: the dues stay open and the trouble is told; with the right key they are carried."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500)
        good, scene.fake._secret = scene.fake._secret, "sk_other"
        assert not await scene.outbox.settle(patience_s=0.1)
        assert "does not accept the key" in scene.outbox.trouble
        scene.fake._secret = good
        assert await scene.settle()
        assert scene.charged() == {"v1": 500}
        assert scene.outbox.trouble == ""

    play(act)


@pytest.mark.parametrize("asked", ["a person", "the policy"])
def test_a_try_that_staff_just_made_needless_is_not_made(play: Callable[..., None], asked: str) -> None:
    """While the outbox waits for the journal, the desk takes off all that was refused: nothing is charged for it."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 1000, account="eve")
        assert await scene.settle()
        writing = threading.Event()

        def decide() -> None:
            with Intake.open(scene.shop.intake.directory) as other, other.transaction():
                writing.set()
                time.sleep(0.3)
                desk = Store(other, at_ns=scene.shop.at_ns)
                desk.due(Purpose.REFUND, 1000, account="eve", decision=1)

        if asked == "the policy":  # another card: the charge is due again at once
            enrol(scene, "eve", "pm_card_visa")
        staff = threading.Thread(target=decide)
        staff.start()
        writing.wait()
        if asked == "a person":
            assert scene.outbox.try_again("r-v1") is None
        assert await scene.settle()
        staff.join()
        assert await scene.settle()
        assert scene.said()[1:] == ["refund 1000 failed superseded"]
        assert scene.charged() == {}

    play(act)
