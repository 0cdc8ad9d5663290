"""One AutoCheckout case from its documents to a recording, whatever container the documents came in.

Everything is read and checked before anything is handed out: dirt (gaps, duplicates, disorder, NaN, loose channels)
goes through, malformed documents refuse the case as a whole, and what the layout does not know is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.model.layout import Store
from jwo_cli.model.units import NS_PER_S

from .arrival import merge_streams, span_ns
from .autocheckout import moment_ns
from .content import recording_id
from .documents import Document, items, text
from .problems import MalformedError, Problems
from .recording import Recording, captured_ns
from .truth import Truth

Progress = Callable[[int], None]  # called with the number of documents read since the last call
S = TypeVar("S", WeightBatch, PoseFrame)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInfo:
    """What a store would know besides its sensors: tracker ids of staff, and when the recording began."""

    staff: tuple[str, ...] = ()
    start_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case read in whole: both streams in file order, the layout, and the documents that it was built from."""

    name: str
    path: Path
    weights: list[WeightBatch]
    poses: list[PoseFrame]
    info: CaseInfo
    store: Store
    source: Mapping[str, bytes]
    read_truth: Callable[[], Truth | None]


def read_case_info(document: Document) -> CaseInfo:
    """The object of case_info.json. Raises MalformedError."""
    fix = 'Write ["1234"], or [] when there was no staff.'
    ids = items(document.get("staff_target_ids", []), "staff_target_ids", fix)
    start = document.get("recording_start")
    return CaseInfo(
        staff=tuple(text(item, f"staff_target_ids[{i}]") for i, item in enumerate(ids)),
        start_ns=None if start is None else moment_ns(start, "recording_start"),
    )


def read_stream(
    documents: Iterable[tuple[int, Document]],
    parse: Callable[[Document], S],
    *,
    file: str,
    problems: Problems,
    progress: Progress | None = None,
) -> list[S]:
    """Every document of a stream as a signal, in order; those that do not fit become findings."""
    signals: list[S] = []
    for line, document in documents:
        try:
            signals.append(parse(document))
        except MalformedError as reason:
            problems.malformed(file, line, reason)
        if progress is not None:
            progress(1)
    return signals


def as_recording(case: Case, problems: Problems) -> Recording:
    """The case as a recording: streams merged in order of arrival, its id, and the warnings that go with it."""
    stamps = [[batch.end_ns for batch in case.weights], [frame.at_ns for frame in case.poses]]
    streams = (case.weights, case.poses)
    signals: tuple[Signal, ...] = tuple(streams[stream][index] for stream, index in merge_streams(stamps))
    first_ns, last_ns = span_ns([captured_ns(signal) for signal in signals])
    streams_own = Problems()
    _warn_of_channels(case, streams_own)
    _warn_of_staff(case, streams_own)
    return Recording(
        name=case.name,
        recording_id=recording_id(case.store, case.info.staff, signals),
        store=case.store,
        start_ns=first_ns if case.info.start_ns is None else case.info.start_ns,
        duration_s=(last_ns - first_ns) / NS_PER_S,
        staff=case.info.staff,
        findings=(*streams_own.warnings, *problems.warnings),  # the streams before the tables
        path=case.path,
        source=case.source,
        read_signals=lambda: iter(signals),
        read_truth=case.read_truth,
    )


def _warn_of_channels(case: Case, problems: Problems) -> None:
    """Warns of channels with data but no plate, and of plates whose channel never gave a number."""
    sending: dict[str, bool] = {}
    for batch in case.weights:
        quiet = [i for i, name in enumerate(batch.channels) if not sending.get(name, False)]
        if quiet:
            numbers = np.count_nonzero(~np.isnan(batch.grams[:, quiet]), axis=0)
            sending.update((batch.channels[i], bool(numbers[n])) for n, i in enumerate(quiet))
    wired = {plate.channel: plate_id for plate_id, (_, _, plate) in case.store.plates().items()}
    strangers = [name for name, lives in sending.items() if lives and name not in wired]
    if strangers:
        fix = "Their samples are kept and not used; add the plates to the layout if goods stand there."
        problems.warn(str(case.path), f"channels without a plate in the layout: {_some(strangers)}", fix)
    silent = [plate_id for channel, plate_id in wired.items() if not sending.get(channel, False)]
    if silent:
        fix = "Nothing taken there can be seen by weight; check the cables."
        problems.warn(str(case.path), f"plates that never send a weight: {_some(silent)}", fix)


def _warn_of_staff(case: Case, problems: Problems) -> None:
    seen = {person.track_id for frame in case.poses for person in frame.people}
    for track_id in case.info.staff:
        if track_id not in seen:
            problem = f"staff id {track_id} is never seen"
            problems.warn(str(case.path), problem, "Check the id in case_info.", field="staff_target_ids")


def _some(names: list[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
