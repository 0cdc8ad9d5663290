"""`jwo stock`: goods in, counted and moved, as dated entries; and what the books say is there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.model.catalogue import Product
    from jwo_cli.model.layout import Store
    from jwo_cli.model.observations import Observation

HELP = "Stock: restock, count, move; what the books say. Works while the store runs."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

ProductId = Annotated[str, typer.Argument(metavar="PRODUCT", help="Its number, or an alias.")]
Staff = Annotated[str, typer.Option("--staff", metavar="NAME", help="Who did it; your user name when left out.")]
Layout = Annotated[
    str, typer.Option("--layout", metavar="LAYOUT", help="The layout; the store directory's when left out.")
]


@app.callback()
def group() -> None:
    """Stock: restock, count, move; what the books say. Works while the store runs."""


@app.command()
def restock(
    product_id: ProductId,
    quantity: Annotated[int, typer.Argument(min=1, help="Pieces, or grams of goods sold by weight.")],
    plates: Annotated[list[str] | None, typer.Option("--on", metavar="PLATE", help="Where it went.")] = None,
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
) -> None:
    """Book goods in."""
    from jwo_cli.model.staffing import StockRestocked

    item = _product(product_id, layout, plates or [])
    who = _who(staff)
    _tell(
        StockRestocked(
            at_ns=time.time_ns(),
            staff=who,
            product_id=item.product_id,
            quantity=quantity,
            plates=tuple(plates or ()),
            sold_by=item.sold_by,
        ),
        journal,
        who,
    )


@app.command()
def count(
    product_id: ProductId,
    found: Annotated[int, typer.Argument(min=0, help="Pieces, or grams of goods sold by weight.")],
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
) -> None:
    """Say how much there is; the difference to the books is booked as shrink."""
    from jwo_cli.model.staffing import StockCounted

    item = _product(product_id, layout, [])
    who, booked = _who(staff), _booked(console.journal_or_fail(journal)).get(item.product_id, 0)
    _tell(
        StockCounted(
            at_ns=time.time_ns(),
            staff=who,
            product_id=item.product_id,
            found=found,
            booked=booked,
            sold_by=item.sold_by,
        ),
        journal,
        who,
    )
    console.say(f"the books said {booked}: {found - booked:+d}")


@app.command()
def move(
    product_id: ProductId,
    quantity: Annotated[int, typer.Argument(min=1, help="Pieces, or grams of goods sold by weight.")],
    from_plates: Annotated[list[str], typer.Option("--from", metavar="PLATE", help="Where it stood.")],
    to_plates: Annotated[list[str], typer.Option("--to", metavar="PLATE", help="Where it stands now.")],
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
) -> None:
    """Say that goods went from one place to another. What belongs where is the planogram's: `jwo layout apply`."""
    from jwo_cli.model.staffing import StockMoved

    item = _product(product_id, layout, [*from_plates, *to_plates])
    who = _who(staff)
    _tell(
        StockMoved(
            at_ns=time.time_ns(),
            staff=who,
            product_id=item.product_id,
            quantity=quantity,
            from_plates=tuple(from_plates),
            to_plates=tuple(to_plates),
        ),
        journal,
        who,
    )


@app.command()
def show(layout: Layout = "", journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """What the books say is in the store; below zero where goods were sold that nobody had booked in."""
    booked = _booked(console.journal_or_fail(journal))
    names = {item.product_id: item.name for item in _store(layout).catalogue.products}
    rows = [(product, names.get(product, ""), amount) for product, amount in sorted(booked.items())]
    console.table(("product", "name", "booked"), rows, as_json=as_json)


def _booked(journal: Path) -> dict[str, int]:
    """Product -> pieces or grams in the stock account."""
    from jwo_cli.journal import open_journal

    query = "SELECT commodity, sum(amount) FROM postings WHERE account = 'stock' GROUP BY commodity ORDER BY commodity"
    with open_journal(journal) as session:
        return {str(commodity).partition(":")[2]: int(amount) for commodity, amount in session.rows(query)}


def _store(layout: str) -> Store:
    from jwo_cli.synthetic.made import find_store

    settings = console.store_settings()
    place = layout or (str(settings.layout) if settings is not None else "")
    if not place:
        raise UserError("which store's products?", fix="Name --layout, or run this in a store directory.")
    return find_store(place)


def _product(name: str, layout: str, plates: list[str]) -> Product:
    store = _store(layout)
    item = store.catalogue.by_id().get(name)
    if item is None:
        raise UserError(f"no product {name!r} is in the catalogue", fix="`jwo layout show --facings` lists them.")
    unknown = [plate for plate in plates if plate not in store.plates()]
    if unknown:
        raise UserError(f"no plate is called {', '.join(unknown)}", fix="`jwo layout show --facings` lists them.")
    return item


def _who(staff: str) -> str:
    from jwo_cli.drive.staff import who

    return staff or who()


def _tell(observation: Observation, journal: Path | None, staff: str) -> None:
    from jwo_cli.drive.staff import tell
    from jwo_cli.journal import Intake

    with Intake.open(console.journal_or_fail(journal), create=False) as intake:
        console.out(f"entry {tell(intake, observation, staff=staff).seq}")
