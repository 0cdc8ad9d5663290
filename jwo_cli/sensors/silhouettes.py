"""Foreground explained by upright bodies, through a calibrated camera: what a body at each place would cover.

A body is legs, trunk and head one above the other, as wide as people are, turned to the camera; near the edges of a
wide picture it leans as the lens draws it. Each candidate is judged by points inside of it, which should be
foreground, and points around it, which should not (a sampled form of the probabilistic occupancy map, Fleuret et al.,
"Multicamera people tracking with a probabilistic occupancy map", 2008). The best explains its part away, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .upright import drawn

Mask = NDArray[np.uint8]
Floats = NDArray[np.float32]

HEIGHTS_M = (1.55, 1.70, 1.85)
# Share of the height (from, to) and half the width in metres.
_PARTS = ((0.03, 0.46, 0.11), (0.48, 0.84, 0.19), (0.88, 0.99, 0.085))
_LEVELS = (5, 5, 2)
_BESIDE_M = 0.13  # how far beside the body it should be free
_ABOVE = (1.07, 1.15)  # of the height
_GRID_PX = 3.0  # small pixels between candidates
_LEAST_PX = 14.0  # small pixels; who is smaller is not told from noise
_FARTHEST_M = 60.0
_SEEN = 0.4  # share of the inner points that must lie in the picture
_AROUND = 0.6  # what a point beside counts against one inside
_LEAST = 0.5  # score from which somebody is told
_MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Silhouettes:
    """Candidates of one camera: `inner` and `outer` int32 [n, k] are indices of small pixels (-1 outside the picture).

    `corners` [n, 4] are their boxes in small pixels, also where they reach out of the picture; `outlines` float32
    [n, m, 2] what they cover.
    """

    inner: NDArray[np.int32]
    outer: NDArray[np.int32]
    corners: Floats
    outlines: Floats
    shape: tuple[int, int]

    def explain(self, front: Mask) -> tuple[Floats, Floats]:
        """Boxes [n, 4] in small pixels of those who explain the foreground, best first, with scores [n] of 0 to 1."""
        left = (front > 0).astype(np.uint8)
        chosen: list[Floats] = []
        scores: list[float] = []
        inside = _share(left, self.inner)
        alive = np.flatnonzero(inside > _LEAST)
        while len(alive) and len(chosen) < _MOST:
            inside = _share(left, self.inner[alive])
            score = inside - _AROUND * _share(left, self.outer[alive])
            best = int(np.argmax(score))
            if score[best] < _LEAST:
                break
            index = alive[best]
            chosen.append(self.corners[index])
            scores.append(min(float(score[best]), 1.0))
            cv2.fillPoly(left, [np.round(self.outlines[index]).astype(np.int32)], (0.0,))
            alive = alive[inside > _LEAST]
        return np.array(chosen, np.float32).reshape(-1, 4), np.array(scores, np.float32)


def by_view(view: View, size_px: tuple[int, int], scale: float) -> Silhouettes:
    """Bodies of three heights wherever a calibrated camera sees a waist, one every few small pixels.

    `size_px` is the picture's width and height, `scale` the small picture's.
    """
    shape = (round(size_px[1] * scale), round(size_px[0] * scale))
    feet = _places(view, size_px, scale)
    inner, outer, corners, outlines = [], [], [], []
    for height in HEIGHTS_M:
        body, around, line = (_body(view, feet, points, height) for points in (_inner(), _outer(), _outline()))
        px = [_drawn(view, points) * scale for points in (body, around, line)]
        whole = np.isfinite(px[2]).all(axis=(1, 2)) & np.isfinite(px[0]).all(axis=(1, 2))
        covered, beside, edge = (part[whole].astype(np.float32) for part in px)
        box = np.concatenate((edge.min(axis=1), edge.max(axis=1)), axis=1)
        indices = _indices(covered, shape)
        good = (box[:, 3] - box[:, 1] >= _LEAST_PX) & ((indices >= 0).mean(axis=1) >= _SEEN)
        inner.append(indices[good])
        outer.append(_indices(beside[good], shape))
        corners.append(box[good])
        outlines.append(edge[good])
    return Silhouettes(
        inner=np.concatenate(inner),
        outer=np.concatenate(outer),
        corners=np.concatenate(corners),
        outlines=np.concatenate(outlines),
        shape=shape,
    )


def _places(view: View, size_px: tuple[int, int], scale: float) -> NDArray[np.float64]:
    """Floor places [n, 2] of people whose waist is seen, one every few small pixels."""
    step = _GRID_PX / scale
    x, y = np.meshgrid(np.arange(step / 2, size_px[0], step), np.arange(step / 2, size_px[1], step))
    waist_m = HEIGHTS_M[1] / 2
    floor = view.onto_plane(view.undistort(np.column_stack((x.ravel(), y.ravel()))), waist_m)
    floor = floor[np.isfinite(floor).all(axis=1)]
    floor = floor[np.hypot(*(floor - view.centre_m()[:2]).T) <= _FARTHEST_M]
    ahead = view.in_front(np.column_stack((floor, np.full(len(floor), waist_m))))
    return np.asarray(floor[ahead], np.float64)


def _inner() -> NDArray[np.float64]:
    """(height share, metres aside) of points inside a body [k, 2]."""
    points = []
    for (low, high, half), levels in zip(_PARTS, _LEVELS, strict=True):
        for level in np.linspace(low, high, levels):
            points += [(level, aside) for aside in (-0.6 * half, 0.0, 0.6 * half)]
    return np.array(points)


def _outer() -> NDArray[np.float64]:
    """Points around a body [k, 2]."""
    points = [(level, aside) for level in _ABOVE for aside in (-0.12, 0.0, 0.12)]
    for (low, high, half), levels in zip(_PARTS, _LEVELS, strict=True):
        for level in np.linspace(low, high, levels):
            points += [(level, -half - _BESIDE_M), (level, half + _BESIDE_M)]
    return np.array(points)


def _outline() -> NDArray[np.float64]:
    """The polygon around a body, a little wider than it [k, 2]."""
    right = [(0.0, 0.15), (0.46, 0.19), (0.5, 0.27), (0.82, 0.27), (0.88, 0.14), (1.03, 0.11)]
    return np.array([*right, *((level, -aside) for level, aside in reversed(right))])


def _body(view: View, feet: NDArray[np.float64], points: NDArray[np.float64], height_m: float) -> NDArray[np.float64]:
    """Points [n, k, 3] of bodies at places [n, 2], turned to the camera."""
    away = feet - view.centre_m()[:2]
    away /= np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)[:, None]
    aside = np.column_stack((-away[:, 1], away[:, 0]))
    out = np.empty((len(feet), len(points), 3))
    out[:, :, :2] = feet[:, None] + points[None, :, 1, None] * aside[:, None]
    out[:, :, 2] = points[None, :, 0] * height_m
    return out


def _drawn(view: View, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the points [n, k, 3] are in the picture [n, k, 2]; NaN behind the camera or beyond its lens."""
    flat = points_m.reshape(-1, 3)
    px = np.full((len(flat), 2), np.nan)
    ahead = view.in_front(flat)
    px[ahead] = drawn(view, flat[ahead])
    return px.reshape(*points_m.shape[:2], 2)


def _indices(px: Floats, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Flat indices of small pixels, -1 outside the picture."""
    height, width = shape
    with np.errstate(invalid="ignore"):
        inside = (px[..., 0] >= 0) & (px[..., 0] < width) & (px[..., 1] >= 0) & (px[..., 1] < height)
    column, row = (np.where(inside, px[..., axis], 0.0).astype(np.int32) for axis in (0, 1))
    return np.where(inside, row * width + column, -1).astype(np.int32)


def _share(front: Mask, indices: NDArray[np.int32]) -> Floats:
    """The share of each row's points inside the picture that are foreground."""
    padded = np.append(front.ravel(), np.uint8(0))  # index -1 is the pad
    return np.asarray(padded[indices].sum(axis=1) / np.maximum((indices >= 0).sum(axis=1), 1), np.float32)
