"""How like the recordings our synthetic cases are: the same statistics of both, side by side.

    python -m benchmarks.realism --of DIR [--than ../shared/data/nanostore-dev] [--json FILE]

Three percentiles of each number: over cases, or over all events and people of all cases.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from jwo_cli.estimate.signals import PoseFrame, WeightBatch
from jwo_cli.recordings import Recording, open_recording

TITLE = "How like the recordings the synthetic cases are"
ROOT = Path(__file__).resolve().parents[2]
Floats = NDArray[np.float64]
RATE_HZ = 60.0
GONDOLAS = ("g1", "g2", "g3", "g4")


@dataclass(frozen=True, slots=True)
class Case:
    """A recording unpacked: samples by device, skeletons by person, truth."""

    recording: Recording
    truth: dict[str, Any]
    grams: dict[
        str, tuple[Floats, Floats]
    ]  # device -> times [n], samples [n, plates in the store's order of the device]
    plates: dict[str, tuple[str, int]]  # plate -> device, column
    people: dict[str, tuple[Floats, Floats]]  # id -> times [n], joints [n, 8, 3]


def load(folder: Path) -> Case:
    """Reads one case with its truth; times in seconds from the truth's start."""
    recording = open_recording(folder)
    truth = json.loads((folder / "truth.json").read_text())
    wire = {plate.channel: plate_id for plate_id, (_, _, plate) in recording.store.plates().items()}
    batches: dict[str, list[WeightBatch]] = {}
    people: dict[str, list[tuple[float, Floats]]] = {}
    for signal in recording.signals():
        if isinstance(signal, WeightBatch):
            batches.setdefault(signal.device_id, []).append(signal)
        elif isinstance(signal, PoseFrame):
            for person in signal.people:
                at = signal.at_ns / 1e9 - truth["start"]
                people.setdefault(person.track_id, []).append((at, person.joints_m[:8].astype(float)))
    grams, plates = {}, {}
    for device, group in batches.items():
        group.sort(key=lambda batch: batch.end_ns)
        keep = [i for i, channel in enumerate(group[0].channels) if channel in wire]
        for column, i in enumerate(keep):
            plates[wire[group[0].channels[i]]] = (device, column)
        times = np.concatenate(
            [b.end_ns / 1e9 - truth["start"] - np.arange(len(b.grams))[::-1] / RATE_HZ for b in group]
        )
        grams[device] = (times, np.concatenate([b.grams[:, keep] for b in group]).astype(float))
    tracks = {}
    for name, rows in people.items():
        rows.sort(key=lambda row: row[0])
        tracks[name] = (np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    return Case(recording, truth, grams, plates, tracks)


def white(case: Case) -> dict[str, float]:
    """White noise at noise 1 by gondola, g: 5th percentile over time of second differences, median over plates."""
    found = {}
    for device, (_, x) in case.grams.items():
        cut = x[: len(x) // 20 * 20].reshape(-1, 20, x.shape[1])
        scatter = np.nanpercentile(np.nanstd(np.diff(cut, n=2, axis=1), axis=1) / 6**0.5, 5, axis=0)
        found[f"white noise {device}"] = float(np.nanmedian(scatter)) / case.truth["knobs"]["noise"]
    return found


def shaking(case: Case) -> dict[str, float]:
    """Root mean square above 3.5 Hz over a gondola's plates while a lone shopper walks, and at rest, g at noise 1."""
    if len(case.truth["receipts"]) != 1 or len(case.people) != 1:
        return {}
    (times, joints) = next(iter(case.people.values()))
    seen = np.isfinite(joints[:, 1, 0])
    if seen.sum() < 20:
        return {}
    sos = butter(2, 3.5, "highpass", fs=RATE_HZ, output="sos")
    found: dict[str, float] = {}
    for device, (t, x) in case.grams.items():
        if len(t) < 200 or np.diff(t).max() > 0.1:
            continue
        high = sosfiltfilt(sos, np.nan_to_num(x - np.nanmedian(x, axis=0)), axis=0)
        quiet = np.ones(len(t), dtype=bool)
        for event in case.truth["events"]:
            if any(f"g{plate['gondola']}" == device for plate in event["plates"]):
                quiet &= np.abs(t - event["t"] + case.truth["start"]) > 3.0
        place = [np.interp(t, times[seen], joints[seen, 1, k]) for k in range(2)]
        speed = np.convolve(np.hypot(np.gradient(place[0], t), np.gradient(place[1], t)), np.ones(30) / 30, "same")
        level = np.sqrt(np.convolve((high**2).mean(axis=1), np.ones(6) / 6, "same")) / case.truth["knobs"]["noise"]
        walking = quiet & (speed > 0.4)
        if walking.sum() > 30:
            found[f"shaking {device} walking p50"] = float(np.median(level[walking]))
            found[f"shaking {device} walking p90"] = float(np.percentile(level[walking], 90))
            found[f"shaking {device} peak"] = float(np.abs(high[quiet]).max()) / case.truth["knobs"]["noise"]
    return found


def spectrum(case: Case) -> dict[str, float]:
    """Shares of power in bands of the restless top shelves of gondola 1, where no event is."""
    if "g1" not in case.grams:
        return {}
    _, x = case.grams["g1"]
    columns = [
        c for plate, (device, c) in case.plates.items() if device == "g1" and plate.startswith(("g1.s5", "g1.s6"))
    ]
    power = []
    for low in range(0, len(x) - 128, 128):
        part = x[low : low + 128, columns]
        part = part - part.mean(axis=0)
        if np.isfinite(part).all() and np.abs(part).max() < 150:
            power.append((np.abs(np.fft.rfft(part * np.hanning(128)[:, None], axis=0)) ** 2).mean(axis=1))
    if not power:
        return {}
    total, hz = np.mean(power, axis=0), np.fft.rfftfreq(128, 1 / RATE_HZ)
    bands = ((0.4, 4), (4, 10), (10, 17), (17, 30))
    whole = total[hz >= 0.4].sum()
    return {f"power {a}-{b} Hz": float(total[(hz >= a) & (hz < b)].sum() / whole) for a, b in bands}


def moves(case: Case) -> dict[str, list[float]]:
    """Every pick's and put's shape: press, ramp, error of the settled change, neighbour's share, overshoot."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    store = case.recording.store.plates()
    for event in case.truth["events"]:
        plates = [f"g{p['gondola']}.s{p['shelf']}.p{p['plate']}" for p in event["plates"]]
        if event["type"] not in {"pick", "put"} or not plates or any(p not in case.plates for p in plates):
            continue
        note("straddling share", float(len(plates) > 1))
        device, _ = case.plates[plates[0]]
        t, x = case.grams[device]
        since = t - (event["t"] - case.truth["start"])
        own = x[:, [case.plates[p][1] for p in plates]].sum(axis=1)
        before, after = (since > -1.5) & (since < -0.7), (since > 0.8) & (since < 1.5)
        near = (since > -0.7) & (since < 0.8)
        if (
            before.sum() < 30
            or after.sum() < 30
            or near.sum() < 60
            or not np.isfinite(own[before | after | near]).all()
        ):
            continue
        level = own - np.median(own[before])
        change, delta = float(np.median(level[after])), event["delta_g"]
        if abs(change - delta) > 0.1 * abs(delta) + 5:
            continue  # somebody else's hand is in it
        note("settled change off, g", abs(change - delta))
        row = [plate.plate_id for plate in store[plates[0]][1].plates]
        for step, end in ((-1, plates[0]), (1, plates[-1])):
            index = row.index(end) + step
            if 0 <= index < len(row) and row[index] in case.plates and abs(delta) > 150:
                other = x[:, case.plates[row[index]][1]]
                note(
                    "neighbour's share, %", 100 * abs(float(np.median(other[after]) - np.median(other[before])) / delta)
                )
        share = level[near] / delta
        clock = since[near]
        if event["type"] == "put":
            note("put overshoot, share", float(share.max()) - 1)
            note("put peak after, s", float(clock[share.argmax()]))
            note("put over at 0.3 s, share", float(np.interp(0.3, clock, share)) - 1)
        elif event.get("style") in {"normal", "fast"} and len(event["products"]) == 1:
            note(
                f"press of a pick, g ({event['style']})",
                float(-(share[clock < 0.02] * delta).min() if delta > 0 else (level[near][clock < 0.02]).max()),
            )
            tail = np.flatnonzero(share >= 0.9)
            head = np.flatnonzero(share[: tail[0]] <= 0.1) if len(tail) else tail
            if len(tail) and len(head):
                note(f"ramp 10-90 %, s ({event['style']})", float(clock[tail[0]] - clock[head[-1]]))
                note("ramp ends at, s", float(clock[tail[0]]))
    return found


def hands(case: Case) -> dict[str, list[float]]:
    """The doer's hand and body at each pick and put, and the nearest other's hand."""
    found: dict[str, list[float]] = {}
    if case.truth["id_switches"]:
        return found
    for event in case.truth["events"]:
        if event["type"] not in {"pick", "put"} or event["target_id"] not in case.people:
            continue
        centre = np.mean(
            [
                case.recording.store.plate_centre(f"g{p['gondola']}.s{p['shelf']}.p{p['plate']}")
                for p in event["plates"]
            ],
            axis=0,
        )
        at = event["t"] - case.truth["start"]
        for name, (t, joints) in case.people.items():
            k = int(np.argmin(np.abs(t - at)))
            if abs(t[k] - at) > 0.2 or np.isnan(joints[k, 6:8, 0]).all():
                continue
            apart = float(np.nanmin(np.linalg.norm(joints[k, 6:8] - centre, axis=1)))
            if name != event["target_id"]:
                found.setdefault("others' hand to plate, m", []).append(apart)
                continue
            hand = joints[k, 6:8][int(np.nanargmin(np.linalg.norm(joints[k, 6:8] - centre, axis=1)))]
            found.setdefault("hand to plate, m", []).append(apart)
            found.setdefault("hand aside of plate, m", []).append(abs(float(hand[0] - centre[0])))
            found.setdefault("hand before shelf, m", []).append(float(-hand[1]))
            found.setdefault("body aside of plate, m", []).append(abs(float(joints[k, 1, 0] - centre[0])))
            found.setdefault("body before shelf, m", []).append(float(-joints[k, 1, 1]))
            close = np.flatnonzero(np.abs(t - at) < 1)
            nearest = np.nanmin(np.linalg.norm(joints[close, 6:8] - centre, axis=2), axis=1)
            if np.isfinite(nearest).any():
                found.setdefault("hand nearest at, s", []).append(float(t[close][int(np.nanargmin(nearest))] - at))
    return found


def people(case: Case) -> dict[str, list[float]]:
    """Scatter of joints while standing, missing joints, gaps, speed, head height."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        if np.isfinite(value):
            found.setdefault(name, []).append(value)

    for t, joints in case.people.values():
        if len(t) < 60:
            continue
        still = t < t[0] + 2
        scatter = np.nanstd(joints[still], axis=0)
        note("torso scatter at rest, mm", 1000 * float(np.nanmedian(scatter[:4, :2])))
        note("wrist scatter at rest, mm", 1000 * float(np.nanmedian(scatter[6:, :2])))
        pairs = np.flatnonzero(np.diff(t) < 0.012)
        apart = joints[pairs + 1] - joints[pairs]
        note("torso pair difference, mm", 1000 * float(np.nanmedian(np.abs(apart[:, :4]))))
        note("wrist pair difference, mm", 1000 * float(np.nanmedian(np.abs(apart[:, 6:]))))
        note("torso missing, %", 100 * float(np.isnan(joints[:, :4, 0]).mean()))
        note("wrists missing, %", 100 * float(np.isnan(joints[:, 6:, 0]).mean()))
        holes = np.diff(t)[np.diff(t) > 0.35]
        note("gaps a minute", 60 * len(holes) / float(t[-1] - t[0]))
        for hole in holes:
            note("gap, s", float(hole))
        note("messages a second", len(t) / float(t[-1] - t[0]))
        note("head height, m", float(np.nanmedian(joints[still, 0, 2])))
        grid = np.arange(t[0], t[-1], 0.25)
        seen = np.isfinite(joints[:, 1, 0])
        place = [np.interp(grid, t[seen], joints[seen, 1, k]) for k in range(2)]
        speed = np.hypot(np.diff(place[0]), np.diff(place[1])) / 0.25
        if (speed > 0.15).sum() > 4:
            note("walking speed p50, m/s", float(np.median(speed[speed > 0.15])))
            note("walking speed p90, m/s", float(np.percentile(speed[speed > 0.15], 90)))
    return found


def timing(case: Case) -> dict[str, list[float]]:
    """When things happen."""
    found: dict[str, list[float]] = {"duration, s": [float(case.truth["duration_s"])]}
    by_person: dict[str, list[float]] = {}
    for event in case.truth["events"]:
        if event["plates"]:
            by_person.setdefault(event["target_id"], []).append(event["t"] - case.truth["start"])
    for times in by_person.values():
        found.setdefault("first event at, s", []).append(min(times))
        found.setdefault("rest after the last, s", []).append(float(case.truth["duration_s"]) - max(times))
        found.setdefault("between events of a person, s", []).extend(np.diff(sorted(times)).tolist())
    return found


def statistics(folders: Sequence[Path]) -> dict[str, tuple[float, float, float, int]]:
    """Name -> (10th percentile, median, 90th percentile, count)."""
    pooled: dict[str, list[float]] = {}
    single: tuple[Callable[[Case], dict[str, float]], ...] = (white, shaking, spectrum)
    several: tuple[Callable[[Case], dict[str, list[float]]], ...] = (moves, hands, people, timing)
    for folder in folders:
        case = load(folder)
        for measure in single:
            for name, value in measure(case).items():
                pooled.setdefault(name, []).append(value)
        for measures in several:
            for name, values in measures(case).items():
                pooled.setdefault(name, []).extend(values)
    table = {}
    for name, values in pooled.items():
        low, middle, high = (float(value) for value in np.nanpercentile(values, (10, 50, 90)))
        table[name] = (low, middle, high, len(values))
    return table


def run() -> str:
    """For `make bench`: medians side by side, of the development cases and of forty of ours."""
    from benchmarks.exam import DOCUMENTS, write

    if not DOCUMENTS.is_dir():
        return "The development cases are not here; nothing was measured.\n"
    with tempfile.TemporaryDirectory(prefix="jwo-realism-") as place:
        ours = statistics(write(Path(place), cases=44, seed=3))
    theirs = statistics(sorted(path.parent for path in DOCUMENTS.parent.glob("*/truth.json")))
    lines = ["| statistic | theirs: median (10-90 %) | ours: median (10-90 %) |", "|---|--:|--:|"]
    for name in sorted(theirs.keys() & ours.keys()):
        cells = [f"{b:.3g} ({a:.3g} to {c:.3g})" for a, b, c, _ in (theirs[name], ours[name])]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", type=Path, required=True, help="folder of our cases")
    parser.add_argument(
        "--than", type=Path, default=ROOT / "shared/data/nanostore-dev", help="folder of the cases to be like"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tables = []
    for place in (asked.than, asked.of):
        folders = sorted(path.parent for path in place.glob("*/truth.json"))
        if not folders:
            print(f"no cases with truth.json under {place}", file=sys.stderr)
            return 2
        tables.append(statistics(folders))
    theirs, ours = tables
    print(f"{'':38s} {'theirs p10/p50/p90':>28s} {'n':>5s} {'ours p10/p50/p90':>28s} {'n':>5s}")
    for name in sorted(theirs.keys() & ours.keys()):
        (a, b, c, n), (d, e, f, m) = theirs[name], ours[name]
        print(f"{name:38s} {a:9.3f} {b:9.3f} {c:8.3f} {n:5d} {d:9.3f} {e:9.3f} {f:8.3f} {m:5d}")
    if asked.json:
        asked.json.write_text(json.dumps({"theirs": theirs, "ours": ours}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
