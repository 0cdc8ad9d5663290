"""Verify finds what was done to a journal and names the first entry that shows it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import duckdb
import numpy as np
import pytest

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import (
    Intake,
    SegmentWriter,
    chain,
    open_journal,
    publication,
    publish,
    segments,
    tables,
    verify,
    write_mark,
)
from jwo_cli.journal.intake import entry_of, new_of
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ReceiptCorrected
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import Severity, UserError
from jwo_cli.model.paying import PaymentPurpose, payment_due
from jwo_cli.model.staffing import StockRestocked
from tests.journal.days import T0, journal, note, receipt

KEY = "env:JWO_TEST_MARK_KEY"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWO_TEST_MARK_KEY", "correct horse battery staple")


def _tamper(directory: Path, *orders: str) -> None:
    """What somebody with a SQLite shell could do, the guards removed first."""
    connection = apsw.Connection(str(directory / "intake.sqlite"))
    connection.execute("DROP TRIGGER IF EXISTS entries_stay; DROP TRIGGER IF EXISTS entries_last")
    for order in orders:
        connection.execute(order)
    connection.close()


def _written_anew(directory: Path) -> None:
    """A forger who recomputes every hash, so that the chain itself is sound."""
    connection = apsw.Connection(str(directory / "intake.sqlite"))
    prev = chain.genesis("shop")
    columns = "seq, key, at_ns, recorded_ns, source, store_id, layout_version, kind, version, payload, caused_by, hash"
    for row in connection.execute(f"SELECT {columns} FROM entries ORDER BY seq").fetchall():
        entry = entry_of(tuple(row), prev_hash=prev)
        prev = chain.link(prev, chain.content(entry.seq, new_of(entry), str(row[9])))
        connection.execute("UPDATE entries SET hash = ? WHERE seq = ?", (prev, entry.seq))
    connection.close()


def test_a_sound_journal_has_no_findings(tmp_path: Path) -> None:
    """Published, with a tail, with segments, with a mark."""
    directory = journal(tmp_path / "j")
    publish(directory)
    journal(directory, visits=2, source="later")
    with SegmentWriter(directory, "positions", source="x") as writer:
        writer.positions(T0, [("t", 0.0, 0.0)])
    write_mark(directory, tmp_path / "mark", key=KEY)
    assert verify(directory, mark=tmp_path / "mark", key=KEY) == ()


@pytest.mark.parametrize(
    ("order", "entry", "words"),
    [
        ("UPDATE entries SET payload = replace(payload, '119', '118') WHERE seq = 14", 14, "does not match its hash"),
        ("UPDATE entries SET at_ns = at_ns + 1 WHERE seq = 3", 3, "does not match its hash"),
        ("UPDATE entries SET caused_by = '[1]' WHERE seq = 5", 5, "does not match its hash"),
        ("UPDATE entries SET store_id = 'other' WHERE seq = 5", 5, "does not match its hash"),
        ("UPDATE entries SET hash = upper(hash) WHERE seq = 5", 5, "does not match its hash"),
        ("UPDATE entries SET payload = '{' WHERE seq = 7", 7, "cannot be read"),
        ("DELETE FROM entries WHERE seq = 20", 21, "entry 20 is missing"),
        ("DELETE FROM entries WHERE seq = 1", 2, "entry 1 is missing"),
        ("UPDATE entries SET seq = 1000 WHERE seq = 9", 10, "entry 9 is missing"),
    ],
)
def test_a_changed_log_is_named_by_its_first_bad_entry(tmp_path: Path, order: str, entry: int, words: str) -> None:
    """Content, causes, place, order: all of it is in the chain."""
    directory = journal(tmp_path / "j")
    _tamper(directory, order)
    first = verify(directory)[0]
    assert first.field == f"entry {entry}"
    assert words in first.problem
    assert first.severity is Severity.ERROR
    assert first.file == str(directory / "intake.sqlite")


def test_when_it_was_recorded_is_not_evidence(tmp_path: Path) -> None:
    """`recorded_ns` differs between replays, so it is outside of the chain."""
    directory = journal(tmp_path / "j", visits=1)
    _tamper(directory, "UPDATE entries SET recorded_ns = 0")
    assert verify(directory) == ()


def _cut_the_end(directory: Path) -> None:
    _tamper(directory, "DELETE FROM entries WHERE seq > 30")


def _write_it_anew(directory: Path) -> None:
    _tamper(directory, "UPDATE entries SET payload = replace(payload, 'acct-7', 'acct-8')")
    _written_anew(directory)


@pytest.mark.parametrize(
    ("forge", "words"), [(_cut_the_end, "its end was cut off"), (_write_it_anew, "the log was written anew")]
)
def test_what_a_chain_cannot_see_the_mark_does(tmp_path: Path, forge: Callable[[Path], None], words: str) -> None:
    """A cut end, and a forged log with all its hashes computed again."""
    directory = journal(tmp_path / "j")
    write_mark(directory, tmp_path / "mark", key=KEY)
    forge(directory)
    assert verify(directory) == ()
    (finding,) = verify(directory, mark=tmp_path / "mark", key=KEY)
    assert words in finding.problem


def test_a_mark_of_another_store(tmp_path: Path) -> None:
    """Marks are found by store: a mistaken one is said, not compared."""
    directory = journal(tmp_path / "j", visits=1)
    Intake.open(tmp_path / "other", store_id="kiosk").close()
    write_mark(tmp_path / "other", tmp_path / "mark", key=KEY)
    (finding,) = verify(directory, mark=tmp_path / "mark", key=KEY)
    assert "of another store, 'kiosk'" in finding.problem
    with pytest.raises(UserError, match="no key was named"):
        verify(directory, mark=tmp_path / "mark")


def test_a_forged_cause_and_a_forged_payload(tmp_path: Path) -> None:
    """A log with sound hashes can still say impossible things: effects before causes, fields that do not fit."""
    directory = journal(tmp_path / "j", visits=2)
    _tamper(
        directory,
        "UPDATE entries SET caused_by = '[9]' WHERE seq = 6",
        'UPDATE entries SET payload = \'{"at_ns":"noon"}\' WHERE seq = 1',
        "UPDATE entries SET kind = 'dreamt' WHERE seq = 12",
    )
    _written_anew(directory)
    problems = {finding.field: finding.problem for finding in verify(directory)}
    assert "do not come before it" in problems["entry 6"]
    assert "store_opened: StoreOpened.at_ns: expected int, got str" in problems["entry 1"]
    assert "'dreamt' is not known" in problems["entry 12"]


def test_a_journal_with_a_number_that_no_table_holds(tmp_path: Path) -> None:
    """Somebody wrote it past the door, and one with a time that is none: every table can be read, and it is named."""
    directory = journal(tmp_path / "j")
    before = _stock(directory)
    order = """INSERT INTO entries SELECT seq + 1, 'key' || seq, {}, 0, 'staff/ada', store_id, layout_version,
    'stock_restocked', 1, '{}', '[]', '' FROM entries ORDER BY seq DESC LIMIT 1"""
    restocked = StockRestocked(at_ns=1, staff="ada", product_id="cola", quantity=3)
    huge = json.dumps(encode(replace(restocked, quantity=99_999_999_999_999_999_999)), separators=(",", ":"))
    _tamper(directory, order.format(1, huge), order.format((1 << 63) - 1, json.dumps(encode(restocked))))
    _written_anew(directory)
    assert _stock(directory) == before + 3
    with Intake.open(directory) as intake:
        last, _ = intake.head()
    (finding,) = verify(directory)
    assert (finding.field, "a number of 20 digits" in finding.problem) == (f"entry {last - 1}", True)
    publish(directory)
    assert _stock(directory) == before + 3
    assert verify(directory) == (finding,)


def _stock(directory: Path) -> int:
    """What the books say, after every table was read."""
    with open_journal(directory) as session:
        for table in (*tables.base_tables(), *(view.name for view in tables.VIEWS)):
            session.rows(f"SELECT * FROM {table}")
        return int(session.rows("SELECT sum(amount) FROM postings WHERE account = 'stock'")[0][0])


def test_a_published_copy_that_says_something_else(tmp_path: Path) -> None:
    """Somebody edited the DuckDB file: table and entry are named; the log is what counts."""
    directory = journal(tmp_path / "j")
    publish(directory)
    copy = duckdb.connect(str(directory / "store.duckdb"))
    copy.execute("UPDATE receipt_issued SET total_minor = 1 WHERE visit_id = 'day-v2'")
    copy.execute("DELETE FROM all_postings WHERE seq = (SELECT max(seq) FROM all_postings)")
    (forged,) = copy.execute("SELECT seq FROM receipt_issued WHERE total_minor = 1").fetchone() or (0,)
    copy.close()
    found = {finding.problem: finding.field for finding in verify(directory)}
    assert found["table receipt_issued of the published copy differs from the log"] == f"entry {forged}"
    assert "table all_postings of the published copy differs from the log" in found


def test_a_damaged_copy_is_only_a_warning(tmp_path: Path) -> None:
    """Nothing is lost with it; the next reader builds it anew."""
    directory = journal(tmp_path / "j", visits=1)
    publish(directory)
    (directory / "store.duckdb").write_bytes(b"junk")
    (finding,) = verify(directory)
    assert finding.severity is Severity.WARNING
    publication.discard(directory)
    assert verify(directory) == ()


def test_segments_that_were_changed_or_removed(tmp_path: Path) -> None:
    """By their checksums and their numbers."""
    directory = journal(tmp_path / "j", visits=1)
    grams = np.full((60 * 35, 1), 5, np.float32)
    batch = WeightBatch(device_id="g", end_ns=T0 + 35 * 10**9, rate_hz=60.0, channels=("g:1:1",), grams=grams)
    with SegmentWriter(directory, "weights", source="x") as writer:
        writer.weights(batch)
    one, two, *_ = segments.listing(directory, "weights")
    one.path.unlink()
    two.path.write_bytes(two.path.read_bytes().replace(b"g:1:1", b"g:1:2"))
    problems = [finding.problem for finding in verify(directory)]
    assert problems == [
        "this segment of telemetry is torn or was changed, and is left out",
        "segment 0 of weights is missing",
    ]


def test_books_that_do_not_add_up(tmp_path: Path) -> None:
    """A receipt that is not the sum of its lines, and one that was issued twice."""
    issued = receipt("v", "t", [(1, "4006381000000", 2)], T0)
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        for key, value in (("a", issued), ("b", replace(issued, charged_minor=1))):
            intake.append([NewEntry(key=key, at_ns=T0, source="x", kind="receipt_issued", payload=encode(value))])
    found = [(finding.field, finding.problem) for finding in verify(tmp_path / "j")]
    assert found == [
        ("entry 2", "r-v is of 288, charged 1; its lines 288, charged 288"),
        ("entry 2", "receipt r-v was issued 2 times"),
    ]


@pytest.mark.parametrize(("source", "wrong"), [("run/x", True), ("shadow/x", False), ("recording/x", False)])
def test_a_shopper_who_was_never_asked_for_money_is_found(tmp_path: Path, source: str, wrong: bool) -> None:
    """A run's receipt of somebody who pays, and no due: named until it is asked for. Nobody pays for the others."""
    issued = replace(receipt("v", "t", [(1, "4006381000000", 2)], T0), account="ann")
    nobody = replace(issued, receipt_id="r-w", account=None)
    due = payment_due(
        at_ns=T0,
        purpose=PaymentPurpose.CHARGE,
        visit_id="v",
        receipt_id="r-v",
        account="ann",
        amount_minor=288,
        currency="EUR",
    )
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        for value, found in ((issued, wrong), (nobody, wrong), (due, False)):
            kind = kind_of(type(value))
            intake.append([NewEntry(key=str(value), at_ns=T0, source=source, kind=kind, payload=encode(value))])
            problems = [(finding.field, finding.problem) for finding in verify(tmp_path / "j")]
            assert problems == ([("entry 1", "r-v comes to 288, and 0 was asked for")] if found else [])
        same = ReceiptCorrected(
            at_ns=T0,
            receipt_id="r-w",
            visit_id=nobody.visit_id,
            currency="EUR",
            lines=nobody.lines,
            total_minor=288,
            tax_minor=nobody.tax_minor,
            difference_minor=0,
            staff="ada",
            replaces=nobody.lines,
            account="bob",
        )
        payload = encode(same)
        intake.append([NewEntry(key="c", at_ns=T0, source=source, kind="receipt_corrected", payload=payload)])
    problems = [(finding.field, finding.problem) for finding in verify(tmp_path / "j")]
    assert problems == ([("entry 2", "r-w comes to 288, and 0 was asked for")] if wrong else [])


def test_a_copied_journal_verifies(tmp_path: Path) -> None:
    """A backup is as good as the original, and the mark need not be beside it."""
    directory = journal(tmp_path / "j")
    write_mark(directory, tmp_path / "mark", key=KEY)
    shutil.copytree(directory, tmp_path / "elsewhere" / "copy")
    assert verify(tmp_path / "elsewhere" / "copy", mark=tmp_path / "mark", key=KEY) == ()


def test_anybody_can_check_the_chain_without_us(tmp_path: Path) -> None:
    """Twenty lines of SQLite, JSON and SHA-256: what docs/journal.md says is enough."""
    columns = ["seq", "key", "at_ns", "source", "store_id", "layout_version", "kind", "version", "payload", "caused_by"]
    directory = journal(tmp_path / "j", visits=2)
    with Intake.open(directory) as intake:
        intake.append([note("säule")])
        expected = intake.head()[1]
    rows = sqlite3.connect(directory / "intake.sqlite")
    rows.row_factory = sqlite3.Row
    head = hashlib.sha256(b'{"journal":"jwo","store_id":"shop"}').hexdigest()
    for row in rows.execute("SELECT * FROM entries ORDER BY seq"):
        content = {column: row[column] for column in columns}
        content |= {"payload": json.loads(row["payload"]), "caused_by": json.loads(row["caused_by"])}
        body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        head = hashlib.sha256(bytes.fromhex(head) + body).hexdigest()
        assert head == row["hash"]
    rows.close()
    assert head == expected
