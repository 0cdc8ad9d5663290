"""A store that runs: signals in as they arrive, decisions out at once, everything in the journal before it is acted on.

One process, one loop, nothing shared between threads. What a source gives goes, in order of arrival, to the recording,
the front end and the engine; a door's decision is journalled before the door moves. What is decided is committed at
once where somebody waits for it, and within COMMIT_S else. A run and the replay of its own recording decide the same:
whatever reached the engine beside the sensors is in the recording, in its place (`fold`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from jwo_cli.drive.again import Again
from jwo_cli.drive.arrival import believed, device_of, scales_of
from jwo_cli.drive.bodies import Bodies
from jwo_cli.drive.caretaker import LOOK_S, Caretaker, Rules
from jwo_cli.drive.door_wait import WaitRules, refused
from jwo_cli.drive.doors import Doors, NoDoors
from jwo_cli.drive.doorway import Doorway, Told
from jwo_cli.drive.fold import Done, Fold, Watcher, effects_of
from jwo_cli.drive.health import HealthBook, Needed
from jwo_cli.drive.hearing import Hearing
from jwo_cli.drive.live_news import Live
from jwo_cli.drive.resume import Past, all_before, code_read, known_at_gates, over, past_of, run_id, source_of
from jwo_cli.drive.run_recording import RunRecording
from jwo_cli.drive.snapshot import Moment, Snapshots
from jwo_cli.drive.sources import Behind, CardSeen, CodeSeen, DoorReport, Inlet, ListSource, Source, Trouble
from jwo_cli.drive.state import keep_layout
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.perception import WARM_NS, Perception
from jwo_cli.estimate.signals import ClockTick, CodeRead, Overheard, Signal
from jwo_cli.journal import Intake, SegmentWriter
from jwo_cli.model import staffing
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.effects import AskStaff, Effect, OpenGate, Pay, RefuseEntry, SendReceipt
from jwo_cli.model.entering import Refusal
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FaultKind,
    Observation,
    StoreClosed,
    TrackEnded,
    WeightChanged,
)
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from jwo_cli.sensors.mqtt.wire import CameraSaw
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.gatekeeper import Gatekeeper
from jwo_cli.shop.settings import EngineSettings

SEGMENT_S = 10.0  # of a recording: what a crash costs it; by our own clock, whatever the devices' clocks say
COMMIT_S = 0.2  # what nobody waits for is committed this often
KEEP_S = 0.25  # what took the engine so much of a core is kept: a restart need not do it again
BODIES_S = 0.25  # where people are is kept this often, for a run that goes on after this one
WAITING = 10_000  # things that came and were not taken; then the sources have to wait
TICK_S = 1.0  # time is told to the front end this often while all sensors are silent
STILL_NS, STILL_S = 2 * NS_PER_S, 3.0  # so far behind the store's clock, and so long, the front end's time may be
# Somebody stands at a door, or waits for a receipt: these are committed at once.
AT_ONCE = (TrackEnded, CodeScanned, StoreClosed)


class Nudged(Protocol):
    """Whoever carries payments out: told that there may be something new in the journal."""

    def nudge(self) -> None:
        """Look there."""


class LiveStore:
    """One run of one store. Build it, `begin`, then `run` until told to stop."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        *,
        sources: Sequence[Source],
        recording: Path | None,
        gatekeeper: Gatekeeper | None = None,
        doors: Doors | None = None,
        outbox: Nudged | None = None,
        watcher: Watcher | None = None,
        settings: EngineSettings | None = None,
        shadow: bool = False,
        rules: Rules | None = None,
        wait: WaitRules | None = None,
        needed: Needed | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.store = store
        self.live, self.health = Live(), HealthBook(needed)
        self._played = frozenset(item.name for item in sources if isinstance(item, ListSource))
        self.states = {item.name: SourceState(item.name, item.kind, item.critical, item.patience_s) for item in sources}
        self.start_ns = now_ns()
        self._intake, self._sources, self._now_ns = intake, sources, now_ns
        self._doors, self._outbox, self._watcher = doors or NoDoors(), outbox, watcher
        self.down = asyncio.Event()  # set while nobody is let in and nobody is inside
        self.settles = False  # whether the run's end closes the day over whoever is inside
        self._queue: asyncio.Queue[Arrived] = asyncio.Queue(WAITING)
        self._waiting: list[Observation] = []
        self._committed_s = self._signal_s = self._rotated_s = self._fresh_s = time.monotonic()
        self._stack = ExitStack()
        keep_layout(intake.directory, store)
        settings = settings or EngineSettings()
        self._snapshots = Snapshots(intake.directory, store, settings)
        past = past_of(intake, self._snapshots)
        self._again = Again(sources, intake, past, antennas=store.antennas, start_ns=self.start_ns)
        self._ended, self.cut_off = past.ended, past.cut_off
        self.run_id = run_id(store.store_id, self.start_ns, past.head_hash)
        self.source = source_of(self.run_id, shadow=shadow, charges=outbox is not None)
        engine = past.engine or Engine(store, settings=settings)
        self._fold = Fold(
            log=intake, engine=engine, run_id=self.run_id, source=self.source, store_id=store.store_id,
            layout_version=store.version, start_ns=self.start_ns, office=past.earlier,
            known=(past.head_seq, past.head_hash), look=self._look, collect=False,
        )  # fmt: skip
        self.engine, self._kept_s = engine, 0.0
        self._doorway = Doorway(store, engine.house, gatekeeper, wait or WaitRules())
        scales = () if needed is None else needed.scales
        self._hearing = Hearing(intake.directory, scales, start_ns=self.start_ns, resumed=past.cut_off)
        awaited = self._hearing.awaited
        self._perception = Perception(store, recording_id=self.run_id, prompt=True, awaited=awaited)
        self._traces = TraceKeeper(
            store, self._stack.enter_context(SegmentWriter(intake.directory, "weights", source=self.source)).weights
        )
        run = past.goes_on(self.run_id, self.source, hold_minor=settings.authorise_minor, awaited=awaited)
        self.recording = RunRecording(recording, run, store, start_ns=self.start_ns, past=all_before(intake, past))
        self._bodies = Bodies(intake.directory, sources)
        self.caretaker = Caretaker(self, intake.directory, rules or Rules())
        self._looked_s = self._bodies_s = 0.0
        self._take_up(past)

    def _take_up(self, past: Past) -> None:
        """What is known from before, and what of it was not seen through.

        Who was let in right before a cut comes in; who waited for their bank then does not.
        """
        self._doorway.remember(known_at_gates(self._intake))
        if not self.cut_off:  # a run that goes on has its mode; any other one opens when it is told to
            self.note(staffing.ModeChanged(at_ns=self.start_ns, mode=staffing.Mode.DOWN, staff="run", reason="began"))
        for missed in (*over(past.faults, self.start_ns), *self._again.missed):
            self.note(missed)
        for frame in self._bodies.read(self.engine.roster.by_track, now_ns=self.start_ns) if self.cut_off else ():
            self._look_at(self._again.signals(frame))
        for read in past.granted:
            self.feed(read)
        for waited in self.engine.till.door.waiting():
            self.note(refused(waited, Refusal.NO_ANSWER, self.start_ns))

    # -- the loop ------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Take what comes until `stop`; then end in order where nobody is inside (or `settles`), else leave it so."""
        flows = [
            asyncio.create_task(keep_flowing(one, self.states[one.name], self._queue.put)) for one in self._sources
        ]
        try:
            while not stop.is_set():
                await self._turn()
        except Exception:
            self._fold.broken = True  # whatever it was: the next start goes on from what the journal holds
            raise
        finally:
            stop.set()  # also where it broke: nobody notes anything after the end
            for flow in flows:
                flow.cancel()
            try:  # at once: who looks up a broker's name, or waits for a camera's process, takes seconds to leave
                self.end(settle=self.settles)
            finally:
                await asyncio.gather(*flows, return_exceptions=True)

    async def _turn(self) -> None:
        """Wait a moment for something to come, take all that is there, and commit what is due."""
        try:
            arrived = await asyncio.wait_for(self._queue.get(), COMMIT_S / 4)
        except TimeoutError:
            pass
        else:
            self.take(arrived)
            for _ in range(self._queue.qsize()):
                self.take(self._queue.get_nowait())
        self._look_at(self._again.signals())
        now_s = time.monotonic()
        self._tell(self._doorway.overdue(now_ns=self._now_ns(), monotonic_s=now_s))
        self.tick(now_s, silent=now_s - self._signal_s >= TICK_S)
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self.caretaker.look(now_ns=self._now_ns(), monotonic_s=now_s)
        if now_s - self._committed_s >= COMMIT_S:
            self.commit()
        self.recording.recall()
        if now_s - self._bodies_s >= BODIES_S:
            self._bodies_s = now_s
            self._bodies.write()
            self._hearing.write(self._perception.untold_ns() + WARM_NS)
        if now_s - self._rotated_s >= SEGMENT_S:
            self.rotate()
        if self._fold.tally.handled_s - self._kept_s >= KEEP_S:
            self.keep()

    def take(self, arrived: Arrived) -> None:
        """One thing that a source gave."""
        self.live.behind_s = (time.monotonic_ns() - arrived.arrived_ns) / NS_PER_S
        what: Inlet = arrived.what
        self._again.took(arrived)
        match what:
            case Behind():
                self._again.expect(what)
            case CodeSeen() | CardSeen() if self._again.answered(what):
                pass
            case CodeSeen() | CardSeen() | DoorReport() if not self._doorway.knows(what.gate_id):
                note = f"the layout has no gate {what.gate_id[:40]!r}"
                self._tell(self.health.passed("doors", FaultKind.UNKNOWN_CHANNEL, note, now_ns=self._now_ns()))
            case CodeSeen() | CardSeen() | CodeRead() | DoorReport():
                now_ns, late = self._now_ns(), self._again.holding
                if isinstance(what, DoorReport):
                    self._stamped(what, now_ns, late=late)
                self._tell(self._doorway.heard(what, now_ns, late=late))
            case Trouble():
                for fault in self.health.told(what):
                    self.note(fault)
            case CameraSaw():  # fused already (`fusing`)
                self.health.heard(what.camera_id)
                self.health.heard(arrived.source)
            case _:
                self._measured(arrived.source, what)

    def _measured(self, source: str, signal: Signal) -> None:
        at_ns, now_ns = captured_ns(signal), self._now_ns() - round(self.live.behind_s * NS_PER_S)
        device_id = device_of(signal) or source
        self.health.heard(source, device_id)
        # What is played comes as late as it was recorded; after a break things are late for a reason.
        late = at_ns <= now_ns and (self._again.holding or source in self._played)
        for one in (signal,) if late else self.health.clocks.believed(device_id, signal, at_ns, now_ns):
            self.health.heard(*scales_of(one))
            if self._bodies.news(source, one):
                self.feed(one)

    def feed(self, signal: Signal) -> None:
        """A signal for the front end, which may have to wait for older ones."""
        self._signal_s = time.monotonic()
        self._look_at(self._again.signals(signal))

    def tick(self, monotonic_s: float, *, silent: bool = False) -> None:
        """Tell the front end the time, when nobody speaks or, for a while, only those whose clocks are old."""
        heard_ns = self._perception.now_ns
        late = self._again.holding or self.live.behind_s > TICK_S  # what comes is old for another reason
        if heard_ns is None or late or self._now_ns() - heard_ns <= STILL_NS:
            self._fresh_s = monotonic_s
        if silent or monotonic_s - self._fresh_s >= STILL_S:
            for _ in range(1 if silent else 2):  # it believes in a leap when it is told twice
                self.feed(ClockTick(at_ns=self._now_ns()))

    def _look_at(self, signals: Sequence[Signal]) -> None:
        """Signals are kept and looked at; what they make certain is committed, at once if it matters."""
        for signal in signals:
            self.recording.append(signal)
            if self._watcher is not None:
                self._watcher.signal(signal)
            self._traces.saw(signal)
            self._hearing.heard(signal)
            found = self._again.fresh(self._perception.feed(signal))
            self._waiting.extend(found)
            if any(isinstance(item, AT_ONCE) for item in found):
                self.commit()

    def commit(self) -> None:
        """Journal and handle what the front end told, and whatever others wrote meanwhile; then act on it."""
        self._committed_s = time.monotonic()
        if self._waiting or self._intake.head()[0] != self._fold.tally.head_seq:
            told, self._waiting = self._waiting, []
            done, overheard = self._fold.commit_live(told, self._intake.entries)
            self._after(done, overheard)
        self._again.committed(self._perception)

    def rotate(self) -> None:
        """What was recorded so far becomes durable."""
        self._rotated_s = time.monotonic()
        self.recording.rotate()
        if self.recording.trouble:
            trouble, now_ns = self.recording.trouble, self._now_ns()
            self._tell(self.health.judged("recording", FaultKind.DEAD, trouble, now_ns=now_ns))

    def keep(self) -> None:
        """Spare the next start, should this run be cut off, what was handled up to now."""
        self._kept_s = self._fold.tally.handled_s
        head_seq, head_hash = self.head
        self._snapshots.write(self.engine, Moment(ended=self._ended, seq=head_seq, hash=head_hash))

    def note(self, observation: Observation, caused_by: tuple[int, ...] = ()) -> None:
        """Journal and handle something of the store's own; what the front end told before it goes first."""
        self.commit()
        done, overheard = self._fold.note(observation, self._intake.entries, caused_by)
        self._after(done, overheard)

    def end(self, *, settle: bool = False) -> None:
        """Close the journal's and the recording's files; with nobody inside the day is closed, too.

        With `settle` it is closed over whoever is inside: for a person to look at. A run that broke is left as it is:
        the next start goes on from what the journal holds.
        """
        closed = False
        try:
            closed = not self._fold.broken and self._closed(settle=settle)
        finally:
            self._traces.close()
            self._stack.close()
            self.recording.close(run_closed=closed)

    def _closed(self, *, settle: bool) -> bool:
        """Tell and commit all that is left; whether that was the end of the day."""
        self._tell(self._doorway.end(now_ns=self._now_ns()))
        self._look_at(self._again.rest())
        self.commit()
        if self.inside and not settle:
            return False
        told = self._perception.close()
        self._waiting.extend(told if told or not settle else (StoreClosed(at_ns=self._now_ns()),))
        self.commit()
        self._bodies.forget()
        self._hearing.forget()
        return True

    @property
    def inside(self) -> int:
        """How many visits are open, at least; also those of whom the front end has not told since they were let in."""
        return max(len(self.engine.roster.visits), self._perception.entering + self._again.entering)

    @property
    def head(self) -> tuple[int, str]:
        """The last entry that this run handled or wrote: seq and hash."""
        return self._fold.tally.head_seq, self._fold.tally.head_hash

    # -- what follows from it ------------------------------------------------------------------------------------

    def _after(self, done: Sequence[Done], overheard: Sequence[Overheard]) -> None:
        """Remember what was overheard, do what is to be done."""
        self.recording.overheard(overheard)
        self.live.mode = self.engine.house.mode
        if self.live.mode is staffing.Mode.DOWN:
            self.down.set()
        else:
            self.down.clear()
        for effect in effects_of(done):
            self._act(effect)
        for item in done:
            if isinstance(item.observation, staffing.EntryGranted):
                self.feed(code_read(item.observation))
            self._tell(self._doorway.saw(item, now_ns=self._now_ns(), monotonic_s=time.monotonic()))
        self.caretaker.asked(done)

    def _look(self, done: Done) -> None:
        """Each handled observation, once it is durable."""
        self._doorway.remember([done.observation])
        if isinstance(done.observation, WeightChanged):
            self._traces.changed(done.observation)
        if isinstance(done.observation, DeviceFaulted):
            self.health.saw(done.observation)
        for caused in done.step.decisions:
            if isinstance(caused.decision, ReceiptIssued):
                self.live.receipt(caused.decision, now_ns=self._now_ns())
        if self._watcher is not None:
            self._watcher.step(done.entry, done.observation, done.step)

    def _act(self, effect: Effect) -> None:
        match effect:
            case OpenGate():
                self.live.opened += 1
                self._doors.open(effect.gate_id, effect.account)
            case RefuseEntry():
                self.live.refusal(effect.refusal)
                self._doors.refuse(effect.gate_id, effect.refusal)
            case Pay() | SendReceipt():
                if self._outbox is not None:
                    self._outbox.nudge()
            case AskStaff():
                self.live.asked.append(effect.reason)

    def _stamped(self, report: DoorReport, now_ns: int, *, late: bool) -> None:
        """Tell of a door's clock that is ahead, until it is not; what is old may have waited anywhere, and is over."""
        sound = believed(report.at_ns, now_ns, late=late) == report.at_ns
        if sound or report.at_ns > now_ns:
            problem = "" if sound else "its clock is ahead, and not believed"
            self._tell(self.health.judged(report.gate_id, FaultKind.CLOCK, problem, now_ns=now_ns))
        else:
            note = f"what it said is {(now_ns - report.at_ns) // NS_PER_S} s old, or its clock is behind: it is of now"
            self._tell(self.health.passed(report.gate_id, FaultKind.CLOCK, note, now_ns=now_ns))

    def _tell(self, words: Sequence[Told | DeviceFaulted]) -> None:
        for word in words:
            self.note(word)
