"""A recording folder, read: every checksum is compared before anything is handed out, then segments stream by.

A live recording that was cut off has no list of segments: they are taken in order up to the last whole one, and what is
missing is a finding. Damage in the middle, or in a complete recording, refuses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from jwo_cli.estimate.signals import Overheard, Signal
from jwo_cli.model import codec
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.units import NS_PER_S

from .arrival import span_ns
from .content import ContentHash
from .manifest import FILE_NAME, LAYOUT_NAME, TRUTH_NAME, FileEntry, Manifest, entry_of, read_manifest
from .problems import Problems
from .recording import Recording, captured_ns
from .tables import OFFICE, STREAMS, Numbered, from_table
from .truth import Truth
from .truth_table import truth_of

_SEGMENT = re.compile(r"(?P<stream>[a-z]+)-(?P<number>\d{6})\.parquet")
_AGAIN = "Copy the recording again, or record it anew."
Segment = dict[str, str]  # stream -> file, of one segment number


def is_recording_folder(path: Path) -> bool:
    """Whether a folder has a manifest."""
    return (path / FILE_NAME).is_file()


def open_folder(path: Path) -> Recording:
    """Opens a recording folder. Raises UserError when it is damaged, newer than this version, or of another layout."""
    manifest = read_manifest(path)
    _check_files(path, manifest)
    store = _read_store(path, manifest)
    findings: tuple[Finding, ...] = ()
    if manifest.complete:
        segments = _listed(manifest)
        recording_id, duration_s = manifest.recording_id, manifest.duration_s
    else:
        segments, recording_id, duration_s, findings = _rescue(path, manifest, store)
    return Recording(
        name=manifest.name,
        recording_id=recording_id,
        store=store,
        start_ns=manifest.start_ns,
        duration_s=duration_s,
        staff=manifest.staff,
        findings=findings,
        path=path,
        source={Path(item.file).name: (path / item.file).read_bytes() for item in manifest.source},
        read_signals=lambda: _signals(path, segments),
        read_truth=lambda: _read_truth(path, manifest.truth),
        run=manifest.run,
        read_office=lambda: _office(path, segments),
    )


def _check_files(path: Path, manifest: Manifest) -> None:
    problems = Problems()
    for expected in manifest.files():
        file = str(path / expected.file)
        try:
            if Path(expected.file).is_absolute() or ".." in Path(expected.file).parts:
                problems.error(file, "lies outside the recording", "A recording only names its own files.")
            elif entry_of(path, expected.file) != expected:
                problems.error(file, "differs from its checksum in the manifest", _AGAIN)
        except OSError as error:
            problems.error(file, f"cannot be read: {error.strerror or error}", _AGAIN)
    if problems.failed:
        raise problems.refusal(str(path))


def _read_store(path: Path, manifest: Manifest) -> Store:
    file = path / LAYOUT_NAME
    try:
        store = codec.decode(Store, cast("codec.JsonValue", json.loads(file.read_bytes())))
    except (OSError, ValueError) as error:
        found = Finding(file=str(file), problem=str(error), fix=_AGAIN)
        raise UserError(f"{file} is no layout: {error}", fix=_AGAIN, findings=[found]) from None
    if store.version != manifest.layout_version:
        problem = f"{file} is layout {store.version[:12]}, the recording was made with {manifest.layout_version[:12]}"
        raise UserError(problem, fix="Put the layout back that came with the recording.")
    return store


def require_layout(recording: Recording, store: Store) -> None:
    """Raises UserError when a recording was made in another layout than `store`."""
    if recording.store.version != store.version:
        problem = (
            f"{recording.name} was recorded with layout {recording.store.version[:12]} of {recording.store.store_id}, "
            f"this is {store.version[:12]} of {store.store_id}"
        )
        raise UserError(problem, fix="Use the layout inside the recording, or a recording of this layout.")


def _listed(manifest: Manifest) -> tuple[Segment, ...]:
    numbered: dict[int, Segment] = {}
    for stream in manifest.streams:
        for segment in stream.segments:
            match = _SEGMENT.fullmatch(Path(segment.file.file).name)
            if match is None:
                raise UserError(f"{segment.file.file} is no name of a segment", fix=_AGAIN)
            numbered.setdefault(int(match["number"]), {})[stream.stream] = segment.file.file
    return tuple(numbered[number] for number in sorted(numbered))


def _lying_there(path: Path) -> tuple[Segment, ...]:
    """Segments by what is in the folder, in order."""
    numbered: dict[int, Segment] = {}
    for file in sorted((path / "streams").glob("*.parquet")):
        match = _SEGMENT.fullmatch(file.name)
        if match is not None:
            numbered.setdefault(int(match["number"]), {})[match["stream"]] = f"streams/{file.name}"
    return tuple(numbered[number] for number in sorted(numbered))


def _rescue(
    path: Path, manifest: Manifest, store: Store
) -> tuple[tuple[Segment, ...], str, float, tuple[Finding, ...]]:
    """What can be read of a recording that was cut off: whole segments, their id and span, and a finding."""
    segments = _lying_there(path)
    content = ContentHash(store)
    stamps: list[int] = []
    lost = ""
    for index, segment in enumerate(segments):
        try:
            signals = _read_segment(path, segment, first=len(stamps))
        except UserError as error:
            if index + 1 < len(segments):
                raise
            segments, lost = segments[:index], f" and its last segment is torn ({error.problem})"
            break
        for signal in signals:
            content.add(signal)
            stamps.append(captured_ns(signal))
    first_ns, last_ns = span_ns(stamps)
    finding = Finding(
        file=str(path),
        problem=f"the recording was cut off{lost}; {len(stamps)} signals up to then are whole",
        fix="Replay it as it is; the seconds after that are lost.",
        severity=Severity.WARNING,
    )
    return segments, content.recording_id(manifest.staff), (last_ns - first_ns) / NS_PER_S, (finding,)


def _signals(path: Path, segments: tuple[Segment, ...]) -> Iterator[Signal]:
    arrival = 0
    for segment in segments:
        signals = _read_segment(path, segment, first=arrival)
        arrival += len(signals)
        yield from signals


def _office(path: Path, segments: tuple[Segment, ...]) -> tuple[Overheard, ...]:
    """The office stream alone; the other streams are not read."""
    found: list[Overheard] = []
    for segment in segments:
        if OFFICE in segment:
            heard = sorted(_read_stream(path, OFFICE, segment[OFFICE]), key=lambda item: item[0])
            found += [item for _, item in heard if isinstance(item, Overheard)]
    return tuple(found)


def _read_stream(path: Path, stream: str, file: str) -> list[Numbered]:
    if stream not in STREAMS:
        raise UserError(f"{path / file}: unknown stream {stream!r}", fix="Update jwo; a newer one may know it.")
    try:
        return list(from_table(stream, _read_table(path / file)))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UserError(f"{path / file} is damaged: {error}", fix=_AGAIN) from None


def _read_segment(path: Path, segment: Segment, *, first: int) -> list[Signal]:
    """The signals of one segment in order of arrival, which must number on from `first` without a hole."""
    numbered: list[Numbered] = []
    for stream, file in segment.items():
        numbered.extend(_read_stream(path, stream, file))
    numbered.sort(key=lambda item: item[0])
    if [arrival for arrival, _ in numbered] != list(range(first, first + len(numbered))):
        names = ", ".join(segment.values())
        raise UserError(f"{path}: {names} do not follow on signal {first - 1}", fix=_AGAIN)
    return [signal for _, signal in numbered]


def _read_table(path: Path) -> Any:
    return pq.read_table(path, use_threads=False).combine_chunks()


def _read_truth(path: Path, entry: FileEntry | None) -> Truth | None:
    if entry is None:
        return None
    file = path / TRUTH_NAME
    try:
        return truth_of(_read_table(file))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UserError(f"{file} is damaged: {error}", fix=_AGAIN) from None
