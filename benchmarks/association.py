"""Who did it: how often, and how surely, the reach likelihood names the person who really took or placed something.

    python -m benchmarks.association [--data ../shared/data]

Every case of nanostore-dev goes through the whole front end; each true event is matched with the weight change or
touch on its plates, and the softmax over (nobody seen = 0, reaches) is compared with who did it. Then again with worse
poses, shifted clocks, and in crowds: people of other cases of the same store walk in, some of them as rivals who take
something at the same place within two seconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jwo_cli.estimate.people.front import PeopleFront
from jwo_cli.estimate.people.places import Places
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import PersonPose, PoseFrame, Signal
from jwo_cli.model.observations import HandsMet, IdentityDoubted, Observation, Reach, ShelfTouched, WeightChanged
from jwo_cli.recordings import open_recording
from jwo_cli.recordings.recording import Recording
from jwo_cli.recordings.truth import TrueEvent

NEAR_S = 0.7  # a change belongs to a true event no farther away in time
BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 0.99, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One true event: the probability given to who did it, whether that was the likeliest, and how sure it was."""

    scenario: str
    right: float
    first: bool
    sure: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recording with the ids that its people really carried at each event."""

    recording: Recording
    scenario: str
    signals: tuple[Signal, ...]
    events: tuple[TrueEvent, ...]
    switches_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is done to the poses: noise (m), share of time hidden, clock offset (s), strangers."""

    name: str
    noise_m: float = 0.0
    hidden: float = 0.0
    offset_s: float = 0.0
    strangers: int = 0


TROUBLES = (
    Trouble(name="as recorded"),
    Trouble(name="noise 2 cm, 20 % hidden", noise_m=0.02, hidden=0.2),
    Trouble(name="noise 4 cm, 40 % hidden", noise_m=0.04, hidden=0.4),
    Trouble(name="pose clock +0.15 s", offset_s=0.15),
    Trouble(name="pose clock -0.15 s", offset_s=-0.15),
    Trouble(name="crowd: 4 strangers", strangers=4),
    Trouble(name="crowd: 6 strangers, noise 2 cm, 20 % hidden", strangers=6, noise_m=0.02, hidden=0.2),
)


def load(folder: Path) -> Case:
    """A raw case with its truth; before ids were exchanged, events belong to the other id of the pair."""
    recording = open_recording(folder)
    truth = recording.truth()
    if truth is None:
        raise SystemExit(f"{folder} has no truth.json")
    raw = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    switches = tuple(round(at * 1e9) for at in raw.get("id_switches", ()))
    ids = {receipt.track_id: receipt.all_ids for receipt in truth.receipts}
    events = []
    for event in truth.events:
        swaps = sum(event.at_ns < at for at in switches)
        others = [i for i in ids.get(event.track_id, ()) if i != event.track_id]
        carried = others[0] if swaps % 2 and others else event.track_id
        events.append(replace(event, track_id=carried))
    return Case(
        recording=recording, scenario=truth.scenario, signals=tuple(recording.signals()), events=tuple(events),
        switches_ns=switches,
    )  # fmt: skip


def perceive(case: Case, signals: Iterable[Signal]) -> list[Observation]:
    """The whole front end over some signals."""
    front = Perception(case.recording.store, recording_id=case.recording.recording_id, staff=case.recording.staff)
    out = [observation for signal in signals for observation in front.feed(signal)]
    return [*out, *front.close()]


def judge(case: Case, observations: Sequence[Observation]) -> tuple[list[Judged], int]:
    """Every event that was found with its reaches, and how many were not found."""
    changes = [o for o in observations if isinstance(o, WeightChanged | ShelfTouched)]
    judged, missed = [], 0
    for event in case.events:
        if not event.plates:
            continue
        found = [change for change in changes if _matches(change, event)]
        if not found:
            missed += 1
            continue
        best = min(found, key=lambda change: abs(change.at_ns - event.at_ns))
        judged.append(_judged(case.scenario, event.track_id, best.reaches))
    return judged, missed


def _matches(change: WeightChanged | ShelfTouched, event: TrueEvent) -> bool:
    if isinstance(change, WeightChanged):
        plates = {plate.plate_id for plate in change.plates}
        if event.delta_g * sum(plate.delta_g for plate in change.plates) < 0:
            return False
    else:
        plates = set(change.plates)
    return bool(plates & set(event.plates)) and abs(change.at_ns - event.at_ns) <= NEAR_S * 1e9


def _judged(scenario: str, actor: str, reaches: Sequence[Reach]) -> Judged:
    scores = {reach.track_id: reach.log_likelihood for reach in reaches}
    total = 1.0 + sum(math.exp(score) for score in scores.values())
    chances = {track: math.exp(score) / total for track, score in scores.items()}
    right = chances.get(actor, 1.0 / total)
    sure = max([1.0 / total, *chances.values()])
    return Judged(scenario=scenario, right=right, first=right >= sure, sure=sure)


def troubled(case: Case, trouble: Trouble, others: Sequence[Case], rng: np.random.Generator) -> list[Signal]:
    """The case's signals with worse poses and more people."""
    frames = [signal for signal in case.signals if isinstance(signal, PoseFrame)]
    strangers = [_stranger(case, others, n, frames, rng) for n in range(trouble.strangers)]
    hidden = {}
    out: list[Signal] = []
    for signal in case.signals:
        if not isinstance(signal, PoseFrame):
            out.append(signal)
            continue
        people = []
        for person in (*signal.people, *(p for s in strangers if (p := s.get(signal.at_ns)) is not None)):
            joints = person.joints_m.astype(np.float64)
            if trouble.noise_m:
                joints = joints + rng.normal(0, trouble.noise_m, joints.shape)
            if trouble.hidden:
                if person.track_id not in hidden:
                    hidden[person.track_id] = _holes(frames, trouble.hidden, rng)
                holes = hidden[person.track_id]
                gone = [part for from_ns, until_ns, part in holes if from_ns <= signal.at_ns < until_ns]
                if 2 in gone:
                    continue
                for part in gone:
                    joints[[6 + part, 8 + part]] = np.nan
            people.append(replace(person, joints_m=joints.astype(np.float32)))
        out.append(PoseFrame(at_ns=signal.at_ns + round(trouble.offset_s * 1e9), people=tuple(people)))
    return out


def _holes(frames: Sequence[PoseFrame], share: float, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Stretches (from, until, part: 0 left arm, 1 right arm, 2 the whole person) hidden, `share` of the time in all."""
    holes, at, end = [], frames[0].at_ns, frames[-1].at_ns
    while at < end:
        length = int(rng.exponential(0.7) * 1e9)
        at += int(rng.exponential(0.7 / share) * 1e9)
        holes.append((at, at + length, int(rng.integers(0, 3))))
        at += length
    return holes


def _stranger(
    case: Case, others: Sequence[Case], number: int, frames: Sequence[PoseFrame], rng: np.random.Generator
) -> dict[int, PersonPose]:
    """Somebody of another case, moved in time and along the shelves; every second one as a rival at a true event."""
    other = others[int(rng.integers(len(others)))]
    rivals = [event for event in other.events if event.plates]
    mine = [event for event in case.events if event.plates]
    theirs = rivals[int(rng.integers(len(rivals)))]
    seen = [(s.at_ns, p) for s in other.signals if isinstance(s, PoseFrame) for p in s.people
            if p.track_id == theirs.track_id]  # fmt: skip
    if not seen or not mine:
        return {}
    event = mine[int(rng.integers(len(mine)))]
    shift_ns = event.at_ns - theirs.at_ns + int(rng.uniform(0.4, 2.0) * rng.choice([-1, 1]) * 1e9)
    move = np.zeros(3)
    if number % 2 == 0:
        goal, own = (_place(c, e) for c, e in ((case, event), (other, theirs)))
        move = goal - own + np.array([rng.choice([-0.3, -0.2, -0.1, 0.1, 0.2, 0.3]), 0.0, 0.0])
        move[1] = 0.0
    times = np.array([at + shift_ns for at, _ in seen])
    out = {}
    for frame in frames:
        i = int(np.argmin(np.abs(times - frame.at_ns)))
        if abs(int(times[i]) - frame.at_ns) <= 60_000_000:
            joints = (seen[i][1].joints_m + move).astype(np.float32)
            out[frame.at_ns] = PersonPose(track_id=f"stranger-{number}", joints_m=joints, scores=seen[i][1].scores)
    return out


def _place(case: Case, event: TrueEvent) -> np.ndarray:
    targets = Places(case.recording.store).targets([(plate, 1.0) for plate in event.plates])
    if not targets:
        return np.zeros(3)
    target = targets[0][1]
    return np.array(target.pose.apply(*target.point))


def table(name: str, judged: Sequence[Judged], missed: int) -> str:
    """One line: events, top-1 accuracy, log-loss, and the calibration of the likeliest."""
    loss = -sum(math.log(max(j.right, 1e-9)) for j in judged) / max(len(judged), 1)
    first = sum(j.first for j in judged) / max(len(judged), 1)
    bins = []
    for low, high in itertools.pairwise(BINS):
        inside = [j for j in judged if low <= j.sure < high or (high == 1.0 and j.sure == 1.0)]
        if inside:
            said, was = sum(j.sure for j in inside) / len(inside), sum(j.first for j in inside) / len(inside)
            bins.append(f"{said:.2f}→{was:.2f} ({len(inside)})")
    return f"{name:48s} {len(judged):5d} {missed:6d} {first:6.3f} {loss:8.3f}  {'  '.join(bins)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=3, help="random repetitions of each troubled run")
    given = parser.parse_args(arguments)
    folders = sorted((given.data / "nanostore-dev").glob("dev-*"))
    if not folders:
        print(f"no cases under {given.data}: nothing measured", file=sys.stderr)
        return 1
    cases = [load(folder) for folder in folders]
    print(f"{'poses':48s} {'found':>5s} {'missed':>6s} {'top-1':>6s} {'log-loss':>8s}  said→was (events)")
    for trouble in TROUBLES:
        rng = np.random.default_rng(20)
        judged, missed = [], 0
        for _ in range(given.rounds if trouble.noise_m or trouble.strangers else 1):
            for case in cases:
                others = [other for other in cases if other is not case]
                found, lost = judge(case, perceive(case, troubled(case, trouble, others, rng)))
                judged += found
                missed += lost
        print(table(trouble.name, judged, missed))
        if trouble is TROUBLES[0]:
            for scenario in dict.fromkeys(case.scenario for case in cases):
                print(table(f"  {scenario}", [j for j in judged if j.scenario == scenario], 0))
    print(identity(cases))
    print(f"\n{'ids':48s} {'cases':>5s} {'found':>6s} {'false':>6s}  (told with probability >= 0.5)")
    for mixed in MIXED:
        rng = np.random.default_rng(21)
        print(mix_up(cases, mixed, given.rounds, rng))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """What is done to ids: exchanged or not where two meet, both unseen for `hole_s`; or taken up under a new id."""

    name: str
    kind: str  # "swap" | "restart" | "none"
    hole_s: float = 0.0
    noise_m: float = 0.0


MIXED = (
    Mixed(name="exchanged in full view", kind="swap"),
    Mixed(name="exchanged in full view, noise 5 cm", kind="swap", noise_m=0.05),
    Mixed(name="exchanged, both unseen for 0.5 s", kind="swap", hole_s=0.5),
    Mixed(name="exchanged, both unseen for 1 s", kind="swap", hole_s=1.0),
    Mixed(name="exchanged, both unseen for 1 s, noise 3 cm", kind="swap", hole_s=1.0, noise_m=0.03),
    Mixed(name="nothing, both unseen for 1 s", kind="none", hole_s=1.0),
    Mixed(name="nothing, both unseen for 1 s, noise 3 cm", kind="none", hole_s=1.0, noise_m=0.03),
    Mixed(name="new id after 0.5 s", kind="restart", hole_s=0.5),
    Mixed(name="new id after 3 s", kind="restart", hole_s=3.0),
    Mixed(name="new id after 3 s, noise 3 cm", kind="restart", hole_s=3.0, noise_m=0.03),
)


def mix_up(cases: Sequence[Case], mixed: Mixed, rounds: int, rng: np.random.Generator) -> str:
    """Ids mixed up on purpose, how often that is told, and how often something else is."""
    tried = found = false = 0
    for case in cases:
        frames = [signal for signal in case.signals if isinstance(signal, PoseFrame)]
        ids = list(dict.fromkeys(person.track_id for frame in frames for person in frame.people))
        if case.switches_ns or (mixed.kind != "restart" and len(ids) < 2):
            continue
        for _ in range(rounds):
            at = _meeting(frames, rng) if mixed.kind != "restart" else _anywhere(frames, ids, rng)
            if at is None:
                continue
            at_ns, a, b = at
            front = PeopleFront(case.recording.store)
            names = {a: "again"} if mixed.kind == "restart" else {a: b, b: a}
            for frame in _renamed(frames, mixed, at_ns, names, rng):
                front.feed(frame)
            front.close()
            doubts = [o for _, o in front.take() if isinstance(o, IdentityDoubted) and o.probability >= 0.5]
            pair = {a, b} if mixed.kind == "swap" else {a, "again"}
            hits = [d for d in doubts if mixed.kind == d.kind and {d.before, d.after} == pair]
            tried += 1
            found += bool(hits)
            false += len(doubts) - len(hits[:1])
    return f"{mixed.name:48s} {tried:5d} {found:6d} {false:6d}"


def _meeting(frames: Sequence[PoseFrame], rng: np.random.Generator) -> tuple[int, str, str] | None:
    """A moment at which two people stand within 0.8 m."""
    near = []
    for frame in frames:
        for one, other in itertools.combinations(frame.people, 2):
            middle = [np.nanmean(person.joints_m[1:4, :2], axis=0) for person in (one, other)]
            if np.linalg.norm(middle[0] - middle[1]) < 0.8:
                near.append((frame.at_ns, one.track_id, other.track_id))
    return near[int(rng.integers(len(near)))] if near else None


def _anywhere(frames: Sequence[PoseFrame], ids: Sequence[str], rng: np.random.Generator) -> tuple[int, str, str]:
    """A moment in the middle, and somebody."""
    at = frames[int(rng.integers(len(frames) // 4, len(frames) // 2))].at_ns
    return at, ids[int(rng.integers(len(ids)))], ""


def _renamed(
    frames: Sequence[PoseFrame], mixed: Mixed, at_ns: int, names: dict[str, str], rng: np.random.Generator
) -> list[PoseFrame]:
    """Frames with ids renamed from `at_ns` on and those people hidden for the hole before it."""
    out = []
    for frame in frames:
        people = []
        for person in frame.people:
            if person.track_id in names and at_ns - mixed.hole_s * 1e9 < frame.at_ns < at_ns:
                continue
            joints = person.joints_m
            if mixed.noise_m:
                joints = (joints + rng.normal(0, mixed.noise_m, joints.shape)).astype(np.float32)
            renamed = mixed.kind != "none" and frame.at_ns >= at_ns
            track_id = names.get(person.track_id, person.track_id) if renamed else person.track_id
            people.append(replace(person, joints_m=joints, track_id=track_id))
        out.append(PoseFrame(at_ns=frame.at_ns, people=tuple(people)))
    return out


def identity(cases: Sequence[Case]) -> str:
    """True exchanges of ids found and false ones told; hand-overs likewise."""
    swaps = found_swaps = false_swaps = handed = found_handed = false_handed = 0
    for case in cases:
        front = PeopleFront(case.recording.store)
        for signal in case.signals:
            if isinstance(signal, PoseFrame):
                front.feed(signal)
        front.close()
        told = [observation for _, observation in front.take()]
        doubts = [o for o in told if isinstance(o, IdentityDoubted) and o.probability >= 0.5]
        hits = [d for d in doubts if any(abs(d.at_ns - at) < 1e9 for at in case.switches_ns)]
        swaps += len(case.switches_ns)
        found_swaps += min(len(hits), len(case.switches_ns))
        false_swaps += len(doubts) - len(hits)
        overs = [event.at_ns for event in case.events if event.kind == "handover"]
        met = [o for o in told if isinstance(o, HandsMet) and o.probability >= 0.5]
        handed += len(overs)
        hit = sum(any(abs(o.at_ns - at) < 1.5e9 for o in met) for at in overs)
        found_handed += hit
        false_handed += len(met) - hit
    return (
        f"ids exchanged: {found_swaps} of {swaps} found, {false_swaps} false; "
        f"hand-overs: {found_handed} of {handed} found, {false_handed} false (told with probability >= 0.5)"
    )


if __name__ == "__main__":
    sys.exit(main())
