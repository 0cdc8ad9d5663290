"""Publishing: the log's typed copy as one DuckDB file, built aside and renamed into place.

Readers open a generation read-only and keep it while the next one takes its name; no file is ever changed in place,
so a crash leaves the old generation or the new one. The file is disposable: whatever is wrong with it, build another.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import duckdb

from jwo_cli.journal import database, projection, tables

BUILDING = f"{database.PUBLISHED}.building"
# A DuckDB file is three header blocks of this size and then its blocks.
_HEADERS = 3 * 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a published file says of itself."""

    head_seq: int
    head_hash: str
    store_id: str
    fingerprint: str


def publish(directory: Path) -> None:
    """Make `store.duckdb` hold every entry of the intake; does nothing where it does already.

    Raises UserError (exit code 3): no journal, read-only, full disk.
    """
    directory = Path(directory)
    intake = database.open_reader(directory)
    try:
        with _writing(directory), database.failures(directory):
            # Looked at before the lock too: a copy that is current asks for no right to write.
            if is_current(directory, intake):
                return
            with _alone(directory):
                if not is_current(directory, intake):
                    _build(directory, intake)
    finally:
        intake.close()


def is_current(directory: Path, intake: apsw.Connection) -> bool:
    """True where the published generation is whole, by today's definitions, and ends with the intake's last entry."""
    connection = projection.connect()
    try:
        found = attach(connection, directory, intake)
        return found is not None and (found.head_seq, found.head_hash) == projection.head_of(intake)
    finally:
        connection.close()


def attach(connection: duckdb.DuckDBPyConnection, directory: Path, intake: apsw.Connection) -> Generation | None:
    """Attach the published generation as `published`, read-only; None (and not attached) where it cannot be trusted.

    Not to be trusted: missing, unreadable, shorter than it says, by other definitions, or of entries that the intake
    does not have (a journal that was restored from an older backup).
    """
    path = directory / database.PUBLISHED
    if not path.exists():
        return None
    quoted = str(path.absolute()).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{quoted}' AS published (READ_ONLY)")
    except (duckdb.Error, OSError):
        return None
    try:
        row = connection.execute("SELECT * FROM published.generation").fetchone()
        blocks = connection.execute(
            "SELECT block_size * total_blocks FROM pragma_database_size() WHERE database_name = 'published'"
        ).fetchone()
    except duckdb.Error:
        row = blocks = None
    if row is not None and blocks is not None and path.stat().st_size >= _HEADERS + blocks[0]:
        found = Generation(head_seq=row[0], head_hash=row[1], store_id=row[2], fingerprint=row[3])
        same = found.fingerprint == projection.fingerprint()
        if same and found.head_hash == projection.hash_at(intake, found.head_seq):
            return found
    connection.execute("DETACH published")
    return None


def build_into(connection: duckdb.DuckDBPyConnection, catalog: str, intake: apsw.Connection) -> Generation:
    """Fill an attached, empty catalog with everything that the intake holds now."""
    head_seq, head_hash = projection.head_of(intake)
    store_id = database.read_store_id(intake)
    projection.create(connection, catalog)
    projection.fill(connection, catalog, intake, after_seq=0, to_seq=head_seq)
    projection.stamp(connection, catalog, head_seq=head_seq, head_hash=head_hash, store_id=store_id)
    return Generation(head_seq=head_seq, head_hash=head_hash, store_id=store_id, fingerprint=projection.fingerprint())


def is_whole(directory: Path) -> bool:
    """True where every block of the published generation can be read; DuckDB checks each one's checksum as it loads."""
    connection = projection.connect()
    quoted = str((directory / database.PUBLISHED).absolute()).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{quoted}' AS published (READ_ONLY)")
        for name in ("generation", *tables.base_tables()):
            connection.execute(f"SELECT bit_xor(hash(t)) FROM published.{name} t").fetchall()  # noqa: S608
    except (duckdb.Error, OSError):
        return False
    finally:
        connection.close()
    return True


def discard(directory: Path) -> None:
    """Remove the published generation, because it turned out to be damaged; nothing is lost with it."""
    with contextlib.suppress(OSError):
        (directory / database.PUBLISHED).unlink()


def _build(directory: Path, intake: apsw.Connection) -> None:
    aside = directory / BUILDING
    _remove(aside)
    connection = projection.connect()
    try:
        quoted = str(aside.absolute()).replace("'", "''")
        # The file is worth nothing before it is whole: no log of its own, and written once, at the end.
        connection.execute("SET checkpoint_threshold = '1TB'")
        connection.execute(f"ATTACH '{quoted}' AS building (RECOVERY_MODE 'no_wal_writes')")
        build_into(connection, "building", intake)
        connection.execute("CHECKPOINT building")
        connection.execute("DETACH building")
    except BaseException:
        connection.close()
        _remove(aside)
        raise
    connection.close()
    _sync(aside)
    aside.replace(directory / database.PUBLISHED)
    database.sync_directory(directory)


def _remove(aside: Path) -> None:
    for path in (aside, aside.with_name(aside.name + ".wal")):
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """No DuckDB in this process has the file open any more, so that closing a descriptor drops nobody's locks."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One publisher at a time; the others wait for it and then find their work done."""
    descriptor = os.open(directory / database.PUBLISH_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """Failures of building a file, as sentences. DuckDB reports a full disk as an IOException with errno's words."""
    try:
        yield
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        code = getattr(error, "errno", None)
        full = (errno.ENOSPC, errno.EDQUOT)
        if code in full or any(os.strerror(number) in str(error) for number in full):
            raise database.disk_full(directory) from error
        if code in {errno.EACCES, errno.EPERM, errno.EROFS} or not os.access(directory, os.W_OK):
            raise database.read_only(directory) from error
        raise database.unavailable(
            f"the published copy of the journal {directory} could not be written ({error})",
            "Check the disk and run the command again; the log itself is untouched.",
        ) from error
