"""Memory over a long day: visit after visit, always new people. JWO_BENCH_HOURS makes it shorter than the 24 hours."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.__main__ import MISSED
from benchmarks.material import busiest, one_after_another
from jwo_cli import journal
from jwo_cli.drive.replay import replay

TITLE = "Memory over a long day"
HOURS = float(os.environ.get("JWO_BENCH_HOURS", "24"))
GROWTH_TARGET = 0.05
# Buffers of half an hour fill first; growth is counted from the first hour, or from the middle of a shorter day.
WARM_S = 3600.0


def run() -> str:
    """Resident memory after the first hour of the day and at its end, into a real journal."""
    recording = busiest()
    day = one_after_another(recording, max(1, round(HOURS * 3600 / (recording.duration_s + 10))))
    passed, warm, last = 0.0, 0.0, 0.0

    def advance(seconds: float) -> None:
        nonlocal passed, warm, last
        passed, last = passed + seconds, _resident_mb()
        if not warm and passed > min(WARM_S, day.duration_s / 2):
            warm = last

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "journal"
        store = day.store
        with journal.Intake.open(place, store_id=store.store_id, layout_version=store.version) as intake:
            result = replay(day, intake=intake, advance=advance)
    growth = last / warm - 1
    met = "met" if growth <= GROWTH_TARGET else MISSED
    speed = day.duration_s / result.wall_s
    return (
        f"{day.duration_s / 3600:.1f} h of traffic, {len(result.receipts)} receipts, "
        f"{result.observations} observations, at {speed:.0f}× recorded time. "
        f"{warm:.0f} MB when warm, {last:.0f} MB at the end: "
        f"growth {growth:+.1%}, target ≤ {GROWTH_TARGET:.0%}: {met}\n"
    )


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
