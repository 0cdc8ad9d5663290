"""What detectors' outputs mean: from raw arrays to corners [n, 4] in the input's pixels and scores [n] of one class.

One pure function for each family of exports. Boxes count edges of the input; nothing is suppressed here. An output that
a head cannot read raises UserError with the shapes that it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

Floats = NDArray[np.float32]
STRIDES = (8, 16, 32)


def yolox(outputs: Sequence[Floats], high: int, wide: int, label: int) -> tuple[Floats, Floats]:
    """YOLOX, undecoded: [1, n, 5 + classes] of centre offsets, log sizes, objectness, classes (sigmoids taken).

    centre = (offset + cell) · stride, size = exp(log size) · stride (Ge et al. 2021, `demo_postprocess`).
    """
    raw = _single(outputs, "YOLOX", "[1, cells, 5 + classes]")
    cells, strides = grid(high, wide, STRIDES)
    if raw.shape[0] != len(cells) or raw.shape[1] < 6 + label:
        _refuse("YOLOX", outputs, f"[1, {len(cells)}, 5 + classes] for an input of {high}×{wide}")
    centre = (raw[:, :2] + cells) * strides[:, None]
    size = np.exp(np.clip(raw[:, 2:4], -20, 20)) * strides[:, None]
    return _corners(centre.astype(np.float32), size.astype(np.float32)), np.asarray(
        raw[:, 4] * raw[:, 5 + label], dtype=np.float32
    )


def nanodet(
    outputs: Sequence[Floats], high: int, wide: int, label: int, *, classes: int = 80, middle: float = 0.5
) -> tuple[Floats, Floats]:
    """NanoDet: per stride class scores [1, n, classes] and distributions of four distances [1, n, 4 · bins], or as one.

    A distance is the expectation of its softmax over whole strides (Li et al. 2020, generalised focal loss). `middle`
    is where in its cell a point lies: 0.5, or 0 for NanoDet-Plus. One output [1, n, classes + 4 · bins] has its strides
    one after another, the classes first.
    """
    scores, distances, cells, strides = _nanodet_parts(outputs, high, wide, classes)
    bins = distances.shape[1] // 4
    raw = distances.reshape(-1, 4, bins)
    weights = np.exp(raw - raw.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    sides = (weights @ np.arange(bins, dtype=np.float32)) * strides[:, None]
    points = (cells + np.float32(middle)) * strides[:, None]
    corners = np.concatenate([points - sides[:, :2], points + sides[:, 2:]], axis=1)
    return np.asarray(corners, dtype=np.float32), np.asarray(_class(scores, label, outputs), dtype=np.float32)


def _nanodet_parts(
    outputs: Sequence[Floats], high: int, wide: int, classes: int
) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    known = "[1, n, classes] and [1, n, 4 · bins] a stride, or [1, cells, classes + 4 · bins]"
    flat = [np.asarray(output)[0] for output in outputs if output.ndim == 3 and output.shape[0] == 1]
    if len(flat) != len(outputs):
        _refuse("NanoDet", outputs, known)
    counts = {stride: len(grid(high, wide, (stride,))[0]) for stride in (*STRIDES, 64)}
    if len(flat) == 1:
        strides = next((some for some in ((*STRIDES, 64), STRIDES) if sum(counts[s] for s in some) == len(flat[0])), ())
        if not strides or flat[0].shape[1] < classes + 8 or (flat[0].shape[1] - classes) % 4:
            _refuse("NanoDet", outputs, known)
        cells, each = grid(high, wide, strides)
        return flat[0][:, :classes], flat[0][:, classes:], cells, each
    pairs: list[tuple[int, Floats, Floats]] = []
    for stride, count in counts.items():
        own = [part for part in flat if len(part) == count]
        first = [part for part in own if part.shape[1] == classes]
        second = [part for part in own if part.shape[1] != classes and part.shape[1] % 4 == 0]
        if len(first) == 1 and len(second) == 1:
            pairs.append((stride, first[0], second[0]))
    if not pairs or 2 * len(pairs) != len(flat):
        _refuse("NanoDet", outputs, known)
    cells, each = grid(high, wide, [pair[0] for pair in pairs])
    return np.concatenate([pair[1] for pair in pairs]), np.concatenate([pair[2] for pair in pairs]), cells, each


def rtmdet(outputs: Sequence[Floats], high: int, wide: int, label: int) -> tuple[Floats, Floats]:
    """RTMDet: `dets` [1, n, 5] and `labels` [1, n], or per stride logits [1, classes, h, w] and distances [1, 4, h, w].

    Raw distances are in pixels already, from the corner of the cell (Lyu et al. 2022; mmdetection's offset is 0).
    """
    dets = [part for part in outputs if part.ndim == 3 and part.shape[2] == 5]
    labels = [part for part in outputs if part.ndim == 2]
    if len(dets) == 1 and len(labels) == 1:
        found = np.asarray(dets[0][0], dtype=np.float32)
        scores = np.where(np.asarray(labels[0][0]).astype(np.int64) == label, found[:, 4], 0)
        return found[:, :4], np.asarray(scores, dtype=np.float32)
    corners, scores_of = [], []
    for stride in STRIDES:
        rows, columns = -(-high // stride), -(-wide // stride)
        own = [part[0] for part in outputs if part.ndim == 4 and part.shape[2:] == (rows, columns)]
        sides = [part for part in own if part.shape[0] == 4]
        classes = [part for part in own if part.shape[0] != 4]
        if len(sides) != 1 or len(classes) != 1:
            known = "dets [1, n, 5] and labels [1, n], or [1, classes, h, w] and [1, 4, h, w] for strides 8, 16, 32"
            _refuse("RTMDet", outputs, known)
        cells, strides = grid(high, wide, (stride,))
        points = cells * strides[:, None]
        reach = sides[0].reshape(4, -1).T
        corners.append(np.concatenate([points - reach[:, :2], points + reach[:, 2:]], axis=1))
        scores_of.append(_sigmoid(_class(classes[0].reshape(classes[0].shape[0], -1).T, label, outputs)))
    return np.concatenate(corners).astype(np.float32), np.concatenate(scores_of).astype(np.float32)


def detr(outputs: Sequence[Floats], high: int, wide: int, label: int) -> tuple[Floats, Floats]:
    """RT-DETR, D-FINE: labels [1, n], boxes [1, n, 4], scores [1, n]; or logits with boxes; or both in one.

    With labels, boxes are corners in the size that the graph was told (ours: the input's). Without, boxes are centre
    and size as shares of the input, logits [1, n, classes] want a sigmoid, and one output [1, n, 4 + classes] has
    scores. Every query stands for one object at most: nothing needs to be suppressed.
    """
    threes = [np.asarray(part[0], dtype=np.float32) for part in outputs if part.ndim == 3]
    twos = [np.asarray(part[0]) for part in outputs if part.ndim == 2]
    boxes = [part for part in threes if part.shape[1] == 4]
    if len(twos) == 2 and len(boxes) == 1:
        whole = [np.issubdtype(part.dtype, np.integer) for part in twos]
        labels, scores = (twos[0], twos[1]) if whole[0] or not whole[1] else (twos[1], twos[0])
        return boxes[0], np.where(labels.astype(np.int64) == label, scores, 0).astype(np.float32)
    if not twos and len(threes) == 2 and boxes:
        logits = threes[1] if threes[0] is boxes[0] else threes[0]
        shares, scores = boxes[0], _sigmoid(_class(logits, label, outputs))
    elif not twos and len(threes) == 1 and threes[0].shape[1] > 4 + label:
        shares, scores = threes[0][:, :4], threes[0][:, 4 + label]
    else:
        known = "labels [1, n], boxes [1, n, 4] and scores [1, n]; logits and boxes; or [1, n, 4 + classes]"
        _refuse("RT-DETR", outputs, known)
    size = np.array([wide, high], dtype=np.float32)
    return _corners(shares[:, :2] * size, shares[:, 2:] * size), np.asarray(scores, dtype=np.float32)


def yolov8(outputs: Sequence[Floats], high: int, wide: int, label: int) -> tuple[Floats, Floats]:
    """YOLOv8-style: [1, 4 + classes, cells] of centre, size in pixels and scores, or with suppression [1, n, 6].

    [1, n, 6] is left, top, right, bottom, score, class (YOLOv10, and exports with suppression inside).
    """
    raw = _single(outputs, "YOLOv8", "[1, 4 + classes, cells] or [1, n, 6]")
    cells = len(grid(high, wide, STRIDES)[0])
    if raw.shape[1] == cells or (raw.shape[1] > raw.shape[0] and raw.shape[1] != 6):
        raw = raw.T
    elif raw.shape[1] == 6 and raw.shape[0] != cells:
        scores = np.where(raw[:, 5].astype(np.int64) == label, raw[:, 4], 0)
        return raw[:, :4], np.asarray(scores, dtype=np.float32)
    if raw.shape[1] < 5 + label:
        _refuse("YOLOv8", outputs, f"[1, 4 + classes, {cells}] or [1, n, 6]")
    return _corners(raw[:, :2], raw[:, 2:4]), np.asarray(raw[:, 4 + label], dtype=np.float32)


def grid(high: int, wide: int, strides: Sequence[int]) -> tuple[Floats, NDArray[np.int64]]:
    """Cells of an input at several strides, row by row: column and row [n, 2], and each one's stride [n]."""
    parts = []
    each = []
    for stride in strides:
        rows, columns = np.indices((-(-high // stride), -(-wide // stride)))
        parts.append(np.column_stack([columns.ravel(), rows.ravel()]))
        each.append(np.full(rows.size, stride, dtype=np.int64))
    return np.concatenate(parts).astype(np.float32), np.concatenate(each)


def _corners(centre: Floats, size: Floats) -> Floats:
    half = size / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def _class(scores: Floats, label: int, outputs: Sequence[Floats]) -> Floats:
    if scores.shape[1] <= label:
        given = ", ".join(str(list(output.shape)) for output in outputs)
        problem = f"the model gives {given}: {scores.shape[1]} classes, but class {label} is asked for"
        raise UserError(problem, fix="Correct `label` in the registry; classes count from 0.")
    return np.asarray(scores[:, label], dtype=np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), dtype=np.float32)


def _single(outputs: Sequence[Floats], family: str, known: str) -> Floats:
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[0] != 1:
        _refuse(family, outputs, known)
    return np.asarray(outputs[0][0], dtype=np.float32)


def _refuse(family: str, outputs: Sequence[Floats], known: str) -> NoReturn:
    given = ", ".join(str(list(output.shape)) for output in outputs)
    raise UserError(
        f"the model gives {given}, which is no {family} head",
        fix=f"Its `head` in the registry must fit its export; this one reads {known}.",
    )
