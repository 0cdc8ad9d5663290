"""kill -9 of a running store, a hundred times at random moments, while two readers ask its journal.

The store is the tests' (`tests.drive.living`): cameras, scales, and a shopper through the door every three seconds.
What it acknowledged is compared with what the next life finds.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.__main__ import MISSED
from jwo_cli.journal import Intake, verify
from tests.drive.test_live_crash import Told, lives, reads

TITLE = "Kills of a running store"
KILLS, KILLS_ON_ONE, READERS = 100, 30, 2
RESTART_S = 2.0


def run() -> str:
    """What was lost, and how long a restart took: on the machine's cores, and on one that all share."""
    with _cores(range(os.cpu_count() or 1)) as cores:
        told, kept, found, trouble = _killed(KILLS)
    with _cores([0]):
        crowded, *_ = _killed(KILLS_ON_ONE)
    lost = sum(kept.get(seq) != digest for seq, digest in told.kept.items())
    slow = statistics.quantiles(told.up_s, n=20)[-1]
    sound = "met" if not lost and not found and not trouble else MISSED
    quick = "met" if slow <= RESTART_S else MISSED
    return (
        f"{KILLS} kills, {READERS} readers in a loop ({len(trouble)} of their questions failed).\n\n"
        f"* acknowledged entries: {len(told.kept)} ({told.granted} let somebody in), lost: {lost}, "
        f"findings of `verify`: {len(found)}: {sound}\n"
        f"* visits that were open at a kill and went on: {sum(told.resumed)}\n"
        f"* from the process's start until the store had resumed, on {cores} cores: median "
        f"{statistics.median(told.up_s):.2f} s, p95 {slow:.2f} s, target {RESTART_S:.0f} s: {quick}\n"
        f"* the same, {KILLS_ON_ONE} times, with the store and both readers on one core: median "
        f"{statistics.median(crowded.up_s):.2f} s, p95 {statistics.quantiles(crowded.up_s, n=20)[-1]:.2f} s\n"
    )


def _killed(times: int) -> tuple[Told, dict[int, str], list[str], list[str]]:
    """A store that is killed so often: what it told, the entries that are kept, findings, readers' troubles."""
    told, stop, trouble = Told(), threading.Event(), list[str]()
    rng = random.Random(11)  # noqa: S311 - when to kill
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        lives(journal, 0.5, told)
        readers = [threading.Thread(target=reads, args=(journal, stop, trouble)) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            for _ in range(times):
                lives(journal, rng.uniform(0.02, 2.0), told)
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        with Intake.open(journal) as intake:
            kept = {entry.seq: entry.hash for entry in intake.entries()}
        return told, kept, [str(one) for one in verify(journal)], trouble


@contextlib.contextmanager
def _cores(wanted: Iterable[int]) -> Iterator[int]:
    """Let this process, and those that it begins, use these cores; how many that are."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield len(os.sched_getaffinity(0))
    finally:
        os.sched_setaffinity(0, before)
