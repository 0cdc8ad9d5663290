"""Cases of the benchmark's classes for a store: who does what, drawn from a seed.

The classes and their descriptions are those of nanostore-dev's truth files and of the exam's announcement; times
between events (median 2.5 s, 1-7 s), first event (5-15 s) and what follows the last (4-16 s) as measured there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .casting import Cast, Writer
from .draws import between, chance, pick_one, some_of
from .scripts import (
    AnyAct,
    Fault,
    Go,
    HandOver,
    LeaveOnFloor,
    Pick,
    PickBoth,
    Put,
    Receive,
    Restock,
    TakeFromFloor,
    Wait,
)


def single_simple(w: Writer) -> Cast:
    """One shopper takes 1-4 items from different places, one after the other."""
    acts: list[AnyAct] = [Pick(product=w.product()) for _ in range(int(w.rng.integers(1, 5)))]
    if chance(w.rng, 0.3):
        acts.insert(int(w.rng.integers(len(acts))), w.touch())
    return Cast(actors=[w.actor("a", *acts)])


def quick_picks(w: Writer) -> Cast:
    """One shopper takes 3-6 items from one shelf or its neighbours in quick succession (0.6-1.5 s apart);
    sometimes one goes back.
    """
    first = w.product()
    pool = w.near(first) if chance(w.rng, 0.5) else [first, *w.beside(first)]
    acts: list[AnyAct] = [Pick(product=pick_one(w.rng, pool), style="fast") for _ in range(int(w.rng.integers(3, 7)))]
    if chance(w.rng, 0.35):
        taken = [act.product for act in acts if isinstance(act, Pick)]
        acts.append(Put(product=pick_one(w.rng, taken)))
    return Cast(actors=[w.actor("a", *acts, hurry=1.35)])


def multi_qty(w: Writer) -> Cast:
    """Two to five units of one product leave at once or as one quick handful; products below 300 g mostly."""
    acts: list[AnyAct] = []
    for _ in range(int(w.rng.integers(1, 4))):
        product = w.product(15.0, 300.0 if chance(w.rng, 0.8) else 700.0)
        count = int(w.rng.integers(2, 6 if w.mass[product] < 150 else 4))
        acts.append(Pick(product=product, count=count))
        if chance(w.rng, 0.25):
            acts.append(Put(product=product))
    return Cast(actors=[w.actor("a", *acts)])


def two_sku_once(w: Writer) -> Cast:
    """Both hands at once: two different products from one shelf within 0-0.3 s (sometimes 1+2 units)."""
    acts: list[AnyAct] = []
    for _ in range(int(w.rng.integers(1, 3))):
        first = next(p for p in (w.product() for _ in range(200)) if w.beside(p))
        second = pick_one(w.rng, w.beside(first))
        acts.append(
            PickBoth(
                first=first,
                second=second,
                apart_s=between(w.rng, 0.0, 0.45),
                second_count=2 if chance(w.rng, 0.25) else 1,
            )
        )
    return Cast(actors=[w.actor("a", *acts)])


def pick_putback(w: Writer) -> Cast:
    """Items are taken and some go back to their own place (at once, or after looking at others)."""
    acts: list[AnyAct] = []
    waiting: list[str] = []
    for _ in range(int(w.rng.integers(2, 6))):
        product = w.product()
        acts.append(Pick(product=product))
        if chance(w.rng, 0.35):
            acts.append(Put(product=product))
        elif chance(w.rng, 0.5):
            waiting.append(product)
        if waiting and chance(w.rng, 0.6):
            acts.append(Put(product=waiting.pop(0)))
    acts.extend(Put(product=product) for product in waiting if chance(w.rng, 0.5))
    return Cast(actors=[w.actor("a", *acts)])


def putback_wrong(w: Writer) -> Cast:
    """An item goes back to a plate of another product with another weight; sometimes somebody takes it from there."""
    product = w.product(25.0)
    wrong = w.wrong_place(product)
    acts: list[AnyAct] = [Pick(product=product), Put(product=product, onto=w.onto(wrong), label="wrong")]
    if chance(w.rng, 0.4):
        acts.append(Pick(product=w.product()))
    actors = [w.actor("a", *acts)]
    kind = int(w.rng.integers(4))
    if kind == 0:
        lag = between(w.rng, 4.0, 9.0)
        later = (Pick(product=product, misplaced=True, after="wrong", lag_s=lag),)
        actors.append(w.actor("b", *later))
    elif kind == 1:
        later2 = (Pick(product=wrong, after="wrong", lag_s=between(w.rng, 3.0, 8.0)),)
        actors.append(w.actor("b", *later2))
    return Cast(actors=actors)


def putback_lookalike(w: Writer) -> Cast:
    """An item goes back beside a product of the same weight (1.2 % or closer); then units are taken from that plate."""
    for _ in range(200):
        product = w.product(25.0)
        twin = w.another(product, 0.0, 0.012)
        if twin is not None:
            break
    else:
        raise ValueError("no two products of this store weigh the same")
    acts: list[AnyAct] = [Pick(product=product), Put(product=product, onto=w.onto(twin), label="back")]
    times = int(w.rng.integers(1, 3))
    later = [Pick(product=twin, after="back", lag_s=between(w.rng, 2.0, 7.0)) for _ in range(times)]
    if chance(w.rng, 0.55):
        return Cast(actors=[w.actor("a", *acts, *later)])
    other = w.actor("b", *later)
    return Cast(actors=[w.actor("a", *acts), other])


def hold_before_lift(w: Writer) -> Cast:
    """The hand presses or half-lifts for 3-9 s before the item leaves; also two held, one taken; also very
    slow lifts.
    """
    product = w.product(40.0)
    style = pick_one(w.rng, ("float", "float", "slow"))
    acts: list[AnyAct] = [Pick(product=product, style=style, count=2 if chance(w.rng, 0.3) else 1)]
    if isinstance(acts[0], Pick) and acts[0].count == 2:
        acts.append(Put(product=product))
    if chance(w.rng, 0.5):
        acts.append(Pick(product=w.product(), style=pick_one(w.rng, ("float", "normal"))))
    return Cast(actors=[w.actor("a", *acts)])


def touch_only(w: Writer) -> Cast:
    """Taps, leaning, lifting and setting down, straightening of facings; nothing or one item is taken."""
    acts: list[AnyAct] = [w.touch() for _ in range(int(w.rng.integers(2, 6)))]
    if chance(w.rng, 0.5):
        acts.insert(int(w.rng.integers(len(acts) + 1)), Pick(product=w.product()))
    return Cast(actors=[w.actor("a", *acts)])


def two_same_shelf(w: Writer) -> Cast:
    """Two shoppers take different products from the same shelf within 0-0.8 s, then go on."""
    first = next(p for p in (w.product() for _ in range(200)) if w.beside(p))
    second = pick_one(w.rng, w.beside(first))
    at = between(w.rng, 7.5, 9.5)
    actors = []
    for key, product, lag in (("a", first, 0.0), ("b", second, between(w.rng, 0.0, 0.8))):
        more = tuple(Pick(product=w.product()) for _ in range(int(w.rng.integers(0, 3))))
        actors.append(w.actor(key, Pick(product=product, at_s=at + lag), *more))
    return Cast(actors=actors)


def same_plate(w: Writer) -> Cast:
    """Two shoppers at one plate: each takes from the same facing within a second or two, side by side."""
    facing = w.facing()
    at = between(w.rng, 7.5, 9.5)
    actors = []
    for key, aside, lag in (("a", -0.27, 0.0), ("b", 0.27, between(w.rng, 0.2, 2.0))):
        plates = facing.plates[:1] if chance(w.rng, 0.5) else facing.plates
        stand = aside + between(w.rng, -0.06, 0.06)
        act = Pick(product=facing.product_id, plates=plates, at_s=at + lag, aside_m=stand)
        acts: list[AnyAct] = [act]
        if chance(w.rng, 0.3):
            acts.append(Put(product=facing.product_id))
        if chance(w.rng, 0.5):
            acts.append(Pick(product=w.product()))
        actors.append(w.actor(key, *acts))
    return Cast(actors=actors)


def close_crossing(w: Writer) -> Cast:
    """Two shoppers stand shoulder to shoulder and reach across each other's arms."""
    first = next(p for p in (w.product() for _ in range(200)) if w.beside(p))
    second = pick_one(w.rng, w.beside(first))
    at = between(w.rng, 8.0, 9.5)
    actors = []
    for key, order, sign in (("a", (first, second), 1.0), ("b", (second, first), -1.0)):
        acts = tuple(
            Pick(
                product=product,
                at_s=at + 2.0 * k + between(w.rng, 0.0, 0.6),
                aside_m=sign * (1 - 2 * k) * between(w.rng, 0.15, 0.3),
            )
            for k, product in enumerate(order)
        )
        actors.append(w.actor(key, *acts[: 1 + int(w.rng.integers(1, 3))]))
    return Cast(actors=actors)


def handover(w: Writer) -> Cast:
    """One shopper takes items and hands one to another; the receipt belongs to whoever leaves with it."""
    mine = [w.product() for _ in range(int(w.rng.integers(1, 3)))]
    theirs = tuple(Pick(product=w.product()) for _ in range(int(w.rng.integers(0, 3))))
    given = pick_one(w.rng, mine)
    a: tuple[AnyAct, ...] = (*(Pick(product=product) for product in mine), HandOver(product=given, to="b"))
    b: tuple[AnyAct, ...] = (*theirs, Receive(giver="a"))
    if chance(w.rng, 0.35):
        b = (*b, Pick(product=w.product()))
    return Cast(actors=[w.actor("a", *a), w.actor("b", *b)])


def busy_3_4(w: Writer) -> Cast:
    """Three or four shoppers at once, each with a mixed list (takes, put-backs, wrong plates, touches)."""
    return _crowd(w, int(w.rng.integers(3, 5)), 3, 6)


def crowd(w: Writer) -> Cast:
    """Five to eight shoppers at once, each with a short mixed list."""
    return _crowd(w, int(w.rng.integers(5, 9)), 1, 5)


def _crowd(w: Writer, people: int, low: int, high: int) -> Cast:
    return Cast(actors=[w.actor(chr(97 + k), *w.mixed(int(w.rng.integers(low, high)))) for k in range(people)])


def id_switch(w: Writer) -> Cast:
    """Two shoppers meet and the tracker swaps their ids, or one comes back from a gap with a new id."""
    if chance(w.rng, 0.5):
        at = between(w.rng, 7.0, 11.0)
        acts = [Pick(product=w.product()), Pick(product=w.product()), Pick(product=w.product())]
        actors = [w.actor("a", *acts[: int(w.rng.integers(2, 4))], restart_id_at_s=at)]
        if chance(w.rng, 0.5):
            actors.append(w.actor("b", Pick(product=w.product())))
        return Cast(actors=actors)
    x, y = w.start()
    actors = []
    for key, shift in (("a", -0.18), ("b", 0.18)):
        first, second = Pick(product=w.product()), Pick(product=w.product())
        meet = Go(x_m=x + shift, y_m=y + between(w.rng, -0.1, 0.1), at_s=between(w.rng, 8.5, 9.5))
        actors.append(w.actor(key, first, meet, Wait(seconds=0.4), second))
    return Cast(actors=actors, swaps=[("a", "b")])


def id_merge(w: Writer) -> Cast:
    """Two shoppers meet and come under one id, which goes on as either; the other comes out of hiding with a new id."""
    x, y = w.start()
    actors = []
    for key, shift in (("a", -0.2), ("b", 0.2)):
        first, second = Pick(product=w.product()), Pick(product=w.product())
        meet = Go(x_m=x + shift, y_m=y + between(w.rng, -0.1, 0.1), at_s=between(w.rng, 8.5, 9.5))
        actors.append(w.actor(key, first, meet, Wait(seconds=0.4), second))
    return Cast(actors=actors, merges=[("a", "b")])


def restock(w: Writer) -> Cast:
    """An employee (listed in case_info.json) loads or clears facings while a shopper shops; the employee has
    no receipt.
    """
    first = w.product()
    acts = [
        Restock(product=product, count=int(w.rng.integers(1, 4)) * (1 if chance(w.rng, 0.8) else -1))
        for product in (first, *some_of(w.rng, w.near(first), int(w.rng.integers(1, 3))))
    ]
    shopper = [Pick(product=w.product()) for _ in range(int(w.rng.integers(1, 4)))]
    if chance(w.rng, 0.4):
        shopper.append(Pick(product=first))
    return Cast(
        actors=[
            w.actor("a", *shopper),
            w.actor("s", *acts, staff=True),
        ]
    )


def left_on_floor(w: Writer) -> Cast:
    """Somebody takes things and leaves one on the floor; sometimes another picks it up."""
    mine = [w.product() for _ in range(int(w.rng.integers(1, 4)))]
    dropped = pick_one(w.rng, mine)
    a: list[AnyAct] = [Pick(product=product) for product in mine]
    a.append(LeaveOnFloor(product=dropped, label="dropped"))
    actors = [w.actor("a", *a)]
    if chance(w.rng, 0.4):
        b: list[AnyAct] = [Pick(product=w.product())] if chance(w.rng, 0.6) else []
        if chance(w.rng, 0.5):
            b.append(TakeFromFloor(product=dropped, after="dropped", lag_s=between(w.rng, 1.5, 4.0)))
        actors.append(w.actor("b", *b))
    return Cast(actors=actors)


def _simple_with(w: Writer, low: int = 1) -> Cast:
    cast = single_simple(w)
    if low > 1 or chance(w.rng, 0.4):
        cast.actors.append(w.actor("b", *w.mixed(2)))
    return cast


def fault_drop(w: Writer) -> Cast:
    """One shopper takes 1-4 items from different places; a gondola's messages are missing for seconds."""
    cast = single_simple(w)
    begin = between(w.rng, 3.0, 12.0)
    device = pick_one(w.rng, sorted(set(w.fixture.values())))
    cast.faults.append(Fault(kind="drop", device=device, begin_s=begin, end_s=begin + between(w.rng, 1.0, 3.5)))
    if chance(w.rng, 0.3):
        gap = between(w.rng, 3.0, 12.0)
        cast.faults.append(Fault(kind="drop_poses", begin_s=gap, end_s=gap + between(w.rng, 0.8, 2.0)))
    return cast


def fault_plate(w: Writer) -> Cast:
    """Plates are dead, stuck, silent or spiking, some of them where something is taken."""
    cast = _simple_with(w)
    taken = [act.product for actor in cast.actors for act in actor.acts if isinstance(act, Pick)]
    for _ in range(int(w.rng.integers(1, 4))):
        product = pick_one(w.rng, taken) if chance(w.rng, 0.3) else w.product()
        kind = pick_one(w.rng, ("dead", "zero", "stuck", "spikes"))
        begin = -1.0 if chance(w.rng, 0.6) else between(w.rng, 3.0, 12.0)
        cast.faults.append(Fault(kind=kind, plate=w.plate(product), begin_s=max(begin, 0.0), end_s=1e6, amount=0.01))
    return cast


def disorder(w: Writer) -> Cast:
    """Messages arrive late and twice."""
    cast = _simple_with(w, low=2)
    cast.faults.append(Fault(kind="disorder", begin_s=-10.0, end_s=1e6, amount=between(w.rng, 0.05, 0.25)))
    if chance(w.rng, 0.6):
        cast.faults.append(Fault(kind="duplicate", begin_s=-10.0, end_s=1e6, amount=between(w.rng, 0.02, 0.15)))
    return cast


def clock_jump(w: Writer) -> Cast:
    """The clock of one stream jumps by 200 ms against the other's."""
    cast = _simple_with(w)
    begin = between(w.rng, 2.0, 10.0)
    amount = 0.2 * (1.0 if chance(w.rng, 0.5) else -1.0)
    device = pick_one(w.rng, ("poses", "plates"))
    cast.faults.append(Fault(kind="jump", device=device, begin_s=begin, end_s=1e6, amount=amount))
    return cast


# how many of 125 cases: the announced classes, more of those that cost most
CLASSES: dict[str, tuple[Callable[[Writer], Cast], int]] = {
    "single_simple": (single_simple, 7),
    "quick_picks": (quick_picks, 6),
    "multi_qty": (multi_qty, 6),
    "two_sku_once": (two_sku_once, 6),
    "pick_putback": (pick_putback, 7),
    "putback_wrong": (putback_wrong, 7),
    "putback_lookalike": (putback_lookalike, 6),
    "hold_before_lift": (hold_before_lift, 7),
    "touch_only": (touch_only, 7),
    "two_same_shelf": (two_same_shelf, 6),
    "same_plate": (same_plate, 6),
    "close_crossing": (close_crossing, 6),
    "handover": (handover, 6),
    "busy_3_4": (busy_3_4, 7),
    "crowd": (crowd, 7),
    "id_switch": (id_switch, 7),
    "restock": (restock, 6),
    "left_on_floor": (left_on_floor, 4),
    "fault_drop": (fault_drop, 3),
    "fault_plate": (fault_plate, 3),
    "disorder": (disorder, 3),
    "clock_jump": (clock_jump, 2),
    # not among the announced classes: asked for by name only
    "id_merge": (id_merge, 0),
}


def sequence(count: int) -> list[str]:
    """Class names for `count` cases, in the table's proportions, interleaved."""
    total = sum(share for _, share in CLASSES.values())
    ticks = [((k + 0.5) / share, name) for name, (_, share) in CLASSES.items() for k in range(share)]
    names = [name for _, name in sorted(ticks)]
    return [names[i % total] for i in range(count)] if count >= total else _thinned(count)


def _thinned(count: int) -> list[str]:
    names = [name for name, (_, share) in CLASSES.items() if share]
    return [names[i % len(names)] for i in range(count)]


def description(name: str) -> str:
    """The class in a sentence."""
    return " ".join((CLASSES[name][0].__doc__ or "").split())


def knobs_noise(rng: np.random.Generator) -> float:
    """Noise level of a case: 0.5 to 2, mostly about 1."""
    return float(np.round(np.clip(np.exp(rng.normal(0.0, 0.35)), 0.5, 2.0), 2))
