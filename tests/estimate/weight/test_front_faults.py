"""Gaps, disorder, clocks and plates that do not weigh: what is lost is reported, what can be measured is."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from jwo_cli.estimate.signals import Awaited, WeightBatch
from jwo_cli.estimate.weight import WeightFront
from jwo_cli.estimate.weight.events import Event
from jwo_cli.model.observations import FaultKind
from tests.estimate.weight.told import changes, faults, observe, seconds, sums, two_picks
from tests.estimate.weight.traces import START_NS, store_of


def test_a_change_across_a_gap_is_found_by_its_levels() -> None:
    """Two seconds of messages are lost while the pick happens: wide times, right mass, and the gap is reported."""
    batches = [b for b in two_picks() if not 7.2 < seconds(b.end_ns) < 9.3]
    events = observe(batches)
    assert sums(events) == [-120, -300, 120]
    assert seconds(changes(events)[0].end_ns) - seconds(changes(events)[0].begin_ns) > 1.9
    (gap,) = faults(events, FaultKind.GAP)
    assert gap.count == pytest.approx(120, abs=13)


def test_disorder_and_doubles_change_nothing_but_are_reported() -> None:
    """Neighbouring messages swapped, some sent twice."""
    clean = two_picks()
    mixed = list(clean)
    for index in range(5, len(mixed) - 1, 9):
        mixed[index], mixed[index + 1] = mixed[index + 1], mixed[index]
    for index in range(60, 10, -7):
        mixed.insert(index, mixed[index - 1])
    events = observe(mixed)
    assert sums(events) == sums(observe(clean))
    assert len(faults(events, FaultKind.DISORDER)) == 1
    assert len(faults(events, FaultKind.DUPLICATE)) == 1


def test_a_clock_set_back_is_reported_and_nothing_is_lost() -> None:
    """The device's stamps fall back by 200 ms; its samples go on."""
    shifted = [
        dataclasses.replace(b, end_ns=b.end_ns - 200_000_000) if seconds(b.end_ns) > 10 else b for b in two_picks()
    ]
    events = observe(shifted)
    assert sums(events) == [-120, -300, 120]
    assert len(faults(events, FaultKind.CLOCK)) == 1


def test_a_clock_set_ahead_is_no_hole_when_every_other_device_was_heard_as_usual() -> None:
    """Two devices in turn; one's stamps jump ahead by 200 ms."""
    front = WeightFront(store_of(8))
    events: list[Event] = []
    for batch in two_picks():
        ahead = dataclasses.replace(batch, end_ns=batch.end_ns + 200_000_000) if seconds(batch.end_ns) > 10 else batch
        other = dataclasses.replace(batch, device_id="other", channels=tuple(f"other:{n}" for n in range(8)))
        events += [*front.feed(ahead), *front.feed(other)]
    events += front.close()
    assert faults(events, FaultKind.GAP) == []
    assert len(faults(events, FaultKind.CLOCK)) == 1
    assert abs(seconds(changes(events)[1].at_ns) - 12.0) < 0.1


def with_plate(batches: list[WeightBatch], grams: float | None, since_s: float, until_s: float) -> list[WeightBatch]:
    """Plate 3 gives `grams` (None: its last value) for a while."""
    out, last = [], 0.0
    for batch in batches:
        samples = batch.grams.copy()
        if since_s < seconds(batch.end_ns) < until_s:
            samples[:, 2] = last if grams is None else grams
        last = float(samples[-1, 2])
        out.append(dataclasses.replace(batch, grams=samples))
    return out


@pytest.mark.parametrize(
    ("grams", "kind"), [(None, FaultKind.STUCK), (0.0, FaultKind.STUCK), (math.nan, FaultKind.NAN)]
)
def test_a_plate_that_stops_weighing_for_a_while_gives_no_evidence_then(grams: float | None, kind: FaultKind) -> None:
    """Reported once it is sure and once it is over; what changed meanwhile is found when the plate is back."""
    events = observe(with_plate(two_picks(), grams, 5.0, 11.0))
    assert sums(events) == [-300, -120, 120] or sums(events) == [-120, -300, 120]
    found = faults(events, kind)
    assert {fault.device_id for fault in found} == {"d1.s1.p3"}
    assert seconds(found[-1].until_ns) == pytest.approx(11.0, abs=1.1)


def test_a_dead_plate_is_reported_and_the_rest_of_the_shelf_goes_on() -> None:
    """Always the same number, while its neighbours' last digits move."""
    events = observe(with_plate(two_picks(), 1234.25, -1.0, 99.0))
    assert sums(events) == [-300]
    assert {fault.device_id for fault in faults(events, FaultKind.DEAD)} == {"d1.s1.p3"}


def test_a_plate_with_a_coarse_last_digit_is_not_dead() -> None:
    """All plates of a shelf stand still at rest when the converter counts in 5 g."""
    coarse = [dataclasses.replace(b, grams=(np.round(b.grams / 5) * 5).astype(np.float32)) for b in two_picks()]
    assert faults(observe(coarse), FaultKind.DEAD) == []


def test_spikes_are_reported_and_do_no_harm() -> None:
    """One sample in twenty is off by 800 g."""
    rng = np.random.default_rng(5)
    spiky = []
    for batch in two_picks():
        samples = batch.grams.copy()
        samples[rng.random(len(samples)) < 0.05, 2] += 800
        spiky.append(dataclasses.replace(batch, grams=samples))
    events = observe(spiky)
    assert sums(events) == [-120, -300, 120]
    assert {fault.device_id for fault in faults(events, FaultKind.SPIKING)} == {"d1.s1.p3"}


def test_a_stamp_that_is_absurd_is_not_believed() -> None:
    """One message claims to come from an hour later."""
    batches = two_picks()
    batches[40] = dataclasses.replace(batches[40], end_ns=batches[40].end_ns + 3_600_000_000_000)
    assert sums(observe(batches)) == [-120, -300, 120]


def test_columns_without_a_plate_are_ignored() -> None:
    """Loose cells and copies of other columns are not in the layout."""
    batches = two_picks()
    wider = [
        dataclasses.replace(
            b,
            channels=(*b.channels, "d1:1:9"),
            grams=np.hstack([b.grams, b.grams[:, 2:3] * 2]),
        )
        for b in batches
    ]
    assert changes(observe(wider)) == changes(observe(batches))


def test_a_silent_device_is_given_up_by_the_others_time() -> None:
    """The change before the silence is told without waiting for the end of the day."""
    front = WeightFront(store_of(8))
    batches = [b for b in two_picks() if seconds(b.end_ns) < 8.8]
    told = [event for batch in batches for event in front.feed(batch)]
    assert changes(told) == []
    assert sums(front.advance(START_NS + 20_000_000_000)) == [-120]
    assert front.settled_ns >= START_NS + 20_000_000_000


def test_who_is_awaited_and_never_heard_is_silent_as_one_that_stopped() -> None:
    """The same fault and the same blind plates, from when it was heard last; over when it speaks; then it weighs."""
    told, blind = {}, {}
    for name, since_s in (("stopped", 0.0), ("never heard", 3.0)):
        awaited = [Awaited(device_id="d1", heard_ns=START_NS + round(since_s * 1e9))]
        front = WeightFront(store_of(8), awaited=awaited if name == "never heard" else ())
        events: list[Event] = []
        for batch in two_picks():
            if (name == "stopped" and seconds(batch.end_ns) < 3.0) or seconds(batch.end_ns) > 13.0:
                events += front.feed(batch)
            events += front.advance(batch.end_ns)
        gaps = [fault for fault in faults(events, FaultKind.GAP) if fault.note == "silent"]
        told[name] = [(round(seconds(fault.at_ns)), round(seconds(fault.until_ns), 1)) for fault in gaps]
        blind[name] = front.take_blind()
        assert {fault.device_id for fault in gaps} == {"d1"}
        assert all(one.plates == front.plates_of("d1") for one in blind[name])
        assert sums(events + list(front.close()))[-1:] == [120]
    assert told["stopped"] == told["never heard"] == [(3, 3.0), (3, 13.2)]
    for name in told:
        edges = [(one.at_ns, one.until_ns) for one in blind[name]]
        assert [until_ns for _, until_ns in edges[:-1]] == [at_ns for at_ns, _ in edges[1:]]
        assert seconds(edges[0][0]) == pytest.approx(3.0, abs=0.2)
    # Levels before a silence tell what left meanwhile: without any, the last of it is blind as well.
    assert seconds(blind["never heard"][-1].until_ns) == pytest.approx(13.0, abs=0.2)


def test_nothing_is_settled_before_who_is_awaited_was_heard_or_given_up() -> None:
    """Somebody who reached there is waited for as long as a message may still tell of it."""
    front = WeightFront(store_of(8), awaited=[Awaited(device_id="d1", heard_ns=START_NS)])
    plates = frozenset(front.plates_of("d1"))
    assert len(plates) == 8
    front.advance(START_NS + 4_000_000_000)
    assert (front.settled_ns, front.settled_of(plates), front.silent_of(plates)) == (START_NS, START_NS, None)
    front.advance(START_NS + 7_500_000_000)
    assert (front.settled_of(plates), front.silent_of(plates)) == (None, START_NS + 7_000_000_000)
    assert front.settled_ns == START_NS + 7_500_000_000


def test_who_is_awaited_and_heard_at_once_is_told_as_anybody() -> None:
    """The same events to the bit, and nothing is blind."""
    plain, awaited = WeightFront(store_of(8)), [Awaited(device_id="d1", heard_ns=two_picks()[0].end_ns - 200_000_000)]
    front = WeightFront(store_of(8), awaited=awaited)
    for batch in two_picks():
        assert front.feed(batch) == plain.feed(batch)
        assert (front.advance(batch.end_ns), front.settled_ns) == (plain.advance(batch.end_ns), plain.settled_ns)
    assert front.close() == plain.close()
    assert front.take_blind() == []


def test_one_that_is_never_heard_does_not_disturb_the_others() -> None:
    """Two scales, one of them silent from the start: the other one's changes, gaps and clock are judged as alone."""
    both = dataclasses.replace(store_of(8), fixtures=(*store_of(8).fixtures, *store_of(8, device="d2").fixtures))
    awaited = [Awaited(device_id=name, heard_ns=START_NS) for name in ("d1", "d2")]
    told = {}
    for name, front in (("alone", WeightFront(store_of(8))), ("beside", WeightFront(both, awaited=awaited))):
        events: list[Event] = []
        for batch in two_picks():
            at_s = seconds(batch.end_ns)
            if not 4.0 < at_s < 4.5:
                ahead_ns = 200_000_000 if at_s > 10 else 0
                events += front.feed(dataclasses.replace(batch, end_ns=batch.end_ns + ahead_ns))
            events += front.advance(batch.end_ns)
        told[name] = [one for one in [*events, *front.close()] if getattr(one, "device_id", "") != "d2"]
    assert told["alone"] == told["beside"]
    assert sums(told["alone"]) == [-120, -300, 120]
    assert faults(told["alone"], FaultKind.GAP) != []


def test_a_plate_of_which_its_device_says_nothing_is_missed_alone() -> None:
    """The layout has nine plates on a scale that sends eight: the ninth is silent, the others weigh."""
    front = WeightFront(store_of(9), awaited=[Awaited(device_id="d1", heard_ns=START_NS)])
    events = [event for batch in two_picks() for event in (*front.feed(batch), *front.advance(batch.end_ns))]
    blind = {plate for one in front.take_blind() if one.until_ns - one.at_ns > 400_000_000 for plate in one.plates}
    events += front.close()
    assert (sums(events), blind) == ([-120, -300, 120], {"d1.s1.p9"})
    assert {fault.device_id for fault in faults(events, FaultKind.GAP)} == {"d1.s1.p9"}


def test_a_silence_is_told_when_it_begins_and_once_more_when_the_device_speaks() -> None:
    """However long it lasts: without an end until then, and the hole that it leaves is not told a second time."""
    front = WeightFront(store_of(8))
    told: list[Event] = []
    for batch in two_picks():
        if not 4.0 < seconds(batch.end_ns) < 14.0:
            told += front.feed(batch)
        told += front.advance(batch.end_ns)
    begun, over = faults(told + list(front.close()), FaultKind.GAP)
    assert begun.until_ns == begun.at_ns == over.at_ns
    assert seconds(begun.at_ns) == pytest.approx(4.0, abs=0.3)
    assert seconds(over.until_ns) == pytest.approx(14.0, abs=0.3)


def test_a_clock_that_leaps_by_a_year_costs_no_year() -> None:
    """A silence of a year is told from beginning to end, in as many pieces as a minute has seconds."""
    front = WeightFront(store_of(8))
    batches = [b for b in two_picks() if seconds(b.end_ns) < 4.0]
    for batch in batches:
        front.feed(batch)
    leap_ns = START_NS + 365 * 86_400 * 1_000_000_000
    for later_s in range(3):
        front.advance(leap_ns + later_s * 1_000_000_000)
    edges = [(one.at_ns, one.until_ns) for one in front.take_blind()]
    assert len(edges) < 70
    assert (edges[0][0], edges[-1][1]) == (batches[-1].end_ns, pytest.approx(leap_ns + 2e9, abs=1e9))
    assert [until_ns for _, until_ns in edges[:-1]] == [at_ns for at_ns, _ in edges[1:]]
