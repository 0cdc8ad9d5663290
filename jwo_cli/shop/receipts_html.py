"""A receipt as one HTML page: nothing to load; for a phone, and for paper (A4, letter or an 80 mm roll).

Every text that comes from outside is escaped. What is not charged stands apart, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape

from jwo_cli.model.units import format_minor

from .receipts_document import NOBODY_PAYS, Document, DocumentLine, rate_text

_STYLE = """
html { color-scheme: light; font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
  sans-serif; }
* { box-sizing: border-box; }
body { margin: 0; background: #eceae6; color: #1b1b1b; }
main { max-width: 30rem; margin: 2rem auto; padding: 2rem 1.75rem; background: #fff; border-radius: 3px;
  box-shadow: 0 1px 3px rgb(0 0 0 / 18%); }
header { text-align: center; margin-bottom: 1.5rem; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
header p, dl, footer { color: #555; font-size: .87rem; margin: 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem 1rem; padding-bottom: 1rem;
  border-bottom: 1px solid #ccc; }
dt { color: #777; } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .87rem; color: #777; padding: 1.1rem 0 .2rem; }
td, th { padding: .3rem 0; vertical-align: top; text-align: left; font-weight: normal; }
td:not(:first-child), th:not(:first-child) { text-align: right; white-space: nowrap; padding-left: .9rem; }
thead th { color: #777; font-size: .87rem; padding-bottom: 0; }
.note { display: block; color: #666; font-size: .87rem; }
.goods tr + tr td { border-top: 1px solid #f0efec; }
.goods tr.more td, tr.more td { border-top: 0; padding-top: 0; color: #666; font-size: .87rem; }
.total td { border-top: 1px solid #1b1b1b; font-weight: 600; font-size: 1.12rem; padding-top: .5rem; }
.waiting { color: #666; }
.notice { margin-top: 1.25rem; padding: .7rem .9rem; background: #fbf4e0; border-radius: 3px; font-size: .9rem; }
footer { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid #ccc; text-align: center;
  overflow-wrap: anywhere; }
@page { margin: 12mm; }
@media print {
  html { font-size: 10pt; line-height: 1.3; } body { background: none; }
  caption { padding-top: .7rem; } td, th { padding: .15rem 0; } header, dl { margin-bottom: .6rem; }
  main { margin: 0 auto; padding: 0; box-shadow: none; }
  tr, .notice, footer { break-inside: avoid; }
  .notice { background: none; border: 1px solid #999; }
}
@media print and (max-width: 90mm) { @page { margin: 3mm; } html { font-size: 8.5pt; } }
@media screen and (max-width: 32rem) { main { margin: 0; border-radius: 0; padding: 1.5rem 1.1rem; } }
"""
_FOOT = "Made from what the store's sensors saw. Is something wrong? Ask for a review with the reference above."


def receipt_html(document: Document) -> str:
    """The page, UTF-8, ending in a newline."""
    title = "Correction" if document.kind == "correction" else "Receipt"
    charged = [line for line in document.lines if line.charged]
    waiting = [line for line in document.lines if not line.charged]
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title} {escape(document.number)}</title><style>{_STYLE}</style></head>",
        "<body><main>",
        _head(document, title),
        _goods(document, charged),
        _totals(document),
        _waiting(document, waiting),
        _taxes(document),
        _payments(document),
        f"<footer>{_FOOT}</footer>",
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _head(document: Document, title: str) -> str:
    seller = document.seller
    name = seller.name or document.store_name or document.store_id
    under = [document.store_name] if seller.name and document.store_name not in ("", seller.name) else []
    under += [*seller.address, *([f"Tax no. {seller.tax_number}"] if seller.tax_number else [])]
    head = f"<header><h1>{escape(name)}</h1>{''.join(f'<p>{escape(line)}</p>' for line in under)}</header>"
    when = datetime.fromisoformat(document.at)
    facts = [(f"{title} no.", document.number), ("Date", f"{when:%Y-%m-%d %H:%M:%S} ({document.timezone})")]
    if document.corrects:
        first = datetime.fromisoformat(document.corrects_at)
        facts.append(("Corrects no.", f"{document.corrects} of {first:%Y-%m-%d %H:%M:%S}"))
    facts.append(("Reference" if document.kind == "receipt" or document.corrects else "Corrects", document.receipt_id))
    facts += [("Corrected by", document.corrected_by)] if document.corrected_by else []
    facts += [("Account", document.account)] if document.account else []
    return head + "\n<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in facts) + "</dl>"


def _goods(document: Document, lines: list[DocumentLine]) -> str:
    if not lines:
        changed = document.lines or document.kind == "correction"
        return "<p>Nothing is charged.</p>" if changed else "<p>Nothing was taken.</p>"
    return f'<table class="goods"><tbody>{"".join(_rows(document, line) for line in lines)}</tbody></table>'


def _rows(document: Document, line: DocumentLine, *, waiting: bool = False) -> str:
    currency = document.currency
    price = _bare(line.unit_price_minor, currency)
    age = f" (from {line.age_min})" if line.age_min is not None else ""
    notes = []
    if line.mass_g is not None:
        notes.append(f"{line.mass_g / 1000:.3f} kg × {price}/kg")
    elif line.quantity != 1:
        notes.append(f"{line.quantity} × {price}")
    if line.tax_rate_bp:
        notes.append(f"tax {rate_text(line.tax_rate_bp)}")
    note = f'<span class="note">{escape(" · ".join(notes))}</span>' if notes else ""
    rows = [_row(f"{escape(line.name + age)}{note}", _bare(line.goods_minor, currency))]
    if line.discount_minor:
        what = ", ".join(line.promotions) or "Reduction"
        rows.append(_row(escape(what), _bare(line.discount_minor, currency), more=True))
    if line.deposit_minor:
        rows.append(_row("Deposit", _bare(line.deposit_minor, currency), more=True))
    if waiting and line.reason:
        rows.append(f'<tr class="more"><td colspan="2">{escape(line.reason)}</td></tr>')
    return "".join(rows)


def _row(left: str, right: str, *, more: bool = False) -> str:
    return f"<tr{' class=more' if more else ''}><td>{left}</td><td>{escape(right)}</td></tr>"


def _totals(document: Document) -> str:
    currency = document.currency
    rows = [f'<tr class="total"><td>Total</td><td>{format_minor(document.total_minor, currency)}</td></tr>']
    if not document.prices_include_tax:
        tax = _row("Tax", format_minor(document.tax_minor, currency))
        rows = [_row("Subtotal", format_minor(document.subtotal_minor, currency)), tax, *rows]
    if document.deposit_minor:
        rows.append(_row("Deposits in it", format_minor(document.deposit_minor, currency), more=True))
    notice = f'<p class="notice">{NOBODY_PAYS}</p>' if document.rehearsal else ""
    return f"<table><tbody>{''.join(rows)}</tbody></table>{notice}"


def _waiting(document: Document, lines: list[DocumentLine]) -> str:
    if not lines:
        return ""
    rows = "".join(_rows(document, line, waiting=True) for line in lines)
    name = "Not charged" if document.kind == "correction" else "Under review, not charged"
    table = f'<table class="goods waiting"><caption>{name}</caption><tbody>{rows}</tbody></table>'
    if not document.under_review:
        return table
    whole = format_minor(document.if_confirmed_minor, document.currency)
    notice = f"A person will look at this receipt. If all of it is confirmed, it comes to {whole}."
    return f'{table}<p class="notice">{notice}</p>'


def _taxes(document: Document) -> str:
    if not document.taxes:
        return ""
    cells = (
        (
            f"{rate_text(row.rate_bp)} {row.tax_class}",
            *(_bare(amount, document.currency) for amount in (row.net_minor, row.tax_minor, row.gross_minor)),
        )
        for row in document.taxes
    )
    how = "included" if document.prices_include_tax else "added"
    return _table(f"Tax {how}, {document.currency}", ("Rate", "Net", "Tax", "Gross"), cells)


def _payments(document: Document) -> str:
    rows = [
        (f"{row.what.capitalize()}, {row.provider} {row.reference}", _bare(row.amount_minor, document.currency))
        for row in document.payments
    ]
    if document.open_minor > 0:
        rows.append(("Still to pay", _bare(document.open_minor, document.currency)))
    elif document.open_minor < 0:
        rows.append(("To be refunded", _bare(-document.open_minor, document.currency)))
    return _table(f"Payment, {document.currency}", (), rows) if rows else ""


def _table(caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = f"<thead><tr>{''.join(f'<th>{name}</th>' for name in heads)}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption>{head}<tbody>{body}</tbody></table>"


def _bare(amount_minor: int, currency: str) -> str:
    return format_minor(amount_minor, currency).removesuffix(f" {currency}")
