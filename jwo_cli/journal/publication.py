"""Publishing: the log's typed copy as one DuckDB file, built aside and renamed into place.

Readers open a generation read-only and keep it while the next one takes its name; no file is ever changed in place,
so a crash leaves the old generation or the new one. The next generation begins as a copy of the one before it and gets
what was appended since; where that one cannot be trusted, or has grown loose, everything is built from the log. The
file is disposable: whatever is wrong with it, build another.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import duckdb

from jwo_cli.journal import database, projection, tables

BUILDING = f"{database.PUBLISHED}.building"
# A copy whose blocks are unused by more than this share, and more than a few, is built anew: smaller, and in order.
LOOSE, _FEW_BLOCKS = 0.3, 64
# How DuckDB fails on a damaged block.
_DAMAGE = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
_FULL = (errno.ENOSPC, errno.EDQUOT)
# What must stay free beside the next generation: four times what the log keeps to close in order.
RESERVE_BYTES = 64 << 20
# A DuckDB file is three header blocks of this size and then its blocks.
_HEADERS = 3 * 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a published file says of itself."""

    head_seq: int
    head_hash: str
    store_id: str
    fingerprint: str


def publish(directory: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
    """Make `store.duckdb` hold every entry of the intake; does nothing where it does already.

    So much of the disk stays free. Raises UserError (exit code 3): no journal, read-only, full disk.
    """
    directory = Path(directory)
    intake = database.open_reader(directory)
    try:
        with _writing(directory), database.failures(directory):
            # Looked at before the lock too: a copy that is current asks for no right to write.
            if is_current(directory, intake):
                return
            with _alone(directory):
                before = _trusted(directory, intake)
                if before is None or (before.head_seq, before.head_hash) != projection.head_of(intake):
                    _build(directory, intake, before, reserve_bytes)
    finally:
        intake.close()


def is_current(directory: Path, intake: apsw.Connection) -> bool:
    """True where the published generation is whole, by today's definitions, and ends with the intake's last entry."""
    found = _trusted(directory, intake)
    return found is not None and (found.head_seq, found.head_hash) == projection.head_of(intake)


def published_seq(directory: Path, intake: apsw.Connection) -> int:
    """The last entry that the published generation holds, 0 where none can be trusted."""
    found = _trusted(directory, intake)
    return 0 if found is None else found.head_seq


def _trusted(directory: Path, intake: apsw.Connection) -> Generation | None:
    """What the published file says of itself, None where it cannot be trusted."""
    connection = projection.connect()
    try:
        return attach(connection, directory, intake)
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
        rows = connection.execute("SELECT * FROM published.generation").fetchall()
        expected = _size_of(connection, "published")
    except (duckdb.Error, ValueError):
        rows = []
    if rows and path.stat().st_size >= expected:
        found = Generation(head_seq=rows[0][0], head_hash=rows[0][1], store_id=rows[0][2], fingerprint=rows[0][3])
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


def _build(directory: Path, intake: apsw.Connection, before: Generation | None, reserve_bytes: int) -> None:
    """The next generation: `before` and what came after it, or everything."""
    aside = directory / BUILDING
    _remove(aside)
    # The log comes first: what a copy would take of the last free space is the store's, to close in order.
    if database.free_bytes(directory) < reserve_bytes + _about(directory):
        raise database.disk_full(directory)
    try:
        if before is None or not _extend(aside, directory / database.PUBLISHED, intake, before):
            _remove(aside)
            with _building(aside) as connection:
                build_into(connection, "building", intake)
    except BaseException:
        _remove(aside)
        raise
    sync(aside)
    aside.replace(directory / database.PUBLISHED)
    database.sync_directory(directory)


def _about(directory: Path) -> int:
    """How large the next generation will be, bytes: as the last one, or as the log it is made of."""
    path = directory / database.PUBLISHED
    return (path if path.exists() else directory / database.INTAKE).stat().st_size


def _extend(aside: Path, published: Path, intake: apsw.Connection, before: Generation) -> bool:
    """Copy the generation and add what came after it; False where it turns out damaged, or loose from many such steps.

    Copying closes the file in this process, which drops DuckDB's locks on it here: they guard a file that nobody
    writes to.
    """
    shutil.copyfile(published, aside)
    try:
        with _building(aside) as connection:
            ((free, total),) = connection.execute(
                "SELECT free_blocks, total_blocks FROM pragma_database_size() WHERE database_name = 'building'"
            ).fetchall()
            if free > LOOSE * total + _FEW_BLOCKS:
                return False
            head_seq, head_hash = projection.head_of(intake)
            projection.fill(connection, "building", intake, after_seq=before.head_seq, to_seq=head_seq)
            store_id = before.store_id
            projection.stamp(connection, "building", head_seq=head_seq, head_hash=head_hash, store_id=store_id)
    except _DAMAGE as error:
        if any(os.strerror(number) in str(error) for number in _FULL):
            raise
        return False
    return True


@contextlib.contextmanager
def _building(aside: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the file as catalog `building`; written as a whole when the block ends, not where it raises."""
    connection = projection.connect()
    try:
        quoted = str(aside.absolute()).replace("'", "''")
        # The file is worth nothing before it is whole: no log of its own, and written once, at the end.
        connection.execute("SET checkpoint_threshold = '1TB'")
        connection.execute(f"ATTACH '{quoted}' AS building (RECOVERY_MODE 'no_wal_writes')")
        yield connection
        connection.execute("CHECKPOINT building")
        connection.execute("DETACH building")
        # Unused blocks at the end were cut off: with them, a file that is shorter than it says is a torn one.
        connection.execute(f"ATTACH '{quoted}' AS built (READ_ONLY)")
        expected = _size_of(connection, "built")
        connection.execute("DETACH built")
    finally:
        connection.close()
    if aside.stat().st_size < expected:
        os.truncate(aside, expected)


def _size_of(connection: duckdb.DuckDBPyConnection, catalog: str) -> int:
    """How long an attached file says that it is, bytes."""
    query = "SELECT block_size * total_blocks FROM pragma_database_size() WHERE database_name = ?"
    ((size,),) = connection.execute(query, [catalog]).fetchall()
    return _HEADERS + int(size)


def _remove(aside: Path) -> None:
    for path in (aside, aside.with_name(aside.name + ".wal")):
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a file's bytes durable. No DuckDB or SQLite of this process may have it open: closing drops their locks."""
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
        if code in _FULL or any(os.strerror(number) in str(error) for number in _FULL):
            raise database.disk_full(directory) from error
        if code in {errno.EACCES, errno.EPERM, errno.EROFS} or not os.access(directory, os.W_OK):
            raise database.read_only(directory) from error
        raise database.unavailable(
            f"the published copy of the journal {directory} could not be written ({error})",
            "Check the disk and run the command again; the log itself is untouched.",
        ) from error
