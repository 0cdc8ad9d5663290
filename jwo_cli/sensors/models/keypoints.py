"""What pose networks' outputs mean: from raw arrays to key points in the input's coordinates (edges), scores 0 to 1.

Key points come in the order of `estimate.pixels.KEYPOINTS`, which is that of COCO and of every network here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

Floats = NDArray[np.float32]
COUNT = 17
SPLIT = 2.0  # SimCC: bins a pixel (Li et al. 2022), 2 in every published RTMPose


def movenet_many(output: Floats, high: int, wide: int) -> tuple[Floats, Floats, Floats]:
    """MoveNet multi-pose [1, 6, 56]: boxes [6, 4], scores [6], key points [6, 17, 3] x, y, score.

    A row is 17 × (y, x, score), then ymin, xmin, ymax, xmax, score, as shares of the padded input.
    """
    if output.ndim != 3 or output.shape[2] != 3 * COUNT + 5:
        _refuse(output, "MoveNet multi-pose, [1, people, 56]")
    rows = np.asarray(output[0], dtype=np.float32)
    points = rows[:, : 3 * COUNT].reshape(-1, COUNT, 3)[:, :, [1, 0, 2]] * np.array([wide, high, 1], dtype=np.float32)
    box = rows[:, [52, 51, 54, 53]] * np.array([wide, high, wide, high], dtype=np.float32)
    return box, rows[:, 55], points


def movenet_one(output: Floats, high: int, wide: int) -> Floats:
    """MoveNet single-pose [1, 1, 17, 3] (y, x, score as shares of the input): key points [17, 3] x, y, score."""
    if output.shape != (1, 1, COUNT, 3):
        _refuse(output, "MoveNet single-pose, [1, 1, 17, 3]")
    shares = np.asarray(output[0, 0], dtype=np.float32)
    return shares[:, [1, 0, 2]] * np.array([wide, high, 1], dtype=np.float32)


def simcc(along_x: Floats, along_y: Floats) -> Floats:
    """RTMPose's SimCC [n, 17, 2 · width] and [n, 17, 2 · height]: key points [n, 17, 3] x, y, score.

    Each coordinate is its most probable bin, the score the lower of the two peaks; without a positive peak the point
    is unseen: 0 (mmpose's `get_simcc_maximum`). A bin's number counts middles: half a pixel is added.
    """
    if along_x.ndim != 3 or along_y.ndim != 3 or along_x.shape[:2] != along_y.shape[:2] or along_x.shape[1] != COUNT:
        _refuse(along_x, "RTMPose, [n, 17, 2 · width] and [n, 17, 2 · height]")
    peaks = np.minimum(along_x.max(axis=2), along_y.max(axis=2))
    x, y = (bins.argmax(axis=2) / SPLIT + 0.5 for bins in (along_x, along_y))
    return np.stack([x, y, np.clip(peaks, 0, 1)], axis=2).astype(np.float32)


def enclosing(points: Floats, least: float) -> tuple[Floats, float]:
    """The box of the points [17, 3] that are seen at least that surely, and their mean score (0 where fewer than 3)."""
    seen = points[points[:, 2] >= least]
    if len(seen) < 3:
        return np.zeros(4, dtype=np.float32), 0.0
    corners = np.concatenate([seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)])
    return corners.astype(np.float32), float(seen[:, 2].mean())


def crop_box(corners_px: Floats, *, wider: float, taller_up: float, aspect: float) -> Floats:
    """The box to look for a person's key points in: `wider` times the box, reaching further up for a raised arm.

    `aspect` is the input's width over its height; the box is widened, never narrowed, to have it. `taller_up` is a
    share of the box's height.
    """
    left, top, right, bottom = (float(value) for value in corners_px)
    wide, high = (right - left) * wider, (bottom - top) * wider
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2 - taller_up * (bottom - top) / 2
    high += taller_up * (bottom - top)
    wide, high = max(wide, high * aspect), max(high, wide / aspect)
    box = [middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2]
    return np.array(box, dtype=np.float32)


def _refuse(output: Floats, known: str) -> None:
    raise UserError(
        f"the model gives {list(output.shape)}, which is not {known}",
        fix="Its `head` in the registry must fit its export.",
    )
