"""What it costs to load, keep and write back a recording: raw documents against our own folder, and bytes on disk."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.__main__ import MISSED
from benchmarks.material import cases
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.recordings import Recording, export_autocheckout, open_recording, write_recording

TITLE = "Loading recordings"
TARGET = 20
ROUNDS = 3


def run() -> str:
    """Totals over all cases, best of three each, as multiples of recorded time."""
    steps = ("loading AutoCheckout documents", "loading our recording", "writing documents", "writing our recording")
    spent = dict.fromkeys(steps, 0.0)
    recorded, samples, on_disk = 0.0, 0, 0
    for folder in cases():
        original = open_recording(folder)
        with tempfile.TemporaryDirectory() as place:
            times = _measure(original, Path(place))
            for step, seconds in zip(steps, times, strict=True):
                spent[step] += seconds
            on_disk += sum(file.stat().st_size for file in Path(place).glob("ours-0/streams/weights-*.parquet"))
        recorded += original.duration_s
        samples += sum(signal.grams.size for signal in original.signals() if isinstance(signal, WeightBatch))
    rows = [f"| {step} | {recorded / seconds:.0f}× |" for step, seconds in spent.items()]
    loading = min(recorded / seconds for step, seconds in spent.items() if step.startswith("loading"))
    met = "met" if loading >= TARGET else MISSED
    return (
        f"{recorded:.0f} s of recordings. Loading opens, checks and reads every signal; both forms give the same bits. "
        f"Writing syncs every file. Target for loading {TARGET}×: {met}.\n\n"
        f"| step | times recorded time |\n|---|--:|\n" + "\n".join(rows) + "\n\n"
        f"Weights take {on_disk / samples:.2f} bytes a sample in our recordings.\n"
    )


def _measure(recording: Recording, place: Path) -> tuple[float, float, float, float]:
    """Seconds to load documents, load ours, write documents, write ours; the best of some rounds."""
    rounds = []
    for number in range(ROUNDS):
        theirs, ours = place / f"theirs-{number}", place / f"ours-{number}"
        writing_theirs = _timed(partial(export_autocheckout, recording, theirs))
        writing_ours = _timed(partial(_write, recording, ours))
        rounds.append((_timed(partial(_load, theirs)), _timed(partial(_load, ours)), writing_theirs, writing_ours))
    a, b, c, d = (min(times) for times in zip(*rounds, strict=True))
    return a, b, c, d


def _timed(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _load(path: Path) -> int:
    return sum(1 for _ in open_recording(path).signals())


def _write(recording: Recording, path: Path) -> None:
    write_recording(
        path,
        name=recording.name,
        store=recording.store,
        start_ns=recording.start_ns,
        staff=recording.staff,
        signals=recording.signals(),
        source=recording.source,
    )
