"""A receipt as a document: everything that stands on it, worked out once, for every form that it is shown in.

The fields are those that tax offices ask of a receipt (EU VAT directive, articles 226 and 226b; Germany's KassenSichV
§ 6; US states ask for fewer): who sells with address and tax number, a number of its own, date and time, what and how
much, the amount and its tax by rate, how it was paid. The number is the store's and the journal entry's: it is given
once and grows. A correction is a document of its own that names the receipt it corrects by number and
date (article 219).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued, ReceiptLine, Settlement
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed, PaymentOutcome, PaymentPurpose
from jwo_cli.model.units import NS_PER_S

NOBODY_PAYS = "A rehearsal: nobody pays this."


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """Who sells: the head of the receipt. Empty fields are left out."""

    name: str = ""
    address: tuple[str, ...] = ()
    tax_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """A line, minor units. `goods_minor` is at shelf price; discount, deposit and tax on top make it `total_minor`."""

    product_id: str
    name: str
    quantity: int
    mass_g: float | None
    unit_price_minor: int
    per_kg: bool
    goods_minor: int
    discount_minor: int
    promotions: tuple[str, ...]
    deposit_minor: int
    tax_rate_bp: int
    tax_minor: int
    total_minor: int
    age_min: int | None
    charged: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """The charged lines of one tax class and rate: what is taxed, its tax, and both together."""

    tax_class: str
    rate_bp: int
    net_minor: int
    tax_minor: int
    gross_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """Money that moved for this receipt; a refund and a chargeback are below zero. `reference` is the provider's."""

    what: str
    amount_minor: int
    at: str
    provider: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A receipt or a correction. `at` is local time with its offset; `open_minor` is still to pay (below 0: back).

    What a bank took back (`disputed_minor`) is neither open nor to be given back: who is right is not for the receipt.
    Of a `rehearsal` (a shadow's, a recording's that is replayed) nothing was asked, and nothing is open.
    """

    kind: str  # "receipt" | "correction"
    number: str
    receipt_id: str
    store_id: str
    store_name: str
    seller: Merchant
    at: str
    timezone: str
    currency: str
    prices_include_tax: bool
    lines: tuple[DocumentLine, ...]
    subtotal_minor: int
    tax_minor: int
    deposit_minor: int
    total_minor: int
    if_confirmed_minor: int
    taxes: tuple[TaxRow, ...]
    payments: tuple[PaymentRow, ...]
    paid_minor: int
    open_minor: int
    under_review: bool
    corrected_by: str = ""
    account: str = ""
    disputed_minor: int = 0
    rehearsal: bool = False
    corrects: str = ""  # the number of the receipt that a correction corrects, and when that was issued
    corrects_at: str = ""


def document(
    receipt: ReceiptIssued | ReceiptCorrected,
    *,
    number: str,
    store_id: str,
    store_name: str = "",
    seller: Merchant | None = None,
    timezone: str = "UTC",
    payments: Sequence[PaymentAnswered | PaymentDisputed] = (),
    account: str | None = None,
    rehearsal: bool = False,
    corrects: tuple[str, int] | None = None,
) -> Document:
    """The document of a receipt or correction with the answers to its payments so far.

    `corrects` is number and time (ns) of the receipt that a correction corrects.
    """
    zone, name = zone_of(timezone)
    charged = [line for line in receipt.lines if line.charged]
    total = sum(line.total_minor for line in charged)
    moved = [_payment(answer, zone) for answer in payments if moves(answer)]
    paid = sum(row.amount_minor for row in moved)
    disputed = sum(step.taken_minor for step in payments if isinstance(step, PaymentDisputed))
    open_minor = total - paid - disputed
    if open_minor < 0:
        open_minor = min(open_minor + disputed, 0)
    if rehearsal:
        open_minor = 0
    corrected = isinstance(receipt, ReceiptCorrected)
    tax = sum(line.tax_minor for line in charged)
    return Document(
        kind="correction" if corrected else "receipt",
        number=number,
        receipt_id=receipt.receipt_id,
        store_id=store_id,
        store_name=store_name,
        seller=seller or Merchant(),
        at=local_time(receipt.at_ns, zone),
        timezone=name,
        currency=receipt.currency,
        prices_include_tax=receipt.prices_include_tax,
        lines=tuple(_line(line, inside=receipt.prices_include_tax) for line in receipt.lines),
        subtotal_minor=total - tax,
        tax_minor=tax,
        deposit_minor=sum(line.deposit_minor for line in charged),
        total_minor=total,
        if_confirmed_minor=total if isinstance(receipt, ReceiptCorrected) else receipt.total_minor,
        taxes=tax_rows(receipt.lines),
        payments=tuple(moved),
        paid_minor=paid,
        open_minor=open_minor,
        disputed_minor=disputed,
        rehearsal=rehearsal,
        under_review=isinstance(receipt, ReceiptIssued) and receipt.settled is Settlement.REVIEW,
        corrected_by=receipt.staff if isinstance(receipt, ReceiptCorrected) else "",
        account=account or "",
        corrects=corrects[0] if corrects is not None else "",
        corrects_at=local_time(corrects[1], zone) if corrects is not None else "",
    )


def tax_rows(lines: Sequence[ReceiptLine]) -> tuple[TaxRow, ...]:
    """Per tax class and rate of the charged lines: net, tax, gross. Untaxed deposits are not in them."""
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for line in lines:
        if line.charged and line.tax_rate_bp:
            untaxed = line.deposit_minor if line.deposit_tax_minor == 0 else 0
            gross, tax = sums.get((line.tax_class, line.tax_rate_bp), (0, 0))
            sums[line.tax_class, line.tax_rate_bp] = (gross + line.total_minor - untaxed, tax + line.tax_minor)
    return tuple(
        TaxRow(tax_class=name, rate_bp=rate, net_minor=gross - tax, tax_minor=tax, gross_minor=gross)
        for (name, rate), (gross, tax) in sums.items()
    )


def rate_text(rate_bp: int) -> str:
    """1900 -> '19%', 550 -> '5.5%'."""
    return f"{rate_bp // 100}.{rate_bp % 100:02d}".rstrip("0").rstrip(".") + "%"


def zone_of(name: str) -> tuple[tzinfo, str]:
    """A time zone by its IANA name; UTC, and so called, where this machine does not know it."""
    try:
        return ZoneInfo(name), name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC, "UTC"


def local_time(at_ns: int, zone: tzinfo) -> str:
    """ISO 8601 to the second, with the offset."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone).isoformat(timespec="seconds")


def moves(answer: PaymentAnswered | PaymentDisputed) -> bool:
    """Whether money went one way or the other with it."""
    if isinstance(answer, PaymentDisputed):
        return answer.taken_minor != 0
    held = (PaymentPurpose.AUTHORISE, PaymentPurpose.CANCEL)
    return answer.outcome in (PaymentOutcome.DONE, PaymentOutcome.RETURNED) and answer.purpose not in held


def _payment(answer: PaymentAnswered | PaymentDisputed, zone: tzinfo) -> PaymentRow:
    if isinstance(answer, PaymentDisputed):
        return PaymentRow(
            what="chargeback" if answer.taken_minor > 0 else "chargeback returned",
            amount_minor=-answer.taken_minor,
            at=local_time(answer.at_ns, zone),
            provider=answer.provider,
            reference=answer.dispute,
        )
    returned = answer.outcome is PaymentOutcome.RETURNED
    refund = answer.purpose is PaymentPurpose.REFUND and not returned
    return PaymentRow(
        what="refund returned" if returned else "refund" if refund else "card",
        amount_minor=-answer.amount_minor if refund else answer.amount_minor,
        at=local_time(answer.at_ns, zone),
        provider=answer.provider,
        reference=answer.reference,
    )


def _line(line: ReceiptLine, *, inside: bool) -> DocumentLine:
    added = 0 if inside else line.tax_minor
    return DocumentLine(
        product_id=line.product_id,
        name=line.name,
        quantity=line.quantity,
        mass_g=line.mass_g if line.sold_by is SoldBy.WEIGHT else None,
        unit_price_minor=line.unit_price_minor,
        per_kg=line.sold_by is SoldBy.WEIGHT,
        goods_minor=line.total_minor - added - line.deposit_minor - line.discount_minor,
        discount_minor=line.discount_minor,
        promotions=line.promotions,
        deposit_minor=line.deposit_minor,
        tax_rate_bp=line.tax_rate_bp,
        tax_minor=line.tax_minor,
        total_minor=line.total_minor,
        age_min=line.age_min,
        charged=line.charged,
        reason="" if line.charged else line.reason,
    )
