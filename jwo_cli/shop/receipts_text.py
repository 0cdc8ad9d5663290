"""A receipt as a till prints it: fixed width, plain text, the fields that tax offices ask for where they are known.

Charged lines first, then what waits for a review, then the tax per class, so that every sum can be checked by hand.
Amounts are minor units until the last moment; nothing is computed here that is not on the receipt, except sums.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued, ReceiptLine
from jwo_cli.model.units import NS_PER_S, format_minor

from .receipts_document import Merchant, PaymentRow, rate_text, tax_rows, zone_of


def receipt_text(
    receipt: ReceiptIssued | ReceiptCorrected,
    *,
    merchant: Merchant | None = None,
    timezone: str = "UTC",
    width: int = 42,
    probabilities: bool = False,
    number: str = "",
    payments: Sequence[PaymentRow] = (),
) -> str:
    """The receipt, `width` columns wide (at least 32), ending in a newline.

    `timezone` is an IANA name; one that this machine does not know falls back to UTC, and the print says so.
    `probabilities` shows how sure the store is of each line; `number` and `payments` are the document's.
    """
    width = max(width, 32)
    zone, _ = zone_of(timezone)
    when = datetime.fromtimestamp(receipt.at_ns // NS_PER_S, tz=zone)
    head = [_centre(text, width) for text in _head(merchant or Merchant())]
    body = [
        *([*head, ""] if head else []),
        *([f"No. {number}"] if number else []),
        f"Receipt {receipt.receipt_id}",
        f"{when:%Y-%m-%d %H:%M:%S} {when.tzname() or ''}".rstrip(),
    ]
    if isinstance(receipt, ReceiptCorrected):
        body.append(f"Corrected by {receipt.staff}")
    body.append("-" * width)
    for line in receipt.lines:
        if line.charged:
            body += _line(line, receipt, width, probabilities=probabilities)
    waiting = [line for line in receipt.lines if not line.charged]
    if not receipt.lines:
        body.append("Nothing was taken")
    if waiting:
        corrected = isinstance(receipt, ReceiptCorrected)
        body.append(_rule("not charged" if corrected else "under review, not charged", width))
        for line in waiting:
            body += _line(line, receipt, width, probabilities=probabilities)
            body += textwrap.wrap(line.reason, width, initial_indent="  ", subsequent_indent="  ")
    body += ["-" * width, *_totals(receipt, width), *_taxes(receipt, width), *_payments(payments, receipt, width)]
    if isinstance(receipt, ReceiptIssued) and receipt.reasons:
        body += ["", *textwrap.wrap("A person will look at this receipt; you will get the result.", width)]
    return "\n".join(text.rstrip() for text in body) + "\n"


def _head(merchant: Merchant) -> list[str]:
    number = [f"Tax no. {merchant.tax_number}"] if merchant.tax_number else []
    return [text for text in (merchant.name, *merchant.address, *number) if text]


def _totals(receipt: ReceiptIssued | ReceiptCorrected, width: int) -> list[str]:
    """What is charged, and beside it what the whole would be where that differs."""
    currency = receipt.currency
    charged = sum(line.total_minor for line in receipt.lines if line.charged)
    tax = sum(line.tax_minor for line in receipt.lines if line.charged)
    rows = []
    if not receipt.prices_include_tax:
        rows.append(_row("Subtotal", format_minor(charged - tax, currency), width))
        rows.append(_row("Tax", format_minor(tax, currency), width))
    if isinstance(receipt, ReceiptIssued):
        rows.append(_row("CHARGED", format_minor(charged, currency), width))
        if receipt.total_minor != charged:
            rows.append(_row("If all is confirmed", format_minor(receipt.total_minor, currency), width))
    else:
        rows.append(_row("TOTAL", format_minor(receipt.total_minor, currency), width))
        if receipt.difference_minor:
            name = "Refund" if receipt.difference_minor < 0 else "Still to pay"
            rows.append(_row(name, format_minor(abs(receipt.difference_minor), currency), width))
    return rows


def _taxes(receipt: ReceiptIssued | ReceiptCorrected, width: int) -> list[str]:
    """Per tax class and rate of the charged lines: net, tax, gross. Untaxed deposits are not in them."""
    found = tax_rows(receipt.lines)
    if not found:
        return []
    mode = "included" if receipt.prices_include_tax else "added"
    rows = ["", f"Tax {mode}, {receipt.currency}", _columns("rate", ("net", "tax", "gross"), width)]
    for row in found:
        amounts = (row.net_minor, row.tax_minor, row.gross_minor)
        rate = f"{rate_text(row.rate_bp)} {row.tax_class}"
        rows.append(_columns(rate, [_bare(amount, receipt.currency) for amount in amounts], width))
    return rows


def _payments(payments: Sequence[PaymentRow], receipt: ReceiptIssued | ReceiptCorrected, width: int) -> list[str]:
    """What was paid and given back, each with the provider's reference below it."""
    rows = ["", f"Paid, {receipt.currency}"] if payments else []
    for row in payments:
        rows.append(_row(f"{row.what.capitalize()}, {row.provider}", _bare(row.amount_minor, receipt.currency), width))
        rows += textwrap.wrap(row.reference, width, initial_indent="  ", subsequent_indent="  ")
    return rows


def _line(
    line: ReceiptLine, receipt: ReceiptIssued | ReceiptCorrected, width: int, *, probabilities: bool
) -> list[str]:
    """A line's rows: name and goods at shelf price, how that came about, promotions, deposit. Tax on top follows."""
    added = 0 if receipt.prices_include_tax else line.tax_minor
    listed = line.total_minor - added - line.deposit_minor - line.discount_minor
    price = _bare(line.unit_price_minor, receipt.currency)
    name = line.name + (f" (from {line.age_min})" if line.age_min is not None else "")
    rows = [_row(name, _bare(listed, receipt.currency), width)]
    if line.sold_by is SoldBy.WEIGHT and line.mass_g is not None:
        rows.append(f"  {line.mass_g / 1000:.3f} kg × {price}/kg")
    elif line.quantity != 1:
        rows.append(f"  {line.quantity} × {price}")
    if line.discount_minor:
        what = ", ".join(line.promotions) or "Reduction"
        rows.append(_row(f"  {what}", _bare(line.discount_minor, receipt.currency), width))
    if line.deposit_minor:
        rows.append(_row("  Deposit", _bare(line.deposit_minor, receipt.currency), width))
    if probabilities:
        rows.append(f"  sure to {100 * line.probability:.1f} %")
    return rows


def _bare(amount_minor: int, currency: str) -> str:
    """An amount without its currency, which the totals name."""
    return format_minor(amount_minor, currency).removesuffix(f" {currency}")


def _columns(rate: str, amounts: Sequence[str], width: int) -> str:
    """The tax table's row: nine columns for each amount where there is room, the rest for the rate and its class."""
    cell = min(9, width // 4)
    return _pad(rate, width - 3 * cell) + "".join(text.rjust(cell) for text in amounts)


def _row(left: str, right: str, width: int) -> str:
    """`left` cut to fit, `right` at the margin."""
    return _pad(left, width - len(right) - 1) + " " + right


def _rule(title: str, width: int) -> str:
    return f"-- {title} ".ljust(width, "-")


def _centre(text: str, width: int) -> str:
    return " " * ((width - _columns_of(text)) // 2) + text


def _pad(text: str, width: int) -> str:
    """`text` cut or filled to `width` columns; East Asian wide characters take two."""
    while _columns_of(text) > width:
        text = text[:-1]
    return text + " " * (width - _columns_of(text))


def _columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
