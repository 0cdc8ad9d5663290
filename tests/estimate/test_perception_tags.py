"""Antennas among the other sensors, or alone: who was there when a tag left."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import Signal, TagRead, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Antenna, Facing, Pose, Store
from jwo_cli.model.observations import (
    Observation,
    StoreClosed,
    StoreOpened,
    TagChanged,
    TagState,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from tests.estimate.people import figures
from tests.estimate.radio import mixed, reads, shelf

EPC = "3034257BF7194E4000001A85"
TAKEN = 14.0
Where = Callable[[float], figures.Joints | None]


def store(*, facing: bool = True) -> Store:
    """The little store with an antenna above its shelf; the tagged product stands on plate 3 or on no plate at all."""
    product = Product(product_id="80614141123458", name="Wine", price_minor=900, unit_mass_g=300.0)
    return replace(
        figures.store(gates=(figures.DOOR,)),
        antennas=(Antenna(antenna_id="ant", pose=Pose(x_m=0.6, y_m=0.0, z_m=2.2), range_m=1.2),),
        facings=(Facing(product_id="80614141123458", plates=(figures.plate(3),) if facing else ()),),
        catalogue=Catalogue(currency="EUR", products=(product,)),
    )


def captured(signal: Signal) -> int:
    """When it was measured."""
    return signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns


def perceive(shop: Store, *streams: Sequence[Signal]) -> list[Observation]:
    """Streams arrive merged by time of capture."""
    perception = Perception(shop, recording_id="r")
    out = [o for signal in heapq.merge(*streams, key=captured) for o in perception.feed(signal)]
    return [*out, *perception.close()]


def radio(until: float, taken: float = TAKEN) -> Sequence[Signal]:
    """Five tags that stay, and the wine that leaves."""
    return mixed(shelf(5, 0, until), reads(EPC, 0, taken))


def gone(out: list[Observation]) -> TagChanged:
    """The one departure."""
    (one,) = [o for o in out if isinstance(o, TagChanged) and o.state is TagState.GONE]
    return one


def shift(where: Callable[[float], figures.Joints], x: float, y: float) -> Where:
    """Somebody else, who does the same elsewhere."""
    return lambda t: where(t) + np.array([x, y, 0.0], np.float32)


def test_tags_alone_are_a_store_too() -> None:
    """RFID only: tags come and go, nobody is named."""
    out = perceive(store(), radio(30.0))
    assert [type(o) for o in out[:3]] == [StoreOpened, TagChanged, TagChanged]
    assert isinstance(out[-1], StoreClosed)
    assert gone(out).reaches == ()
    assert abs(gone(out).at_ns - figures.at_ns(TAKEN)) < 0.5e9


def test_the_hand_at_the_facing_took_it() -> None:
    """A reaches for plate 3 when the tag leaves, b for plate 10, c stands across the room."""
    people = {
        "a": figures.taker(3, TAKEN), "b": figures.taker(10, TAKEN), "c": shift(figures.taker(3, TAKEN), 1.0, -2.0),
    }  # fmt: skip
    change = gone(perceive(store(), list(figures.frames(people, 30.0)), radio(30.0)))
    assert [reach.track_id for reach in change.reaches] == ["a", "b", "c"]
    near, beside, far = (reach.log_likelihood for reach in change.reaches)
    assert near - beside > 1.0
    assert near - far > 7.0
    assert change.reaches[0].hand_m is not None
    assert change.reaches[0].hand_m < 0.2


def test_without_plates_whoever_stands_in_the_field_may_have_taken_it() -> None:
    """The product has no facing: a and b in the field are equal, c is not in it."""
    people = {
        "a": figures.taker(3, TAKEN), "b": figures.taker(8, TAKEN), "c": shift(figures.taker(3, TAKEN), 2.5, -2.0),
    }  # fmt: skip
    change = gone(perceive(store(facing=False), list(figures.frames(people, 30.0)), radio(30.0)))
    scores = {reach.track_id: reach.log_likelihood for reach in change.reaches}
    assert scores["a"] == scores["b"] > 0 > scores["c"]


def test_a_departure_is_told_before_its_taker_has_left() -> None:
    """A takes the wine at 14 s and is gone from view at 16 s: first the tag, then the end of the track."""

    def leaving(t: float) -> figures.Joints | None:
        return figures.taker(3, TAKEN)(t) if t < 16.0 else None

    out = perceive(store(), list(figures.frames({"a": leaving}, 40.0)), radio(40.0))
    kinds = [type(o) for o in out if isinstance(o, TagChanged | TrackStarted | TrackEnded)]
    assert kinds == [TrackStarted, TagChanged, TagChanged, TrackEnded]


def test_the_scale_is_told_before_the_antenna() -> None:
    """One take, two witnesses: the weight change comes first, so that the tag can confirm it."""
    out = perceive(
        store(), list(figures.frames({"a": figures.taker(3, TAKEN)}, 30.0)),
        list(figures.weights(30.0, {3: (TAKEN, -300.0)})), radio(30.0),
    )  # fmt: skip
    kinds = [type(o) for o in out if isinstance(o, WeightChanged) or (isinstance(o, TagChanged) and o == gone(out))]
    assert kinds == [WeightChanged, TagChanged]


@pytest.mark.parametrize("size", [1, 5, 60])
def test_sizes_of_batches_do_not_matter(size: int) -> None:
    """The same samples in batches of 1, 5 or 60: the same departures and weight changes in the same order."""
    poses = list(figures.frames({"a": figures.taker(3, TAKEN)}, 24.0))

    def told(batch: int) -> list[Observation]:
        samples = list(figures.weights(24.0, {3: (TAKEN, -300.0)}, size=batch))
        out = perceive(store(), poses, samples, radio(24.0))
        return [o for o in out if isinstance(o, TagChanged | WeightChanged)]

    assert told(size) == told(12)


def test_disordered_and_repeated_reads_change_nothing() -> None:
    """Reads that arrive up to two seconds late, some twice."""
    poses = list(figures.frames({"a": figures.taker(3, TAKEN)}, 30.0))
    stream = [read for read in radio(30.0) if isinstance(read, TagRead)]
    rng = np.random.default_rng(5)
    late = sorted(stream + stream[::9], key=lambda read: read.at_ns + int(rng.integers(0, 2_000_000_000)))
    perception = Perception(store(), recording_id="r")
    out: list[Observation] = []
    rest = list(poses)
    for read in late:
        while rest and rest[0].at_ns <= read.at_ns:
            out += perception.feed(rest.pop(0))
        out += perception.feed(read)
    for pose in rest:
        out += perception.feed(pose)
    out += perception.close()
    assert gone(out) == gone(perceive(store(), list(poses), list(stream)))


OUT_S = 22.0


def leaves_at(out_s: float, *, takes: bool = True) -> Where:
    """Takes the wine at 14 s, or only stands there; leaves the shelf at 15 s and is out of the door at `out_s`."""

    def where(t: float) -> figures.Joints | None:
        if t < 15.0:
            return figures.taker(3, TAKEN)(t) if takes else figures.figure(0.35, -0.5)
        way = min((t - 15.0) / (out_s - 15.3), 1.0)
        return figures.figure(0.35 + 3.15 * way, -0.5 - 2.8 * way) if t < out_s else None

    return where


def told_of_leaving(shop: Store, where: Where, radio: Sequence[Signal]) -> tuple[float, list[type]]:
    """In a running store: how long after `OUT_S` the leaving was told, and what was told before it."""
    perception = Perception(shop, recording_id="r", prompt=True)
    kinds: list[type] = []
    scales = list(figures.weights(40.0, {3: (TAKEN, -300.0)}))
    for signal in heapq.merge(list(figures.frames({"a": where}, 40.0)), scales, radio, key=captured):
        kinds += [type(one) for one in perception.feed(signal)]
        if TrackEnded in kinds:
            return (captured(signal) - figures.at_ns(OUT_S)) / 1e9, kinds
    raise AssertionError("nobody left")


def over_the_shelf(shop: Store) -> Store:
    """The antenna sees the shelf's first six plates."""
    plates = tuple(figures.plate(number) for number in range(6))
    return replace(shop, antennas=tuple(replace(antenna, plates=plates) for antenna in shop.antennas))


def test_a_running_store_waits_for_no_antenna_that_has_told_what_was_taken() -> None:
    """The tag left at 14 s and is missed by 20 s; who walks out at 22 s is told at once, after the tag."""
    late_s, kinds = told_of_leaving(over_the_shelf(store()), leaves_at(OUT_S), radio(40.0))
    assert late_s < 0.75
    assert kinds.index(WeightChanged) < len(kinds) - 1 - kinds[::-1].index(TagChanged) < kinds.index(TrackEnded)


def test_a_running_store_waits_for_no_antenna_whose_tags_were_all_read_since() -> None:
    """Nothing was taken, and each tag was read again after they had walked away: nothing is left to wait for."""
    stays = mixed(shelf(5, 0, 40.0), reads(EPC, 0, 40.0))
    late_s, kinds = told_of_leaving(over_the_shelf(store()), leaves_at(OUT_S, takes=False), stays)
    assert late_s < 0.75
    assert kinds.count(TagChanged) == 1


@pytest.mark.parametrize("before_s", [2.0, 4.0])
def test_a_running_store_waits_until_a_tag_is_missed(before_s: float) -> None:
    """Taken so long before they are outside: its absence is not certain yet, so they are told when it is."""
    taken = OUT_S - before_s
    walk = leaves_at(TAKEN + before_s)
    late_s, kinds = told_of_leaving(
        over_the_shelf(store()), lambda t: walk(t - taken + TAKEN), radio(40.0, taken=taken)
    )
    assert kinds.count(TagChanged) == 2
    assert 4.0 < late_s + before_s < 6.5
