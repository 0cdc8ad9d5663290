"""Telemetry by the ten seconds: Parquet files, written aside, synced and renamed, so that a crash costs seconds.

A file is named by its time, its sequence number and the SHA-256 of its bytes, so that an identical replay finds its
work done and `verify` needs no other list. Which rows share a file depends on their times alone, not on how the input
was cut into batches. Numbers are kept as integers (mm, 0.01 g), sorted so that differences are small; the views give
metres and grams. `compaction` makes one file of an hour's: its name has the last number beside the first, and it stands
for the files of these numbers, whether they are still there or not.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import database
from jwo_cli.model.findings import Finding, Severity

SPAN_NS = 10_000_000_000
_NAME = re.compile(r"(?P<from_ns>\d{20})-(?P<number>\d{8})(-(?P<last>\d{8}))?-(?P<digest>[0-9a-f]{16})\.parquet")
GONE = ".gone"
_GONE = re.compile(rf"(?P<last>\d{{8}}){re.escape(GONE)}")
_MAGIC = b"PAR1"
# In the schema's metadata of a file made of others: which.
PARTS = b"jwo.parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A kind of telemetry: `who` names the column that tells its sources apart, `values` the integer columns."""

    name: str
    holds: str
    who: str
    values: tuple[str, ...]
    select: str

    def schema(self) -> pa.Schema:
        """The Parquet columns."""
        words = pa.dictionary(pa.int32(), pa.string())
        fields = [("source", words), (self.who, words), ("at_ns", pa.int64())]
        return pa.schema([*fields, *((name, pa.int32()) for name in self.values)])


STREAMS: dict[str, Stream] = {
    "positions": Stream(
        name="positions",
        holds="Where people stood on the floor, by tracker id, in metres; one row per person and pose message.",
        who="track_id",
        values=("x_mm", "y_mm"),
        select="make_timestamp_ns(at_ns) AS at_utc, at_ns, source, track_id, x_mm / 1000 AS x_m, y_mm / 1000 AS y_m",
    ),
    "weights": Stream(
        name="weights",
        holds="Raw samples of the scale plates by channel, in grams (null where a channel gave nothing).",
        who="channel",
        values=("weight_cg",),
        select="make_timestamp_ns(at_ns) AS at_utc, at_ns, source, channel, weight_cg / 100 AS weight_g",
    ),
}


# Times [n], names, index into the names [n], one array [n] for each value of the stream.
_Part = tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.int32], tuple[NDArray[np.float64], ...]]


class SegmentWriter:
    """Writes one stream of one source (a recording, or one run of a store). Use as a context manager."""

    def __init__(self, directory: Path, stream: str, *, source: str, span_ns: int = SPAN_NS) -> None:
        self.stream = STREAMS[stream]
        self.source = source
        self.folder = folder_of(Path(directory), stream, source)
        self._span_ns = span_ns
        self._number = 0
        self._cell: int | None = None
        self._parts: list[_Part] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def positions(self, at_ns: int, people: Sequence[tuple[str, float, float]]) -> None:
        """Add where people stood: (track id, x, y) in metres."""
        if people:
            names = tuple(track for track, _, _ in people)
            xy = np.array([(x, y) for _, x, y in people], float) * 1000
            times = np.full(len(people), at_ns, np.int64)
            self._add(times, names, np.arange(len(people), dtype=np.int32), (xy[:, 0], xy[:, 1]))

    def weights(self, batch: WeightBatch) -> None:
        """Add a batch of samples: float32 [samples, channels] in grams, NaN where a channel gave nothing."""
        samples, channels = batch.grams.shape
        step_ns = 1e9 / batch.rate_hz
        times = batch.end_ns - np.rint(np.arange(samples - 1, -1, -1) * step_ns).astype(np.int64)
        who = np.tile(np.arange(channels, dtype=np.int32), samples)
        self._add(np.repeat(times, channels), batch.channels, who, (batch.grams.astype(float).ravel() * 100,))

    def close(self) -> None:
        """Write what is left; nothing is written by a second call."""
        self._flush()

    def _add(
        self,
        at_ns: NDArray[np.int64],
        names: tuple[str, ...],
        who: NDArray[np.int32],
        values: tuple[NDArray[np.float64], ...],
    ) -> None:
        """Rows of one cell of the time grid go into one file; a later cell closes the file before it."""
        cells = at_ns // self._span_ns
        while len(cells):
            if self._cell is None:
                self._cell = int(cells[0])
            later = cells > self._cell
            now = ~later if later.any() else slice(None)
            if not later.all():
                self._parts.append((at_ns[now], names, who[now], tuple(value[now] for value in values)))
            if not later.any():
                return
            self._flush()
            at_ns, cells, who, values = at_ns[later], cells[later], who[later], tuple(value[later] for value in values)
            self._cell = int(cells.min())

    def _flush(self) -> None:
        if not self._parts or self._cell is None:
            return
        table = self._table()
        sink = io.BytesIO()
        write_parquet(sink, [table], table.schema)
        self._write(self._cell * self._span_ns, sink.getvalue())
        self._number += 1
        self._parts = []

    def _table(self) -> pa.Table:
        """The collected rows, ordered by who and when, in the stream's columns."""
        names = sorted({name for _, part, _, _ in self._parts for name in part})
        place = {name: index for index, name in enumerate(names)}
        at_ns = np.concatenate([part[0] for part in self._parts])
        who = np.concatenate([np.array([place[n] for n in part[1]], np.int32)[part[2]] for part in self._parts])
        order = np.lexsort((at_ns, who))
        columns = {
            "source": pa.DictionaryArray.from_arrays(np.zeros(len(order), np.int32), [self.source]),
            self.stream.who: pa.DictionaryArray.from_arrays(who[order], pa.array(names, pa.string())),
            "at_ns": pa.array(at_ns[order]),
        }
        for index, name in enumerate(self.stream.values):
            value = np.concatenate([part[3][index] for part in self._parts])[order]
            missing = ~(np.abs(value) < np.iinfo(np.int32).max)
            columns[name] = pa.array(np.rint(np.where(missing, 0, value)).astype(np.int32), mask=missing)
        return pa.table(columns, schema=self.stream.schema())

    def _write(self, from_ns: int, data: bytes) -> None:
        """Aside, synced, renamed, the rename synced; a file of the same time and number by another replay gives way."""
        stem, digest = f"{from_ns:020d}-{self._number:08d}-", hashlib.sha256(data).hexdigest()[:16]
        target = self.folder / f"{stem}{digest}.parquet"
        with writing(self.folder.parents[2]):
            self.folder.mkdir(parents=True, exist_ok=True)
            whole = covering(self.folder, self._number)
            if whole is not None and whole.last > whole.number:
                if (from_ns, self._number, digest) in parts_of(whole.path):
                    return
                take_apart(whole)
            if not (target.exists() and target.stat().st_size == len(data)):
                write_durably(target, data)
            for other in [name for name in _names(self.folder) if name.startswith(stem)]:
                if other != target.name:
                    (self.folder / other).unlink()
            database.sync_directory(self.folder)


@contextlib.contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Failures of writing beside a journal's log, as sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise database.disk_full(directory) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise database.read_only(directory) from error
        raise


def write_durably(target: Path, data: bytes) -> None:
    """Aside, synced, renamed; the rename is the caller's to sync."""
    aside = target.with_suffix(".writing")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A file of a stream: what its name says. `last` is above `number` for an hour's files made into one."""

    path: Path
    source: str
    from_ns: int
    number: int
    last: int
    digest: str

    def covers(self, number: int) -> bool:
        """Whether the rows of the file of this number are in it."""
        return self.number <= number <= self.last


def folder_of(directory: Path, stream: str, source: str) -> Path:
    """Where a source's files of a stream are; whatever the source is called, it is one folder."""
    return directory / database.SEGMENTS / stream / (quote(source, safe="") or "%")


def listing(directory: Path, stream: str) -> tuple[Segment, ...]:
    """Every finished file of a stream by source and time; names that the writer does not give are left aside."""
    root = directory / database.SEGMENTS / stream
    folders = sorted(root.iterdir()) if root.is_dir() else ()
    return tuple(segment for folder in folders if folder.is_dir() for segment in in_folder(folder))


def in_folder(folder: Path) -> tuple[Segment, ...]:
    """Every finished file of one source by number; those that another one stands for are left out."""
    paths = (Path(entry.path) for entry in os.scandir(folder)) if folder.is_dir() else ()
    found = [segment for path in paths if (segment := named(path)) is not None]
    shown: list[Segment] = []
    for segment in sorted(found, key=lambda item: (item.number, -item.last, item.path.name)):
        hidden = shown and shown[-1].last > shown[-1].number and segment.last <= shown[-1].last
        if not hidden:
            shown.append(segment)
    return tuple(shown)


def covering(folder: Path, number: int) -> Segment | None:
    """The finished file with the rows of a number, the one of most where several have them; None where none has.

    Only that one is made into an object: a writer asks ten thousand times a day, of a folder of ten thousand files.
    """
    found = [segment for name in _names(folder) if (segment := _covering(folder, name, number)) is not None]
    return min(found, key=lambda item: (item.number, -item.last, item.path.name), default=None)


def _covering(folder: Path, name: str, number: int) -> Segment | None:
    match = _NAME.fullmatch(name)
    if match is None or not int(match["number"]) <= number <= int(match["last"] or match["number"]):
        return None
    return named(folder / name)


def _names(folder: Path) -> Iterator[str]:
    """The names in a folder, one after the other; a pattern for each search would stay in the caches of patterns."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


def named(path: Path) -> Segment | None:
    """What a file's name says; None for a name that is not the writer's."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    number = int(match["number"])
    return Segment(
        path=path,
        source=unquote(path.parent.name),
        from_ns=int(match["from_ns"]),
        number=number,
        last=int(match["last"] or number),
        digest=match["digest"],
    )


def gone(folder: Path) -> int:
    """The last number that was deleted on purpose, because it was kept long enough; -1 where none was."""
    names = [match for entry in os.scandir(folder) if (match := _GONE.fullmatch(entry.name))] if folder.is_dir() else []
    return max((int(match["last"]) for match in names), default=-1)


def parts_of(path: Path) -> tuple[tuple[int, int, str], ...]:
    """(from_ns, number, digest) of the files that were made into one, a row group each; none for any other file."""
    said = (pq.read_schema(path).metadata or {}).get(PARTS, b"[]")
    return tuple((int(from_ns), int(number), str(digest)) for from_ns, number, digest in json.loads(said))


def take_apart(whole: Segment) -> None:
    """An hour's file back into its parts: one of them gives way to another replay's."""
    file = pq.ParquetFile(whole.path)
    for group, (from_ns, number, _) in enumerate(parts_of(whole.path)):
        sink = io.BytesIO()
        write_parquet(sink, [file.read_row_group(group)], file.schema_arrow.remove_metadata())
        digest = hashlib.sha256(sink.getvalue()).hexdigest()[:16]
        write_durably(whole.path.parent / f"{from_ns:020d}-{number:08d}-{digest}.parquet", sink.getvalue())
    database.sync_directory(whole.path.parent)
    whole.path.unlink()


def write_parquet(sink: io.BytesIO, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Tables of a stream as one file, a row group each; differences are small, because rows are in order."""
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    numbers = [field.name for field in schema if field.name not in words]
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        use_dictionary=words,
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
    ) as writer:
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=1 << 22)


def torn(segment: Segment, *, thorough: bool = False) -> Finding | None:
    """A finding for a file that is not whole: by its first and last bytes, or (`thorough`) by its checksum."""
    try:
        if thorough:
            whole = hashlib.sha256(segment.path.read_bytes()).hexdigest().startswith(segment.digest)
        else:
            with segment.path.open("rb") as file:
                head, size = file.read(4), segment.path.stat().st_size
                file.seek(max(0, size - 8))
                footer = file.read()
            # A Parquet file ends with the length of its footer and the magic word that it begins with.
            room = size - 12 - int.from_bytes(footer[:4], "little")
            whole = head == footer[4:] == _MAGIC and room >= 0
    except OSError:
        whole = False
    if whole:
        return None
    return Finding(
        file=str(segment.path),
        problem="this segment of telemetry is torn or was changed, and is left out",
        fix="Replay the recording again to write it anew, or delete the file.",
        severity=Severity.WARNING,
    )


def create_views(
    connection: duckdb.DuckDBPyConnection, directory: Path, *, thorough: bool = False
) -> tuple[Finding, ...]:
    """Make a view per stream over its whole files; returns what was left out. A stream without files is empty.

    Files are looked at by their ends; where DuckDB then cannot read one, or when `thorough`, by their checksums.
    """
    left_out: list[Finding] = []
    for stream in STREAMS.values():
        try:
            left_out += _create_view(connection, directory, stream, thorough=thorough)
        except duckdb.Error:
            if thorough:
                raise
            left_out += _create_view(connection, directory, stream, thorough=True)
    return tuple(left_out)


def _create_view(
    connection: duckdb.DuckDBPyConnection, directory: Path, stream: Stream, *, thorough: bool
) -> list[Finding]:
    files, left_out = [], []
    for segment in listing(directory, stream.name):
        finding = torn(segment, thorough=thorough)
        if finding is None:
            files.append("'" + str(segment.path.absolute()).replace("'", "''") + "'")
        else:
            left_out.append(finding)
    # An empty list of files fails a query, so an empty stream is a table of the right types.
    values = ", ".join(f"{value} INTEGER" for value in stream.values)
    columns = f"source VARCHAR, {stream.who} VARCHAR, at_ns BIGINT, {values}"
    connection.execute(f"CREATE OR REPLACE TABLE memory.main.no_{stream.name} ({columns})")
    read = f"read_parquet([{', '.join(files)}])" if files else f"memory.main.no_{stream.name}"
    sql = f"SELECT {stream.select} FROM {read} ORDER BY source, at_ns, {stream.who}"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE VIEW memory.main.{stream.name} AS {sql}")
    return left_out
