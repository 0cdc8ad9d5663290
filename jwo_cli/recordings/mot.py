"""MOTChallenge rows and floor rows as text: read whole or refused with file, line and field, written with fixed digits.

A row is comma- or blank-separated. The number of columns tells its form, the same for a whole file:

* `frame id x y w h conf [X Y Z [appearance …]]`: MOTChallenge; id -1 for detections, X Y Z metres or -1;
* `frame x1 y1 x2 y2 score`: corners, told from six MOTChallenge columns by scores that all lie in 0…1;
* `frame id x y [z]`: places on the floor in metres; `frame x y`: places without identity.

A detector's array file (.npz, one array a frame: x1 y1 x2 y2 score and appearance) is read as detections too.
"""

from __future__ import annotations

import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.metrics.pairing import Rows
from jwo_cli.model.findings import UserError

from .aside import write_durably
from .documents import read_lines
from .problems import MalformedError, Problems

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WORLD = 10  # columns of a row that has a place in the world
_MOT = 6
_ARRAY = 5  # x1 y1 x2 y2 score
_UNKNOWN = -1.0
_EXACT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Boxes row by row: frame [m], id [m] (-1 unknown), box [m, 4] (x, y, w, h) px, score [m], appearance [m, d]."""

    frame: Ints
    id: Ints
    box_px: Floats
    score: Floats
    look: Floats

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Places on the floor row by row: frame [m], id [m] (-1 unknown), position [m, 2] in the file's unit."""

    frame: Ints
    id: Ints
    xy: Floats

    def __len__(self) -> int:
        return len(self.frame)


def read_detections(path: Path) -> Boxes:
    """A camera's detections. Raises UserError with findings where any row is wrong."""
    return _read_npz(path) if path.suffix == ".npz" else _boxes(*_table(path), path)


def read_boxes(path: Path, *, considered: bool = False) -> Boxes:
    """Tracks or truth as boxes, each id once a frame; with `considered`, rows of confidence 0 are left out."""
    rows, lines = _table(path)
    if considered and rows.shape[1] > _MOT:
        kept = rows[:, _MOT] != 0
        rows, lines = rows[kept], lines[kept]
    boxes = _boxes(rows, lines, path)
    _no_twins(path, boxes.frame, boxes.id, lines)
    return boxes


def read_places(path: Path) -> Places:
    """Tracks or truth on the floor, each id once a frame: `frame id x y [z]`, or MOTChallenge rows with X Y Z."""
    rows, lines = _table(path, without=4)
    width = rows.shape[1]
    if width in {4, 5}:
        xy = rows[:, 2:4]
    elif width >= WORLD - 1:
        xy = rows[:, 7:9]
    else:
        _refuse(path, f"{width} columns hold no place on the floor", "Give `frame id x y` or MOT rows with X Y Z.")
    places = Places(frame=_frames(rows, lines, path), id=_whole(rows, 1, lines, path, "id"), xy=xy.copy())
    _no_twins(path, places.frame, places.id, lines)
    return places


def read_points(path: Path) -> Places:
    """Places without identity: `frame x y`."""
    rows, lines = _table(path, without=3)
    if rows.shape[1] != 3:
        _refuse(path, f"{rows.shape[1]} columns where `frame x y` are expected", "Give three columns.")
    frames = _frames(rows, lines, path)
    return Places(frame=frames, id=np.full(len(frames), -1), xy=rows[:, 1:].copy())


def box_rows(path: Path, *, considered: bool = False) -> Rows:
    """Boxes as the metrics take them."""
    boxes = read_boxes(path, considered=considered)
    return Rows(frame=boxes.frame, id=boxes.id, place=boxes.box_px)


def place_rows(path: Path) -> Rows:
    """Places on the floor as the metrics take them."""
    places = read_places(path)
    return Rows(frame=places.frame, id=places.id, place=places.xy)


def length_m(unit: str) -> float:
    """A unit of length in metres: m, cm, mm, or a multiple of one ('2.5cm'). Raises UserError for anything else."""
    told = re.fullmatch(r"(\d+(?:\.\d+)?)?\s*(m|cm|mm)", unit.strip())
    if told is None or float(told[1] or 1) == 0:
        raise UserError(f"{unit!r} is no unit of length", fix="Write m, cm, mm, or a size of cells such as 2.5cm.")
    return float(told[1] or 1) * {"m": 1.0, "cm": 0.01, "mm": 0.001}[told[2]]


def write_boxes(path: Path, boxes: Boxes) -> None:
    """MOTChallenge rows in order of frame, then id; whole or not at all. Raises UserError where that fails."""
    order = np.lexsort((boxes.id, boxes.frame))
    lines = (
        f"{boxes.frame[k]},{boxes.id[k]},"
        + ",".join(f"{value:.2f}" for value in boxes.box_px[k])
        + f",{boxes.score[k]:.4g},-1,-1,-1\n"
        for k in order
    )
    _write(path, "".join(lines).encode())


def write_places(path: Path, places: Places, *, z_m: float = 0.0) -> None:
    """Rows `frame id x y z` in metres, in order of frame, then id; whole or not at all."""
    order = np.lexsort((places.id, places.frame))
    lines = (f"{places.frame[k]} {places.id[k]} {places.xy[k, 0]:.4f} {places.xy[k, 1]:.4f} {z_m:.4f}\n" for k in order)
    _write(path, "".join(lines).encode())


def _table(path: Path, *, without: int = _MOT + 1) -> tuple[Floats, Ints]:
    """Every row as numbers [m, k], and their line numbers; blank lines and lines with # are passed over.

    A file without rows says that nobody is there: it counts as having `without` columns.
    """
    problems = Problems()
    rows: list[list[float]] = []
    lines: list[int] = []
    width = 0
    for number, raw in read_lines(path, problems):
        text = raw.decode("utf-8-sig", errors="replace").strip()
        if not text or text.startswith("#"):
            continue
        try:
            row = _row(text, width)
        except MalformedError as reason:
            problems.malformed(str(path), number, reason)
            continue
        width = width or len(row)
        rows.append(row)
        lines.append(number)
    if problems.failed:
        raise problems.refusal(str(path))
    return np.array(rows, np.float64).reshape(len(rows), width or without), np.array(lines, np.int64)


def _row(text: str, width: int) -> list[float]:
    cells = text.replace(",", " ").split()
    row = []
    for place, cell in enumerate(cells, start=1):
        try:
            value = float(cell)
        except ValueError:
            raise MalformedError(f"column {place}", f"{cell[:40]!r} is no number", "Write numbers only.") from None
        if not math.isfinite(value):
            raise MalformedError(f"column {place}", f"{cell!r} is not finite", "Leave the row out.")
        row.append(value)
    if len(row) < 3:
        raise MalformedError(None, f"{len(row)} columns", "Give at least `frame x y`.")
    if width and len(row) != width:
        raise MalformedError(None, f"{len(row)} columns where the rows before have {width}", "Give all rows one form.")
    return row


def _boxes(rows: Floats, lines: Ints, path: Path) -> Boxes:
    width = rows.shape[1]
    if width < _MOT:
        _refuse(path, f"{width} columns hold no box", "Give MOTChallenge rows: frame,id,x,y,w,h,conf.")
    frame = _frames(rows, lines, path)
    corners = width == _MOT and bool(np.all((rows[:, 5] >= 0) & (rows[:, 5] <= 1)))
    if corners:
        box = np.column_stack((rows[:, 1:3], rows[:, 3:5] - rows[:, 1:3]))
        ident, score = np.full(len(rows), -1), rows[:, 5]
    else:
        box, ident = rows[:, 2:6], _whole(rows, 1, lines, path, "id")
        score = rows[:, 6] if width > _MOT else np.ones(len(rows))
    _check(
        path,
        lines,
        box[:, 2:].min(axis=1, initial=1.0) <= 0,
        "w,h",
        "a box without width or height",
        "Leave the row out.",
    )
    look = rows[:, WORLD:] if width > WORLD else np.zeros((len(rows), 0))
    return Boxes(frame=frame, id=ident, box_px=box.copy(), score=_scores(score), look=_unit(look))


def _scores(score: Floats) -> Floats:
    """Confidence in 0…1: where the file has none (-1 throughout) or another scale, every box counts as sure."""
    scaled = len(score) and score.min() >= 0 and score.max() <= 1
    return score.copy() if scaled else np.ones(len(score))


def _unit(look: Floats) -> Floats:
    length = np.linalg.norm(look, axis=1, keepdims=True)
    unit: Floats = np.divide(look, length, out=np.zeros_like(look), where=length > 0)
    return unit


def _frames(rows: Floats, lines: Ints, path: Path) -> Ints:
    return _whole(rows, 0, lines, path, "frame", least=0)


def _whole(rows: Floats, column: int, lines: Ints, path: Path, field: str, *, least: float = -_EXACT) -> Ints:
    values = rows[:, column]
    wrong = (values != np.round(values)) | (values < least) | (values > _EXACT)
    _check(path, lines, wrong, field, f"no whole number{' from 0 up' if least == 0 else ''}", "Number frames and ids.")
    return values.astype(np.int64)


def _no_twins(path: Path, frame: Ints, ident: Ints, lines: Ints) -> None:
    order = np.lexsort((lines, ident, frame))
    same = (np.diff(frame[order]) == 0) & (np.diff(ident[order]) == 0)
    twin = np.zeros(len(frame), np.bool_)
    twin[order[1:][same]] = True
    _check(path, lines, twin, "id", "this id is there twice in its frame", "Keep one of the rows.")


def _check(path: Path, lines: Ints, wrong: NDArray[np.bool_], field: str, problem: str, fix: str) -> None:
    if wrong.any():
        problems = Problems()
        for line in lines[wrong]:
            problems.error(str(path), problem, fix, line=int(line), field=field)
        raise problems.refusal(str(path))


def _refuse(path: Path, problem: str, fix: str) -> None:
    problems = Problems()
    problems.error(str(path), problem, fix, field="columns")
    raise problems.refusal(str(path))


def _read_npz(path: Path) -> Boxes:
    """A detector's arrays: the key is the frame's number, rows are x1 y1 x2 y2 score and appearance."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {int(key): np.asarray(kept[key], np.float64) for key in kept.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        problems = Problems()
        reason = (isinstance(error, OSError) and error.strerror) or "it is no .npz of numbers, one array a frame"
        problems.error(str(path), f"cannot be read: {reason}", "Give an .npz with one array of boxes a frame.")
        raise problems.refusal(str(path)) from None
    widths = {array.shape[-1] if array.ndim == 2 else 0 for array in arrays.values() if array.size}
    width = max(widths, default=_ARRAY)
    if len(widths) > 1 or width < _ARRAY or min(arrays, default=0) < 0:
        fix = "Give an .npz with one array of boxes a frame: rows x1 y1 x2 y2 score, frames from 0 up."
        _refuse(path, "its arrays are not rows of boxes of one form, one array a frame", fix)
    parts = [array.reshape(-1, width) for _, array in sorted(arrays.items())]
    rows = np.concatenate(parts) if parts else np.zeros((0, width))
    frame = np.repeat(np.array(sorted(arrays), np.int64), [len(part) for part in parts])
    lines = frame
    _check(path, lines, ~np.isfinite(rows.sum(axis=1)), "array", "a value is not finite", "Leave the row out.")
    box = np.column_stack((rows[:, :2], rows[:, 2:4] - rows[:, :2]))
    _check(
        path, lines, box[:, 2:].min(axis=1, initial=1.0) <= 0, "box", "a box without width or height", "Leave it out."
    )
    unknown = np.full(len(rows), int(_UNKNOWN))
    return Boxes(frame=frame, id=unknown, box_px=box, score=_scores(rows[:, 4]), look=_unit(rows[:, 5:]))


def _write(path: Path, content: bytes) -> None:
    try:
        write_durably(path, content)
    except OSError as error:
        fix = "Choose another place; nothing was written."
        raise UserError(f"{path} cannot be written: {error.strerror or error}", fix=fix) from None
