"""Hands at plates that do not weigh, and changes across gaps: told once, by whose hand, and not without need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.perception import WARM_NS, Perception
from jwo_cli.estimate.signals import Awaited, PoseFrame, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.codec import decode, encode
from jwo_cli.model.layout import Facing, Store
from jwo_cli.model.observations import Observation, TrackEnded, UnweighedReach, WeightChanged
from tests.estimate.people import figures
from tests.estimate.test_perception import arriving

SECONDS = 16.0


def stocked() -> Store:
    """A facing on every plate."""
    facings = tuple(Facing(product_id=f"goods{n}", plates=(figures.plate(n),)) for n in range(12))
    return replace(figures.store(gates=(figures.DOOR,)), facings=facings)


def perceive(
    poses: Sequence[PoseFrame], weights: Sequence[WeightBatch], *, awaited: Sequence[Awaited] = (), prompt: bool = False
) -> list[Observation]:
    """What a day in the stocked store comes to."""
    perception = Perception(stocked(), recording_id="r", awaited=awaited, prompt=prompt)
    out = [observation for signal in arriving(poses, weights) for observation in perception.feed(signal)]
    return [*out, *perception.close()]


def broken(weights: Sequence[WeightBatch], number: int, from_s: float, value: float) -> list[WeightBatch]:
    """One plate gives always the same (NaN: nothing) from some time on."""
    out = []
    for batch in weights:
        grams = batch.grams.copy()
        times = batch.end_ns - np.arange(len(grams) - 1, -1, -1) * 1e9 / batch.rate_hz
        grams[times >= figures.at_ns(from_s), number] = value
        out.append(replace(batch, grams=grams))
    return out


def reached(observations: Sequence[Observation]) -> list[UnweighedReach]:
    """The reaches that no scale felt."""
    return [o for o in observations if isinstance(o, UnweighedReach)]


@pytest.mark.parametrize(("from_s", "value"), [(0.0, 0.0), (4.0, 512.25), (0.0, np.nan)], ids=["dead", "stuck", "nan"])
def test_a_hand_at_a_plate_that_does_not_weigh_is_told(from_s: float, value: float) -> None:
    """Whose, when, where: 0.6 to 0.95 sure, though something was taken that no scale felt."""
    poses = figures.frames({"a": figures.taker(3, 6.0), "b": figures.taker(9, 20.0)}, SECONDS)
    (reach,) = reached(perceive(poses, broken(figures.weights(SECONDS, {}), 3, from_s, value)))
    assert (reach.track_id, reach.plates[0]) == ("a", figures.plate(3))
    assert 0.6 < reach.probability < 0.95
    assert abs(reach.at_ns - figures.at_ns(6.0)) < 0.6e9
    assert reach.begin_ns <= reach.at_ns <= reach.end_ns


def test_it_is_told_when_the_fault_is_known_only_afterwards() -> None:
    """A plate is seen to be stuck two seconds after it stopped; the hand had been there by then."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, SECONDS)
    (reach,) = reached(perceive(poses, broken(figures.weights(SECONDS, {}), 3, 5.3, 512.25)))
    assert reach.plates[0] == figures.plate(3)


def test_plates_that_weigh_need_no_telling() -> None:
    """Healthy scales that felt nothing say that nothing was taken."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, SECONDS)
    assert reached(perceive(poses, figures.weights(SECONDS, {}))) == []


def test_a_change_beside_explains_the_hand() -> None:
    """What the next plate felt is what the hand did."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, SECONDS)
    out = perceive(poses, broken(figures.weights(SECONDS, {3: (6.0, -300.0)}), 4, 0.0, 0.0))
    assert reached(out) == []
    assert len([o for o in out if isinstance(o, WeightChanged)]) == 1


def test_a_part_of_a_thing_explains_no_hand() -> None:
    """Goods of 300 g stand on plates 3 and 4: 120 g gone from one, while the other is dead, is not all of it."""
    goods = Product(product_id="goods", name="Goods", price_minor=100, unit_mass_g=300.0)
    facing = Facing(product_id="goods", plates=(figures.plate(3), figures.plate(4)))
    store = replace(figures.store(), facings=(facing,), catalogue=Catalogue(currency="EUR", products=(goods,)))
    poses = figures.frames({"a": figures.taker(4, 6.0)}, SECONDS)
    told = {}
    for grams in (-120.0, -300.0):
        perception = Perception(store, recording_id="r")
        weights = broken(figures.weights(SECONDS, {3: (6.0, grams)}), 4, 0.0, 0.0)
        out = [o for signal in arriving(poses, weights) for o in perception.feed(signal)]
        told[grams] = len(reached([*out, *perception.close()]))
    assert told == {-120.0: 1, -300.0: 0}


@pytest.mark.parametrize(
    "person",
    [
        lambda t: figures.figure(0.35, -1.2),
        lambda t: figures.figure(-1.0 + 0.3 * t, -0.35),
        lambda t: figures.figure(0.35, -0.1 - 0.02),
    ],
    ids=["far away", "walking past", "arms hanging at the shelf"],
)
def test_who_does_not_reach_is_not_told(person: Callable[[float], figures.Joints]) -> None:
    """Standing about and walking past a dead plate mean nothing."""
    poses = figures.frames({"a": person}, SECONDS)
    out = perceive(poses, broken(figures.weights(SECONDS, {}), 3, 0.0, 0.0))
    assert [reach for reach in reached(out) if reach.probability > 0.3] == []


def test_each_dwell_is_told_once() -> None:
    """Two reaches to the same dead plate are two, however the stretches of blindness are cut."""

    def where(t: float) -> figures.Joints:
        return figures.taker(3, 6.0)(t) if t < 8.0 else figures.taker(3, 10.5)(t)

    poses = figures.frames({"a": where}, SECONDS)
    times = [r.at_ns for r in reached(perceive(poses, broken(figures.weights(SECONDS, {}), 3, 0.0, 0.0)))]
    assert len(times) == 2
    assert times[1] - times[0] == pytest.approx(4.5e9, abs=0.6e9)


@pytest.mark.parametrize("size", [6, 24, 60])
def test_how_the_scales_batch_changes_nothing(size: int) -> None:
    """The same samples in other messages tell the same reach."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, SECONDS)
    told = [reached(perceive(poses, broken(figures.weights(SECONDS, {}, size=n), 3, 0.0, 0.0))) for n in (12, size)]
    assert told[0] == told[1] != []


def test_a_reach_just_before_the_recording_ends_comes_before_its_owner_leaves() -> None:
    """Whoever settles a visit when its track ends has heard of everything that was done before."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, 8.0)
    kinds = [type(o) for o in perceive(poses, broken(figures.weights(8.0, {}), 3, 0.0, 0.0))]
    assert kinds.index(UnweighedReach) < kinds.index(TrackEnded)


def test_a_device_that_fell_silent_is_blind_as_a_whole() -> None:
    """No message any more from 4 s on: the hand at 6 s is told, with the plates it fits."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, 24.0)
    weights = [batch for batch in figures.weights(24.0, {}) if batch.end_ns < figures.at_ns(4.0)]
    (reach,) = reached(perceive(poses, weights))
    assert reach.plates[0] == figures.plate(3)


AWAITED = Awaited(device_id="f", heard_ns=figures.START_NS)


def test_a_device_that_was_never_heard_is_blind_as_a_whole() -> None:
    """Awaited and silent: the hand is told as it is where the device had stopped; unknown, it is not missed."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, 24.0)
    stopped = [batch for batch in figures.weights(24.0, {}) if batch.end_ns < figures.at_ns(4.0)]
    assert reached(perceive(poses, [], awaited=[AWAITED])) == reached(perceive(poses, stopped)) != []
    assert reached(perceive(poses, [])) == []


def test_a_device_that_is_awaited_holds_back_what_is_told_from_the_first_picture_on() -> None:
    """Until it is given up what happens there may still be told: a run that is cut off then begins before it."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, 24.0)
    told_s = {}
    for known in (True, False):
        perception = Perception(stocked(), recording_id="r", awaited=[AWAITED] if known else ())
        for pose in poses:
            if pose.at_ns <= figures.at_ns(8.0):
                perception.feed(pose)
        told_s[known] = (perception.untold_ns() + WARM_NS - figures.START_NS) / 1e9
    assert told_s == pytest.approx({True: 0.0, False: 4.0}, abs=0.2)


@pytest.mark.parametrize("from_s", [7.0, 12.0, 18.0])
def test_what_was_done_before_a_device_spoke_first_is_told(from_s: float) -> None:
    """However soon: there is no level from before that would tell it."""
    poses = figures.frames({"a": figures.taker(3, 6.0), "b": figures.taker(9, 20.0)}, 24.0)
    spoken = [batch for batch in figures.weights(24.0, {}) if batch.end_ns > figures.at_ns(from_s)]
    (reach,) = reached(perceive(poses, spoken, awaited=[AWAITED]))
    assert (reach.track_id, reach.plates[0]) == ("a", figures.plate(3))


@pytest.mark.parametrize("stops_s", [5.0, 9.0, 11.0, 13.0])
@pytest.mark.parametrize("out_s", [16.0, 18.0, 21.0])
@pytest.mark.parametrize("prompt", [True, False], ids=["live", "in turn"])
def test_nobody_has_left_before_it_is_told_what_they_did_where_nothing_weighed(
    stops_s: float, out_s: float, prompt: bool
) -> None:
    """The scale stopped, something was taken at 14 s, and its taker is out of the door, or not seen, soon after."""

    def where(t: float) -> figures.Joints | None:
        if t < 15.0:
            return figures.taker(3, 14.0)(t)
        way = min((t - 15.0) / (out_s - 15.3), 1.0)
        return figures.figure(0.35 + 3.15 * way, -0.5 - 2.8 * way) if t < out_s else None

    poses = figures.frames({"a": where}, 40.0)
    stopped = [batch for batch in figures.weights(40.0, {}) if batch.end_ns < figures.at_ns(stops_s)]
    kinds = [type(one) for one in perceive(poses, stopped, prompt=prompt)]
    assert kinds.index(UnweighedReach) < kinds.index(TrackEnded)


def test_a_change_across_a_gap_belongs_to_whoever_reached_meanwhile() -> None:
    """The levels tell what left, the hands when: three seconds of messages are missing around the take."""
    poses = figures.frames({"a": figures.taker(3, 6.0), "b": figures.taker(9, 6.5)}, SECONDS)
    whole = figures.weights(SECONDS, {3: (6.0, -300.0)})
    weights = [b for b in whole if not figures.at_ns(4.0) < b.end_ns < figures.at_ns(7.5)]
    out = perceive(poses, weights)
    (change,) = [o for o in out if isinstance(o, WeightChanged)]
    assert change.plates[0].delta_g == pytest.approx(-300.0, abs=2.0)
    assert change.reaches[0].track_id == "a"
    assert change.reaches[0].log_likelihood > 2.0 > change.reaches[1].log_likelihood
    assert reached(out) == []


def test_it_survives_the_journal() -> None:
    """Encoded and decoded it is the same."""
    reach = UnweighedReach(at_ns=2, begin_ns=1, end_ns=3, plates=("a", "b"), track_id="t", probability=0.7)
    assert decode(UnweighedReach, encode(reach)) == reach
