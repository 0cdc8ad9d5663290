"""Days of traffic as a stream: shoppers come at random, take things and leave; memory stays bounded.

Each shopper is planned when they come in and forgotten when they have left. Nobody restocks: a plate's absolute weight
means nothing, and goods that were put down in wrong places are tidied away once there are more than fifty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from jwo_cli.estimate.signals import CodeRead, Signal
from jwo_cli.model.layout import Store

from .acts import play
from .casting import Writer
from .draws import content_id, named
from .faults import break_messages
from .loads import RATE_HZ
from .paths import Floor
from .scripts import Actor, AnyAct, Fault, Knobs, Leave
from .simulate import BATCH, Sensors, Visit, visit_of
from .stage import Happened, Stage
from .stock import Stock
from .tracker import Seen, gaps, stamp_ns
from .wiring import silent_fixtures

CHUNK_VALUES = 1_000_000  # samples times plates rendered at a time: 8 MB an array
MISPLACED = 50
ITEMS = (1, 5)  # things on a shopper's list, from and below
START_NS = 1_588_000_000_000_000_000


class Day:
    """A stretch of traffic, to be iterated once. It goes on after `end_s` until everybody has left.

    `arrivals` are the times at which people come, rising, seconds; they come while fewer than `most_inside` are there.
    `on_visit` hears who left with what, `on_event` what happened; ids are those of the tracker.
    """

    def __init__(
        self,
        store: Store,
        *,
        seed: int,
        end_s: float,
        arrivals: Iterator[float],
        knobs: Knobs | None = None,
        faults: tuple[Fault, ...] = (),
        most_inside: int = 1_000,
        start_ns: int = START_NS,
        on_visit: Callable[[Visit], None] | None = None,
        on_event: Callable[[Happened], None] | None = None,
    ) -> None:
        self._store, self._seed, self._knobs, self._faults = store, seed, knobs or Knobs(), faults
        self._end_s, self._most, self._start_ns = end_s, most_inside, start_ns
        self._on_visit, self._on_event = on_visit, on_event
        stock = Stock(
            store,
            seed=seed,
            db_bias=self._knobs.db_bias,
            mass_cv=self._knobs.weight_cv,
            silent=silent_fixtures(store),
            straddle=self._knobs.straddle,
        )
        self._stage = Stage(store=store, stock=stock, floor=Floor(store), seed=seed, crosstalk=self._knobs.crosstalk)
        self._sensors = Sensors(store, seed=seed, start_ns=start_ns, knobs=self._knobs, faults=faults, lead_s=0.0)
        self._seen: list[Seen] = []
        self._arrivals = arrivals
        self._next_s = next(arrivals, math.inf)
        self._count = 0

    def __iter__(self) -> Iterator[Signal]:
        """Signals in order of arrival."""
        plates = max(len(self._store.plates()), 1)
        batches = max(min(CHUNK_VALUES // (plates * BATCH), 300), 1)
        while self._sensors.at_s < self._end_s - 1e-9 or self._seen:
            left = math.ceil((self._end_s - self._sensors.at_s) * RATE_HZ / BATCH - 1e-9)
            samples = min(batches, left if left > 0 else 25) * BATCH
            timed = self._admit(self._sensors.at_s + samples / RATE_HZ)
            timed.extend(self._sensors.advance(samples, self._seen))
            timed.sort(key=lambda item: item[0])
            signals = [signal for _, signal in timed]
            yield from break_messages(signals, self._faults, self._start_ns, self._seed + round(self._sensors.at_s))
            self._forget()

    def _admit(self, until_s: float) -> list[tuple[int, Signal]]:
        """Plans everybody who comes before `until_s`; their codes as read at the entry."""
        scans: list[tuple[int, Signal]] = []
        stage = self._stage
        while self._next_s < min(until_s, self._end_s):
            if len(self._seen) < self._most:
                scans.extend(self._enter(max(self._next_s, self._sensors.at_s + 0.1)))
            self._next_s = next(self._arrivals, math.inf)
        self._sensors.plates.add(stage.loads)
        stage.loads.clear()
        if self._on_event is not None:
            for event in sorted(stage.events, key=lambda event: event.at_s):
                self._on_event(replace(event, actor=self._id(event.actor)))
        stage.events.clear()
        del stage.stock.misplaced[:-MISPLACED]
        return scans

    def _id(self, key: str) -> str:
        return content_id(self._seed, "day", key)

    def _enter(self, at_s: float) -> list[tuple[int, Signal]]:
        self._count += 1
        key = f"v{self._count:06d}"
        writer = Writer(self._store, int(named(self._seed, "visit", key).integers(1, 2**31)))
        acts: tuple[AnyAct, ...] = (*writer.mixed(int(writer.rng.integers(*ITEMS)), troubles=0.2), Leave())
        actor = Actor(key=key, acts=acts, enter_s=at_s, hurry=float(writer.rng.uniform(0.9, 1.2)))
        person = self._stage.enter(actor)
        play(self._stage)
        motion = person.motion
        ids = [(-1e9, self._id(key))]
        lost = gaps(motion.begin_s, motion.end_s, named(self._seed, "gaps", key), self._knobs.dropouts)
        self._seen.append(Seen(key=key, motion=motion, ids=ids, gaps=lost))
        self._sensors.plates.add((), motion.steps)
        gate = self._stage.doors.entry_gate
        if gate is None:
            return []
        at_ns = stamp_ns(self._start_ns, at_s + 0.8)
        return [(at_ns, CodeRead(at_ns=at_ns, gate_id=gate, account=f"account-{ids[0][1][-8:]}"))]

    def _forget(self) -> None:
        now = self._sensors.at_s
        for seen in self._seen:
            if seen.motion.end_s < now:
                self._report(seen)
                del self._stage.people[seen.key]
        self._seen = [seen for seen in self._seen if seen.motion.end_s >= now]

    def _report(self, seen: Seen) -> None:
        if self._on_visit is not None:
            self._on_visit(visit_of(self._stage.people[seen.key], seen))


def poisson(per_hour: float, seed: int) -> Iterator[float]:
    """Arrivals at random, so many an hour, for ever; seconds."""
    rng = named(seed, "arrivals")
    at_s = 0.0
    while per_hour > 0:
        at_s += float(rng.exponential(3600.0 / per_hour))
        yield at_s


def simulate_day(
    store: Store,
    hours: float,
    visits_per_hour: float,
    seed: int,
    *,
    knobs: Knobs | None = None,
    most_inside: int = 1_000,
) -> Iterator[Signal]:
    """Signals of `hours` of traffic in order of arrival, with bounded memory; no more than `most_inside` at a time."""
    arrivals = poisson(visits_per_hour, seed)
    return iter(Day(store, seed=seed, end_s=hours * 3600.0, arrivals=arrivals, knobs=knobs, most_inside=most_inside))
