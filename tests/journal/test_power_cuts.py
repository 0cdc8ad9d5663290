"""Power cuts, played: whatever part of the unsynced writes reached the disk, the log is whole to the last sync."""

from __future__ import annotations

import itertools
import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from jwo_cli.journal import verify
from tests.journal.power import BATCH, Disk, Op, survives


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Op]:
    """What a writer of forty batches, with checkpoints between them, did to its files."""
    folder = tmp_path_factory.mktemp("power")
    command = [sys.executable, "-m", "tests.journal.power", str(folder / "j"), str(folder / "log"), "40"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    log: list[Op] = pickle.loads((folder / "log").read_bytes())  # noqa: S301 - written a moment ago, by us
    return log


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where states of the disk are looked at: in memory if possible, because a sync there costs nothing."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_the_log_holds_what_it_needs_to(written: list[Op]) -> None:
    """The writer wrote ahead, synced each commit once at least, and went through several checkpoints."""
    what = Counter((op[0], op[1]) for op in written)
    assert what["write", "intake.sqlite-wal"] > 100
    assert what["sync", "intake.sqlite-wal"] >= what["ack", ""] == 40
    assert what["sync", "intake.sqlite"] >= 4
    for op, later in itertools.pairwise(written):
        # Nothing is acknowledged before the sync that makes it durable.
        assert later[0] != "ack" or op[0] in {"sync", "write", "truncate"}


@pytest.mark.parametrize("seed", range(3))
def test_after_a_cut_at_any_moment(written: list[Op], place: Path, seed: int) -> None:
    """At an eighth of all moments: all that waited came, none did, or some sectors in some order, some of them junk."""
    rng, disk = random.Random(seed), Disk()
    for number, op in enumerate(written):
        disk.play(op)
        if number % 8 != 2 * seed + 1:
            continue
        kinds = {
            "none": disk.after_cut(None),
            "all": disk.after_cut(None, all_arrived=True),
            "some": disk.after_cut(rng),
        }
        for kind, files in kinds.items():
            survives(place / f"{number}-{kind}", files, disk.acknowledged)


def test_the_whole_journal_is_sound_after_a_cut(written: list[Op], place: Path) -> None:
    """All that `jwo audit verify` looks at, for a few moments."""
    rng, disk = random.Random(7), Disk()
    for number, op in enumerate(written):
        disk.play(op)
        if number % 97 == 50:
            survives(place / str(number), disk.after_cut(rng), disk.acknowledged)
            assert verify(place / str(number)) == ()


def test_a_disk_that_lies_about_its_syncs_is_seen_through(written: list[Op], place: Path) -> None:
    """Without the syncs of the log something is lost or torn: what the tests above look for can be found."""
    disk, found = Disk(), 0
    for number, op in enumerate(written):
        if op[:2] != ("sync", "intake.sqlite-wal"):
            disk.play(op)
        if op[0] != "ack" or disk.acknowledged <= BATCH:
            continue
        try:
            survives(place / str(number), disk.after_cut(None), disk.acknowledged)
        except AssertionError as error:
            found += "is lost" in str(error)
    # All but those right after a checkpoint, which syncs the database itself.
    assert found > 20
