"""Verify: is this the journal that was written? Every check names the first thing that is wrong and goes on.

Walked: the chain of hashes, keys, causes, payloads (each fits its class), the mark, the segments' checksums, the
published copy against the log, and the books (they sum to zero, and receipts are the sum of their lines).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import duckdb

from jwo_cli.journal import chain, database, kinds, postings, projection, publication, segments, tables, upcast
from jwo_cli.journal.intake import entry_of, new_of
from jwo_cli.journal.mark import read_mark
from jwo_cli.journal.session import Session
from jwo_cli.model import codec
from jwo_cli.model.entry import Entry
from jwo_cli.model.findings import Finding, Severity, UserError

_RESTORE = "Stop trusting what follows this entry; compare with a backup or a mark, and find out who wrote to the file"


def verify(directory: Path, *, mark: Path | None = None, key: str | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a journal, the log's troubles first; an empty tuple is a clean bill.

    `mark` is a signed high-water mark kept outside of the directory, `key` the reference of its key. Raises UserError
    (exit code 3) where there is no journal to verify.
    """
    directory = Path(directory)
    intake = database.open_reader(directory)
    try:
        with database.failures(directory):
            found = [*_log(intake, directory), *_mark(intake, directory, mark, key)]
            log_is_sound = not found
            found += _segments(directory)
            found += _published(intake, directory)
    finally:
        intake.close()
    if log_is_sound:
        found += _books(directory)
    return tuple(found)


def _log(intake: apsw.Connection, directory: Path) -> Iterator[Finding]:
    """Walk the chain; each kind of trouble is reported once, with the first entry that shows it."""
    file = str(directory / database.INTAKE)
    check = intake.execute("PRAGMA integrity_check(1)").fetchone()
    if check is None or check[0] != "ok":
        yield Finding(file=file, problem=f"SQLite finds the file damaged ({check and check[0]})", fix=_RESTORE)
    seen: set[str] = set()
    keys: set[str] = set()
    seq, prev = 0, projection.hash_at(intake, 0)
    for row in intake.execute(f"SELECT {database.COLUMNS} FROM entries ORDER BY seq"):  # noqa: S608
        for trouble, problem in _troubles(tuple(row), seq, prev, keys):
            if trouble not in seen:
                seen.add(trouble)
                yield Finding(file=file, field=f"entry {row[0]}", problem=problem, fix=_RESTORE)
        seq, prev = row[0], row[11]
        keys.add(row[1])


def _troubles(row: tuple[Any, ...], before: int, prev: str, keys: set[str]) -> Iterator[tuple[str, str]]:
    """(kind of trouble, sentence) of one row of the log."""
    seq, payload = row[0], row[9]
    if seq != before + 1:
        yield "gap", f"entry {before + 1} is missing: the log goes from {before} to {seq}"
        # What follows a hole cannot be linked to what is before it; its own hash is not evidence against it.
        return
    try:
        entry = entry_of(row, prev_hash=prev)
        digest = chain.link(prev, chain.content(seq, new_of(entry), payload))
    except (ValueError, TypeError) as error:
        yield "hash", f"it cannot be read ({error})"
        return
    if digest != entry.hash:
        yield "hash", "its content does not match its hash: it, or the one before it, was changed later"
    if entry.key in keys:
        yield "key", f"its key {entry.key!r} was used before"
    if any(not 0 < cause < seq for cause in entry.caused_by):
        yield "cause", f"it names causes that do not come before it ({entry.caused_by})"
    if trouble := _unreadable(entry):
        yield f"form {entry.kind}", trouble


def _unreadable(entry: Entry) -> str | None:
    kind = entry.kind
    if kind not in kinds.kinds():
        return f"its kind {kind!r} is not known to this version of jwo"
    try:
        today = upcast.lift(kind, entry.version, entry.payload)
        codec.canonical([entry.at_ns, today])
        codec.decode(kinds.kinds()[kind], today)
        postings.transactions(kind, today)
    except ValueError as error:
        return f"it cannot be read as a {kind}: {error}"
    return None


def _mark(intake: apsw.Connection, directory: Path, path: Path | None, key: str | None) -> Iterator[Finding]:
    if path is None:
        return
    if key is None:
        raise UserError("a mark is signed, and no key was named", fix="Name its key with --key env:NAME or file:PATH.")
    mark = read_mark(path, key=key)
    file, seq = str(directory / database.INTAKE), projection.head_of(intake)[0]
    if mark.store_id != database.read_store_id(intake):
        yield Finding(file=file, problem=f"the mark is of another store, {mark.store_id!r}", fix="Check --mark")
    elif mark.seq > seq:
        problem = f"the log ends with entry {seq}, but the mark has seen {mark.seq}: its end was cut off"
        yield Finding(file=file, field=f"entry {seq + 1}", problem=problem, fix="Bring back a backup with all entries")
    elif projection.hash_at(intake, mark.seq) != mark.hash:
        problem = "it has another hash than when the mark was signed: the log was written anew"
        yield Finding(file=file, field=f"entry {mark.seq}", problem=problem, fix=_RESTORE)


def _segments(directory: Path) -> Iterator[Finding]:
    for stream in segments.STREAMS:
        numbers: dict[str, int] = {}
        for segment in segments.listing(directory, stream):
            finding = segments.torn(segment, thorough=True)
            if finding is not None:
                yield finding
            expected = numbers.get(segment.source, segments.gone(segment.path.parent) + 1)
            if segment.number > expected:
                yield Finding(
                    file=str(segment.path.parent),
                    problem=f"segment {expected} of {stream} is missing",
                    fix="Replay the recording again to write it anew",
                    severity=Severity.WARNING,
                )
            numbers[segment.source] = max(segment.last + 1, expected)


def _published(intake: apsw.Connection, directory: Path) -> Iterator[Finding]:
    """Build the published entries a second time, in memory, and compare every table row by row."""
    path = directory / database.PUBLISHED
    if not path.exists():
        return
    rebuilt = "Nothing is lost: delete the file, and the next command builds it anew from the log"
    connection = projection.connect()
    try:
        generation = publication.attach(connection, directory, intake)
        if generation is None:
            problem = "the published copy is damaged, outdated or of another log"
            yield Finding(file=str(path), problem=problem, fix=rebuilt, severity=Severity.WARNING)
            return
        connection.execute("ATTACH ':memory:' AS fresh")
        projection.create(connection, "fresh")
        projection.fill(connection, "fresh", intake, after_seq=0, to_seq=generation.head_seq)
        for name in tables.base_tables():
            seq = _first_difference(connection, name)
            if seq is not None:
                problem = f"table {name} of the published copy differs from the log"
                yield Finding(file=str(path), field=f"entry {seq}", problem=problem, fix=rebuilt)
    except duckdb.Error as error:
        problem = f"the published copy cannot be read ({error})"
        yield Finding(file=str(path), problem=problem, fix=rebuilt, severity=Severity.WARNING)
    finally:
        connection.close()


def _first_difference(connection: duckdb.DuckDBPyConnection, name: str) -> int | None:
    """The lowest seq whose row is in one of the two tables only."""
    a, b = f"SELECT seq, hash(t) FROM published.{name} t", f"SELECT seq, hash(t) FROM fresh.{name} t"  # noqa: S608
    row = connection.execute(f"SELECT min(seq) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))").fetchone()  # noqa: S608
    return None if row is None or row[0] is None else int(row[0])


_BOOKS = (
    (
        "SELECT min(seq), transaction_id || ' is off by ' || sum(amount) || ' ' || commodity FROM all_postings "
        "GROUP BY transaction_id, commodity HAVING sum(amount) <> 0 ORDER BY 1 LIMIT 1"
    ),
    (
        "SELECT r.seq, r.receipt_id || ' is of ' || r.total_minor || ', charged ' || r.charged_minor || '; its lines ' "
        "|| coalesce(sum(l.total_minor), 0) || ', charged ' || coalesce(sum(l.total_minor) FILTER (l.charged), 0) "
        "FROM receipts r LEFT JOIN lines l USING (seq) GROUP BY r.seq, r.receipt_id, r.total_minor, r.charged_minor "
        "HAVING coalesce(sum(l.total_minor), 0) <> r.total_minor "
        "OR coalesce(sum(l.total_minor) FILTER (l.charged), 0) <> r.charged_minor ORDER BY r.seq LIMIT 1"
    ),
    (
        "SELECT max(seq), 'receipt ' || receipt_id || ' was issued ' || count(*) || ' times' FROM receipt_issued "
        "GROUP BY receipt_id, split_part(source, '/', 1) HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    ),
    (
        "SELECT corrected_seq, receipt_id || ' was corrected to ' || corrected_minor || ', its corrections come to ' "
        "|| final_minor FROM receipts WHERE final_minor <> corrected_minor ORDER BY 1 LIMIT 1"
    ),
    (
        "SELECT r.seq, receipt_id || ' comes to ' || r.final_minor || ', and ' || coalesce(d.asked, 0) || "
        "' was asked for' FROM receipts r LEFT JOIN (SELECT receipt_id, "
        "sum(CASE purpose WHEN 'refund' THEN -amount_minor ELSE amount_minor END) AS asked FROM payment_due "
        "WHERE attempt = 1 AND purpose IN ('capture', 'charge', 'refund') "
        "AND starts_with(source, 'run/') GROUP BY receipt_id) d USING (receipt_id) "
        "LEFT JOIN receipt_corrected c ON c.seq = r.corrected_seq WHERE starts_with(r.source, 'run/') "
        "AND coalesce(d.asked, 0) <> r.final_minor "
        "AND (d.asked IS NOT NULL OR coalesce(c.account, r.account) IS NOT NULL) ORDER BY r.seq LIMIT 1"
    ),
)


def _books(directory: Path) -> Iterator[Finding]:
    with Session(directory) as session:
        for sql in _BOOKS:
            for seq, problem in session.rows(sql):
                yield Finding(
                    file=str(directory / database.INTAKE),
                    field=f"entry {seq}",
                    problem=problem,
                    fix="Look at the receipt with `jwo audit show`; `jwo audit decide` says what is right",
                )
