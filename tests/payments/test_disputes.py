"""Disputes: a shopper's bank takes money back. In the books once, in any order, and never paid twice."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.drive.outbox import OutboxSettings
from jwo_cli.drive.paying import Reconciliation, reconcile
from jwo_cli.drive.receipts import filed
from jwo_cli.journal.postings import transactions
from jwo_cli.model.codec import kind_of
from jwo_cli.model.effects import AskStaff
from jwo_cli.model.paying import DisputeState, PaymentAnswered, PaymentDisputed
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.fake import disputes
from jwo_cli.payments.fake.faults import Fault, Faults
from jwo_cli.payments.signature import sign
from jwo_cli.shop import ledger
from jwo_cli.shop.payments import RetryPolicy, disputed

from .conftest import SECRET, Scene, enrol
from .till import store

AT_ONCE = OutboxSettings(poll_s=0.05, tail_s=0.05, policy=RetryPolicy(refund_s=(0, 0), declined_s=(0, 0)))
FEE = disputes.FEE


def tell(scene: Scene, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    scene.outbox.webhook(body, {"Stripe-Signature": sign(body, SECRET, int(time.time()))})


def news(scene: Scene) -> list[dict[str, Any]]:
    return [event for event in scene.fake.bank.events if event["type"].startswith("charge.dispute.")]


def steps(scene: Scene) -> list[str]:
    found = scene.shop.intake.observed([PaymentDisputed])
    return [f"{step.state} {step.taken_minor} {step.fee_minor} {step.lost_minor}" for _, step in found]


def books(scene: Scene) -> dict[str, int]:
    """What each account of the ledger holds by the journal."""
    posted = [
        transaction for entry in scene.shop.intake.entries() for transaction in transactions(entry.kind, entry.payload)
    ]
    return {account: amount for (account, _), amount in ledger.balance(posted).items()}


async def checked(scene: Scene) -> Reconciliation:
    found = await reconcile(scene.shop.intake, scene.provider, scene.outbox.book, since_s=0, until_s=1 << 40)
    assert found.differences == ()
    for total in found.totals:
        assert total.ledger_minor == total.provider_minor == books(scene).get("clearing", 0)
    return found


async def charged(scene: Scene, amount: int = 1000, visit: str = "v1") -> str:
    """Charge a visit; the payment's id."""
    scene.shop.due(Purpose.CHARGE, amount, visit=visit)
    assert await scene.settle()
    return next(answer.reference for _, answer in scene.shop.intake.observed([PaymentAnswered], about=f"r-{visit}"))


def test_a_dispute_that_is_lost_costs_its_amount_and_its_fee(play: Callable[..., None]) -> None:
    """Taken at its opening, written off at its end; the books are the provider's all the time."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene))
        for event in news(scene):
            tell(scene, event)
        assert books(scene) == {"clearing": -FEE, "disputed": 1000, "dispute_fees": FEE, "receivable": -1000}
        await checked(scene)
        disputes.decide(scene.fake.bank, dispute, won=False)
        tell(scene, news(scene)[-1])
        assert books(scene) == {"clearing": -FEE, "dispute_losses": 1000, "dispute_fees": FEE, "receivable": -1000}
        assert steps(scene)[-1] == "lost 0 0 1000"
        await checked(scene)

    play(act)


def test_a_dispute_that_is_won_leaves_everything_as_it_was(play: Callable[..., None]) -> None:
    """Amount and fee come back."""

    async def act(scene: Scene) -> None:
        before = books(scene)
        dispute = disputes.begin(scene.fake.bank, await charged(scene))
        disputes.decide(scene.fake.bank, dispute, won=True)
        for event in news(scene):
            tell(scene, event)
        assert books(scene) == {**before, "clearing": 1000, "receivable": -1000}
        await checked(scene)

    play(act)


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_in_any_order_and_told_twice_it_happens_once(play: Callable[..., None], seed: int, *, won: bool) -> None:
    """Webhooks shuffled and repeated come to the same books, and no step stands there twice."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene), 400)
        disputes.decide(scene.fake.bank, dispute, won=won)
        events = news(scene) * 2
        random.Random(seed).shuffle(events)
        for event in events:
            tell(scene, event)
        lost = {"disputed": 0, "dispute_losses": 0 if won else 400, "dispute_fees": 0 if won else FEE}
        assert {name: books(scene).get(name, 0) for name in lost} == lost
        assert len({step.split()[0] for step in steps(scene)}) == 2
        await checked(scene)

    play(act)


def test_no_webhook_is_needed_and_no_second_process_harms(play: Callable[..., None]) -> None:
    """The provider's list tells of a dispute that was opened and lost while nobody listened."""

    async def act(scene: Scene) -> None:
        disputes.decide(scene.fake.bank, disputes.begin(scene.fake.bank, await charged(scene)), won=False)
        other = scene.new_outbox()
        assert await scene.outbox.look_for_disputes() == 2
        assert await other.look_for_disputes() == 0
        assert steps(scene) == ["open 1000 0 0", f"lost 0 {FEE} 1000"]
        await checked(scene)

    play(act)


def test_a_bank_that_only_asks_moves_no_money(play: Callable[..., None]) -> None:
    """An inquiry is told, and dropped; nothing is posted."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene), asked=True)
        before = books(scene)
        await scene.outbox.look_for_disputes()
        disputes.decide(scene.fake.bank, dispute, won=True)
        await scene.outbox.look_for_disputes()
        assert steps(scene) == ["asked 0 0 0", "dropped 0 0 0"]
        assert books(scene) == before
        await checked(scene)

    play(act)


@pytest.mark.parametrize("told", [True, False])
def test_a_refund_after_a_dispute_pays_nothing_twice(play: Callable[..., None], *, told: bool) -> None:
    """Staff give back what the bank gave back already: no refund, whether we heard of it before or by the refusal."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene))
        if told:
            await scene.outbox.look_for_disputes()
        scene.shop.due(Purpose.REFUND, 1000, decision=1)
        await scene.settle()
        await scene.outbox.look_for_disputes()
        await scene.settle()
        disputes.decide(scene.fake.bank, dispute, won=False)
        await scene.outbox.look_for_disputes()
        assert await scene.settle()
        assert scene.charged() == {"v1": 1000}  # as the provider counts it: nothing was refunded
        assert books(scene)["dispute_losses"] == 1000
        assert scene.outbox.book.settled("r-v1")
        await checked(scene)

    play(act, settings=AT_ONCE)


def test_a_refund_that_a_dispute_stopped_is_made_when_the_store_is_right(play: Callable[..., None]) -> None:
    """The bank gives the money back to the store: now the shopper gets from the store what staff decided."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene))
        await scene.outbox.look_for_disputes()
        scene.shop.due(Purpose.REFUND, 300, decision=1)
        assert await scene.settle()
        assert scene.charged() == {"v1": 1000}
        disputes.decide(scene.fake.bank, dispute, won=True)
        await scene.outbox.look_for_disputes()
        assert await scene.settle()
        assert scene.charged() == {"v1": 700}
        await checked(scene)

    play(act, settings=AT_ONCE)


def test_a_refund_whose_answer_was_lost_is_found_though_a_dispute_leaves_nothing_for_it(
    play: Callable[..., None],
) -> None:
    """It was made, and nobody heard; the rest is disputed, and won: it is written down, and not made once more."""

    async def act(scene: Scene) -> None:
        payment = await charged(scene)
        scene.fake.faults.queue.append(Fault.DROP_AFTER)
        scene.shop.due(Purpose.REFUND, 400, decision=1)
        assert not await scene.outbox.settle(patience_s=0.0)
        assert scene.charged() == {"v1": 600}
        dispute = disputes.begin(scene.fake.bank, payment, 600)
        scene.outbox = scene.new_outbox()
        await scene.outbox.look_for_disputes()
        assert await scene.settle()
        assert scene.said() == ["charge 1000 done", "refund 400 done"]
        disputes.decide(scene.fake.bank, dispute, won=True)
        await scene.outbox.look_for_disputes()
        assert await scene.settle()
        assert scene.charged() == {"v1": 600}
        await checked(scene)

    play(act, faults=Faults(), settings=replace(AT_ONCE, first_wait_s=5.0))


def test_a_refund_gives_only_what_the_bank_has_not_given_back(play: Callable[..., None]) -> None:
    """Three of ten are disputed, staff give five back: of them the provider is asked for two."""

    async def act(scene: Scene) -> None:
        disputes.begin(scene.fake.bank, await charged(scene), 300)
        await scene.outbox.look_for_disputes()
        scene.shop.due(Purpose.REFUND, 500, decision=1)
        assert await scene.settle()
        assert scene.said()[1:] == ["refund 500 failed superseded", "refund 200 done"]
        assert scene.charged() == {"v1": 800}
        await checked(scene)

    play(act, settings=AT_ONCE)


def test_a_lost_dispute_is_not_charged_again(play: Callable[..., None]) -> None:
    """Who is right is between the shopper and their bank; a person decides what follows."""

    async def act(scene: Scene) -> None:
        disputes.decide(scene.fake.bank, disputes.begin(scene.fake.bank, await charged(scene)), won=False)
        await scene.outbox.look_for_disputes()
        assert await scene.settle()
        assert len(scene.shop.answers()) == 1
        assert scene.outbox.try_again("r-v1") is None

    play(act, settings=AT_ONCE)


def test_disputes_of_others_are_none_of_ours(play: Callable[..., None]) -> None:
    """A payment that this store did not make: no entry; reconciling names it unless only ours are asked for."""

    async def act(scene: Scene) -> None:
        await charged(scene)
        customer = next(thing["id"] for thing in scene.fake.bank.things.values() if thing["object"] == "customer")
        form = {"amount": "700", "currency": "eur", "customer": customer, "payment_method": "pm_card_visa"}
        _, other = scene.fake.bank.call("POST", "/v1/payment_intents", {**form, "confirm": "true"})
        disputes.begin(scene.fake.bank, other["id"])
        for event in news(scene):
            tell(scene, event)
        assert await scene.outbox.look_for_disputes() == 0
        assert steps(scene) == []
        ours = await reconcile(
            scene.shop.intake, scene.provider, scene.outbox.book, since_s=0, until_s=1 << 40, strangers=False
        )
        assert ours.agrees

    play(act)


def test_stripes_card_for_disputes_disputes(play: Callable[..., None]) -> None:
    """As in Stripe's test mode: the card opens one by itself, and evidence with the right word wins it."""

    async def act(scene: Scene) -> None:
        enrol(scene, "ann", "pm_card_createDispute")
        await charged(scene)
        assert await scene.outbox.look_for_disputes() == 1
        (dispute,) = scene.fake.bank.of_kind("dispute")
        scene.fake.bank.call(
            "POST", f"/v1/disputes/{dispute['id']}", {"evidence[uncategorized_text]": "winning_evidence"}
        )
        assert await scene.outbox.look_for_disputes() == 1
        assert steps(scene)[-1].split()[0] == "won"

    play(act)


def test_somebody_is_told_and_asked_to_answer(play: Callable[..., None]) -> None:
    """Each step is news for staff; while it is open, they have to answer it."""

    async def act(scene: Scene) -> None:
        dispute = disputes.begin(scene.fake.bank, await charged(scene))
        await scene.outbox.look_for_disputes()
        disputes.decide(scene.fake.bank, dispute, won=False)
        await scene.outbox.look_for_disputes()
        said = [
            effect.reason
            for _, step in scene.shop.intake.observed([PaymentDisputed])
            for effect in disputed(step).effects
            if isinstance(effect, AskStaff)
        ]
        assert ["answer it" in reason for reason in said] == [True, False]
        assert "10.00 EUR by ann: lost (fraudulent)" in said[1]

    play(act)


@settings(max_examples=60, deadline=None)
@given(
    told=st.lists(
        st.tuples(st.sampled_from(["open", "won", "lost", "asked", "dropped"]), st.sampled_from([0, 1500])), max_size=8
    )
)
def test_whatever_is_told_the_books_hold_what_the_last_step_says(told: list[tuple[str, int]]) -> None:
    """Law: after any news the books have out what the state says, and each step balances."""
    from jwo_cli.model.paying import PaymentOutcome
    from jwo_cli.payments.disputes import new_steps, taken_minor
    from jwo_cli.payments.provider import DisputeNews
    from jwo_cli.shop.bills import Dispute

    paid = PaymentAnswered(
        at_ns=1, key="k", purpose=Purpose.CHARGE, receipt_id="r-1", account="ann", amount_minor=900, currency="EUR",
        outcome=PaymentOutcome.DONE, provider="fake", reference="pi_1",
    )  # fmt: skip
    known, posted, last = None, [], None
    for at, (state, fee) in enumerate(told):
        item = DisputeNews(
            dispute="du_1", payment="pi_1", state=DisputeState(state), amount_minor=900, currency="EUR", fee_minor=fee,
            reason="", at_s=at,
        )  # fmt: skip
        for step in new_steps(item, known, paid, at):
            known = known or Dispute(step)
            known.step, last = step, item
            known.taken_minor += step.taken_minor
            known.fee_minor += step.fee_minor
            posted += ledger.disputed(step)
    held = {account: amount for (account, _), amount in ledger.balance(posted).items()}
    if known is None or last is None:
        assert not posted
        return
    lost = known.step.state is DisputeState.LOST
    assert known.taken_minor == taken_minor(last)
    assert held.get("clearing", 0) == -known.taken_minor - known.fee_minor
    assert held.get("disputed", 0) == (0 if lost else known.taken_minor)
    assert held.get("dispute_losses", 0) == (900 if lost else 0)


def test_a_receipt_shows_what_went_back(tmp_path: Path) -> None:
    """Beside its payments, and nothing is open because of it."""
    from jwo_cli.drive.receipts import Store, describe
    from tests.shop.test_receipts_text import bought, sure

    receipt = bought(sure("bread"), sure("cola"))
    paid = PaymentAnswered(
        at_ns=1, key="k", purpose=Purpose.CHARGE, receipt_id=receipt.receipt_id, account="ann", currency="EUR",
        amount_minor=receipt.charged_minor, outcome="done", provider="fake", reference="pi_1",  # type: ignore[arg-type]
    )  # fmt: skip
    step = PaymentDisputed(
        at_ns=2, dispute="du_1", payment="pi_1", receipt_id=receipt.receipt_id, account="ann", state=DisputeState.OPEN,
        amount_minor=receipt.charged_minor, currency="EUR", taken_minor=receipt.charged_minor, fee_minor=0,
        lost_minor=0, provider="fake",
    )  # fmt: skip
    with store(tmp_path) as shop:
        for value in (receipt, paid, step):
            shop.append(value)
        assert kind_of(type(step)) == "payment_disputed"
        found = filed(shop.intake, receipt.receipt_id)
        assert found is not None
        document = describe(found, Store(store_id="kiosk"))
    assert [(row.what, row.reference) for row in document.payments] == [("card", "pi_1"), ("chargeback", "du_1")]
    assert (document.open_minor, document.disputed_minor) == (0, receipt.charged_minor)
