"""`jwo sql`: a question in, a table, JSON or CSV out; wrong questions get sentences, never tracebacks."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, SegmentWriter, segments
from tests.journal.days import T0, journal

Jwo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a day with two visits."""
    return journal(tmp_path_factory.mktemp("sql") / "j", visits=2)


def test_a_question_gets_a_table(jwo: Jwo, kept: Path) -> None:
    """Readable by people, data on stdout, nothing on stderr."""
    done = jwo("sql", "SELECT receipt_id, total_minor FROM receipts ORDER BY seq", "--journal", kept)
    assert done.returncode == 0
    assert done.stderr == ""
    words = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert words[0] == ["receipt_id", "total_minor"]
    assert words[2:] == [["r-day-v0", "432"], ["r-day-v1", "432"]]


def test_json_keeps_types_and_names(jwo: Jwo, kept: Path) -> None:
    """Numbers are numbers, lists are lists, columns of one name stay two."""
    sql = (
        "SELECT seq, charged, probability, caused_by, promotions, mass_g, at_utc, 1.5 AS decimal, "
        "sum(quantity) OVER () AS pieces, seq FROM lines LIMIT 1"
    )
    done = jwo("sql", sql, "--json", env={"JWO_JOURNAL": str(kept)})
    assert json.loads(done.stdout) == [
        {
            "seq": 14,
            "charged": True,
            "probability": 0.9375,
            "caused_by": [4],
            "promotions": [],
            "mass_g": None,
            "at_utc": "2023-11-14 22:14:40",
            "decimal": 1.5,
            "pieces": 6,
            "seq_2": 14,
        }
    ]


def test_csv_for_spreadsheets(jwo: Jwo, kept: Path) -> None:
    """A heading and rows; lists as JSON in a cell, nothing for null."""
    done = jwo("sql", "SELECT name, charged, caused_by, mass_g FROM lines LIMIT 1", "--csv", "--journal", kept)
    heading, row = csv.reader(io.StringIO(done.stdout))
    assert heading == ["name", "charged", "caused_by", "mass_g"]
    assert row[1:] == ["true", "[4]", ""]


def test_tables_lists_what_can_be_asked(jwo: Jwo, kept: Path) -> None:
    """A sentence and the columns of each."""
    done = jwo("sql", "--tables", "--json", "--journal", kept)
    tables = {table["table"]: table for table in json.loads(done.stdout)}
    assert tables["receipts"]["holds"].startswith("One row per receipt")
    assert {"column": "total_minor", "type": "BIGINT"} in tables["receipts"]["columns"]
    assert "One row per receipt" in jwo("sql", "--tables", "--journal", kept).stdout


def test_nothing_found_is_said(jwo: Jwo, kept: Path) -> None:
    """An empty answer is an answer: `[]` for programs, a word for people."""
    sql = "SELECT * FROM receipts WHERE total_minor < 0"
    done = jwo("sql", sql, "--journal", kept)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no rows\n")
    assert json.loads(jwo("sql", sql, "--json", "--journal", kept).stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["DELETE FROM entries"], 2, "the journal is read-only"),
        (["SELECT nme FROM lines"], 2, "jwo sql --tables"),
        ([], 2, "there is no question"),
        (["SELECT 1", "--json", "--csv"], 2, "exclude each other"),
        (["SELECT 1", "--journal", "nowhere"], 3, "there is no journal in nowhere"),
    ],
)
def test_bad_input_gets_a_sentence(jwo: Jwo, kept: Path, arguments: list[str], code: int, words: str) -> None:
    """Exit code 2 for what was asked, 3 for a journal that is not there."""
    done = jwo("sql", *arguments, env={"JWO_JOURNAL": str(kept)})
    assert done.returncode == code
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_no_journal_named(jwo: Jwo) -> None:
    """Neither by flag nor by environment."""
    done = jwo("sql", "SELECT 1")
    assert done.returncode == 2
    assert "JWO_JOURNAL" in done.stderr


def test_torn_telemetry_is_said_beside_the_answer(jwo: Jwo, tmp_path: Path) -> None:
    """The rest is answered; what was left out is on stderr."""
    directory = journal(tmp_path / "j", visits=1)
    with SegmentWriter(directory, "positions", source="x") as writer:
        writer.positions(T0, [("t", 1.0, 2.0)])
    path = segments.listing(directory, "positions")[0].path
    path.write_bytes(b"PAR1")
    done = jwo("sql", "SELECT count(*) AS n FROM positions", "--json", "--journal", directory)
    assert json.loads(done.stdout) == [{"n": 0}]
    assert str(path) in done.stderr


def test_the_question_may_come_from_a_pipe(kept: Path, tmp_path: Path) -> None:
    """`jwo sql - < question.sql`; and asking does not disturb who writes."""
    with Intake.open(kept) as intake, intake.transaction():
        done = subprocess.run(
            [sys.executable, "-m", "jwo_cli", "sql", "-", "--csv", "--journal", str(kept)],
            input="SELECT count(*) AS n\nFROM receipts;\n",
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "n\n2\n"
