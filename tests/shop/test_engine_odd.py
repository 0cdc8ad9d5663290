"""Stories of what should not happen but does: parties that split up, people who vanish, sensors that talk nonsense."""

from __future__ import annotations

import math

import pytest

from jwo_cli.model.decisions import EventExplained, Settlement, VisitEnded, VisitStarted
from jwo_cli.model.observations import (
    CodeScanned,
    HandsMet,
    IdentityDoubted,
    ShelfTouched,
    TagChanged,
    TagState,
    Ticked,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from jwo_cli.model.staffing import VisitJoined
from jwo_cli.shop.beliefs import Lot
from jwo_cli.shop.encounters import shelf_exchange_moves
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import Day, S, items


@pytest.mark.parametrize("first", ["ann", "bob"])
def test_a_party_is_not_over_while_one_of_it_is_inside(first: str) -> None:
    """One of two leaves through the gate, the other takes a tea: it is on their common receipt."""
    day = Day(people=[])
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-1", party_size=2))
    day.people = ["ann", "bob"]
    for name in day.people:
        day.say(TrackStarted(at_ns=day.tick(), track_id=name, x_m=0, y_m=0))
    day.weigh("s.p1", -351.0, "ann")
    day.say(TrackEnded(at_ns=day.tick(), track_id=first, x_m=0, y_m=0, gate_id="out"))
    day.people.remove(first)
    day.weigh("s.p2", -120.0, *day.people)
    day.leave(day.people[0])
    (receipt,) = day.close().values()
    assert (items(receipt), receipt.account) == ({"cola": 1, "tea": 1}, "acct-1")


def test_an_old_id_that_ends_late_does_not_end_the_visit_that_goes_on_under_a_new_one() -> None:
    """Ann goes on as Ann2 at the gate; the end of the old id is told afterwards."""
    day = Day(people=["ann", "ann2"])
    day.weigh("s.p1", -351.0, "ann")
    day.say(IdentityDoubted(at_ns=day.tick(), kind="restart", before="ann", after="ann2", probability=0.99))
    day.say(TrackEnded(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0, gate_id="out"))
    day.weigh("s.p2", -120.0, "ann2")
    (receipt,) = day.close().values()
    assert items(receipt) == {"cola": 1, "tea": 1}


def test_who_is_lost_inside_for_hours_is_settled_by_a_person() -> None:
    """Ann takes a cola and is never seen again: her receipt does not wait for ever, and is not charged as complete."""
    day = Day(people=["ann"])
    day.weigh("s.p1", -351.0, "ann")
    day.say(TrackEnded(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0, left_store=0.05))
    day.say(Ticked(at_ns=day.now + 1800 * S))
    assert "ann" in day.engine.roster.by_track
    day.say(Ticked(at_ns=day.now + 3700 * S))
    assert "ann" not in day.engine.roster.by_track
    assert day.engine.held() == 0
    receipt = day.close()["ann"]
    assert (items(receipt), receipt.settled) == ({"cola": 1}, Settlement.REVIEW)


def test_a_goods_tag_that_the_catalogue_does_not_know_does_not_stop_the_scales() -> None:
    """Ann takes an unknown tagged shirt; then something arrives on a plate."""
    day = Day(people=["ann"])
    day.say(TagChanged(at_ns=1, antenna_id="a", tag_id="e1", product_id="shirt", state=TagState.GONE, probability=0.99))
    day.weigh("s.p1", 200.0, "ann")
    assert items(day.close()["ann"]) == {"shirt": 1}


def test_a_change_without_plates_is_missing_evidence() -> None:
    """A shelf that tells nothing changes nothing about what is believed; a scale without noise is no trouble."""
    day = Day(people=["ann"])
    day.say(WeightChanged(at_ns=1, begin_ns=1, end_ns=1, shelf_id="s", plates=(), real=1.0, reaches=()))
    day.weigh("s.p1", -351.0, "ann", sigma_g=0.0)
    receipt = day.close()["ann"]
    assert (items(receipt), receipt.settled) == ({"cola": 1}, Settlement.AUTOMATIC)


def test_a_visit_that_goes_on_under_another_id_is_said_to() -> None:
    """Whoever counts who is inside counts one person: of the two visits one is said to belong to the other."""
    day = Day(people=["ann", "bob"])
    day.say(TrackEnded(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0, left_store=0.0))
    day.say(TrackStarted(at_ns=day.tick(), track_id="ann2", x_m=0, y_m=0))
    day.say(IdentityDoubted(at_ns=day.tick(), kind="restart", before="ann", after="ann2", probability=0.99))
    began = [one.visit_id for one, _ in day.decided if isinstance(one, VisitStarted)]
    ((gone, into),) = [(one.visit_id, one.into) for one, _ in day.decided if isinstance(one, VisitJoined)]
    assert (gone, into) == (began[0], began[2])
    day.close()
    ended = [one.visit_id for one, _ in day.decided if isinstance(one, VisitEnded)]
    assert sorted([*ended, gone]) == sorted(began)


@pytest.mark.parametrize("kind", ["swap", "restart", "merge"])
def test_doubt_about_one_id_alone_changes_nothing(kind: str) -> None:
    """An id cannot be confused with itself, nor hand over to itself; unknown ids are nobody's."""
    day = Day(people=["ann"])
    day.weigh("s.p1", -351.0, "ann")
    for other in ("ann", "nobody"):
        day.say(IdentityDoubted(at_ns=day.tick(), kind=kind, before="ann", after=other, probability=0.9))
        day.say(HandsMet(at_ns=day.now, until_ns=day.now, a="ann", b=other, distance_m=0.1, probability=0.9))
    assert items(day.close()["ann"]) == {"cola": 1}


def test_a_reviewer_is_told_what_may_be_missing() -> None:
    """Bob or Ann took the cola that one of them is not charged for: both receipts' reasons name it."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann", "bob")
    receipts = day.close()
    for name in ("ann", "bob"):
        assert receipts[name].settled is Settlement.REVIEW
        assert "Cola" in receipts[name].reasons[0]
        assert receipts[name].charged_minor == 0


def test_a_night_of_drifting_scales_is_not_remembered() -> None:
    """A bag was left among the teas; all night, with nobody inside, the scales beside it creep up and down."""
    day = Day(people=["ann"])
    day.weigh("s.p2", 240.0, "ann")
    day.leave("ann")
    day.people = []
    sizes = []
    for _ in range(60):
        day.weigh("s.p2", -3.0, real=0.3)
        day.weigh("s.p2", 3.0, real=0.3)
        sizes.append(day.engine.held())
    assert max(sizes[10:]) <= max(sizes[:10])


def test_touching_a_shelf_together_says_nothing_about_what_was_taken_before() -> None:
    """Whoever holds however much there: the ways in which a touch may be an exchange add up to the same."""
    cola = Lot("cola", 1, 350.0, 1.0, 1, 0)
    touch = ShelfTouched(at_ns=1, begin_ns=1, end_ns=1, shelf_id="s", plates=("s.p1",), peak_g=350.0, reaches=())
    moves = shelf_exchange_moves(touch, ["ann", "bob"], lambda _product: True, EngineSettings())
    for state in ((), (("t:ann", (cola,)),), (("t:ann", (cola, cola._replace(origin=2))), ("t:bob", (cola,)))):
        assert sum(math.exp(move.log_weight) for move in moves(state)) == pytest.approx(1.0)


def test_staff_who_are_inside_all_day_are_not_remembered_all_day() -> None:
    """Sam fills up and clears facings every ten minutes for a day; what is held stays a handful, all of it is told."""
    day = Day(people=["sam"], staff=["sam"])
    most = 0
    for hour in range(24):
        for plate, mass in (("s.p2", 240.0), ("s.p1", -350.0), ("s.p2", -120.0), ("s.p1", 352.0)):
            day.weigh(plate, mass, "sam")
            day.say(Ticked(at_ns=day.now + hour * 3600 * S))
            day.now += 600 * S
        most = max(most, day.engine.held())
    assert most < 12
    told = [decision for decision, _ in day.decided if isinstance(decision, EventExplained)]
    assert len(told) >= 24 * 4 - 8


def test_a_shopper_s_events_stay_open_beside_staff_however_long_it_takes() -> None:
    """Ann or Sam took the cola; an hour later it is still open, and Ann's receipt waits for a person."""
    day = Day(people=["ann", "sam"], staff=["sam"])
    day.weigh("s.p1", -351.0, "ann", "sam")
    day.weigh("s.p2", -120.0, "sam")
    day.now += 3000 * S
    day.say(Ticked(at_ns=day.now))
    receipt = day.close()["ann"]
    assert receipt.settled is Settlement.REVIEW
    assert 0.3 < receipt.probability < 0.7


def test_what_happens_while_nobody_is_inside_is_told_at_once() -> None:
    """A cola leaves an empty store: the journal says what that may have been."""
    day = Day(people=[])
    seq = day.weigh("s.p1", -351.0)
    (told,) = [decision for decision, _ in day.decided if isinstance(decision, EventExplained)]
    assert told.event_seq == seq
    assert all(explanation.visit_id is None for explanation in told.explanations)


def test_an_id_that_goes_on_under_another_takes_nothing_any_more() -> None:
    """Ann came back as Cem; what nobody was seen to take later is his or a stranger's, not shared with her old id."""
    day = Day(people=["ann", "cem"])
    day.say(IdentityDoubted(at_ns=day.tick(), kind="restart", before="ann", after="cem", probability=0.999))
    day.weigh("s.p1", -351.0, poses_known=False)
    receipt = day.close()["cem"]
    assert receipt.lines[0].probability > 0.95
