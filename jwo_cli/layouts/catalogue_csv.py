"""The catalogue's CSV form: one product a row; price and deposit as decimal text in the store's currency.

Empty cells mean: mass unknown, spread 0.012, tax class standard, no age limit, no deposit, sold by unit, no aliases.
Aliases are separated by semicolons.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jwo_cli.layouts.money import from_minor, to_minor
from jwo_cli.layouts.places import Place, Places
from jwo_cli.layouts.tables import Row, read_table, write_table
from jwo_cli.model.catalogue import Product, SoldBy
from jwo_cli.model.findings import Finding

COLUMNS = (
    "gtin", "name", "unit_mass_g", "mass_cv", "price", "tax_class", "age_min", "deposit", "sold_by", "aliases",
)  # fmt: skip
REQUIRED = ("gtin", "name", "price")
DEFAULT_CV = 0.012

T = TypeVar("T")


def read_catalogue(
    path: Path, currency: str, places: Places
) -> tuple[list[Product], frozenset[str] | None, list[Finding]]:
    """Products in file order; rows with a fault are left out and reported, cell by cell.

    Between them stand the numbers and aliases of the rows left out; None when some row's number cannot be told.
    """
    rows, findings = read_table(path, COLUMNS, REQUIRED)
    products: list[Product] = []
    refused: set[str] = set()
    nameless = bool(findings)
    for row in rows:
        product, more = _product(row, currency)
        findings += more
        if product is not None:
            earlier = places.line("product", product.product_id)
            if earlier is not None:
                problem = f"{product.product_id} stands in line {earlier} already"
                findings.append(row.finding("gtin", problem, "Keep one row for each product."))
                continue
            places.put("product", product.product_id, Place(file=row.file, line=row.line))
            products.append(product)
        elif row.cells["gtin"]:
            refused |= {row.cells["gtin"], *_aliases(row.cells.get("aliases", ""))}
        else:
            nameless = True
    return products, None if nameless else frozenset(refused), findings


def write_catalogue(path: Path, products: tuple[Product, ...], currency: str) -> None:
    """The file that `read_catalogue` reads back to the same products."""
    write_table(path, COLUMNS, [_cells(item, currency) for item in products])


def _cells(item: Product, currency: str) -> tuple[str, ...]:
    return (
        item.product_id,
        item.name,
        "" if item.unit_mass_g is None else repr(item.unit_mass_g),
        "" if item.mass_cv == DEFAULT_CV else repr(item.mass_cv),
        from_minor(item.price_minor, currency),
        item.tax_class,
        "" if item.age_min is None else str(item.age_min),
        from_minor(item.deposit_minor, currency) if item.deposit_minor else "",
        item.sold_by.value,
        ";".join(item.aliases),
    )


class _Cells:
    """A row's cells, parsed one by one; faults collect in `findings`."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.findings: list[Finding] = []

    def get(self, column: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed cell, or the default where it is empty or wrong (and reported)."""
        text = self.row.cells.get(column, "")
        if not text:
            if column in REQUIRED:
                self.findings.append(self.row.finding(column, f"the {column} is missing", _FIXES[column]))
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.findings.append(self.row.finding(column, str(error), _FIXES.get(column, "Correct the cell.")))
            return default


def _product(row: Row, currency: str) -> tuple[Product | None, list[Finding]]:
    cells = _Cells(row)

    def money(text: str) -> int:
        return to_minor(text, currency)

    product_id, name = cells.get("gtin", str, "-"), cells.get("name", str, "-")
    product = Product(
        product_id=product_id,
        name=name,
        unit_mass_g=cells.get("unit_mass_g", _mass, None),
        mass_cv=cells.get("mass_cv", _spread, DEFAULT_CV),
        price_minor=cells.get("price", money, 0),
        tax_class=cells.get("tax_class", str, "standard"),
        age_min=cells.get("age_min", _age, None),
        deposit_minor=cells.get("deposit", money, 0),
        sold_by=cells.get("sold_by", _sold_by, SoldBy.UNIT),
        aliases=cells.get("aliases", _aliases, ()),
    )
    return (None if cells.findings else product), cells.findings


_FIXES = {
    "gtin": "Give the number under the bar code, or a number of your own.",
    "name": "Give the name that stands on the receipt.",
    "price": "Write it with a point: 2.49 (per kilogram when sold by weight).",
    "deposit": "Write it with a point: 0.25.",
    "unit_mass_g": "Give grams, weighed with packaging; leave the cell empty if nobody has weighed it.",
    "mass_cv": "Give standard deviation / mean, such as 0.012.",
    "age_min": "Give whole years, such as 18.",
}


def _mass(text: str) -> float | None:
    mass = _number(text)
    if not 0 < mass < 1e6:
        raise ValueError(f"a mass of {text} g is not possible")
    return mass


def _spread(text: str) -> float:
    spread = _number(text)
    if not 0 <= spread < 1:
        raise ValueError(f"a spread of {text} is not in 0 … 1")
    return spread


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def _age(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or int(text) > 120:
        raise ValueError(f"{text!r} is no age in years")
    return int(text)


def _aliases(text: str) -> tuple[str, ...]:
    return tuple(alias for part in text.split(";") if (alias := part.strip()))


def _sold_by(text: str) -> SoldBy:
    try:
        return SoldBy(text)
    except ValueError:
        near = difflib.get_close_matches(text, list(SoldBy), 1)
        raise ValueError(
            f"{text!r} is neither unit nor weight" + (f" (did you mean {near[0]}?)" if near else "")
        ) from None
