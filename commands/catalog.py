"""`jwo catalog`: what is sold for how much, and new prices for a store that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jwo_cli import console

HELP = "Prices and promotions: show those in force, apply new ones while the store is open."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)


@app.callback()
def group() -> None:
    """Prices and promotions: show those in force, apply new ones while the store is open."""


@app.command()
def apply(
    layout: Annotated[
        Path | None, typer.Argument(metavar="LAYOUT", help="The edited layout; the store directory's when left out.")
    ] = None,
    journal: console.JournalDir = None,
    staff: Annotated[str, typer.Option("--staff", metavar="NAME", help="Who says so.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Bring edited prices, taxes and promotions into force now, without stopping the store.

    Who is inside pays the lower of the price at entry and the price at exit.
    """
    from jwo_cli.drive.applying import apply_files, tell_applied

    tell_applied(apply_files(layout, journal, staff, planogram=False, catalogue=True, dry_run=dry_run), as_json=as_json)


@app.command()
def show(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """The prices that are in force in the running store."""
    from jwo_cli.drive.state import in_force
    from jwo_cli.journal import Intake
    from jwo_cli.model.units import format_minor

    place = console.journal_or_fail(journal)
    with Intake.open(place, create=False) as intake:
        catalogue = in_force(place, intake).catalogue
    if as_json:
        console.print_json(catalogue)
        return
    rows = [
        (item.product_id, item.name, format_minor(item.price_minor, catalogue.currency), item.sold_by.value)
        for item in catalogue.products
    ]
    console.table(("product", "name", "price", "per"), rows)
    for promotion in catalogue.promotions:
        console.out(f"{promotion.name}: {promotion.kind.value}")
