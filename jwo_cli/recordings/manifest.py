"""manifest.json: what a recording folder holds, with checksums. It is written last, so it never promises too much.

While a live recording grows the manifest says `complete: false` and lists no segments: then the folder itself is the
list. Version 1 is the first; a newer one is refused by name, an older one would be lifted here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from jwo_cli.estimate.signals import Awaited
from jwo_cli.model import codec
from jwo_cli.model.findings import Finding, UserError
from jwo_cli.model.layout import LATER

from .aside import write_durably

FILE_NAME = "manifest.json"
LAYOUT_NAME = "layout.json"
TRUTH_NAME = "truth.parquet"
FORMAT = "jwo-recording"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of the recording: path within the folder ('/' between parts), size and SHA-256."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """A piece of one stream: its file, how many signals and table rows it holds."""

    file: FileEntry
    signals: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEntry:
    """One stream with its segments in order."""

    stream: str
    signals: int
    segments: tuple[SegmentEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """Of which run of a store this is the recording: the journal entries' keys begin with `run_id`.

    `source` is their source, `base_seq` and `base_hash` the journal's last entry before the run. `closed` says that
    it ended in order, with nobody inside; else what its front end had not told yet was never told. `prompt` is how
    the front end tells who left (`Perception`), `hold_minor` what the till held at the entry, `awaited` which scales
    the front end was to hear.
    """

    run_id: str
    source: str
    base_seq: int
    base_hash: str
    closed: bool = False
    prompt: bool = False
    hold_minor: int = field(default=0, metadata=LATER)
    awaited: tuple[Awaited, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The recording's own description; `signals` counts all streams together."""

    format: str
    version: int
    complete: bool
    name: str
    recording_id: str
    layout_version: str
    start_ns: int
    duration_s: float
    staff: tuple[str, ...]
    signals: int
    layout: FileEntry
    streams: tuple[StreamEntry, ...]
    source: tuple[FileEntry, ...] = ()
    truth: FileEntry | None = None
    run: LiveRun | None = field(default=None, metadata=LATER)

    def files(self) -> tuple[FileEntry, ...]:
        """Every file the manifest vouches for."""
        segments = tuple(segment.file for stream in self.streams for segment in stream.segments)
        truth = () if self.truth is None else (self.truth,)
        return (self.layout, *self.source, *segments, *truth)


def entry_of(folder: Path, file: str) -> FileEntry:
    """Size and checksum of a file as it lies there. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with (folder / file).open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
            size += len(block)
    return FileEntry(file=file, bytes=size, sha256=digest.hexdigest())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Puts the manifest in its place, replacing an earlier one."""
    text = json.dumps(codec.encode(manifest), indent=1, ensure_ascii=False, allow_nan=False)
    write_durably(folder / FILE_NAME, text.encode() + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a recording folder. Raises UserError naming what does not fit."""
    path = folder / FILE_NAME
    try:
        payload = cast("codec.JsonValue", json.loads(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}", fix="Check the folder and its permissions.") from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        found = Finding(file=str(path), line=line, problem=f"invalid JSON ({error})", fix="Copy the recording again.")
        raise UserError(f"{path} is damaged: {error}", fix="Copy the recording again.", findings=[found]) from None
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        raise UserError(f"{path} does not describe a jwo recording", fix=f'Its "format" must be "{FORMAT}".')
    version = payload.get("version")
    if isinstance(version, int) and version > VERSION:
        problem = f"{folder} has recording format {version}; this jwo knows formats up to {VERSION}"
        raise UserError(problem, fix="Update jwo, or replay it with the version that made it.")
    try:
        return codec.decode(Manifest, payload)
    except ValueError as error:
        found = Finding(file=str(path), problem=str(error), fix="Copy the recording again.")
        raise UserError(f"{path} is damaged: {error}", fix="Copy the recording again.", findings=[found]) from None
