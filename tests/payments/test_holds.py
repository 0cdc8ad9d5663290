"""Money that is held: whatever fails, nothing stays held once nobody asks for it any more."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.api import Form, Reply
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.provider import RefusedError, UnavailableError
from jwo_cli.payments.signature import sign
from jwo_cli.shop.payments import RetryPolicy

from .conftest import QUICK, SECRET, Scene

SETTINGS = replace(QUICK, policy=RetryPolicy(provider_s=(0, 0)))


def held(scene: Scene) -> list[int]:
    """What is held on cards."""
    intents = scene.fake.bank.of_kind("payment_intent")
    return [thing["amount_capturable"] for thing in intents if thing["status"] == "requires_capture"]


def tell(scene: Scene, kind: str, thing: dict[str, object]) -> None:
    """A webhook arrives."""
    body = json.dumps({"id": f"evt_{time.time_ns()}", "type": kind, "data": {"object": thing}}).encode()
    scene.outbox.webhook(body, {"Stripe-Signature": sign(body, SECRET, int(time.time()))})


def test_letting_go_that_fails_for_good_is_tried_under_another_key(play: Callable[..., None]) -> None:
    """The provider keeps a 500 under the first cancel's key: the next attempt lets go."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        scene.fake.faults.queue.append(Fault.ERROR_KEPT_BEFORE)
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        assert await scene.settle()
        assert held(scene) == []
        assert scene.said() == ["authorise 2000 done", "cancel 2000 failed provider_error", "cancel 2000 done"]
        assert (scene.outbox.book.left(), list(scene.outbox.book.again(1 << 62))) == ([], [])

    play(act, faults=Faults(), settings=SETTINGS)


def test_a_capture_that_became_a_charge_lets_go_of_what_it_held(play: Callable[..., None]) -> None:
    """Three of twenty could not be captured: they are charged, and the twenty are free again."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        scene.fake.faults.queue.append(Fault.ERROR_KEPT_BEFORE)
        scene.shop.due(Purpose.CAPTURE, 300, held=due)
        assert await scene.settle()
        assert scene.charged() == {"v1": 300}
        assert held(scene) == []
        assert sorted(scene.said()[2:]) == ["cancel 2000 done", "charge 300 done"]

    play(act, faults=Faults(), settings=SETTINGS)


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("captured", [False, True])
def test_a_hold_that_turns_out_done_after_its_visit_is_let_go_of(
    play: Callable[..., None], forgotten: bool, captured: bool
) -> None:
    """Nobody knew of it when the shopper left; a webhook tells days later, to a process that forgot all about it."""

    async def act(scene: Scene) -> None:
        find = scene.provider.find

        async def blind(*_: object, **__: object) -> None:
            return None

        scene.provider.find = blind  # type: ignore[method-assign, assignment]
        scene.fake.faults.queue.append(Fault.ERROR_KEPT_AFTER)
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        if captured:
            scene.shop.due(Purpose.CAPTURE, 300, held=due)
        else:
            scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        assert await scene.settle()
        scene.provider.find = find  # type: ignore[method-assign]
        (late,) = (thing for thing in scene.fake.bank.of_kind("payment_intent") if thing["capture_method"] == "manual")
        if forgotten:
            for number in range(2, 9):
                scene.shop.due(Purpose.CHARGE, 100, visit=f"v{number}")
            scene.outbox = scene.new_outbox(kept=2)
            assert await scene.settle()
            assert due.key not in scene.outbox.book.by_key
        tell(scene, "payment_intent.amount_capturable_updated", late)
        assert await scene.settle()
        assert held(scene) == []
        assert scene.charged()["v1"] == (300 if captured else 0)
        tell(scene, "payment_intent.amount_capturable_updated", late)
        assert await scene.settle()
        assert scene.said()[-1] == "cancel 2000 done"
        assert [scene.said().count(what) for what in ("authorise 2000 done", "cancel 2000 done")] == [1, 1]

    play(act, faults=Faults(), settings=SETTINGS)


def test_what_cannot_be_let_go_of_is_left_to_a_person(play: Callable[..., None]) -> None:
    """After the policy's tries it is neither tried for ever nor forgotten."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        scene.fake.faults.queue += [Fault.ERROR_KEPT_BEFORE] * 9
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        assert await scene.settle()
        assert scene.said()[1:] == ["cancel 2000 failed provider_error"] * 3
        assert [hold.asked.due.key for hold in scene.outbox.book.left()] == [due.key]
        assert list(scene.outbox.book.again(1 << 62)) == []

    play(act, faults=Faults(), settings=SETTINGS)


def test_who_is_still_inside_keeps_their_hold(play: Callable[..., None]) -> None:
    """Held and nothing more: that is no hold that was forgotten."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        assert held(scene) == [2000]
        assert scene.outbox.book.left() == []

    play(act)


def test_a_rest_below_the_minimum_does_not_keep_the_whole_from_being_charged(play: Callable[..., None]) -> None:
    """Nothing could be held, the rest alone is too small: together they are charged."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(Fault.DECLINE)
        due = scene.shop.due(Purpose.AUTHORISE, 500, receipt=False)
        scene.shop.due(Purpose.CAPTURE, 500, held=due)
        scene.shop.due(Purpose.CHARGE, 38)
        assert await scene.settle()
        assert scene.charged() == {"v1": 538}
        assert scene.said()[1:] == [
            "capture 500 failed not_authorised",
            "charge 38 failed amount_too_small",
            "charge 538 done",
        ]

    play(act, faults=Faults())


def test_an_amount_below_the_minimum_is_asked_for_once(play: Callable[..., None]) -> None:
    """Thirty cents alone cannot be charged, today or tomorrow."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 30)
        assert await scene.settle()
        assert scene.said() == ["charge 30 failed amount_too_small"]
        assert list(scene.outbox.book.again(1 << 62)) == []

    play(act)


@pytest.mark.parametrize("failed", [False, True])
def test_no_charge_is_asked_for_beside_what_is_held_for_it(play: Callable[..., None], *, failed: bool) -> None:
    """A card with thirty, twenty of it held: 20.30 are let go of first, or could not be captured, and then charged."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        ask, seen = scene.provider._api.post, list[str]()

        async def slow(path: str, form: Form, *, key: str = "") -> Reply:
            seen.append(f"{path.rpartition('/')[2]} begins")
            await asyncio.sleep(0.05)
            reply = await ask(path, form, key=key)
            seen.append(f"{path.rpartition('/')[2]} ends")
            return reply

        scene.provider._api.post = slow  # type: ignore[method-assign]
        if failed:
            scene.fake.faults.queue.append(Fault.ERROR_KEPT_BEFORE)
            scene.shop.due(Purpose.CAPTURE, 2000, held=due)
        else:
            scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
            scene.shop.due(Purpose.CHARGE, 2030)
        assert await scene.settle()
        assert scene.charged() == {"v1": 2000 if failed else 2030}
        assert held(scene) == []
        assert seen[-4:] == ["cancel begins", "cancel ends", "payment_intents begins", "payment_intents ends"]

    play(act, faults=Faults(), settings=SETTINGS)


@pytest.mark.parametrize("ending", ["/cancel", "/payment_intents"])
@pytest.mark.parametrize("error", [UnavailableError("503"), RefusedError("403"), KeyError("id")])
def test_what_nobody_answers_about_keeps_no_charge_back(
    play: Callable[..., None], ending: str, error: Exception
) -> None:
    """One payment that the provider trips over: the account is charged beside it, and it is let go of in the end."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert ending == "/payment_intents" or await scene.settle()
        ask = scene.provider._api.post

        async def trips(path: str, form: Form, *, key: str = "") -> Reply:
            if path.endswith(ending) and (ending == "/cancel" or key == due.key):
                raise error
            return await ask(path, form, key=key)

        scene.provider._api.post = trips  # type: ignore[method-assign]
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        scene.shop.due(Purpose.CHARGE, 2030)
        scene.shop.due(Purpose.CHARGE, 500, visit="v2")
        async with asyncio.timeout(10.0):
            while not {"charge 2030 done", "charge 500 done"} <= set(scene.said()):
                await scene.outbox.settle(patience_s=0.05)
        assert scene.charged() == {"v1": 2030, "v2": 500}
        assert scene.said()[-1] != "cancel 2000 done"
        assert str(error) in scene.outbox.trouble
        scene.provider._api.post = ask  # type: ignore[method-assign]
        assert await scene.settle()
        assert scene.said()[-1] == "cancel 2000 done"
        assert held(scene) == []

    play(act, settings=SETTINGS)


@pytest.mark.parametrize("killed", [False, True])
def test_after_an_outage_money_is_let_go_of_before_it_is_charged(play: Callable[..., None], *, killed: bool) -> None:
    """A card with what it holds and no more; a line that loses all, and is there again while calls wait for answers."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        back, lost = asyncio.Event(), Line(scene)
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        scene.shop.due(Purpose.CHARGE, 2030)
        async with asyncio.timeout(10.0):
            while not lost.hopeless():
                await scene.outbox.settle(patience_s=0.05)
            lost.until = back
            settled = asyncio.create_task(scene.settle())
            await lost.two_wait.wait()
            if killed:
                settled.cancel()
                scene.outbox = scene.new_outbox()
        back.set()
        assert killed or await settled
        assert await scene.settle()
        assert scene.said()[1:] == ["cancel 2000 done", "charge 2030 done"]

    play(act, settings=SETTINGS)


def test_what_lets_go_of_money_is_asked_for_before_its_time_where_a_charge_waits(play: Callable[..., None]) -> None:
    """The key was wrong for a while; the charge is due when it is right again, before the other call's next try."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        line = Line(scene, RefusedError("401"))
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        assert not await scene.outbox.settle(patience_s=0.05)
        line.until = asyncio.Event()
        line.until.set()
        scene.shop.due(Purpose.CHARGE, 2030)
        assert await scene.settle()
        assert scene.said()[1:] == ["cancel 2000 done", "charge 2030 done"]

    play(act, settings=replace(SETTINGS, longest_wait_s=1.0))


class Line:
    """A line to the provider that loses all it is given, and a bank that charges no card while anything is held."""

    def __init__(self, scene: Scene, error: Exception | None = None) -> None:
        self._error = error or UnavailableError("did not answer in time")
        self.until: asyncio.Event | None = None  # when it is there again; before, nobody waits for that
        self.two_wait, self._waiting = asyncio.Event(), 0
        self._scene, self._lost = scene, list[str]()
        self._get, self._post = scene.provider._api.get, scene.provider._api.post
        scene.provider._api.get = self.get  # type: ignore[method-assign]
        scene.provider._api.post = self.post  # type: ignore[method-assign]

    def hopeless(self) -> bool:
        """Whether what lets go of money was lost so often that the charge's turn came, and is lost, too."""
        others = sum(not path.endswith("/cancel") for path in self._lost)
        return "does not answer" in self._scene.outbox.trouble and others > 3

    async def get(self, path: str, query: Form | None = None) -> Reply:
        await self._pass(path)
        return await self._get(path, query)

    async def post(self, path: str, form: Form, *, key: str = "") -> Reply:
        await self._pass(path)
        if path.endswith("/payment_intents") and held(self._scene):
            error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
            return Reply(402, {"error": error})
        return await self._post(path, form, key=key)

    async def _pass(self, path: str) -> None:
        if self.until is not None and self.until.is_set():
            return
        if self.until is not None:
            self._waiting += 1
            if self._waiting == 2:
                self.two_wait.set()
            await self.until.wait()
        self._lost.append(path)
        raise self._error


def test_a_hold_that_cannot_be_let_go_of_keeps_no_charge_back(play: Callable[..., None]) -> None:
    """The provider says for good that it failed: the charge is made, and a person has to let go of the hold."""

    async def act(scene: Scene) -> None:
        due = scene.shop.due(Purpose.AUTHORISE, 2000, receipt=False)
        assert await scene.settle()
        ask = scene.provider._api.post

        async def fails(path: str, form: Form, *, key: str = "") -> Reply:
            if path.endswith("/cancel"):
                raise UnavailableError("500", stuck=True)
            return await ask(path, form, key=key)

        scene.provider._api.post = fails  # type: ignore[method-assign]
        scene.shop.due(Purpose.CANCEL, 2000, receipt=False, held=due)
        scene.shop.due(Purpose.CHARGE, 2030)
        assert await scene.settle()
        assert scene.charged() == {"v1": 2030}
        assert [hold.asked.due.key for hold in scene.outbox.book.left()] == [due.key]

    play(act, settings=SETTINGS)


def test_charges_that_wait_for_nothing_ask_for_nobody_s_troubles(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an outage thousands of charges wait for the line: what others wait for is looked up for none of them."""

    async def act(scene: Scene) -> None:
        async def mute(path: str, form: Form, *, key: str = "") -> Reply:
            raise UnavailableError("503")

        scene.provider._api.post = mute  # type: ignore[method-assign]
        for number in range(30):
            scene.shop.due(Purpose.CHARGE, 500, visit=f"v{number}")
        async with asyncio.timeout(10.0):
            while len(scene.outbox._waits.troubles()) < 30:
                await scene.outbox.settle(patience_s=0.05)
        looked = list[int]()
        monkeypatch.setattr(scene.outbox._waits, "troubles", lambda: looked.append(1))
        scene.outbox._start()
        assert not looked

    play(act, settings=SETTINGS)
