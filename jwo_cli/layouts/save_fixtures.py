"""Fixtures as TOML text: the counterpart of `read_fixtures`, and the small spellings of TOML values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jwo_cli.layouts.read_fixtures import CHANNEL, MICROMETRE
from jwo_cli.model.layout import Fixture, Plate, Shelf

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def fixture_lines(fixture: Fixture) -> list[str]:
    """One [[fixture]] with everything on it."""
    pose = fixture.pose
    at = (pose.x_m, pose.y_m, pose.z_m) if pose.z_m else (pose.x_m, pose.y_m)
    lines = [
        "",
        "[[fixture]]",
        f"id = {text(fixture.fixture_id)}",
        f"kind = {text(fixture.kind)}",
        f"at_m = {numbers(at)}",
    ]
    if pose.rotation_deg:
        lines.append(f"rotation_deg = {number(pose.rotation_deg)}")
    lines.append(f"size_m = {numbers((fixture.dx_m, fixture.dy_m, fixture.dz_m))}")
    bays = fixture.bays
    if len(bays) == 1 and bays[0].bay_id == f"{fixture.fixture_id}.b1" and bays[0].shelves:
        for shelf in bays[0].shelves:
            lines += _shelf(shelf, "fixture.shelf", fixture)
        return lines
    for bay in bays:
        lines += ["", "[[fixture.bay]]", f"id = {text(bay.bay_id)}"]
        for shelf in bay.shelves:
            lines += _shelf(shelf, "fixture.bay.shelf", fixture)
    return lines


def _shelf(shelf: Shelf, name: str, fixture: Fixture) -> list[str]:
    box = shelf.box
    lines = [
        "",
        f"[[{name}]]",
        f"id = {text(shelf.shelf_id)}",
        f"z_m = {number(box.z_m)}",
        f"clear_m = {number(box.dz_m)}",
    ]
    if box.x_m:
        lines.append(f"x_m = {number(box.x_m)}")
    if box.y_m:
        lines.append(f"y_m = {number(box.y_m)}")
    if box.dx_m != fixture.dx_m:
        lines.append(f"width_m = {number(box.dx_m)}")
    if box.dy_m != fixture.dy_m - box.y_m:
        lines.append(f"depth_m = {number(box.dy_m)}")
    row = _as_row(shelf)
    if row is not None:
        return [*lines, f"row = {row}"]
    for plate in shelf.plates:
        lines += _plate(plate, shelf, f"{name}.plate")
    return lines


def _as_row(shelf: Shelf) -> str | None:
    """The short form of all plates of a shelf, or None when it would not give back the very same plates."""
    if not shelf.plates:
        return None
    first, box = shelf.plates[0], shelf.plates[0].box
    wire = CHANNEL.fullmatch(first.channel)
    prefix = f"{shelf.shelf_id}.p"
    start = first.plate_id.removeprefix(prefix)
    if wire is None or first.plate_id == start or not start.isdigit() or str(int(start)) != start:
        return None
    gap = 0.0
    if len(shelf.plates) > 1:
        gap = round(shelf.plates[1].box.x_m - box.x_m - box.dx_m, MICROMETRE)
    for index, plate in enumerate(shelf.plates):
        same = (plate.box.y_m, plate.box.dx_m, plate.box.dy_m, plate.box.dz_m) == (
            box.y_m,
            box.dx_m,
            box.dy_m,
            box.dz_m,
        )
        left = round(box.x_m + index * (box.dx_m + gap), MICROMETRE)
        channel = f"{wire[1]}:{wire[2]}:{int(wire[3]) + index}"
        ident = f"{prefix}{int(start) + index}"
        if (
            not same
            or plate.box.x_m != left
            or plate.box.z_m != shelf.box.z_m
            or (plate.channel, plate.plate_id) != (channel, ident)
        ):
            return None
    parts = [f"count = {len(shelf.plates)}", f"width_m = {number(box.dx_m)}", f"channel = {text(first.channel)}"]
    optional = (
        ("first", start, start != "1"),
        ("x_m", number(box.x_m), box.x_m != shelf.box.x_m),
        ("gap_m", number(gap), gap != 0),
        ("y_m", number(box.y_m), box.y_m != shelf.box.y_m),
        ("depth_m", number(box.dy_m), box.dy_m != shelf.box.dy_m - (box.y_m - shelf.box.y_m)),
        ("height_m", number(box.dz_m), box.dz_m != shelf.box.dz_m),
    )
    parts += [f"{name} = {value}" for name, value, needed in optional if needed]
    return "{ " + ", ".join(parts) + " }"


def _plate(plate: Plate, shelf: Shelf, name: str) -> list[str]:
    box, board = plate.box, shelf.box
    lines = ["", f"[[{name}]]", f"id = {text(plate.plate_id)}", f"channel = {text(plate.channel)}"]
    lines += [f"x_m = {number(box.x_m)}", f"width_m = {number(box.dx_m)}"]
    if box.y_m != board.y_m:
        lines.append(f"y_m = {number(box.y_m)}")
    if box.dy_m != board.dy_m - (box.y_m - board.y_m):
        lines.append(f"depth_m = {number(box.dy_m)}")
    if box.z_m != board.z_m:
        lines.append(f"z_m = {number(box.z_m)}")
    if box.dz_m != board.dz_m:
        lines.append(f"height_m = {number(box.dz_m)}")
    return lines


def text(value: str) -> str:
    """A TOML basic string."""
    return (
        '"'
        + "".join(
            _ESCAPES.get(char, char if ord(char) >= 32 and ord(char) != 127 else f"\\u{ord(char):04x}")
            for char in value
        )
        + '"'
    )


def number(value: float) -> str:
    """The shortest decimal that reads back to the same float."""
    return repr(float(value))


def numbers(values: Sequence[float]) -> str:
    """A TOML array of numbers."""
    return "[" + ", ".join(number(value) for value in values) + "]"


def array(values: Iterable[str]) -> str:
    """A TOML array of texts."""
    return "[" + ", ".join(text(value) for value in values) + "]"
