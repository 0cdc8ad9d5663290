"""Models on real footage: milliseconds a frame, and how good what they give is where the truth is known.

Detectors are scored on every tenth frame of PETS2009 S2L1 (vtest.avi): average precision at IoU 0.5 over all scores,
and precision and recall at the registry's own least score. Appearance is scored on people cut out by their true boxes:
the share of pairs of one person, eight seconds apart, that are more alike than pairs of two people (AUC).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.tracking_data import folder, pets_truth
from jwo_cli.estimate.pixels import Boxes, Embedder, Image
from jwo_cli.sensors.models.bench import bench
from jwo_cli.sensors.models.detectors import NetworkDetector
from jwo_cli.sensors.models.entry import DETECTORS, Entry, Head
from jwo_cli.sensors.models.opening import has_weights, open_embedder, open_session
from jwo_cli.sensors.models.registry import registry
from jwo_cli.sensors.models.suppression import overlaps

TITLE = "Models"
EVERY, APART, LEAST = 10, 56, 0.05  # vtest.avi has 7 frames a second: 56 are eight seconds
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Average precision over all scores; precision and recall at the registry's least score."""

    average: float
    precision: float
    recall: float


def run() -> str:
    """The section as Markdown."""
    weights = folder() / "models"
    os.environ.setdefault("JWO_MODELS", str(weights))
    entries = [entry for entry in registry() if has_weights(entry.name, role=entry.role)]
    if not entries:
        return f"No weights in {os.environ['JWO_MODELS']}: `jwo models pull`, or JWO_MODELS=DIR.\n"
    frames = _frames()
    if not frames:
        return f"No footage in {folder()}: nothing was measured.\n"
    image = frames[0][1]
    lines = [
        f"{image.shape[1]} × {image.shape[0]}, one thread, processor time from the image to the result; median of 30.",
        "",
        "| model | one | ms | slowest tenth, ms |",
        "|---|---|---|---|",
    ]
    for entry in entries:
        timing = bench(entry, image, frames=30)
        lines.append(f"| {entry.name} | {timing.unit} | {timing.cpu_ms:.1f} | {timing.slow_ms:.1f} |")
    lines += ["", f"People in vtest.avi, {sum(frame[0] % EVERY == 0 for frame in frames)} frames, IoU 0.5:", ""]
    lines += ["| detector | average precision | precision | recall | at score |", "|---|---|---|---|---|"]
    for entry in entries:
        if entry.head in DETECTORS:
            for tiles in (1, 2):
                found = quality(entry, frames, tiles)
                name = entry.name + (f", {tiles} × {tiles} tiles" if tiles > 1 else "")
                figures = f"{found.average:.3f} | {found.precision:.3f} | {found.recall:.3f} | {entry.score}"
                lines.append(f"| {name} | {figures} |")
    lines += ["", "The same person eight seconds later against other people (AUC), true boxes:", ""]
    lines += ["| appearance | AUC |", "|---|---|"]
    lines += [f"| {e.name} | {likeness(e, frames):.3f} |" for e in entries if e.head is Head.EMBEDDING]
    return "\n".join(lines) + "\n"


def _frames() -> list[tuple[int, Image, NDArray[np.int64], Floats]]:
    """Every tenth frame: its number, pixels, the people's ids and their boxes (corners)."""
    file = folder() / "pets2009" / "vtest.avi"
    if not file.is_file():
        return []
    truth = pets_truth(0)
    made = []
    capture = cv2.VideoCapture(str(file))
    number = -1
    while True:
        good, image = capture.read()
        number += 1
        if not good:
            break
        if number % EVERY in {0, APART % EVERY}:
            own = truth.frame == number
            place = truth.place[own]
            corners = np.concatenate([place[:, :2], place[:, :2] + place[:, 2:]], axis=1).astype(np.float32)
            made.append((number, np.asarray(image, dtype=np.uint8), truth.id[own], corners))
    return made


def quality(entry: Entry, frames: list[tuple[int, Image, NDArray[np.int64], Floats]], tiles: int) -> Quality:
    """How well a detector finds the true boxes."""
    detector = NetworkDetector(open_session(entry), entry, score=LEAST, tiles=tiles)
    scores, right, people = [], [], 0
    for number, image, _, corners in frames:
        if number % EVERY:
            continue
        found = detector.detect(image)
        scores.append(found.scores)
        right.append(_right(found, corners))
        people += len(corners)
    score, good = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(good[order])
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / people
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    average = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope))
    kept = score >= entry.score
    return Quality(average=average, precision=float(good[kept].mean()), recall=float(good[kept].sum() / people))


def _right(found: Boxes, corners: Floats) -> NDArray[np.bool_]:
    """Which boxes are somebody, each person once, the best box first."""
    good = np.zeros(len(found.scores), dtype=bool)
    shares = overlaps(found.corners_px, corners)
    for index in range(len(good)):
        if shares.shape[1] and shares[index].max() >= 0.5:
            good[index] = True
            shares[:, int(shares[index].argmax())] = 0
    return good


def likeness(entry: Entry, frames: list[tuple[int, Image, NDArray[np.int64], Floats]]) -> float:
    """AUC of telling the same person from others, eight seconds apart."""
    embedder = open_embedder(entry.name, role=entry.role)
    by_number = {number: (image, ids, corners) for number, image, ids, corners in frames}
    same, other = [], []
    for number in list(by_number)[::4]:
        if number + APART not in by_number:
            continue
        (one, first), (two, second) = (_people(embedder, *by_number[n]) for n in (number, number + APART))
        if len(first) and len(second):
            alike = first @ second.T
            equal = one[:, None] == two[None, :]
            same.append(alike[equal])
            other.append(alike[~equal])
    yes, no = np.concatenate(same), np.sort(np.concatenate(other))
    return float(np.searchsorted(no, yes).mean() / len(no))


def _people(
    embedder: Embedder, image: Image, ids: NDArray[np.int64], corners: Floats
) -> tuple[NDArray[np.int64], Floats]:
    whole = np.clip(corners.round().astype(int), 0, [image.shape[1], image.shape[0]] * 2)
    good = ((whole[:, 2:] - whole[:, :2]) >= 12).all(axis=1)
    crops = [image[top:bottom, left:right] for left, top, right, bottom in whole[good]]
    return ids[good], embedder.embed(crops)
