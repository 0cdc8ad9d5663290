"""A recording through the store: perception, the engine, the journal, in the order in which a live store runs them.

Each observation is appended before the engine handles it, and its decisions right behind it, so that the order of the
entries does not depend on how the input was cut into batches. Observations of about a second of recording and what
was decided from them share one transaction. Keys are the recording's id and a counter: a recording that is replayed
again into the same journal finds its own entries there and adds none.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jwo_cli.drive.log import Log, MemoryLog
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import Signal, WeightBatch
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import Decision, ReceiptIssued
from jwo_cli.model.entry import Entry, NewEntry
from jwo_cli.model.findings import Finding
from jwo_cli.model.observations import DeviceFaulted, Observation, StoreOpened, WeightChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings
from jwo_cli.shop.step import Caused, Step

# How much recorded time shares one transaction: a sync costs about a millisecond, a second of a busy store ten.
COMMIT_EVERY_NS = NS_PER_S
COMMIT_AT_MOST = 500


class Watcher(Protocol):
    """Somebody who looks on: sees every signal as it arrives, and every step once it is committed."""

    def signal(self, signal: Signal) -> None:
        """A signal arrived."""

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        """An observation was handled and kept."""


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
    log = intake if intake is not None else MemoryLog(store_id=recording.store.store_id)
    perception = Perception(recording.store, recording_id=recording.recording_id, staff=recording.staff)
    writer = _Writer(recording, log, Engine(recording.store, settings=settings or EngineSettings()), watcher, traces)
    pace = _Pace(recording.start_ns, speed)
    waiting: list[Observation] = []
    committed_ns = passed_ns = recording.start_ns
    for signal in recording.signals():
        now_ns = signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns
        pace.wait(now_ns)
        if watcher is not None:
            watcher.signal(signal)
        if traces is not None:
            traces.saw(signal)
        waiting.extend(perception.feed(signal))
        if now_ns - committed_ns >= COMMIT_EVERY_NS or len(waiting) >= COMMIT_AT_MOST:
            writer.commit(waiting)
            waiting, committed_ns = [], now_ns
            if advance is not None and now_ns > passed_ns:
                advance((now_ns - passed_ns) / NS_PER_S)
                passed_ns = now_ns
    waiting.extend(perception.close())
    writer.commit(waiting)
    if traces is not None:
        traces.close()
    return writer.result(wall_s=pace.spent_s())


def source_of(recording: Recording) -> str:
    """The source of a recording's entries and segments: of its content, so that renaming the folder changes nothing."""
    return f"recording/{recording.recording_id[:16]}"


class _Pace:
    """The one wall clock of a replay: sleeps so that recorded time does not run ahead of `speed` times real time."""

    def __init__(self, start_ns: int, speed: float | None) -> None:
        self._start_ns = start_ns
        self._speed = speed if speed is not None and speed > 0 else None
        self._began = time.monotonic()
        self._slept = 0.0

    def wait(self, now_ns: int) -> None:
        if self._speed is None:
            return
        ahead = (now_ns - self._start_ns) / NS_PER_S / self._speed - (time.monotonic() - self._began)
        if ahead > 0.01:
            time.sleep(ahead)
            self._slept += ahead

    def spent_s(self) -> float:
        return time.monotonic() - self._began - self._slept


class _Writer:
    """Appends observations, hands them to the engine, appends its decisions; counts and collects."""

    def __init__(
        self, recording: Recording, log: Log, engine: Engine, watcher: Watcher | None, traces: TraceKeeper | None
    ) -> None:
        self._recording = recording
        self._source = source_of(recording)
        self._log = log
        self._engine = engine
        self._watcher = watcher
        self._traces = traces
        self._observed = self._decided = self._added = 0
        self._head_seq, self._head_hash = log.head()
        self._receipts: list[ReceiptIssued] = []
        self._faults: list[DeviceFaulted] = []

    def commit(self, observations: Sequence[Observation]) -> None:
        """One transaction: every observation, and what the engine decided from it, right behind it."""
        if not observations:
            return
        done: list[tuple[Entry, Observation, Step]] = []
        with self._log.transaction():
            last, _ = self._log.head()
            for observed in observations:
                observation = self._dated(observed)
                (entry,) = self._log.append([self._observation(observation)])
                step = self._engine.handle(entry.seq, observation)
                kept = self._log.append([self._decision(caused) for caused in step.decisions])
                self._added += sum(item.seq > last for item in (entry, *kept))
                done.append((entry, observation, step))
        self._head_seq, self._head_hash = self._log.head()
        for entry, observation, step in done:
            self._note(entry, observation, step)

    def _dated(self, observation: Observation) -> Observation:
        """The opening is dated by the recording: the front end only knows its first message's time."""
        if isinstance(observation, StoreOpened):
            return dataclasses.replace(observation, at_ns=self._recording.start_ns)
        return observation

    def _observation(self, observation: Observation) -> NewEntry:
        self._observed += 1
        return self._entry(f"observation/{self._observed}", observation, ())

    def _decision(self, caused: Caused[Decision]) -> NewEntry:
        self._decided += 1
        return self._entry(f"decision/{self._decided}", caused.decision, caused.caused_by)

    def _entry(self, counter: str, value: Observation | Decision, caused_by: tuple[int, ...]) -> NewEntry:
        return NewEntry(
            key=f"{self._recording.recording_id}/{counter}",
            at_ns=value.at_ns,
            source=self._source,
            kind=kind_of(type(value)),
            payload=encode(value),
            caused_by=caused_by,
            store_id=self._recording.store.store_id,
            layout_version=self._recording.store.version,
        )

    def _note(self, entry: Entry, observation: Observation, step: Step) -> None:
        if isinstance(observation, DeviceFaulted):
            self._faults.append(observation)
        if self._traces is not None and isinstance(observation, WeightChanged):
            self._traces.changed(observation)
        self._receipts += [item.decision for item in step.decisions if isinstance(item.decision, ReceiptIssued)]
        if self._watcher is not None:
            self._watcher.step(entry, observation, step)

    def result(self, *, wall_s: float) -> ReplayResult:
        """The sum of it."""
        return ReplayResult(
            name=self._recording.name,
            recording_id=self._recording.recording_id,
            store_id=self._recording.store.store_id,
            layout_version=self._recording.store.version,
            duration_s=self._recording.duration_s,
            wall_s=wall_s,
            receipts=tuple(self._receipts),
            faults=tuple(self._faults),
            findings=self._recording.findings,
            observations=self._observed,
            decisions=self._decided,
            added=self._added,
            head_seq=self._head_seq,
            head_hash=self._head_hash,
        )
