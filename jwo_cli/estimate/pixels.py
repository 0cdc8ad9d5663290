"""What models make of one image: arrays with shapes and units, so that everything above needs no model to be tested.

Pixels are (x, y) with the origin in the middle of the top-left pixel, y down, in the frame that was given (undistorted
or not: a detector does not care, whoever projects must). Nothing here is kept: embeddings live in memory only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [height, width, 3], BGR

# Order of the key points in Poses.keypoints_px, that of COCO.
KEYPOINTS = (
    "nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow",
    "l_wrist", "r_wrist", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """People (or what else was asked for) in one image, best first.

    `corners_px` float32 [n, 4] is left, top, right, bottom; `scores` float32 [n] is the model's own confidence, 0 to 1.
    """

    corners_px: NDArray[np.float32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poses:
    """People with key points in one image, best first: `keypoints_px` float32 [n, 17, 3] is x, y, score (0 unseen)."""

    corners_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]


class Detector(Protocol):
    """Finds people in an image."""

    def detect(self, image: Image) -> Boxes:
        """Everybody in the image."""
        ...


class PoseEstimator(Protocol):
    """Finds people and their key points in an image."""

    def poses(self, image: Image) -> Poses:
        """Everybody in the image, with key points."""
        ...


class Embedder(Protocol):
    """Describes crops (of persons, of products) by vectors that are near where the crops show the same."""

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Float32 [n, dimensions], each row of length 1."""
        ...
