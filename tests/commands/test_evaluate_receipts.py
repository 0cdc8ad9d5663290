"""`jwo evaluate receipts` at the command line, on the bundled kiosk's own truth made into a case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Jwo


@pytest.fixture(scope="module")
def judged(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenes of one and two bottles with what is true of them: in the second, one bottle fewer than was seen."""
    folder = tmp_path_factory.mktemp("judged")
    for name in ("one", "two"):
        (folder / name).mkdir()
        for file in (scenes / name).iterdir():
            (folder / name / file.name).symlink_to(file)
        products = [{"barcode": "4006381333931", "quantity": 1, "price": 1.0}]
        receipts = [{"target_id": "ann", "all_ids": ["ann"], "products": products}]
        document = {"case": name, "class": name, "receipts": receipts, "events": []}
        (folder / name / "truth.json").write_text(json.dumps(document))
    return folder


def test_a_journal_is_scored_by_class_and_in_total(jwo: Jwo, kept: Path, judged: Path) -> None:
    """Receipts, money, events, reliability and the curve, as one JSON object."""
    done = jwo("evaluate", "receipts", "--truth", judged, "--journal", kept, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["classes"]["one"]["receipt_exact"] == 1.0
    assert document["classes"]["two"]["over_charged"] == 1.0
    assert document["total"]["receipt_exact"] == 0.5
    assert document["events"]["total"]["invented"] == 2
    assert set(document["events"]["classes"]) == {"one", "two"}
    assert document["risk_coverage"][0] == {"threshold": 0.0, "coverage": 1.0, "exact": 0.5}


def test_people_read_tables(jwo: Jwo, kept: Path, judged: Path) -> None:
    """Every table has its title, and the total its row."""
    done = jwo("evaluate", "receipts", "--truth", judged, "--journal", kept, "--reliability")
    for title in ("Receipts against", "Money as a share", "Picks, puts", "by what happened", "Reliability", "Risk by"):
        assert title in done.stdout
    assert done.stdout.count("TOTAL") == 3


def test_a_bad_file_is_a_sentence(jwo: Jwo, judged: Path, tmp_path: Path) -> None:
    """Where, why, what to do; exit code 2."""
    (tmp_path / "bad.json").write_text("{")
    done = jwo("evaluate", "receipts", "--truth", judged, "--receipts", "bad.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bad.json: not receipts: line 1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Error(" not in done.stderr


def test_cases_of_which_nothing_is_there_are_named(jwo: Jwo, judged: Path, tmp_path: Path) -> None:
    """Receipts of one case of two: scored, JSON untouched, and said on stderr."""
    (tmp_path / "one.json").write_text('{"one": []}')
    done = jwo("evaluate", "receipts", "--truth", judged, "--receipts", "one.json", "--json")
    assert json.loads(done.stdout)["total"]["cases"] == 2
    assert "nothing is there of 1 of 2 cases" in done.stderr
    assert done.stderr.rstrip().endswith(": two")
