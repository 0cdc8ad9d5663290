"""The one door: published and not yet published look the same; questions are answered, nothing is written."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from jwo_cli.journal import Intake, open_journal, publish, session
from jwo_cli.journal.tables import VIEWS, base_tables
from jwo_cli.model.findings import UserError
from tests.journal.days import day, journal, note


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published journal of one visit that the tests here only read."""
    directory = journal(tmp_path_factory.mktemp("published") / "j", visits=1)
    publish(directory)
    return directory


def _everything(directory: Path) -> dict[str, list[tuple[object, ...]]]:
    with open_journal(directory) as opened:
        names = [*base_tables(), *(view.name for view in VIEWS)]
        return {name: opened.rows(f"SELECT * FROM {name} ORDER BY ALL") for name in names}


@pytest.mark.parametrize("cut_at", [0, 17, 60])
def test_the_tail_is_in_every_table(tmp_path: Path, cut_at: int) -> None:
    """Law: wherever the published copy ends, all tables and views answer as if everything had been published."""
    entries = day(8)
    for name in ("whole", "cut"):
        with Intake.open(tmp_path / name, store_id="shop", layout_version="l") as intake:
            if name == "cut":
                intake.append(entries[:cut_at])
                publish(tmp_path / name)
            intake.append(entries)
    publish(tmp_path / "whole")
    whole, cut = _everything(tmp_path / "whole"), _everything(tmp_path / "cut")
    # When an entry was recorded differs, and only that.
    for tables in (whole, cut):
        tables["entries"] = [row[:4] + row[5:] for row in tables["entries"]]
    assert cut == whole
    assert all(whole[name] for name in ("visits", "lines", "postings", "explanations", "reaches", "faults", "reviews"))


def test_an_empty_journal_has_all_its_tables(tmp_path: Path) -> None:
    """A report on the first morning shows nothing, not an error."""
    Intake.open(tmp_path / "j", store_id="shop").close()
    assert set(map(len, _everything(tmp_path / "j").values())) == {0}


def test_a_long_tail_is_published_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens the journal after a long run leaves it ready for the next one."""
    monkeypatch.setattr(session, "TAIL_ENTRIES", 20)
    directory = journal(tmp_path / "j", visits=1)
    publish(directory)
    before = (directory / "store.duckdb").stat().st_ino
    with Intake.open(directory) as intake:
        intake.append([note(f"short {n}") for n in range(20)])
        open_journal(directory).close()
        assert (directory / "store.duckdb").stat().st_ino == before
        intake.append([note("one more")])
    with open_journal(directory) as opened:
        assert opened.rows("SELECT count(*) FROM ticked") == [(21,)]
    assert (directory / "store.duckdb").stat().st_ino != before


def test_refresh_shows_what_was_appended_since(tmp_path: Path) -> None:
    """A session is a snapshot; a console that stays open refreshes it."""
    directory = journal(tmp_path / "j", visits=1)
    with open_journal(directory) as opened, Intake.open(directory) as intake:
        intake.append([note("a")])
        assert opened.rows("SELECT count(*) FROM ticked") == [(0,)]
        opened.refresh()
        assert opened.rows("SELECT count(*) FROM ticked") == [(1,)]
        assert (opened.head_seq, opened.head_hash) == intake.head()


def test_answers_come_whole_with_names_and_parameters(tmp_path: Path) -> None:
    """As rows, with column names, or as Arrow."""
    with open_journal(journal(tmp_path / "j", visits=2)) as opened:
        assert opened.rows("SELECT count(*) FROM receipts WHERE settled = ?", ["automatic"]) == [(2,)]
        answer = opened.answer("SELECT receipt_id AS id, 1 AS one FROM receipts ORDER BY seq")
        assert answer.columns == ("id", "one")
        assert answer.rows == [("r-day-v0", 1), ("r-day-v1", 1)]
        table = opened.table("SELECT sum(total_minor)::BIGINT AS sum FROM lines WHERE total_minor > ?", [1])
        assert table.equals(pa.table({"sum": pa.array([2 * 3 * 144], pa.int64())}))


@pytest.mark.parametrize(
    "question",
    [
        "SELECT 1",
        "  -- with a remark\n FROM receipts",
        "WITH r AS (SELECT * FROM receipts) SELECT count(*) FROM r",
        "DESCRIBE lines",
        "SHOW TABLES",
        "SUMMARIZE receipts",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "PIVOT lines ON tax_class USING sum(quantity)",
        "VALUES (1), (2)",
        "SELECT 1;",
    ],
)
def test_questions_are_answered(published: Path, question: str) -> None:
    """Everything that only reads."""
    with open_journal(published) as opened:
        assert opened.rows(question)


@pytest.mark.parametrize(
    "order",
    [
        "DELETE FROM entries",
        "UPDATE receipt_issued SET total_minor = 0",
        "INSERT INTO entries SELECT * FROM entries",
        "DROP TABLE entries",
        "CREATE TABLE mine (x INTEGER)",
        "COPY entries TO 'out.csv'",
        "EXPLAIN ANALYZE COPY entries TO 'out.csv'",
        "EXPLAIN (ANALYZE) COPY entries TO 'out.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "PRAGMA threads = 1",
        "CHECKPOINT",
        "EXPORT DATABASE 'out'",
    ],
)
def test_writing_is_refused_with_a_sentence(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Nothing that is not a question is carried out, in the journal or beside it."""
    monkeypatch.chdir(tmp_path)
    with open_journal(published) as opened:
        with pytest.raises(UserError, match="the journal is read-only") as caught:
            opened.rows(order)
        assert "SELECT" in caught.value.fix
        assert opened.rows("SELECT count(*) FROM receipts") == [(1,)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("SELECT * FROM recipes", "recipes"),
        ("SELECT nme FROM lines", "nme"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "one question at a time"),
        ("", "one question at a time"),
        ("SELECT * FROM 'nowhere.parquet'", "nowhere"),
        ("SELECT ?", "Values were not provided"),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert"),
    ],
)
def test_a_wrong_question_gets_a_sentence(published: Path, question: str, words: str) -> None:
    """DuckDB's own words and where to look; the session stays usable, and a good copy is not thrown away."""
    before = (published / "store.duckdb").stat().st_ino
    with open_journal(published) as opened:
        with pytest.raises(UserError, match=words) as caught:
            opened.rows(question)
        assert caught.value.exit_code == 2
        assert caught.value.fix
        assert opened.rows("SELECT 1") == [(1,)]
    assert (published / "store.duckdb").stat().st_ino == before


def test_tables_are_listed_with_a_sentence_each(tmp_path: Path) -> None:
    """Everything that can be asked, once, in a stable order, published or not."""
    directory = journal(tmp_path / "j", visits=2)
    with open_journal(directory) as opened:
        first = opened.tables()
    publish(directory)
    with open_journal(directory) as opened:
        second = opened.tables()
        for table in second:
            names = tuple(column for column, _ in table.columns)
            assert opened.answer(f"SELECT * FROM {table.name} LIMIT 0").columns == names
    assert first == second
    assert len({table.name for table in second}) == len(second)
    assert all(table.holds.endswith(".") and len(table.holds) < 130 for table in second)
    listed = {"entries", "visits", "receipts", "lines", "postings", "positions", "weights", "ticked"}
    assert listed <= {table.name for table in second}


def test_no_extension_is_needed() -> None:
    """What the tables use (JSON, Parquet) is linked into DuckDB; nothing is fetched or loaded from anywhere."""
    connection = duckdb.connect()
    linked = connection.execute(
        "SELECT extension_name FROM duckdb_extensions() WHERE install_mode = 'STATICALLY_LINKED'"
    ).fetchall()
    assert {("json",), ("parquet",)} <= set(linked)
