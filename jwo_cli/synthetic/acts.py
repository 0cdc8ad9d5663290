"""What each act of a script does to people, goods and plates.

One act at a time, always of the actor who is free first and waits for nobody; so acts see the goods in about the order
in which they happen.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from . import loads
from .bodies import Reach
from .draws import between, chance
from .places import Point, Target, distance, target
from .scripts import (
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
from .stage import Person, Stage
from .stock import Unit


def play(stage: Stage) -> None:
    """Plays all acts. Raises ValueError when everybody waits for somebody."""
    while True:
        waiting = [person for person in stage.people.values() if person.todo]
        if not waiting:
            return
        ready = [person for person in waiting if _ready(stage, person)]
        if not ready:
            stuck = ", ".join(f"{p.actor.key}: {p.todo[0]}" for p in waiting)
            raise ValueError(f"everybody waits for somebody: {stuck}")
        person = min(ready, key=lambda p: p.motion.free_s)
        _act(stage, person, person.todo.pop(0))


def _ready(stage: Stage, person: Person) -> bool:
    act = person.todo[0]
    if act.after is not None and act.after not in stage.labels:
        return False
    if isinstance(act, Receive):
        return False  # the giver's act moves both
    if isinstance(act, HandOver):
        other = stage.people.get(act.to)
        return other is not None and bool(other.todo) and isinstance(other.todo[0], Receive)
    if isinstance(act, TakeFromFloor):
        return any(unit.product_id == act.product for unit, _ in stage.on_floor)
    if isinstance(act, Pick) and act.misplaced:
        return any(unit.product_id == act.product for unit in stage.stock.misplaced)
    return True


def _act(stage: Stage, person: Person, act: AnyAct) -> None:
    match act:
        case Pick() | PickBoth() | Put() | Touch() | Restock():
            _at_shelf(stage, person, act)
        case HandOver():
            _hand_over(stage, person, act)
        case LeaveOnFloor():
            _leave_on_floor(stage, person, act)
        case TakeFromFloor():
            _take_from_floor(stage, person, act)
        case Go():
            person.motion.wait(stage.earliest(act, person.motion.free_s))
            stage.walk(person, (act.x_m, act.y_m))
        case Wait():
            stage.idle(person, person.motion.free_s + act.seconds)
        case Leave():
            person.motion.wait(stage.earliest(act, person.motion.free_s))
            stage.walk(person, stage.doors.exit_inside)
            stage.walk(person, stage.doors.exit_outside, soft=False)
            person.motion.end_s = person.motion.free_s
        case Receive():
            raise AssertionError("a receiver is moved by the giver's act")


def _at_shelf(stage: Stage, person: Person, act: Pick | PickBoth | Put | Touch | Restock) -> None:
    match act:
        case Pick():
            _pick(stage, person, act)
        case PickBoth():
            _pick_both(stage, person, act)
        case Put():
            _put(stage, person, act)
        case Touch():
            _touch(stage, person, act)
        case Restock():
            _restock(stage, person, act)


def _pick(stage: Stage, person: Person, act: Pick) -> None:
    if act.misplaced:
        found = stage.stock.take_misplaced(act.product)
        if found is None:
            raise ValueError(f"no misplaced {act.product}")
        units = [found]
    else:
        facing = stage.stock.facing_of(act.product)
        if act.plates:
            facing = replace(facing, plates=act.plates)
        units = stage.stock.take(facing, act.count)
    where = target(stage.store, units[0].plates, units[0].shares, person.rng)
    held = 0.4 if act.style in {"normal", "fast"} else 5.5 if act.style == "float" else 2.5
    begin = stage.earliest(act, -math.inf) - held - 2.5
    hand, moment = stage.approach(person, where, act, need_s=held - 0.1, begin_s=begin)
    gone = stage.lift_units(person, units, moment, act.style)
    fast = act.style == "fast"
    stage.reach(
        person, hand, where, there=moment - held + between(person.rng, -0.1, 0.15),
        leave=max(moment - 0.06, gone - 0.08) - between(person.rng, 0.0, 0.12), fast=fast,
    )  # fmt: skip
    person.carried.extend(replace(unit, plates=(), shares=()) for unit in units)
    stage.done(act, moment)


def _pick_both(stage: Stage, person: Person, act: PickBoth) -> None:
    first = stage.stock.take(stage.stock.facing_of(act.first), 1)
    second = stage.stock.take(stage.stock.facing_of(act.second), act.second_count)
    targets = [target(stage.store, units[0].plates, units[0].shares, person.rng) for units in (first, second)]
    along = targets[0].along
    shift = (targets[1].front[0] - targets[0].front[0]) * along[0] + (
        targets[1].front[1] - targets[0].front[1]
    ) * along[1]
    middle = replace(act, aside_m=shift / 2)
    stage.stand(person, targets[0], middle, 1, stage.earliest(act, -math.inf) - 3.0)
    moment = stage.earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.8))
    # facing the shelf the right hand is on the side of larger `along`
    hands = (0, 1) if shift > 0 else (1, 0)
    latest = 0.0
    for units, where, hand, when in zip((first, second), targets, hands, (moment, moment + act.apart_s), strict=True):
        gone = stage.lift_units(person, units, when, "normal")
        leave = max(when - 0.05, gone - 0.08)
        out, back = between(person.rng, 0.5, 0.8), between(person.rng, 0.5, 0.7)
        there = when - between(person.rng, 0.3, 0.5)
        person.motion.reaches.append(
            Reach(hand=hand, begin_s=there - out, there_s=there, leave_s=leave, end_s=leave + back, point=where.hand)
        )
        latest = max(latest, leave + back)
        person.carried.extend(replace(unit, plates=(), shares=()) for unit in units)
    stage.idle(person, latest)
    stage.done(act, moment + act.apart_s)


def _carried(person: Person, product: str) -> Unit:
    for i, unit in enumerate(person.carried):
        if unit.product_id == product:
            return person.carried.pop(i)
    raise ValueError(f"{person.actor.key} does not carry {product}")


def _put(stage: Stage, person: Person, act: Put) -> None:
    carried = _carried(person, act.product)
    plates = act.onto or stage.stock.facing_of(act.product).plates
    spot, shares = stage.stock.spot(plates)
    unit = replace(carried, plates=spot, shares=shares)
    where = target(stage.store, spot, shares, person.rng)
    hand, moment = stage.approach(person, where, act, need_s=0.12, begin_s=stage.earliest(act, -math.inf) - 2.5)
    _set_down(stage, person, unit, where, hand, moment, kind="put")
    stage.done(act, moment)


def _set_down(stage: Stage, person: Person, unit: Unit, where: Target, hand: int, moment: float, *, kind: str) -> None:
    """A unit comes down on the plates that it names."""
    total = unit.mass_g * np.asarray(unit.shares)
    start, wave, after = loads.put(person.rng, moment, total)
    stage.load(unit.plates, start, wave, after)
    placed = stage.stock.set_down(unit, unit.plates, unit.shares)
    misplaced = None if kind == "restock" else not placed.home
    stage.tell(moment, kind, person, [unit], unit.plates, float(after.sum()), misplaced=misplaced)
    there, leave = moment - between(person.rng, 0.02, 0.2), moment + between(person.rng, 0.25, 0.5)
    stage.reach(person, hand, where, there=there, leave=leave)


def _restock(stage: Stage, person: Person, act: Restock) -> None:
    facing = stage.stock.facing_of(act.product)
    if act.count < 0:
        units = stage.stock.take(facing, -act.count)
        where = target(stage.store, units[0].plates, units[0].shares, person.rng)
        hand, moment = stage.approach(person, where, act, need_s=0.3)
        stage.lift_units(person, units, moment, "normal", kind="restock")
        stage.reach(person, hand, where, there=moment - 0.4, leave=moment)
        stage.done(act, moment)
        return
    left = act.count
    while left > 0:
        some = min(left, 2 if chance(person.rng, 0.2) else 1)
        spot, shares = stage.stock.spot(facing.plates)
        where = target(stage.store, spot, shares, person.rng)
        hand, moment = stage.approach(person, where, act, need_s=0.12)
        units = [stage.stock.unit(act.product) for _ in range(some)]
        merged = replace(units[0], mass_g=sum(unit.mass_g for unit in units), plates=spot, shares=shares)
        _set_down(stage, person, merged, where, hand, moment, kind="restock")
        stage.events[-1] = replace(stage.events[-1], products=tuple(unit.product_id for unit in units))
        left -= some
        stage.done(act, moment)


def _touch(stage: Stage, person: Person, act: Touch) -> None:
    where = target(stage.store, (act.plate,), (1.0,), person.rng)
    hand, moment = stage.approach(person, where, act, need_s=0.1, begin_s=stage.earliest(act, -math.inf) - 2.5)
    _, shelf, _ = stage.store.plates()[act.plate]
    row = [plate.plate_id for plate in shelf.plates]
    index = row.index(act.plate)
    match act.kind:
        case "tap":
            start, wave, lasts = loads.tap(person.rng, moment)
            stage.load([act.plate], start, wave[:, None], np.zeros(1))
        case "lean":
            start, wave, lasts = loads.lean(person.rng, moment)
            around = row[max(index - 1, 0) : index + 2]
            spread = np.array([1.0 if plate == act.plate else between(person.rng, 0.03, 0.2) for plate in around])
            stage.load(around, start, wave[:, None] * spread, np.zeros(len(around)))
        case "lift":
            facing = next(f for f in stage.stock.facings if act.plate in f.plates)
            unit = stage.stock.take(replace(facing, plates=(act.plate,)), 1)[0]
            start, both, lasts = loads.lift(person.rng, moment, np.array([unit.mass_g]))
            stage.load([act.plate], start, both, np.zeros(1))
        case _:
            start, press, progress, moved = loads.push(person.rng, moment)
            lasts = len(press) / loads.RATE_HZ
            other = row[index + 1] if (index + 1 < len(row) and moved > 0) or index == 0 else row[index - 1]
            after = np.array([-abs(moved), abs(moved) * between(person.rng, 0.9, 1.1)])
            wave2 = np.stack([press, 0.05 * press], axis=1) + progress[:, None] * after
            stage.load([act.plate, other], start, wave2, after)
    stage.tell(moment, "touch", person, [], (act.plate,), 0.0, touch=act.kind)
    stage.reach(person, hand, where, there=moment - 0.05, leave=moment + lasts - 0.1)
    stage.done(act, moment)


def _meet(stage: Stage, a: Person, b: Person) -> None:
    """Two people walk up to each other, half a metre to 0.7 m apart, in the aisle."""
    ax, ay = a.motion.here
    bx, by = b.motion.here
    way = stage.floor.way(a.motion.here, b.motion.here)
    middle = way[len(way) // 2]
    length = math.hypot(bx - ax, by - ay) or 1.0
    half = between(a.rng, 0.25, 0.34)
    unit = ((bx - ax) / length, (by - ay) / length)
    stage.walk(a, (float(middle[0]) - half * unit[0], float(middle[1]) - half * unit[1]))
    stage.walk(b, (float(middle[0]) + half * unit[0], float(middle[1]) + half * unit[1]))
    ready = max(a.motion.free_s, b.motion.free_s) + 0.2
    for person, other in ((a, b), (b, a)):
        person.motion.wait(ready - 0.1)
        (px, py), (qx, qy) = person.motion.here, other.motion.here
        person.motion.place(ready + 0.2, person.motion.here, math.atan2(qy - py, qx - px))


def _hand_over(stage: Stage, person: Person, act: HandOver) -> None:
    other = stage.people[act.to]
    receive = other.todo.pop(0)
    _meet(stage, person, other)
    moment = stage.earliest(act, person.motion.free_s + between(person.rng, 0.9, 1.5))
    (ax, ay), (bx, by) = person.motion.here, other.motion.here
    height = between(person.rng, 0.95, 1.15)
    for who in (person, other):
        gap = between(who.rng, 0.0, 0.06)
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
    unit = _carried(person, act.product)
    other.carried.append(unit)
    stage.tell(moment, "handover", person, [unit], (), 0.0, to=other.actor.key)
    stage.done(act, moment)
    stage.done(receive, moment)


def _down(person: Person, moment: float, point: Point) -> None:
    low = (point[0], point[1], between(person.rng, 0.12, 0.3))
    person.motion.reaches.append(
        Reach(hand=1, begin_s=moment - 0.8, there_s=moment - 0.15, leave_s=moment + 0.15, end_s=moment + 0.9, point=low)
    )
    person.motion.wait(moment + 0.8)


def _ahead(person: Person) -> Point:
    x, y = person.motion.here
    heading = person.motion.heading[-1]
    return (x + 0.3 * math.cos(heading), y + 0.3 * math.sin(heading))


def _leave_on_floor(stage: Stage, person: Person, act: LeaveOnFloor) -> None:
    x, y = person.motion.here
    back = person.motion.heading[-1] + math.pi
    step = between(person.rng, 0.3, 0.5)
    stage.walk(person, (x + step * math.cos(back), y + step * math.sin(back)))
    moment = stage.earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.6))
    point = _ahead(person)
    _down(person, moment, point)
    unit = _carried(person, act.product)
    stage.on_floor.append((unit, point))
    stage.tell(moment, "left_on_floor", person, [unit], (), 0.0)
    stage.done(act, moment)


def _take_from_floor(stage: Stage, person: Person, act: TakeFromFloor) -> None:
    index = next(i for i, (unit, _) in enumerate(stage.on_floor) if unit.product_id == act.product)
    unit, point = stage.on_floor.pop(index)
    x, y = person.motion.here
    length = max(distance((x, y), point), 1e-6)
    stop = max(length - 0.3, 0.0) / length
    stage.walk(person, (x + (point[0] - x) * stop, y + (point[1] - y) * stop))
    moment = stage.earliest(act, person.motion.free_s + between(person.rng, 1.0, 1.6))
    _down(person, moment, point)
    person.carried.append(unit)
    stage.tell(moment, "taken_from_floor", person, [unit], (), 0.0)
    stage.done(act, moment)
