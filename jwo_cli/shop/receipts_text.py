"""A receipt as a till prints it: fixed width, plain text, the fields that tax offices ask for where they are known.

Charged lines first, then what waits for a review, then what was paid and what is open, then the tax per class, so that
every sum can be checked by hand. All of it is the document's, as on its page: nothing is computed here.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from jwo_cli.model.units import format_minor

from .receipts_document import NOBODY_PAYS, Document, DocumentLine, Merchant, rate_text, zone_of


def receipt_text(document: Document, *, width: int = 42) -> str:
    """The receipt, `width` columns wide (at least 32), ending in a newline."""
    width = max(width, 32)
    corrects = _corrects(document)
    number = f"No. {document.number}" if document.number else ""
    if document.kind == "correction":
        number = f"Correction {number[:1].lower()}{number[1:]}".rstrip()
    head = [_centre(text, width) for text in _head(document.seller)]
    body = [
        *([*head, ""] if head else []),
        *([number] if number else []),
        *([f"of {_time(document.at, document)}", *corrects] if corrects else []),
        f"Receipt {document.receipt_id}",
        *([] if corrects else [_time(document.at, document)]),
    ]
    if document.corrected_by:
        body.append(f"Corrected by {document.corrected_by}")
    body.append("-" * width)
    for line in document.lines:
        if line.charged:
            body += _line(line, document.currency, width)
    waiting = [line for line in document.lines if not line.charged]
    if not document.lines:
        body.append("Nothing is charged" if document.kind == "correction" else "Nothing was taken")
    if waiting:
        corrected = document.kind == "correction"
        body.append(_rule("not charged" if corrected else "under review, not charged", width))
        for line in waiting:
            body += _line(line, document.currency, width)
            body += textwrap.wrap(line.reason, width, initial_indent="  ", subsequent_indent="  ")
    body += ["-" * width, *_totals(document, width), *_taxes(document, width), *_payments(document, width)]
    if document.under_review:
        body += ["", *textwrap.wrap("A person will look at this receipt; you will get the result.", width)]
    return "\n".join(text.rstrip() for text in body) + "\n"


def _corrects(document: Document) -> list[str]:
    """Which receipt a correction corrects, on lines of their own."""
    if not document.corrects:
        return []
    return [f"Corrects no. {document.corrects}", f"of {_time(document.corrects_at, document)}"]


def _time(at: str, document: Document) -> str:
    when = datetime.fromisoformat(at).astimezone(zone_of(document.timezone)[0])
    return f"{when:%Y-%m-%d %H:%M:%S} {when.tzname() or ''}".rstrip()


def _head(merchant: Merchant) -> list[str]:
    number = [f"Tax no. {merchant.tax_number}"] if merchant.tax_number else []
    return [text for text in (merchant.name, *merchant.address, *number) if text]


def _totals(document: Document, width: int) -> list[str]:
    """What the charged lines come to, what the whole would be where that differs, and what is open of it."""
    rows = []
    if not document.prices_include_tax:
        rows += [("Subtotal", document.subtotal_minor), ("Tax", document.tax_minor)]
    rows.append(("TOTAL", document.total_minor))
    if document.if_confirmed_minor != document.total_minor:
        rows.append(("If all is confirmed", document.if_confirmed_minor))
    if document.open_minor:
        rows.append(("Still to pay" if document.open_minor > 0 else "To be refunded", abs(document.open_minor)))
    text = [_row(name, format_minor(amount, document.currency), width) for name, amount in rows]
    return text + ([NOBODY_PAYS] if document.rehearsal else [])


def _taxes(document: Document, width: int) -> list[str]:
    """Per tax class and rate of the charged lines: net, tax, gross. Untaxed deposits are not in them."""
    if not document.taxes:
        return []
    mode = "included" if document.prices_include_tax else "added"
    rows = ["", f"Tax {mode}, {document.currency}", _columns("rate", ("net", "tax", "gross"), width)]
    for row in document.taxes:
        amounts = (row.net_minor, row.tax_minor, row.gross_minor)
        rate = f"{rate_text(row.rate_bp)} {row.tax_class}"
        rows.append(_columns(rate, [_bare(amount, document.currency) for amount in amounts], width))
    return rows


def _payments(document: Document, width: int) -> list[str]:
    """What was paid and given back, each with the provider's reference below it."""
    rows = ["", f"Paid, {document.currency}"] if document.payments else []
    for row in document.payments:
        rows.append(_row(f"{row.what.capitalize()}, {row.provider}", _bare(row.amount_minor, document.currency), width))
        rows += textwrap.wrap(row.reference, width, initial_indent="  ", subsequent_indent="  ")
    return rows


def _line(line: DocumentLine, currency: str, width: int) -> list[str]:
    """A line's rows: name and goods at shelf price, how that came about, promotions, deposit. Tax on top follows."""
    price = _bare(line.unit_price_minor, currency)
    name = line.name + (f" (from {line.age_min})" if line.age_min is not None else "")
    rows = [_row(name, _bare(line.goods_minor, currency), width)]
    if line.mass_g is not None:
        rows.append(f"  {line.mass_g / 1000:.3f} kg × {price}/kg")
    elif line.quantity != 1:
        rows.append(f"  {line.quantity} × {price}")
    if line.discount_minor:
        what = ", ".join(line.promotions) or "Reduction"
        rows.append(_row(f"  {what}", _bare(line.discount_minor, currency), width))
    if line.deposit_minor:
        rows.append(_row("  Deposit", _bare(line.deposit_minor, currency), width))
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
