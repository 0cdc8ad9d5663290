"""The mark: signed, outside of the journal, never going back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, mark, write_mark
from jwo_cli.model.findings import UserError
from tests.journal.days import journal, note

KEY = "env:JWO_TEST_MARK_KEY"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWO_TEST_MARK_KEY", "correct horse battery staple")


def test_a_mark_is_the_head_and_moves_on(tmp_path: Path) -> None:
    """Written again after more entries, it says so."""
    directory, path = journal(tmp_path / "j"), tmp_path / "mark.json"
    with Intake.open(directory) as intake:
        assert (write_mark(directory, path, key=KEY).seq, mark.read_mark(path, key=KEY).hash) == intake.head()
        intake.append([note("more")])
        assert write_mark(directory, path, key=KEY).seq == intake.head()[0]


def test_a_mark_never_goes_back(tmp_path: Path) -> None:
    """A journal that lost its end cannot sign that away, nor can another journal."""
    directory, path = journal(tmp_path / "j", visits=4), tmp_path / "mark.json"
    write_mark(directory, path, key=KEY)
    before = path.read_bytes()
    shorter = journal(tmp_path / "shorter", visits=2)
    with pytest.raises(UserError, match="is not in this journal"):
        write_mark(shorter, path, key=KEY)
    assert path.read_bytes() == before


def test_a_mark_inside_of_the_journal_is_refused(tmp_path: Path) -> None:
    """It would guard nothing."""
    directory = journal(tmp_path / "j", visits=1)
    with pytest.raises(UserError, match="inside of the journal"):
        write_mark(directory, directory / "mark.json", key=KEY)


@pytest.mark.parametrize("change", ["seq", "hash", "hmac"])
def test_a_changed_mark_is_refused(tmp_path: Path, change: str) -> None:
    """Every field is under the signature."""
    directory, path = journal(tmp_path / "j", visits=1), tmp_path / "mark.json"
    write_mark(directory, path, key=KEY)
    document = json.loads(path.read_text())
    if change == "hmac":
        document["hmac"] = "0" * 64
    else:
        document["mark"][change] = 1 if change == "seq" else "0" * 64
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match="not signed with this key"):
        mark.read_mark(path, key=KEY)


def test_keys_come_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment or a file; a key in plain sight or too short is refused, and never repeated."""
    (tmp_path / "key").write_text("correct horse battery staple\n")
    assert mark.resolve_key(f"file:{tmp_path / 'key'}") == mark.resolve_key(KEY)
    monkeypatch.setenv("SHORT", "secret")
    for reference in ("secret-in-plain-sight", "env:NOT_THERE", "env:SHORT", f"file:{tmp_path / 'nothing'}"):
        with pytest.raises(UserError) as caught:
            mark.resolve_key(reference)
        assert "plain-sight" not in str(caught.value)
        assert "env:NAME or file:PATH" in caught.value.fix


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"mark": {"seq": 1}, "hmac": ""}'])
def test_a_file_that_is_no_mark(tmp_path: Path, content: str) -> None:
    """Said in a sentence."""
    (tmp_path / "mark.json").write_text(content)
    with pytest.raises(UserError, match="is not a mark"):
        mark.read_mark(tmp_path / "mark.json", key=KEY)
    with pytest.raises(UserError, match="cannot be read"):
        mark.read_mark(tmp_path / "nothing.json", key=KEY)
