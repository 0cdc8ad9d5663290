"""The stage on which scripts are played: people with their motions, goods, the loads that plates bear, and the truth.

Loads, steps and reaches come out as plans; `plates` and `tracker` make samples and poses of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from jwo_cli.model.layout import Store

from . import loads
from .bodies import Motion, Reach, new_motion
from .draws import Floats, between, chance, named
from .loads import Load
from .paths import Floor
from .places import Doors, Point, Target, distance, doors
from .scripts import Act, Actor, AnyAct, Pick
from .stock import Stock, Unit, grams_by_plate

FIRST_ACT_S = (2.6, 4.2)  # people of the recordings stand still that long first


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A true event: kind as in the benchmark's truth, who, which units on which plates, and what the plates gained."""

    at_s: float
    kind: str
    actor: str
    products: tuple[str, ...] = ()
    plates: tuple[str, ...] = ()
    delta_g: float = 0.0
    style: str | None = None
    touch: str | None = None
    misplaced: bool | None = None
    to: str | None = None


@dataclass(slots=True)
class Person:
    """An actor on the stage."""

    actor: Actor
    motion: Motion
    rng: np.random.Generator
    todo: list[AnyAct]
    carried: list[Unit] = field(default_factory=list)


@dataclass(slots=True)
class Stage:
    """The play: people, goods, loads, truth."""

    store: Store
    stock: Stock
    floor: Floor
    seed: int
    crosstalk: float = 1.0
    people: dict[str, Person] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    events: list[Happened] = field(default_factory=list)
    labels: dict[str, float] = field(default_factory=dict)
    on_floor: list[tuple[Unit, Point]] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)
    doors: Doors = field(init=False)
    columns: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = named(self.seed, "stage")
        self.doors = doors(self.store)
        self.columns = {plate: i for i, plate in enumerate(self.store.plates())}

    def enter(self, actor: Actor) -> Person:
        """Puts an actor on the stage: where the script says, or outside the entry."""
        rng = named(self.seed, "actor", actor.key)
        if actor.start is not None:
            motion = new_motion(rng, actor.enter_s, actor.start, between(rng, -math.pi, math.pi))
            motion.wait(max(actor.enter_s, 0.0) + between(rng, *FIRST_ACT_S) / actor.hurry)
        else:
            outside, inside = self.doors.entry_outside, self.doors.entry_inside
            facing = math.atan2(inside[1] - outside[1], inside[0] - outside[0])
            motion = new_motion(rng, actor.enter_s, outside, facing)
            motion.wait(actor.enter_s + between(rng, 0.6, 1.4))
            motion.walk(self.floor.way(outside, inside), rng, speed=0.7 * actor.hurry)
        person = Person(actor=actor, motion=motion, rng=rng, todo=list(actor.acts))
        self.people[actor.key] = person
        return person

    # -- moving ---------------------------------------------------------------------------------------------------

    def earliest(self, act: Act, natural: float) -> float:
        """The moment of an act: no earlier than it says, than the act it waits for, and than `natural`."""
        after = self.labels[act.after] + act.lag_s if act.after is not None else -math.inf
        return max(natural, act.at_s if act.at_s is not None else -math.inf, after)

    def done(self, act: Act, at_s: float) -> None:
        """Remembers when a labelled act happened."""
        if act.label is not None:
            self.labels[act.label] = at_s

    def walk(self, person: Person, to: Point, *, facing: float | None = None, soft: bool = True) -> None:
        """Walks to a point, around fixtures unless it is close by; turns to `facing` at the end."""
        motion = person.motion
        apart = distance(motion.here, to)
        if apart < 0.06:
            return
        straight = apart < 0.7 or not soft
        way = np.stack([motion.here, to]) if straight else self.floor.way(motion.here, to)
        speed = between(person.rng, 0.5, 0.68) * person.actor.hurry
        motion.walk(way if straight else self.around(person, way, speed), person.rng, speed=speed, facing=facing)

    def around(self, person: Person, way: Floats, speed: float) -> Floats:
        """The way, bent to one side if it would run into somebody: people pass each other 0.4 m apart."""
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
        t = person.motion.free_s + along / speed
        others = [p.motion for p in self.people.values() if p is not person]
        across = np.stack([-np.gradient(way[:, 1]), np.gradient(way[:, 0])], axis=1)
        across /= np.maximum(np.hypot(*across.T), 1e-6)[:, None]
        bow = np.sin(np.pi * along / max(float(along[-1]), 1e-6))[:, None]

        def room(line: Floats) -> float:
            closest = [0.4]
            for other in others:
                apart = np.hypot(
                    np.interp(t, other.t, other.x) - line[:, 0], np.interp(t, other.t, other.y) - line[:, 1]
                )
                there = (t >= other.begin_s) & (t < other.end_s) & (along > 0.3) & (along < along[-1] - 0.3)
                closest.append(float(np.min(apart[there], initial=np.inf)))
            return round(min(closest), 2)

        lines = [way + aside * bow * across for aside in (0.0, 0.25, -0.25, 0.45, -0.45)]
        return max(lines, key=room)

    def idle(self, person: Person, until_s: float) -> None:
        """Stands there, shifting weight every few seconds."""
        at = person.motion.free_s + float(person.rng.exponential(3.0))
        begin = person.motion.free_s
        person.motion.wait(until_s)
        while begin < at < until_s:
            person.motion.shuffle(at, person.rng)
            at += 1.0 + float(person.rng.exponential(3.0))

    def stand(self, person: Person, where: Target, act: Act, hand: int, begin_s: float) -> None:
        """Goes before the plate, to a side that leaves room for the others who stand there then."""
        usual = (-1.0 if hand == 0 else 1.0) * -between(person.rng, 0.03, 0.18)
        if act.aside_m is not None:
            choices = [act.aside_m]
        else:
            choices = [usual, -usual, usual * 2.2, -usual * 2.2, 0.42, -0.42, 0.55, -0.55]
        # sets out early enough to be there when it is time
        begin_s -= 1.4 * distance(person.motion.here, where.stand(0.0)) / (0.55 * person.actor.hurry)
        if begin_s > person.motion.free_s:
            self.idle(person, begin_s)
        others = [p.motion for p in self.people.values() if p is not person]

        def room(aside: float) -> float:
            spot = where.stand(aside)
            at = person.motion.free_s + distance(person.motion.here, spot) / 0.7
            alive = [m.position(at) for m in others if m.begin_s <= at < m.end_s]
            return min((distance(spot, point) for point in alive), default=math.inf)

        best = next((aside for aside in choices if room(aside) >= 0.45), max(choices, key=room))
        spot = where.stand(best)
        if distance(person.motion.here, spot) > 0.1:
            self.walk(person, spot, facing=where.heading)
        elif math.cos(person.motion.heading[-1] - where.heading) < 0.95:
            person.motion.place(person.motion.free_s + 0.3, person.motion.here, where.heading)

    def hand_for(self, person: Person, act: Act) -> int:
        """The hand on the plate's side when that is given by where the body stands, else alternating by chance."""
        if act.aside_m is not None and abs(act.aside_m) > 0.08:
            return 1 if act.aside_m < 0 else 0
        return 1 if chance(person.rng, 0.65) else 0

    def approach(
        self, person: Person, where: Target, act: Act, *, need_s: float, begin_s: float = -math.inf
    ) -> tuple[int, float]:
        """Walks to the plate and says which hand goes and the earliest moment of the act itself."""
        hand = self.hand_for(person, act)
        fast = isinstance(act, Pick) and act.style == "fast"
        self.stand(person, where, act, hand, begin_s)
        pause = between(person.rng, 0.0, 0.12) if fast else between(person.rng, 0.0, 0.55) / person.actor.hurry
        out = self.out_s(person, fast=fast)
        moment = self.earliest(act, person.motion.free_s + pause + out + need_s)
        return hand, moment

    def out_s(self, person: Person, *, fast: bool) -> float:
        """How long a hand needs to the plate, seconds."""
        return between(person.rng, 0.3, 0.45) if fast else between(person.rng, 0.5, 0.85) / person.actor.hurry

    def reach(
        self, person: Person, hand: int, where: Target, *, there: float, leave: float, fast: bool = False
    ) -> None:
        """Plans a hand's way to a plate and back, and stands still for it."""
        motion = person.motion
        out = self.out_s(person, fast=fast)
        back = between(person.rng, 0.4, 0.55) if fast else between(person.rng, 0.5, 0.8)
        begin = max(there - out, motion.begin_s)
        motion.reaches.append(
            Reach(
                hand=hand,
                begin_s=begin,
                there_s=max(there, begin + 0.15),
                leave_s=leave,
                end_s=leave + back,
                point=where.hand,
            )
        )
        self.idle(person, leave + back * (0.35 if fast else 0.55))

    # -- loads ----------------------------------------------------------------------------------------------------

    def load(self, plates: Sequence[str], start: int, wave: Floats, after: Floats) -> None:
        """Lays a load on plates, and its faint copy on their neighbours."""
        columns = [self.columns[plate] for plate in plates]
        self.loads.append(Load(start=start, columns=tuple(columns), wave_g=wave, after_g=after))
        _, shelf, _ = self.store.plates()[plates[0]]
        row = [plate.plate_id for plate in shelf.plates]
        ends = sorted(row.index(plate) for plate in plates)
        for neighbour in (ends[0] - 1, ends[-1] + 1):
            if 0 <= neighbour < len(row):
                share = loads.crosstalk(self.rng, self.crosstalk)
                self.loads.append(
                    Load(
                        start=start,
                        columns=(self.columns[row[neighbour]],),
                        wave_g=share * wave.sum(axis=1, keepdims=True),
                        after_g=np.array([share * float(after.sum())]),
                    )
                )

    def lift_units(self, person: Person, units: list[Unit], moment: float, style: str, kind: str = "pick") -> float:
        """The load of units that leave; returns when the last is gone."""
        plates, grams = grams_by_plate(units)
        start, wave, after = loads.pick(person.rng, moment, grams, style=style)
        self.load(plates, start, wave, after)
        self.tell(moment, kind, person, units, plates, float(after.sum()), style=style if kind == "pick" else None)
        return (start + len(wave)) / loads.RATE_HZ

    def tell(
        self,
        at_s: float,
        kind: str,
        person: Person,
        units: Sequence[Unit],
        plates: Sequence[str],
        delta_g: float,
        **more: object,
    ) -> None:
        """Writes down what truly happened."""
        event = Happened(
            at_s=at_s,
            kind=kind,
            actor=person.actor.key,
            products=tuple(unit.product_id for unit in units),
            plates=tuple(plates),
            delta_g=delta_g,
        )
        self.events.append(replace(event, **more))  # type: ignore[arg-type]
