"""Entry codes at a gate, frame by frame, each frame decided within a time limit.

First where the code was last, then the whole frame by the fast decoder: that settles nearly every frame in which a code
can be read. What is left (glare, a hidden corner) is tried in the few places that look like a QR code, where edges of
both directions crowd: evened and enlarged, and by the second decoder in both polarities. When the time is up, the next
frame is as good as this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .codes import Code, as_grey, resized, settle
from .decoders import Reading, Symbology, read_zbar, read_zxing

Grey = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, right, bottom; pixels

_QR = (Symbology.QR,)
_AROUND = 0.75  # of a code's span, on each side of where it was
_BUSY_PX = 48  # a code of 100 px is as large as two such windows
_PATCH_PX = 240
_PATCHES = 3
_BUSY = 12.0  # grey levels a pixel, in both directions
_EVEN_PX = (15, 9)  # windows of some four modules at 100 px


class GateReader:
    """Reads the QR codes of one gate's camera. `budget_s` is the time after which nothing more is tried in a frame."""

    def __init__(self, *, budget_s: float = 0.05, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self._budget_s = budget_s
        self._clock_s = clock_s
        self._last: Box | None = None

    def read(self, image: NDArray[np.uint8]) -> tuple[Code, ...]:
        """The codes in a frame (grey [h, w] or BGR [h, w, 3]), from top to bottom."""
        end_s = self._clock_s() + self._budget_s
        grey = as_grey(image)
        for readings in self._tries(grey):
            if readings:
                found, _ = settle(readings)
                self._last = _around(readings[0], grey.shape)
                return found
            if self._clock_s() >= end_s:
                break
        self._last = None
        return ()

    def _tries(self, grey: Grey) -> Iterator[list[Reading]]:
        if self._last is not None:
            yield _within(grey, self._last, lambda patch: read_zxing(patch, _QR))
        yield read_zxing(grey, _QR)
        patches = busy_patches(grey)
        for window_px in _EVEN_PX:
            for patch in patches:
                yield _within(grey, patch, partial(_evenly, window_px=window_px))
        for patch in patches:
            yield _within(grey, patch, lambda part: read_zbar(resized(part, 2.0), _QR, scale=2.0))
            yield _within(grey, patch, lambda part: read_zbar(resized(255 - part, 2.0), _QR, scale=2.0))


def _evenly(part: Grey, window_px: int) -> list[Reading]:
    return read_zxing(resized(evened(part, window_px), 2.0), _QR, scale=2.0)


def _within(grey: Grey, box: Box, read: Callable[[Grey], list[Reading]]) -> list[Reading]:
    """What is read in a part of the picture, placed in the whole."""
    left, top, right, bottom = box
    part = np.ascontiguousarray(grey[top:bottom, left:right])
    if min(part.shape) < 1:
        return []
    return [
        Reading(
            symbology=each.symbology,
            text=each.text,
            reader=each.reader,
            rendering=each.rendering,
            corners_px=tuple((x + left, y + top) for x, y in each.corners_px),
        )
        for each in read(part)
    ]


def _around(reading: Reading, shape: tuple[int, ...]) -> Box:
    margin = _AROUND * reading.span_px
    xs, ys = zip(*reading.corners_px, strict=True)
    return (
        max(int(min(xs) - margin), 0),
        max(int(min(ys) - margin), 0),
        min(int(max(xs) + margin) + 1, shape[1]),
        min(int(max(ys) + margin) + 1, shape[0]),
    )


def evened(grey: Grey, window_px: int) -> Grey:
    """Each pixel between the darkest and lightest of its surroundings: glare and shade fall away, modules stay."""
    import cv2

    around = np.ones((window_px, window_px), np.uint8)
    low = cv2.blur(cv2.erode(grey, around), (window_px, window_px))
    high = cv2.blur(cv2.dilate(grey, around), (window_px, window_px))
    span = cv2.max(cv2.subtract(high, low), np.full_like(grey, 8))
    return np.asarray(cv2.divide(cv2.subtract(grey, low), span, scale=255), np.uint8)


def busy_patches(grey: Grey) -> list[Box]:
    """The places where edges of both directions crowd most, as a QR code's do and stripes' do not; busiest first."""
    import cv2

    small = cv2.resize(grey, (max(grey.shape[1] // 2, 1), max(grey.shape[0] // 2, 1)), interpolation=cv2.INTER_AREA)
    window = (_BUSY_PX // 2, _BUSY_PX // 2)
    across, down = (
        cv2.boxFilter(np.abs(cv2.Sobel(small, cv2.CV_16S, *axis)).astype(np.uint16), cv2.CV_32F, window)
        for axis in ((1, 0), (0, 1))
    )
    crowd = np.minimum(across, down) / 4  # Sobel sums four differences
    half = _PATCH_PX // 4
    found: list[Box] = []
    for _ in range(_PATCHES):
        _, most, _, (x, y) = cv2.minMaxLoc(crowd)
        if most < _BUSY:
            break
        crowd[max(y - half, 0) : y + half, max(x - half, 0) : x + half] = 0
        left, top = max(2 * x - _PATCH_PX // 2, 0), max(2 * y - _PATCH_PX // 2, 0)
        found.append((left, top, min(left + _PATCH_PX, grey.shape[1]), min(top + _PATCH_PX, grey.shape[0])))
    return found
