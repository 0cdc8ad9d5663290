"""The intake's SQLite file: where it is, how it is opened, and what each of its failures means in words.

apsw, because the standard library's SQLite (3.40) has the WAL-reset bug that several writers can meet. Nothing else
may open the live file: a plain `open()` and `close()` drops the process's POSIX locks on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from jwo_cli.model.findings import UserError

INTAKE = "intake.sqlite"
PUBLISHED = "store.duckdb"
PUBLISH_LOCK = "publish.lock"
SEGMENTS = "segments"
LAYOUTS = "layouts"  # what versions of the layout say, for whoever prices an old receipt
EVIDENCE = "evidence"  # clips and pictures that a person may look at for a while
BACKUP_NOTE = "backup.json"
OURS = (
    INTAKE,
    f"{INTAKE}-wal",
    f"{INTAKE}-shm",
    f"{INTAKE}-journal",
    PUBLISHED,
    PUBLISH_LOCK,
    SEGMENTS,
    LAYOUTS,
    EVIDENCE,
    BACKUP_NOTE,
)

APPLICATION_ID = 0x6A776F6A  # "jwoj"
FORMAT = 1
BUSY_MS = 5_000
UNAVAILABLE = 3

SCHEMA = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    at_ns INTEGER NOT NULL,
    recorded_ns INTEGER NOT NULL,
    source TEXT NOT NULL,
    store_id TEXT NOT NULL,
    layout_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    payload TEXT NOT NULL,
    caused_by TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
"""
# What an entry is about: its receipt, or the payment that it names. Whoever needs one receipt's story finds it so, and
# whoever wants some kinds of entries does not read the others.
# A payload that was damaged is about nothing: `verify` names it.
_FIELD = "CASE WHEN json_valid(payload) THEN {} END"
SUBJECT = _FIELD.format("coalesce(json_extract(payload, '$.receipt_id'), json_extract(payload, '$.key'))")
REFERENCE = _FIELD.format("json_extract(payload, '$.reference')")  # the provider's, of a payment
INDEXES = f"""
CREATE INDEX IF NOT EXISTS entries_subject ON entries ({SUBJECT}) WHERE {SUBJECT} IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_reference ON entries ({REFERENCE}) WHERE {REFERENCE} IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_kind ON entries (kind);
CREATE INDEX IF NOT EXISTS entries_recorded ON entries (recorded_ns);
"""
_COUNT = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
COLUMNS = "seq, key, at_ns, recorded_ns, source, store_id, layout_version, kind, version, payload, caused_by, hash"


def unavailable(problem: str, fix: str) -> UserError:
    """A journal that cannot be used as it stands: exit code 3."""
    return UserError(problem, fix=fix, exit_code=UNAVAILABLE)


def disk_full(directory: Path) -> UserError:
    """The sentence for a full disk. What was acknowledged before is safe; the refused entries were not written."""
    return unavailable(
        f"the disk under the journal {directory} is full; nothing that was acknowledged is lost, "
        "and what was refused just now was not written",
        "Free some space there and run the command again: it goes on where it stopped.",
    )


def read_only(directory: Path) -> UserError:
    """The sentence for a journal without the right to write."""
    return unavailable(
        f"the journal {directory} is read-only for this user",
        "Give this user the right to write to the directory and its files, or name another place with --journal.",
    )


@contextmanager
def failures(directory: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences. The transaction, if one was open, is the caller's to roll back."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise unavailable(
            f"the journal {directory} is locked by another process",
            f"Wait until that command has finished and run this one again; `fuser -v {directory / INTAKE}` names it.",
        ) from error
    except apsw.FullError as error:
        raise disk_full(directory) from error
    except (apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise read_only(directory) from error
    except apsw.NotADBError as error:
        raise not_ours(directory) from error
    except apsw.CorruptError as error:
        raise unavailable(
            f"the journal {directory} is damaged ({error})",
            "Do not write to it. Copy the directory, bring back the last good backup, and replay what came after it.",
        ) from error
    except (apsw.IOError, apsw.CantOpenError) as error:
        raise _device_error(directory, error) from error


def _device_error(directory: Path, error: Exception) -> UserError:
    """Errors that SQLite calls I/O: on a full disk the shared-memory file fails like this, not with SQLITE_FULL."""
    if free_bytes(directory) < 1 << 16:
        return disk_full(directory)
    if not os.access(directory, os.W_OK):
        return read_only(directory)
    return unavailable(
        f"the disk under the journal {directory} failed ({error}); nothing that was acknowledged is lost",
        "Check the disk and its mount, then run the command again.",
    )


def not_ours(directory: Path) -> UserError:
    """The sentence for a file or directory that jwo did not make."""
    return unavailable(
        f"{directory} is not a jwo journal", "Name a journal's directory, or one that is empty or does not exist yet."
    )


def free_bytes(directory: Path) -> int:
    """Bytes that this user may still write on the directory's disk."""
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


def open_writer(directory: Path, *, store_id: str | None, create: bool) -> apsw.Connection:
    """A connection that appends. Makes the journal when `create`. Raises UserError (exit code 3) with the reason."""
    _check_directory(directory, create=create)
    with failures(directory):
        connection = _connect(directory, apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0))
        try:
            _prepare(connection, directory, store_id=store_id, create=create)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(directory: Path) -> apsw.Connection:
    """A connection that only reads, beside any number of writers. Raises UserError (exit code 3) with the reason."""
    _check_directory(directory, create=False)
    with failures(directory):
        # On a medium that cannot be written SQLite cannot make the WAL's index: with no WAL there, nothing is missing.
        still = not os.access(directory, os.W_OK) and not (directory / f"{INTAKE}-wal").exists()
        connection = _connect(directory, apsw.SQLITE_OPEN_READONLY, immutable=still)
        try:
            ours = check_format(connection, directory)
        except BaseException:
            connection.close()
            raise
        if not ours:
            connection.close()
            raise _missing(directory)
    return connection


def _connect(directory: Path, flags: int, *, immutable: bool = False) -> apsw.Connection:
    uri = (directory.absolute() / INTAKE).as_uri() + ("?immutable=1" if immutable else "")
    connection = apsw.Connection(uri, flags=flags | apsw.SQLITE_OPEN_URI)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _prepare(connection: apsw.Connection, directory: Path, *, store_id: str | None, create: bool) -> None:
    if connection.readonly("main"):
        raise read_only(directory)
    if not check_format(connection, directory):
        if not create or not store_id:
            raise _missing(directory)
        _create(connection, directory, store_id)
    elif first(connection, _COUNT) < (INDEXES.count("CREATE INDEX"),):
        with transaction(connection):  # a journal from before there were all of them
            connection.execute(INDEXES)
    connection.pragma("synchronous", "full")


def _create(connection: apsw.Connection, directory: Path, store_id: str) -> None:
    """Two processes may come here at once: SQLite's busy handler does not cover the switch to WAL, hence the loop."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            break
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.pragma("synchronous", "full")
    with transaction(connection):
        if not check_format(connection, directory):
            connection.execute(SCHEMA + INDEXES)
            connection.execute("INSERT INTO meta VALUES ('store_id', ?)", (store_id,))
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    sync_directory(directory)
    sync_directory(directory.parent)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT; whatever goes wrong inside, or in the commit itself, nothing of it remains."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def savepoint(connection: apsw.Connection) -> Iterator[None]:
    """A part of a transaction that is taken back alone where it fails."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part; RELEASE part")
        raise
    connection.execute("RELEASE part")


def check_format(connection: apsw.Connection, directory: Path) -> bool:
    """True for a journal that this program can read, False for an empty database. Raises UserError for all others."""
    if connection.pragma("application_id") != APPLICATION_ID:
        tables = first(connection, "SELECT count(*) FROM sqlite_schema")[0]
        mark = connection.pragma("application_id")  # asked again: another process may just have made the journal
        if mark != APPLICATION_ID:
            if tables or mark:
                raise not_ours(directory)
            return False
    found = connection.pragma("user_version")
    if found > FORMAT:
        raise unavailable(
            f"the journal {directory} was written by a newer jwo (format {found}; this program reads up to {FORMAT})",
            "Update jwo on this machine.",
        )
    return True


def first(connection: apsw.Connection, sql: str, params: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """The only or first row of a question that always has one."""
    row = connection.execute(sql, params).fetchone()
    if row is None:
        raise LookupError(sql)
    return tuple(row)


def read_store_id(connection: apsw.Connection) -> str:
    """The store that the journal was made for."""
    return str(first(connection, "SELECT value FROM meta WHERE name = 'store_id'")[0])


def _missing(directory: Path) -> UserError:
    return unavailable(
        f"there is no journal in {directory}", "Check --journal or JWO_JOURNAL; `jwo replay … --journal DIR` makes one."
    )


def _check_directory(directory: Path, *, create: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise not_ours(directory)
    if (directory / INTAKE).exists():
        return
    if not create:
        raise _missing(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in directory.iterdir() if path.name not in OURS and path.name[0] != ".")
    except PermissionError as error:
        raise read_only(directory) from error
    if strangers:
        raise unavailable(
            f"{directory} is not a jwo journal: it holds other things ({strangers[0]})",
            "Name a journal's directory, or one that is empty or does not exist yet.",
        )


def sync_directory(directory: Path) -> None:
    """Make renames and new names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
