"""How much faster than time: loading a recording, and replaying it into a journal with every sync it takes.

Counted in seconds of one core (process time), which a neighbour on the same machine does not change; what the clock on
the wall said stands beside it.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path

from benchmarks.__main__ import MISSED
from benchmarks.material import cases
from jwo_cli import journal
from jwo_cli.drive.replay import replay
from jwo_cli.recordings import Recording, open_recording

TITLE = "Replay speed"
LOAD_TARGET, REPLAY_TARGET = 20, 100
ROUNDS = 3


def run() -> str:
    """A table over all cases: loading and replaying as multiples of recorded time; best of three replays."""
    rows, recorded, loading, replaying, slowest = [], 0.0, 0.0, 0.0, float("inf")
    for folder in cases():
        began = time.process_time()
        recording = open_recording(folder)
        signals = tuple(recording.signals())
        load_s = time.process_time() - began
        loaded = dataclasses.replace(recording, read_signals=signals.__iter__)
        replay_s, wall_s = min(_replay_s(loaded) for _ in range(ROUNDS))
        length_s = recording.duration_s
        rows.append(
            f"| {recording.name} | {length_s:.0f} | {length_s / load_s:.0f}× | {length_s / replay_s:.0f}× | "
            f"{length_s / wall_s:.0f}× |"
        )
        recorded, loading, replaying = recorded + length_s, loading + load_s, replaying + replay_s
        slowest = min(slowest, length_s / replay_s)
    plates = len(recording.store.plates())
    head = (
        f"Stores of {plates} plates at 60 Hz. Loading reads and checks every file. Replaying is perception, engine and "
        "journal (synchronous, one transaction a recorded second), after loading. Multiples of recorded time by the "
        "seconds of one core; the last column by the clock on the wall, syncs and neighbours included.\n\n"
        f"* loading: {recorded / loading:.0f}× recorded time, target {LOAD_TARGET}×: "
        f"{_met(recorded / loading, LOAD_TARGET)}\n"
        f"* replaying: {recorded / replaying:.0f}×, slowest case {slowest:.0f}×, target {REPLAY_TARGET}×: "
        f"{_met(slowest, REPLAY_TARGET)}\n\n"
        "| recording | seconds | loading | replaying | on the wall |\n|---|--:|--:|--:|--:|\n"
    )
    return head + "\n".join(rows) + "\n"


def _met(value: float, target: float) -> str:
    return "met" if value >= target else MISSED


def _replay_s(recording: Recording) -> tuple[float, float]:
    """Seconds of one core, and on the wall."""
    store = recording.store
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "journal"
        with journal.Intake.open(place, store_id=store.store_id, layout_version=store.version) as intake:
            began, wall = time.process_time(), time.perf_counter()
            replay(recording, intake=intake)
            return time.process_time() - began, time.perf_counter() - wall
