"""Whoever sends it: a plate weighs once, by the word of whoever told of it first and did not fall silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from jwo_cli.estimate.signals import Awaited, WeightBatch
from jwo_cli.estimate.weight import WeightFront
from jwo_cli.estimate.weight.events import Event
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from tests.estimate.weight.told import changes, faults, seconds, sums, two_picks
from tests.estimate.weight.traces import START_NS, store_of

Sent = Callable[[WeightBatch], Iterable[WeightBatch]]
D1 = (Awaited(device_id="d1", heard_ns=START_NS),)


def by(batch: WeightBatch, sender: str, first: int = 0, last: int = 8) -> WeightBatch:
    """These columns of a message, as another device sends them."""
    return dataclasses.replace(
        batch, device_id=sender, channels=batch.channels[first:last], grams=batch.grams[:, first:last]
    )


def of(batch: WeightBatch, scale: str) -> WeightBatch:
    """The same weights on the plates of another scale."""
    return dataclasses.replace(batch, channels=tuple(name.replace("d1", scale) for name in batch.channels))


def two_scales() -> Store:
    """Two fixtures of eight plates, each on its own scale."""
    return dataclasses.replace(store_of(8), fixtures=(*store_of(8).fixtures, *store_of(8, device="d2").fixtures))


def told(
    sent: Sent, store: Store | None = None, awaited: Sequence[Awaited] = D1, batches: Iterable[WeightBatch] = ()
) -> tuple[list[Event], list[tuple[float, float]]]:
    """What the front end tells of what was sent, and the stretches in which plates did not weigh."""
    front = WeightFront(store or store_of(8), awaited=awaited)
    events: list[Event] = []
    for batch in batches or two_picks():
        for one in sent(batch):
            events += front.feed(one)
        events += front.advance(batch.end_ns)
    blind = [(seconds(one.at_ns), seconds(one.until_ns)) for one in front.take_blind()]
    return events + list(front.close()), [(at_s, until_s) for at_s, until_s in blind if until_s - at_s > 0.4]


OWN, _ = told(lambda batch: [batch])


@pytest.mark.parametrize(
    "sent",
    [
        lambda batch: [by(batch, "edge")],
        lambda batch: [by(batch, "edge", 0, 4), by(batch, "edge", 4, 8)],
        lambda batch: [by(batch, "x", 0, 4), by(batch, "y", 4, 8)],
        lambda batch: [by(batch, "d1", 0, 4), by(batch, "d1", 4, 8)],
    ],
    ids=["a gateway", "a gateway, board by board", "a device for each board", "the scale, board by board"],
)
@pytest.mark.parametrize("awaited", [D1, ()], ids=["awaited", "unknown"])
def test_the_same_weights_are_the_same_changes_whoever_sends_them(sent: Sent, awaited: Sequence[Awaited]) -> None:
    """All at once or in parts: the same times and grams, nothing blind, no trouble."""
    events, blind = told(sent, awaited=awaited)
    assert (events, blind) == (OWN, [])
    assert sums(events) == [-120, -300, 120]


def test_one_name_with_a_message_for_each_scale_is_as_two_devices() -> None:
    """Same stamps, different plates: each scale's changes at their times."""
    awaited = [Awaited(device_id=name, heard_ns=START_NS) for name in ("d1", "d2")]
    own, _ = told(lambda batch: [batch, by(of(batch, "d2"), "d2")], two_scales(), awaited)
    one_name, blind = told(lambda batch: [by(batch, "edge"), by(of(batch, "d2"), "edge")], two_scales(), awaited)
    assert (one_name, blind) == (own, [])
    assert len(changes(own)) == 6


def test_one_message_for_all_scales_that_is_lost_is_a_hole_and_no_clock() -> None:
    """Nothing of that sender came meanwhile: its other scales' messages do not tell that nothing can be lost."""
    awaited = [Awaited(device_id=name, heard_ns=START_NS) for name in ("d1", "d2")]

    def sent(batch: WeightBatch) -> list[WeightBatch]:
        both = dataclasses.replace(
            batch,
            device_id="edge",
            channels=(*batch.channels, *of(batch, "d2").channels),
            grams=batch.grams.repeat(2, axis=1)[:, [*range(0, 16, 2), *range(1, 16, 2)]],
        )
        return [] if 9.9 < seconds(batch.end_ns) < 10.1 else [both]

    events, _ = told(sent, two_scales(), awaited)
    assert faults(events, FaultKind.CLOCK) == []
    assert {fault.device_id for fault in faults(events, FaultKind.GAP)} == {"d1", "d2"}
    assert len(changes(events)) == 6


def test_a_lost_message_of_one_scale_is_a_hole_though_the_gateway_speaks_for_another() -> None:
    """A message for each scale: the others tell nothing of what is lost between the gateway and the store."""
    awaited = [Awaited(device_id=name, heard_ns=START_NS) for name in ("d1", "d2")]

    def sent(batch: WeightBatch) -> list[WeightBatch]:
        first = [] if 9.9 < seconds(batch.end_ns) < 10.1 else [by(batch, "edge")]
        return [*first, by(of(batch, "d2"), "edge")]

    events, _ = told(sent, two_scales(), awaited)
    assert faults(events, FaultKind.CLOCK) == []
    assert {fault.device_id for fault in faults(events, FaultKind.GAP)} == {"d1"}
    assert len(changes(events)) == 6


def cut_otherwise(batches: Sequence[WeightBatch]) -> dict[int, WeightBatch]:
    """The same samples, five messages in one, by the time at which the last of them is sent."""
    out = {}
    for index in range(4, len(batches), 5):
        grams = np.concatenate([batch.grams for batch in batches[index - 4 : index + 1]])
        out[batches[index].end_ns] = dataclasses.replace(batches[index], grams=grams)
    return out


@pytest.mark.parametrize("first", ["d1", "edge"])
@pytest.mark.parametrize("whole", [True, False], ids=["same messages", "other messages"])
def test_what_two_devices_tell_of_the_same_plates_counts_once(first: str, whole: bool) -> None:
    """Also where they cut it otherwise; it is told, as the fault of whoever speaks for another."""
    second = {"d1": "edge", "edge": "d1"}[first]
    batches = two_picks()
    longer = cut_otherwise(batches)

    def sent(batch: WeightBatch) -> list[WeightBatch]:
        others = batch if whole else longer.get(batch.end_ns)
        return [by(batch, first), *([] if others is None else [by(others, second)])]

    events, blind = told(sent, batches=batches)
    doubles = faults(events, FaultKind.DUPLICATE)
    assert [event for event in events if event not in doubles] == OWN
    assert blind == []
    assert {fault.device_id for fault in doubles} == {"edge"}
    assert doubles[0].until_ns == doubles[0].at_ns  # begins, and is told at once


@pytest.mark.parametrize(("before", "after"), [("d1", "edge"), ("edge", "d1"), ("x", "y")])
def test_who_falls_silent_is_followed_by_whoever_else_tells(before: str, after: str) -> None:
    """Five seconds are blind, whether both spoke until then or not; then the plates weigh, and nobody is silent."""
    events, blind = told(lambda batch: [by(batch, before if seconds(batch.end_ns) < 3.0 else after)])
    assert sums(events) == [-300, 120]
    assert faults(events, FaultKind.GAP) == []
    assert (blind[0][0], blind[-1][1]) == (pytest.approx(3.0, abs=0.3), pytest.approx(8.0, abs=0.3))


def test_levels_of_one_sender_are_not_held_against_anothers() -> None:
    """A gateway that counts from another zero, and other samples a second: no plate grew lighter by that."""

    def sent(batch: WeightBatch) -> list[WeightBatch]:
        if seconds(batch.end_ns) < 3.0:
            return [batch]
        slow = by(batch, "edge")
        return [dataclasses.replace(slow, grams=slow.grams[::2] - 400.0, rate_hz=batch.rate_hz / 2)]

    events, _ = told(sent)
    assert sums(events) == [-300, 120]


@pytest.mark.parametrize(("from_s", "silent_s"), [(0.0, []), (13.0, [(0.0, 0.0), (0.0, 13.2)])])
def test_whoever_speaks_for_an_awaited_scale_that_is_never_heard_takes_its_plates_over(
    from_s: float, silent_s: list[tuple[float, float]]
) -> None:
    """An edge machine by its own name, at once or late: from then on nothing is blind, until it falls silent itself."""
    front = WeightFront(store_of(8), awaited=[Awaited(device_id="d1", heard_ns=START_NS)])
    told: list[Event] = []
    for batch in two_picks():
        if seconds(batch.end_ns) > from_s:
            told += front.feed(dataclasses.replace(batch, device_id="edge"))
        told += front.advance(batch.end_ns)
    blind = front.take_blind()
    gaps = [fault for fault in faults(told, FaultKind.GAP) if fault.note == "silent"]
    assert [(round(seconds(one.at_ns)), round(seconds(one.until_ns), 1)) for one in gaps] == silent_s
    assert {fault.device_id for fault in gaps} <= {"d1"}
    assert [seconds(one.until_ns) for one in blind if seconds(one.until_ns) > from_s + 0.2] == []
    assert len(front.plates_of("d1")) == 8
    told += front.advance(two_picks()[-1].end_ns + 8_000_000_000)
    assert sums(told)[-1:] == [120]
    assert {plate for one in front.take_blind() for plate in one.plates} == set(front.plates_of("d1"))


def test_plates_of_which_a_gateway_says_nothing_are_missed_one_by_one() -> None:
    """It tells of six of eight: two are silent, the scale is not, and they weigh when the scale speaks of them."""
    front, events = WeightFront(store_of(8), awaited=D1), list[Event]()
    for batch in two_picks():
        events += [*front.feed(by(batch, "edge", 0, 6)), *front.advance(batch.end_ns)]
    blind = [one for one in front.take_blind() if one.until_ns - one.at_ns > 400_000_000]
    missed = {"d1.s1.p7", "d1.s1.p8"}
    assert {plate for one in blind for plate in one.plates} == missed
    assert {fault.device_id for fault in faults(events, FaultKind.GAP)} == missed
    assert front.silent_of(frozenset(missed)) is not None
    front.feed(by(two_picks()[-1], "d1", 6, 8))
    assert front.silent_of(frozenset(missed)) is None
