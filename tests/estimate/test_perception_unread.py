"""An antenna that is not heard among the other sensors: who was near is told, and what left belongs to them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import Signal, TagRead
from jwo_cli.model.layout import Facing, Store
from jwo_cli.model.observations import (
    DeviceFaulted,
    Observation,
    TagChanged,
    TagState,
    TrackEnded,
    TrackStarted,
    UnreadStay,
)
from tests.estimate.people import figures
from tests.estimate.radio import mixed, reads
from tests.estimate.test_perception_tags import EPC, Where, captured, gone, perceive, store

WINE = [f"3034257BF7194E4000001A{number:02X}" for number in range(0x10, 0x14)]
DEAF, BACK = 50.0, 60.0


def hung(until: float = 90.0, *, taken: bool = False, deaf: float = DEAF, back: float = BACK) -> list[TagRead]:
    """Wine hangs in the field; nothing is read between `deaf` and `back`, in which a bottle may have left."""
    before = [reads(tag, 0, deaf) for tag in (*WINE, EPC)]
    left = WINE if taken else [*WINE, EPC]
    return mixed(*before, *(reads(tag, back, until) for tag in left if back < until))


def at(*spans: tuple[float, float], out: float = 999.0) -> Where:
    """Before the rail in these seconds, else across the room; not in view any more from `out` on."""

    def where(t: float) -> figures.Joints | None:
        there = any(begin <= t < end for begin, end in spans)
        return None if t >= out else figures.figure(0.6, -0.6) if there else figures.figure(3.5, -2.5)

    return where


def stays(out: Sequence[Observation]) -> list[tuple[str, float, float, bool]]:
    """Who, from when, until when, and whether the tags were known."""
    return [
        (one.track_id, round((one.at_ns - figures.START_NS) / 1e9), round((one.until_ns - figures.START_NS) / 1e9),
         one.tags_known)
        for one in out if isinstance(one, UnreadStay)
    ]  # fmt: skip


def test_who_is_near_while_nothing_is_read_is_told() -> None:
    """Ann from 52 s to 56 s, Bob across the room, Cid after it."""
    people = {"ann": at((52, 56)), "bob": at(), "cid": at((65, 70))}
    out = perceive(store(facing=False), list(figures.frames(people, 90.0)), hung())
    assert stays(out) == [("ann", 52, 56, True)]
    kinds = [type(one) for one in out if isinstance(one, UnreadStay | DeviceFaulted)]
    assert kinds == [DeviceFaulted, UnreadStay, DeviceFaulted]


def test_where_all_goods_stand_on_plates_nobody_is_told() -> None:
    """The scales know."""
    out = perceive(store(), list(figures.frames({"ann": at((52, 56))}, 90.0)), hung())
    assert stays(out) == []


def test_what_left_in_a_silence_belongs_to_who_was_there_and_not_to_who_stood_there_before() -> None:
    """Bob stands there until 49 s, Ann from 52 s to 57 s, and the wine is gone when the antenna is heard again."""
    people = {"ann": at((52, 57)), "bob": at((30, 47)), "cid": at()}
    change = gone(perceive(store(facing=False), list(figures.frames(people, 90.0)), hung(taken=True)))
    assert abs(change.at_ns - figures.at_ns(DEAF)) < 0.5e9
    assert abs(change.until_ns - figures.at_ns(BACK)) < 0.5e9
    scores = {reach.track_id: reach.log_likelihood for reach in change.reaches}
    assert scores["ann"] > 0.5
    assert scores["bob"] == scores["cid"] == -7.0


def test_who_was_there_and_left_is_named_with_those_who_are_still_there() -> None:
    """Eve was there for five seconds and is out of view since; two minutes later the antenna is heard again."""
    people = {"ann": at((150, 160)), "eve": at((52, 57), out=62.0)}
    change = gone(
        perceive(store(facing=False), list(figures.frames(people, 200.0)), hung(200.0, taken=True, back=170.0))
    )
    scores = {reach.track_id: reach.log_likelihood for reach in change.reaches}
    assert scores["ann"] > scores["eve"] > -3.0


def test_a_facing_in_a_silence_is_judged_by_hands_at_any_moment_of_it() -> None:
    """The wine stands on plate 3: Ann reached there in the silence, Bob before it; the floor where nobody knows."""
    ann, bob = figures.taker(3, 54.0), figures.taker(3, 40.0)
    people = {
        "ann": lambda t: ann(t) if 52 < t < 56 else figures.figure(3.5, -2.5),
        "bob": lambda t: bob(t) if 38 < t < 41 else figures.figure(3.0, -2.5),
    }
    change = gone(perceive(store(), list(figures.frames(people, 90.0)), hung(taken=True)))
    scores = {reach.track_id: reach.log_likelihood for reach in change.reaches}
    assert scores["ann"] > 1.0
    assert scores["bob"] < 0.0


@pytest.mark.parametrize("size", [1, 7])
def test_how_signals_are_cut_does_not_matter(size: int) -> None:
    """The same weights in batches of 1, 7 or 12: the same stays and departures, in the same order."""
    people = {"ann": at((52, 55), (58.5, 63)), "bob": at((40, 53))}
    poses = list(figures.frames(people, 90.0))

    def told(batch: int) -> list[Observation]:
        out = perceive(store(facing=False), poses, list(figures.weights(90.0, {}, size=batch)), hung(taken=True))
        return [one for one in out if isinstance(one, UnreadStay | TagChanged | DeviceFaulted | TrackEnded)]

    assert told(size) == told(12)
    assert len(stays(told(12))) == 3


# -- in a running store ------------------------------------------------------------------------------------------------


def running(shop: Store, *streams: Sequence[Signal]) -> list[Observation]:
    """What a running store tells, without the end of its day."""
    perception = Perception(shop, recording_id="r", prompt=True)
    return [one for signal in heapq.merge(*streams, key=captured) for one in perception.feed(signal)]


def walks_out(near: tuple[float, float], out_s: float) -> Where:
    """Before the rail, then straight out of the door."""

    def where(t: float) -> figures.Joints | None:
        if t < near[0]:
            return figures.figure(3.5, -2.5)
        if t < near[1]:
            return figures.figure(0.6, -0.6)
        way = min((t - near[1]) / (out_s - near[1] - 0.3), 1.0)
        return figures.figure(0.6 + 2.9 * way, -0.6 - 2.8 * way) if t < out_s else None

    return where


@pytest.mark.parametrize(("near", "out_s"), [((51.0, 54.0), 58.0), ((48.0, 52.0), 54.0), ((48.0, 52.0), 52.5)])
def test_a_stay_is_told_before_who_was_there_has_left(near: tuple[float, float], out_s: float) -> None:
    """The antenna falls silent for good at 50 s; they are out of the door seconds later. Its gap is told by then."""
    out = running(
        store(facing=False), list(figures.frames({"ann": walks_out(near, out_s)}, 80.0)), hung(80.0, back=99.0)
    )  # fmt: skip
    kinds = [type(one) for one in out if isinstance(one, TrackStarted | DeviceFaulted | UnreadStay | TrackEnded)]
    assert kinds == [TrackStarted, DeviceFaulted, UnreadStay, TrackEnded]


@pytest.mark.parametrize(("deaf", "expected"), [(52.0, [("ann", False)]), (99.0, [])])
def test_who_leaves_before_an_antenna_that_reads_seldom_can_be_missed_is_told(
    deaf: float, expected: list[tuple[str, bool]]
) -> None:
    """Two tags, each read every three seconds: its silence is noticed after ten, and they are out after three.

    Nobody knows yet that it is one, so it is its reader's word that counts.
    """
    seldom = mixed(*(reads(tag, 0, min(deaf, 80.0), hz=0.35) for tag in (EPC, WINE[0])))
    out = running(store(facing=False), list(figures.frames({"ann": walks_out((49.0, 53.0), 54.5)}, 80.0)), seldom)
    before = out[: next(i for i, one in enumerate(out) if isinstance(one, TrackEnded))]
    assert not any(isinstance(one, DeviceFaulted) and one.at_ns > figures.at_ns(45.0) for one in before)
    assert [(who, known) for who, _, _, known in stays(before)] == expected


def test_an_antenna_that_was_never_heard_is_not_heard_from_the_first_moment() -> None:
    """Its tags are not known; in a recording that is of no run nobody knows whether it was there."""
    people = {"ann": walks_out((5.0, 9.0), 12.0)}
    poses = list(figures.frames(people, 30.0))
    assert stays(running(store(facing=False), poses)) == [("ann", 5, 9, False)]
    assert stays(perceive(store(facing=False), poses)) == []


def test_an_antenna_at_a_door_knows_of_no_goods_of_its_own() -> None:
    """A bottle is carried past it for eight seconds, and then nothing is read: who comes later is near no such tags."""
    past = mixed(*(reads(tag, 20, 28) for tag in WINE))
    out = running(store(facing=False), list(figures.frames({"ann": at((40, 45))}, 60.0)), past)
    assert stays(out) == [("ann", 40, 45, False)]


def test_antennas_that_are_heard_cost_nothing() -> None:
    """No stay, however long somebody is there; nor is anything kept of them."""
    perception = Perception(store(facing=False), recording_id="r", prompt=True)
    people = list(figures.frames({"ann": at((0, 60))}, 60.0, begin=1.0))
    out = [
        one for signal in heapq.merge(people, hung(62.0, deaf=62.0), key=captured) for one in perception.feed(signal)
    ]
    assert any(isinstance(one, TagChanged) and one.state is TagState.PRESENT for one in out)
    assert stays(out) == []


def test_each_antenna_is_heard_by_itself() -> None:
    """The second one, across the room, was never heard: who is at the first one is not near it."""
    shop = store(facing=False)
    far = replace(shop.antennas[0], antenna_id="far", pose=replace(shop.antennas[0].pose, x_m=3.5, y_m=-2.5))
    shop = replace(shop, antennas=(*shop.antennas, far), facings=(Facing(product_id="x", plates=()),))
    people = {"ann": at((0, 60)), "bob": at()}
    out = running(shop, list(figures.frames(people, 58.0, begin=1.0)), hung(62.0, deaf=62.0))
    assert [one.track_id for one in out if isinstance(one, UnreadStay)] == []  # bob is still there
    perception = Perception(shop, recording_id="r", prompt=True)
    for signal in heapq.merge(list(figures.frames(people, 58.0, begin=1.0)), hung(62.0, deaf=62.0), key=captured):
        perception.feed(signal)
    assert [(who, known) for who, _, _, known in stays(perception.close())] == [("bob", False)]
