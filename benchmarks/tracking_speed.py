"""Tracking after detection against other people's trackers, on the same boxes, in the same run, on one core.

The peers are installed into an environment of their own, kept beside the system's temporary files; they are never
dependencies. Where they cannot be installed the table says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.__main__ import MISSED
from benchmarks.tracking import pets_boxes
from jwo_cli.estimate.tracking.core import Tracker, Watched
from jwo_cli.estimate.tracking.image import Frame, Occlusion, glimpses
from jwo_cli.estimate.tracking.runs import Detections, join_image, track_image
from jwo_cli.estimate.tracking.settings import TrackSettings

TITLE = "Tracking speed"
PEERS = ("trackers==2.1.0", "norfair==2.1.1", "motpy==0.0.10", "filterpy==1.4.5", "stonesoup==1.9.1")
# The original SORT as packaged asks for a numpy of its own time; it runs with today's.
COMPLETE = "complete-2"  # of another list of peers: install anew
ALONE = ("sort-track==0.0.8",)
HOME = Path(tempfile.gettempdir()) / "jwo-benchmark-peers"
TIMES, GNN_TIMES = 10, 300
ROUNDS = 3
SIZE_PX = (1920.0, 1080.0)


OURS = {"jwo, joined": "joined", "jwo, step": "step", "jwo, whole": "whole"}


def run() -> str:
    """Milliseconds a frame for each tracker, and how many times quicker ours is."""
    scenes = {"20 people": crowd(20, 200), "100 people": crowd(100, 60)}
    real = pets_boxes("fairmot-x1y1x2y2.txt")
    if real is not None:
        scenes = {"PETS2009, FairMOT boxes": real, **scenes}
    ours, peers, reason = _turns(scenes)
    head = (
        "Milliseconds of processor time a frame, ours and theirs by turns, the best of each. All boxes lie in memory "
        "beforehand, and every tracker gives each box an id. *Joined* is `jwo track mot --quick`: a recording's boxes "
        "joined over time in a few array operations, told as they are; the peers go frame by frame and filter what "
        "they tell. *Step* is our tracker frame by frame, as it runs live. *Whole* is `jwo track mot`: linking over "
        "long gaps, encounters judged again, smoothing. `×` is the peer's time over ours joined, in brackets over our "
        "step; Stone-Soup's target is held against the step, the others' against joined.\n\n"
    )
    lines = ["| tracker |" + "".join(f" {name} |  |" for name in scenes), "|---|" + "--:|--:|" * len(scenes)]
    lines += [f"| {name} |" + "".join(f" {ours[s][mode]:.3f} | |" for s in scenes) for name, mode in OURS.items()]
    verdicts = []
    for peer in next(iter(peers.values()), {}):
        cells = []
        for scene in scenes:
            took = peers[scene][peer]
            if isinstance(took, str):
                cells.append(f" {took[:60]} | |")
                continue
            joined, step = took / ours[scene]["joined"], took / ours[scene]["step"]
            cells.append(f" {took:.2f} | {joined:.0f}× ({step:.1f}×) |")
            verdicts += _verdict(peer, scene, joined, step)
        lines.append(f"| {peer} |" + "".join(cells))
    told = "\n".join(f"* {line}" for line in verdicts) or f"* the peers could not be run: {reason}"
    return f"{head}{told}\n\n" + "\n".join(lines) + "\n"


def _turns(
    scenes: dict[str, NDArray[np.float64]],
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float | str]], str]:
    """Ours and theirs by turns, the best of each: what else the machine does meanwhile hits both."""
    ours = {scene: dict.fromkeys(OURS.values(), float("inf")) for scene in scenes}
    peers: dict[str, dict[str, float | str]] = {}
    reason = ""
    for _ in range(ROUNDS):
        for scene, rows in scenes.items():
            best_of = ours[scene]
            best_of["joined"] = min(best_of["joined"], *(_recorded_ms(rows, join_image) for _ in range(ROUNDS)))
            best_of["step"] = min(best_of["step"], *(_online_ms(rows) for _ in range(ROUNDS)))
            best_of["whole"] = min(best_of["whole"], _recorded_ms(rows, track_image))
        found, reason = _peers(scenes)
        for scene, took in found.items():
            best = peers.setdefault(scene, dict(took))
            for peer, value in took.items():
                known = best[peer]
                if isinstance(value, float) and (isinstance(known, str) or value < known):
                    best[peer] = value
    return ours, peers, reason


def _verdict(peer: str, scene: str, joined: float, step: float) -> list[str]:
    gnn = peer.startswith("Stone")
    if gnn and scene != "100 people":
        return []
    times, target = (step, GNN_TIMES) if gnn else (joined, TIMES)
    return [f"{peer}, {scene}: {times:.0f}×, target {target}×: {'met' if times >= target else MISSED}"]


def crowd(people: int, frames: int, seed: int = 0) -> NDArray[np.float64]:
    """Boxes [m, 6] (frame, x1, y1, x2, y2, score) of people who cross a picture and bounce off its edges."""
    draw = np.random.default_rng(seed)
    place, walk = draw.uniform((0, 0), SIZE_PX, (people, 2)), draw.normal(0, 3, (people, 2))
    tall = draw.uniform(80, 200, people)
    half = np.column_stack((tall * 0.2, tall / 2))
    rows = []
    for frame in range(frames):
        place = place + walk
        walk = np.where((place < 0) | (place > SIZE_PX), -walk, walk)
        seen = draw.random(people) < 0.95
        centre = place[seen] + draw.normal(0, 2, (int(seen.sum()), 2))
        count = len(centre)
        rows.append(
            np.column_stack((np.full(count, frame), centre - half[seen], centre + half[seen], np.full(count, 0.9)))
        )
    return np.concatenate(rows)


def _online_ms(rows: NDArray[np.float64]) -> float:
    """Our tracker alone, frame by frame."""
    settings = TrackSettings()
    steps, count = rows[:, 0].astype(np.int64), int(rows[:, 0].max()) + 1
    boxes = np.column_stack((rows[:, 1:3], rows[:, 3:5] - rows[:, 1:3]))
    frames = glimpses(steps, boxes, rows[:, 5], np.zeros((len(rows), 0)), np.arange(count) / 10, settings)
    watched = Watched(detectable=Occlusion(settings), outside=Frame(rows[:, 3:5].max(axis=0), settings))
    tracker = Tracker(settings, watched)
    began = time.process_time()
    for frame in frames:
        tracker.feed([frame])
    return (time.process_time() - began) / count * 1000


def _recorded_ms(rows: NDArray[np.float64], way: Callable[[Detections, TrackSettings, float], object]) -> float:
    """Everything that `jwo track mot --fps 10` does between reading and writing, in one of its ways."""
    began = time.process_time()
    boxes = np.column_stack((rows[:, 1:3], rows[:, 3:5] - rows[:, 1:3]))
    seen = Detections(frame=rows[:, 0].astype(np.int64), box_px=boxes, score=rows[:, 5], look=np.zeros((len(rows), 0)))
    way(seen, TrackSettings(), 10.0)
    return (time.process_time() - began) / (int(rows[:, 0].max()) + 1) * 1000


def _peers(scenes: dict[str, NDArray[np.float64]]) -> tuple[dict[str, dict[str, float | str]], str]:
    """What the peers took, by scene and name; or nothing, and why."""
    python = HOME / "bin" / "python"
    try:
        if not (HOME / COMPLETE).exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True, capture_output=True)
            for what in (PEERS, ("--no-deps", *ALONE)):
                subprocess.run(
                    [str(python), "-m", "pip", "install", "-q", *what], check=True, capture_output=True, text=True
                )
            (HOME / COMPLETE).touch()
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "boxes.npz"
            np.savez(kept, allow_pickle=False, **scenes)
            worker = Path(__file__).with_name("peers_worker.py")
            done = subprocess.run([str(python), str(worker), str(kept)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return {}, said[-1] if said else "no reason was given"
    found: dict[str, dict[str, float | str]] = json.loads(done.stdout.splitlines()[-1])
    return found, ""
