"""Surveyed points and markers from CSV: what stands where in the store, and where it was clicked in a picture.

Points: `camera,x_px,y_px,x_m,y_m,z_m` and, if wanted, `name`. Markers lie flat and face up: `marker,x_m,y_m,z_m` (its
middle) and `rotation_deg` (counter-clockwise, 0 when the marker's top points along y).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.floor import Survey
from jwo_cli.model.findings import Finding, UserError

Floats = NDArray[np.float64]
POINT_COLUMNS = ("camera", "x_px", "y_px", "x_m", "y_m", "z_m")
MARKER_COLUMNS = ("marker", "x_m", "y_m", "z_m")


def read_points(file: Path, names: Sequence[str] | None = None) -> tuple[tuple[str, ...], Survey]:
    """The cameras' names (in order of the file unless given) and the survey. Raises UserError with every bad row."""
    rows = _rows(file, POINT_COLUMNS)
    cameras = tuple(names) if names is not None else tuple(dict.fromkeys(row["camera"] for _, row in rows))
    own = [(line, row) for line, row in rows if row["camera"] in cameras]
    values = np.array([[float(row[name]) for name in POINT_COLUMNS[1:]] for _, row in own]).reshape(-1, 5)
    labels = tuple(row.get("name") or f"in line {line}" for line, row in own)
    index = np.array([cameras.index(row["camera"]) for _, row in own], dtype=np.int64)
    return cameras, Survey(names=labels, camera=index, places_m=values[:, 2:], px=values[:, :2])


def read_markers(file: Path, side_m: float) -> dict[int, Floats]:
    """Marker number -> its four corners in the store [4, 3], clockwise from the upper left, as detectors give them."""
    out: dict[int, Floats] = {}
    half = side_m / 2
    corners = np.array([(-half, half), (half, half), (half, -half), (-half, -half)])
    for _, row in _rows(file, MARKER_COLUMNS):
        turn = math.radians(float(row.get("rotation_deg") or 0.0))
        rotation = np.array([(math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))])
        flat = corners @ rotation.T + (float(row["x_m"]), float(row["y_m"]))
        out[int(float(row["marker"]))] = np.column_stack([flat, np.full(4, float(row["z_m"]))])
    return out


def marker_survey(known: Mapping[int, Floats], seen: Sequence[Mapping[int, Floats]]) -> Survey:
    """The corners of known markers that cameras saw (a mapping a camera)."""
    names: list[str] = []
    cameras: list[int] = []
    places: list[Floats] = []
    px: list[Floats] = []
    for index, markers in enumerate(seen):
        for number, corners in markers.items():
            if number in known:
                names += [f"marker {number}, corner {corner + 1}" for corner in range(4)]
                cameras += [index] * 4
                places.append(known[number])
                px.append(corners)
    return Survey(
        names=tuple(names),
        camera=np.array(cameras, dtype=np.int64),
        places_m=np.concatenate(places) if places else np.zeros((0, 3)),
        px=np.concatenate(px) if px else np.zeros((0, 2)),
    )


def _rows(file: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their lines; all numbers are finite numbers. Raises UserError with every row that is not."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                fix = f"Its first line is {','.join(columns)}."
                raise UserError(f"{file} has no column {', '.join(missing)}", fix=fix)
            rows = [(line, {key: value for key, value in row.items() if isinstance(key, str)})
                    for line, row in enumerate(reader, start=2)]  # fmt: skip
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}", fix="Check the path.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file} is no CSV text: {error}", fix="Save it as UTF-8 CSV.") from None
    bad = [
        Finding(file=str(file), line=line, field=name, problem=f"{row.get(name)!r} is no number", fix="Write 1.25.")
        for line, row in rows
        for name in (*columns, "rotation_deg")
        if name != "camera" and not _finite(row.get(name)) and (name in columns or row.get(name))
    ]
    if bad:
        raise UserError(f"{file} has {len(bad)} bad fields", fix="Correct them; nothing was used.", findings=bad)
    return rows


def _finite(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or ""))
    except ValueError:
        return False
