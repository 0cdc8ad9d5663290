"""How receipts look on a terminal: one form for replay, audit and the tour."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued, ReceiptLine, Settlement
from jwo_cli.model.units import format_minor

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def percent(probability: float) -> str:
    """A probability as people read it; what rounds to certainty is not called certain."""
    return ">99.9 %" if probability > 0.9994 else f"{probability * 100:.1f} %"


def amount(minor: int, currency: str) -> str:
    """An amount without its currency, which stands in the total."""
    return format_minor(minor, currency).rsplit(" ", 1)[0]


def quantity(line: ReceiptLine) -> str:
    """'2', or '0.412 kg' for goods sold by weight."""
    return f"{(line.mass_g or 0) / 1000:.3f} kg" if line.sold_by is SoldBy.WEIGHT else str(line.quantity)


def settled(receipt: ReceiptIssued) -> str:
    """How it was settled, in words."""
    if receipt.settled is Settlement.AUTOMATIC:
        return f"settled by itself, {percent(receipt.probability)} sure of the whole basket"
    return f"for a person to look at, {percent(receipt.probability)} sure of the whole basket"


def receipt(issued: ReceiptIssued, *, title: str = "") -> RenderableType:
    """A receipt: who, every line with its price and how sure it is, the total, and what is charged."""
    from rich.console import Group
    from rich.text import Text

    head = Text(f"Receipt {issued.receipt_id}", style="bold")
    head.append(f"  {title}shopper {issued.track_id}", style="not bold")
    good = issued.settled is Settlement.AUTOMATIC
    parts: list[RenderableType] = [head, Text(f"  {settled(issued)}", style="green" if good else "yellow")]
    parts += [_lines(issued), Text(f"  {total(issued)}", style="bold")] if issued.lines else [Text("  nothing taken")]
    parts += [Text(f"  because {reason}", style="yellow") for reason in issued.reasons]
    return Group(*parts, Text(""))


def correction(corrected: ReceiptCorrected, *, note: str = "") -> RenderableType:
    """What somebody decided about a receipt: who, when, the lines from then on, and the money."""
    from rich.console import Group
    from rich.text import Text

    head = Text(f"Decided by {corrected.staff}", style="bold")
    when = dt.datetime.fromtimestamp(corrected.at_ns // 1_000_000_000, dt.UTC)
    head.append(f"  {when:%Y-%m-%d %H:%M} UTC{f': {note}' if note else ''}", style="not bold")
    parts: list[RenderableType] = [head, _lines(corrected, sure=False) if corrected.lines else Text("  nothing to pay")]
    return Group(*parts, Text(f"  {difference(corrected)}", style="bold"), Text(""))


def difference(corrected: ReceiptCorrected) -> str:
    """'now 3.00 EUR, 1.00 less than before'."""
    now = f"now {format_minor(corrected.total_minor, corrected.currency)}"
    if not corrected.difference_minor:
        return f"{now}, as before"
    less = "less" if corrected.difference_minor < 0 else "more"
    return f"{now}, {amount(abs(corrected.difference_minor), corrected.currency)} {less} than before"


def total(issued: ReceiptIssued) -> str:
    """'total 4.00 EUR (tax 0.64), charged 3.00 EUR'."""
    tax = f" (tax {amount(issued.tax_minor, issued.currency)})" if issued.tax_minor else ""
    whole = f"total {format_minor(issued.total_minor, issued.currency)}{tax}"
    if issued.charged_minor == issued.total_minor:
        return f"{whole}, charged"
    return f"{whole}, charged {format_minor(issued.charged_minor, issued.currency)}"


def _lines(issued: ReceiptIssued | ReceiptCorrected, *, sure: bool = True) -> Table:
    from rich import box
    from rich.table import Table

    reduced = any(line.discount_minor for line in issued.lines)
    deposits = any(line.deposit_minor for line in issued.lines)
    doubtful = any(not line.charged for line in issued.lines)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=True, show_edge=False)
    for name, right, wanted in _columns(reduced=reduced, deposits=deposits, sure=sure, doubtful=doubtful):
        if wanted:
            table.add_column(name, justify="right" if right else "left", overflow="fold")
    for line in issued.lines:
        money = [amount(line.unit_price_minor, issued.currency)]
        money += [amount(line.discount_minor, issued.currency)] if reduced else []
        money += [amount(line.deposit_minor, issued.currency)] if deposits else []
        name = line.name + (f" ({', '.join(line.promotions)})" if line.promotions else "")
        cells = [quantity(line), name, *money, amount(line.total_minor, issued.currency)]
        cells += [percent(line.probability)] if sure else []
        cells += [("" if line.charged else "not charged")] if doubtful else []
        table.add_row(*cells, style=None if line.charged else "yellow")
    return table


def _columns(*, reduced: bool, deposits: bool, sure: bool, doubtful: bool) -> tuple[tuple[str, bool, bool], ...]:
    return (
        ("", True, True),
        ("product", False, True),
        ("each", True, True),
        ("off", True, reduced),
        ("deposit", True, deposits),
        ("total", True, True),
        ("sure", True, sure),
        ("", False, doubtful),
    )


NEXT_STEPS = """What next?
  jwo layout new        draw up your own store: floor, shelves, scale plates, products
  jwo replay PATH       replay a recording of yours (add --watch to see it happen, --journal DIR to keep it)
  jwo audit show ID     explain a receipt           jwo report sales    what was sold
  jwo sql "SELECT ..."  any other question          jwo --help          all commands"""
