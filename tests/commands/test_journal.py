"""`jwo journal` at the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Jwo


def test_the_state_of_a_journal(jwo: Jwo, kept: Path) -> None:
    """Entries, what is published, telemetry; as a table or one JSON object."""
    document = json.loads(jwo("journal", "status", "--journal", kept, "--json").stdout)
    assert document["store_id"]
    assert document["published_seq"] == document["seq"] > 10
    assert document["telemetry"]["weights"]["files"] > 0
    assert document["hash"] in jwo("journal", "status", "--journal", kept).stdout


def test_backup_and_restore(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """The restored journal has the same head; a place that is taken is a sentence."""
    done = jwo("journal", "backup", "copy", "--journal", kept, "--json")
    assert json.loads(done.stdout)["linked"] + json.loads(done.stdout)["copied"] > 0
    again = jwo("journal", "backup", "copy", "--journal", kept)
    assert again.returncode == 2
    assert "copy is there already" in again.stderr
    (tmp_path / "file").touch()
    nowhere = jwo("journal", "backup", "file/copy", "--journal", kept)
    assert (nowhere.returncode, "file/copy cannot be written" in nowhere.stderr) == (2, True)
    back = jwo("journal", "restore", "copy", "--journal", tmp_path / "back")
    assert json.loads(done.stdout)["hash"] in back.stdout
    assert jwo("audit", "verify", "--journal", "back").returncode == 0


@pytest.mark.parametrize("days", ["nan", "-1", "1e300"])
def test_days_are_a_number(jwo: Jwo, kept: Path, days: str) -> None:
    """What is none deletes nothing."""
    assert jwo("journal", "retain", "--keep-days", days, "--journal", kept).returncode == 2


def test_retention_says_what_would_go(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """A dry run deletes nothing; without it the telemetry goes, and the journal is whole."""
    place = shutil.copytree(kept, tmp_path / "j")
    dry = jwo("journal", "retain", "--keep-days", "0", "--dry-run", "--journal", place)
    would = dry.stdout.split()
    assert would
    assert all(Path(path).exists() for path in would)
    assert "would be deleted; all entries stay" in dry.stderr
    document = json.loads(jwo("journal", "retain", "--keep-days", "0", "--journal", place, "--json").stdout)
    assert document["files"] == would
    assert not any(Path(path).exists() for path in would)
    assert jwo("audit", "verify", "--journal", place).returncode == 0


def test_housekeeping_by_hand(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """Publishing what is published, compacting what is fresh: nothing, said in a sentence."""
    place = shutil.copytree(kept, tmp_path / "j")
    assert "entries are published" in jwo("journal", "publish", "--journal", place).stderr
    assert "0 hours made" in jwo("journal", "compact", "--journal", place).stderr
    assert jwo("journal", "status", "--journal", "nowhere").returncode == 3
