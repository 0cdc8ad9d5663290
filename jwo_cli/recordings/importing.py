"""Foreign data to recording folders: whole, or not at all; what is there already with the same content stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jwo_cli.model.findings import Finding, UserError

from .case import Progress
from .folder import is_recording_folder
from .manifest import read_manifest
from .raw import is_raw_folder, open_raw
from .recording import Recording
from .writer import write_recording


class Outcome(StrEnum):
    """What an import did."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One recording that is there now; `findings` are oddities that were kept."""

    name: str
    outcome: Outcome
    path: str
    recording_id: str
    duration_s: float
    findings: tuple[Finding, ...]


def foreign_recordings(path: Path, *, progress: Progress | None = None) -> Iterator[Recording]:
    """The recordings of a raw AutoCheckout folder (one) or of a mongodump (one a database). Raises UserError."""
    if not path.exists():
        raise UserError(f"{path}: no such file or folder", fix="Give the folder of a case, or a mongodump of it.")
    if path.is_dir() and is_recording_folder(path):
        raise UserError(f"{path} is a recording already", fix=f"Replay it as it is: jwo replay {path}")
    if path.is_dir() and is_raw_folder(path):
        yield open_raw(path, progress=progress)
        return
    from .dump import is_dump, open_dump  # pymongo's bson, only where there is a dump

    if not is_dump(path):
        fix = "A case holds plate_data.json and full_targets.json; a dump is what mongodump makes, a file or a folder."
        raise UserError(f"{path} is neither an AutoCheckout case nor a mongodump", fix=fix)
    yield from open_dump(path, progress=progress)


def import_recording(recording: Recording, target: Path) -> Imported:
    """Writes a foreign recording to `target`, atomically. A recording with the same content there is left alone."""
    outcome = Outcome.UNCHANGED
    if is_recording_folder(target):
        there = read_manifest(target)
        if not there.complete or there.recording_id != recording.recording_id:
            raise UserError(f"{target} holds another recording", fix="Name another folder, or remove that one first.")
    else:
        outcome = Outcome.IMPORTED
        write_recording(
            target,
            name=recording.name,
            store=recording.store,
            start_ns=recording.start_ns,
            staff=recording.staff,
            signals=recording.signals(),
            truth=recording.truth(),
            source=recording.source,
        )
    return Imported(
        name=recording.name,
        outcome=outcome,
        path=str(target),
        recording_id=recording.recording_id,
        duration_s=recording.duration_s,
        findings=recording.findings,
    )
