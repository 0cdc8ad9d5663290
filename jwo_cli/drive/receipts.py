"""Receipts as documents, from the journal: the receipt or its latest correction, with what was paid for it by now.

A document's number is the store's id and the journal entry's seq: given once, growing, never used for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jwo_cli.journal import Intake
from jwo_cli.layouts.settings_money import SellerSettings
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed
from jwo_cli.shop.receipts_document import Document, Merchant, document

SUGGESTED = 5
_Told = ReceiptIssued | ReceiptCorrected | PaymentAnswered | PaymentDisputed


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What receipts say of the store besides its goods."""

    store_id: str
    name: str = ""
    timezone: str = "UTC"
    seller: SellerSettings = field(default_factory=SellerSettings)


@dataclass(slots=True)
class Filed:
    """A receipt with everything that followed it, each with its journal entry."""

    issued: tuple[int, ReceiptIssued]
    corrections: list[tuple[int, ReceiptCorrected]] = field(default_factory=list)
    payments: list[PaymentAnswered | PaymentDisputed] = field(default_factory=list)

    def latest(self) -> tuple[int, ReceiptIssued | ReceiptCorrected]:
        """What holds now."""
        return self.corrections[-1] if self.corrections else self.issued

    @property
    def account(self) -> str | None:
        """Who pays: whoever came in, or was named since."""
        return self.latest()[1].account or self.issued[1].account


class Files:
    """All receipts by id, in order of issue, of sources that begin with `source_prefix`."""

    def __init__(self, *, source_prefix: str = "") -> None:
        self.by_id: dict[str, Filed] = {}
        self._prefix = source_prefix

    def follow(self, intake: Intake) -> None:
        """Read the journal."""
        for seq, value in _told(intake, self._prefix):
            self.file(seq, value)

    def file(self, seq: int, value: _Told) -> None:
        """Put an entry to its receipt."""
        if isinstance(value, ReceiptIssued):
            self.by_id.setdefault(value.receipt_id, Filed((seq, value)))
        filed = self.by_id.get(value.receipt_id or "")
        if filed is None:
            return
        if isinstance(value, ReceiptCorrected):
            filed.corrections.append((seq, value))
        elif isinstance(value, (PaymentAnswered, PaymentDisputed)):
            filed.payments.append(value)


def filed(intake: Intake, receipt_id: str, *, source_prefix: str = "", until_seq: int | None = None) -> Filed | None:
    """One receipt with what followed it (up to an entry), read from the journal now; None where there is none."""
    files = Files()
    for seq, value in _told(intake, source_prefix, about=receipt_id):
        if until_seq is None or seq <= until_seq:
            files.file(seq, value)
    return files.by_id.get(receipt_id)


def _told(intake: Intake, source_prefix: str, *, about: str = "") -> list[tuple[int, _Told]]:
    """What the journal says of receipts, in order: documents by their source, payments by anybody."""
    documents: Sequence[type[_Told]] = (ReceiptIssued, ReceiptCorrected)
    payments: Sequence[type[_Told]] = (PaymentAnswered, PaymentDisputed)
    found = [
        *intake.observed(documents, about=about, source_prefix=source_prefix),
        *intake.observed(payments, about=about),
    ]
    return sorted(found, key=lambda pair: pair[0])


def find_receipt(known: dict[str, Filed], wanted: str) -> Filed:
    """The receipt by its id, a unique beginning of it, or its visit's or shopper's id. Raises UserError."""
    whole = [item for name, item in known.items() if wanted in (name, item.issued[1].visit_id, item.issued[1].track_id)]
    fitting = whole or [item for name, item in known.items() if name.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join([item.issued[1].receipt_id for item in fitting or list(known.values())][-SUGGESTED:])
    if not known:
        raise UserError("this journal holds no receipt", fix="Run a store, or replay a recording into it.")
    problem = f"{len(fitting)} receipts fit {wanted!r}" if fitting else f"no receipt fits {wanted!r}"
    raise UserError(problem, fix=f"Give one in full; the latest are {names}.")


def describe(item: Filed, store: Store, *, seq: int | None = None) -> Document:
    """The document of what holds now, or of the entry `seq`. A correction carries all payments of its receipt."""
    entries: list[tuple[int, ReceiptIssued | ReceiptCorrected]] = [item.issued, *item.corrections]
    chosen = next((pair for pair in entries if pair[0] == seq), item.latest())
    seller = Merchant(name=store.seller.name, address=store.seller.address, tax_number=store.seller.tax_number)
    return document(
        chosen[1],
        number=number_of(store.store_id, chosen[0]),
        store_id=store.store_id,
        store_name=store.name,
        seller=seller,
        timezone=store.timezone,
        payments=item.payments,
        account=item.account,
    )


def number_of(store_id: str, seq: int) -> str:
    """The number of the document in a journal entry."""
    return f"{store_id}-{seq}"
