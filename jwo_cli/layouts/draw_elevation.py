"""A fixture seen from its front: boards, plates with their channels, and what stands where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jwo_cli.layouts.sheet import INK, PALE, SOFT, Sheet, new_sheet, scale_bar, title_block, wrap, write
from jwo_cli.model.catalogue import Product, SoldBy
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Fixture, Plate, Shelf, Store
from jwo_cli.model.units import format_minor

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM_M = 0.28
BOARD_M = 0.022
CELL_M = 0.05  # plates' numbers stand in a strip above the board
COLOURS = ("#dbe9f4", "#e9e3d3", "#dfeadb", "#f2dfd9", "#e6def0", "#f3ecc8", "#d8ecec", "#ecdce6")
LETTER_MM = 0.235  # width of a letter, mm per point


def draw_elevation(store: Store, fixture_id: str, path: Path) -> None:
    """Write the front view of one fixture as .svg or .png. Raises UserError when there is no such fixture."""
    write(elevation_sheet(store, fixture_id), path)


def elevation_sheet(store: Store, fixture_id: str) -> Sheet:
    """The page with the front view, not yet written."""
    fixture = next((item for item in store.fixtures if item.fixture_id == fixture_id), None)
    if fixture is None:
        known = ", ".join(item.fixture_id for item in store.fixtures) or "none"
        raise UserError(f"this store has no fixture {fixture_id!r}", fix=f"Choose one of {known}.")
    shelves = [shelf for bay in fixture.bays for shelf in bay.shelves]
    top = max([fixture.dz_m, *(shelf.box.z_m + shelf.box.dz_m for shelf in shelves)])
    sheet = new_sheet((0.0, 0.0, fixture.dx_m, top), room_m=ROOM_M)
    _carcass(sheet, fixture)
    for shelf in shelves:
        _shelf(sheet, shelf, store)
    _dimensions(sheet, fixture, shelves)
    plates = sum(len(shelf.plates) for shelf in shelves)
    facts = [
        f"Front view · store {store.store_id}, {store.name}",
        f"Layout version {store.version}",
        f"{fixture.kind}, {fixture.dx_m:.2f} wide × {fixture.dy_m:.2f} deep × {fixture.dz_m:.2f} high",
        f"{len(shelves)} boards · {plates} scale plates",
        "A coloured field is a facing: product, price, mass and capacity; below it the plates' numbers and channels.",
    ]
    below = title_block(sheet, f"{fixture.fixture_id}", facts)
    scale_bar(sheet, below - 4)
    return sheet


def _carcass(sheet: Sheet, fixture: Fixture) -> None:
    from matplotlib.patches import Rectangle

    frame = Rectangle((0, 0), fixture.dx_m, fixture.dz_m, facecolor="#fbfaf7", edgecolor=INK, linewidth=1.4, zorder=0)
    sheet.plan.add_patch(frame)
    sheet.plan.plot([-ROOM_M * 0.8, fixture.dx_m + 0.04], [0, 0], color=INK, linewidth=2.0, zorder=1)
    for bay in fixture.bays[1:]:
        left = min((shelf.box.x_m for shelf in bay.shelves), default=0.0)
        sheet.plan.plot([left, left], [0, fixture.dz_m], color=INK, linewidth=1.2, zorder=1)


def _shelf(sheet: Sheet, shelf: Shelf, store: Store) -> None:
    from matplotlib.patches import Rectangle

    box, products = shelf.box, store.catalogue.by_id()
    board = Rectangle((box.x_m, box.z_m - BOARD_M), box.dx_m, BOARD_M, facecolor=INK, edgecolor="none", zorder=2)
    sheet.plan.add_patch(board)
    rows = _rows(shelf)
    for number, row in enumerate(rows):  # rows of plates one behind the other are drawn one above the other
        height = (box.dz_m - 0.04) / len(rows)
        base = box.z_m + number * height
        for facing_number, facing in enumerate(store.facings):
            stood = [plate for plate in row if plate.plate_id in facing.plates]
            if not stood:
                continue
            left = min(plate.box.x_m for plate in stood)
            wide = max(plate.box.x_m + plate.box.dx_m for plate in stood) - left
            face = COLOURS[facing_number % len(COLOURS)]
            field = Rectangle(
                (left, base + CELL_M),
                wide,
                max(height - CELL_M, 0.02),
                facecolor=face,
                edgecolor=SOFT,
                linewidth=0.8,
                zorder=2,
            )
            sheet.plan.add_patch(field)
            spot = (left + wide / 2, base + CELL_M + (height - CELL_M) / 2)
            product = products.get(facing.product_id)
            lines = _facing_lines(product, facing.product_id, facing.capacity, store.catalogue.currency)
            _fit(sheet, spot, (wide, height - CELL_M), lines)
        for plate in row:
            _plate(sheet, plate, base)
    _label(sheet, shelf)


def _plate(sheet: Sheet, plate: Plate, base: float) -> None:
    from matplotlib.patches import Rectangle

    box = plate.box
    cell = Rectangle((box.x_m, base), box.dx_m, CELL_M, facecolor="white", edgecolor=SOFT, linewidth=0.6, zorder=3)
    sheet.plan.add_patch(cell)
    text = f"{plate.plate_id.rsplit('.', 1)[-1]} · {plate.channel}"
    _fit(sheet, (box.x_m + box.dx_m / 2, base + CELL_M / 2), (box.dx_m, CELL_M), [text], largest=6.0)


def _rows(shelf: Shelf) -> list[list[Plate]]:
    """Plates from the front row to the back."""
    rows: dict[float, list[Plate]] = {}
    for plate in shelf.plates:
        rows.setdefault(plate.box.y_m, []).append(plate)
    return [rows[y] for y in sorted(rows)] or [[]]


def _facing_lines(product: Product | None, product_id: str, capacity: int | None, currency: str) -> list[str]:
    if product is None:
        return [product_id, "not in the catalogue"]
    per = "/kg" if product.sold_by is SoldBy.WEIGHT else ""
    facts = [format_minor(product.price_minor, currency) + per]
    facts.append(f"{product.unit_mass_g:g} g" if product.unit_mass_g is not None else "mass unknown")
    if capacity is not None:
        facts.append(f"max {capacity}")
    if product.age_min is not None:
        facts.append(f"{product.age_min}+")
    return [product.name, product.product_id, " · ".join(facts)]


def _fit(
    sheet: Sheet, at: tuple[float, float], room_m: tuple[float, float], lines: Sequence[str], *, largest: float = 7.5
) -> None:
    """Centred text as large as the field allows, broken into lines; turned where it gets larger that way."""
    wide_mm, high_mm = (value * 1000 / sheet.scale for value in room_m)
    level, turned = _broken(lines, wide_mm, high_mm, largest), _broken(lines, high_mm, wide_mm, largest)
    (size, broken), turn = (turned, 90.0) if turned[0] > level[0] else (level, 0.0)
    sheet.plan.text(
        *at, "\n".join(broken), fontsize=size, color=INK, ha="center", va="center", zorder=4, linespacing=1.15,
        rotation=turn, clip_on=True,
    )  # fmt: skip


def _broken(lines: Sequence[str], wide_mm: float, high_mm: float, largest: float) -> tuple[float, list[str]]:
    """The largest type, 3 points at least, in which the lines fit with no number torn apart, and how they break."""
    size, broken = largest, list(lines)
    longest = max(len(word) for line in lines for word in line.split())
    for size in (largest, *(step for step in (6.5, 5.5, 4.5, 3.8, 3.0) if step < largest)):
        letters = max(4, int(wide_mm / (size * LETTER_MM)))
        broken = [part for line in lines for part in wrap(line, letters)]
        if longest <= letters and len(broken) * size * 0.46 <= high_mm:
            break
    return size, broken


def _label(sheet: Sheet, shelf: Shelf) -> None:
    """The shelf's id: beside the fixture for the first bay, under the board for the others."""
    box = shelf.box
    first = box.x_m == 0
    at = (-0.015, box.z_m - BOARD_M / 2) if first else (box.x_m + 0.015, box.z_m - BOARD_M - 0.006)
    sheet.plan.text(
        *at, shelf.shelf_id, fontsize=7, fontweight="bold", color=INK, zorder=5,
        ha="right" if first else "left", va="center" if first else "top",
    )  # fmt: skip


def _dimensions(sheet: Sheet, fixture: Fixture, shelves: list[Shelf]) -> None:
    """Heights of the boards on the right, width below."""
    x = fixture.dx_m + 0.06
    heights = sorted({0.0, fixture.dz_m, *(shelf.box.z_m for shelf in shelves)})
    for z in heights:
        sheet.plan.plot([fixture.dx_m, x + 0.03], [z, z], color=PALE, linewidth=0.6, zorder=1)
        sheet.plan.text(x + 0.04, z, f"{z:.3f}", fontsize=7, color=SOFT, va="center")
    sheet.plan.annotate(
        "", xy=(fixture.dx_m, -0.1), xytext=(0, -0.1),
        arrowprops={"arrowstyle": "<|-|>", "color": SOFT, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    sheet.plan.text(
        fixture.dx_m / 2, -0.1, f"{fixture.dx_m:.2f}", fontsize=8, color=INK, ha="center", va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip
