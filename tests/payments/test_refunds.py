"""Refunds that a bank sends back, weeks after they were done or before anybody heard that they were."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jwo_cli.drive.paying import reconcile
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.signature import sign
from jwo_cli.shop.payments import RetryPolicy

from .conftest import QUICK, SECRET, Scene

SETTINGS = replace(QUICK, policy=RetryPolicy(refund_s=(0,)))


def tell(scene: Scene, kind: str, thing: dict[str, Any]) -> None:
    """A webhook arrives."""
    body = json.dumps({"id": f"evt_{time.time_ns()}", "type": kind, "data": {"object": thing}}).encode()
    scene.outbox.webhook(body, {"Stripe-Signature": sign(body, SECRET, int(time.time()))})


def send_back(scene: Scene) -> dict[str, Any]:
    """The shopper's bank does not take the newest refund; the provider has the money again."""
    refund = scene.fake.bank.of_kind("refund")[0]
    refund.update(status="failed", failure_reason="expired_or_canceled_card")
    scene.fake.bank.things[refund["charge"]]["amount_refunded"] -= refund["amount"]
    return refund


async def agrees(scene: Scene) -> bool:
    now_s = int(time.time())
    found = await reconcile(
        scene.shop.intake, scene.provider, scene.outbox.book, since_s=now_s - 3_600, until_s=now_s + 3_600
    )
    return found.agrees


def test_a_refund_that_comes_back_is_given_again(play: Callable[..., None]) -> None:
    """Four were refunded, and sent back: the books take them back, and they are due once more, once."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 1000)
        scene.shop.due(Purpose.REFUND, 400, decision=1)
        assert await scene.settle()
        done = dict(scene.fake.bank.of_kind("refund")[0])
        failed = send_back(scene)
        for _ in range(2):
            tell(scene, "refund.failed", failed)
            tell(scene, "refund.updated", done)
        assert await scene.settle()
        assert scene.said()[2:] == ["refund 400 returned expired_or_canceled_card", "refund 400 done"]
        assert scene.charged() == {"v1": 600}
        assert await agrees(scene)
        scene.outbox = scene.new_outbox()
        assert await scene.settle()
        assert scene.outbox.book.settled("r-v1")

    play(act, settings=SETTINGS)


def test_a_refund_of_a_part_that_comes_back_is_that_part(play: Callable[..., None]) -> None:
    """Eleven of two payments: ten and one; the ten come back, and ten are given again."""

    async def act(scene: Scene) -> None:
        held = scene.shop.due(Purpose.AUTHORISE, 1000, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 1000, held=held)
        scene.shop.due(Purpose.CHARGE, 200)
        scene.shop.due(Purpose.REFUND, 1100, decision=1)
        assert await scene.settle()
        small = scene.fake.bank.of_kind("refund")[0]
        (big,) = (thing for thing in scene.fake.bank.of_kind("refund") if thing is not small)
        big.update(status="failed", failure_reason="declined")
        scene.fake.bank.things[big["charge"]]["amount_refunded"] -= big["amount"]
        tell(scene, "refund.failed", big)
        assert await scene.settle()
        assert scene.said()[-2:] == ["refund 1000 returned declined", "refund 1000 done"]
        assert scene.charged() == {"v1": 100}
        assert await agrees(scene)

    play(act, settings=SETTINGS)


def test_a_refund_that_its_bank_has_not_taken_yet_is_no_difference(play: Callable[..., None]) -> None:
    """Pending on both sides; once it is done it is in both."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 1000)
        assert await scene.settle()
        ask = scene.fake.bank.call

        def slow(method: str, path: str, form: Any) -> Any:
            status, body = ask(method, path, form)
            if (method, path) == ("POST", "/v1/refunds"):
                body["status"] = "pending"
            return status, body

        scene.fake.bank.call = slow  # type: ignore[method-assign]
        scene.shop.due(Purpose.REFUND, 400, decision=1)
        assert await scene.settle()
        assert scene.said()[1:] == ["refund 400 pending"]
        assert await agrees(scene)
        refund = scene.fake.bank.of_kind("refund")[0]
        refund["status"] = "succeeded"
        tell(scene, "refund.updated", refund)
        assert scene.said()[2:] == ["refund 400 done"]
        assert await agrees(scene)

    play(act)


def test_a_refund_is_made_before_what_is_charged_after_it(play: Callable[..., None]) -> None:
    """Staff take four off and add five: both are asked for as they were decided."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 1000)
        scene.shop.due(Purpose.REFUND, 400, decision=1)
        scene.shop.due(Purpose.CHARGE, 500, decision=2)
        assert await scene.settle()
        assert scene.said() == ["charge 1000 done", "refund 400 done", "charge 500 done"]
        assert scene.charged() == {"v1": 1100}

    play(act)
