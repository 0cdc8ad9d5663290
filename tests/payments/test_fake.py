"""The fake provider is strict where Stripe is: keys, over-refunds, captures, states; else it would prove nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.payments.fake.faults import Fault, Faults, read_rates
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider

Form = dict[str, str]
HEADERS = {"Authorization": f"Bearer {TEST_KEY}"}


def talk(act: Callable[[httpx.AsyncClient, FakeProvider], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def whole() -> None:
        async with (
            FakeProvider(**more) as fake,
            httpx.AsyncClient(base_url=fake.url, headers=HEADERS, timeout=2.0) as client,
        ):
            await act(client, fake)

    asyncio.run(whole())


async def card(client: httpx.AsyncClient) -> Form:
    """A charge's form for a fresh customer with a good card."""
    customer = (await client.post("/v1/customers")).json()["id"]
    method = (await client.post("/v1/payment_methods/pm_card_visa/attach", data={"customer": customer})).json()["id"]
    return {"amount": "500", "currency": "eur", "customer": customer, "payment_method": method, "confirm": "true"}


async def post(client: httpx.AsyncClient, path: str, form: Form, key: str = "") -> httpx.Response:
    return await client.post(path, data=form, headers={"Idempotency-Key": key} if key else {})


def test_a_key_makes_a_call_happen_once() -> None:
    """The same call gives the same payment, and says so; another amount under the key is refused with 400."""

    async def act(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        form = await card(client)
        first = await post(client, "/v1/payment_intents", form, "k")
        again = await post(client, "/v1/payment_intents", form, "k")
        assert first.json() == again.json()
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        other = await post(client, "/v1/payment_intents", {**form, "amount": "501"}, "k")
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
        elsewhere = await post(client, "/v1/refunds", {"payment_intent": first.json()["id"]}, "k")
        assert elsewhere.status_code == 400
        assert len(fake.bank.of_kind("charge")) == 1

    talk(act)


def test_a_key_that_is_being_worked_on_is_in_use() -> None:
    """Two at once under one key: one is done, the other told to wait."""

    async def act(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        form = await card(client)
        fake._slow_s = 0.5
        both = await asyncio.gather(*(post(client, "/v1/payment_intents", form, "k") for _ in range(2)))
        assert sorted(answer.status_code for answer in both) == [200, 409]
        assert len(fake.bank.of_kind("charge")) == 1

    talk(act)


def test_no_more_is_refunded_than_was_taken() -> None:
    """Three of five, then three more: refused; two more; then nothing is left."""

    async def act(client: httpx.AsyncClient, _: FakeProvider) -> None:
        intent = (await post(client, "/v1/payment_intents", await card(client))).json()["id"]
        amounts = ["300", "300", "0", "200", "1"]
        answers = [await post(client, "/v1/refunds", {"payment_intent": intent, "amount": n}) for n in amounts]
        assert [answer.status_code for answer in answers] == [200, 400, 400, 200, 400]
        assert answers[-1].json()["error"]["code"] == "charge_already_refunded"

    talk(act)


def test_no_more_is_captured_than_is_held_and_only_once() -> None:
    """501 of 500 is refused, 400 are taken, and then nothing is held any more; what is captured cannot be cancelled."""

    async def act(client: httpx.AsyncClient, _: FakeProvider) -> None:
        form = {**await card(client), "capture_method": "manual"}
        path = f"/v1/payment_intents/{(await post(client, '/v1/payment_intents', form)).json()['id']}"
        codes = [(await post(client, f"{path}/capture", {"amount_to_capture": n})).status_code for n in ("501", "400")]
        assert codes == [400, 200]
        again = await post(client, f"{path}/capture", {"amount_to_capture": "50"})
        cancel = await post(client, f"{path}/cancel", {})
        assert {answer.json()["error"]["code"] for answer in (again, cancel)} == {"payment_intent_unexpected_state"}

    talk(act)


def test_cards_behave_as_in_test_mode() -> None:
    """Refusals are 402 with Stripe's codes; a bank that asks for its customer leaves an intent without a charge."""

    async def act(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        form = await card(client)
        seen = {}
        for name in ("chargeDeclined", "chargeDeclinedInsufficientFunds", "authenticationRequired"):
            answer = await post(client, "/v1/payment_intents", {**form, "payment_method": f"pm_card_{name}"})
            error = answer.json()["error"]
            seen[name] = (answer.status_code, error["code"], error["decline_code"])
        assert seen == {
            "chargeDeclined": (402, "card_declined", "generic_decline"),
            "chargeDeclinedInsufficientFunds": (402, "card_declined", "insufficient_funds"),
            "authenticationRequired": (402, "authentication_required", "authentication_required"),
        }
        assert fake.bank.of_kind("charge") == []

    talk(act)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"amount": "-5"}, "parameter_invalid_integer"),
        ({"amount": "49"}, "amount_too_small"),
        ({"customer": "cus_x"}, "resource_missing"),
        ({"payment_method": "pm_x"}, "resource_missing"),
        ({"currency": "EURO"}, "parameter_invalid_integer"),
    ],
)
def test_calls_that_make_no_sense_are_refused_and_not_kept(form: Form, code: str) -> None:
    """Each with its code, and no payment is left behind."""

    async def act(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        answer = await post(client, "/v1/payment_intents", {**await card(client), **form})
        assert (answer.status_code // 100, answer.json()["error"]["code"]) == (4, code)
        assert fake.bank.of_kind("payment_intent") == []

    talk(act)


def test_only_who_knows_the_key_is_let_in() -> None:
    """401 without it; unknown paths are 404."""

    async def act(client: httpx.AsyncClient, _: FakeProvider) -> None:
        assert (await client.get("/v1/charges", headers={"Authorization": "Bearer x"})).status_code == 401
        assert (await client.get("/v1/nothing")).status_code == 404

    talk(act)


def test_a_500_that_is_kept_comes_again() -> None:
    """As Stripe does: the money moved, and the key brings the failure for ever."""

    async def act(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        form = await card(client)
        fake.faults.queue.append(Fault.ERROR_KEPT_AFTER)
        answers = [await post(client, "/v1/payment_intents", form, "k") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [500, 500, 500]
        assert len(fake.bank.of_kind("charge")) == 1

    talk(act, faults=Faults())


def test_state_outlives_the_process(tmp_path: Path) -> None:
    """With a file, payments and keys are there again."""
    made: dict[str, Any] = {}

    async def before(client: httpx.AsyncClient, _: FakeProvider) -> None:
        made["form"] = await card(client)
        made["intent"] = (await post(client, "/v1/payment_intents", made["form"], "k")).json()

    async def after(client: httpx.AsyncClient, fake: FakeProvider) -> None:
        assert (await post(client, "/v1/payment_intents", made["form"], "k")).json() == made["intent"]
        other = await post(client, "/v1/payment_intents", made["form"], "l")
        assert other.json()["id"] != made["intent"]["id"]
        assert len(fake.bank.of_kind("charge")) == 2

    talk(before, state=tmp_path / "state.json")
    talk(after, state=tmp_path / "state.json")


def test_rates_of_faults_are_read_or_refused() -> None:
    """NAME=SHARE, together at most all calls."""
    assert read_rates(["decline=0.1", "drop_after=0.2"]) == {Fault.DECLINE: 0.1, Fault.DROP_AFTER: 0.2}
    for texts in (["decline"], ["flood=0.1"], ["decline=x"], ["decline=0.7", "timeout=0.7"], ["decline=-1"]):
        with pytest.raises(UserError):
            read_rates(texts)
