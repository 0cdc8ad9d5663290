"""`jwo audit` at the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jwo_cli.journal import open_journal
from tests.conftest import Jwo


@pytest.fixture(scope="module")
def receipt_id(kept: Path) -> str:
    """The receipt of the two bottles."""
    with open_journal(kept) as session:
        ((found,),) = session.rows("SELECT receipt_id FROM receipts WHERE total_minor = 200")
    return str(found)


def test_every_line_is_explained_by_weights_people_and_alternatives(jwo: Jwo, kept: Path, receipt_id: str) -> None:
    """The measured change, who was near, the likeliest story, and the trace as a plot."""
    done = jwo("audit", "show", receipt_id, "--journal", kept)
    assert done.returncode == 0
    assert "Line 1: 2 × Spring water" in done.stdout
    assert "the weight on a.s1 changed" in done.stdout
    assert "a.s1.p1 -1040" in done.stdout
    assert "near: ann, hand 0." in done.stdout
    assert "this shopper took 2 × Spring water" in done.stdout
    assert "┤" in done.stdout


def test_json_has_the_trace_and_all_probabilities(jwo: Jwo, kept: Path, receipt_id: str) -> None:
    """The step stands in the numbers."""
    document = json.loads(jwo("audit", "show", receipt_id, "--journal", kept, "--json").stdout)
    (event,) = document["lines"][0]["events"]
    (trace,) = event["traces"]
    assert trace["grams"][0] - trace["grams"][-1] == pytest.approx(1040, abs=5)
    assert trace["at_s"][0] == pytest.approx(-3, abs=0.15)
    assert sum(way["probability"] for way in event["explanations"]) == pytest.approx(1, abs=0.02)
    assert event["reaches"][0]["track_id"] == "ann"


def test_a_beginning_of_the_id_is_enough_if_it_is_unique(jwo: Jwo, kept: Path, receipt_id: str) -> None:
    """Ids are long; but two receipts of one shopper's id are a question back."""
    assert jwo("audit", "show", receipt_id[:10], "--journal", kept).returncode == 0
    both = jwo("audit", "show", "ann", "--journal", kept)
    assert both.returncode == 2
    assert "2 receipts fit 'ann'" in both.stderr


def test_an_unknown_receipt_is_answered_with_known_ones(jwo: Jwo, kept: Path, receipt_id: str) -> None:
    """The error offers the way on."""
    done = jwo("audit", "show", "r-nothing", "--journal", kept)
    assert done.returncode == 2
    assert receipt_id in done.stderr


def test_without_a_journal_there_is_nothing_to_explain(jwo: Jwo, tmp_path: Path) -> None:
    """No journal named, and a directory that holds none."""
    assert jwo("audit", "show", "x").returncode == 2
    empty = jwo("audit", "show", "x", "--journal", tmp_path)
    assert empty.returncode == 3
    assert "there is no journal" in empty.stderr


def test_verify_finds_a_whole_journal_whole(jwo: Jwo, kept: Path) -> None:
    """Exit code 0 and no findings."""
    done = jwo("audit", "verify", "--journal", kept, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == []


def test_verify_names_telemetry_that_was_changed(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """One byte in a segment."""
    copy = tmp_path / "copy"
    shutil.copytree(kept, copy)
    segment = next((copy / "segments").rglob("*.parquet"))
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    segment.write_bytes(bytes(raw))
    done = jwo("audit", "verify", "--journal", copy)
    assert segment.name in done.stderr


def test_a_mark_outside_of_the_journal_is_written_and_checked(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """Its key comes by reference."""
    env = {"SHOP_KEY": "correct horse battery staple"}
    mark = ["--journal", kept, "--mark", tmp_path / "mark.json", "--key", "env:SHOP_KEY"]
    assert jwo("audit", "verify", *mark, "--renew-mark", env=env).returncode == 0
    assert jwo("audit", "verify", *mark, env=env).returncode == 0
    forged = jwo("audit", "verify", *mark, env={"SHOP_KEY": "another key altogether"})
    assert forged.returncode != 0
    assert jwo("audit", "verify", "--journal", kept, "--renew-mark").returncode == 2


def test_a_mark_that_is_not_there_is_said(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """In a store directory whose mark was never signed, or was removed: a cut-off end would go unnoticed."""
    assert jwo("init", ".").returncode == 0
    shutil.copytree(kept, tmp_path / "journal", dirs_exist_ok=True)
    bare = jwo("audit", "verify")
    assert (bare.returncode, "there is no mark" in bare.stderr) == (0, True)
    assert "mark written" in jwo("audit", "verify", "--renew-mark").stderr
    assert "there is no mark" not in jwo("audit", "verify").stderr
