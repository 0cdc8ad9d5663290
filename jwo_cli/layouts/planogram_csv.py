"""The planogram's CSV form: one facing a row, `product,plates,capacity`.

Plates are separated by blanks; 'g1.s1.p1..g1.s1.p4' means all plates from one to the other along their shelf.
"""

from __future__ import annotations

from pathlib import Path

from jwo_cli.layouts.places import Place, Places
from jwo_cli.layouts.tables import Row, read_table, write_table
from jwo_cli.model.findings import Finding
from jwo_cli.model.layout import Facing, Fixture

COLUMNS = ("product", "plates", "capacity")
REQUIRED = ("product", "plates")
RANGE = ".."


def read_planogram(
    path: Path, fixtures: list[Fixture], places: Places, *, whole: bool = True
) -> tuple[list[Facing], list[Finding]]:
    """Facings in file order; rows with a fault are left out and reported.

    With `whole` False some fixtures could not be read: ranges over unknown plates are then left out without a word.
    """
    rows, findings = read_table(path, COLUMNS, REQUIRED)
    shelves = _shelf_orders(fixtures)
    facings: list[Facing] = []
    for row in rows:
        facing, more = _facing(row, shelves, whole=whole)
        findings += more
        if facing is not None:
            places.put("facing", str(len(facings)), Place(file=row.file, line=row.line))
            facings.append(facing)
    return facings, findings


def write_planogram(path: Path, facings: tuple[Facing, ...], fixtures: tuple[Fixture, ...]) -> None:
    """The file that `read_planogram` reads back to the same facings."""
    shelves = _shelf_orders(list(fixtures))
    write_table(
        path,
        COLUMNS,
        [
            (item.product_id, _plates_text(item.plates, shelves), "" if item.capacity is None else str(item.capacity))
            for item in facings
        ],
    )


def _shelf_orders(fixtures: list[Fixture]) -> dict[str, tuple[str, ...]]:
    """Plate -> all plates of its shelf in order."""
    orders: dict[str, tuple[str, ...]] = {}
    for fixture in fixtures:
        for bay in fixture.bays:
            for shelf in bay.shelves:
                order = tuple(plate.plate_id for plate in shelf.plates)
                for ident in order:
                    orders.setdefault(ident, order)
    return orders


def _facing(row: Row, shelves: dict[str, tuple[str, ...]], *, whole: bool) -> tuple[Facing | None, list[Finding]]:
    findings = []
    for column, fix in (("product", "Give the product's GTIN."), ("plates", "Name the plates it stands on.")):
        if not row.cells[column]:
            findings.append(row.finding(column, f"the {column} is missing", fix))
    plates: list[str] = []
    for word in row.cells["plates"].split():
        try:
            plates += _expand(word, shelves)
        except ValueError as error:
            if not whole:
                return None, findings
            findings.append(row.finding("plates", str(error), "Name both ends of the range, left one first."))
    capacity, text = None, row.cells.get("capacity", "")
    if text:
        if text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000:
            capacity = int(text)
        else:
            findings.append(
                row.finding("capacity", f"{text!r} is no number of units", "Give a whole number, or nothing.")
            )
    if findings:
        return None, findings
    return Facing(product_id=row.cells["product"], plates=tuple(plates), capacity=capacity), []


def _expand(word: str, shelves: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A plate, or a range of plates. Raises ValueError when a range has no sense."""
    first, separator, last = word.partition(RANGE)
    if not separator:
        return (word,)
    order = shelves.get(first, ())
    if not order:
        raise ValueError(f"there is no plate {first!r}")
    if last not in order:
        raise ValueError(f"there is no plate {last!r} on the shelf of {first}")
    begin, end = order.index(first), order.index(last)
    if end < begin:
        raise ValueError(f"{first} stands behind {last}")
    return order[begin : end + 1]


def _plates_text(plates: tuple[str, ...], shelves: dict[str, tuple[str, ...]]) -> str:
    """A range where the plates are three or more neighbours in order, else one by one."""
    if len(plates) >= 3:
        order = shelves.get(plates[0], ())
        start = order.index(plates[0]) if plates[0] in order else 0
        if order[start : start + len(plates)] == plates and order.count(plates[0]) == 1:
            return f"{plates[0]}{RANGE}{plates[-1]}"
    return " ".join(plates)
