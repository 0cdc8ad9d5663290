"""kill -9 at any moment: whoever was let in is still there, nothing is half, and the store is back within moments."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, open_journal, verify

KILLS = 20
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Told:
    """What a run said before it was killed."""

    kept: dict[int, str] = field(default_factory=dict)  # acknowledged entries: seq -> hash
    granted: int = 0
    up_s: list[float] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)


def lives(journal: Path, seconds: float, told: Told, *, after: str = "up") -> None:
    """One life of the store, ended by SIGKILL so many seconds after it first said `after` (it says `up` first)."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.drive.living", str(journal)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    ending = False
    try:
        for line in process.stdout:
            kind, *words = line.split()
            if kind == "up":
                told.up_s.append(time.monotonic() - began_s)
                told.resumed.append(int(words[0]))
            elif kind == "entry":
                told.kept[int(words[0])] = words[1]
            elif kind == "granted":
                told.granted += 1
            if kind == after and not ending:
                ending = True
                threading.Timer(seconds, process.kill).start()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    assert ending, f"the store never said {after!r}"


def reads(journal: Path, stop: threading.Event, trouble: list[str]) -> None:
    """A reader in a loop: what it sees is whole at any moment."""
    while not stop.is_set():
        try:
            with open_journal(journal) as session:
                rows = session.rows("SELECT count(*), max(seq) FROM entries")
                if rows[0][0] != (rows[0][1] or 0):
                    trouble.append(f"a hole: {rows}")
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is the test's finding
            trouble.append(repr(error))
        time.sleep(0.05)


def inside(journal: Path) -> int:
    """How many visits the journal says are open."""
    with open_journal(journal) as session:
        ((count,),) = session.rows("SELECT count(*) FROM visits WHERE ended_ns IS NULL")
    return int(count)


@pytest.mark.slow
def test_twenty_kills_lose_nobody(tmp_path: Path) -> None:
    """Two readers look on; after each kill the next life finds the chain whole and everybody who was acknowledged."""
    journal, told, stop, trouble = tmp_path / "journal", Told(), threading.Event(), list[str]()
    readers = [threading.Thread(target=reads, args=(journal, stop, trouble)) for _ in range(2)]
    rng, left = random.Random(7), []
    lives(journal, 0.5, told)
    for reader in readers:
        reader.start()
    try:
        for _ in range(KILLS):
            left.append(inside(journal))
            lives(journal, rng.uniform(0.05, 1.5), told)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not trouble
    with Intake.open(journal) as intake:
        kept = {entry.seq: entry for entry in intake.entries()}
    assert {seq: kept[seq].hash for seq in told.kept} == told.kept
    assert told.granted
    assert not verify(journal)
    # Whoever was inside at a kill still was afterwards, each time.
    assert told.resumed[1:] == left
    assert sum(count > 0 for count in left) >= KILLS / 5
    # A restart does not take longer the more there was before it.
    assert statistics.median(told.up_s[-KILLS // 2 :]) < 2 * statistics.median(told.up_s[1 : 1 + KILLS // 2])
