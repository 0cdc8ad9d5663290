"""Calibrated cameras for following people on the floor, from whatever holds them.

A store's layout (its [[camera]] tables once calibrated, its gates and its floor), a file of another tool with poses
(OpenCV, Kalibr, caliscope), or projection matrices, JSON or TOML:

    floor = [[0, 0], [7, 0], [7, 4], [0, 4]]        # optional: the polygon that is watched, metres
    doors = [[[0, 1], [0, 2]]]                      # optional: where people come and go
    [cameras.cam1]
    projection = [[…4], […4], […4]]                 # takes metres (x, y, z, 1) to pixels
    size = [1920, 1080]                             # optional: width and height, px
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.tracking.floor import Doors
from jwo_cli.layouts.calibrated import open_store
from jwo_cli.layouts.cameras_io import read_cameras
from jwo_cli.model.findings import UserError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorCameras:
    """Views by camera name; the floor's polygon [k, 2] and the doors where the file tells them."""

    views: dict[str, View]
    area: Floats | None = None
    doors: Doors | None = None


def read_floor_cameras(path: Path) -> FloorCameras:
    """The cameras of a layout, another tool's file or projection matrices. Raises UserError saying what is wrong."""
    values = _values(path)
    if "cameras" in values and isinstance(values["cameras"], dict) and _projections(values["cameras"]):
        return _matrices(values, path)
    if "store" in values or path.is_dir():
        return _layout(path)
    cameras = read_cameras(path)
    placed = {camera.name: View.of(camera.lens, camera.pose) for camera in cameras if camera.pose is not None}
    if not placed:
        raise UserError(f"{path} does not say where its cameras stand", fix="Give a layout, or a file with poses.")
    return FloorCameras(views=placed)


def chosen(cameras: FloorCameras, names: Sequence[str], path: Path) -> list[View]:
    """The views of these cameras. Raises UserError that names those there are."""
    missing = [name for name in names if name not in cameras.views]
    if missing:
        known = ", ".join(cameras.views) or "none"
        raise UserError(f"{path} has no calibrated camera {', '.join(missing)}", fix=f"It has {known}.")
    return [cameras.views[name] for name in names]


def _values(path: Path) -> dict[str, Any]:
    if path.is_dir():
        return {}
    if not path.is_file():
        raise UserError(f"{path} does not exist", fix="Check the path.")
    if path.suffix not in {".json", ".toml"}:
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (UnicodeDecodeError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", fix="Give JSON, TOML or YAML.") from None
    if not isinstance(found, dict):
        raise UserError(f"{path} holds no table of cameras", fix='Write {"cameras": {"NAME": {"projection": …}}}.')
    return found


def _projections(cameras: dict[str, Any]) -> bool:
    return any(isinstance(item, dict) and "projection" in item for item in cameras.values())


def _matrices(values: dict[str, Any], path: Path) -> FloorCameras:
    views = {}
    for name, item in values["cameras"].items():
        table = item if isinstance(item, dict) else {}
        projection = _numbers(table.get("projection"), (3, 4), path, f"cameras.{name}.projection")
        if abs(np.linalg.det(projection[:, :3])) <= 1e-12 * np.abs(projection).max() ** 3:
            raise UserError(f"{path}: cameras.{name}.projection sees no space", fix="Give a camera's 3 × 4 matrix.")
        size = table.get("size")
        shape = None if size is None else _numbers(size, (2,), path, f"cameras.{name}.size")
        views[name] = View(projection=projection, size_px=None if shape is None else (shape[0], shape[1]))
    area = None if "floor" not in values else _numbers(values["floor"], (-1, 2), path, "floor")
    ways = None if "doors" not in values else _numbers(values["doors"], (-1, 2, 2), path, "doors")
    doors = None if ways is None or not len(ways) else Doors(a=ways[:, 0], b=ways[:, 1])
    return FloorCameras(views=views, area=area, doors=doors)


def _numbers(value: object, shape: tuple[int, ...], path: Path, field: str) -> Floats:
    try:
        found = np.array(value, np.float64).reshape(shape)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if not np.isfinite(found).all():
        sizes = " × ".join("n" if size < 0 else str(size) for size in shape)
        raise UserError(f"{path}: {field} should be {sizes} numbers", fix="Correct this field.")
    return found


def _layout(path: Path) -> FloorCameras:
    store = open_store(path)
    doors = None
    if store.gates:
        doors = Doors(a=np.array([gate.a for gate in store.gates]), b=np.array([gate.b for gate in store.gates]))
    return FloorCameras(views=store_views(store), area=np.array(store.floor, np.float64), doors=doors)
