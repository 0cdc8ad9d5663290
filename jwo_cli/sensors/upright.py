"""The box that a person fills who stands at a place: from a camera's calibration, or learnt from the people themselves.

Candidates are all boxes at which somebody might stand, at the small size in which the foreground is known.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

Floats = NDArray[np.float32]

HEIGHTS_M = (1.55, 1.70, 1.85)
RADIUS_M = 0.27
ASPECT = 0.38  # width of an upright person's box over its height
_GRID_PX = 4.0  # small pixels
_FARTHEST_M = 60.0
_LEAST_PX = 14.0  # small pixels; who is smaller is not told from noise
_STEP = 0.12  # of a box's height between candidates
_SCALES = (0.88, 1.0, 1.12)
_ENOUGH = 40  # blobs before the perspective is believed
_KEPT = 2_000
_LOOSE = 0.25  # relative error of the fitted heights that is too much: not an upright view


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Boxes [n, 4] (left, top, right, bottom) in small pixels, sorted by nothing in particular."""

    corners: Floats


def by_view(view: View, size_px: tuple[int, int], scale: float) -> Candidates:
    """Boxes of people of three heights whose middle a calibrated camera sees, one every few small pixels.

    `size_px` is the picture's width and height, `scale` the small picture's. Who stands behind the camera or very far
    away is left out, and who is seen smaller than can be told.
    """
    step = _GRID_PX / scale
    x, y = np.meshgrid(np.arange(step / 2, size_px[0], step), np.arange(step / 2, size_px[1], step))
    waist_m = HEIGHTS_M[1] / 2
    floor = view.onto_plane(view.undistort(np.column_stack((x.ravel(), y.ravel()))), waist_m)
    floor = floor[np.isfinite(floor).all(axis=1)]
    floor = floor[np.hypot(*(floor - view.centre_m()[:2]).T) <= _FARTHEST_M]
    feet = np.column_stack((floor, np.zeros(len(floor))))
    feet = feet[view.in_front(feet + _up(waist_m))]
    turn = np.arange(8) * np.pi / 4
    ring = RADIUS_M * np.column_stack((np.cos(turn), np.sin(turn), np.zeros(8)))
    boxes = []
    for height in HEIGHTS_M:
        # A body's width is at its shoulders; feet stand close together.
        points = np.concatenate((0.5 * ring, ring + _up(0.8 * height), 0.4 * ring + _up(height)))
        around = feet[:, None] + points[None]
        ahead = view.in_front(around.reshape(-1, 3)).reshape(len(feet), -1).all(axis=1)
        px = drawn(view, around[ahead].reshape(-1, 3)).reshape(-1, len(points), 2)
        px = px[np.isfinite(px).all(axis=(1, 2))]
        boxes.append(np.concatenate((px.min(axis=1), px.max(axis=1)), axis=1))
    corners = np.concatenate(boxes).astype(np.float32) * np.float32(scale)
    return Candidates(corners=_large(corners))


def drawn(view: View, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Store points [n, 3] in the picture as the lens bends it [n, 2]; NaN where its model does not reach."""
    straight = view.project(points_m)
    if view.lens is None:
        return straight
    camera = (points_m @ view.projection[:, :3].T + view.projection[:, 3]) @ np.linalg.inv(view.lens.matrix()).T
    px = view.lens.project(camera)
    # Beyond its reach a polynomial folds back into the picture: what does not come back to itself is not there.
    back = view.undistort(px)
    near: NDArray[np.bool_] = np.linalg.norm(back - straight, axis=1) < 1.0
    return np.where(near[:, None], px, np.nan)


def _up(height_m: float) -> NDArray[np.float64]:
    return np.array([0.0, 0.0, height_m])


def by_rows(slope: float, zero: float, shape: tuple[int, int]) -> Candidates:
    """Boxes all over a small picture [height, width] whose height is `slope`·y + `zero` for feet at row y."""
    height, width = shape
    boxes = []
    y = 0.0
    while y < 1.25 * height:
        tall = slope * y + zero
        step = max(_STEP * tall, 2.0)
        if tall >= _LEAST_PX:
            x = np.arange(0, width, max(_STEP * tall * 0.7, 2.0))
            for scale in _SCALES:
                half = ASPECT * tall * scale / 2
                rows = (np.full(len(x), y - tall * scale), np.full(len(x), y))
                boxes.append(np.column_stack((x - half, rows[0], x + half, rows[1])))
        y += step / 1.5
    corners = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    seen = corners[:, 1] < height - 0.3 * (corners[:, 3] - corners[:, 1])
    return Candidates(corners=_large(corners[seen].astype(np.float32)))


def _large(corners: Floats) -> Floats:
    return corners[corners[:, 3] - corners[:, 1] >= _LEAST_PX]


class Perspective:
    """Learns how tall people are at each row from blobs that look like one person each: height = slope·row + zero."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def add(self, corners: Floats) -> None:
        """Blobs [n, 4] that stand free and whole, in small pixels."""
        for _, top, _, bottom in corners:
            self._seen.append((float(bottom), float(bottom - top)))

    def __len__(self) -> int:
        return len(self._seen)

    def fitted(self) -> tuple[float, float] | None:
        """Slope and zero; None while too little was seen, or where heights do not follow the row (a ceiling camera)."""
        if len(self._seen) < _ENOUGH:
            return None
        row, tall = np.array(self._seen).T
        weight = np.ones(len(row))
        slope = zero = 0.0
        # Repeatedly reweighted least absolute errors: people who hide half of each other are outliers.
        for _ in range(20):
            mean, level = np.average(row, weights=weight), np.average(tall, weights=weight)
            spread = np.average((row - mean) ** 2, weights=weight)
            # A prior of no slope, as strong as a few blobs, holds where all stood in one row.
            slope = np.average((row - mean) * (tall - level), weights=weight) / (spread + 25.0)
            zero = level - slope * mean
            weight = 1 / np.maximum(np.abs(tall - slope * row - zero), 0.5)
        error = np.median(np.abs(tall - slope * row - zero) / np.maximum(tall, 1.0))
        return (float(slope), float(zero)) if error <= _LOOSE else None
