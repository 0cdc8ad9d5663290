"""Fixtures of a store file: bays, shelves and plates, with a short form for a row of equal plates.

[[fixture]]                 # at_m is the front-left corner; local x runs along the front, y into the depth
id = "g1"
at_m = [0.025, 0.0]
size_m = [1.2192, 0.4064, 2.01]
[[fixture.shelf]]           # or [[fixture.bay]] and [[fixture.bay.shelf]] for more than one upright section
id = "g1.s1"
z_m = 0.27
clear_m = 0.295
row = { count = 12, width_m = 0.1016, channel = "g1:1:1" }   # plates g1.s1.p1 … g1.s1.p12
"""

from __future__ import annotations

import re

from jwo_cli.layouts.fields import Table
from jwo_cli.layouts.places import Places
from jwo_cli.model.layout import Bay, Box, Fixture, Plate, Pose, Shelf

CHANNEL = re.compile(r"([^:\s]+):(\d+):(\d+)")
MICROMETRE = (
    6  # decimals of a metre that positions in a row are rounded to: 3 × 0.1016 is 0.3048, not 0.30479999999999996
)


def read_fixture(table: Table, places: Places) -> Fixture | None:
    """One [[fixture]] with everything on it; None when its own fields are wrong (its parts are still checked)."""
    ident = table.ident()
    places.put("fixture", ident, table.place())
    kind = table.text("kind", "gondola")
    at = table.numbers("at_m", (2, 3))
    turn = table.number("rotation_deg", 0.0)
    size = table.numbers("size_m", (3,))
    if table.good and min(size) <= 0:
        table.bad("size_m", f"a size of {min(size):g} m is not above zero", "Give width, depth and height in metres.")
    sizes = (size[0], size[1])
    bays = [
        bay for index, item in enumerate(table.tables("bay"), 1) if (bay := _bay(item, ident, index, sizes, places))
    ]
    shelves = [shelf for item in table.tables("shelf") if (shelf := _shelf(item, (0.0, *sizes), places))]
    if bays and shelves:
        table.bad("shelf", "the fixture has shelves of its own beside bays", "Put every shelf into a [[fixture.bay]].")
    if shelves and not bays:
        bays = [Bay(bay_id=f"{ident}.b1", shelves=tuple(shelves))]
    table.done()
    if not table.good:
        return None
    pose = Pose(x_m=at[0], y_m=at[1], z_m=at[2] if len(at) == 3 else 0.0, rotation_deg=turn)
    return Fixture(fixture_id=ident, kind=kind, pose=pose, dx_m=size[0], dy_m=size[1], dz_m=size[2], bays=tuple(bays))


def _bay(table: Table, fixture: str, index: int, sizes: tuple[float, float], places: Places) -> Bay | None:
    ident = table.ident("id", f"{fixture}.b{index}")
    places.put("bay", ident, table.place())
    left = table.number("x_m", 0.0)
    width = table.positive("width_m", sizes[0] - left)
    area = (left, width, sizes[1])
    shelves = tuple(shelf for item in table.tables("shelf") if (shelf := _shelf(item, area, places)))
    table.done()
    return Bay(bay_id=ident, shelves=shelves) if table.good else None


def _shelf(table: Table, area: tuple[float, float, float], places: Places) -> Shelf | None:
    """`area` is what the bay gives: left edge, width and depth."""
    ident = table.ident()
    places.put("shelf", ident, table.place())
    x, y = table.number("x_m", area[0]), table.number("y_m", 0.0)
    box = Box(
        x_m=x,
        y_m=y,
        z_m=table.number("z_m"),
        dx_m=table.positive("width_m", area[1]),
        dy_m=table.positive("depth_m", area[2] - y),
        dz_m=table.positive("clear_m"),
    )
    plates: list[Plate] = []
    for row in _rows(table):
        plates += _row(row, ident, box, places)
        table.good = table.good and row.good
    for item in table.tables("plate"):
        plate = _plate(item, box, places)
        if plate is not None:
            plates.append(plate)
        table.good = table.good and item.good
    table.done()
    return Shelf(shelf_id=ident, box=box, plates=tuple(plates)) if table.good else None


def _rows(table: Table) -> list[Table]:
    """`row = {…}`, or several with [[…row]]."""
    value = table.raw("row")
    if isinstance(value, dict):
        return [Table(table.source, (*table.path, "row"), value)]
    return list(table.tables("row"))


def _row(table: Table, shelf: str, box: Box, places: Places) -> list[Plate]:
    count, first = table.integer("count"), table.integer("first", 1)
    if "count" in table.values and not 1 <= count <= 1000:
        table.bad("count", f"{count} plates do not make a row", "Give a count from 1 to 1000.")
    width, gap = table.positive("width_m"), table.number("gap_m", 0.0)
    start = table.number("x_m", box.x_m)
    y = table.number("y_m", box.y_m)
    depth = table.positive("depth_m", box.dy_m - (y - box.y_m))
    height = table.positive("height_m", box.dz_m)
    wire = channel_parts(table)
    table.done()
    if not table.good:
        return []
    plates = []
    for index in range(count):
        ident = f"{shelf}.p{first + index}"
        places.put("plate", ident, table.place())
        left = round(start + index * (width + gap), MICROMETRE)
        plates.append(
            Plate(
                plate_id=ident,
                channel=f"{wire[0]}:{wire[1]}:{wire[2] + index}",
                box=Box(x_m=left, y_m=y, z_m=box.z_m, dx_m=width, dy_m=depth, dz_m=height),
            )
        )
    return plates


def _plate(table: Table, shelf: Box, places: Places) -> Plate | None:
    ident = table.ident()
    places.put("plate", ident, table.place())
    device, row, column = channel_parts(table)
    y = table.number("y_m", shelf.y_m)
    box = Box(
        x_m=table.number("x_m"),
        y_m=y,
        z_m=table.number("z_m", shelf.z_m),
        dx_m=table.positive("width_m"),
        dy_m=table.positive("depth_m", shelf.dy_m - (y - shelf.y_m)),
        dz_m=table.positive("height_m", shelf.dz_m),
    )
    table.done()
    return Plate(plate_id=ident, channel=f"{device}:{row}:{column}", box=box) if table.good else None


def channel_parts(table: Table) -> tuple[str, int, int]:
    """The field `channel`, 'device:row:column', in its three parts."""
    text = table.text("channel")
    found = CHANNEL.fullmatch(text)
    if found is None:
        if text:
            table.bad("channel", f"{text!r} is no channel", "Write device:row:column, such as g1:5:11.")
        return ("", 0, 0)
    return (found[1], int(found[2]), int(found[3]))
