"""Receipts as documents, from the journal: the receipt or its latest correction, with what was paid for it by now.

A document's number is the store's id and the journal entry's seq: given once, growing, never used for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jwo_cli.journal import Intake
from jwo_cli.layouts.settings_money import SellerSettings
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.observations import StoreOpened
from jwo_cli.model.paying import CHARGED_SOURCE, PaymentAnswered, PaymentDisputed
from jwo_cli.shop.receipts_document import Document, Merchant, document

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
    """A receipt with everything that followed it, each with its journal entry.

    One that is not `charged` is a rehearsal's: a shadow's, or that of a recording which was replayed.
    """

    issued: tuple[int, ReceiptIssued]
    charged: bool
    corrections: list[tuple[int, ReceiptCorrected]] = field(default_factory=list)
    payments: list[PaymentAnswered | PaymentDisputed] = field(default_factory=list)

    def latest(self) -> tuple[int, ReceiptIssued | ReceiptCorrected]:
        """What holds now."""
        return self.corrections[-1] if self.corrections else self.issued

    @property
    def account(self) -> str | None:
        """Who pays: whoever came in, or was named since."""
        return self.latest()[1].account or self.issued[1].account


def all_filed(intake: Intake, *, rehearsals: bool = False) -> dict[str, Filed]:
    """All receipts by id, in order of issue: those of runs that charge, where there is one, else all.

    With `rehearsals` also those of shadows and of recordings.
    """
    found = _file(_told(intake, CHARGED_SOURCE), charged=True)
    if rehearsals or not has_charged(intake):
        rest = _file(_told(intake, ""), charged=False)
        found = dict(sorted({**rest, **found}.items(), key=lambda pair: pair[1].issued[0]))
    return found


def filed(
    intake: Intake, receipt_id: str, *, source_prefix: str = CHARGED_SOURCE, until_seq: int | None = None
) -> Filed | None:
    """One receipt with what followed it (up to an entry), read from the journal now; None where there is none."""
    told = [
        (seq, value)
        for seq, value in _told(intake, source_prefix, about=receipt_id)
        if until_seq is None or seq <= until_seq
    ]
    return _file(told, charged=source_prefix.startswith(CHARGED_SOURCE)).get(receipt_id)


def has_charged(intake: Intake) -> bool:
    """Whether a store has run on this journal that charged: then shadows and recordings in it are no sales."""
    return any(True for _ in intake.observed([StoreOpened], source_prefix=CHARGED_SOURCE))


def _file(told: Sequence[tuple[int, _Told]], *, charged: bool) -> dict[str, Filed]:
    """Each entry to its receipt."""
    found: dict[str, Filed] = {}
    for seq, value in told:
        if isinstance(value, ReceiptIssued):
            found.setdefault(value.receipt_id, Filed((seq, value), charged))
        item = found.get(value.receipt_id or "")
        if item is None:
            continue
        if isinstance(value, ReceiptCorrected):
            item.corrections.append((seq, value))
        elif isinstance(value, (PaymentAnswered, PaymentDisputed)):
            item.payments.append(value)
    return found


def _told(intake: Intake, source_prefix: str, *, about: str = "") -> list[tuple[int, _Told]]:
    """What the journal says of receipts, in order: documents by their source, payments by anybody.

    Of a store that charges what a replay tells again of payments is left out: it would stand there twice.
    """
    without = REPLAYED if source_prefix == CHARGED_SOURCE else ""
    documents: Sequence[type[_Told]] = (ReceiptIssued, ReceiptCorrected)
    payments: Sequence[type[_Told]] = (PaymentAnswered, PaymentDisputed)
    found = [
        *intake.observed(documents, about=about, source_prefix=source_prefix),
        *intake.observed(payments, about=about, without_prefix=without),
    ]
    return sorted(found, key=lambda pair: pair[0])


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
        rehearsal=not item.charged and not item.payments,
        corrects=(number_of(store.store_id, item.issued[0]), item.issued[1].at_ns)
        if isinstance(chosen[1], ReceiptCorrected)
        else None,
    )


def number_of(store_id: str, seq: int) -> str:
    """The number of the document in a journal entry."""
    return f"{store_id}-{seq}"
