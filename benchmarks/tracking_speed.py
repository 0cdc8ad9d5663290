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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.__main__ import MISSED
from benchmarks.tracking import pets_boxes
from jwo_cli.estimate.tracking.core import Tracker, Watched
from jwo_cli.estimate.tracking.image import Frame, Occlusion, glimpses
from jwo_cli.estimate.tracking.runs import Detections, track_image
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


def run() -> str:
    """Milliseconds a frame for each tracker, and how many times faster ours is."""
    scenes = {"20 people": crowd(20, 200), "100 people": crowd(100, 60)}
    real = pets_boxes("fairmot-x1y1x2y2.txt")
    if real is not None:
        scenes = {"PETS2009, FairMOT boxes": real, **scenes}
    ours, whole, peers, reason = _turns(scenes)
    head = (
        "Milliseconds of processor time a frame, ours and theirs by turns, the best of each. *Step* is our tracker "
        "frame by frame, which is what the peers do; *whole* adds what they do not: linking, encounters judged again, "
        "smoothing. `×` is the peer's time over our step's.\n\n"
    )
    lines = ["| tracker |" + "".join(f" {name} |  |" for name in scenes), "|---|" + "--:|--:|" * len(scenes)]
    lines.append("| jwo, step |" + "".join(f" {ours[name]:.3f} | |" for name in scenes))
    lines.append("| jwo, whole |" + "".join(f" {whole[name]:.3f} | |" for name in scenes))
    verdicts = []
    for peer in next(iter(peers.values()), {}):
        cells = []
        for scene in scenes:
            took = peers[scene][peer]
            if isinstance(took, str):
                cells.append(f" {took[:60]} | |")
                continue
            cells.append(f" {took:.2f} | {took / ours[scene]:.0f}× |")
            verdicts += _verdict(peer, scene, took / ours[scene])
        lines.append(f"| {peer} |" + "".join(cells))
    told = "\n".join(f"* {line}" for line in verdicts) or f"* the peers could not be run: {reason}"
    return f"{head}{told}\n\n" + "\n".join(lines) + "\n"


def _turns(
    scenes: dict[str, NDArray[np.float64]],
) -> tuple[dict[str, float], dict[str, float], dict[str, dict[str, float | str]], str]:
    """Ours and theirs by turns, the best of each: what else the machine does meanwhile hits both."""
    ours, whole = dict.fromkeys(scenes, float("inf")), dict.fromkeys(scenes, float("inf"))
    peers: dict[str, dict[str, float | str]] = {}
    reason = ""
    for _ in range(ROUNDS):
        for name, rows in scenes.items():
            ours[name] = min(ours[name], *(_online_ms(rows) for _ in range(ROUNDS)))
            whole[name] = min(whole[name], _whole_ms(rows))
        found, reason = _peers(scenes)
        for scene, took in found.items():
            best = peers.setdefault(scene, dict(took))
            for peer, value in took.items():
                known = best[peer]
                if isinstance(value, float) and (isinstance(known, str) or value < known):
                    best[peer] = value
    return ours, whole, peers, reason


def _verdict(peer: str, scene: str, times: float) -> list[str]:
    gnn = peer.startswith("Stone")
    if gnn and scene != "100 people":
        return []
    target = GNN_TIMES if gnn else TIMES
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


def _whole_ms(rows: NDArray[np.float64]) -> float:
    """Everything that `jwo track mot --fps 10` does between reading and writing."""
    boxes = np.column_stack((rows[:, 1:3], rows[:, 3:5] - rows[:, 1:3]))
    seen = Detections(frame=rows[:, 0].astype(np.int64), box_px=boxes, score=rows[:, 5], look=np.zeros((len(rows), 0)))
    began = time.process_time()
    track_image(seen, TrackSettings(), 10.0)
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
