"""Nothing that was acknowledged is ever lost: kills at random moments beside readers, and power cuts, played.

A writer (batches of three) is killed with SIGKILL at random moments, a hundred times and more, while two processes ask
questions and the housekeeper publishes. After each kill the next writer must go on within two seconds (from starting
its process to its first durable entry), with everything that was acknowledged and no part of a batch. Power
cuts are those of tests/journal/power.py, at every single write of a longer log.
"""

from __future__ import annotations

import os
import random
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.__main__ import MISSED
from jwo_cli.journal import Intake, Keeper, open_journal, verify
from tests.journal.power import BATCH, Disk, record, survives

TITLE = "Kills and power cuts"
KILLS = int(os.environ.get("JWO_BENCH_KILLS", "120"))
RESTART_TARGET_S = 2.0
POWER_BATCHES = 120

_WRITER = """
import sys
from pathlib import Path
from jwo_cli.journal import Intake
from jwo_cli.model.entry import NewEntry
place, run = Path(sys.argv[1]), sys.argv[2]
with Intake.open(place, store_id="shop") as intake:
    for batch in range(1_000_000):
        keys = [f"{run}:{batch}:{n}" for n in range(3)]
        done = intake.append([NewEntry(key=k, at_ns=0, source=run, kind="ticked", payload={"at_ns": 0}) for k in keys])
        print(done[-1].seq, flush=True)
"""
_READER = """
import sys
from pathlib import Path
from jwo_cli.journal import open_journal
while True:
    with open_journal(Path(sys.argv[1])) as session:
        ((count, last),) = session.rows("SELECT count(*), max(seq) FROM ticked")
        assert count == last and count % 3 == 0, (count, last)
    print(count, flush=True)
"""


def run() -> str:
    """Both, as a list."""
    with tempfile.TemporaryDirectory() as folder:
        killed = _kills(Path(folder) / "j")
    return f"{killed}{_power_cuts()}"


def _kills(place: Path) -> str:
    rng = random.Random(5)  # noqa: S311 - reproducible, not secret
    with Intake.open(place, store_id="shop"):
        pass
    acknowledged = lost = halves = 0
    restarts: list[float] = []
    command = [sys.executable, "-c", _READER, str(place)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    asked = 0
    try:
        with Keeper(place):
            for number in range(KILLS):
                restart_s, told = _one_life(place, f"run{number}", rng.uniform(0.0, 0.4))
                restarts.append(restart_s)
                acknowledged = max([acknowledged, *told])
                with Intake.open(place, create=False) as intake:
                    seq, _ = intake.head()
                lost += max(acknowledged - seq, 0)
                halves += seq % BATCH != 0
        dead = [reader.poll() for reader in readers if reader.poll() is not None]
    finally:
        for reader in readers:
            reader.kill()
            asked += (reader.communicate()[0] or "").count("\n")
    sound = not verify(place)
    with open_journal(place) as session:
        ((count,),) = session.rows("SELECT count(*) FROM entries")
    worst, median = max(restarts), statistics.median(restarts)
    verdict = "met" if not (lost or halves or dead) and sound and worst <= RESTART_TARGET_S else MISSED
    return (
        f"{KILLS} kills of a writer beside two readers ({asked} questions, {len(dead)} failed) and the housekeeper: "
        f"{acknowledged} entries acknowledged, {count} there, {lost} lost, {halves} half transactions, journal "
        f"{'sound' if sound else 'not sound'}; from the start of the next writer to its first durable entry "
        f"{median * 1e3:.0f} ms in the median, {worst * 1e3:.0f} ms at worst (target ≤ {RESTART_TARGET_S:.0f} s): "
        f"{verdict}\n\n"
    )


def _one_life(place: Path, name: str, lives_s: float) -> tuple[float, list[int]]:
    """How long a writer took from its start to its first entry, and what it acknowledged until it was killed."""
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, "-c", _WRITER, str(place), name], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    select.select([child.stdout], [], [], 30)
    restart_s = time.monotonic() - began
    time.sleep(lives_s)
    child.kill()
    # The last line may have been cut off.
    return restart_s, [int(line) for line in child.communicate()[0].split("\n")[:-1]]


def _power_cuts() -> str:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    states = failed = 0
    rng = random.Random(9)  # noqa: S311 - reproducible, not secret
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        log = record(Path(folder) / "written", batches=POWER_BATCHES)
        disk = Disk()
        for number, op in enumerate(log):
            disk.play(op)
            left = [disk.after_cut(None), disk.after_cut(None, all_arrived=True), *(disk.after_cut(rng) for _ in "123")]
            for kind, files in enumerate(left):
                place = Path(folder) / "state"
                states += 1
                try:
                    survives(place, files, disk.acknowledged)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is a journal that did not survive
                    failed += 1
                    sys.stderr.write(f"cut at write {number}, state {kind}: {error!r}\n")
                for path in place.iterdir():
                    path.unlink()
                place.rmdir()
    verdict = "met" if not failed else MISSED
    return (
        f"Power cuts at each of {len(log)} writes, syncs and truncations of a log of {POWER_BATCHES} transactions, "
        f"{states} states of the disk (all that waited came, nothing did, any sectors in any order, junk at an end): "
        f"{failed} with something acknowledged lost, half a transaction or a file that does not open: {verdict}\n"
    )
