"""Telemetry by the hour, and no longer than it is wanted: many small files become one, old ones are deleted.

An hour's files are made into one of the same rows, a row group each, written aside, synced and renamed. The old files
stay a while, hidden behind it, for readers who began before; whatever moment a crash comes at, every row is read once.
Retention deletes telemetry and evidence by the time they were captured, never entries: receipts, their reasons and
the books stay. It leaves word of what it deleted (`<last number>.gone`), so that `verify` does not miss it.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jwo_cli.journal import database, segments
from jwo_cli.journal.segments import Segment

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
# A file that somebody may still be about to write more of, or that a reader may have begun with, is left alone so long.
QUIET_NS = 600_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What was done: so many hours made of so many files, and so many hidden files removed."""

    hours: int = 0
    files: int = 0
    removed: int = 0


def compact(directory: Path, *, now_ns: int, quiet_ns: int = QUIET_NS) -> Compacted:
    """Make one file of each past hour's files, and remove those that were made into one before.

    Raises UserError (exit code 3): read-only, full disk. What was done before stays done.
    """
    directory = Path(directory)
    hours = files = removed = 0
    with segments.writing(directory):
        for folder in _folders(directory):
            removed += _tidy(folder, now_ns - quiet_ns)
            for group in _hours(folder, now_ns - quiet_ns):
                if _merge(folder, group):
                    hours, files = hours + 1, files + len(group)
    return Compacted(hours=hours, files=files, removed=removed)


def _folders(directory: Path) -> Iterator[Path]:
    for stream in segments.STREAMS:
        root = directory / database.SEGMENTS / stream
        yield from sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ()


def _hours(folder: Path, before_ns: int) -> list[list[Segment]]:
    """Runs of small files of one hour that is past, numbers without a hole, long enough untouched."""
    small = [item for item in segments.in_folder(folder) if item.last == item.number]
    groups = []
    for _, hour in itertools.groupby(small, key=lambda item: item.from_ns // HOUR_NS):
        run = list(hour)
        past = (run[-1].from_ns // HOUR_NS + 1) * HOUR_NS <= before_ns
        still = all(item.path.stat().st_mtime_ns <= before_ns for item in run)
        unbroken = run[-1].number - run[0].number == len(run) - 1
        if len(run) > 1 and past and still and unbroken:
            groups.append(run)
    return groups


def _merge(folder: Path, group: list[Segment]) -> bool:
    """One file of several; False where one of them is torn: what it says would be lost for good."""
    if any(segments.torn(item, thorough=True) for item in group):
        return False
    parts = [(item.from_ns, item.number, item.digest) for item in group]
    schema = pq.read_schema(group[0].path).remove_metadata()
    said = {segments.PARTS: json.dumps(parts).encode()}
    sink = io.BytesIO()
    segments.write_parquet(sink, _tables(group), schema.with_metadata(said))
    digest = hashlib.sha256(sink.getvalue()).hexdigest()[:16]
    name = f"{group[0].from_ns:020d}-{group[0].number:08d}-{group[-1].last:08d}-{digest}.parquet"
    segments.write_durably(folder / name, sink.getvalue())
    database.sync_directory(folder)
    return True


def _tables(group: list[Segment]) -> Iterator[pa.Table]:
    for item in group:
        yield pq.read_table(item.path, partitioning=None)


def _tidy(folder: Path, before_ns: int) -> int:
    """Remove files that another one has stood for long enough."""
    shown = segments.in_folder(folder)
    wholes = [item for item in shown if item.last > item.number and item.path.stat().st_mtime_ns <= before_ns]
    kept = {item.path for item in shown}
    removed = 0
    for path in sorted(folder.glob("*.parquet")):
        named = segments.named(path)
        if path not in kept and named is not None and any(whole.covers(named.number) for whole in wholes):
            path.unlink()
            removed += 1
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """Files that are older than wanted (deleted, unless it was a dry run), their bytes, and the entries that stay."""

    files: tuple[Path, ...]
    size_bytes: int
    before_ns: int
    dry_run: bool


def retain(directory: Path, *, before_ns: int, dry_run: bool = False) -> Retained:
    """Delete telemetry and evidence that was captured before a time. Entries are never deleted.

    Telemetry goes by whole files, oldest first; evidence by the files' own times. Raises UserError (exit code 3): no
    journal, read-only.
    """
    directory = Path(directory)
    database.open_reader(directory).close()
    files: list[Path] = []
    size = 0
    with segments.writing(directory):
        for folder in _folders(directory):
            old = _old(folder, before_ns)
            # What is hidden behind an hour's file goes with it.
            paths = [path for path in sorted(folder.glob("*.parquet")) if (item := segments.named(path)) is not None
                     and old and item.last <= old[-1].last]  # fmt: skip
            size += sum(path.stat().st_size for path in paths)
            files += paths
            if paths and not dry_run:
                _forget(folder, old[-1].last, paths)
        evidence = directory / database.EVIDENCE
        for path in sorted(evidence.rglob("*")) if evidence.is_dir() else ():
            if path.is_file() and path.stat().st_mtime_ns < before_ns:
                size += path.stat().st_size
                files.append(path)
                if not dry_run:
                    path.unlink()
    return Retained(files=tuple(files), size_bytes=size, before_ns=before_ns, dry_run=dry_run)


def _old(folder: Path, before_ns: int) -> list[Segment]:
    """The first files of a source, all of whose rows are older: the next one, or their own span, ends before."""
    shown = segments.in_folder(folder)
    old = []
    for place, item in enumerate(shown):
        end_ns = item.from_ns + (segments.SPAN_NS if item.last == item.number else HOUR_NS)
        if place + 1 < len(shown):
            end_ns = min(end_ns, shown[place + 1].from_ns)
        if end_ns > before_ns:
            break
        old.append(item)
    return old


def _forget(folder: Path, last: int, paths: list[Path]) -> None:
    """Say what goes before it goes: a crash in between leaves files that the next time deletes."""
    segments.write_durably(folder / f"{last:08d}{segments.GONE}", b"")
    database.sync_directory(folder)
    for path in paths:
        path.unlink()
    for path in sorted(folder.glob(f"*{segments.GONE}")):
        if path.name != f"{last:08d}{segments.GONE}":
            path.unlink()
    database.sync_directory(folder)
