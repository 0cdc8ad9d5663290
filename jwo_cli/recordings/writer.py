"""Recordings are written in segments that are renamed into place when complete: a crash loses seconds, not the file.

`RecordingWriter` is for live use and writes where it stands, with a manifest that says so. `write_recording` writes a
whole recording aside, in the same directory, and renames it: it is there, or it is not.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow.parquet as pq

from jwo_cli.estimate.signals import Signal
from jwo_cli.model import codec
from jwo_cli.model.layout import Store
from jwo_cli.model.units import NS_PER_S

from .arrival import Span
from .aside import folder_aside, sync_folder, write_durably
from .content import ContentHash
from .manifest import (
    FORMAT,
    LAYOUT_NAME,
    TRUTH_NAME,
    VERSION,
    FileEntry,
    LiveRun,
    Manifest,
    SegmentEntry,
    StreamEntry,
    entry_of,
    write_manifest,
)
from .recording import captured_ns
from .tables import STREAM_OF, STREAMS, Numbered, to_table
from .truth import Truth
from .truth_table import truth_table

LIVE_SEGMENT_S = 10.0
WHOLE_SEGMENT_S = 60.0
_PACKED = struct.Struct("<qqqq32s")  # of a segment: its number, bytes, signals, rows, SHA-256
MOST_SIGNALS = 50_000  # in one segment, so that a stopped clock cannot fill the memory


class RecordingWriter:
    """Writes a recording while it happens; a context manager. Leaving it without an error completes the recording."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        store: Store,
        start_ns: int,
        staff: Sequence[str] = (),
        segment_s: float = LIVE_SEGMENT_S,
        source: Mapping[str, bytes] | None = None,
        run: LiveRun | None = None,
    ) -> None:
        self._path = path
        self._segment_ns = segment_s * NS_PER_S
        self._content = ContentHash(store)
        self._waiting: list[Numbered] = []
        self._span = Span()
        self._segments = {stream: bytearray() for stream in STREAMS}
        self._number = 0
        (path / "streams").mkdir(parents=True)
        write_durably(path / LAYOUT_NAME, codec.canonical(codec.encode(store)) + b"\n")
        self._manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            complete=False,
            name=name,
            recording_id="",
            layout_version=store.version,
            start_ns=start_ns,
            duration_s=0.0,
            staff=tuple(staff),
            signals=0,
            layout=entry_of(path, LAYOUT_NAME),
            streams=(),
            source=self._keep_source(source or {}),
            run=run,
        )
        write_manifest(path, self._manifest)

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Completes the recording; after an error it stays as it is, readable up to its last whole segment."""
        if kind is None:
            self.close()

    def append(self, signal: Signal) -> None:
        """Takes the next signal in order of arrival; closes the segment when it spans long enough."""
        at_ns = captured_ns(signal)
        if self._waiting:
            spans = abs(at_ns - captured_ns(self._waiting[0][1])) >= self._segment_ns
            if spans or len(self._waiting) >= MOST_SIGNALS:
                self.rotate()
        self._waiting.append((self._span.count, signal))
        self._span.add(at_ns)
        self._content.add(signal)

    def rotate(self) -> None:
        """Closes the segment: every stream's file is written aside and synced, then all are renamed."""
        if not self._waiting:
            return
        self._number += 1
        aside: list[tuple[str, Path, SegmentEntry]] = []
        for stream in STREAMS:
            signals = [item for item in self._waiting if STREAM_OF[type(item[1])] == stream]
            if signals:
                aside.append(self._write_aside(stream, signals))
        for stream, path, segment in aside:
            path.rename(self._path / segment.file.file)
            self._segments[stream] += _packed(self._number, segment)
        sync_folder(self._path / "streams")
        self._waiting = []

    def _write_aside(self, stream: str, signals: Sequence[Numbered]) -> tuple[str, Path, SegmentEntry]:
        table = to_table(stream, signals)
        final = _name(stream, self._number)
        path = self._path / f"streams/.{stream}-{self._number:06d}.partial"
        _write_parquet(path, table)
        entry = replace(entry_of(self._path, f"streams/{path.name}"), file=final)
        return stream, path, SegmentEntry(file=entry, signals=len(signals), rows=table.num_rows)

    def close(
        self, *, staff: Sequence[str] | None = None, truth: Truth | None = None, run_closed: bool = False
    ) -> Manifest:
        """Closes the last segment and completes the manifest; `staff` replaces what was known at the start.

        `run_closed` says that the live run ended in order.
        """
        self.rotate()
        first_ns, last_ns = self._span.close()
        known = self._manifest.staff if staff is None else tuple(staff)
        self._manifest = replace(
            self._manifest,
            complete=True,
            recording_id=self._content.recording_id(known),
            duration_s=(last_ns - first_ns) / NS_PER_S,
            staff=known,
            signals=self._span.count,
            streams=tuple(
                StreamEntry(stream=stream, signals=sum(item.signals for item in segments), segments=segments)
                for stream, kept in self._segments.items()
                if (segments := _unpacked(stream, kept))
            ),
            truth=None if truth is None else self._keep_truth(truth),
            run=None if self._manifest.run is None else replace(self._manifest.run, closed=run_closed),
        )
        write_manifest(self._path, self._manifest)
        return self._manifest

    def _keep_source(self, source: Mapping[str, bytes]) -> tuple[FileEntry, ...]:
        for name, content in source.items():
            (self._path / "source").mkdir(exist_ok=True)
            write_durably(self._path / "source" / name, content)
        return tuple(entry_of(self._path, f"source/{name}") for name in source)

    def _keep_truth(self, truth: Truth) -> FileEntry:
        aside = self._path / f".{TRUTH_NAME}.partial"
        _write_parquet(aside, truth_table(truth))
        aside.rename(self._path / TRUTH_NAME)
        sync_folder(self._path)
        return entry_of(self._path, TRUTH_NAME)


def _name(stream: str, number: int) -> str:
    return f"streams/{stream}-{number:06d}.parquet"


def _packed(number: int, segment: SegmentEntry) -> bytes:
    """What the manifest will say of a segment, small: a day has tens of thousands, and they wait for its end."""
    digest = bytes.fromhex(segment.file.sha256)
    return _PACKED.pack(number, segment.file.bytes, segment.signals, segment.rows, digest)


def _unpacked(stream: str, kept: bytearray) -> tuple[SegmentEntry, ...]:
    return tuple(
        SegmentEntry(
            file=FileEntry(file=_name(stream, number), bytes=size, sha256=digest.hex()), signals=signals, rows=rows
        )
        for number, size, signals, rows, digest in _PACKED.iter_unpack(kept)
    )


def _write_parquet(path: Path, table: Any) -> None:
    """One row group, zstd, synced. A still plate has few distinct values (dictionary), a moving joint has none."""
    split = [name for name in table.schema.names if name.endswith(("_m", "_score"))]
    with path.open("wb") as opened:
        with pq.ParquetWriter(
            opened,
            table.schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=[name for name in table.schema.names if name not in split],
            use_byte_stream_split=split,
            write_statistics=False,
            store_schema=False,  # Arrow's own copy of the schema would be larger than a short segment
        ) as parquet:
            parquet.write_table(table, row_group_size=max(table.num_rows, 1))
            parquet.add_key_value_metadata(table.schema.metadata or {})
        opened.flush()
        os.fsync(opened.fileno())


def write_recording(
    path: Path,
    *,
    name: str,
    store: Store,
    start_ns: int,
    staff: Sequence[str] = (),
    signals: Iterable[Signal],
    truth: Truth | None = None,
    source: Mapping[str, bytes] | None = None,
    segment_s: float = WHOLE_SEGMENT_S,
) -> Manifest:
    """Writes a whole recording to `path`, which must not exist. Raises UserError, and then leaves nothing behind."""
    with folder_aside(path) as aside:
        writer = RecordingWriter(
            aside, name=name, store=store, start_ns=start_ns, staff=staff, segment_s=segment_s, source=source
        )
        for signal in signals:
            writer.append(signal)
        return writer.close(truth=truth)
