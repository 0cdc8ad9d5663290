"""The store's separately published geometry: it adds shelves and plates that the planogram leaves out, nothing else.

Where both speak, the planogram is believed (wrists agree with its board heights, see autocheckout.py); differences are
reported, one sentence a gondola.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.layouts.documents import LARGEST, FieldError
from jwo_cli.layouts.gondolas import Gondola
from jwo_cli.model.codec import JsonValue
from jwo_cli.model.findings import Finding, Severity, UserError

NOTICEABLE_M = 0.05  # differences up to here are mounting play


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedShelf:
    """A shelf as published: board height and the plates' left edges from the gondola's left end, metres."""

    number: int
    z_m: float
    dz_m: float
    left_m: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedGondola:
    """A gondola as published: front-left corner of its shelves in the store frame, metres and degrees."""

    number: int
    x_m: float
    y_m: float
    rotation_deg: float
    pitch_m: float
    depth_m: float
    top_m: float
    shelves: tuple[PublishedShelf, ...]


def read_published(path: Path) -> tuple[list[PublishedGondola], list[Finding]]:
    """Gondolas of a geometry.json. Raises UserError when the file cannot be read; faults inside are findings."""
    try:
        root: JsonValue = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", fix="Check the path, or leave --geometry out.") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}", fix="Check the path and its permissions."
        ) from None
    except json.JSONDecodeError as error:
        finding = Finding(
            file=str(path), line=error.lineno, problem=f"this is not JSON: {error.msg}", fix="Copy the file again."
        )
        return [], [finding]
    except (UnicodeDecodeError, RecursionError):
        return [], [Finding(file=str(path), problem="this is not JSON text", fix="Copy the file again.")]
    try:
        plate = _object(_object(root, "document").get("plate"), "plate")
        pitch, depth = _number(plate, "width", "plate"), _number(plate, "depth", "plate")
        listed = _list(_object(root, "document").get("gondolas"), "gondolas")
        return [_gondola(item, f"gondolas[{index}]", pitch, depth) for index, item in enumerate(listed)], []
    except FieldError as bad:
        return [], [Finding(file=str(path), field=bad.field, problem=bad.problem, fix=bad.fix)]


def add_published(gondolas: list[Gondola], published: list[PublishedGondola], file: str) -> list[Finding]:
    """Complete the planogram's gondolas in place; a finding for each gondola that was completed or that differs."""
    findings: list[Finding] = []
    by_number = {gondola.number: gondola for gondola in gondolas}
    for index, item in enumerate(published):
        gondola = by_number.get(item.number)
        if gondola is None:
            gondolas.append(_whole(item))
            problem = f"gondola {item.number} is not in the planogram; added from here without facings"
        else:
            problem = _complete(gondola, item)
        if problem:
            fix = "Measure the gondola if it matters; the planogram's figures are kept where it has any."
            findings.append(
                Finding(file=file, field=f"gondolas[{index}]", problem=problem, fix=fix, severity=Severity.WARNING)
            )
    gondolas.sort(key=lambda gondola: gondola.number)
    return findings


def _whole(item: PublishedGondola) -> Gondola:
    gondola = Gondola(
        number=item.number, x_m=item.x_m, y_m=item.y_m, rotation_deg=item.rotation_deg, pitch_m=item.pitch_m,
        depth_m=item.depth_m, width_m=0.0, top_m=item.top_m,
    )  # fmt: skip
    for shelf in item.shelves:
        gondola.z_m[shelf.number] = shelf.z_m
        gondola.left_m[shelf.number] = dict(enumerate(shelf.left_m, start=1))
    gondola.plates = max((len(shelf.left_m) for shelf in item.shelves), default=0)
    gondola.width_m = gondola.plates * gondola.pitch_m
    return gondola


def _complete(gondola: Gondola, item: PublishedGondola) -> str:
    """Add shelves the planogram lacks; the sentence that says so and how the two differ, '' when they agree."""
    said = []
    added = [shelf for shelf in item.shelves if shelf.number not in gondola.z_m]
    for shelf in added:
        gondola.z_m[shelf.number] = shelf.z_m
        gondola.left_m[shelf.number] = {
            column: left for column, left in enumerate(shelf.left_m, start=1) if column <= gondola.plates
        }
        gondola.top_m = max(gondola.top_m, shelf.z_m + shelf.dz_m)
    if added:
        said.append("shelf " + ", ".join(str(shelf.number) for shelf in added) + " added from here without facings")
    along, deep = _offset(gondola, item)
    heights = [shelf.z_m - gondola.z_m[shelf.number] for shelf in item.shelves if shelf not in added]
    highest = max(heights, key=abs, default=0.0)
    for value, what in ((along, "along the front"), (deep, "in depth"), (highest, "in board height")):
        if abs(value) > NOTICEABLE_M:
            said.append(f"{value:+.3f} m {what} against the planogram")
    wider = max((len(shelf.left_m) for shelf in item.shelves), default=0)
    if wider != gondola.plates:
        said.append(f"{wider} plates a shelf where the planogram has {gondola.plates}")
    return f"gondola {item.number}: " + "; ".join(said) if said else ""


def _offset(gondola: Gondola, item: PublishedGondola) -> tuple[float, float]:
    turn = math.radians(gondola.rotation_deg)
    dx, dy = item.x_m - gondola.x_m, item.y_m - gondola.y_m
    return math.cos(turn) * dx + math.sin(turn) * dy, -math.sin(turn) * dx + math.cos(turn) * dy


def _gondola(value: JsonValue, where: str, pitch: float, depth: float) -> PublishedGondola:
    """Shelves hang on the upright's front, at y = -depth in its frame; here their front-left corner is the origin."""
    root = _object(value, where)
    number = root.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise FieldError(
            f"{where}.id", f"{number!r} is no gondola number", "Number the gondolas as the planogram does."
        )
    items = [
        _object(item, f"{where}.shelves[{i}]") for i, item in enumerate(_list(root.get("shelves"), f"{where}.shelves"))
    ]
    shelves = tuple(_shelf(item, f"{where}.shelves[{i}]") for i, item in enumerate(items))
    front = min((_number(item, "y", f"{where}.shelves[{i}]") for i, item in enumerate(items)), default=0.0)
    turn = _number(root, "rotation_z", where)
    return PublishedGondola(
        number=number,
        x_m=round(_number(root, "x", where) - math.sin(turn) * front, 4),
        y_m=round(_number(root, "y", where) + math.cos(turn) * front, 4),
        rotation_deg=round(math.degrees(turn), 2) + 0.0,
        pitch_m=pitch,
        depth_m=depth,
        top_m=max((shelf.z_m + shelf.dz_m for shelf in shelves), default=0.0),
        shelves=shelves,
    )


def _shelf(root: dict[str, JsonValue], where: str) -> PublishedShelf:
    number = root.get("index")
    if not isinstance(number, int) or isinstance(number, bool):
        raise FieldError(
            f"{where}.index", f"{number!r} is no shelf number", "Number the shelves as the planogram does."
        )
    size = _list(root.get("dim"), f"{where}.dim")
    lefts = _list(root.get("plate_left_x"), f"{where}.plate_left_x")
    numbers = [item for item in (*size, *lefts) if isinstance(item, int | float) and not isinstance(item, bool)]
    if len(numbers) != len(size) + len(lefts) or len(size) != 3:
        raise FieldError(
            f"{where}.dim", "sizes and plate positions are numbers, three a size", "Write plain numbers in metres."
        )
    return PublishedShelf(
        number=number,
        z_m=_number(root, "z", where),
        dz_m=float(numbers[2]),
        left_m=tuple(float(item) for item in numbers[3:]),
    )


def _object(value: JsonValue, where: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise FieldError(where, "expected an object", "See the file's description for its form.")
    return value


def _list(value: JsonValue, where: str) -> list[JsonValue]:
    if not isinstance(value, list):
        raise FieldError(where, "expected a list", "See the file's description for its form.")
    return value


def _number(root: dict[str, JsonValue], name: str, where: str) -> float:
    value = root.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise FieldError(f"{where}.{name}", f"expected a number, got {value!r}", "Write a plain number in metres.")
    return float(value)
