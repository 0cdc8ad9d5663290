"""kill -9, again and again: nothing acknowledged is lost, nothing is there in half, the chain holds."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from jwo_cli.journal import Intake, open_journal, verify

# Batches of three; an acknowledged batch is told to the parent, whose reading end is unbuffered. It publishes, too.
_CHILD = """
import sys
from pathlib import Path
from jwo_cli.journal import Intake, publish
from jwo_cli.model.entry import NewEntry
place, run = Path(sys.argv[1]), sys.argv[2]
with Intake.open(place, store_id="shop") as intake:
    print("ready", flush=True)
    for batch in range(1_000_000):
        keys = [f"{run}:{batch}:{n}" for n in range(3)]
        done = intake.append([NewEntry(key=k, at_ns=0, source=run, kind="ticked", payload={"at_ns": 0}) for k in keys])
        print(done[-1].seq, flush=True)
        if run.endswith("3") and batch % 50 == 49:
            publish(place)
"""


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    """At seeded moments; after each kill the log is whole up to the last acknowledgement, in whole batches."""
    rng, directory, acknowledged = random.Random(2), tmp_path / "j", 0
    for run in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(directory), f"run{run}"], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 0.12))
        child.kill()
        told = child.stdout.read().split("\n")[:-1]
        child.stdout.close()
        child.wait()
        acknowledged = max([acknowledged, *map(int, told)])
        with Intake.open(directory, create=False) as intake:
            seq, _ = intake.head()
        assert seq >= acknowledged
        assert seq % 3 == 0
    assert acknowledged > 200
    assert verify(directory) == ()
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*), max(seq) FROM ticked") == [(seq, seq)]
