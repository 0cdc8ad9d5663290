"""A script made into a recording's signals, with the truth of it.

`simulate` makes a whole recording; `Sensors` goes on chunk after chunk, for days that do not fit into memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jwo_cli.estimate.signals import CodeRead, Signal, WeightBatch
from jwo_cli.model.layout import Store

from .acts import play
from .draws import content_id, named
from .faults import break_messages, break_plates, jitter_ns, phase_s
from .loads import RATE_HZ
from .paths import Floor
from .plates import Plates
from .scripts import Actor, Fault, Knobs, Script
from .stage import Happened, Person, Stage
from .stock import Stock
from .tracker import Seen, Tracker, closest, gaps, stamp_ns
from .wiring import devices, silent_fixtures

BATCH = 12  # samples a message
LEAD_S = 2.3  # the tracker's documents begin that much before the plates'


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one person left with. `ids` are all tracker ids in order, the last carried last."""

    key: str
    ids: tuple[str, ...]
    items: tuple[tuple[str, int], ...]
    staff: bool
    account: str | None = None
    masses_g: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Signals in order of arrival, who left with what, what happened, what lies on the floor, when ids changed (s).

    `stage` is the play itself, with everybody's motions: what films are made of.
    """

    script: Script
    duration_s: float
    signals: tuple[Signal, ...] = field(repr=False)
    visits: tuple[Visit, ...]
    events: tuple[Happened, ...]
    on_floor: tuple[str, ...]
    id_switches_s: tuple[float, ...]
    stage: Stage = field(repr=False, compare=False)


class Sensors:
    """The sensors of a store, from second 0 on (poses from -2.3 s); chunks must be whole batches long."""

    def __init__(
        self,
        store: Store,
        *,
        seed: int,
        start_ns: int,
        knobs: Knobs,
        faults: Sequence[Fault] = (),
        lead_s: float = LEAD_S,
    ) -> None:
        self.plates = Plates(store, seed=seed, noise=knobs.noise)
        self._tracker = Tracker(seed=seed, begin_s=-lead_s, kp_noise=knobs.kp_noise, dropouts=knobs.dropouts)
        self._devices = devices(store)
        self._column = {plate_id: i for i, plate_id in enumerate(store.plates())}
        self._seed, self._start_ns, self._faults = seed, start_ns, faults
        self._jitter = [named(seed, "jitter", device.device_id) for device in self._devices]
        # devices cut their batches at different samples, so that messages are spread over the 200 ms
        skips = [round(phase_s(i, len(self._devices), seed) * RATE_HZ) for i in range(len(self._devices))]
        self._skips, self._kept = skips, [np.empty((0, len(device.channels)), np.float32) for device in self._devices]
        clock = float(np.clip(named(seed, "clock").normal(0.0, 1.0), -2.5, 2.5))
        self._offset_s = knobs.clock_offset_s * clock
        self._samples = 0

    @property
    def at_s(self) -> float:
        """How far the plates are rendered, seconds."""
        return self._samples / RATE_HZ

    def advance(self, samples: int, people: Sequence[Seen]) -> list[tuple[int, Signal]]:
        """The next samples' batches and the poses until then, each with its capture time, in order of it."""
        grams = self.plates.render(samples)
        grams = break_plates(grams, self._samples, self._column, self._faults, self._seed)
        out: list[tuple[int, Signal]] = []
        for index, device in enumerate(self._devices):
            fresh = device.batch(grams, self._seed)[self._skips[index] :]
            values = np.concatenate([self._kept[index], fresh])
            first = self._samples + samples - len(values)
            self._skips[index] = 0
            whole = len(values) // BATCH * BATCH
            self._kept[index] = values[whole:]
            for low in range(0, whole, BATCH):
                last_s = (first + low + BATCH - 1) / RATE_HZ
                end_ns = stamp_ns(self._start_ns, last_s) + jitter_ns(self._jitter[index])
                batch = WeightBatch(
                    device_id=device.device_id,
                    end_ns=end_ns,
                    rate_hz=RATE_HZ,
                    channels=device.channels,
                    grams=values[low : low + BATCH],
                )
                out.append((end_ns, batch))
        self._samples += samples
        frames = self._tracker.frames(people, self.at_s, start_ns=self._start_ns, offset_s=self._offset_s)
        out.extend((frame.at_ns, frame) for frame in frames)
        out.sort(key=lambda item: item[0])
        return out


def simulate(store: Store, script: Script, *, floor: Floor | None = None) -> Simulated:
    """Plays a script in a store. The same store, script and seed give the same signals."""
    knobs = script.knobs
    true_mass = {p.product_id: p.unit_mass_g for p in store.catalogue.products if p.unit_mass_g is not None}
    true_mass.update(script.wrong_mass_g)
    stock = Stock(
        store, seed=script.seed, db_bias=knobs.db_bias, mass_cv=knobs.weight_cv, true_mass_g=true_mass,
        silent=silent_fixtures(store), straddle=knobs.straddle,
    )  # fmt: skip
    stage = Stage(store=store, stock=stock, floor=floor or Floor(store), seed=script.seed, crosstalk=knobs.crosstalk)
    for actor in script.actors:
        stage.enter(actor)
    play(stage)
    last = max([person.motion.free_s for person in stage.people.values()], default=0.0)
    wanted = script.duration_s if script.duration_s is not None else last + 2.0
    batches = int(np.ceil(max(wanted, last + 0.5) * RATE_HZ / BATCH))
    duration = batches * BATCH / RATE_HZ
    people = [_seen(stage, actor, script, duration) for actor in script.actors]
    mixed = (*script.swaps, *script.merges)
    switches = _swap(people, script, duration) + [
        since for seen in people for since, _ in seen.ids[1:] if not any(seen.key in pair for pair in mixed)
    ]
    sensors = Sensors(store, seed=script.seed, start_ns=script.start_ns, knobs=knobs, faults=script.faults)
    sensors.plates.add(stage.loads, [step for seen in people for step in seen.motion.steps])
    timed = sensors.advance(batches * BATCH, people)
    timed.extend(_scans(stage, script))
    timed.sort(key=lambda item: item[0])
    signals = break_messages([signal for _, signal in timed], script.faults, script.start_ns, script.seed)
    return Simulated(
        script=script,
        duration_s=duration,
        signals=tuple(signals),
        visits=tuple(visit_of(stage.people[seen.key], seen) for seen in people),
        events=tuple(sorted(stage.events, key=lambda event: event.at_s)),
        on_floor=tuple(unit.product_id for unit, _ in stage.on_floor),
        id_switches_s=tuple(sorted(switches)),
        stage=stage,
    )


def _seen(stage: Stage, actor: Actor, script: Script, duration_s: float) -> Seen:
    motion = stage.people[actor.key].motion
    ids = [(-1e9, content_id(script.seed, script.name, actor.key))]
    lost = gaps(
        motion.begin_s, min(motion.end_s, duration_s), named(script.seed, "gaps", actor.key), script.knobs.dropouts
    )
    if actor.restart_id_at_s is not None:
        length = float(named(script.seed, "restart", actor.key).uniform(0.8, 2.6))
        lost.append((actor.restart_id_at_s - length, actor.restart_id_at_s))
        ids.append((actor.restart_id_at_s, content_id(script.seed, script.name, actor.key, "again")))
    return Seen(key=actor.key, motion=motion, ids=ids, gaps=lost)


def _swap(people: Sequence[Seen], script: Script, duration_s: float) -> list[float]:
    """Exchanges or merges the ids of pairs from when they are nearest; returns the times."""
    by_key = {seen.key: seen for seen in people}
    times = []
    for first, second in (*script.swaps, *script.merges):
        a, b = by_key[first], by_key[second]
        begin = max(a.motion.begin_s, b.motion.begin_s, 3.0)
        # while they still shop: on the way out everybody is close to everybody
        busy = [max((reach.leave_s for reach in seen.motion.reaches), default=duration_s) for seen in (a, b)]
        at, _ = closest(a.motion, b.motion, begin, max(min(*busy, duration_s - 1.0), begin + 0.1))
        a_id, b_id = a.id_at(at), b.id_at(at)
        b.ids.append((at, a_id))
        if (first, second) in script.swaps:
            a.ids.append((at, b_id))
        else:
            hidden_s = float(named(script.seed, "merge", first).uniform(1.0, 3.0))
            a.gaps.append((at, at + hidden_s))
            a.ids.append((at + hidden_s, content_id(script.seed, script.name, first, "again")))
        times.append(at)
    return times


def _scans(stage: Stage, script: Script) -> list[tuple[int, Signal]]:
    """A code read at the entry for everybody who came in through it, a second or so after they appear outside."""
    gate = stage.doors.entry_gate
    if gate is None:
        return []
    scans: list[tuple[int, Signal]] = []
    for actor in script.actors:
        if actor.start is None:
            at_ns = stamp_ns(
                script.start_ns, actor.enter_s + float(named(script.seed, "scan", actor.key).uniform(0.5, 1.1))
            )
            role = "staff" if actor.staff else "shopper"
            account = actor.account or f"account-{content_id(script.seed, 'account', actor.key)[-6:]}"
            scans.append((at_ns, CodeRead(at_ns=at_ns, gate_id=gate, account=account, role=role)))
    return scans


def visit_of(person: Person, seen: Seen) -> Visit:
    """What a person left with, once all acts are played."""
    count = Counter(unit.product_id for unit in person.carried)
    return Visit(
        key=seen.key,
        ids=tuple(name for _, name in seen.ids),
        items=tuple(sorted(count.items())),
        staff=person.actor.staff,
        account=person.actor.account,
        masses_g=tuple(round(unit.mass_g, 1) for unit in person.carried),
    )
