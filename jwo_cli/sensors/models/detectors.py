"""People in images by a network: one interface, whatever the family of the export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Boxes, Image
from jwo_cli.sensors.models import heads
from jwo_cli.sensors.models.entry import Entry, Head
from jwo_cli.sensors.models.fitting import Floats, fit, normalised
from jwo_cli.sensors.models.session import Session
from jwo_cli.sensors.models.suppression import best_first

CUT_PX = 4  # a box that ends this near to the edge of its tile goes on beyond it


class NetworkDetector:
    """A detector (`estimate.pixels.Detector`). `score` replaces the registry's least score.

    `tiles` cuts images into that many rows and columns, overlapping by a fifth, and looks at each and at the whole: for
    small people in large images, at (tiles² + 1) times the cost.
    """

    def __init__(self, session: Session, entry: Entry, *, score: float | None = None, tiles: int = 1) -> None:
        self.entry = entry
        self.score = entry.score if score is None else score
        self.tiles = tiles
        self._session = session

    def detect(self, image: Image) -> Boxes:
        """Everybody in the image, best first, above the least score, inside the image."""
        parts = [self._one(image)]
        for left, top, part in _cut_up(image, self.tiles):
            corners, scores = self._one(part)
            shift = np.array([left, top, left, top], dtype=np.float32)
            whole = _whole(corners, part.shape[:2], (left, top), image.shape[:2])
            parts.append((corners[whole] + shift, scores[whole]))
        corners = np.concatenate([part[0] for part in parts])
        scores = np.concatenate([part[1] for part in parts])
        overlap = self.entry.overlap if self.tiles == 1 else min(self.entry.overlap, 0.65)
        kept = best_first(corners, scores, at_least=self.score, overlap=overlap)
        inside = clipped(kept.corners_px, image.shape[0], image.shape[1])
        return best_first(inside, kept.scores, at_least=self.score)

    def _one(self, image: Image) -> tuple[Floats, Floats]:
        form = self.entry.form
        canvas, where = fit(image, form)
        tensor = normalised(canvas, form)
        high, wide = canvas.shape[:2]
        outputs = self._session.run(_feeds(self._session, tensor, high, wide))
        corners, scores = decoded(self.entry, outputs, high, wide)
        near = scores >= self.score  # most cells are empty: only what may count is projected back
        return where.back_boxes(corners[near]), scores[near]


def decoded(entry: Entry, outputs: Sequence[NDArray[Any]], high: int, wide: int) -> tuple[Floats, Floats]:
    """A network's outputs as corners in its input and scores of the class that the entry asks for."""
    label = entry.label
    match entry.head:
        case Head.YOLOX:
            return heads.yolox(outputs, high, wide, label)
        case Head.NANODET:
            return heads.nanodet(outputs, high, wide, label, classes=entry.classes, middle=entry.middle)
        case Head.RTMDET:
            return heads.rtmdet(outputs, high, wide, label)
        case Head.DETR:
            return heads.detr(outputs, high, wide, label)
        case Head.YOLOV8:
            return heads.yolov8(outputs, high, wide, label)
        case _:
            raise ValueError(f"{entry.name} is no detector")


def clipped(corners: Floats, rows: int, columns: int) -> Floats:
    """Boxes cut at the image's edges, half a pixel around the middles of its outermost pixels."""
    low = np.float32(-0.5)
    high = np.array([columns - 0.5, rows - 0.5, columns - 0.5, rows - 0.5], dtype=np.float32)
    return np.asarray(np.minimum(np.maximum(corners, low), high), dtype=np.float32)


def _whole(corners: Floats, size: tuple[int, ...], place: tuple[int, int], whole: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes of a tile are not cut by an edge that is inside the image: a neighbour sees those people better."""
    (rows, columns), (left, top) = size[:2], place
    low = np.where([left > 0, top > 0], CUT_PX, -np.inf)
    inner = [left + columns < whole[1], top + rows < whole[0]]
    high = np.where(inner, np.array([columns, rows]) - CUT_PX, np.inf)
    return np.asarray(np.all((corners[:, :2] >= low) & (corners[:, 2:] <= high), axis=1), dtype=bool)


def _feeds(session: Session, tensor: NDArray[Any], high: int, wide: int) -> dict[str, NDArray[Any]]:
    """The image, and for exports that scale their boxes themselves (RT-DETR, D-FINE) the size: width, height."""
    feeds: dict[str, NDArray[Any]] = {session.inputs[0]: tensor}
    if len(session.inputs) > 1:
        feeds[session.inputs[1]] = np.array([[wide, high]], dtype=np.int64)
    return feeds


def _cut_up(image: Image, tiles: int) -> list[tuple[int, int, Image]]:
    """Left, top and pixels of the tiles; none for 1."""
    if tiles <= 1:
        return []
    rows, columns = image.shape[:2]
    spans = [_spans(length, tiles) for length in (rows, columns)]
    return [
        (left, top, np.ascontiguousarray(image[top:bottom, left:right]))
        for top, bottom in spans[0]
        for left, right in spans[1]
    ]


def _spans(length: int, tiles: int) -> list[tuple[int, int]]:
    size = round(length * 1.2 / (tiles + 0.2))  # neighbours share a fifth of their length, about
    starts = np.linspace(0, length - size, tiles).round().astype(int)
    return [(int(start), int(start) + size) for start in starts]
