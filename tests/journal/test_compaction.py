"""Telemetry becomes fewer files and stays the same rows, whatever a crash or a reader does meanwhile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import SegmentWriter, compaction, open_journal, segments, verify
from jwo_cli.journal.compaction import DAY_NS, HOUR_NS, compact, retain
from jwo_cli.model.findings import UserError
from tests.journal.days import T0, journal

# A whole hour, so that every test knows which file is of which.
BEGIN = T0 // HOUR_NS * HOUR_NS
LATER = BEGIN + 100 * HOUR_NS
ROWS = "SELECT count(*), sum(at_ns % 1000003), sum(weight_g), min(at_ns), max(at_ns) FROM weights"


def weights(directory: Path, *, hours: float, every_s: float = 300.0, grams: float = 800.0) -> None:
    """A batch of twelve samples of two plates every so often, each in a file of its own."""
    with SegmentWriter(directory, "weights", source="run") as writer:
        for n in range(round(hours * 3600 / every_s)):
            end_ns = BEGIN + round(n * every_s * 1e9) + 200_000_000
            values = np.full((12, 2), grams + n, np.float32)
            writer.weights(WeightBatch(device_id="g", end_ns=end_ns, rate_hz=60, channels=("a", "b"), grams=values))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A journal with three and a half hours of telemetry, twelve files an hour."""
    place = journal(tmp_path / "j", visits=2)
    weights(place, hours=3.5)
    return place


def files(directory: Path) -> list[Path]:
    return sorted((directory / "segments" / "weights" / "run").glob("*.parquet"))


def answer(directory: Path) -> list[tuple[object, ...]]:
    with open_journal(directory) as session:
        found = session.rows(ROWS)
        assert session.findings == ()
    return found


def test_an_hour_becomes_one_file_of_the_same_rows(directory: Path) -> None:
    """The small files stay hidden for those who read them, and go the next time."""
    before = answer(directory)
    done = compact(directory, now_ns=LATER, quiet_ns=-LATER)
    assert (done.hours, done.files, done.removed) == (4, 42, 0)
    assert len(files(directory)) == 46
    assert answer(directory) == before
    again = compact(directory, now_ns=LATER, quiet_ns=-LATER)
    assert (again.hours, again.removed) == (0, 42)
    assert len(files(directory)) == 4
    assert answer(directory) == before
    assert verify(directory) == ()


def test_the_hour_that_runs_is_left_alone(directory: Path) -> None:
    """At a quarter to four three hours are past; and what was written a moment ago is not touched at all."""
    assert compact(directory, now_ns=max(path.stat().st_mtime_ns for path in files(directory)) + 1).hours == 0
    for path in files(directory):
        os.utime(path, ns=(BEGIN, BEGIN))
    assert compact(directory, now_ns=BEGIN + 4 * HOUR_NS - HOUR_NS // 4, quiet_ns=0).hours == 3


def test_a_crash_at_any_moment_costs_no_row(directory: Path) -> None:
    """The new file there and all, some or none of the old ones: the answer is the same."""
    before = answer(directory)
    small = files(directory)
    compact(directory, now_ns=LATER, quiet_ns=-LATER)
    for path in small[5:17]:
        path.unlink()
        assert answer(directory) == before
    assert verify(directory) == ()


def test_a_reader_goes_on_while_files_go_away(directory: Path) -> None:
    """A session that began before keeps its answer, also when its files were removed under it."""
    with open_journal(directory) as session:
        before = session.rows(ROWS)
        compact(directory, now_ns=LATER, quiet_ns=-LATER)
        assert session.rows(ROWS) == before
        compact(directory, now_ns=LATER, quiet_ns=-LATER)
        assert session.rows(ROWS) == before


def test_a_torn_file_is_left_as_it_is(directory: Path) -> None:
    """Its hour is not compacted: what is wrong with it stays visible."""
    path = files(directory)[3]
    path.write_bytes(path.read_bytes()[:-30])
    assert compact(directory, now_ns=LATER, quiet_ns=-LATER).hours == 3
    assert path.exists()
    assert any("torn" in finding.problem for finding in verify(directory))


def test_the_same_replay_again_finds_its_work_done(directory: Path) -> None:
    """Files that were made into one are not written a second time."""
    before = answer(directory)
    for _ in range(2):
        compact(directory, now_ns=LATER, quiet_ns=-LATER)
    weights(directory, hours=3.5)
    assert len(files(directory)) == 4
    assert answer(directory) == before


def test_another_replay_takes_the_place_of_what_it_replaces(directory: Path) -> None:
    """Other values under the same times: the hour is taken apart, and nothing is read twice."""
    for _ in range(2):
        compact(directory, now_ns=LATER, quiet_ns=-LATER)
    weights(directory, hours=3.5, grams=900.0)
    fresh = journal(directory.parent / "fresh", visits=2)
    weights(fresh, hours=3.5, grams=900.0)
    assert answer(directory) == answer(fresh)
    assert verify(directory) == ()


@pytest.mark.parametrize("compacted", [False, True])
def test_old_telemetry_goes_and_entries_stay(directory: Path, *, compacted: bool) -> None:
    """A dry run says what would go; verify knows that it went on purpose; what is younger is still there."""
    if compacted:
        compact(directory, now_ns=LATER, quiet_ns=-LATER)
    with open_journal(directory) as session:
        entries = session.rows("SELECT count(*) FROM entries")
    told = retain(directory, before_ns=BEGIN + 2 * HOUR_NS, dry_run=True)
    assert all(path.exists() for path in told.files)
    done = retain(directory, before_ns=BEGIN + 2 * HOUR_NS)
    assert (done.files, done.size_bytes) == (told.files, told.size_bytes)
    assert not any(path.exists() for path in done.files)
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*) FROM entries") == entries
        ((first,),) = session.rows("SELECT min(at_ns) FROM weights")
    assert BEGIN + 2 * HOUR_NS <= first <= BEGIN + 2 * HOUR_NS + HOUR_NS
    assert verify(directory) == ()
    assert retain(directory, before_ns=BEGIN + 2 * HOUR_NS).files == ()


def test_everything_may_go_but_the_log(directory: Path) -> None:
    """Also evidence, by its files' times; a file that is lost without a word is still missed."""
    (directory / "evidence").mkdir()
    (directory / "evidence" / "clip.mp4").write_bytes(b"1234")
    kept = shutil.copytree(directory, directory.parent / "kept")
    done = retain(directory, before_ns=BEGIN + 400_000 * DAY_NS)
    assert len(done.files) == 43
    assert answer(directory)[0][0] == 0
    assert verify(directory) == ()
    files(kept)[0].unlink()
    assert any("segment 0 of weights is missing" in finding.problem for finding in verify(kept))


def test_where_there_is_no_journal_nothing_is_deleted(tmp_path: Path) -> None:
    """A folder that only looks like one."""
    weights(tmp_path / "j", hours=1)
    with pytest.raises(UserError, match="there is no journal"):
        retain(tmp_path / "j", before_ns=LATER)
    assert len(segments.listing(tmp_path / "j", "weights")) == 12


def test_an_entry_is_enough_for_a_journal(tmp_path: Path) -> None:
    """No telemetry: nothing to do."""
    directory = journal(tmp_path / "j", visits=1)
    assert compact(directory, now_ns=LATER) == compaction.Compacted()
    assert retain(directory, before_ns=LATER).files == ()
