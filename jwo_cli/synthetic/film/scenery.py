"""What stands still: floor, walls, fixtures and the goods on them, painted once for each camera by casting rays.

Goods are painted facing by facing at the front of their shelf, each product in colours of its own, so that a crop of an
item in a hand can be told from others by the same colours. A facing that is emptied keeps its picture: jwo does not
count from pictures of shelves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Image
from jwo_cli.model.layout import Fixture, Store
from jwo_cli.synthetic.draws import Floats, named

from .optics import rays

WALL_M = 2.9
_LIGHT = np.array([0.35, 0.25, 0.9])  # from above, a little from one side


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """One camera's empty store: the picture, and how deep each pixel is along the camera's axis (metres)."""

    image: Image
    depth_m: NDArray[np.float32]


def product_colours(product_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two colours (BGR) of a product's package: its ground, and the band around it."""
    digest = hashlib.sha256(product_id.encode()).digest()
    ground = np.frombuffer(digest[:3], np.uint8)
    band = np.frombuffer(digest[3:6], np.uint8)
    return ground // 2 + 90, band // 2 + 40


def scenery(store: Store, view: View, *, width_px: int, height_px: int, seed: int) -> Scenery:
    """Casts a ray through every pixel: the nearest of floor, walls and fixtures gives its colour and depth."""
    directions = rays(view, width_px, height_px).reshape(-1, 3)
    eye = view.centre_m()
    depth = np.full(len(directions), 60.0)
    colour = np.full((len(directions), 3), 205.0)
    _floor(store, eye, directions, depth, colour)
    _walls(store, eye, directions, depth, colour)
    for fixture in store.fixtures:
        _fixture(store, fixture, eye, directions, depth, colour)
    grain = named(seed, "grain").normal(0.0, 3.0, (len(directions), 1))
    image = np.clip(colour + grain, 0, 255).astype(np.uint8).reshape(height_px, width_px, 3)
    return Scenery(image=image, depth_m=depth.astype(np.float32).reshape(height_px, width_px))


def _floor(store: Store, eye: Floats, directions: Floats, depth: Floats, colour: Floats) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        along = -eye[2] / directions[:, 2]
    hit = (along > 0) & np.isfinite(along)
    places = eye[:2] + along[hit, None] * directions[hit, :2]
    inside = _within(places, np.array(store.floor))
    rows = np.flatnonzero(hit)[inside]
    places = places[inside]
    tiles = (np.floor(places[:, 0] / 0.6) + np.floor(places[:, 1] / 0.6)) % 2
    fine = 5.0 * np.sin(places[:, 0] * 17.0) * np.sin(places[:, 1] * 23.0)
    depth[rows] = along[rows]
    colour[rows] = np.array([150.0, 160.0, 165.0]) + 14.0 * tiles[:, None] + fine[:, None]


def _walls(store: Store, eye: Floats, directions: Floats, depth: Floats, colour: Floats) -> None:
    corners = np.array(store.floor, dtype=np.float64)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along_wall, normal = b - a, np.array([-(b - a)[1], (b - a)[0]]) / np.hypot(*(b - a))
        with np.errstate(divide="ignore", invalid="ignore"):
            along = ((a - eye[:2]) @ normal) / (directions[:, :2] @ normal)
            places = eye + along[:, None] * directions
            part = ((places[:, :2] - a) @ along_wall) / (along_wall @ along_wall)
            hit = (along > 1e-6) & (along < depth) & (part >= 0) & (part <= 1)
            hit &= (places[:, 2] >= 0) & (places[:, 2] <= WALL_M)
        shade = 178.0 + 25.0 * abs(normal[0]) + 6.0 * np.sin(places[hit, 2] * 9.0)
        depth[hit] = along[hit]
        colour[hit] = shade[:, None] * np.array([0.98, 1.0, 1.0])


def _fixture(store: Store, fixture: Fixture, eye: Floats, directions: Floats, depth: Floats, colour: Floats) -> None:
    """A box in its own frame (x along the front, y deep, z up); the front shows the goods of its shelves."""
    turn = np.radians(fixture.pose.rotation_deg)
    axes = np.array([[np.cos(turn), np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    origin = np.array([fixture.pose.x_m, fixture.pose.y_m, fixture.pose.z_m])
    local_eye, local = axes @ (eye - origin), directions @ axes.T
    size = np.array([fixture.dx_m, fixture.dy_m, fixture.dz_m])
    with np.errstate(divide="ignore", invalid="ignore"):
        near = (0.0 - local_eye) / local
        far = (size - local_eye) / local
    entry = np.fmin(near, far)
    enter, leave = entry.max(axis=1), np.fmax(near, far).min(axis=1)
    hit = (enter > 1e-6) & (enter <= leave) & (enter < depth)
    rows = np.flatnonzero(hit)
    if not len(rows):
        return
    places = local_eye + enter[rows, None] * local[rows]
    side = entry[rows].argmax(axis=1)
    normals = axes.T[:, side].T * np.where(local[rows, side] > 0, -1.0, 1.0)[:, None]
    light = 0.62 + 0.38 * np.clip(normals @ _LIGHT, 0.0, 1.0)
    body = np.array([118.0, 116.0, 112.0]) if fixture.kind != "fridge" else np.array([176.0, 170.0, 160.0])
    paint = np.tile(body, (len(rows), 1))
    front = (side == 1) & (local[rows, 1] > 0)
    paint[front] = _goods(store, fixture, places[front], body)
    depth[rows] = enter[rows]
    colour[rows] = paint * light[:, None]


def _goods(store: Store, fixture: Fixture, places: Floats, body: Floats) -> Floats:
    """Colours of points of a fixture's front [n, 3] (x, y, z in its frame)."""
    paint = np.tile(body * 0.55, (len(places), 1))
    facing_of = {plate: facing for facing in store.facings for plate in facing.plates}
    for bay in fixture.bays:
        for shelf in bay.shelves:
            for plate in shelf.plates:
                box = plate.box
                above = places[:, 2] - box.z_m
                on = (places[:, 0] >= box.x_m) & (places[:, 0] < box.x_m + box.dx_m)
                board = on & (above >= -0.03) & (above < 0.0)
                paint[board] = [60.0, 60.0, 66.0]
                facing = facing_of.get(plate.plate_id)
                if facing is None:
                    continue
                ground, band = product_colours(facing.product_id)
                goods = on & (above >= 0.0) & (above < min(0.24, 0.7 * box.dz_m))
                units = (places[goods, 0] - box.x_m) % 0.1
                ringed = np.abs(above[goods] - 0.11) < 0.035
                paint[goods] = np.where(ringed[:, None], band, ground) * np.where(units < 0.006, 0.4, 1.0)[:, None]
    return paint


def _within(points: Floats, polygon: Floats) -> NDArray[np.bool_]:
    """Which points [n, 2] lie in a polygon: crossings of the edges by a ray to the right."""
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), dtype=bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            crosses = ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
        inside ^= crosses
    return inside
