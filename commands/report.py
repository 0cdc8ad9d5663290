"""`jwo report`: what was sold."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.units import format_minor

if TYPE_CHECKING:
    from jwo_cli.insight.sales import DaySales, ProductSales

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Totals of what was sold.")


class By(StrEnum):
    """What a total is made over."""

    PRODUCT = "product"
    DAY = "day"


@app.callback()
def report() -> None:
    """Totals of what was sold."""


@app.command()
def sales(
    journal: console.JournalDir = None,
    by: Annotated[By, typer.Option(help="One row per product, or per day (UTC).")] = By.PRODUCT,
    rehearsals: console.Rehearsals = False,
    as_json: console.AsJson = False,
) -> None:
    """What was charged, by product or by day; what waits for a person is counted beside it and not as sold.

    Of a journal in which no store charged (shadows, recordings): what would have been charged, and it is called so.
    """
    from jwo_cli.insight.sales import by_day, by_product, has_charged
    from jwo_cli.journal import open_journal

    with open_journal(console.journal_or_fail(journal)) as session:
        products = by_product(session, rehearsals=rehearsals) if by is By.PRODUCT else ()
        days = by_day(session, rehearsals=rehearsals) if by is By.DAY else ()
        charged = has_charged(session)
    if as_json:
        console.print_json(products or days)
        return
    if not products and not days:
        console.say("nothing was sold: this journal holds no receipt")
        return
    rows: list[tuple[console.Cell, ...]]
    money = "charged" if charged and not rehearsals else "total"
    if products:
        headings = ("store", "product", "name", "sold", "waiting", "tax", money)
        rows = [
            (row.store_id, row.product_id, row.name, _sold(row), row.waiting_units, *_money(row)) for row in products
        ]
    else:
        headings = ("store", "day", "receipts", "waiting", "units", "tax", money)
        rows = [(row.store_id, row.day, row.receipts, row.waiting, row.units, *_money(row)) for row in days]
    told = "" if not rehearsals else ", with rehearsals that nobody was charged for"
    told = told if charged else " (rehearsed: nobody was charged)"
    console.table(headings, rows, title=f"Sales by {by.value}{told}", right=("sold", "tax", money))
    totals: dict[str, int] = {}
    for currency, minor in [(row.currency, row.total_minor) for row in products or days]:
        totals[currency] = totals.get(currency, 0) + minor
    console.out(
        f"{'charged in all' if money == 'charged' else 'in all'}: "
        + ", ".join(format_minor(amount, currency) for currency, amount in totals.items())
    )


def _money(row: ProductSales | DaySales) -> tuple[str, str]:
    return format_minor(row.tax_minor, row.currency), format_minor(row.total_minor, row.currency)


def _sold(row: ProductSales) -> str:
    return f"{row.mass_g / 1000:.3f} kg" if row.mass_g else str(row.units)
