"""`jwo models bench`: processor time a frame, from the image to people, key points or a vector."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jwo_cli.estimate.pixels import Boxes, Image
from jwo_cli.sensors.models.detectors import NetworkDetector
from jwo_cli.sensors.models.embedding import NetworkEmbedder
from jwo_cli.sensors.models.entry import DETECTORS, Entry, Head
from jwo_cli.sensors.models.opening import open_session
from jwo_cli.sensors.models.posing import CropPoses, ManyPoses

WARM = 3  # the first runs allocate


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of processor time, all threads together, for one frame or crop: median and the slowest tenth."""

    name: str
    unit: str
    frames: int
    cpu_ms: float
    slow_ms: float
    wall_ms: float


def bench(entry: Entry, image: Image, *, frames: int = 50, threads: int = 1) -> Timing:
    """How long one model takes for the image. Raises UserError as `opening`."""
    work = _work(entry, image, threads)
    for _ in range(WARM):
        work()
    cpu, wall = np.zeros(frames), np.zeros(frames)
    for turn in range(frames):
        began, began_wall = time.process_time_ns(), time.perf_counter_ns()
        work()
        cpu[turn], wall[turn] = time.process_time_ns() - began, time.perf_counter_ns() - began_wall
    crops = entry.head in {Head.MOVENET_ONE, Head.SIMCC, Head.EMBEDDING}
    return Timing(
        name=entry.name, unit="crop" if crops else "frame", frames=frames, cpu_ms=float(np.median(cpu)) / 1e6,
        slow_ms=float(np.quantile(cpu, 0.9)) / 1e6, wall_ms=float(np.median(wall)) / 1e6,
    )  # fmt: skip


def made_image(high: int = 720, wide: int = 1280) -> Image:
    """A frame for timing when none is given: the same each time, neither empty nor compressible to nothing."""
    rows, columns = np.indices((high, wide))
    grey = (rows * 7 + columns * 13 + (rows * columns) // 97) % 256
    return np.stack([grey, (grey * 3) % 256, 255 - grey], axis=2).astype(np.uint8)


def _work(entry: Entry, image: Image, threads: int) -> Callable[[], object]:
    session = open_session(entry, threads=threads)
    high, wide = image.shape[:2]
    if entry.head in DETECTORS:
        detector = NetworkDetector(session, entry)
        return lambda: detector.detect(image)
    if entry.head is Head.MOVENET_MANY:
        many = ManyPoses(session, entry)
        return lambda: many.poses(image)
    box = np.array([[wide * 0.4, high * 0.1, wide * 0.6, high * 0.9]], dtype=np.float32)
    if entry.head is Head.EMBEDDING:
        embedder = NetworkEmbedder(session, entry)
        left, top, right, bottom = (int(value) for value in box[0])
        return lambda: embedder.embed([image[top:bottom, left:right]])
    crops = CropPoses(session, entry)
    return lambda: crops.in_boxes(image, Boxes(corners_px=box, scores=np.ones(1, dtype=np.float32)))
