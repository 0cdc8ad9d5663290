"""Cameras for films: a lens for each camera of a layout that has none yet, and rays through its pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.model.layout import Camera, Store
from jwo_cli.synthetic.draws import Floats

FIELD_DEG = 86.0  # across: what dome cameras with a 2.8 mm lens see


def with_lenses(store: Store, *, width_px: int) -> Store:
    """The store with every camera at this width, keeping its shape, and a lens without distortion where it has none."""
    return replace(store, cameras=tuple(_lens(camera, width_px) for camera in store.cameras))


def _lens(camera: Camera, width_px: int) -> Camera:
    scale = width_px / camera.width_px
    height_px = round(camera.height_px * scale)
    if camera.intrinsics:
        focal = [value * scale for value in camera.intrinsics[:4]]
        return replace(camera, width_px=width_px, height_px=height_px, intrinsics=(*focal, *camera.intrinsics[4:]))
    focal_px = width_px / 2 / math.tan(math.radians(FIELD_DEG / 2))
    centre = ((width_px - 1) / 2, (height_px - 1) / 2)
    return replace(camera, width_px=width_px, height_px=height_px, intrinsics=(focal_px, focal_px, *centre))


def views(store: Store) -> dict[str, View]:
    """The cameras of a store with lenses, by id."""
    return store_views(store)


def rays(view: View, width_px: int, height_px: int) -> Floats:
    """Directions [height, width, 3] through all pixels in the store frame, one metre deep along the axis."""
    across, down = np.meshgrid(np.arange(width_px, dtype=np.float64), np.arange(height_px, dtype=np.float64))
    px = np.column_stack([across.ravel(), down.ravel()])
    straight = view.undistort(px)
    turn = view.projection[:, :3]
    directions = np.column_stack([straight, np.ones(len(straight))]) @ np.linalg.inv(turn).T
    return np.asarray(directions.reshape(height_px, width_px, 3))
