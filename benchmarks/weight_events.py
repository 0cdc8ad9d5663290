"""What the scales alone tell: weight changes found, missed and invented, and whether their sigmas mean what they say.

    python -m benchmarks weight_events

Every case of nanostore-dev goes through the weight front end, as recorded and with the real recording's own noise
added to the same plates (its residual, so that the sum shakes 1.5 and 2 times as much). A change is found when one on
the event's plates agrees in time and within 8 g or 5 %; false when it matches nothing, is likelier real than not, and
moves more than 15 g. A lift that was put down again may be told as two changes.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import cases
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.weight import Change, WeightFront
from jwo_cli.model.layout import Store
from jwo_cli.recordings import open_recording
from jwo_cli.recordings.truth import TrueEvent

TITLE = "Weight changes alone"
NEAR_NS = 400_000_000
LARGEST_FALSE_G = 15.0
MAINS = {1.0: 0.0, 1.5: 1.12, 2.0: 1.73}  # how much louder -> how much real noise is added: sqrt(k^2 - 1)
TARGET_FOUND, TARGET_FALSE = 0.99, 0.01
Noise = dict[str, NDArray[np.float64]]


@dataclasses.dataclass(slots=True)
class Score:
    """Counts and errors of one class of events."""

    wanted: int = 0
    found: int = 0
    errors_g: list[float] = dataclasses.field(default_factory=list)
    scores: list[float] = dataclasses.field(default_factory=list)
    late_s: list[float] = dataclasses.field(default_factory=list)


def run() -> str:
    """A table per loudness, by kind of event, and the speed of this part alone."""
    folders = [folder for folder in cases() if (folder / "truth.json").exists() and "dev" in folder.name]
    real = [folder for folder in cases() if folder.name == "BENCHMARK-1"]
    if not folders or not real:
        return f"## {TITLE}\n\nThe real data is not here; nothing was measured.\n"
    noise = real_noise(real[0])
    parts = [f"## {TITLE}\n"]
    for louder, added in MAINS.items():
        parts.append(_table(louder, *measure(folders, noise, added)))
    return "\n".join(parts)


def real_noise(folder: Path) -> Noise:
    """Residual [n, channels] of each device of the real recording: less its median and without its one step."""
    recording = open_recording(folder)
    stacks: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    names: dict[str, tuple[str, ...]] = {}
    for signal in recording.signals():
        if isinstance(signal, WeightBatch):
            stacks[signal.device_id].append(signal.grams)
            names[signal.device_id] = signal.channels
    out: Noise = {}
    for device, parts in stacks.items():
        samples = np.concatenate(parts).astype(np.float64)
        if "g1:5:11" in names[device]:
            column = names[device].index("g1:5:11")
            samples[742:, column] += 623.0
            samples[720:750, column] = samples[600:630, column]
        out[device] = samples - np.nan_to_num(np.nanmedian(np.where(np.isnan(samples), 0.0, samples), axis=0))
    return out


def louder_by(batches: list[WeightBatch], noise: Noise, added: float) -> list[WeightBatch]:
    """The same messages with so much real noise of the same plates added, there and back again."""
    at: dict[str, int] = defaultdict(int)
    out = []
    for batch in batches:
        residual = noise[batch.device_id]
        n, start = len(residual), at[batch.device_id]
        index = (start + np.arange(len(batch.grams))) % (2 * n - 2)
        at[batch.device_id] += len(batch.grams)
        extra = added * np.nan_to_num(residual[np.where(index >= n, 2 * n - 2 - index, index)])
        out.append(dataclasses.replace(batch, grams=(batch.grams + extra).astype(np.float32)))
    return out


def measure(folders: list[Path], noise: Noise, added: float) -> tuple[dict[str, Score], int, float]:
    """Scores by kind of event, false changes, and seconds of recording per second of work."""
    scores: dict[str, Score] = defaultdict(Score)
    false, recorded_s, worked_s = 0, 0.0, 0.0
    for folder in folders:
        recording = open_recording(folder)
        truth = recording.truth()
        assert truth is not None
        batches = [signal for signal in recording.signals() if isinstance(signal, WeightBatch)]
        batches = louder_by(batches, noise, added) if added else batches
        started = time.process_time()
        changes = observe(recording.store, batches)
        worked_s += time.process_time() - started
        recorded_s += recording.duration_s
        false += _match(list(truth.events), changes, scores)
    return scores, false, recorded_s / worked_s


def observe(store: Store, batches: list[WeightBatch]) -> list[Change]:
    """Every change of one recording."""
    front = WeightFront(store)
    events = [event for batch in batches for event in front.feed(batch)] + list(front.close())
    return [event for event in events if isinstance(event, Change)]


def _match(events: list[TrueEvent], changes: list[Change], scores: dict[str, Score]) -> int:
    left = list(changes)
    for event in events:
        if not event.plates or abs(event.delta_g) < 1:
            continue
        score = scores[event.kind]
        score.wanted += 1
        near = [change for change in left if _touches(change, event)]
        best = min(near, key=lambda change: abs(change.sum_g - event.delta_g), default=None)
        if best is None or abs(best.sum_g - event.delta_g) > max(8.0, 0.05 * abs(event.delta_g)):
            continue
        left.remove(best)
        error = best.sum_g - event.delta_g
        score.found += 1
        score.errors_g.append(error)
        score.scores.append(error / math.sqrt(sum(plate.sigma_g**2 for plate in best.plates)))
        score.late_s.append((best.at_ns - event.at_ns) / 1e9)
    touched = [event for event in events if event.plates and abs(event.delta_g) < 1]
    return sum(
        abs(change.sum_g) > LARGEST_FALSE_G and change.real > 0.5 and not any(_lifted(change, e) for e in touched)
        for change in left
    )


def _touches(change: Change, event: TrueEvent) -> bool:
    there = {plate.plate_id for plate in change.plates} & set(event.plates)
    return bool(there) and change.begin_ns - NEAR_NS <= event.at_ns <= change.end_ns + NEAR_NS


def _lifted(change: Change, touch: TrueEvent) -> bool:
    """A lift put down again, told as what it was: away and back."""
    there = {plate.plate_id for plate in change.plates} & set(touch.plates)
    return bool(there) and abs(change.at_ns - touch.at_ns) < 3_000_000_000


def _table(louder: float, scores: dict[str, Score], false: int, speed: float) -> str:
    rows = [
        f"### Noise x {louder:g}\n",
        "| event | found | error, median and rms | z, median and std | moment, median and 95 % |",
        "|---|---|---|---|---|",
    ]
    everything = Score()
    for kind in sorted(scores):
        score = scores[kind]
        rows.append(_row(kind, score))
        everything.wanted += score.wanted
        everything.found += score.found
        for name in ("errors_g", "scores", "late_s"):
            getattr(everything, name).extend(getattr(score, name))
    rows.append(_row("all", everything))
    good = everything.found >= TARGET_FOUND * everything.wanted and false <= TARGET_FALSE * everything.wanted
    missed = "" if good or louder > 1 else " **missed**"
    rows.append(
        f"\n{false} false changes of more than {LARGEST_FALSE_G:g} g; {speed:.0f} x real time on one core{missed}.\n"
    )
    return "\n".join(rows)


def _row(kind: str, score: Score) -> str:
    if not score.found:
        return f"| {kind} | 0 of {score.wanted} | | | |"
    errors, z, late = (np.asarray(values) for values in (score.errors_g, score.scores, score.late_s))
    sizes = f"{np.median(np.abs(errors)):.2f} g, {np.sqrt(np.mean(errors**2)):.2f} g"
    return (
        f"| {kind} | {score.found} of {score.wanted} | {sizes} "
        f"| {np.median(z):+.2f}, {z.std():.2f} | {np.median(late):+.3f} s, {np.percentile(np.abs(late), 95):.3f} s |"
    )
