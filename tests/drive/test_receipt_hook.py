"""Receipts to a webhook: signed, until somebody says 2xx, once each, and the journal knows how far it got."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.receipt_hook import HookSettings, ReceiptHook, hook_settings, shown
from jwo_cli.drive.receipts import Store, all_filed, describe
from jwo_cli.journal import Intake
from jwo_cli.layouts.settings_money import SellerSettings
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose, ReceiptSent
from jwo_cli.payments.signature import verify
from jwo_cli.payments.wire import Request, Response, Server
from tests.shop.test_receipts_text import bought, reviewed, sure

SECRET = b"a secret of sixteen bytes"
STORE = Store(store_id="kiosk", name="Kiosk", timezone="Europe/Berlin", seller=SellerSettings(name="K GmbH"))
RECEIPT = bought(sure("bread"), sure("cola"))


def keep(intake: Intake, *values: object, source: str = "run/x") -> None:
    head, _ = intake.head()
    intake.append(
        [
            NewEntry(
                key=f"{source}/{head + n}", at_ns=9, source=source, kind=kind_of(type(value)), payload=encode(value)
            )
            for n, value in enumerate(values, 1)
        ]
    )


class Receiver:
    """A server that says what it is told to, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[str, dict[str, object]]] = []

    async def handle(self, request: Request) -> Response:
        verify(request.body, request.headers["jwo-signature"], (SECRET,), now_s=time.time())
        self.got.append((request.headers["jwo-delivery"], json.loads(request.body)))
        return Response(status=self.statuses.pop(0) if self.statuses else 200)


def deliver(
    intake: Intake, *receivers: Receiver, tries: int = 12, between: Callable[[], None] = lambda: None
) -> ReceiptHook:
    """A process for each receiver, one after the other, all at one address; `between` them something happens."""

    async def act() -> ReceiptHook:
        at = 0
        for receiver in receivers:
            async with Server(receiver.handle, port=at) as server:
                at = int(server.url.rpartition(":")[2])
                settings = HookSettings(url=f"{server.url}/in?token=x", secret=SECRET, tries=tries, first_wait_s=0.001)
                hook = ReceiptHook(intake, STORE, settings)
                for _ in range(8):
                    await hook.deliver()
                    await asyncio.sleep(0.005)
            between()
        return hook

    return asyncio.run(act())


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake.open(tmp_path / "journal", store_id="kiosk")


def sent(intake: Intake) -> list[tuple[str, int, int, bool, bool]]:
    return [(s.number, s.attempt, s.status, s.delivered, s.final) for _, s in intake.observed([ReceiptSent])]


def test_receipts_and_corrections_arrive_signed_and_in_order(intake: Intake) -> None:
    """Each document under its own number, with everything that the page shows."""
    keep(intake, RECEIPT, reviewed(RECEIPT, ("bread", 1)))
    receiver = Receiver()
    assert deliver(intake, receiver).delivered == 2
    assert [number for number, _ in receiver.got] == ["kiosk-1", "kiosk-2"]
    assert [body["event"] for _, body in receiver.got] == ["receipt.receipt", "receipt.correction"]
    document = receiver.got[0][1]["document"]
    assert isinstance(document, dict)
    assert (document["total_minor"], document["seller"]["name"]) == (RECEIPT.charged_minor, "K GmbH")


def test_what_fails_is_tried_again_until_it_arrives(intake: Intake) -> None:
    """500, then 302 (not followed), then 200: the journal has the first failure and the delivery."""
    keep(intake, RECEIPT)
    receiver = Receiver(500, 302)
    deliver(intake, receiver)
    assert len(receiver.got) == 3
    assert sent(intake) == [("kiosk-1", 1, 500, False, False), ("kiosk-1", 3, 200, True, True)]


def test_what_was_delivered_is_not_sent_again_by_the_next_process(intake: Intake) -> None:
    """A new process goes on where the journal says; a receipt of its own time is delivered."""
    keep(intake, RECEIPT)
    second = Receiver()
    deliver(intake, Receiver(), second, between=lambda: keep(intake, reviewed(RECEIPT, ("bread", 1))))
    assert [number for number, _ in second.got] == ["kiosk-3"]


@pytest.mark.parametrize("statuses", [(410,), (500, 500, 500)])
def test_what_cannot_arrive_is_given_up_and_a_person_may_send_it(intake: Intake, statuses: tuple[int, ...]) -> None:
    """410 means never; else after the last try. `again` sends it once more."""
    keep(intake, RECEIPT)
    receiver = Receiver(*statuses, *statuses)
    hook = deliver(intake, receiver, tries=3)
    assert len(receiver.got) == len(statuses)
    assert sent(intake)[-1][3:] == (False, True)
    assert hook.delivered == 0


def test_a_person_sends_what_holds_now_once_more(intake: Intake) -> None:
    """Of the one that is named the latest document goes again."""
    keep(intake, RECEIPT)
    receiver = Receiver()

    async def act() -> None:
        async with Server(receiver.handle) as server:
            hook = ReceiptHook(intake, STORE, HookSettings(url=server.url, secret=SECRET))
            await hook.deliver()
            hook.again({RECEIPT.receipt_id})
            assert await hook.deliver() == 0

    asyncio.run(act())
    assert [number for number, _ in receiver.got] == ["kiosk-1", "kiosk-1"]


def test_only_what_is_named_is_sent_once_more(intake: Intake) -> None:
    """Not what else is undelivered; a name that is wrong, or a recording's, sends nothing at all."""
    other = replace(RECEIPT, receipt_id="r-other")
    keep(intake, RECEIPT, other)
    keep(intake, replace(RECEIPT, receipt_id="r-replayed"), source="recording/y")
    receiver = Receiver()

    async def act() -> None:
        async with Server(receiver.handle) as server:
            for wrong in ("r-none", "r-replayed"):
                hook = ReceiptHook(intake, STORE, HookSettings(url=server.url, secret=SECRET))
                with pytest.raises(UserError, match=wrong):
                    hook.again({wrong})
            hook = ReceiptHook(intake, STORE, HookSettings(url=server.url, secret=SECRET))
            hook.again({"r-other"})
            assert await hook.deliver() == 0

    asyncio.run(act())
    assert [body["document"]["receipt_id"] for _, body in receiver.got] == ["r-other"]  # type: ignore[index]


def test_receipts_of_replays_are_sent_to_nobody(intake: Intake) -> None:
    """Only a running store's."""
    keep(intake, RECEIPT, source="recording/0123")
    receiver = Receiver()
    deliver(intake, receiver)
    assert receiver.got == []


def test_no_token_stands_in_the_journal_and_no_key_in_the_settings() -> None:
    """Addresses are kept without query; a store without a webhook says what to write."""
    assert shown("https://till.example/in?token=secret#x") == "https://till.example/in"
    with pytest.raises(UserError, match="no webhook"):
        hook_settings(None)


def test_a_document_shows_what_holds_now_or_what_an_entry_said(intake: Intake) -> None:
    """The latest correction by itself; the receipt as issued when asked for its entry."""
    keep(intake, RECEIPT, reviewed(RECEIPT, ("bread", 1)))
    item = all_filed(intake)[RECEIPT.receipt_id]
    kinds: Callable[[int | None], str] = lambda seq: describe(item, STORE, seq=seq).kind  # noqa: E731
    assert [kinds(None), kinds(1), kinds(2)] == ["correction", "receipt", "correction"]


def test_what_is_delivered_is_kept_in_the_journal_alone(intake: Intake) -> None:
    """A run of months holds what waits, not what was; a start reads past everything that was delivered."""
    receipts = [replace(RECEIPT, receipt_id=f"r-{number}") for number in range(60)]
    keep(intake, *receipts[:59])
    receiver = Receiver()
    assert deliver(intake, Receiver(), receiver, between=lambda: keep(intake, receipts[59])).held() == 0
    assert [body["document"]["receipt_id"] for _, body in receiver.got] == ["r-59"]  # type: ignore[index]


async def until(check: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    for _ in range(1_000):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


def paid(amount_minor: int, key: str = "k") -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=9, key=key, purpose=PaymentPurpose.CHARGE, receipt_id=RECEIPT.receipt_id, account="ann",
        amount_minor=amount_minor, currency="EUR", outcome=PaymentOutcome.DONE, provider="fake", reference=f"pi_{key}",
    )  # fmt: skip


def test_payments_arrive_as_events_of_their_own(intake: Intake) -> None:
    """A part, then the rest: the receipt's document says what is open with each; a refusal is no event."""
    refused = replace(paid(5, "no"), outcome=PaymentOutcome.DECLINED)
    keep(intake, RECEIPT, refused, paid(100), paid(RECEIPT.charged_minor - 100, "k2"))
    receiver = Receiver()
    deliver(intake, receiver)
    assert [(number, body["event"], body["document"]["open_minor"]) for number, body in receiver.got] == [  # type: ignore[index]
        ("kiosk-1", "receipt.receipt", RECEIPT.charged_minor),
        ("kiosk-3", "receipt.payment", RECEIPT.charged_minor - 100),
        ("kiosk-4", "receipt.paid", 0),
    ]
    assert {body["document"]["number"] for _, body in receiver.got} == {"kiosk-1"}  # type: ignore[index]


def test_a_document_that_is_sent_again_is_the_same(intake: Intake) -> None:
    """Its answer got lost; it is paid and corrected meanwhile: under its number the same bytes come, whoever asks."""
    keep(intake, RECEIPT)
    receiver, after = Receiver(500), Receiver()
    deliver(intake, receiver, after, tries=1, between=lambda: keep(intake, paid(5), reviewed(RECEIPT, ("bread", 1))))
    again = Receiver()

    async def act() -> None:
        async with Server(again.handle) as server:
            hook = ReceiptHook(intake, STORE, HookSettings(url=server.url, secret=SECRET))
            await hook.deliver()
            await hook.aclose()

    asyncio.run(act())
    first, now = dict(receiver.got + after.got), dict(again.got)
    assert {number: now[number] for number in first} == first
    assert first["kiosk-1"]["document"]["open_minor"] == RECEIPT.charged_minor  # type: ignore[index]


def test_a_slow_webhook_holds_nobody_up(intake: Intake) -> None:
    """Answers after 30 s: several receipts wait at once, and the store's end waits for them no longer than it may."""
    keep(intake, *(replace(RECEIPT, receipt_id=f"r-{number}") for number in range(40)))
    waiting: list[int] = []

    async def act() -> float:
        most = 0

        async def slow(_: Request) -> Response:
            nonlocal most
            waiting.append(1)
            most = max(most, len(waiting))
            return Response(status=200, delay_s=30.0)

        async with Server(slow) as server:
            settings = HookSettings(url=server.url, secret=SECRET, at_once=4, closing_s=0.3)
            hook, stop = ReceiptHook(intake, STORE, settings), asyncio.Event()
            running = asyncio.create_task(hook.run(stop))
            await until(lambda: most == 4)
            stop.set()
            began_s = time.monotonic()
            await running
            assert (most, hook.held(), hook.trouble) == (4, 40, "")
            return time.monotonic() - began_s

    assert asyncio.run(act()) < 3.0


def test_what_cannot_be_sent_is_told_and_stops_nothing(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """One document cannot be made: the others are delivered, people are told, and the next round tries again."""
    keep(intake, replace(RECEIPT, receipt_id="r-odd"), RECEIPT)
    receiver = Receiver()

    async def act() -> ReceiptHook:
        async with Server(receiver.handle) as server:
            hook = ReceiptHook(intake, STORE, HookSettings(url=server.url, secret=SECRET, look_s=0.01))
            body, stop = hook._body, asyncio.Event()

            def odd(due: object) -> bytes:
                if getattr(due, "receipt_id", "") == "r-odd":
                    raise LookupError("r-odd")
                return body(due)  # type: ignore[arg-type]

            monkeypatch.setattr(hook, "_body", odd)
            running = asyncio.create_task(hook.run(stop))
            await until(lambda: bool(hook.trouble and receiver.got))
            assert hook.trouble == "LookupError: r-odd"
            monkeypatch.undo()
            await until(lambda: not hook.held())
            stop.set()
            await running
            return hook

    assert asyncio.run(act()).trouble == ""
    assert sorted(number for number, _ in receiver.got) == ["kiosk-1", "kiosk-2"]


def test_a_webhook_that_takes_nothing_is_told(intake: Intake) -> None:
    """After a few failures of the same document, by the address without what may be secret in it."""
    keep(intake, RECEIPT)
    hook = deliver(intake, Receiver(*[500] * 20), tries=30)
    assert hook.trouble.startswith("1 documents are not taken at http://127.0.0.1:")
    assert "token" not in hook.trouble
