"""The vault: personal fields open with the store's key, prove what they are, and are gone once erased."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jwo_cli.journal.vault import Vault
from jwo_cli.model.findings import UserError

FIELDS = {"name": "Ada Lovelace", "email": "ada@example.org"}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PEOPLE_KEY", "p" * 40)
    monkeypatch.setenv("OTHER_KEY", "o" * 40)
    return "env:PEOPLE_KEY"


def test_fields_come_back_and_are_nowhere_in_the_file(tmp_path: Path, key: str) -> None:
    """What was sealed opens in the next process; the file is its owner's alone and shows no word of it."""
    path = tmp_path / "people.sqlite"
    with Vault.open(path, key=key) as vault:
        commitment = vault.seal("a-1", FIELDS)
    with Vault.open(path, key=key) as vault:
        assert vault.open_fields("a-1", commitment=commitment) == FIELDS
        assert vault.open_fields("a-2", commitment=commitment) is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert not any(value.encode() in content for value in FIELDS.values())


def test_erasing_leaves_nothing_that_the_key_opens(tmp_path: Path, key: str) -> None:
    """The sealed bytes themselves are gone from the file, and the next fields of the account are another person's."""
    path = tmp_path / "people.sqlite"
    with Vault.open(path, key=key) as vault:
        commitment = vault.seal("a-1", FIELDS)
        kept = vault.seal("a-2", FIELDS)
        before = path.read_bytes()
        assert vault.erase("a-1")
        assert not vault.erase("a-1")
        assert vault.open_fields("a-1", commitment=commitment) is None
        assert vault.open_fields("a-2", commitment=kept) == FIELDS
    after = path.read_bytes()
    assert b"a-1" in before
    assert b"a-1" not in after
    assert list(tmp_path.iterdir()) == [path]


def test_equal_people_have_unequal_commitments(tmp_path: Path, key: str) -> None:
    """Nobody can tell from the journal that two accounts are one person, nor guess who it is."""
    with Vault.open(tmp_path / "people.sqlite", key=key) as vault:
        assert vault.seal("a-1", FIELDS) != vault.seal("a-2", FIELDS)


def test_exchanged_fields_are_noticed(tmp_path: Path, key: str) -> None:
    """A vault that was put back from another time, or another store's key: told, never shown."""
    with Vault.open(tmp_path / "a.sqlite", key=key) as vault:
        vault.seal("a-1", FIELDS)
        with pytest.raises(UserError, match="vouches for"):
            vault.open_fields("a-1", commitment="0" * 64)
    with Vault.open(tmp_path / "a.sqlite", key="env:OTHER_KEY") as vault, pytest.raises(UserError, match="do not open"):
        vault.open_fields("a-1", commitment="0" * 64)


def test_an_account_is_sealed_once(tmp_path: Path, key: str) -> None:
    """What is there is never written over."""
    with Vault.open(tmp_path / "people.sqlite", key=key) as vault:
        commitment = vault.seal("a-1", FIELDS)
        with pytest.raises(UserError, match="already"):
            vault.seal("a-1", {"name": "Eve"})
        assert vault.open_fields("a-1", commitment=commitment) == FIELDS


def test_another_file_is_left_alone(tmp_path: Path, key: str) -> None:
    """A journal, a text: refused with its name, and not changed."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to look at " * 40)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"notes\.txt"):
        Vault.open(path, key=key)
    assert path.read_bytes() == before


def test_no_key_no_vault(tmp_path: Path) -> None:
    """The sentence names the reference, and no file is made."""
    with pytest.raises(UserError, match="env:NOBODY"):
        Vault.open(tmp_path / "people.sqlite", key="env:NOBODY")
    assert not list(tmp_path.iterdir())


def test_a_process_that_dies_before_the_account_is_journalled_leaves_no_person_behind(tmp_path: Path, key: str) -> None:
    """Fields that no account leads to could never be erased; nor is anything kept where the journal refuses."""
    path = tmp_path / "people.sqlite"
    with Vault.open(path, key=key) as vault:
        with pytest.raises(OSError, match="full"), vault.sealing("a-1", FIELDS):
            raise OSError("the disk is full")
        kept = vault.seal("a-2", FIELDS)
    program = (
        "import os, sys, pathlib\nfrom jwo_cli.journal.vault import Vault\n"
        "with Vault.open(pathlib.Path(sys.argv[1]), key='env:PEOPLE_KEY') as vault:\n"
        "    with vault.sealing('a-3', {'name': 'Ada'}):\n        os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    with Vault.open(path, key=key) as vault:
        assert [vault.erase(account) for account in ("a-1", "a-3")] == [False, False]
        assert vault.open_fields("a-2", commitment=kept) == FIELDS
