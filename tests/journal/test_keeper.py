"""The housekeeper works beside the store and ends with it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jwo_cli.journal import Keeper, keeper, open_journal, publication, verify
from jwo_cli.journal import database as files_of
from jwo_cli.journal.keeper import Sealed
from jwo_cli.journal.mark import read_mark
from tests.journal.days import journal
from tests.journal.test_compaction import answer, files, weights


def published(directory: Path) -> int:
    intake = files_of.open_reader(directory)
    try:
        return publication.published_seq(directory, intake)
    finally:
        intake.close()


def test_one_round_publishes_compacts_and_forgets(tmp_path: Path) -> None:
    """A long tail is published before a reader must; hours are made one; what is too old goes, said or not."""
    directory = journal(tmp_path / "j", visits=200)
    weights(directory, hours=2)
    for path in files(directory):
        os.utime(path, ns=(0, 0))
    before = answer(directory)
    (directory / "store.duckdb").unlink()
    said: list[str] = []
    keeper.tend(directory, keep_days=None, ended=lambda _: True, say=said.append)
    assert published(directory) > keeper.TAIL_ENTRIES
    assert answer(directory) == before
    assert len(files(directory)) == 26
    keeper.tend(directory, keep_days=10_000, ended=lambda _: True, say=said.append)
    assert answer(directory) == before
    keeper.tend(directory, keep_days=1, ended=lambda _: True, say=said.append)
    assert files(directory) == []
    assert said == []
    assert verify(directory) == ()


def test_what_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    """No journal yet: a sentence a round, and no end to it."""
    said: list[str] = []
    rounds = iter([False, False, True])
    keeper.tend(tmp_path / "j", keep_days=1, ended=lambda _: next(rounds), say=said.append)
    assert len(said) == 3
    assert all("there is no journal" in sentence for sentence in said)


def test_the_process_ends_with_the_block(tmp_path: Path) -> None:
    """It publishes by itself within seconds, and is gone afterwards."""
    directory = journal(tmp_path / "j", visits=200)
    with Keeper(directory, keep_days=30) as beside:
        deadline = time.monotonic() + 60
        while published(directory) == 0 and time.monotonic() < deadline:
            assert beside.running()
            time.sleep(0.1)
    assert not beside.running()
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*) FROM receipts") == [(200,)]


def test_the_mark_is_signed_by_the_hour_and_at_an_orderly_end(tmp_path: Path) -> None:
    """An end that is cut off afterwards is noticed; an end by an error signs nothing."""
    directory = journal(tmp_path / "j", visits=1)
    (tmp_path / "key").write_text("sixteen bytes or more")
    sealed = Sealed(file=tmp_path / "mark.json", key=f"file:{tmp_path / 'key'}")
    said: list[str] = []
    keeper.tend(directory, keep_days=None, ended=lambda _: True, say=said.append, sealed=sealed)
    hourly = read_mark(sealed.file, key=sealed.key)
    journal(directory, visits=2, source="next")
    with pytest.raises(RuntimeError), Keeper(directory, sealed=sealed):
        raise RuntimeError
    assert read_mark(sealed.file, key=sealed.key) == hourly
    with Keeper(directory, sealed=sealed):
        pass
    last = read_mark(sealed.file, key=sealed.key)
    assert (last.seq > hourly.seq, said) == (True, [])
    cut = journal(tmp_path / "cut", visits=1)
    assert "its end was cut off" in str(verify(cut, mark=sealed.file, key=sealed.key)[0])
    keeper.tend(cut, keep_days=None, ended=lambda _: True, say=said.append, sealed=sealed)
    assert "is not in this journal" in said[0]
