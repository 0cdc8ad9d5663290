"""How long a store that was cut off takes to be back, by the length of its journal since the last orderly end.

A busy hour of the kiosk, its observations told again and again at later times under other names, until the journal has
so many entries; staff are inside all the time, so that there is no moment at which all could be forgotten. The
journal's clock is theirs: a day's entries are not of one minute. As in a run the engine is kept after each KEEP_S of
its work. Then a process of its own opens the journal and takes up the run.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.__main__ import MISSED
from benchmarks.long_day import long_day
from jwo_cli.drive.fold import Fold
from jwo_cli.drive.live import KEEP_S, LiveStore
from jwo_cli.drive.snapshot import SNAPSHOT, Moment, Snapshots
from jwo_cli.estimate.perception import Perception
from jwo_cli.journal import Intake
from jwo_cli.model import codec
from jwo_cli.model.codec import JsonValue
from jwo_cli.model.observations import Observation, StoreOpened
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings
from jwo_cli.synthetic.sample import layout

TITLE = "Restart after a long day"
LENGTHS = (1_000, 10_000, 100_000)
WITHOUT = 10_000  # up to here the start without a snapshot is measured, too
STARTS = 5
RESTART_S = 2.0
HOUR_NS = 3_600 * NS_PER_S
NAMES = frozenset({"track_id", "a", "b", "before", "after", "account", "code_id"})
STAFF = "staff-all-day"


def run() -> str:
    """From the process's start until the visits are resumed, with the snapshot and without."""
    rows, slowest_s = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        for length, tail in _grown(journal):
            kept = [_start_s(journal, Path(folder) / f"r{length}-{number}") for number in range(STARTS)]
            slowest_s = max(slowest_s, *(took_s for took_s, _ in kept))
            bare = "not measured"
            if length <= WITHOUT:
                bare = "{:.2f} ({:.2f})".format(*_bare_s(journal, Path(folder) / f"bare{length}"))
            took_s, work_s = (statistics.median(values) for values in zip(*kept, strict=True))
            rows.append(f"| {length} | {tail} | {took_s:.2f} ({work_s:.2f}) | {bare} |")
    met = "met" if slowest_s <= RESTART_S else MISSED
    return (
        f"From the process's start until the store had resumed, {STARTS} starts each, a recording begun: at most "
        f"{slowest_s:.2f} s, target {RESTART_S:.0f} s: {met}.\n\n"
        "| entries since the last orderly end | of them after the snapshot | median s (work after imports) | "
        "without a snapshot |\n|--:|--:|--:|--:|\n" + "\n".join(rows) + "\n"
    )


def _grown(journal: Path) -> Iterator[tuple[int, int]]:
    """Grow a journal of a run that was cut off; (entries, entries after the snapshot) at each length."""
    store, settings = layout(), EngineSettings()
    day, now_ns = _hour(), [0]
    with (
        mock.patch("time.time_ns", side_effect=lambda: now_ns[0]),
        Intake.open(journal, store_id=store.store_id, layout_version=store.version) as intake,
    ):
        snapshots = Snapshots(journal, store, settings)
        fold = Fold(
            log=intake, engine=Engine(store, settings=settings), run_id="r" * 32, source=f"run/{'r' * 16}",
            store_id=store.store_id, layout_version=store.version, start_ns=day[0].at_ns, collect=False,
        )  # fmt: skip
        wanted, turn, kept_s, kept_seq = list(LENGTHS), 0, 0.0, 0
        while True:
            for first in range(0, len(day), 20):
                again = [_moved(one, turn) for one in day[first : first + 20]]
                now_ns[0] = again[-1].at_ns
                fold.commit([one for one in again if not (turn and isinstance(one, StoreOpened))])
                if fold.tally.handled_s - kept_s >= KEEP_S:
                    kept_s, kept_seq = fold.tally.handled_s, fold.tally.head_seq
                    snapshots.write(fold.engine, Moment(ended=0, seq=kept_seq, hash=fold.tally.head_hash))
                if fold.tally.head_seq >= wanted[0]:
                    yield wanted.pop(0), fold.tally.head_seq - kept_seq
                if not wanted:
                    return
            turn += 1


def _hour() -> list[Observation]:
    """What the front end tells of a busy hour in which a member of staff is inside all the time."""
    recording = long_day(1.0)
    front = Perception(recording.store, recording_id="r" * 32, staff=recording.staff, prompt=True)
    return [found for signal in recording.signals() for found in front.feed(signal)]


def _moved(one: Observation, turn: int) -> Observation:
    """The same, so many hours later, of other people."""
    if not turn:
        return one
    moved: Observation = codec.decode(type(one), _moved_value(codec.encode(one), turn))
    return moved


def _moved_value(value: JsonValue, turn: int, name: str = "") -> JsonValue:
    if isinstance(value, dict):
        return {key: _moved_value(item, turn, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved_value(item, turn) for item in value]
    if isinstance(value, int) and name.endswith("_ns") and value > HOUR_NS:
        return value + turn * 2 * HOUR_NS
    if isinstance(value, str) and name in NAMES and value != STAFF:
        return f"{value}-{turn}"
    return value


def _start_s(journal: Path, recording: Path) -> tuple[float, float]:
    """From the process's start until it is up, and what of it was the core's work after all imports, seconds."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.restart", str(journal), str(recording)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    took_s = time.monotonic() - began_s
    process.kill()
    process.communicate()
    assert line.startswith("up "), "the store never came up"
    return took_s, float(line.split()[1])


def _bare_s(journal: Path, recording: Path) -> tuple[float, float]:
    """The same without the snapshot, which is put back."""
    aside = journal.with_name("aside")
    there = (journal / SNAPSHOT).exists()
    if there:
        (journal / SNAPSHOT).rename(aside)
    took_s = _start_s(journal, recording)
    if there:
        aside.rename(journal / SNAPSHOT)
    return took_s


def _resume(journal: Path, recording: Path) -> None:
    """A store that comes up, and is killed."""
    store, began_s = layout(), time.process_time()
    with Intake.open(journal, store_id=store.store_id, layout_version=store.version) as intake:
        LiveStore(store, intake, sources=[], recording=recording)
        print("up", time.process_time() - began_s, flush=True)
        time.sleep(60.0)


if __name__ == "__main__":
    _resume(Path(sys.argv[1]), Path(sys.argv[2]))
