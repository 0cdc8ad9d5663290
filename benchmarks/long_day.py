"""Memory over a long day in a small shop: never the same visit twice, and somebody of the staff inside all the time.

The bundled kiosk (48 plates at 60 Hz, 10 Hz poses), customers who come as they do over a day (few at night, most at
noon and after work), each with another list, some with put-backs, misplaced goods, touches and hand-overs. The member
of staff walks up and down before the shelves from the first to the last minute: whoever stands there may have taken
what left them, so that nothing which is open may wait for everybody to have gone. JWO_BENCH_HOURS makes it shorter.

Two measures. What is resident is what a machine must have: its most in an hour, judged against the target. What lives
(Python's blocks and what malloc gave out) is what the program holds; it follows the crowd, so that its least in a
stretch, when hardly anybody but the staff is inside, tells whether anything is kept for those who have gone. Where the
first grows and the second does not, it is the allocator's: holes between what lives, of a busier time.
"""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.__main__ import MISSED
from jwo_cli import journal
from jwo_cli.drive.replay import ReplayResult, replay, source_of
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.signals import PersonPose, PoseFrame, Signal
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording
from jwo_cli.shop.engine import Engine
from jwo_cli.synthetic.day import START_NS, Day
from jwo_cli.synthetic.sample import layout

TITLE = "Memory over a long day"
HOURS = float(os.environ.get("JWO_BENCH_HOURS", "24"))
GROWTH_TARGET = 0.05
SEED = 7
# Buffers of half an hour fill first; growth is counted from the second hour, or from the second quarter of a short day.
WARM_S = 3600.0
# Customers an hour, from midnight on in steps of two hours: 684 a day.
TRAFFIC = (6, 4, 4, 24, 44, 36, 56, 40, 36, 52, 28, 12)
FIRST_HOUR = 12  # the day begins when the shop is busiest: what is warm then has had its largest crowd
LIVE_EVERY_S = 60.0  # counting what lives takes some milliseconds
STAFF = "staff-all-day"


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """What was held at some moment: seconds into the day, resident MB, owners and open events of the beliefs.

    `live_mb` is what lives, None where it was not counted.
    """

    at_s: float
    resident_mb: float
    held: int
    live_mb: float | None = None


def run() -> str:
    """Resident memory after the first hour of the day and at its end, into a real journal."""
    samples, result = measured(HOURS)
    duration_s = HOURS * 3600
    growth = growth_of(samples, duration_s)
    met = "met" if growth <= GROWTH_TARGET else MISSED
    rows = [
        f"| {at / 3600:.1f} | {max(s.resident_mb for s in part):.0f} | {_least_live(part):.1f} "
        f"| {max(s.held for s in part)} |"
        for at, part in _parts(samples, duration_s)
    ]
    return (
        f"{HOURS:.1f} h of traffic in a kiosk, {len(result.receipts)} receipts, {result.observations} observations, at "
        f"{duration_s / result.wall_s:.0f}× recorded time, the making of the day included. Most that was resident "
        f"between the first and second hour against the last: growth {growth:+.1%}, target ≤ {GROWTH_TARGET:.0%}: "
        f"{met}. Least that lived in the same hours: {live_growth_of(samples, duration_s):+.1%}."
        "\n\n| until hour | most MB resident | least MB alive | most owners and open events |\n|--:|--:|--:|--:|\n"
        + "\n".join(rows)
        + "\n"
    )


def growth_of(samples: list[Sample], duration_s: float) -> float:
    """The most that was resident in the last hour over that in the hour after it was warm, less 1."""
    early, late = _early_and_late(samples, duration_s)
    return max(item.resident_mb for item in late) / max(item.resident_mb for item in early) - 1


def live_growth_of(samples: list[Sample], duration_s: float) -> float:
    """The least that lived in the last hour over that in the hour after it was warm, less 1."""
    early, late = _early_and_late(samples, duration_s)
    return _least_live(late) / _least_live(early) - 1


def _early_and_late(samples: list[Sample], duration_s: float) -> tuple[list[Sample], list[Sample]]:
    span = min(WARM_S, duration_s / 4)
    early = [sample for sample in samples if span < sample.at_s <= 2 * span]
    return early, [sample for sample in samples if sample.at_s > duration_s - span]


def _least_live(samples: list[Sample]) -> float:
    return min((item.live_mb for item in samples if item.live_mb is not None), default=math.nan)


def _parts(samples: list[Sample], duration_s: float) -> Iterator[tuple[float, list[Sample]]]:
    """Twelve stretches of the day with their samples."""
    step = duration_s / 12
    for number in range(12):
        part = [sample for sample in samples if number * step < sample.at_s <= (number + 1) * step]
        if part:
            yield (number + 1) * step, part


def measured(hours: float) -> tuple[list[Sample], ReplayResult]:
    """Replay such a day through front end, engine and journal; a sample for every ten seconds of it."""
    recording = long_day(hours)
    samples: list[Sample] = []
    passed, engine = 0.0, None

    def advance(seconds: float) -> None:
        nonlocal passed, engine
        before, passed = passed, passed + seconds
        if engine is None:
            engine = next(item for item in gc.get_objects() if isinstance(item, Engine))
        if passed // 10 > before // 10:
            counted = passed // LIVE_EVERY_S > before // LIVE_EVERY_S
            samples.append(Sample(passed, resident_mb(), engine.held(), live_mb() if counted else None))

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "journal"
        store = recording.store
        with (
            journal.Intake.open(place, store_id=store.store_id, layout_version=store.version) as intake,
            journal.SegmentWriter(place, "weights", source=source_of(recording)) as segments,
        ):
            traces = TraceKeeper(store, segments.weights)
            result = replay(recording, intake=intake, traces=traces, advance=advance)
    return samples, result


def long_day(hours: float, seed: int = SEED) -> Recording:
    """A stretch of such traffic as a recording whose signals are made while they are read."""
    store = layout()

    def read() -> Iterator[Signal]:
        return _staffed(Day(store, seed=seed, end_s=hours * 3600.0, arrivals=_arrivals(seed), most_inside=8))

    return Recording(
        name="a long day",
        recording_id=f"long-day-{seed}-{hours:g}",
        store=store,
        start_ns=START_NS,
        duration_s=hours * 3600.0,
        staff=(STAFF,),
        findings=(),
        path=Path(),
        source={},
        read_signals=read,
        read_truth=lambda: None,
    )


def _arrivals(seed: int) -> Iterator[float]:
    """Times of arrival, seconds: a Poisson process whose rate follows the clock, by thinning the busiest one."""
    rng = np.random.default_rng((seed, 1))
    at_s, most = 0.0, max(TRAFFIC)
    while True:
        at_s += float(rng.exponential(3600.0 / most))
        if rng.random() * most < TRAFFIC[int(FIRST_HOUR + at_s / 3600) % 24 // 2]:
            yield at_s


def _staffed(signals: Day) -> Iterator[Signal]:
    """The same signals with a member of staff in every pose message, who walks up and down before the shelves."""
    body: PersonPose | None = None
    for signal in signals:
        if not isinstance(signal, PoseFrame):
            yield signal
            continue
        if body is None and signal.people:
            body = dataclasses.replace(signal.people[0], track_id=STAFF)
        yield signal if body is None else dataclasses.replace(signal, people=(*signal.people, _at(body, signal.at_ns)))


def _at(body: PersonPose, at_ns: int) -> PersonPose:
    """The body where the member of staff stands at a time: along the kiosk's middle, once a minute there and back."""
    turn = 2 * math.pi * (at_ns - START_NS) / NS_PER_S / 60
    here = np.array([3.2 + 1.6 * math.cos(turn), 2.3 + 0.5 * math.sin(turn), 0.0], dtype=np.float32)
    middle = body.joints_m.mean(axis=0) * np.array([1, 1, 0], dtype=np.float32)
    return dataclasses.replace(body, joints_m=body.joints_m - middle + here)


def resident_mb() -> float:
    """What this process has in memory, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def live_mb() -> float:
    """What was asked for and not given back, MB: Python's small blocks, and what glibc's malloc gave out besides."""
    with tempfile.TemporaryFile() as told:
        kept = os.dup(2)
        os.dup2(told.fileno(), 2)  # CPython tells its allocator's books to the C library's stderr only
        try:
            sys._debugmallocstats()  # noqa: SLF001 - there is no other way to these numbers
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        told.seek(0)
        found = re.search(rb"bytes in allocated blocks\s*=\s*([\d,]+)", told.read())
    small = int(found[1].replace(b",", b"")) if found is not None else 0
    books = ctypes.CDLL(None).mallinfo2
    books.restype = _Malloc
    malloc = books()
    return float(small + malloc.uordblks + malloc.hblkhd) / 1e6


class _Malloc(ctypes.Structure):
    """`struct mallinfo2`, see mallinfo(3): `uordblks` bytes in use, `hblkhd` bytes in mappings of their own."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip
