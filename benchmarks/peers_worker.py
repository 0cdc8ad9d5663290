"""Runs other people's trackers on boxes, in an environment of their own: `python peers_worker.py BOXES.npz`.

Prints JSON: milliseconds a frame for each tracker that can be imported, or the sentence why not. Nothing of ours is
imported here, and nothing of theirs anywhere else.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Frames = list[Any]  # per frame an array [m, 5] of x1, y1, x2, y2, score


def original_sort(frames: Frames) -> float:
    """SORT as its authors wrote it, on filterpy; the sixth column is a class."""
    tracker = importlib.import_module("sort.tracker").SortTracker()
    seen = [np.column_stack((boxes, np.zeros(len(boxes)))) for boxes in frames]
    return _timed(seen, lambda boxes: tracker.update(boxes, None))


def roboflow(name: str, frames: Frames) -> float:
    """SORT or ByteTrack as the package `trackers` has them."""
    supervision = importlib.import_module("supervision")
    tracker = getattr(importlib.import_module("trackers"), name)()
    seen = [
        supervision.Detections(xyxy=boxes[:, :4], confidence=boxes[:, 4], class_id=np.zeros(len(boxes), int))
        for boxes in frames
    ]
    return _timed(seen, tracker.update)


def norfair(frames: Frames) -> float:
    """Norfair on boxes, with its IoU distance."""
    package = importlib.import_module("norfair")
    tracker = package.Tracker(distance_function="iou", distance_threshold=0.7)
    seen = [
        [package.Detection(points=box[:4].reshape(2, 2), scores=np.full(2, box[4])) for box in boxes]
        for boxes in frames
    ]
    return _timed(seen, tracker.update)


def motpy(frames: Frames) -> float:
    """Motpy with its default constant-velocity model."""
    package = importlib.import_module("motpy")
    tracker = package.MultiObjectTracker(dt=0.1)
    seen = [[package.Detection(box=box[:4], score=box[4]) for box in boxes] for boxes in frames]
    return _timed(seen, tracker.step)


def stonesoup(frames: Frames) -> float:
    """Stone-Soup's global nearest neighbour on box centres: predict, hypothesise, assign, update as in its tutorial."""

    def part(module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"stonesoup.{module}"), name)

    walk = part("models.transition.linear", "ConstantVelocity")(1.0)
    motion = part("models.transition.linear", "CombinedLinearGaussianTransitionModel")([walk, walk])
    sensor = part("models.measurement.linear", "LinearGaussian")(4, (0, 2), np.diag([9.0, 9.0]))
    predictor = part("predictor.kalman", "KalmanPredictor")(motion)
    updater = part("updater.kalman", "KalmanUpdater")(sensor)
    measure = part("measures", "Mahalanobis")()
    hypothesiser = part("hypothesiser.distance", "DistanceHypothesiser")(predictor, updater, measure, missed_distance=4)
    associator = part("dataassociator.neighbour", "GNNWith2DAssignment")(hypothesiser)
    detection, state = part("types.detection", "Detection"), part("types.state", "GaussianState")
    track = part("types.track", "Track")
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    tracks = {
        track([state([[x], [0], [y], [0]], np.diag([9, 25, 9, 25]), timestamp=start)]) for x, y in _centres(frames[0])
    }
    seen = []
    for number, boxes in enumerate(frames[1:], start=1):
        at = start + dt.timedelta(seconds=number / 10)
        seen.append(
            (at, {detection(np.array([[x], [y]]), timestamp=at, measurement_model=sensor) for x, y in _centres(boxes)})
        )

    def step(frame: Any) -> None:
        at, found = frame
        for each, hypothesis in associator.associate(tracks, found, at).items():
            each.append(updater.update(hypothesis) if hypothesis.measurement else hypothesis.prediction)

    return _timed(seen, step)


def _centres(boxes: Any) -> Iterator[tuple[float, float]]:
    for box in boxes:
        yield float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2


def _timed(seen: list[Any], step: Callable[[Any], object]) -> float:
    began = time.process_time()
    for frame in seen:
        step(frame)
    return (time.process_time() - began) / len(seen) * 1000


def main() -> None:
    """Every tracker on every set of boxes of the file."""
    peers: dict[str, Callable[[Frames], float]] = {
        "SORT": original_sort,
        "SORT (trackers)": lambda frames: roboflow("SORTTracker", frames),
        "ByteTrack (trackers)": lambda frames: roboflow("ByteTrackTracker", frames),
        "norfair": norfair,
        "motpy": motpy,
        "Stone-Soup GNN": stonesoup,
    }
    told: dict[str, dict[str, float | str]] = {}
    with np.load(sys.argv[1]) as kept:
        for scene in kept.files:
            rows = kept[scene]
            frames = [rows[rows[:, 0] == frame, 1:] for frame in np.unique(rows[:, 0])]
            told[scene] = {}
            for name, run in peers.items():
                try:
                    told[scene][name] = run(frames[:4] if name.startswith("Stone") else frames)
                except Exception as error:  # noqa: BLE001 - whatever a peer fails with is told, not hidden
                    told[scene][name] = f"{type(error).__name__}: {error}"
    print(json.dumps(told))


if __name__ == "__main__":
    main()
