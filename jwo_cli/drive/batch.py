"""Several recordings into one journal, one after the other: opened, replayed, traced, and published at the end.

A recording that cannot be read is told and left out, whole; a journal that cannot take entries ends everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from jwo_cli import journal
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.replay import ReplayResult, replay, source_of
from jwo_cli.drive.state import keep_layout
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import Recording, open_recording
from jwo_cli.shop.settings import EngineSettings


class Listener(Protocol):
    """Who is told how it goes, and may look on."""

    def opening(self, path: Path) -> None:
        """A recording is being read and checked."""

    def begins(self, recording: Recording) -> Watcher | None:
        """Its replay begins; the watcher, if any, sees it happen."""

    def advance(self, seconds: float) -> None:
        """So many recorded seconds passed."""

    def finished(self, recording: Recording, result: ReplayResult) -> None:
        """It is replayed and kept."""

    def refused(self, path: Path, error: UserError) -> None:
        """It cannot be read; nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What became of each recording, in order, and the journal's head."""

    results: tuple[ReplayResult, ...]
    refused: tuple[tuple[Path, UserError], ...]
    head_seq: int = 0
    head_hash: str = ""


def replay_all(
    folders: Sequence[Path],
    directory: Path,
    listener: Listener,
    *,
    speed: float | None = None,
    settings: EngineSettings | None = None,
    publish: bool = True,
) -> BatchResult:
    """Replay every folder into the journal at `directory`, which is made where there is none.

    Raises UserError where the journal cannot be opened or written; what was committed before stays.
    """
    results: list[ReplayResult] = []
    refused: list[tuple[Path, UserError]] = []
    for folder in folders:
        listener.opening(folder)
        try:
            recording = open_recording(folder)
        except UserError as error:
            refused.append((folder, error))
            listener.refused(folder, error)
            continue
        result = _replay_one(recording, directory, listener, speed=speed, settings=settings)
        results.append(result)
        listener.finished(recording, result)
    if publish and results:
        journal.publish(directory)
    head = (results[-1].head_seq, results[-1].head_hash) if results else (0, "")
    return BatchResult(results=tuple(results), refused=tuple(refused), head_seq=head[0], head_hash=head[1])


def _replay_one(
    recording: Recording, directory: Path, listener: Listener, *, speed: float | None, settings: EngineSettings | None
) -> ReplayResult:
    store = recording.store
    with (
        journal.Intake.open(directory, store_id=store.store_id, layout_version=store.version) as intake,
        journal.SegmentWriter(directory, "weights", source=source_of(recording)) as segments,
    ):
        own = is_own(recording, intake)
        keep_layout(directory, store, run=False)
        result = replay(
            recording,
            intake=None if own else intake,
            settings=settings,
            watcher=listener.begins(recording),
            traces=None if own else TraceKeeper(store, segments.weights),
            advance=listener.advance,
            speed=speed,
        )
        if own and (found := next(intake.entries(result.head_seq - 1), None)) is not None:
            _same(recording, result, found.hash)
        return replace(result, added=0) if own else result


def is_own(recording: Recording, intake: journal.Intake) -> bool:
    """Whether this is the journal of the run that the recording is of: its entries are all there already.

    They need not come right after the entry that it began at: others may have written while it did.
    """
    return recording.run is not None and intake.holds(f"{recording.run.run_id}/")


def _same(recording: Recording, result: ReplayResult, kept_hash: str) -> None:
    """Raises UserError where the replay came to something else than the run."""
    if result.head_hash != kept_hash:
        raise UserError(
            f"the replay of {recording.name} differs from the run that it records: entry {result.head_seq} has another "
            "hash",
            fix="The run was cut off before its recording was whole, or another version of jwo replays it. Name "
            "another journal with --journal to see its receipts.",
        )
