"""`jwo import autocheckout`: cases in, recordings out, whole or not at all, and what was wrong with the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jwo_cli.recordings import open_recording
from tests.conftest import Jwo
from tests.recordings.cases import case_documents, write_case
from tests.recordings.dumps import archive


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_case(tmp_path / "cases" / "monday", case_documents())


def test_one_case_becomes_the_recording_that_is_named(jwo: Jwo, case: Path, tmp_path: Path) -> None:
    """`--out REC` is the recording's own folder; data goes to stdout, talk to stderr."""
    done = jwo("import", "autocheckout", case, "--out", "rec")
    assert (done.returncode, "imported" in done.stdout) == (0, True)
    assert "--warnings shows them" in done.stderr
    assert open_recording(tmp_path / "rec").recording_id == open_recording(case).recording_id


def test_several_cases_go_under_their_names(jwo: Jwo, case: Path, tmp_path: Path) -> None:
    """Cases, folders of cases and dumps may be mixed; --json says what became of each."""
    write_case(case.with_name("tuesday"), case_documents(batches=4))
    (tmp_path / "dump.archive").write_bytes(archive({"wednesday": case_documents(batches=5)}))
    done = jwo("import", "autocheckout", case.parent, "dump.archive", "--out", "recs", "--json")
    rows = json.loads(done.stdout)
    assert [(row["name"], row["outcome"]) for row in rows] == [
        ("monday", "imported"),
        ("tuesday", "imported"),
        ("wednesday", "imported"),
    ]
    assert sorted(path.name for path in (tmp_path / "recs").iterdir()) == ["monday", "tuesday", "wednesday"]
    assert rows[0]["recording_id"] == open_recording(case).recording_id


def test_importing_twice_changes_nothing(jwo: Jwo, case: Path, tmp_path: Path) -> None:
    """What is there with the same content stays; other content under that name is refused."""
    jwo("import", "autocheckout", case, "--out", "rec")
    before = (tmp_path / "rec" / "manifest.json").stat().st_mtime_ns
    again = jwo("import", "autocheckout", case, "--out", "rec")
    assert (again.returncode, "unchanged" in again.stdout) == (0, True)
    assert (tmp_path / "rec" / "manifest.json").stat().st_mtime_ns == before
    other = write_case(case.with_name("other"), case_documents(batches=3))
    refused = jwo("import", "autocheckout", other, "--out", "rec")
    assert (refused.returncode, "holds another recording" in refused.stderr) == (2, True)


def test_a_malformed_case_is_refused_as_a_whole(jwo: Jwo, case: Path, tmp_path: Path) -> None:
    """File, line and field on stderr, exit code 2, and nothing in the place of the recording."""
    files = case_documents()
    files["full_targets"][4]["document"]["targets"]["targets"][0].pop("target_id")
    write_case(case, files)
    done = jwo("import", "autocheckout", case, "--out", "rec")
    assert done.returncode == 2
    assert "full_targets.json:5: document.targets.targets[0].target_id: missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "rec").exists()


def test_the_good_ones_of_several_are_kept(jwo: Jwo, case: Path, tmp_path: Path) -> None:
    """Exit code 1 says that some were refused; the reason is told."""
    bad = write_case(case.with_name("tuesday"), case_documents())
    (bad / "planogram.json").unlink()
    done = jwo("import", "autocheckout", case, bad, "--out", "recs")
    assert done.returncode == 1
    assert "tuesday" in done.stderr
    assert [path.name for path in (tmp_path / "recs").iterdir()] == ["monday"]


def test_warnings_are_shown_when_asked_for(jwo: Jwo, case: Path) -> None:
    """Each oddity that was kept, with its place."""
    done = jwo("import", "autocheckout", case, "--out", "rec", "--warnings")
    assert "warning: " in done.stderr
    assert "planogram.json" in done.stderr
