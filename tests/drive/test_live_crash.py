"""kill -9 at any moment: whoever was let in is still there, nothing is half, and the store is back within moments."""

from __future__ import annotations

import os
import random
import signal
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

    granted: dict[int, str] = field(default_factory=dict)
    up_s: list[float] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)


def lives(journal: Path, seconds: float, told: Told) -> None:
    """One life of the store, ended by SIGKILL so many seconds after it was up."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.drive.living", str(journal)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    end_s = None
    try:
        for line in process.stdout:
            kind, *words = line.split()
            if kind == "up":
                told.up_s.append(time.monotonic() - began_s)
                told.resumed.append(int(words[0]))
                threading.Timer(seconds, process.kill).start()
                end_s = time.monotonic() + seconds
            elif kind == "entry":
                told.granted[int(words[0])] = words[1]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    assert end_s is not None, "the store never came up"


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


@pytest.mark.slow
def test_twenty_kills_lose_nobody(tmp_path: Path) -> None:
    """Two readers look on; after each kill the next life finds the chain whole and everybody who was acknowledged."""
    journal, told, stop, trouble = tmp_path / "journal", Told(), threading.Event(), list[str]()
    readers = [threading.Thread(target=reads, args=(journal, stop, trouble)) for _ in range(2)]
    rng = random.Random(7)
    lives(journal, 0.5, told)
    for reader in readers:
        reader.start()
    try:
        for _ in range(KILLS):
            lives(journal, rng.uniform(0.05, 1.5), told)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not trouble
    assert told.granted
    with Intake.open(journal) as intake:
        kept = {entry.seq: entry for entry in intake.entries()}
    assert {seq: kept[seq].hash for seq in told.granted} == told.granted
    assert not verify(journal)
    assert max(told.resumed) > 0  # somebody was inside at a kill, and still was afterwards
