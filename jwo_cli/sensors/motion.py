"""Whether anything moves in a frame, for a small part of what decoding it costs.

A quarter of the rows of the luma that the decoder wrote is made an eighth as large and compared with a running mean:
reading all of a large picture once more would cost as much as half of its decoding. Nobody need look for people where
nothing has moved since the last look.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Grey

_SHRINK = 8
_LEARN = 0.05
_ROWS = 4  # every fourth is read
_LEVELS = 10.0  # of a small pixel, the mean of sixteen: the sensor's noise is a tenth of that


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Share of the picture that moves, and the box around it (left, top, right, bottom; pixels), None where none."""

    share: float
    box_px: tuple[int, int, int, int] | None


class MotionDetector:
    """Feed it the luma of one camera's frames in order. `least` is the share of the picture that counts as motion."""

    def __init__(self, least: float = 0.0005) -> None:
        self._least = least
        self._mean: NDArray[np.float32] | None = None

    def feed(self, grey: Grey) -> Motion:
        """What moves in this frame; nothing in the first."""
        size = (max(grey.shape[1] // _SHRINK, 1), max(grey.shape[0] // _SHRINK, 1))
        small = cv2.resize(grey[::_ROWS], size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._mean is None or self._mean.shape != small.shape:
            self._mean = small
            return Motion(share=0.0, box_px=None)
        moved = (cv2.absdiff(small, self._mean) > _LEVELS).astype(np.uint8)
        cv2.accumulateWeighted(small, self._mean, _LEARN)
        share = cv2.countNonZero(moved) / moved.size
        if share < self._least:
            return Motion(share=share, box_px=None)
        left, top, wide, tall = cv2.boundingRect(moved)
        scale = (grey.shape[1] / size[0], grey.shape[0] / size[1])
        corners = (left * scale[0], top * scale[1], (left + wide) * scale[0], (top + tall) * scale[1])
        return Motion(share=share, box_px=tuple(round(value) for value in corners))
