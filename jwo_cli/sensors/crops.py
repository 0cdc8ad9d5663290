"""Goods in hands: what to cut out of an image around a hand, and what a cut shows, as numbers.

The middle of what a hand holds lies past the wrist along the forearm, by about half a hand and half a thing. How large
a metre is there the person's own size in the image says. Crops live in memory, for seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Embedder, Image, Poses
from jwo_cli.estimate.vision.appearance import Looks
from jwo_cli.estimate.vision.physique import Physique

Floats = NDArray[np.float64]

SIDE_M = 0.26  # of a crop: goods in hand are 5 to 25 cm
PAST_M = 0.11  # from the wrist to the middle of what is held
LEAST_PX = 20  # smaller crops look like everything
LEAST_SCORE = 0.3
_ARMS = ((7, 9), (8, 10))  # rows of KEYPOINTS: elbow and wrist, left and right
_TORSO = ((5, 11), (6, 12))  # shoulder and hip
_TORSO_SHARE = 0.29  # their distance, of stature
_HUES, _GREYS, _BRIGHT = 12, 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """What one hand may hold in one image: `row` is the person's in the poses, `side` 0 left, 1 right."""

    row: int
    side: int
    image: Image
    score: float


def hand_crops(image: Image, poses: Poses, physique: Physique | None = None) -> list[Crop]:
    """A square crop around each hand that is seen whole enough to show what it holds."""
    tall_m = (physique or Physique()).stature_m
    found = []
    for row, points in enumerate(poses.keypoints_px.astype(np.float64)):
        metre_px = _metre_px(points, poses.corners_px[row].astype(np.float64), tall_m)
        for side, (elbow, wrist) in enumerate(_ARMS):
            score = float(points[wrist, 2])
            if score < LEAST_SCORE or metre_px * SIDE_M < LEAST_PX:
                continue
            middle = points[wrist, :2]
            along = points[wrist, :2] - points[elbow, :2]
            far = float(np.hypot(*along))
            if points[elbow, 2] >= LEAST_SCORE and far > 1:
                # A forearm that points at the camera is short in the image, and so is the hand's length.
                middle = middle + along / far * min(PAST_M * metre_px, 0.5 * far)
            cut = _square(image, middle[0], middle[1], SIDE_M * metre_px)
            if cut is not None:
                found.append(Crop(row=row, side=side, image=cut, score=score))
    return found


def looks_of(crops: Sequence[Image], embedder: Embedder) -> Looks:
    """Embeddings and colours of crops."""
    network = np.asarray(embedder.embed(crops), np.float64)
    return Looks(network=network, colour=np.array([colour(crop) for crop in crops]).reshape(len(crops), -1))


def colour(image: Image) -> Floats:
    """The square roots of a hue-saturation and a brightness histogram, of length one (Hellinger's kernel)."""
    import cv2

    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    tints = cv2.calcHist([hsv], [0, 1], None, [_HUES, _GREYS], [0, 180, 0, 256]).ravel()
    light = cv2.calcHist([hsv], [2], None, [_BRIGHT], [0, 256]).ravel()
    both = np.concatenate((tints, light)).astype(np.float64)
    return np.asarray(np.sqrt(both / max(float(both.sum()), 1.0)))


def _metre_px(points: Floats, corners: Floats, tall_m: float) -> float:
    """Pixels a metre at a person, by the torso and by how tall the box is."""
    torsos = [
        float(np.hypot(*(points[a, :2] - points[b, :2])))
        for a, b in _TORSO
        if min(points[a, 2], points[b, 2]) >= LEAST_SCORE
    ]
    # Edges cut boxes, stretched arms widen them; seen from above a torso is short: each is the least that it can be.
    high = float(corners[3] - corners[1]) / tall_m
    return max([high, *(length / (_TORSO_SHARE * tall_m) for length in torsos)])


def _square(image: Image, x_px: float, y_px: float, side_px: float) -> Image | None:
    """A square around a point; None where more than a third of it lies outside the image."""
    half = max(side_px / 2, 1.0)
    left, top, right, bottom = (round(v) for v in (x_px - half, y_px - half, x_px + half, y_px + half))
    high, wide = image.shape[:2]
    inside = max(min(right, wide) - max(left, 0), 0) * max(min(bottom, high) - max(top, 0), 0)
    if inside < (right - left) * (bottom - top) * 2 / 3:
        return None
    return np.ascontiguousarray(image[max(top, 0) : min(bottom, high), max(left, 0) : min(right, wide)])
