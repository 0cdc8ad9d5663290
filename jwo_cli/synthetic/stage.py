"""Plays scripts: who walks where, reaches for what and when, which load each plate bears, and what is true at the end.

One act at a time, always of the actor who is free first and waits for nobody; so acts see the goods in about the order
in which they happen. Loads and steps come out as plans; `plates` and `tracker` make samples and poses of them.
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
from .places import Doors, Point, Target, distance, doors, target
from .scripts import (
    Actor,
    AnyAct,
    Go,
    HandOver,
    Leave,
    LeaveOnFloor,
    Pick,
    PickBoth,
    Put,
    Receive,
    Restock,
    TakeFromFloor,
    Touch,
    Wait,
)
from .stock import Stock, Unit, grams_by_plate

FIRST_ACT_S = (3.0, 5.0)  # people of the recordings stand still that long first


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
    left: bool = False
    hand: int = 0


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

    def play(self) -> None:
        """Plays all acts. Raises ValueError when everybody waits for somebody."""
        while True:
            waiting = [person for person in self.people.values() if person.todo]
            if not waiting:
                return
            ready = [person for person in waiting if self._ready(person)]
            if not ready:
                stuck = ", ".join(f"{p.actor.key}: {p.todo[0]}" for p in waiting)
                raise ValueError(f"everybody waits for somebody: {stuck}")
            person = min(ready, key=lambda p: p.motion.free_s)
            self._act(person, person.todo.pop(0))

    def _ready(self, person: Person) -> bool:
        act = person.todo[0]
        if act.after is not None and act.after not in self.labels:
            return False
        if isinstance(act, Receive):
            return False  # the giver's act moves both
        if isinstance(act, HandOver):
            other = self.people.get(act.to)
            return other is not None and bool(other.todo) and isinstance(other.todo[0], Receive)
        if isinstance(act, TakeFromFloor):
            return any(unit.product_id == act.product for unit, _ in self.on_floor)
        if isinstance(act, Pick) and act.misplaced:
            return any(unit.product_id == act.product for unit in self.stock.misplaced)
        return True

    def _act(self, person: Person, act: AnyAct) -> None:
        match act:
            case Pick():
                self._pick(person, act)
            case PickBoth():
                self._pick_both(person, act)
            case Put():
                self._put(person, act)
            case Touch():
                self._touch(person, act)
            case Restock():
                self._restock(person, act)
            case HandOver():
                self._hand_over(person, act)
            case LeaveOnFloor():
                self._leave_on_floor(person, act)
            case TakeFromFloor():
                self._take_from_floor(person, act)
            case Go():
                person.motion.wait(self._earliest(act, person.motion.free_s))
                self._walk(person, (act.x_m, act.y_m))
            case Wait():
                self._idle(person, person.motion.free_s + act.seconds)
            case Leave():
                person.motion.wait(self._earliest(act, person.motion.free_s))
                self._walk(person, self.doors.exit_inside)
                self._walk(person, self.doors.exit_outside, soft=False)
                person.motion.end_s = person.motion.free_s
                person.left = True
            case Receive():
                raise AssertionError("a receiver is moved by the giver's act")

    # -- moving ---------------------------------------------------------------------------------------------------

    def _earliest(self, act: AnyAct, natural: float) -> float:
        after = self.labels[act.after] + act.lag_s if act.after is not None else -math.inf
        return max(natural, act.at_s if act.at_s is not None else -math.inf, after)

    def _done(self, act: AnyAct, at_s: float) -> None:
        if act.label is not None:
            self.labels[act.label] = at_s

    def _walk(self, person: Person, to: Point, *, facing: float | None = None, soft: bool = True) -> None:
        motion = person.motion
        apart = distance(motion.here, to)
        if apart < 0.06:
            return
        if apart < 0.7 or not soft:
            way = np.stack([motion.here, to])
        else:
            way = self.floor.way(motion.here, to)
        motion.walk(way, person.rng, speed=between(person.rng, 0.55, 0.85) * person.actor.hurry, facing=facing)

    def _idle(self, person: Person, until_s: float) -> None:
        """Stands there, shifting weight every few seconds."""
        at = person.motion.free_s + float(person.rng.exponential(3.0))
        begin = person.motion.free_s
        person.motion.wait(until_s)
        while begin < at < until_s:
            person.motion.shuffle(at, person.rng)
            at += 1.0 + float(person.rng.exponential(3.0))

    def _stand(self, person: Person, where: Target, act: AnyAct, hand: int, begin_s: float) -> None:
        """Goes before the plate, to a side that leaves room for the others who stand there then."""
        usual = (-1.0 if hand == 0 else 1.0) * -between(person.rng, 0.03, 0.18)
        if act.aside_m is not None:
            choices = [act.aside_m]
        else:
            choices = [usual, -usual, usual * 2.2, -usual * 2.2, 0.42, -0.42, 0.55, -0.55]
        if begin_s > person.motion.free_s:
            self._idle(person, begin_s)
        others = [p.motion for p in self.people.values() if p is not person]

        def room(aside: float) -> float:
            spot = where.stand(aside)
            at = person.motion.free_s + distance(person.motion.here, spot) / 0.7
            alive = [m.position(at) for m in others if m.begin_s <= at < m.end_s]
            return min((distance(spot, point) for point in alive), default=math.inf)

        best = next((aside for aside in choices if room(aside) >= 0.45), max(choices, key=room))
        spot = where.stand(best)
        if distance(person.motion.here, spot) > 0.1:
            self._walk(person, spot, facing=where.heading)
        elif math.cos(person.motion.heading[-1] - where.heading) < 0.95:
            person.motion.place(person.motion.free_s + 0.3, person.motion.here, where.heading)

    def _hand_for(self, person: Person, where: Target, act: AnyAct) -> int:
        """The hand on the plate's side when that is given by where the body stands, else alternating by chance."""
        if act.aside_m is not None and abs(act.aside_m) > 0.08:
            return 1 if act.aside_m < 0 else 0
        return 1 if chance(person.rng, 0.65) else 0

    def _approach(self, person: Person, where: Target, act: AnyAct, *, need_s: float, begin_s: float = -math.inf) -> tuple[int, float]:
        """Walks to the plate and says which hand goes and the earliest moment of the act itself."""
        hand = self._hand_for(person, where, act)
        fast = isinstance(act, Pick) and act.style == "fast"
        self._stand(person, where, act, hand, begin_s)
        pause = between(person.rng, 0.0, 0.12) if fast else between(person.rng, 0.15, 1.0) / person.actor.hurry
        out = self._out_s(person, fast=fast)
        moment = self._earliest(act, person.motion.free_s + pause + out + need_s)
        return hand, moment

    def _out_s(self, person: Person, *, fast: bool) -> float:
        return between(person.rng, 0.3, 0.45) if fast else between(person.rng, 0.5, 0.85) / person.actor.hurry

    def _reach(self, person: Person, hand: int, where: Target, *, there: float, leave: float, fast: bool = False) -> None:
        motion = person.motion
        out = self._out_s(person, fast=fast)
        back = between(person.rng, 0.4, 0.55) if fast else between(person.rng, 0.5, 0.8)
        begin = max(there - out, motion.begin_s)
        motion.reaches.append(
            Reach(hand=hand, begin_s=begin, there_s=max(there, begin + 0.15), leave_s=leave, end_s=leave + back, point=where.hand)
        )
        self._idle(person, leave + back * (0.35 if fast else 0.55))

    # -- loads ----------------------------------------------------------------------------------------------------

    def _load(self, plates: Sequence[str], start: int, wave: Floats, after: Floats) -> None:
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

    def _lift_units(self, person: Person, units: list[Unit], moment: float, style: str, kind: str = "pick") -> float:
        """The load of units that leave; returns when the last is gone."""
        plates, grams = grams_by_plate(units)
        start, wave, after = loads.pick(person.rng, moment, grams, style=style)
        self._load(plates, start, wave, after)
        self._tell(moment, kind, person, units, plates, float(after.sum()), style=style if kind == "pick" else None)
        return (start + len(wave)) / loads.RATE_HZ

    def _tell(
        self, at_s: float, kind: str, person: Person, units: Sequence[Unit], plates: Sequence[str], delta_g: float, **more: object
    ) -> None:
        event = Happened(
            at_s=at_s,
            kind=kind,
            actor=person.actor.key,
            products=tuple(unit.product_id for unit in units),
            plates=tuple(plates),
            delta_g=delta_g,
        )
        self.events.append(replace(event, **more))  # type: ignore[arg-type]

    # -- acts -----------------------------------------------------------------------------------------------------

    def _pick(self, person: Person, act: Pick) -> None:
        if act.misplaced:
            found = self.stock.take_misplaced(act.product)
            if found is None:
                raise ValueError(f"no misplaced {act.product}")
            units = [found]
        else:
            facing = self.stock.facing_of(act.product)
            if act.plates:
                facing = replace(facing, plates=act.plates)
            units = self.stock.take(facing, act.count)
        where = target(self.store, units[0].plates, units[0].shares, person.rng)
        held = 0.4 if act.style in {"normal", "fast"} else 5.5 if act.style == "float" else 2.5
        begin = self._earliest(act, -math.inf) - held - 2.5
        hand, moment = self._approach(person, where, act, need_s=held - 0.1, begin_s=begin)
        gone = self._lift_units(person, units, moment, act.style)
        fast = act.style == "fast"
        self._reach(
            person, hand, where, there=moment - held + between(person.rng, -0.1, 0.15),
            leave=max(moment - 0.06, gone - 0.08) - between(person.rng, 0.0, 0.12), fast=fast,
        )  # fmt: skip
        person.carried.extend(replace(unit, plates=(), shares=()) for unit in units)
        self._done(act, moment)

    def _pick_both(self, person: Person, act: PickBoth) -> None:
        first = self.stock.take(self.stock.facing_of(act.first), 1)
        second = self.stock.take(self.stock.facing_of(act.second), act.second_count)
        targets = [target(self.store, units[0].plates, units[0].shares, person.rng) for units in (first, second)]
        along = targets[0].along
        shift = (targets[1].front[0] - targets[0].front[0]) * along[0] + (targets[1].front[1] - targets[0].front[1]) * along[1]
        middle = replace(act, aside_m=shift / 2)
        self._stand(person, targets[0], middle, 1, self._earliest(act, -math.inf) - 3.0)
        moment = self._earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.8))
        # facing the shelf the right hand is on the side of larger `along`
        hands = (0, 1) if shift > 0 else (1, 0)
        latest = 0.0
        for units, where, hand, when in zip((first, second), targets, hands, (moment, moment + act.apart_s), strict=True):
            gone = self._lift_units(person, units, when, "normal")
            leave = max(when - 0.05, gone - 0.08)
            out, back = between(person.rng, 0.5, 0.8), between(person.rng, 0.5, 0.7)
            there = when - between(person.rng, 0.3, 0.5)
            person.motion.reaches.append(
                Reach(hand=hand, begin_s=there - out, there_s=there, leave_s=leave, end_s=leave + back, point=where.hand)
            )
            latest = max(latest, leave + back)
            person.carried.extend(replace(unit, plates=(), shares=()) for unit in units)
        self._idle(person, latest)
        self._done(act, moment + act.apart_s)

    def _carried(self, person: Person, product: str) -> Unit:
        for i, unit in enumerate(person.carried):
            if unit.product_id == product:
                return person.carried.pop(i)
        raise ValueError(f"{person.actor.key} does not carry {product}")

    def _put(self, person: Person, act: Put) -> None:
        unit = self._carried(person, act.product)
        plates = act.onto or self.stock.facing_of(act.product).plates
        spot, shares = self.stock.spot(plates)
        where = target(self.store, spot, shares, person.rng)
        hand, moment = self._approach(person, where, act, need_s=0.12, begin_s=self._earliest(act, -math.inf) - 2.5)
        self._set_down(person, unit, spot, shares, where, hand, moment, kind="put")
        self._done(act, moment)

    def _set_down(
        self, person: Person, unit: Unit, spot: tuple[str, ...], shares: tuple[float, ...], where: Target, hand: int,
        moment: float, *, kind: str,
    ) -> None:  # fmt: skip
        total = unit.mass_g * np.asarray(shares)
        start, wave, after = loads.put(person.rng, moment, total)
        self._load(spot, start, wave, after)
        placed = self.stock.set_down(unit, spot, shares)
        self._tell(
            moment, kind, person, [unit], spot, float(after.sum()), misplaced=None if kind == "restock" else not placed.home
        )
        self._reach(
            person, hand, where, there=moment - between(person.rng, 0.02, 0.2), leave=moment + between(person.rng, 0.25, 0.5)
        )

    def _restock(self, person: Person, act: Restock) -> None:
        facing = self.stock.facing_of(act.product)
        if act.count < 0:
            units = self.stock.take(facing, -act.count)
            where = target(self.store, units[0].plates, units[0].shares, person.rng)
            hand, moment = self._approach(person, where, act, need_s=0.3)
            self._lift_units(person, units, moment, "normal", kind="restock")
            self._reach(person, hand, where, there=moment - 0.4, leave=moment)
            self._done(act, moment)
            return
        left = act.count
        while left > 0:
            some = min(left, 2 if chance(person.rng, 0.2) else 1)
            spot, shares = self.stock.spot(facing.plates)
            where = target(self.store, spot, shares, person.rng)
            hand, moment = self._approach(person, where, act, need_s=0.12)
            units = [self.stock.unit(act.product) for _ in range(some)]
            merged = replace(units[0], mass_g=sum(unit.mass_g for unit in units))
            self._set_down(person, merged, spot, shares, where, hand, moment, kind="restock")
            self.events[-1] = replace(self.events[-1], products=tuple(unit.product_id for unit in units))
            left -= some
            self._done(act, moment)

    def _touch(self, person: Person, act: Touch) -> None:
        where = target(self.store, (act.plate,), (1.0,), person.rng)
        hand, moment = self._approach(person, where, act, need_s=0.1, begin_s=self._earliest(act, -math.inf) - 2.5)
        _, shelf, _ = self.store.plates()[act.plate]
        row = [plate.plate_id for plate in shelf.plates]
        index = row.index(act.plate)
        match act.kind:
            case "tap":
                start, wave, lasts = loads.tap(person.rng, moment)
                self._load([act.plate], start, wave[:, None], np.zeros(1))
            case "lean":
                start, wave, lasts = loads.lean(person.rng, moment)
                around = row[max(index - 1, 0) : index + 2]
                spread = np.array([1.0 if plate == act.plate else between(person.rng, 0.03, 0.2) for plate in around])
                self._load(around, start, wave[:, None] * spread, np.zeros(len(around)))
            case "lift":
                facing = next(f for f in self.stock.facings if act.plate in f.plates)
                unit = self.stock.take(replace(facing, plates=(act.plate,)), 1)[0]
                start, both, lasts = loads.lift(person.rng, moment, np.array([unit.mass_g]))
                self._load([act.plate], start, both, np.zeros(1))
            case _:
                start, press, progress, moved = loads.push(person.rng, moment)
                lasts = len(press) / loads.RATE_HZ
                other = row[index + 1] if index + 1 < len(row) and moved > 0 or index == 0 else row[index - 1]
                after = np.array([-abs(moved), abs(moved) * between(person.rng, 0.9, 1.1)])
                wave2 = np.stack([press, 0.05 * press], axis=1) + progress[:, None] * after
                self._load([act.plate, other], start, wave2, after)
        self._tell(moment, "touch", person, [], (act.plate,), 0.0, touch=act.kind)
        self._reach(person, hand, where, there=moment - 0.05, leave=moment + lasts - 0.1)
        self._done(act, moment)

    def _meet(self, a: Person, b: Person) -> None:
        """Two people walk up to each other, half a metre to 0.7 m apart, in the aisle."""
        ax, ay = a.motion.here
        bx, by = b.motion.here
        way = self.floor.way(a.motion.here, b.motion.here)
        middle = way[len(way) // 2]
        length = math.hypot(bx - ax, by - ay) or 1.0
        half = between(a.rng, 0.27, 0.36)
        unit = ((bx - ax) / length, (by - ay) / length)
        self._walk(a, (float(middle[0]) - half * unit[0], float(middle[1]) - half * unit[1]))
        self._walk(b, (float(middle[0]) + half * unit[0], float(middle[1]) + half * unit[1]))
        ready = max(a.motion.free_s, b.motion.free_s) + 0.2
        for person, other in ((a, b), (b, a)):
            person.motion.wait(ready - 0.1)
            (px, py), (qx, qy) = person.motion.here, other.motion.here
            person.motion.place(ready + 0.2, person.motion.here, math.atan2(qy - py, qx - px))

    def _hand_over(self, person: Person, act: HandOver) -> None:
        other = self.people[act.to]
        receive = other.todo.pop(0)
        self._meet(person, other)
        moment = self._earliest(act, person.motion.free_s + between(person.rng, 0.9, 1.5))
        (ax, ay), (bx, by) = person.motion.here, other.motion.here
        height = between(person.rng, 0.95, 1.15)
        for who in (person, other):
            gap = between(who.rng, 0.0, 0.04)
            point = ((ax + bx) / 2 + gap, (ay + by) / 2 - gap, height + gap)
            hold = between(who.rng, 0.15, 0.4)
            who.motion.reaches.append(
                Reach(
                    hand=1 if chance(who.rng, 0.7) else 0,
                    begin_s=moment - hold - between(who.rng, 0.5, 0.8), there_s=moment - hold,
                    leave_s=moment + between(who.rng, 0.1, 0.35), end_s=moment + between(who.rng, 0.8, 1.1), point=point,
                )
            )  # fmt: skip
            who.motion.wait(moment + 0.5)
        unit = self._carried(person, act.product)
        other.carried.append(unit)
        self._tell(moment, "handover", person, [unit], (), 0.0, to=other.actor.key)
        self._done(act, moment)
        self._done(receive, moment)

    def _down(self, person: Person, moment: float, point: Point) -> None:
        low = (point[0], point[1], between(person.rng, 0.12, 0.3))
        person.motion.reaches.append(
            Reach(hand=1, begin_s=moment - 0.8, there_s=moment - 0.15, leave_s=moment + 0.15, end_s=moment + 0.9, point=low)
        )
        person.motion.wait(moment + 0.8)

    def _ahead(self, person: Person) -> Point:
        x, y = person.motion.here
        heading = person.motion.heading[-1]
        return (x + 0.3 * math.cos(heading), y + 0.3 * math.sin(heading))

    def _leave_on_floor(self, person: Person, act: LeaveOnFloor) -> None:
        x, y = person.motion.here
        back = person.motion.heading[-1] + math.pi
        step = between(person.rng, 0.3, 0.5)
        self._walk(person, (x + step * math.cos(back), y + step * math.sin(back)))
        moment = self._earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.6))
        point = self._ahead(person)
        self._down(person, moment, point)
        unit = self._carried(person, act.product)
        self.on_floor.append((unit, point))
        self._tell(moment, "left_on_floor", person, [unit], (), 0.0)
        self._done(act, moment)

    def _take_from_floor(self, person: Person, act: TakeFromFloor) -> None:
        index = next(i for i, (unit, _) in enumerate(self.on_floor) if unit.product_id == act.product)
        unit, point = self.on_floor.pop(index)
        x, y = person.motion.here
        length = max(distance((x, y), point), 1e-6)
        stop = max(length - 0.3, 0.0) / length
        self._walk(person, (x + (point[0] - x) * stop, y + (point[1] - y) * stop))
        moment = self._earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.6))
        self._down(person, moment, point)
        person.carried.append(unit)
        self._tell(moment, "taken_from_floor", person, [unit], (), 0.0)
        self._done(act, moment)
