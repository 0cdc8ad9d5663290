"""What cameras saw of a walking person, from files: one body an instant, from head to foot.

A file is a CSV with the columns `frame, head_x, head_y, foot_x, foot_y` (and `id`), such as a pose model gives; or
detections as `jwo track mot` reads them. Boxes that touch the image's edge are no whole bodies and are left out. Where
rows carry ids (0 and up), one id is one person in all cameras, and several may walk; else only one may.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.walk import Bodies, upright
from jwo_cli.model.findings import UserError
from jwo_cli.recordings.mot import read_detections

from .redaction import redact

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COLUMNS = ("frame", "head_x", "head_y", "foot_x", "foot_y")
EDGE_PX = 3.0
IDS = 1_000_000
CROWD = 0.3  # the share of frames with several people beyond which it is not one person who walks
MOST_BODIES = 600  # instants evenly over the walk are enough; a minute at 10 a second


def read_walk(name: str, file: Path, lens: Lens, height_m: float, instants: Mapping[int, int] | None) -> Bodies:
    """One camera's bodies; `instants` takes frame numbers to shared instants (None: they are shared already).

    Raises UserError where the file is none, or several people walk without ids.
    """
    if not file.is_file():
        problem = f"{redact(str(file))} does not exist"
        raise UserError(problem, fix="Name a CSV with heads and feet, or detections, per camera.")
    frame, person, head, foot, boxed = _points(file, lens, height_m)
    keep = np.isfinite(head).all(axis=1) & np.isfinite(foot).all(axis=1)
    if instants is not None:
        frame = np.array([instants.get(int(number), -1) for number in frame], dtype=np.int64)
        keep &= frame >= 0
    frame, person, head, foot = frame[keep], person[keep], head[keep], foot[keep]
    number, count = np.unique(frame, return_counts=True)
    if len(frame) and (person < 0).all():
        crowd = float((count > 1).mean())
        if crowd > CROWD:
            problem = f"{name} sees several people in {crowd:.0%} of the frames of {file.name}"
            raise UserError(problem, fix="Let one person walk alone, or give ids (one id, one person, in all cameras).")
        alone = np.isin(frame, number[count == 1])
        frame, head, foot = frame[alone], head[alone], foot[alone]
        return Bodies(instant=frame, head_px=head, foot_px=foot, boxed=boxed)
    if len(person) and int(person.max()) >= IDS:
        raise UserError(f"{file} has ids of {IDS} and more", fix="Number people from 0.")
    # An instant of the adjustment is one person at one frame, under the same number in every camera.
    return Bodies(instant=frame * IDS + np.maximum(person, 0), head_px=head, foot_px=foot, boxed=boxed)


def thinned(seen: list[Bodies]) -> list[Bodies]:
    """The same with about MOST_BODIES instants, evenly over the walk, and as many of each camera's own.

    Instants that another camera saw come first; a camera that saw little keeps what it has.
    """
    instants, count = np.unique(np.concatenate([bodies.instant for bodies in seen]), return_counts=True)
    if len(instants) <= MOST_BODIES:
        return seen
    shared = instants[count >= 2]
    each = -(-MOST_BODIES // len(seen))
    kept: list[Ints] = []
    for bodies in seen:
        own = bodies.instant[np.isin(bodies.instant, shared)]
        own = own if len(own) >= each else bodies.instant
        kept.append(own[np.linspace(0, len(own) - 1, min(each, len(own))).astype(int)])
    chosen = np.unique(np.concatenate(kept))
    return [bodies.take(np.isin(bodies.instant, chosen)) for bodies in seen]


def _points(file: Path, lens: Lens, height_m: float) -> tuple[Ints, Ints, Floats, Floats, bool]:
    """Frame, person (-1 unknown), head and foot of each row; and whether these are from boxes."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            first = text.readline()
    except (OSError, UnicodeDecodeError):
        first = ""
    if "head_x" in first:
        return (*_table(file), False)
    boxes = read_detections(file)
    box = boxes.box_px
    whole = (box[:, :2] > EDGE_PX).all(axis=1)
    whole &= (box[:, :2] + box[:, 2:] < np.array([lens.width_px, lens.height_px]) - 1 - EDGE_PX).all(axis=1)
    head, foot = upright(box[whole], lens, height_m)
    return boxes.frame[whole], boxes.id[whole], head, foot, True


def _table(file: Path) -> tuple[Ints, Ints, Floats, Floats]:
    rows: list[tuple[int, int, float, float, float, float]] = []
    with file.open(encoding="utf-8-sig", newline="") as text:
        for line, row in enumerate(csv.DictReader(text, skipinitialspace=True), start=2):
            try:
                x1, y1, x2, y2 = (float(row[name]) for name in COLUMNS[1:])
                rows.append((int(row["frame"]), int(row.get("id") or -1), x1, y1, x2, y2))
            except (KeyError, TypeError, ValueError):
                fix = f"Give the columns {', '.join(COLUMNS)} (pixels), and id where several people walk."
                raise UserError(f"{file}:{line}: this is no head and foot", fix=fix) from None
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:4], table[:, 4:]
