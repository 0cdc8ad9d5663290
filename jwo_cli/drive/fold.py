"""The one loop behind `run` and `replay`: append, handle, append what was decided, in one transaction.

Each observation is appended before the engine handles it, and its decisions right behind it, so that the order of the
entries does not depend on how the input was cut into batches. Keys are the run's name and a counter: what is folded
again into the same journal finds its own entries there and adds none.

A live store's engine hears more than its sensors: staff, doors, payments, written to the same journal by anybody. They
are handled in the journal's order, and kept (`Overheard`) with the number of the sensors' observations before them:
all that a replay needs to tell the engine the same in the same order.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from jwo_cli.drive.log import Log
from jwo_cli.estimate.signals import Overheard, Signal
from jwo_cli.journal.upcast import current, lift
from jwo_cli.model import codec, entering, paying, staffing
from jwo_cli.model.decisions import Decision, ReceiptIssued
from jwo_cli.model.effects import Effect
from jwo_cli.model.entry import REPLAYED, Entry, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import DeviceFaulted, Observation, StoreOpened, Ticked
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.step import Caused, Step

# What an engine hears beside its own sensors. Anything else that others write to the journal (a recording that is
# replayed into it) is none of this store's business.
HEARD: frozenset[str] = frozenset(
    codec.kind_of(kind)
    for kind in (
        DeviceFaulted, Ticked,
        entering.EntryRefused, entering.AccountOpened, entering.AccountBlocked, entering.AccountErased,
        entering.PaymentMethodSet, paying.PaymentAnswered, paying.PaymentDisputed, paying.ReceiptSent,
        staffing.ModeChanged, staffing.ModeRequested, staffing.ModeRefused, staffing.EntryGranted,
        staffing.EntryPending,
        staffing.GateReleased, staffing.GateRestored,
        staffing.CatalogueChanged, staffing.PlanogramChanged, staffing.StockRestocked, staffing.StockCounted,
        staffing.StockMoved, staffing.AgeConfirmed,
    )
)  # fmt: skip


class Watcher(Protocol):
    """Somebody who looks on: sees every signal as it arrives, and every step once it is committed."""

    def signal(self, signal: Signal) -> None:
        """A signal arrived."""

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        """An observation was handled and kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """One observation that was handled and kept, and what it led to."""

    entry: Entry
    observation: Observation
    step: Step


@dataclass(slots=True)
class Tally:
    """What a fold has seen and decided so far; `handled_s` is how much of a core the engine took for it."""

    handled_s: float = 0.0
    observed: int = 0
    decided: int = 0
    added: int = 0
    head_seq: int = 0
    head_hash: str = ""
    receipts: list[ReceiptIssued] = field(default_factory=list)
    faults: list[DeviceFaulted] = field(default_factory=list)


class Fold:
    """Appends observations, hands them to the engine, appends its decisions; counts and collects.

    `office` are the overheard entries of a recording, in order. `known` is the entry (seq, hash) up to which an engine
    that was told them knows the log; the log's last when None. `start_ns` dates the opening: the front end only knows
    its first message's time. `collect` keeps receipts and faults in the tally: not for a store that runs for months.
    A transaction that fails leaves an engine that knows more than the log: the fold is `broken`, and takes no more.
    """

    def __init__(
        self,
        *,
        log: Log,
        engine: Engine,
        run_id: str,
        source: str,
        store_id: str,
        layout_version: str,
        start_ns: int,
        office: Sequence[Overheard] = (),
        known: tuple[int, str] | None = None,
        look: Callable[[Done], None] | None = None,
        collect: bool = True,
    ) -> None:
        self.engine = engine
        self.tally = Tally()
        self._log = log
        self._run_id, self._source = run_id, source
        self._store_id, self._layout_version = store_id, layout_version
        self._start_ns = start_ns
        self._look, self._collect = look, collect
        self.broken = False
        self._noted = 0
        self._office = deque(item for item in office if not item.earlier)
        began_s = time.thread_time()
        for item in office:
            if item.earlier:
                earlier(engine, item)
        self.tally.handled_s = time.thread_time() - began_s
        self.tally.head_seq, self.tally.head_hash = known or log.head()

    def commit(self, observations: Sequence[Observation], *, last: bool = False) -> list[Done]:
        """One transaction: every observation, what was overheard before it, and what the engine made of them.

        `last` says that nothing follows: what was overheard after the last observation is handled, too.
        """
        return self._transact(lambda: self._own(observations, last=last)) if observations or last else []

    def commit_live(
        self, observations: Sequence[Observation], tail: Callable[[int], Iterable[Entry]]
    ) -> tuple[list[Done], list[Overheard]]:
        """The same for a store that runs: first what others appended meanwhile (`tail`: the entries after a seq)."""
        overheard: list[Overheard] = []

        def work() -> list[Done]:
            found = list(tail(self.tally.head_seq))
            overheard.extend(as_overheard(entry, after=self.tally.observed) for entry in found)
            return [*self._handled(found), *self._own(observations)]

        return self._transact(work), overheard

    def note(
        self, observation: Observation, tail: Callable[[int], Iterable[Entry]], caused_by: tuple[int, ...] = ()
    ) -> tuple[list[Done], list[Overheard]]:
        """Append and handle an observation of the driver's own (a door, a fault, the time), after what others did."""
        overheard: list[Overheard] = []

        def work() -> list[Done]:
            found = list(tail(self.tally.head_seq))
            done = self._handled(found)
            self._noted += 1
            (entry,) = self._log.append([self._entry(f"note/{self._noted}", observation, caused_by)])
            overheard.extend(as_overheard(item, after=self.tally.observed) for item in (*found, entry))
            return [*done, *self._handled([entry])]

        return self._transact(work), overheard

    def _transact(self, work: Callable[[], list[Done]]) -> list[Done]:
        if self.broken:
            raise UserError("what was decided last is not in the journal", fix="Start again: it goes on from there.")
        self.broken = True
        with self._log.transaction():
            before, _ = self._log.head()
            done = work()
            head_seq, head_hash = self._log.head()
        self.broken = False
        self.tally.added += head_seq - before
        self.tally.head_seq, self.tally.head_hash = head_seq, head_hash
        for item in done:
            self._see(item)
        return done

    def _own(self, observations: Sequence[Observation], *, last: bool = False) -> list[Done]:
        done: list[Done] = []
        for observed in observations:
            done += self._overhear()
            observation = self._dated(observed)
            self.tally.observed += 1
            (entry,) = self._log.append([self._entry(f"observation/{self.tally.observed}", observation, ())])
            done.append(self._handle(entry, observation))
        return done + (self._overhear() if last else [])

    def _overhear(self) -> list[Done]:
        """A recording's overheard entries whose turn has come; one batch is appended before any of it is handled."""
        done: list[Done] = []
        while self._office and self._office[0].after <= self.tally.observed:
            batch = [self._office.popleft()]
            while self._office and (self._office[0].after, self._office[0].seq) == (batch[0].after, batch[-1].seq + 1):
                batch.append(self._office.popleft())
            kept = self._log.append([self._again(item) for item in batch])
            heard = [(entry, heard_of(item)) for entry, item in zip(kept, batch, strict=True)]
            done += [self._handle(entry, observation) for entry, observation in heard if observation is not None]
        return done

    def _again(self, item: Overheard) -> NewEntry:
        """An overheard entry as it was; in a journal that is not the run's own it is the recording's, like the rest."""
        entry = _new_entry(item)
        if not self._source.startswith(REPLAYED):
            return entry
        return replace(entry, key=f"{self._run_id}/heard/{item.key}", source=self._source, caused_by=())

    def _handled(self, entries: Iterable[Entry]) -> list[Done]:
        """The entries that concern this store, handled."""
        found = [(entry, observation_of(entry)) for entry in entries]
        return [self._handle(entry, observation) for entry, observation in found if observation is not None]

    def _handle(self, entry: Entry, observation: Observation) -> Done:
        began_s = time.thread_time()
        step = self.engine.handle(entry.seq, observation)
        self.tally.handled_s += time.thread_time() - began_s
        self._log.append([self._decision(caused) for caused in step.decisions])
        return Done(entry, observation, step)

    def _dated(self, observation: Observation) -> Observation:
        return replace(observation, at_ns=self._start_ns) if isinstance(observation, StoreOpened) else observation

    def _decision(self, caused: Caused[Decision]) -> NewEntry:
        self.tally.decided += 1
        return self._entry(f"decision/{self.tally.decided}", caused.decision, caused.caused_by)

    def _entry(self, counter: str, value: Observation | Decision, caused_by: tuple[int, ...]) -> NewEntry:
        kind = codec.kind_of(type(value))
        return NewEntry(
            key=f"{self._run_id}/{counter}",
            at_ns=value.at_ns,
            source=self._source,
            kind=kind,
            payload=codec.encode(value),
            caused_by=caused_by,
            version=current(kind),
            store_id=self._store_id,
            layout_version=self._layout_version,
        )

    def _see(self, done: Done) -> None:
        if self._collect and isinstance(done.observation, DeviceFaulted):
            self.tally.faults.append(done.observation)
        if self._collect:
            decisions = (item.decision for item in done.step.decisions)
            self.tally.receipts += [decision for decision in decisions if isinstance(decision, ReceiptIssued)]
        if self._look is not None:
            self._look(done)


def effects_of(done: Iterable[Done]) -> list[Effect]:
    """What is to be done, in order."""
    return [effect for item in done for effect in item.step.effects]


def observation_of(entry: Entry, kinds: frozenset[str] = HEARD) -> Observation | None:
    """What an entry tells an engine; None when it is of another kind, or of a recording that somebody replays here."""
    if entry.kind not in kinds or entry.source.startswith(REPLAYED):
        return None
    payload = lift(entry.kind, entry.version, entry.payload)
    return cast("Observation", codec.decode(codec.OBSERVATIONS[entry.kind], payload))


def heard_of(item: Overheard) -> Observation | None:
    """What an overheard entry told the engine that heard it; None when it was none of its business."""
    if item.kind not in HEARD or item.source.startswith(REPLAYED):
        return None
    payload = lift(item.kind, item.version, json.loads(item.payload))
    return cast("Observation", codec.decode(codec.OBSERVATIONS[item.kind], payload))


def as_overheard(entry: Entry, *, after: int, earlier: bool = False) -> Overheard:
    """A journal entry as a recording keeps it."""
    return Overheard(
        at_ns=entry.at_ns,
        after=after,
        key=entry.key,
        source=entry.source,
        kind=entry.kind,
        version=entry.version,
        payload=codec.canonical(entry.payload).decode(),
        caused_by=json.dumps(list(entry.caused_by), separators=(",", ":")),
        store_id=entry.store_id,
        layout_version=entry.layout_version,
        earlier=earlier,
        seq=entry.seq,
    )


def _new_entry(item: Overheard) -> NewEntry:
    return NewEntry(
        key=item.key,
        at_ns=item.at_ns,
        source=item.source,
        kind=item.kind,
        payload=json.loads(item.payload),
        caused_by=tuple(json.loads(item.caused_by)),
        version=item.version,
        store_id=item.store_id,
        layout_version=item.layout_version,
    )


def earlier(engine: Engine, item: Overheard) -> None:
    """Fold in what happened before a run began: decided already, so that its decisions are dropped."""
    if item.kind in codec.OBSERVATIONS:
        payload = lift(item.kind, item.version, json.loads(item.payload))
        engine.handle(item.seq, cast("Observation", codec.decode(codec.OBSERVATIONS[item.kind], payload)))
