"""How a journal is: what it holds, how much of that is published, what lies on the disk; looked at, nothing changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jwo_cli.journal import database, projection, publication, segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """So many files of so many bytes."""

    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A journal's head, when its last entry was written, what is published, and sizes in bytes."""

    store_id: str
    seq: int
    hash: str
    recorded_ns: int | None
    published_seq: int
    log_bytes: int
    published_bytes: int
    telemetry: dict[str, Files]
    evidence: Files
    free_bytes: int


def state(directory: Path) -> State:
    """The state of a journal now. Raises UserError (exit code 3) where there is none."""
    directory = Path(directory)
    intake = database.open_reader(directory)
    try:
        with database.failures(directory):
            seq, digest = projection.head_of(intake)
            last = intake.execute("SELECT recorded_ns FROM entries WHERE seq = ?", (seq,)).fetchone()
            store_id, published = database.read_store_id(intake), publication.published_seq(directory, intake)
    finally:
        intake.close()
    telemetry = {stream: [item.path for item in segments.listing(directory, stream)] for stream in segments.STREAMS}
    evidence = directory / database.EVIDENCE
    return State(
        store_id=store_id,
        seq=seq,
        hash=digest,
        recorded_ns=None if last is None else int(str(last[0])),
        published_seq=published,
        log_bytes=_size([directory / database.INTAKE, directory / f"{database.INTAKE}-wal"]),
        published_bytes=_size([directory / database.PUBLISHED]),
        telemetry={stream: Files(files=len(paths), size_bytes=_size(paths)) for stream, paths in telemetry.items()},
        evidence=_files(sorted(path for path in evidence.rglob("*") if path.is_file())),
        free_bytes=database.free_bytes(directory),
    )


def _files(paths: list[Path]) -> Files:
    return Files(files=len(paths), size_bytes=_size(paths))


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())
