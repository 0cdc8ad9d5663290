"""A recording through the store: perception, the engine, the journal, in the order in which a live store runs them.

Observations of about a second of recording and what was decided from them share one transaction (`fold`). A recording
of a live run replays with all that its engine overheard: in memory, under that run's keys, it comes to the hash that
the live journal came to. In a journal its entries are a recording's, so that nobody carries their payments out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jwo_cli.drive.fold import Done, Fold, Tally, Watcher
from jwo_cli.drive.log import Log, MemoryLog
from jwo_cli.drive.retold import Retold
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import Overheard, WeightBatch
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.findings import Finding
from jwo_cli.model.observations import DeviceFaulted, Observation, WeightChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings

# How much recorded time shares one transaction: a sync costs about a millisecond, a second of a busy store ten.
COMMIT_EVERY_NS = NS_PER_S
COMMIT_AT_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay made of one recording.

    `receipts` are in order of issue; `added` is how many entries the journal did not have before; `head_seq` and
    `head_hash` are the journal's last entry after it. `wall_s` is the time spent, sleeping for `--speed` left out.
    """

    name: str
    recording_id: str
    store_id: str
    layout_version: str
    duration_s: float
    wall_s: float
    receipts: tuple[ReceiptIssued, ...]
    faults: tuple[DeviceFaulted, ...]
    findings: tuple[Finding, ...]
    observations: int
    decisions: int
    added: int
    head_seq: int
    head_hash: str


def replay(
    recording: Recording,
    *,
    intake: Log | None = None,
    settings: EngineSettings | None = None,
    watcher: Watcher | None = None,
    traces: TraceKeeper | None = None,
    advance: Callable[[float], None] | None = None,
    speed: float | None = None,
) -> ReplayResult:
    """Replay one recording to its end.

    `intake` keeps the entries (memory when None). `advance` is told the recorded seconds as they pass, `traces` the
    weights around each change. `speed` holds the replay at that multiple of recorded time. Raises UserError where the
    journal cannot take the entries or holds other content under the recording's keys.
    """
    run = recording.run
    log = intake if intake is not None else memory_log(recording)
    perception = _front(recording)
    as_live = run if intake is None else None
    settings = settings or EngineSettings(authorise_minor=0 if run is None else run.hold_minor)
    fold = Fold(
        log=log,
        engine=Engine(recording.store, settings=settings),
        run_id=recording.recording_id if as_live is None else as_live.run_id,
        source=source_of(recording) if as_live is None else as_live.source,
        store_id=recording.store.store_id,
        layout_version=recording.store.version,
        start_ns=recording.start_ns,
        office=recording.office(),
        look=_looker(watcher, traces),
    )
    pace = Pace(recording.start_ns, speed)
    retold = Retold(item for item in recording.office() if item.earlier)
    waiting: list[Observation] = []
    committed_ns = passed_ns = recording.start_ns
    for signal in recording.signals():
        if isinstance(signal, Overheard):
            continue  # its turn is when the engine had heard it, which the fold knows
        now_ns = signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns
        pace.wait(now_ns)
        if watcher is not None:
            watcher.signal(signal)
        if traces is not None:
            traces.saw(signal)
        waiting.extend(retold.fresh(perception.feed(signal)))
        if now_ns - committed_ns >= COMMIT_EVERY_NS or len(waiting) >= COMMIT_AT_MOST:
            fold.commit(waiting)
            waiting, committed_ns = [], now_ns
            if advance is not None and now_ns > passed_ns:
                advance((now_ns - passed_ns) / NS_PER_S)
                passed_ns = now_ns
    if run is None or run.closed:
        waiting.extend(perception.close())
    fold.commit(waiting, last=True)
    if traces is not None:
        traces.close()
    return _result(recording, fold.tally, wall_s=pace.spent_s())


def _front(recording: Recording) -> Perception:
    """The front end as the recorded run had it; one that is of no run misses nobody."""
    store, staff, run = recording.store, recording.staff, recording.run
    if run is None:
        return Perception(store, recording_id=recording.recording_id, staff=staff)
    return Perception(store, recording_id=run.run_id, staff=staff, prompt=run.prompt, awaited=run.awaited)


def memory_log(recording: Recording) -> MemoryLog:
    """A log in memory that goes on where the journal of the recording's live run stood, if it is of one."""
    run = recording.run
    if run is None:
        return MemoryLog(store_id=recording.store.store_id)
    return MemoryLog(store_id=recording.store.store_id, after=(run.base_seq, run.base_hash))


def _looker(watcher: Watcher | None, traces: TraceKeeper | None) -> Callable[[Done], None]:
    def look(done: Done) -> None:
        if traces is not None and isinstance(done.observation, WeightChanged):
            traces.changed(done.observation)
        if watcher is not None:
            watcher.step(done.entry, done.observation, done.step)

    return look


def _result(recording: Recording, tally: Tally, *, wall_s: float) -> ReplayResult:
    return ReplayResult(
        name=recording.name,
        recording_id=recording.recording_id,
        store_id=recording.store.store_id,
        layout_version=recording.store.version,
        duration_s=recording.duration_s,
        wall_s=wall_s,
        receipts=tuple(tally.receipts),
        faults=tuple(tally.faults),
        findings=recording.findings,
        observations=tally.observed,
        decisions=tally.decided,
        added=tally.added,
        head_seq=tally.head_seq,
        head_hash=tally.head_hash,
    )


def source_of(recording: Recording) -> str:
    """The source of a recording's entries and segments: of its content, so that renaming the folder changes nothing."""
    return f"recording/{recording.recording_id[:16]}"


class Pace:
    """The one wall clock of a replay: sleeps so that recorded time does not run ahead of `speed` times real time."""

    def __init__(self, start_ns: int, speed: float | None) -> None:
        self._start_ns = start_ns
        self._speed = speed if speed is not None and speed > 0 else None
        self._began = time.monotonic()
        self._slept = 0.0

    def wait(self, now_ns: int) -> None:
        """Sleep until it is time for `now_ns`."""
        if self._speed is None:
            return
        ahead = (now_ns - self._start_ns) / NS_PER_S / self._speed - (time.monotonic() - self._began)
        if ahead > 0.01:
            time.sleep(ahead)
            self._slept += ahead

    def spent_s(self) -> float:
        """Seconds since it began, sleep left out."""
        return time.monotonic() - self._began - self._slept
