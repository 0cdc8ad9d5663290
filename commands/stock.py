"""`jwo stock`: goods in, counted and moved, as dated entries; what the books say is there, and who said so when.

Where goods stand is nobody's books: a place that staff name stands in the entry, and `jwo stock log` shows it.
"""

from __future__ import annotations

import datetime as dt
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.findings import UserError
from jwo_cli.model.units import NS_PER_S

if TYPE_CHECKING:
    from jwo_cli.model.catalogue import Product
    from jwo_cli.model.layout import Store
    from jwo_cli.model.staffing import StockCounted, StockMoved, StockRestocked

    StockChange = StockRestocked | StockCounted | StockMoved

HELP = "Stock: restock, count, move; what the books say, and who said so. Works while the store runs."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

# Ten tonnes, and fewer digits than a product's number has: one that was scanned into the wrong place is no quantity.
MOST = 9_999_999

ProductId = Annotated[str, typer.Argument(metavar="PRODUCT", help="Its number, an alias, or a part of its name.")]
Staff = Annotated[str, typer.Option("--staff", metavar="NAME", help="Who did it; your user name when left out.")]
Layout = Annotated[
    str, typer.Option("--layout", metavar="LAYOUT", help="The layout; the store directory's when left out.")
]


@app.callback()
def group() -> None:
    """Stock: restock, count, move; what the books say, and who said so. Works while the store runs."""


@app.command()
def restock(
    product_id: ProductId,
    quantity: Annotated[int, typer.Argument(min=1, max=MOST, help="Pieces, or grams of goods sold by weight.")],
    plates: Annotated[list[str] | None, typer.Option("--on", metavar="PLATE", help="Where it went.")] = None,
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
    as_json: console.AsJson = False,
) -> None:
    """Book goods in."""
    from jwo_cli.model.staffing import StockRestocked

    store, item = _product(product_id, layout, plates or [])
    who = _who(staff)
    restocked = StockRestocked(
        at_ns=time.time_ns(),
        staff=who,
        product_id=item.product_id,
        quantity=quantity,
        plates=tuple(plates or ()),
        sold_by=item.sold_by,
    )
    _tell(restocked, item, journal, who, as_json=as_json)
    _tell_places(store, item, plates or [])


@app.command()
def count(
    product_id: ProductId,
    found: Annotated[int, typer.Argument(min=0, max=MOST, help="Pieces, or grams of goods sold by weight.")],
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
    as_json: console.AsJson = False,
) -> None:
    """Say how much there is; the difference to the books is booked as shrink."""
    from jwo_cli.model.staffing import StockCounted

    _, item = _product(product_id, layout, [])
    who, booked = _who(staff), _booked(console.journal_or_fail(journal)).get(item.product_id, 0)
    counted = StockCounted(
        at_ns=time.time_ns(),
        staff=who,
        product_id=item.product_id,
        found=found,
        booked=booked,
        sold_by=item.sold_by,
    )
    _tell(counted, item, journal, who, as_json=as_json)


@app.command()
def move(
    product_id: ProductId,
    quantity: Annotated[int, typer.Argument(min=1, max=MOST, help="Pieces, or grams of goods sold by weight.")],
    from_plates: Annotated[list[str], typer.Option("--from", metavar="PLATE", help="Where it stood.")],
    to_plates: Annotated[list[str], typer.Option("--to", metavar="PLATE", help="Where it stands now.")],
    layout: Layout = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
    as_json: console.AsJson = False,
) -> None:
    """Say that goods went from one place to another. What belongs where is the planogram's: `jwo layout apply`."""
    from jwo_cli.model.staffing import StockMoved

    store, item = _product(product_id, layout, [*from_plates, *to_plates])
    if both := [plate for plate in to_plates if plate in from_plates]:
        raise UserError(f"{', '.join(both)} is where it stood, too", fix="Name another plate with --to.")
    who = _who(staff)
    moved = StockMoved(
        at_ns=time.time_ns(),
        staff=who,
        product_id=item.product_id,
        quantity=quantity,
        from_plates=tuple(from_plates),
        to_plates=tuple(to_plates),
    )
    booked = _tell(moved, item, journal, who, as_json=as_json)
    if quantity > booked:
        console.say(f"The books have only {_amount(booked, item)} of it: `jwo stock count` puts them right.")
    _tell_places(store, item, to_plates)


@app.command()
def show(layout: Layout = "", journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """What the books say is in the store; below zero where goods were sold that nobody had booked in."""
    booked = _booked(console.journal_or_fail(journal))
    names = {item.product_id: item.name for item in _store(layout).catalogue.products}
    rows = [(product, names.get(product, ""), amount) for product, amount in sorted(booked.items())]
    console.table(("product", "name", "booked"), rows, as_json=as_json)


@app.command()
def log(
    product_id: Annotated[
        str, typer.Argument(metavar="[PRODUCT]", help="Only of this one: its number, an alias, or a part of its name.")
    ] = "",
    layout: Layout = "",
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """What staff booked in, counted and moved, in order: when, who, how much, where."""
    from jwo_cli.journal import Intake
    from jwo_cli.model.entry import REPLAYED
    from jwo_cli.model.staffing import StockCounted, StockMoved, StockRestocked

    place = console.journal_or_fail(journal)
    table = _store(layout).catalogue.by_id()
    wanted = _product(product_id, layout, [])[1].product_id if product_id else ""
    kinds: list[type[StockChange]] = [StockRestocked, StockCounted, StockMoved]
    with Intake.open(place, create=False) as intake:
        found = [
            (seq, change)
            for seq, change in intake.observed(kinds, without_prefix=REPLAYED)
            if wanted in ("", change.product_id)
        ]
    if as_json:
        console.print_json([_row(seq, change) for seq, change in found])
        return
    if not found:
        console.say("nothing was booked in, counted or moved")
        return
    rows = []
    for seq, change in found:
        item = table.get(change.product_id)
        when = dt.datetime.fromtimestamp(change.at_ns // NS_PER_S, dt.UTC)
        rows.append((seq, f"{when:%Y-%m-%d %H:%M} UTC", change.staff, _words(change, item)))
    console.table(("entry", "when", "staff", "what"), rows)


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


def _product(text: str, layout: str, plates: list[str]) -> tuple[Store, Product]:
    """The product that a person means, and its store. Raises UserError: none or several fit, or an unknown plate."""
    from jwo_cli.shop.desk import find_sold

    store = _store(layout)
    listing = f"`jwo layout show {shlex.quote(layout or '.')} --facings` lists them."
    product_id = find_sold(text, store.catalogue, otherwise=listing)
    unknown = [plate for plate in plates if plate not in store.plates()]
    if unknown:
        raise UserError(f"no plate is called {', '.join(unknown)}", fix=listing)
    return store, store.catalogue.by_id()[product_id]


def _who(staff: str) -> str:
    from jwo_cli.drive.staff import who

    return staff or who()


def _tell(change: StockChange, item: Product, journal: Path | None, staff: str, *, as_json: bool) -> int:
    """Write it down, and say what was written; what the books have now."""
    from jwo_cli.drive.staff import tell
    from jwo_cli.journal import Intake

    place = console.journal_or_fail(journal)
    with Intake.open(place, create=False) as intake:
        seq = tell(intake, change, staff=staff).seq
    booked = _booked(place).get(item.product_id, 0)
    if as_json:
        console.print_json({**_row(seq, change), "name": item.name, "in_books": booked})
    else:
        console.out(f"{_words(change, item)}; the books have {_amount(booked, item)} now (entry {seq})")
    return booked


def _tell_places(store: Store, item: Product, plates: list[str]) -> None:
    """Say where something else belongs."""
    for plate in plates:
        others = [facing.product_id for facing in store.facings if plate in facing.plates]
        if others and item.product_id not in others:
            names = store.catalogue.by_id()
            meant = ", ".join(names[other].name if other in names else other for other in others)
            console.say(f"{plate} is the place of {meant}: if that changed, edit the layout and `jwo layout apply`.")


def _row(seq: int, change: StockChange) -> dict[str, object]:
    from jwo_cli.model.codec import encode, kind_of

    fields = encode(change)
    return {"entry": seq, "kind": kind_of(type(change)), **(fields if isinstance(fields, dict) else {})}


def _words(change: StockChange, item: Product | None) -> str:
    """'12 × Potato chips booked in on s1.p2'."""
    from jwo_cli.model.staffing import StockCounted, StockRestocked

    name = item.name if item is not None else change.product_id
    number = change.found if isinstance(change, StockCounted) else change.quantity
    what = f"{_amount(number, item)}{' of' if _weighed(item) else ' ×'} {name}"
    if isinstance(change, StockCounted):
        more = change.found - change.booked
        return (
            f"{what} counted, the books said {_amount(change.booked, item)}: {f'{more:+d}' if more else 'they agree'}"
        )
    if isinstance(change, StockRestocked):
        return f"{what} booked in{' on ' + ', '.join(change.plates) if change.plates else ''}"
    return f"{what} moved from {', '.join(change.from_plates)} to {', '.join(change.to_plates)}"


def _amount(quantity: int, item: Product | None) -> str:
    return f"{quantity} g" if _weighed(item) else str(quantity)


def _weighed(item: Product | None) -> bool:
    return item is not None and item.sold_by is SoldBy.WEIGHT
