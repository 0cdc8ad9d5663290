"""Following while it happens, on CMC's real boxes: how right, how late, how dear, and whether memory stays bounded.

Frames come one after another, camera after camera; nothing is known of what follows. The same scene is then played
again and again with pauses, as a store sees people come and go.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.__main__ import MISSED
from benchmarks.tracking import GATE_M
from benchmarks.tracking_data import Scene, cmc, folder
from jwo_cli.estimate.metrics.clear import clear
from jwo_cli.estimate.metrics.identity import identity
from jwo_cli.estimate.metrics.pairing import Rows, nearness, pair
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.tracking.doorways import Doorways
from jwo_cli.estimate.tracking.live import LiveFloor
from jwo_cli.model.observations import IdentityDoubted

TITLE = "Tracking, live"
CMC_HZ = 3.5  # frame numbers a second, as `jwo track floor` finds it from how people walk
PAUSE_S, ROUNDS = 30.0, 8
# Asked of whole recordings; live, the last 0.8 seconds are all that is known of the future.
ASKED = {"CMC1": (0.95, 0.95), "CMC2": (0.95, 0.97)}
GROWTH_MB = 8.0


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run over a scene told, and what it took."""

    found: Rows
    doubts: int
    late_s: float
    per_s: float  # seconds of one core for a second of the store


def run() -> str:
    """A table of the scenes, and a line about memory."""
    if not folder().is_dir():
        return "The real data is not here; JWO_SHARED_DATA names its place.\n"
    rows = []
    for name, (mota, idf1) in ASKED.items():
        scene = cmc(name)
        done = play(_floor(scene), scene)
        pairing = pair(scene.truth, done.found, nearness(GATE_M))
        reached = clear(pairing).mota, identity(pairing).idf1
        met = "met" if reached[0] >= mota and reached[1] >= idf1 else MISSED
        people = len(np.unique(scene.truth.id)), len(np.unique(done.found.id))
        rows.append(
            f"| {name} | {reached[0]:.3f} | {reached[1]:.3f} | {people[1]} for {people[0]} | {done.doubts} | "
            f"{done.late_s:.2f} | {done.per_s:.0%} | MOTA ≥ {mota}, IDF1 ≥ {idf1} | {met} |"
        )
    head = (
        "Frames as they come, four cameras; places are told once, at the latest so many seconds after their frame.\n\n"
        "| data | MOTA | IDF1 | ids for people | doubts | late, s | of one core | asked | |\n"
        "|---|--:|--:|---|--:|--:|--:|---|---|\n"
    )
    return head + "\n".join(rows) + "\n\n" + _memory() + "\n"


def _floor(scene: Scene) -> LiveFloor:
    views = {str(number): view for number, view in enumerate(scene.views)}
    return LiveFloor(views, Doorways(gates=(), edge=scene.floor))


def play(floor: LiveFloor, scene: Scene, *, from_s: float = 0.0, close: bool = True) -> Run:
    """A scene from `from_s` on, frame after frame."""
    frames = np.unique(np.concatenate([part.frame for part in scene.seen]))
    places: list[tuple[int, str, float, float]] = []
    doubts, late_s, began = 0, 0.0, time.perf_counter()
    for frame in frames.tolist():
        at_ns = round((from_s + frame / CMC_HZ) * 1e9)
        for camera, part in enumerate(scene.seen):
            boxes = part.box_px[part.frame == frame]
            corners = np.column_stack((boxes[:, :2], boxes[:, :2] + boxes[:, 2:])).astype(np.float32)
            scores = part.score[part.frame == frame].astype(np.float32)
            told = floor.feed(str(camera), at_ns, Boxes(corners_px=corners, scores=scores))
            doubts += sum(isinstance(each, IdentityDoubted) for each in told.news)
            for each in told.standing:
                late_s = max(late_s, (at_ns - each.at_ns) / 1e9)
                number = round((each.at_ns / 1e9 - from_s) * CMC_HZ)
                places += [(number, name, *xy) for name, xy in zip(each.track_ids, each.xy_m.tolist(), strict=True)]
    if close:
        for each in floor.close().standing:
            number = round((each.at_ns / 1e9 - from_s) * CMC_HZ)
            places += [(number, name, *xy) for name, xy in zip(each.track_ids, each.xy_m.tolist(), strict=True)]
    took = time.perf_counter() - began
    _, ids = np.unique([name for _, name, _, _ in places], return_inverse=True)
    found = Rows(
        frame=np.array([number for number, *_ in places], np.int64),
        id=ids.astype(np.int64),
        place=np.array([(x, y) for *_, x, y in places]).reshape(-1, 2),
    )
    return Run(found=found, doubts=doubts, late_s=late_s, per_s=took / (len(frames) / CMC_HZ))


def _memory() -> str:
    scene = cmc("CMC2")
    floor = _floor(scene)
    long_s = (int(scene.truth.frame.max()) + 1) / CMC_HZ + PAUSE_S
    most: list[tuple[float, int]] = []
    for number in range(ROUNDS):
        play(floor, scene, from_s=number * long_s, close=False)
        most.append((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, floor.held))
    growth = most[-1][0] - most[ROUNDS // 2 - 1][0]
    met = "met" if growth <= GROWTH_MB else MISSED
    return (
        f"CMC2 {ROUNDS} times, {ROUNDS * long_s / 60:.0f} minutes: most that was resident grew by {growth:.1f} MB over "
        f"the second half, target ≤ {GROWTH_MB:.0f} MB: {met}. People remembered at the end {most[-1][1]}."
    )
