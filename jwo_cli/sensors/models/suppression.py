"""Which of overlapping boxes stays: greedy non-maximum suppression without a loop over boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Boxes

Floats = NDArray[np.float32]
# More than this many boxes above the threshold are never people: the best are looked at.
MOST = 1000


def overlaps(one: Floats, two: Floats) -> Floats:
    """Intersection over union of boxes [n, 4] and [m, 4], left, top, right, bottom: [n, m]."""
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, 2:], two[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (one, two)]
    union = areas[0][:, None] + areas[1][None, :] - both
    return np.asarray(both / np.maximum(union, 1e-9), dtype=np.float32)


def best_first(corners: Floats, scores: Floats, *, at_least: float, overlap: float = 1.0, most: int = MOST) -> Boxes:
    """Boxes above a score, best first, without those that overlap a better one by more than `overlap` (1: all stay).

    Greedy suppression is the only choice K of boxes with: i is in K where no better box in K overlaps it. Iterating
    that rule from "all" reaches it after as many rounds as the longest chain of suppressions, two to four in practice.
    Ties go to the box that came first.
    """
    sound = np.isfinite(corners).all(axis=1) & np.isfinite(scores) & (scores >= at_least)
    sound &= (corners[:, 2:] > corners[:, :2]).all(axis=1)
    where = np.flatnonzero(sound)
    order = where[np.argsort(-scores[where], kind="stable")][:most]
    corners, scores = corners[order], scores[order]
    if overlap < 1 and len(order) > 1:
        better = np.tril(overlaps(corners, corners) > overlap, k=-1)  # [i, j]: j is better and overlaps i
        kept: NDArray[np.bool_] = np.ones(len(order), dtype=bool)
        while True:
            after: NDArray[np.bool_] = np.logical_not(np.any(better & kept, axis=1))
            if np.array_equal(after, kept):
                break
            kept = after
        corners, scores = corners[kept], scores[kept]
    return Boxes(
        corners_px=np.ascontiguousarray(corners, dtype=np.float32), scores=np.asarray(scores, dtype=np.float32)
    )
