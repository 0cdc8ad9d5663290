"""People without any model: what is not the backdrop, explained by upright bodies of human size standing on the floor.

The fall-back where no weights exist. Each candidate is as good as the foreground fills it and leaves its surroundings
free; the best is taken, what it explains is taken away, and so on. Candidates are bodies as a calibrated camera draws
them (`silhouettes`), or boxes as people who walk have taught them (`upright`). It tells people from nothing else
that moves, and two people who walk as one may be told as one; it needs a camera that stands still.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Boxes, Image

from .backdrop import Backdrop, BackdropSettings, Mask
from .silhouettes import Silhouettes, by_view
from .upright import Candidates, Perspective, by_rows

Floats = NDArray[np.float32]

_BODY = 0.62  # of a box's width is body
_AROUND = (1.7, 1.2)  # widths and heights: what is looked at for freedom
_SNAP = 0.12  # of a box's height: how far its ends follow the foreground
_LEAST = 0.30  # score from which somebody is told
_MOST = 40  # people
_REFIT = 25  # pictures between fits of the perspective
_FREE_ASPECT = (1.7, 4.2)  # height over width of a blob that may be one person
_FILLED = 0.45  # of a blob's box


class BackgroundDetector:
    """A detector (`estimate.pixels.Detector`) with a memory: feed it the pictures of one fixed camera in order.

    `view` is the camera's calibration in the pixels of the pictures; without it, sizes are learnt from people who walk,
    and until enough did every blob of a person's form counts.
    """

    def __init__(self, view: View | None = None, settings: BackdropSettings | None = None) -> None:
        self._view = view
        self._backdrop = Backdrop(settings)
        self._perspective = Perspective()
        self._silhouettes: Silhouettes | None = None
        self._candidates: Candidates | None = None
        self._people: Floats | None = None
        self._pictures = 0
        self._fit: tuple[float, float] | None = None
        self.foreground: Mask = np.zeros((0, 0), np.uint8)

    @property
    def scale(self) -> float:
        """Of `foreground` against the pictures."""
        return self._backdrop.scale

    def detect(self, image: Image) -> Boxes:
        """Everybody who is not part of the backdrop, best first; nobody in the first picture."""
        front = self.foreground = self._backdrop.feed(image, self._people)
        blobs = _blobs(front)
        self._prepare(image, front, blobs)
        if self._silhouettes is not None:
            corners, scores = self._silhouettes.explain(front)
        elif self._candidates is None:
            corners, scores = blobs, np.full(len(blobs), 0.5, np.float32)
        else:
            corners, scores = explained(front, self._candidates.corners)
        self._people = corners / np.float32(self.scale)
        return Boxes(corners_px=self._people, scores=scores)

    def _prepare(self, image: Image, front: Mask, blobs: Floats) -> None:
        """Candidates, once the camera's geometry is known."""
        self._pictures += 1
        if self._view is not None:
            if self._silhouettes is None:
                self._silhouettes = by_view(self._view, (image.shape[1], image.shape[0]), self.scale)
            return
        self._perspective.add(blobs)
        if self._pictures % _REFIT == 0:
            fit = self._perspective.fitted()
            if fit != self._fit:
                self._fit = fit
                self._candidates = None if fit is None else by_rows(*fit, (front.shape[0], front.shape[1]))


def _blobs(front: Mask) -> Floats:
    """Boxes [n, 4] of connected foreground that may be one whole person, clear of the picture's edges."""
    closed = cv2.morphologyEx(front, cv2.MORPH_CLOSE, np.ones((7, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(closed)
    found = []
    height, width = front.shape
    for left, top, wide, tall, area in stats[1:count]:
        whole = left > 1 and top > 1 and left + wide < width - 1 and top + tall < height - 1
        formed = _FREE_ASPECT[0] <= tall / wide <= _FREE_ASPECT[1] and area >= _FILLED * wide * tall
        if whole and formed and tall >= 14:
            found.append((left, top, left + wide, top + tall))
    return np.array(found, np.float32).reshape(-1, 4)


def explained(front: Mask, candidates: Floats) -> tuple[Floats, Floats]:
    """The boxes [n, 4] that explain the foreground best, with scores [n] of 0 to 1, best first."""
    left = front.copy()
    chosen: list[Floats] = []
    scores: list[float] = []
    bodies, rings = _resized(candidates, _BODY, 1.0), _resized(candidates, *_AROUND)
    alive = np.flatnonzero(_filled(cv2.integral(left), bodies) > _LEAST)
    while len(alive) and len(chosen) < _MOST:
        sums = cv2.integral(left)
        body = _filled(sums, bodies[alive])
        around = _filled(sums, rings[alive])
        # What lies around: the ring's foreground without the body's.
        share = _BODY / (_AROUND[0] * _AROUND[1])
        beside = np.clip((around - share * body) / (1 - share), 0, 1)
        score = body - 0.6 * beside
        best = int(np.argmax(score))
        if score[best] < _LEAST:
            break
        box = _snapped(front, candidates[alive[best]])
        chosen.append(box)
        scores.append(min(float(score[best]), 1.0))
        x0, y0, x1, y1 = (max(round(float(value)), 0) for value in _resized(box[None], 1.15, 1.0)[0])
        left[y0 : y1 + 1, x0 : x1 + 1] = 0
        alive = alive[body > _LEAST]
    return np.array(chosen, np.float32).reshape(-1, 4), np.array(scores, np.float32)


def _snapped(front: Mask, box: Floats) -> Floats:
    """The box with head and feet where the foreground in its middle ends, if that is near."""
    x0, x1 = (int(np.clip(round(float(value)), 0, front.shape[1])) for value in _resized(box[None], _BODY, 1.0)[0, ::2])
    slack = _SNAP * float(box[3] - box[1])
    y0, y1 = (int(np.clip(value, 0, front.shape[0])) for value in (box[1] - slack, box[3] + slack + 1))
    rows = np.flatnonzero(front[y0:y1, x0:x1].any(axis=1))
    if not len(rows):
        return box
    top, bottom = y0 + int(rows[0]), y0 + int(rows[-1]) + 1
    top = top if abs(top - box[1]) < slack else box[1]
    bottom = bottom if abs(bottom - box[3]) < slack else box[3]
    return np.array([box[0], top, box[2], bottom], np.float32)


def _resized(corners: Floats, wide: float, tall: float) -> Floats:
    """Boxes of other widths and heights about the same middles."""
    middle = (corners[:, :2] + corners[:, 2:]) / 2
    half = (corners[:, 2:] - corners[:, :2]) * (np.array([wide, tall], np.float32) / 2)
    return np.concatenate((middle - half, middle + half), axis=1).astype(np.float32)


def _filled(sums: NDArray[Any], corners: Floats) -> Floats:
    """Share of each box [n, 4] that is foreground; what lies outside the picture counts as not."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    x0, x1 = (np.clip(np.round(corners[:, k]), 0, width).astype(np.int32) for k in (0, 2))
    y0, y1 = (np.clip(np.round(corners[:, k]), 0, height).astype(np.int32) for k in (1, 3))
    inside = (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]).astype(np.float32)
    area = (x1 - x0) * (y1 - y0)
    return np.asarray(inside / np.maximum(area, 1), np.float32)
