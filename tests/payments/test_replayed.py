"""What a replay tells again of money is old: it answers nothing, and changes nobody's card and no bill."""

from __future__ import annotations

import time
from collections.abc import Callable

from jwo_cli.drive.paying import reconcile
from jwo_cli.journal import open_journal
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.paying import DisputeState, PaymentAnswered, PaymentDisputed, PaymentOutcome
from jwo_cli.model.paying import PaymentPurpose as Purpose
from jwo_cli.payments.fake import disputes
from jwo_cli.payments.fake.faults import Fault, Faults

from .conftest import Scene

RECORDING = f"{REPLAYED}0123456789abcdef"


def test_an_answer_that_only_a_replay_tells_is_asked_for_again(play: Callable[..., None]) -> None:
    """A backup without it was restored, and the recording replayed: the provider says it once more, the books agree."""

    async def act(scene: Scene) -> None:
        payment = await unheard(scene)
        with open_journal(scene.shop.intake.directory) as asked:
            assert asked.rows("SELECT outcome FROM payments") == [("open",)]
        scene.outbox = scene.new_outbox()
        assert await scene.settle()
        own = [answer for _, answer in scene.shop.intake.observed([PaymentAnswered], without_prefix=REPLAYED)]
        assert [(answer.outcome, answer.reference) for answer in own] == [("done", payment)]
        assert scene.charged() == {"v1": 500}
        now_s = int(time.time())
        found = await reconcile(
            scene.shop.intake, scene.provider, scene.outbox.book, since_s=now_s - 3_600, until_s=now_s + 3_600
        )
        assert (found.agrees, found.open, found.owed) == (True, 0, 0)

    play(act, faults=Faults())


def test_a_card_that_a_replay_names_is_nobodys(play: Callable[..., None]) -> None:
    """It was theirs once: what is due now is charged to the card of now."""

    async def act(scene: Scene) -> None:
        (old,) = [
            method for _, method in scene.shop.intake.observed([PaymentMethodSet]) if method.account == "eve"
        ]  # a card that is lost by now
        told = PaymentMethodSet(
            at_ns=1, account="ann", provider="fake", customer_ref=old.customer_ref, method_ref=old.method_ref
        )
        scene.shop.append(told, source=RECORDING)
        scene.shop.due(Purpose.CHARGE, 500)
        assert await scene.settle()
        assert scene.said() == ["charge 500 done"]

    play(act)


def test_a_payment_that_only_a_replay_names_brings_no_dispute(play: Callable[..., None]) -> None:
    """Its bank wants it back: that is taken in once the provider told us of the payment itself."""

    async def act(scene: Scene) -> None:
        payment = await unheard(scene)
        disputes.begin(scene.fake.bank, payment)
        scene.outbox = scene.new_outbox()
        assert await scene.outbox.look_for_disputes() == 0
        assert await scene.settle()
        assert await scene.outbox.look_for_disputes() == 1

    play(act, faults=Faults())


async def unheard(scene: Scene) -> str:
    """Five are charged, and only a replay tells of it; the payment."""
    scene.fake.faults.queue.append(Fault.DROP_AFTER)
    due = scene.shop.due(Purpose.CHARGE, 500)
    assert not await scene.outbox.settle(patience_s=0.0)
    (paid,) = scene.fake.bank.of_kind("payment_intent")
    told = PaymentAnswered(
        at_ns=scene.shop.at_ns, key=due.key, purpose=due.purpose, receipt_id=due.receipt_id, account=due.account,
        amount_minor=500, currency="EUR", outcome=PaymentOutcome.DONE, provider="fake", reference=paid["id"],
    )  # fmt: skip
    scene.shop.append(told, source=RECORDING)
    return str(paid["id"])


def test_a_dispute_that_a_replay_tells_takes_nothing_off(play: Callable[..., None]) -> None:
    """The books have it already, or it was another journal's: what staff give back is given back."""

    async def act(scene: Scene) -> None:
        scene.shop.due(Purpose.CHARGE, 1000)
        assert await scene.settle()
        (paid,) = scene.shop.answers()
        told = PaymentDisputed(
            at_ns=1, dispute="du_1", payment=paid.reference, receipt_id="r-v1", account="ann", state=DisputeState.OPEN,
            amount_minor=1000, currency="EUR", taken_minor=1000, fee_minor=0, lost_minor=0, provider="fake",
        )  # fmt: skip
        scene.shop.append(told, source=RECORDING)
        scene.shop.due(Purpose.REFUND, 400, decision=1)
        assert await scene.settle()
        assert scene.said()[1:] == ["refund 400 done"]

    play(act)
