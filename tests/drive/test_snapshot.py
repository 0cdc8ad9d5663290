"""What an engine remembers is kept whole, or not at all; and nothing that it may name is ever run."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from jwo_cli.drive.fold import Fold, earlier
from jwo_cli.drive.log import Log, MemoryLog
from jwo_cli.drive.resume import past_of
from jwo_cli.drive.snapshot import SNAPSHOT, Moment, Snapshots
from jwo_cli.estimate.perception import Perception
from jwo_cli.journal import Intake
from jwo_cli.model.observations import Observation
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings
from jwo_cli.synthetic.day import START_NS, Day
from jwo_cli.synthetic.sample import layout

STORE = layout()
SETTINGS = EngineSettings()


@cache
def observed() -> tuple[Observation, ...]:
    """Ten busy minutes in the kiosk."""
    front = Perception(STORE, recording_id="day")
    day = Day(STORE, seed=3, end_s=600.0, arrivals=iter(range(5, 600, 25)), most_inside=8)
    return tuple(found for signal in day for found in front.feed(signal))


def fold(log: Log, engine: Engine) -> Fold:
    return Fold(
        log=log, engine=engine, run_id="r", source="run/r", store_id=STORE.store_id, layout_version=STORE.version,
        start_ns=START_NS,
    )  # fmt: skip


def kept(place: Path, seq: int, digest: str, engine: Engine | None = None) -> Snapshots:
    snapshots = Snapshots(place, STORE, SETTINGS)
    snapshots.write(engine or Engine(STORE, settings=SETTINGS), Moment(ended=0, seq=seq, hash=digest))
    return snapshots


def opened(place: Path) -> Intake:
    return Intake.open(place / "journal", store_id=STORE.store_id, layout_version=STORE.version)


def commit(work: Fold, observations: Sequence[Observation]) -> None:
    for observation in observations:
        work.commit([observation])


def test_an_engine_that_was_kept_decides_what_it_would_have_decided(tmp_path: Path) -> None:
    """Kept and read again after every fifth observation of a busy shop: the journal ends in the very same hash."""
    whole = fold(MemoryLog(store_id=STORE.store_id), Engine(STORE, settings=SETTINGS))
    commit(whole, observed())
    with opened(tmp_path) as intake:
        work = fold(intake, Engine(STORE, settings=SETTINGS))
        for first in range(0, len(observed()), 5):
            commit(work, observed()[first : first + 5])
            snapshots = kept(intake.directory, *intake.head(), engine=work.engine)
            found = snapshots.read(intake, 0)
            assert found is not None
            assert found[1] == intake.head()[0]
            work.engine = found[0]
        assert intake.head() == (whole.tally.head_seq, whole.tally.head_hash)
    assert len(whole.tally.receipts) > 10


def test_what_an_engine_knows_is_not_told_again(tmp_path: Path) -> None:
    """A run that was cut off begins with the snapshot and what came after it, and knows as much as from all of it."""
    with opened(tmp_path) as intake:
        work = fold(intake, Engine(STORE, settings=SETTINGS))
        commit(work, observed()[:100])
        snapshots = kept(intake.directory, *intake.head(), engine=work.engine)
        commit(work, observed()[100:130])
        past, all_of_it = past_of(intake, snapshots), past_of(intake)
    assert (len(past.earlier), len(all_of_it.earlier)) == (30, 130)
    assert past.cut_off
    assert past.engine is not None
    engines = (past.engine, Engine(STORE, settings=SETTINGS))
    for engine, before in zip(engines, (past.earlier, all_of_it.earlier), strict=True):
        for item in before:
            earlier(engine, item)
    for seq, observation in enumerate(observed()[130:], past.head_seq + 1):
        assert engines[0].handle(seq, observation) == engines[1].handle(seq, observation)


@pytest.mark.parametrize("change", ["layout", "settings", "ended", "journal", "cut", "bit", "anybody", "gone", "text"])
def test_a_snapshot_of_anything_else_is_none(tmp_path: Path, change: str) -> None:
    """Another layout, other settings, another day or journal, a damaged file, one that others may write: as if none."""
    with opened(tmp_path) as intake:
        commit(fold(intake, Engine(STORE, settings=SETTINGS)), observed()[:3])
        seq, digest = intake.head()
        snapshots = kept(intake.directory, seq, digest if change != "journal" else "0" * 64)
        file = intake.directory / SNAPSHOT
        content = file.read_bytes()
        match change:
            case "layout":
                snapshots = Snapshots(intake.directory, replace(STORE, name="Another"), SETTINGS)
            case "settings":
                snapshots = Snapshots(intake.directory, STORE, replace(SETTINGS, lost_s=1.0))
            case "cut":
                file.write_bytes(content[:-1])
            case "bit":
                file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
            case "anybody":
                file.chmod(0o666)
            case "gone":
                file.unlink()
            case "text":
                file.write_bytes(b"[]\n")
        assert snapshots.read(intake, 1 if change == "ended" else 0) is None
        kept(intake.directory, seq, digest)
        assert Snapshots(intake.directory, STORE, SETTINGS).read(intake, 0) is not None


class Runs:
    """Pickles as a call of a program."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_a_snapshot_runs_nothing(tmp_path: Path) -> None:
    """A file with a sound digest that asks for a program, or for a function of ours, is as if there were none."""
    with opened(tmp_path) as intake:
        commit(fold(intake, Engine(STORE, settings=SETTINGS)), observed()[:3])
        snapshots = kept(intake.directory, *intake.head())
        file = intake.directory / SNAPSHOT
        head = json.loads(file.read_bytes().partition(b"\n")[0])
        for body in (pickle.dumps(Runs(f"touch {tmp_path}/ran")), b"cjwo_cli.shop.beliefs\nfresh_group\n(S'x'\ntR."):
            head["body"] = hashlib.sha256(body).hexdigest()
            file.write_bytes(json.dumps(head).encode() + b"\n" + body)
            assert snapshots.read(intake, 0) is None
    assert not (tmp_path / "ran").exists()


def test_a_disk_that_takes_no_snapshot_costs_the_haste_and_nothing_else(tmp_path: Path) -> None:
    """Neither writing it nor taking the old one away works: the run goes on."""
    (tmp_path / SNAPSHOT / "in the way").mkdir(parents=True)
    Snapshots(tmp_path, STORE, SETTINGS).write(Engine(STORE, settings=SETTINGS), Moment(ended=0, seq=0, hash=""))
    assert (tmp_path / SNAPSHOT / "in the way").is_dir()
