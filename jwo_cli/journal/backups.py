"""Backup and restore: a copy of a journal that is whole, made while everybody goes on, and trusted only once verified.

The log is copied by SQLite's online backup (one moment of it, with what is still in the WAL), telemetry and evidence by
hard links where the disk is the same (they are never changed in place) and else by copies. Everything is written under
another name and gets its own once `verify` finds nothing. The published copy is left out: any reader builds it anew.
A backup is a journal: it can be read where it lies, and restoring is copying it back.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from jwo_cli.journal import database, projection, publication, segments
from jwo_cli.journal.mark import read_mark, write_mark
from jwo_cli.journal.verification import verify
from jwo_cli.model.codec import JsonValue, canonical
from jwo_cli.model.findings import Severity, UserError

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy of a journal: its last entry, and how many files of telemetry and evidence were linked or copied."""

    path: Path
    store_id: str
    seq: int
    hash: str
    linked: int
    copied: int
    mark: Path | None = None


def backup(directory: Path, target: Path, *, key: str | None = None, link: bool = True) -> Copied:
    """Copy a journal to `target`, which must not exist; the store may run meanwhile.

    With `key` (a reference) a mark of the copy is signed beside it, at `<target>.mark`. Raises UserError: no journal,
    the place is taken, no room, or the copy is not whole (nothing is left at `target` then).
    """
    directory, target = Path(directory), Path(target)
    mark = target.with_name(f"{target.name}.mark") if key is not None else None
    _free(directory, target, mark)
    aside = target.with_name(f".{target.name}.copying")
    with segments.writing(target.parent):
        _room(target, aside)
        try:
            store_id, seq, digest = _copy_log(directory, aside)
            linked, copied = _copy_files(directory, aside, link=link)
            note: dict[str, JsonValue] = {"store_id": store_id, "seq": seq, "hash": digest, "made_ns": time.time_ns()}
            segments.write_durably(aside / database.BACKUP_NOTE, canonical(note) + b"\n")
            database.sync_directory(aside)
            _prove(directory, aside)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        aside.rename(target)
        database.sync_directory(target.parent)
    if mark is not None and key is not None:
        write_mark(target, mark, key=key)
    return Copied(path=target, store_id=store_id, seq=seq, hash=digest, linked=linked, copied=copied, mark=mark)


def restore(source: Path, directory: Path, *, mark: Path | None = None, key: str | None = None) -> Copied:
    """Copy a backup to where a journal is wanted; there must be none.

    With `mark` and `key` the backup must contain the moment that the mark was signed at. Raises UserError: no backup,
    the place is taken, no room, not whole, or the mark has seen more than the backup holds.
    """
    source, directory = Path(source), Path(directory)
    if mark is not None and key is not None:
        _not_behind(source, mark, key)
    # An empty directory is where `jwo init` means the journal to be.
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    done = backup(source, directory, link=False)
    (directory / database.BACKUP_NOTE).unlink()
    return done


def copy_people(vault: Path, target: Path) -> None:
    """Copy the vault of personal fields, still sealed, to a file that only its owner may read; it must not exist.

    Whoever asks to be erased must be erased from such copies too: keep them apart, and no longer than the law allows.
    """
    if not vault.is_file():
        raise UserError(f"there is no vault of personal fields at {vault}", fix="Check [people] in jwo.toml.")
    with segments.writing(target.parent), database.failures(vault):
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        source = apsw.Connection(str(vault), flags=apsw.SQLITE_OPEN_READONLY)
        copy = apsw.Connection(str(target))
        try:
            with copy.backup("main", source, "main") as work:
                while not work.done:
                    work.step(-1)
        finally:
            copy.close()
            source.close()
    publication.sync(target)


def _free(directory: Path, target: Path, mark: Path | None) -> None:
    database.open_reader(directory).close()
    for place in (target, mark):
        if place is not None and place.exists():
            raise UserError(f"{place} is there already", fix="Name a place that does not exist yet, or move that away.")
    if target.resolve().is_relative_to(directory.resolve()):
        raise UserError(f"{target} is inside of the journal", fix="Name a place outside, best on another disk.")


def _room(target: Path, aside: Path) -> None:
    """An empty folder for the copy. Raises UserError where nothing can be written there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise UserError(f"{target} cannot be written ({error.strerror})", fix="Name another place.") from None


def _copy_log(directory: Path, aside: Path) -> tuple[str, int, str]:
    """One moment of the log, in a file of its own; (store, last entry, its hash)."""
    source = database.open_reader(directory)
    try:
        with database.failures(directory):
            copy = apsw.Connection(str(aside / database.INTAKE))
            try:
                copy.pragma("synchronous", "full")
                with copy.backup("main", source, "main") as work:
                    while not work.done:
                        work.step(-1)
                seq, digest = projection.head_of(copy)
                store_id = database.read_store_id(copy)
                # Nothing may be left in a file beside it: the copy is one file, whoever carries it on.
                copy.pragma("wal_checkpoint(TRUNCATE)")
            finally:
                copy.close()
    finally:
        source.close()
    # No SQLite in this process has the copy open: closing a descriptor of it drops nobody's locks.
    publication.sync(aside / database.INTAKE)
    return store_id, seq, digest


def _copy_files(directory: Path, aside: Path, *, link: bool) -> tuple[int, int]:
    """Telemetry, evidence, layouts; a folder whose files changed meanwhile (an hour made one) is looked at again."""
    linked = copied = 0
    for name in (database.SEGMENTS, database.EVIDENCE, database.LAYOUTS):
        root = directory / name
        for folder in sorted(path for path in root.rglob("*") if path.is_dir()) if root.is_dir() else ():
            counts = _copy_folder(folder, aside / folder.relative_to(directory), link=link)
            linked, copied = linked + counts[0], copied + counts[1]
        if root.is_dir():
            counts = _copy_folder(root, aside / name, link=link)
            linked, copied = linked + counts[0], copied + counts[1]
    return linked, copied


def _copy_folder(folder: Path, target: Path, *, link: bool) -> tuple[int, int]:
    for attempt in range(_TRIES):
        target.mkdir(parents=True, exist_ok=True)
        for path in target.iterdir():
            if path.is_file():
                path.unlink()
        counts = [0, 0]
        try:
            for path in sorted(folder.iterdir()):
                if path.is_file() and path.suffix != ".writing":
                    counts[0 if _link(path, target / path.name, wanted=link) else 1] += 1
            database.sync_directory(target)
        except FileNotFoundError:
            if attempt + 1 == _TRIES:
                raise
            continue
        return counts[0], counts[1]
    raise AssertionError("unreachable")


def _link(path: Path, target: Path, *, wanted: bool) -> bool:
    """Link a file, True; or copy it durably, False."""
    if wanted:
        try:
            os.link(path, target)
        except FileNotFoundError:
            raise
        except OSError:  # another disk, or one without links
            pass
        else:
            return True
    with path.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
        sink.flush()
        os.fsync(sink.fileno())
    shutil.copystat(path, target)
    return False


def _prove(directory: Path, aside: Path) -> None:
    """Verify the copy, and leave nothing in it of what that needed."""
    wrong = [finding for finding in verify(aside) if finding.severity is Severity.ERROR]
    if wrong:
        raise UserError(
            f"the copy of {directory} is not whole, and was not kept: {wrong[0].problem}",
            fix="Run `jwo audit verify`: if the journal itself is damaged, go back to an older backup.",
            findings=wrong,
            exit_code=1,
        )
    for name in (database.PUBLISHED, database.PUBLISH_LOCK):
        (aside / name).unlink(missing_ok=True)


def _not_behind(source: Path, mark: Path, key: str) -> None:
    seen = read_mark(mark, key=key)
    intake = database.open_reader(source)
    try:
        seq, _ = projection.head_of(intake)
        same = projection.hash_at(intake, seen.seq) == seen.hash
    finally:
        intake.close()
    if seen.seq > seq:
        raise UserError(
            f"the backup ends with entry {seq}, the mark {mark} has seen {seen.seq}: {seen.seq - seq} would be lost",
            fix="Find a later backup; or, if these are lost anyway, restore with --without-mark and sign a new mark.",
            exit_code=1,
        )
    if not same:
        raise UserError(
            f"the backup has another entry {seen.seq} than when the mark {mark} was signed",
            fix="It is another store's, or was changed: find another backup.",
            exit_code=1,
        )
