"""Stripe's API as we call it: forms, amounts on the wire, every answer's meaning, lists of any length."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from jwo_cli.model.paying import PaymentOutcome as Outcome
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments import stripe_events
from jwo_cli.payments.amounts import minor_amount, wire_amount
from jwo_cli.payments.api import encode_form
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.fake.server import TEST_KEY
from jwo_cli.payments.provider import Order, RefusedError, SignatureError, UnavailableError, Wallet
from jwo_cli.payments.signature import sign
from jwo_cli.payments.stripe import StripeProvider

from .conftest import Scene


def order(scene: Scene, amount_minor: int = 500, *, account: str = "ann", key: str = "k1") -> Order:
    scene.outbox.catch_up()
    wallet = scene.outbox.book.wallets[account]
    return Order(
        key=key,
        amount_minor=amount_minor,
        currency="EUR",
        wallet=Wallet(customer_ref=wallet.customer_ref, method_ref=wallet.method_ref),
        visit_id="v1",
        receipt_id="r-v1",
    )


def test_forms_are_flat_with_brackets() -> None:
    """Nested tables, lists, booleans and what is left out."""
    form = {"a": 1, "b": True, "c": None, "d": {"e": {"f": "x y"}}, "g": ["card", {"h": 2}]}
    assert encode_form(form) == {"a": "1", "b": "true", "d[e][f]": "x y", "g[0]": "card", "g[1][h]": "2"}


@pytest.mark.parametrize(
    ("amount", "currency", "wire"),
    [(1299, "EUR", 1299), (500, "JPY", 500), (120, "ISK", 12_000), (5_120, "KWD", 5_120), (5_124, "KWD", None)],
)
def test_amounts_go_over_the_wire_as_the_provider_counts(amount: int, currency: str, wire: int | None) -> None:
    """Krónur take two decimals there; a fils cannot be charged."""
    assert wire_amount(amount, currency) == wire
    if wire is not None:
        assert minor_amount(wire, currency) == amount


def test_an_amount_that_cannot_be_taken_to_the_penny_is_not_taken(play: Callable[..., None]) -> None:
    """No call is made that would round."""

    async def act(scene: Scene) -> None:
        fils = replace(order(scene), amount_minor=5_124, currency="KWD")
        answer = await scene.provider.charge(fils)
        assert (answer.outcome, answer.code) == (Outcome.FAILED, "amount_precision")

    play(act)


def test_what_was_made_carries_its_key_and_is_found_by_it(play: Callable[..., None]) -> None:
    """A charge, a capture, a refund, a cancelled hold: each is found; another key is not."""

    async def act(scene: Scene) -> None:
        provider, charge = scene.provider, order(scene)
        taken = await provider.charge(charge)
        assert await provider.find(charge, Purpose.CHARGE) == taken
        back = order(scene, 200, key="k2")
        given = await provider.refund(back, taken.reference)
        assert (given.payment, given.amount_minor) == (taken.reference, 200)
        assert await provider.find(back, Purpose.REFUND, reference=taken.reference) == given
        held = await provider.authorise(order(scene, 900, key="k3"))
        assert await provider.find(order(scene, 800, key="k4"), Purpose.CAPTURE, reference=held.reference) is None
        captured = await provider.capture(order(scene, 800, key="k4"), held.reference)
        assert captured.amount_minor == 800
        found = await provider.find(order(scene, 800, key="k4"), Purpose.CAPTURE, reference=held.reference)
        assert found is not None
        assert (found.outcome, found.amount_minor) == (Outcome.DONE, 800)
        assert await provider.find(order(scene, key="other"), Purpose.CHARGE) is None

    play(act)


def test_cancelling_twice_is_fine_and_cancelling_what_was_taken_is_not(play: Callable[..., None]) -> None:
    """The hold is gone either way; a capture is no hold any more."""

    async def act(scene: Scene) -> None:
        held = await scene.provider.authorise(order(scene, key="k1"))
        for key in ("k2", "k3"):
            assert (await scene.provider.cancel(order(scene, key=key), held.reference)).outcome is Outcome.DONE
        taken = await scene.provider.charge(order(scene, key="k4"))
        assert (await scene.provider.cancel(order(scene, key="k5"), taken.reference)).outcome is not Outcome.DONE

    play(act)


def test_lists_are_walked_to_their_end(play: Callable[..., None]) -> None:
    """Two hundred and fifty charges in pages of a hundred, newest first, and all refunds."""

    async def act(scene: Scene) -> None:
        first = await scene.provider.charge(order(scene, key="k"))
        await scene.provider.refund(order(scene, 100, key="k-r"), first.reference)
        form = {"amount": "70", "currency": "eur", "confirm": "true"}
        form |= {"customer": order(scene).wallet.customer_ref, "payment_method": order(scene).wallet.method_ref}
        for _ in range(249):
            scene.fake.bank.call("POST", "/v1/payment_intents", form)
        found = [item async for item in scene.provider.movements(0, 1 << 40)]
        assert sum(item.amount_minor for item in found if item.purpose is Purpose.CHARGE) == 500 + 249 * 70
        assert [item.amount_minor for item in found if item.purpose is Purpose.REFUND] == [100]
        assert len({item.reference for item in found}) == 251
        assert [item async for item in scene.provider.movements(0, 1)] == []

    play(act)


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.DROP_AFTER, Fault.DROP_BEFORE, Fault.ERROR_AFTER])
def test_what_nobody_knows_is_said_to_be_unknown(play: Callable[..., None], fault: Fault) -> None:
    """No outcome is made up, and the message holds no key."""

    async def act(scene: Scene) -> None:
        scene.fake.faults.queue.append(fault)
        with pytest.raises(UnavailableError) as caught:
            await scene.provider.charge(order(scene))
        assert TEST_KEY not in str(caught.value)
        assert (await scene.provider.charge(order(scene))).outcome is Outcome.DONE

    play(act, faults=Faults())


def test_secrets_are_in_no_text(play: Callable[..., None]) -> None:
    """Not in what is printed of a provider, nor in its refusals."""

    async def act(scene: Scene) -> None:
        wrong = StripeProvider("sk_live_secret", base_url=scene.fake.url)
        with pytest.raises(RefusedError) as caught:
            await wrong.charge(order(scene))
        await wrong.aclose()
        assert "sk_live_secret" not in f"{wrong!r} {caught.value!s} {caught.value!r}"

    play(act)


def test_pages_for_shoppers_are_the_providers(play: Callable[..., None]) -> None:
    """A card is entered there, and the customer then has it."""

    async def act(scene: Scene) -> None:
        customer = await scene.provider.customer("new")
        assert await scene.provider.customer("new") == customer
        assert await scene.provider.method_of(customer) is None
        link = await scene.provider.setup_link(customer, return_url="https://shop.example/")
        assert scene.fake.bank.call("POST", link.removeprefix(scene.fake.url), {})[0] == 200
        assert (await scene.provider.method_of(customer) or "").startswith("pm_")
        with pytest.raises(ValueError, match="No such PaymentMethod"):
            await scene.provider.attach(customer, "pm_nonsense")

    play(act)


_ENDLESS = (
    b'{"id": "e", "type": "refund.updated", "data": {"object": '
    b'{"id": "re", "currency": "eur", "amount": 1e999, "status": "x"}}}'
)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": "e", "type": "payment_intent.succeeded"}', b"\xff", b"[" * 100_000, _ENDLESS]
)
def test_a_signed_text_that_is_no_event_is_refused(body: bytes) -> None:
    """Signed by us all the same: never an error of another kind."""
    headers = {"Stripe-Signature": sign(body, b"whsec", 9)}
    with pytest.raises(SignatureError, match="is no event"):
        stripe_events.parse(body, headers, (b"whsec",), now_s=9)


def test_a_dispute_is_told_and_settles_nothing() -> None:
    """What the bank took back by itself is for a person: it names the payment, and no due's outcome.

    A status that Stripe did not have yet moves no money; a fee in another currency is none of these books'.
    """
    moves = [{"fee": 2000, "currency": "eur"}, {"fee": 1500, "currency": "usd"}]
    thing = {
        "id": "du_1", "payment_intent": "pi_1", "amount": 500, "currency": "eur", "reason": "fraudulent", "created": 7,
        "status": "needs_response", "balance_transactions": moves,
    }  # fmt: skip
    body = json.dumps({"id": "evt_1", "type": "charge.dispute.created", "data": {"object": thing}}).encode()
    event = stripe_events.parse(body, {"stripe-signature": sign(body, b"whsec", 9)}, (b"whsec",), now_s=9)
    news = event.dispute
    assert news is not None
    assert (event.outcome, news.payment, news.amount_minor, news.fee_minor, news.reason) == (
        None, "pi_1", 500, 2000, "fraudulent",
    )  # fmt: skip
    assert stripe_events.dispute_news({**thing, "status": "to_be_invented"}).state == "asked"


def test_a_provider_that_is_not_there_is_unavailable() -> None:
    """Nothing listens: asked again later."""

    async def act() -> None:
        provider = StripeProvider("sk_test_0123456789", base_url="http://127.0.0.1:9", timeout_s=0.5)
        with pytest.raises(UnavailableError):
            await provider.customer("ann")
        await provider.aclose()

    asyncio.run(act())


def test_an_account_is_one_customer_however_long_ago_it_was_made(play: Callable[..., None]) -> None:
    """Found by its metadata once the key of its making is forgotten; odd names are no other account's."""

    async def act(scene: Scene) -> None:
        first = await scene.provider.customer("dora")
        scene.fake._keys.clear()
        assert await scene.provider.customer("dora") == first
        odd = await scene.provider.customer("d'or\\a")
        scene.fake._keys.clear()
        assert await scene.provider.customer("d'or\\a") == odd != first

    play(act)


def test_references_are_no_paths(play: Callable[..., None]) -> None:
    """What somebody types as a method or a customer stays one part of the address."""

    async def act(scene: Scene) -> None:
        customer = await scene.provider.customer("dora")
        with pytest.raises(ValueError, match="No such PaymentMethod"):
            await scene.provider.attach(customer, "../payment_intents")
        assert await scene.provider.method_of("../customers") is None

    play(act)
