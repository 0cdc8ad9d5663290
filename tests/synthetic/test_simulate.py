"""Simulations: scripts become signals, and what the signals show is what the truth says."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.signals import CodeRead, PoseFrame, Signal, WeightBatch
from jwo_cli.model.layout import Store
from jwo_cli.synthetic.paths import Floor
from jwo_cli.synthetic.scripts import (
    Actor,
    Go,
    HandOver,
    Leave,
    LeaveOnFloor,
    Pick,
    PickBoth,
    Put,
    Receive,
    Restock,
    Script,
    TakeFromFloor,
    Touch,
)
from jwo_cli.synthetic.simulate import Simulated, simulate

CHIPS, TORTILLAS, CHOCOLATE = "2000100000045", "2000100000052", "2000100000076"
SOUP, COFFEE = "2000100000106", "2000100000120"


def _script(*actors: Actor, **more: object) -> Script:
    return replace(Script(name="t", scenario="t", seed=11, actors=actors), **more)  # type: ignore[arg-type]


def _digest(signals: tuple[Signal, ...]) -> str:
    digest = hashlib.sha256()
    for signal in signals:
        if isinstance(signal, WeightBatch):
            digest.update(signal.end_ns.to_bytes(8, "big") + signal.grams.tobytes())
        elif isinstance(signal, PoseFrame):
            digest.update(signal.at_ns.to_bytes(8, "big"))
            for person in signal.people:
                digest.update(person.joints_m.tobytes())
    return digest.hexdigest()


def _samples(made: Simulated, channel: str) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and grams of one channel."""
    times, grams = [], []
    for signal in made.signals:
        if isinstance(signal, WeightBatch) and channel in signal.channels:
            end = (signal.end_ns - made.script.start_ns) / 1e9
            times.append(end - np.arange(len(signal.grams))[::-1] / 60)
            grams.append(signal.grams[:, signal.channels.index(channel)])
    return np.concatenate(times), np.concatenate(grams)


def _change(made: Simulated, store: Store, plates: tuple[str, ...], at_s: float, after_s: float = 1.6) -> float:
    total = 0.0
    for plate in plates:
        t, grams = _samples(made, store.plates()[plate][2].channel)
        before, after = (t > at_s - 1.8) & (t < at_s - 0.8), (t > at_s + 0.8) & (t < at_s + after_s)
        total += float(np.median(grams[after]) - np.median(grams[before]))
    return total


@pytest.fixture(scope="module")
def visit(kiosk: Store, kiosk_floor: Floor) -> Simulated:
    """One shopper: chips, soup that goes back to a wrong shelf, a touch."""
    acts = (
        Pick(product=CHIPS), Pick(product=SOUP), Put(product=SOUP, onto=("g2.s3.p1", "g2.s3.p2")),
        Touch(plate="g1.s3.p5", kind="tap"), Leave(),
    )  # fmt: skip
    return simulate(kiosk, _script(Actor(key="a", acts=acts, enter_s=0.5)), floor=kiosk_floor)


def test_the_plates_show_what_the_truth_says(visit: Simulated, kiosk: Store) -> None:
    """Each pick and put as a settled change of its mass on its plates, at its time."""
    moves = [event for event in visit.events if event.kind in {"pick", "put"}]
    assert [event.kind for event in moves] == ["pick", "pick", "put"]
    for event in moves:
        assert _change(visit, kiosk, event.plates, event.at_s) == pytest.approx(event.delta_g, abs=8.0)
    assert moves[2].misplaced
    assert moves[2].delta_g == pytest.approx(-moves[1].delta_g)


def test_the_taker_has_a_hand_at_the_plate(visit: Simulated, kiosk: Store) -> None:
    """Within 0.35 m of the plate's middle half a second around the event, much farther a while before."""
    event = next(event for event in visit.events if event.kind == "pick")
    centre = np.mean([kiosk.plate_centre(plate) for plate in event.plates], axis=0)
    near, before = [], []
    for signal in visit.signals:
        if isinstance(signal, PoseFrame) and signal.people:
            since = (signal.at_ns - visit.script.start_ns) / 1e9 - event.at_s
            apart = float(np.nanmin(np.linalg.norm(signal.people[0].joints_m[6:8] - centre, axis=1)))
            if -0.5 < since < 0.1:
                near.append(apart)
            elif -4.0 < since < -3.0:
                before.append(apart)
    assert min(near) < 0.35
    assert min(before) > 0.5


def test_receipts_follow_from_the_events(visit: Simulated) -> None:
    """What was taken and not put back, wherever."""
    (receipt,) = visit.visits
    assert receipt.items == ((CHIPS, 1),)
    assert len(receipt.ids) == 1


def test_a_code_is_read_when_somebody_comes_in(visit: Simulated) -> None:
    """Once, at the entry, within seconds."""
    codes = [signal for signal in visit.signals if isinstance(signal, CodeRead)]
    assert [code.gate_id for code in codes] == ["entry"]
    assert 0.5 < (codes[0].at_ns - visit.script.start_ns) / 1e9 < 3.0


def test_signals_come_in_order_of_capture(visit: Simulated) -> None:
    """Batches of all devices and poses interleaved, each device every 200 ms."""
    stamps = [s.end_ns if isinstance(s, WeightBatch) else s.at_ns for s in visit.signals]
    assert stamps == sorted(stamps)
    for device in ("g1", "g2", "f1"):
        ends = [s.end_ns for s in visit.signals if isinstance(s, WeightBatch) and s.device_id == device]
        apart = np.diff(ends) / 1e9
        assert apart.mean() == pytest.approx(0.2, abs=0.001)
        assert 0.001 < apart.std() < 0.01


def test_the_same_seed_gives_the_same_bytes(kiosk: Store, kiosk_floor: Floor) -> None:
    """And another seed others."""
    one = _script(Actor(key="a", acts=(Pick(product=CHOCOLATE), Leave()), enter_s=0.5))
    first, again, other = (
        _digest(simulate(kiosk, script, floor=kiosk_floor).signals) for script in (one, one, replace(one, seed=12))
    )
    assert first == again != other


def test_who_leaves_with_it_has_it(kiosk: Store, kiosk_floor: Floor) -> None:
    """A hand-over moves the unit, and both hands meet."""
    giver = Actor(key="a", acts=(Pick(product=COFFEE), HandOver(product=COFFEE, to="b"), Leave()), enter_s=0.5)
    taker = Actor(key="b", acts=(Receive(giver="a"), Leave()), enter_s=3.0)
    made = simulate(kiosk, _script(giver, taker), floor=kiosk_floor)
    assert [visit.items for visit in made.visits] == [(), ((COFFEE, 1),)]
    event = next(event for event in made.events if event.kind == "handover")
    apart = [
        float(np.nanmin(np.linalg.norm(a.joints_m[6:8, None] - b.joints_m[None, 6:8], axis=2)))
        for signal in made.signals
        if isinstance(signal, PoseFrame) and len(signal.people) == 2
        for a, b in [signal.people]
        if abs((signal.at_ns - made.script.start_ns) / 1e9 - event.at_s) < 0.2
    ]
    assert min(apart) < 0.15


def test_goods_on_the_floor_are_nobodys(kiosk: Store, kiosk_floor: Floor) -> None:
    """Until somebody takes them up."""
    drop = (Pick(product=SOUP), LeaveOnFloor(product=SOUP, label="down"), Leave())
    left = simulate(kiosk, _script(Actor(key="a", acts=drop, enter_s=0.5)), floor=kiosk_floor)
    assert (left.visits[0].items, left.on_floor) == ((), (SOUP,))
    finder = Actor(key="b", acts=(TakeFromFloor(product=SOUP, after="down", lag_s=2.0), Leave()), enter_s=4.0)
    found = simulate(kiosk, _script(Actor(key="a", acts=drop, enter_s=0.5), finder), floor=kiosk_floor)
    assert [visit.items for visit in found.visits] == [(), ((SOUP, 1),)]
    assert found.on_floor == ()


def test_staff_load_shelves(kiosk: Store, kiosk_floor: Floor) -> None:
    """Restocking makes a facing heavier, and nobody's receipt longer."""
    made = simulate(
        kiosk,
        _script(Actor(key="s", acts=(Restock(product=SOUP, count=1), Leave()), staff=True, enter_s=0.5)),
        floor=kiosk_floor,
    )
    (event,) = made.events
    assert event.kind == "restock"
    assert _change(made, kiosk, event.plates, event.at_s) == pytest.approx(event.delta_g, abs=8.0)
    assert made.visits[0].staff
    assert made.visits[0].items == ()


def test_both_hands_take_two_things_at_once(kiosk: Store, kiosk_floor: Floor) -> None:
    """Two events a fifth of a second apart."""
    acts = (PickBoth(first=CHIPS, second=TORTILLAS, apart_s=0.2), Leave())
    made = simulate(kiosk, _script(Actor(key="a", acts=acts, enter_s=0.5)), floor=kiosk_floor)
    first, second = made.events
    assert second.at_s - first.at_s == pytest.approx(0.2)
    assert made.visits[0].items == ((CHIPS, 1), (TORTILLAS, 1))


def test_ids_change_places_when_two_people_meet(kiosk: Store, kiosk_floor: Floor) -> None:
    """Both carried both; who leaves under which is the truth's last id."""
    actors = [
        Actor(key=key, acts=(Pick(product=SOUP, at_s=20.0), Leave()), enter_s=0.5 + 2 * n) for n, key in enumerate("ab")
    ]
    made = simulate(kiosk, _script(*actors, swaps=(("a", "b"),)), floor=kiosk_floor)
    a, b = made.visits
    assert a.ids == tuple(reversed(b.ids))
    assert len(made.id_switches_s) == 1


def test_two_people_may_come_under_one_id(kiosk: Store, kiosk_floor: Floor) -> None:
    """The first one's id goes on with the second, whose own is lost; the first comes back with a new one."""
    actors = [
        Actor(key=key, acts=(Pick(product=SOUP, at_s=20.0), Leave()), enter_s=0.5 + 2 * n) for n, key in enumerate("ab")
    ]
    made = simulate(kiosk, _script(*actors, merges=(("a", "b"),)), floor=kiosk_floor)
    a, b = made.visits
    assert b.ids[-1] == a.ids[0]
    assert len({*a.ids, *b.ids}) == 3
    assert len(made.id_switches_s) == 1


def test_a_tracker_that_lost_somebody_begins_anew(kiosk: Store, kiosk_floor: Floor) -> None:
    """A gap, then another id."""
    actor = Actor(key="a", acts=(Pick(product=SOUP), Leave()), enter_s=0.5, restart_id_at_s=9.0)
    made = simulate(kiosk, _script(actor), floor=kiosk_floor)
    (visit,) = made.visits
    assert len(visit.ids) == 2
    seen: dict[str, list[float]] = {}
    for signal in made.signals:
        for person in signal.people if isinstance(signal, PoseFrame) else ():
            seen.setdefault(person.track_id, []).append((signal.at_ns - made.script.start_ns) / 1e9)
    assert max(seen[visit.ids[0]]) < min(seen[visit.ids[1]]) - 0.7


def test_nobody_may_wait_for_everybody(kiosk: Store, kiosk_floor: Floor) -> None:
    """A script that cannot go on is an error of its author, with the acts that wait."""
    stuck = Actor(key="a", acts=(Pick(product=SOUP, after="never"), Leave()), enter_s=0.5)
    with pytest.raises(ValueError, match="everybody waits"):
        simulate(kiosk, _script(stuck), floor=kiosk_floor)


def test_people_do_not_walk_through_each_other(kiosk: Store, kiosk_floor: Floor) -> None:
    """Two who cross the shop towards each other keep an arm's length apart; without the other they would not."""
    over = Actor(key="a", acts=(Go(x_m=5.0, y_m=0.7, at_s=6.0),), start=(0.8, 0.7))
    back = Actor(key="b", acts=(Go(x_m=0.8, y_m=0.7, at_s=6.0),), start=(5.0, 0.7))
    made = simulate(kiosk, _script(over, back), floor=kiosk_floor)
    apart = [
        float(np.hypot(*(a.joints_m[1, :2] - b.joints_m[1, :2])))
        for signal in made.signals
        if isinstance(signal, PoseFrame) and len(signal.people) == 2
        for a, b in [signal.people]
    ]
    assert 0.25 < np.nanmin(apart) < 1.0
