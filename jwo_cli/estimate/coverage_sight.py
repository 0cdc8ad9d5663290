"""What a camera sees of given points: field of view, what stands between, and how many pixels a metre is there.

A point counts as seen where all three hold: it falls into the image, nothing solid is on the way (fixtures as boxes,
walls as the floor's edge), and a metre across the line of sight has enough pixels to recognise anything. People hide
things too, but they move; they are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.lens import Lens, slopes
from jwo_cli.estimate.calibration.rigid import Rigid
from jwo_cli.model.layout import LensKind, Store

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SKIN_M = 0.02  # points this near to a surface are on it, not in it
MOUNT_M = 0.25  # what a camera is mounted on does not hide what it looks at
EDGE_STEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Solids:
    """What hides: boxes as `local_from_store` [b, 3, 3], [b, 3] with sizes [b, 3], and walls as segments [w, 2, 2]."""

    turn: Floats
    shift: Floats
    size: Floats
    walls: Floats

    @classmethod
    def of(cls, store: Store) -> Solids:
        """The fixtures of a store, and its walls."""
        turn, shift, size = [], [], []
        for fixture in store.fixtures:
            angle = np.radians(fixture.pose.rotation_deg)
            cos, sin = np.cos(angle), np.sin(angle)
            own = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
            turn.append(own)
            shift.append(-own @ np.array([fixture.pose.x_m, fixture.pose.y_m, fixture.pose.z_m]))
            size.append([fixture.dx_m, fixture.dy_m, fixture.dz_m])
        floor = np.array(store.floor, dtype=np.float64)
        walls = np.stack([floor, np.roll(floor, -1, axis=0)], axis=1)
        return cls(
            turn=np.array(turn).reshape(-1, 3, 3), shift=np.array(shift).reshape(-1, 3),
            size=np.array(size).reshape(-1, 3), walls=walls,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A camera that looks: its lens, and `camera_from_store`."""

    name: str
    lens: Lens
    pose: Rigid


def nominal_lens(width_px: int, height_px: int, view_deg: float) -> Lens:
    """A lens without bends that sees so many degrees from left to right (below 180)."""
    focal = width_px / 2 / np.tan(np.radians(view_deg) / 2)
    values = np.array([focal, focal, (width_px - 1) / 2, (height_px - 1) / 2, 0, 0, 0, 0, 0], dtype=np.float64)
    return Lens(kind=LensKind.RADTAN, values=values, width_px=width_px, height_px=height_px)


def hidden(place: Floats, points: Floats, solids: Solids) -> Flags:
    """Which points [n, 3] something solid hides from a place [3]: [n]."""
    away = points - place
    length = np.maximum(np.linalg.norm(away, axis=1), 1e-9)
    begin = np.minimum(MOUNT_M / length, 1.0)
    end = np.maximum(1.0 - SKIN_M / length, 0.0)
    out = _behind_walls(place, away, begin, end, solids.walls)
    for turn, shift, size in zip(solids.turn, solids.shift, solids.size, strict=True):
        out |= _through_box(turn @ place + shift, away @ turn.T, begin, end, size)
    return out


def _through_box(start: Floats, way: Floats, begin: Floats, end: Floats, size: Floats) -> Flags:
    """Which lines start + t · way, t from begin to end, pass through the inside of a box (slabs, Kay and Kajiya)."""
    low, high = np.full(3, SKIN_M), size - SKIN_M
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (low - start) / way, (high - start) / way
    still = np.abs(way) < 1e-12  # along a slab: inside of it throughout, or never
    inside = (start > low) & (start < high)
    near = np.where(still, np.where(inside, -np.inf, np.inf), np.minimum(one, two))
    far = np.where(still, np.where(inside, np.inf, -np.inf), np.maximum(one, two))
    enter, leave = np.maximum(near.max(axis=1), begin), np.minimum(far.min(axis=1), end)
    return np.asarray(enter < leave)


def _behind_walls(place: Floats, away: Floats, begin: Floats, end: Floats, walls: Floats) -> Flags:
    """Which lines cross the floor's edge on the plan: walls reach to the ceiling."""
    a, along = walls[:, 0], walls[:, 1] - walls[:, 0]
    way = away[:, :2]
    cross = way[:, None, 0] * along[None, :, 1] - way[:, None, 1] * along[None, :, 0]  # [n, w]
    offset = a - place[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (offset[:, 0] * along[:, 1] - offset[:, 1] * along[:, 0])[None, :] / cross
        u = (offset[None, :, 0] * way[:, None, 1] - offset[None, :, 1] * way[:, None, 0]) / cross
    return np.asarray(
        ((np.abs(cross) > 1e-12) & (t > begin[:, None]) & (t < end[:, None]) & (u > 0) & (u < 1)).any(axis=1)
    )


def density(watcher: Watcher, points: Floats) -> Floats:
    """Pixels a metre across the line of sight at each point [n]; 0 where it is outside of the image.

    The lesser of the image's two stretches there: singular values of the projection's derivative.
    """
    lens = watcher.lens
    local = watcher.pose.apply(points)
    if lens.kind is LensKind.RADTAN and not lens.values[4:].any() and lens.values[0] == lens.values[1]:
        return _straight(lens, local)
    out = np.zeros(len(points))
    # A polynomial lens folds back what is far outside: nothing beyond its widest border ray is looked at.
    angle = np.arctan2(np.hypot(local[:, 0], local[:, 1]), local[:, 2])
    ahead = np.flatnonzero(angle <= widest(lens))
    seen = ahead[_inside(lens, lens.project(local[ahead]))]
    if len(seen):
        by_point, _ = slopes(lens.kind, local[seen], np.broadcast_to(lens.values, (len(seen), len(lens.values))))
        out[seen] = np.linalg.svd(by_point, compute_uv=False)[:, 1]
    return out


def _straight(lens: Lens, local: Floats) -> Floats:
    """The same for a lens without bends: its derivative's lesser singular value is focal length over depth."""
    focal, _, cx, cy = lens.values[:4]
    depth = np.maximum(local[:, 2], 1e-9)
    px = np.column_stack([focal * local[:, 0] / depth + cx, focal * local[:, 1] / depth + cy])
    return np.asarray(np.where((local[:, 2] > 1e-6) & _inside(lens, px), focal / depth, 0.0))


def _inside(lens: Lens, px: Floats) -> Flags:
    """Which pixels [n, 2] the image has; NaN is outside."""
    edge = np.array([lens.width_px, lens.height_px]) - 0.5
    with np.errstate(invalid="ignore"):
        return np.asarray(((px >= -0.5) & (px <= edge)).all(axis=1))


def widest(lens: Lens) -> float:
    """The angle from the axis to the outermost ray that the image has, radians."""
    share = (
        np.linspace(-0.5, 1.0 * lens.width_px - 0.5, EDGE_STEPS),
        np.linspace(-0.5, lens.height_px - 0.5, EDGE_STEPS),
    )
    border = np.concatenate(
        [
            np.column_stack([share[0], np.full(EDGE_STEPS, -0.5)]),
            np.column_stack([share[0], np.full(EDGE_STEPS, lens.height_px - 0.5)]),
            np.column_stack([np.full(EDGE_STEPS, -0.5), share[1]]),
            np.column_stack([np.full(EDGE_STEPS, lens.width_px - 0.5), share[1]]),
        ]
    )
    rays = lens.rays(border)
    angles = np.arctan2(np.hypot(rays[:, 0], rays[:, 1]), rays[:, 2])
    return float(np.nanmax(angles, initial=0.0)) + 1e-6


def sees(watcher: Watcher, points: Floats, solids: Solids, least_px_m: float | Floats) -> Flags:
    """Which points [n, 3] a camera sees with at least so many pixels a metre: [n]."""
    out = density(watcher, points) >= least_px_m
    where = np.flatnonzero(out)
    out[where] &= ~hidden(watcher.pose.centre(), points[where], solids)
    return np.asarray(out)
