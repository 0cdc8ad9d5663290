"""Every receipt, correction and payment of a running store goes to one webhook, signed, until somebody says 2xx.

What was delivered, what failed first and what was given up stand in the journal, so that a store that starts again goes
on where it was. A receiver may see a document twice (its answer got lost): `Jwo-Delivery` is the number of the entry
that it is about, and its content is what the journal said up to that entry, so that it is the same each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from jwo_cli.drive.receipts import Store, describe, filed, number_of
from jwo_cli.journal import Intake
from jwo_cli.journal.mark import resolve_key
from jwo_cli.layouts.settings_money import MoneySettings
from jwo_cli.model.codec import canonical, encode, kind_of
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import CHARGED_SOURCE, PaymentAnswered, PaymentDisputed, ReceiptSent
from jwo_cli.model.units import NS_PER_S
from jwo_cli.payments.notify import Notifier
from jwo_cli.shop.receipts_document import moves

GONE = 410
TOLD_AFTER = 4  # so often a document was not taken before people are told
_DOCUMENTS: tuple[type[ReceiptIssued | ReceiptCorrected], ...] = (ReceiptIssued, ReceiptCorrected)
_PAYMENTS: tuple[type[PaymentAnswered | PaymentDisputed], ...] = (PaymentAnswered, PaymentDisputed)
_STRETCH = 20_000  # so many entries of the journal are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """Where to, and how patient: waits double from the first, and after the last try a person decides."""

    url: str
    secret: bytes
    tries: int = 12
    first_wait_s: float = 1.0
    longest_wait_s: float = 3_600.0
    look_s: float = 1.0
    timeout_s: float = 10.0
    at_once: int = 4
    closing_s: float = 5.0  # how long the store's end may wait for it


@dataclass(slots=True)
class _Due:
    """A document that is to be delivered: of the receipt as it was with that entry."""

    receipt_id: str
    seq: int
    payment: bool = False  # the entry is money that moved, not a document of its own
    tries: int = 0
    at_s: float = 0.0


class ReceiptHook:
    """Carries one journal's receipts to one webhook. Not for several threads."""

    name = "receipts"

    def __init__(
        self,
        intake: Intake,
        store: Store,
        settings: HookSettings,
        *,
        source: str = f"{CHARGED_SOURCE}receipts",
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._intake, self._store, self._settings = intake, store, settings
        self._source, self._now_ns = source, now_ns
        self.target = shown(settings.url)
        self._due: dict[str, _Due] = {}
        self._seen = 0
        self._asked = False
        self.delivered = 0
        self._trouble = ""
        self._end_s = 0.0  # until when the store's end waits for it; 0 while the store runs
        self._notifier = Notifier(settings.url, settings.secret, timeout_s=settings.timeout_s)

    @property
    def trouble(self) -> str:
        """Why documents do not get through, for people; empty while they do."""
        waiting = sum(due.tries >= TOLD_AFTER for due in self._due.values())
        return self._trouble or (f"{waiting} documents are not taken at {self.target}" if waiting else "")

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, and what came last once after it, as far as there is time for that."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._round(stopping)
                await asyncio.wait({stopping}, timeout=self._settings.look_s)
            await self._round(stopping)
        finally:
            stopping.cancel()
            await self.aclose()

    async def _round(self, stopping: asyncio.Task[bool]) -> None:
        """One round; when the store ends, what is under way and what is left have a few seconds together."""
        delivering = asyncio.create_task(self.deliver())
        await asyncio.wait({delivering, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            self._end_s = self._end_s or time.monotonic() + self._settings.closing_s
            await asyncio.wait({delivering}, timeout=max(0.0, self._end_s - time.monotonic()))
        delivering.cancel()
        try:
            await delivering
            self._trouble = ""
        except asyncio.CancelledError:
            return  # the next start delivers the rest
        except Exception as error:  # noqa: BLE001 - the journal takes nothing just now, or worse: it is sent again
            self._trouble = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._notifier.aclose()

    async def deliver(self) -> int:
        """One round: everything that is due now, once, a few receipts at a time. How many documents still wait."""
        self._look()
        turn: dict[str, list[tuple[str, _Due]]] = {}
        room = asyncio.Semaphore(self._settings.at_once)
        for number, due in self._due.items():
            if due.at_s <= time.monotonic():
                turn.setdefault(due.receipt_id, []).append((number, due))

        async def one_by_one(dues: list[tuple[str, _Due]]) -> None:
            async with room:
                for number, due in dues:
                    await self._send(number, due)

        ended = await asyncio.gather(*map(one_by_one, turn.values()), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error  # what one document met kept no other one back
        return len(self._due)

    def _body(self, due: _Due) -> bytes:
        receipt = filed(self._intake, due.receipt_id, source_prefix=CHARGED_SOURCE, until_seq=due.seq)
        if receipt is None:
            raise UserError(
                f"the journal has no receipt {due.receipt_id}",
                fix="Run `jwo audit verify`: nothing leaves a journal.",
            )
        document = describe(receipt, self._store, seq=due.seq)
        paid = "payment" if document.open_minor else "paid"
        return canonical({"event": f"receipt.{paid if due.payment else document.kind}", "document": encode(document)})

    def again(self, receipt_ids: set[str]) -> None:
        """A person wants what holds now of these delivered once more, whatever became of it, and nothing else.

        Raises UserError, before anything is sent, for one that no store issued.
        """
        self._due.clear()
        self._asked = True
        for receipt_id in sorted(receipt_ids):
            receipt = filed(self._intake, receipt_id, source_prefix=CHARGED_SOURCE)
            if receipt is None:
                raise UserError(
                    f"no store issued a receipt {receipt_id!r}",
                    fix="Name it in full; receipts of shadows and recordings are sent to nobody.",
                )
            seq, _ = receipt.latest()
            self._due[number_of(self._store.store_id, seq)] = _Due(receipt_id, seq)

    def held(self) -> int:
        """How many documents wait to be delivered: a measure of memory."""
        return len(self._due)

    async def _send(self, number: str, due: _Due) -> None:
        settings = self._settings
        body = self._body(due)
        due.tries += 1
        status = await self._notifier.post(body, delivery=number, at_s=self._now_ns() // NS_PER_S)
        delivered = 200 <= status < 300
        final = delivered or status == GONE or due.tries >= settings.tries
        if final or due.tries == 1:
            self._keep(number, due, body, status, delivered=delivered, final=final)
        if final:
            del self._due[number]
            self.delivered += delivered
        else:
            due.at_s = time.monotonic() + min(settings.first_wait_s * 2 ** (due.tries - 1), settings.longest_wait_s)

    def _look(self) -> None:
        """What the journal got since the last look is due, unless it was ended before, or only some was asked for."""
        if self._asked:
            return
        first, head = self._seen == 0, self._intake.head()[0]
        while self._seen < head:
            until = min(self._seen + _STRETCH, head)
            found = self._intake.observed(_DOCUMENTS, self._seen, until_seq=until, source_prefix=CHARGED_SOURCE)
            for seq, document in found:
                self._due[number_of(self._store.store_id, seq)] = _Due(document.receipt_id, seq)
            for seq, paid in self._intake.observed(
                _PAYMENTS, self._seen, until_seq=until, source_prefix=CHARGED_SOURCE
            ):
                if paid.receipt_id and moves(paid):
                    self._due[number_of(self._store.store_id, seq)] = _Due(paid.receipt_id, seq, payment=True)
            if first:  # what an earlier process ended; it may come long after its document
                self._due_no_more(self._seen, until)
            self._seen = until

    def _due_no_more(self, after: int, until: int) -> None:
        """Forget what was ended before this process began."""
        for _, sent in self._intake.observed([ReceiptSent], after, until_seq=until):
            if sent.final and self._ours(sent):
                self._due.pop(sent.number, None)

    def _ours(self, sent: ReceiptSent) -> bool:
        return sent.target == self.target

    def _keep(self, number: str, due: _Due, body: bytes, status: int, *, delivered: bool, final: bool) -> None:
        sent = ReceiptSent(
            at_ns=self._now_ns(),
            number=number,
            receipt_id=due.receipt_id,
            target=self.target,
            content=hashlib.sha256(body).hexdigest(),
            attempt=due.tries,
            status=status,
            delivered=delivered,
            final=final,
        )
        entry = NewEntry(
            key=f"receipt/{number}/{hashlib.sha256(self.target.encode()).hexdigest()[:12]}/{sent.at_ns}",
            at_ns=sent.at_ns,
            source=self._source,
            kind=kind_of(ReceiptSent),
            payload=encode(sent),
            caused_by=(due.seq,),
        )
        self._intake.append([entry])


def hook_settings(money: MoneySettings | None) -> HookSettings:
    """The webhook that the settings name. Raises UserError where they name none, or its key cannot be read."""
    if money is None or not money.receipts_url:
        raise UserError(
            "no webhook for receipts is named",
            fix='Add [receipts] to jwo.toml: webhook = "https://…" and webhook_key = "file:keys/receipts.key".',
        )
    return HookSettings(url=money.receipts_url, secret=resolve_key(money.receipts_key))


def shown(url: str) -> str:
    """An address as it may be shown: without query and fragment, where tokens stand."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
