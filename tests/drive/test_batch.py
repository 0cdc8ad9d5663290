"""Several recordings into one journal: what cannot be read is told and left out, the rest is kept and published."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.replay import ReplayResult
from jwo_cli.journal import open_journal
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import Recording
from tests.drive import scene
from tests.drive.conftest import write_scene


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def opening(self, path: Path) -> None:
        self.lines.append(f"opening {path.name}")

    def begins(self, recording: Recording) -> Watcher | None:
        self.lines.append(f"begins {recording.name}")
        return None

    def advance(self, seconds: float) -> None:
        pass

    def finished(self, recording: Recording, result: ReplayResult) -> None:
        self.lines.append(f"finished {recording.name}: {len(result.receipts)}")

    def refused(self, path: Path, error: UserError) -> None:
        self.lines.append(f"refused {path.name}")


def test_a_recording_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is told, nothing of it is kept, and the next one is replayed."""
    good, broken = write_scene(tmp_path / "good"), tmp_path / "broken"
    broken.mkdir()
    told = Told()
    batch = replay_all([broken, good], tmp_path / "journal", told)
    assert told.lines == ["opening broken", "refused broken", "opening good", "begins good", "finished good: 1"]
    assert [path for path, _ in batch.refused] == [broken]
    assert [result.name for result in batch.results] == ["good"]


def test_the_journal_is_published_with_receipts_and_the_weights_around_changes(tmp_path: Path) -> None:
    """A reader finds both right after the replay."""
    batch = replay_all([write_scene(tmp_path / "good")], tmp_path / "journal", Told())
    with open_journal(tmp_path / "journal") as session:
        assert session.rows("SELECT track_id, charged_minor FROM receipts") == [("ann", 100)]
        ((channel, count),) = session.rows("SELECT channel, count(*) FROM weights GROUP BY channel")
        assert (session.head_seq, session.head_hash) == (batch.head_seq, batch.head_hash)
    assert channel == "a.s1.p1"
    assert 55 <= count <= 70


def test_replaying_twice_leaves_every_file_of_the_telemetry_as_it_was(tmp_path: Path) -> None:
    """Segments are named by their content: nothing is written beside them."""
    folder, place = write_scene(tmp_path / "good"), tmp_path / "journal"
    replay_all([folder], place, Told())
    before = {path: path.stat().st_mtime_ns for path in (place / "segments").rglob("*.parquet")}
    replay_all([folder], place, Told())
    assert before
    assert {path: path.stat().st_mtime_ns for path in (place / "segments").rglob("*.parquet")} == before


def test_a_recording_of_another_layout_may_share_the_journal(tmp_path: Path) -> None:
    """Entries carry their store and layout."""
    first, second = write_scene(tmp_path / "old"), write_scene(tmp_path / "new", version="2")
    replay_all([first, second], tmp_path / "journal", Told())
    with open_journal(tmp_path / "journal") as session:
        assert len(session.rows("SELECT layout_version FROM layouts")) == 2


def test_a_journal_that_is_not_ours_stops_everything(tmp_path: Path) -> None:
    """A folder with somebody's files is not written into."""
    place = tmp_path / "photos"
    place.mkdir()
    (place / "holiday.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(UserError) as problem:
        replay_all([write_scene(tmp_path / "good")], place, Told())
    assert problem.value.exit_code == 3
    assert [path.name for path in place.iterdir()] == ["holiday.jpg"]
    assert scene.store().store_id not in str(problem.value.fix)
