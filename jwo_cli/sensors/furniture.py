"""A detector that knows the furniture: what looks like a person, in the same place, and never moved, is a thing.

Lamp posts, mannequins and coats on hooks get good scores from any network, in every picture. Where the backdrop has
not changed there is nobody; a box there that comes again and again is dropped. Who walked in differs from the
backdrop for as long as the network sees somebody there, however still he stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Boxes, Detector, Image

from .backdrop import Backdrop, BackdropSettings, Mask

Floats = NDArray[np.float32]

_HABIT = 40  # pictures in which a box came without anything there before it is called furniture
_NEW = 0.15  # share of a box's middle that differs from the backdrop where somebody is
_SAME = 0.5  # overlap (IoU) of two boxes of one thing
_FORGOTTEN = 2_000  # pictures without the box
_MIDDLE = 0.6  # of a box's width


@dataclass(slots=True)
class _Thing:
    box: Floats
    times: int
    last: int


class FurnitureFilter:
    """A detector (`estimate.pixels.Detector`) with a memory: the pictures of one fixed camera, in order."""

    def __init__(self, detector: Detector, settings: BackdropSettings | None = None) -> None:
        self._detector = detector
        # Where the network sees somebody the backdrop is kept as it was, for as long as it takes.
        self._backdrop = Backdrop(replace(settings or BackdropSettings(), learn_people=0.0))
        self._things: list[_Thing] = []
        self._people: Floats | None = None
        self._picture = 0

    def detect(self, image: Image) -> Boxes:
        """Everybody the detector sees, without the furniture, best first."""
        seen = self._detector.detect(image)
        front = self._backdrop.feed(image, self._people)
        self._picture += 1
        new = newness(front, seen.corners_px * np.float32(self._backdrop.scale))
        kept = np.array(
            [bool(share >= _NEW) or not self._known(box) for box, share in zip(seen.corners_px, new, strict=True)], bool
        )
        self._things = [thing for thing in self._things if self._picture - thing.last <= _FORGOTTEN]
        boxes = Boxes(corners_px=seen.corners_px[kept], scores=seen.scores[kept])
        self._people = seen.corners_px[new >= _NEW]
        return boxes

    def _known(self, box: Floats) -> bool:
        """Whether a box where nothing is new has come often enough to be a thing; counts it."""
        for thing in self._things:
            if _overlap(thing.box, box) >= _SAME:
                if thing.last != self._picture:
                    thing.times, thing.last = thing.times + 1, self._picture
                    thing.box = thing.box + (box - thing.box) * np.float32(0.1)
                return thing.times >= _HABIT
        self._things.append(_Thing(box.copy(), 1, self._picture))
        return False


def newness(front: Mask, corners: Floats) -> Floats:
    """Share of the middle of each box [n, 4], in the foreground's pixels, that is foreground [n]."""
    if not len(corners):
        return np.zeros(0, np.float32)
    sums = cv2.integral(front)
    middle, half = (corners[:, 0] + corners[:, 2]) / 2, (corners[:, 2] - corners[:, 0]) * _MIDDLE / 2
    x0, x1 = (np.clip(np.round(each), 0, front.shape[1]).astype(int) for each in (middle - half, middle + half))
    y0, y1 = (np.clip(np.round(corners[:, k]), 0, front.shape[0]).astype(int) for k in (1, 3))
    inside = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    return np.asarray(inside / np.maximum((x1 - x0) * (y1 - y0), 1), np.float32)


def _overlap(one: Floats, other: Floats) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = float(np.prod(np.clip(high - low, 0, None)))
    whole = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return both / max(whole - both, 1e-9)
