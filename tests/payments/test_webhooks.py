"""Webhooks: repeated, out of order, before the call's own answer, or instead of it; one outcome each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from jwo_cli.drive.outbox import OutboxSettings
from jwo_cli.drive.paying import webhooks
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments import gateway
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.fake.hooks import Hooks
from jwo_cli.payments.provider import SignatureError, UnavailableError
from jwo_cli.payments.signature import sign
from jwo_cli.shop.payments import RetryPolicy

from .conftest import SECRET, Scene


def send(scene: Scene, event: dict[str, Any], *, secret: bytes = SECRET) -> None:
    body = json.dumps(event).encode()
    scene.outbox.webhook(body, {"Stripe-Signature": sign(body, secret, int(time.time()))})


def of_kind(scene: Scene, kind: str) -> dict[str, Any]:
    return next(event for event in scene.fake.bank.events if event["type"] == kind)


def test_the_call_and_the_webhook_are_one_outcome(play: Callable[..., None]) -> None:
    """The webhook after the answer, again and again: one entry."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        for _ in range(3):
            send(scene, of_kind(scene, "payment_intent.succeeded"))
        assert scene.said() == ["charge 500 done"]

    play(act)


def test_a_webhook_of_more_than_was_asked_for_is_no_answer(play: Callable[..., None]) -> None:
    """It says that nine were paid where five are due: the due stays open, and is asked for."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.CHARGE, 500)
        assert not await scene.outbox.settle(patience_s=0.0)
        event = of_kind(scene, "payment_intent.succeeded")
        event["data"]["object"]["amount_received"] = 900
        send(scene, event)
        assert scene.said() == []
        assert await scene.settle()
        assert scene.said() == ["charge 500 done"]

    play(act, faults=Faults())


def test_a_hold_that_is_captured_by_hand_is_no_answer_to_what_is_held(play: Callable[..., None]) -> None:
    """Somebody takes two of the twenty at the provider's desk: that is not the word that twenty are held."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert not await scene.outbox.settle(patience_s=0.0)
        (intent,) = scene.fake.bank.of_kind("payment_intent")
        scene.fake.bank.call("POST", f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": "200"})
        send(scene, of_kind(scene, "payment_intent.succeeded"))
        assert scene.said() == []

    play(act, faults=Faults())


def test_a_webhook_answers_what_the_call_could_not(play: Callable[..., None]) -> None:
    """The call's answer is lost, its webhook arrives first: done, and the retry adds nothing."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.CHARGE, 500)
        scene.outbox.catch_up()
        (state,) = scene.outbox.book.open()
        with pytest.raises(UnavailableError):
            await gateway.carry(scene.provider, scene.outbox.book, state, store_id="kiosk", now_s=int(time.time()))
        send(scene, of_kind(scene, "payment_intent.succeeded"))
        assert scene.said() == ["charge 500 done"]
        assert await scene.settle()
        assert scene.charged() == {"v1": 500}
        assert scene.said() == ["charge 500 done"]

    play(act, faults=Faults())


def test_what_a_webhook_ended_waits_no_more(play: Callable[..., None]) -> None:
    """The call failed and was to be made again; then the webhook tells its end: nothing of it is kept."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.CHARGE, 500)
        assert not await scene.outbox.settle(patience_s=0.0)
        assert scene.outbox.held() == 1
        send(scene, of_kind(scene, "payment_intent.succeeded"))
        assert scene.said() == ["charge 500 done"]
        assert scene.outbox.held() == 0

    play(act, faults=Faults())


def test_a_webhook_about_what_was_forgotten_adds_nothing_twice(play: Callable[..., None]) -> None:
    """The outbox remembers one settled receipt of eight; all their webhooks come again, holds among them."""

    async def act(scene: Scene) -> None:
        scene.outbox = scene.new_outbox(kept=1)
        for number in range(8):
            held = scene.shop.due(Purpose.AUTHORISE, 900, receipt=False, visit=f"v{number}")
            purpose = Purpose.CAPTURE if number % 2 else Purpose.CANCEL
            scene.shop.due(purpose, 900, held=held, receipt=bool(number % 2), visit=f"v{number}")
        assert await scene.settle()
        before = scene.said()
        assert scene.outbox.book.held() < 6
        for event in list(scene.fake.bank.events):
            send(scene, event)
        assert scene.said() == before
        assert scene.outbox.book.held() < 6

    play(act)


def test_money_that_moved_after_all_goes_back_also_for_a_receipt_that_was_forgotten(play: Callable[..., None]) -> None:
    """A first charge was given up as failed and another one made; the webhook says that both were taken."""

    async def act(scene: Scene) -> None:
        scene.outbox = scene.new_outbox(kept=1)
        scene.fake.faults.queue.append(Fault.DECLINE)
        first = scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        for number in range(2, 6):
            scene.shop.due(Purpose.CHARGE, 500, visit=f"v{number}")
        assert await scene.settle()
        assert "r-v1" not in scene.outbox.book.bills
        # The fake took one of the two: the other is only told of, and what goes back comes from that one.
        event = of_kind(scene, "payment_intent.succeeded")
        thing = next(
            thing for thing in scene.fake.bank.of_kind("payment_intent") if thing["metadata"]["visit_id"] == "v1"
        )
        metadata = {**thing["metadata"], "jwo_key": first.key}
        send(scene, {**event, "data": {"object": {**thing, "metadata": metadata}}})
        assert await scene.settle()
        assert scene.charged()["v1"] == 0
        assert scene.said()[-1] == "refund 500 done"

    at_once = OutboxSettings(policy=RetryPolicy(declined_s=(0,), refund_s=(0,)))
    play(act, faults=Faults(), settings=at_once)


def test_what_is_done_stays_done_whatever_comes_late(play: Callable[..., None]) -> None:
    """A failure from before the success, delivered after it, changes nothing."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        done = of_kind(scene, "payment_intent.succeeded")
        thing = {**done["data"]["object"], "status": "requires_payment_method"}
        for kind in ("payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing"):
            send(scene, {**done, "type": kind, "data": {"object": thing}})
        assert scene.said() == ["charge 500 done"]

    play(act)


def test_holding_capturing_and_refunding_are_told_apart(play: Callable[..., None]) -> None:
    """All three webhooks of one payment belong to their own dues."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        capture = scene.shop.due(Purpose.CAPTURE, 800, held=held)
        refund = scene.shop.due(Purpose.REFUND, 300, decision=1)
        assert await scene.settle()
        keys = {}
        for event in scene.fake.bank.events:
            body = json.dumps(event).encode()
            headers = {"Stripe-Signature": sign(body, SECRET, int(time.time()))}
            parsed = scene.provider.parse(body, headers, now_s=time.time())
            keys[parsed.purpose] = (parsed.key, parsed.amount_minor)
            scene.outbox.webhook(body, headers)
        assert keys == {
            Purpose.AUTHORISE: (held.key, 1000),
            Purpose.CAPTURE: (capture.key, 800),
            Purpose.REFUND: (refund.key, 300),
        }
        assert scene.said() == ["authorise 1000 done", "capture 800 done", "refund 300 done"]

    play(act)


def test_what_is_not_ours_is_refused_or_ignored(play: Callable[..., None]) -> None:
    """A forged webhook raises; somebody else's payment at the same provider changes nothing."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        event = of_kind(scene, "payment_intent.succeeded")
        with pytest.raises(SignatureError):
            send(scene, event, secret=b"whsec_forged")
        other = {**event["data"]["object"], "metadata": {"jwo_key": "jwo-unknown"}, "amount_received": 9}
        send(scene, {**event, "data": {"object": other}})
        send(scene, {**event, "type": "customer.created", "data": {"object": {"id": "cus_1"}}})
        assert scene.said() == ["charge 500 done"]

    play(act)


def test_repeated_and_shuffled_webhooks_over_http_settle_a_day(play: Callable[..., None]) -> None:
    """Forty visits; every webhook may come twice and out of order, while answers get lost: one entry for each due."""

    async def act(scene: Scene) -> None:
        async with webhooks(scene.outbox, "127.0.0.1:0") as server:
            hooks = Hooks(f"{server.url}/hook", SECRET, repeat=0.5, shuffle=7, seed=4, retry_s=0.01)
            scene.fake.hooks = hooks
            await hooks.start()
            for number in range(40):
                held = scene.shop.due(Purpose.AUTHORISE, 900, receipt=False, visit=f"v{number}")
                scene.shop.due(Purpose.CAPTURE, 100 + number, held=held, visit=f"v{number}")
                scene.shop.due(Purpose.REFUND, 50, decision=1, visit=f"v{number}")
            assert await scene.settle()
            await hooks.drain()
            assert hooks.delivered > 120
            assert hooks.lost == 0
            async with httpx.AsyncClient() as client:
                assert (await client.post(server.url, content=b"{}")).status_code == 400
                assert (await client.get(server.url)).status_code == 405
            await hooks.stop()
        assert scene.charged() == {f"v{number}": 50 + number for number in range(40)}
        assert len(scene.shop.answers()) == 120

    rates = {Fault.DROP_AFTER: 0.2, Fault.ERROR_AFTER: 0.1}
    play(act, faults=Faults(rates, seed=4))
