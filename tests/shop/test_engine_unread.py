"""Stories at an antenna that is not heard: what was taken there is nobody's guess, and a person decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jwo_cli.model.decisions import ReceiptIssued, Settlement, VisitEnded
from jwo_cli.model.observations import (
    DeviceFaulted,
    FaultKind,
    IdentityDoubted,
    Reach,
    StoreOpened,
    TagChanged,
    TagState,
    TrackStarted,
)
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import S, items
from tests.shop.radio_days import RadioDay, day, only, radio_store


def rail(*people: str, settings: EngineSettings | None = None) -> RadioDay:
    """A day on which shirts hang in the field of antenna a; antenna c names no plates and was never heard."""
    store = radio_store()
    bare = replace(store.antennas[0], antenna_id="c", plates=())
    today = RadioDay(people=people, store=replace(store, antennas=(*store.antennas, bare)))
    if settings is not None:
        today = RadioDay(people=people, store=today.store, settings=settings)
    today.there("e1", "shirt")
    today.there("e2", "shirt")
    return today


def doubted(receipt: ReceiptIssued, antenna: str = "a") -> bool:
    """Whether it waits for a person, who is told which antenna was not heard; nothing is charged for it."""
    named = any(f"near {antenna} while nothing was read" in reason for reason in receipt.reasons)
    return receipt.settled is Settlement.REVIEW and named


def test_who_was_near_an_antenna_that_is_not_heard_is_reviewed_with_an_empty_basket() -> None:
    """Nobody knows whether a shirt left: a person is told where, and nothing is charged."""
    today = rail("ann")
    today.silent()
    today.near("ann")
    receipt = only(today.close())
    assert doubted(receipt)
    assert (receipt.lines, receipt.charged_minor) == ((), 0)


def test_what_a_scale_showed_is_charged_all_the_same() -> None:
    """The cola is beyond doubt, the rail is not."""
    today = rail("ann")
    today.weigh("s.p1", -350.0, "ann")
    today.silent()
    today.near("ann")
    receipt = only(today.close())
    assert doubted(receipt)
    assert [line.product_id for line in receipt.lines if line.charged] == ["cola"]


def test_who_was_not_near_settles_by_themselves() -> None:
    """Bob took a cola across the room."""
    today = rail("ann", "bob")
    today.silent()
    today.near("ann")
    today.weigh("s.p1", -350.0, "bob")
    receipts = today.close()
    assert receipts["bob"].settled is Settlement.AUTOMATIC
    assert doubted(receipts["ann"])


def test_a_glitch_in_the_middle_of_a_visit_costs_nobody_a_review() -> None:
    """Two seconds, and the antenna was heard for a while since: what left meanwhile was told."""
    today = rail("ann")
    fault = today.silent()
    today.near("ann")
    today.heard(fault)
    today.weigh("s.p1", -350.0, "ann")
    today.wait(25)
    assert only(today.close()).settled is Settlement.AUTOMATIC


def test_who_leaves_before_the_antenna_can_have_told_is_reviewed() -> None:
    """Heard again for ten seconds: tags may still be missed later."""
    today = rail("ann")
    fault = today.silent()
    today.near("ann")
    today.heard(fault)
    today.wait(10)
    assert doubted(only(today.close()))


def test_an_antenna_that_falls_silent_again_and_again_has_told_nothing() -> None:
    """Ten seconds, and then the next gap: it is never heard for long enough, however long that takes."""
    today = rail("ann")
    for number in range(6):
        fault = today.silent()
        if number == 0:
            today.near("ann")
        today.heard(fault)
        today.wait(10)
    assert doubted(only(today.close()))


def test_the_readers_word_and_the_antennas_own_do_not_end_each_other() -> None:
    """The antenna's gap is over, its reader is still away."""
    today = rail("ann")
    gap, dead = today.silent(), today.silent(kind=FaultKind.DEAD)
    today.near("ann")
    today.heard(gap)
    today.wait(60)
    assert doubted(only(today.close()))
    later = rail("bob")
    gap, dead = later.silent(), later.silent(kind=FaultKind.DEAD)
    later.near("bob")
    later.heard(gap)
    later.heard(dead)
    later.wait(25)
    assert later.close() == {}


def test_a_word_that_something_else_was_over_ends_nothing() -> None:
    """Of another time, of the same kind."""
    today = rail("ann")
    now = today.silent()
    today.near("ann")
    today.say(DeviceFaulted(at_ns=now.at_ns - S, device_id="a", kind=now.kind, until_ns=now.at_ns - S // 2))
    today.wait(60)
    assert doubted(only(today.close()))


def test_an_antenna_over_plates_changes_nothing() -> None:
    """Only tags of goods that scales weigh were told there."""
    store = radio_store()
    today = RadioDay(people=("ann",), store=store)
    today.there("c1", "cola")
    today.weigh("s.p1", -350.0, "ann")
    today.silent()
    today.silent(kind=FaultKind.DEAD)
    today.near("ann")
    assert only(today.close()).settled is Settlement.AUTOMATIC


def test_an_antenna_that_names_its_plates_and_was_never_heard_changes_nothing() -> None:
    """Scales stand where it looks."""
    today = day("ann")
    today.silent(kind=FaultKind.DEAD)
    today.near("ann", known=False)
    assert today.close() == {}


def test_an_antenna_that_was_never_heard_and_whose_reader_is_away_is_a_doubt() -> None:
    """It names no plates, so that goods of its own may hang there; the doubt stays when the reader is back."""
    for back in (False, True):
        today = rail("ann")
        fault = today.silent("c", FaultKind.DEAD)
        today.near("ann", "c", known=False)
        if back:
            today.heard(fault)
            today.wait(60)
        assert doubted(only(today.close()), "c")


def test_an_antenna_that_was_never_heard_and_whose_reader_is_well_is_none() -> None:
    """Nothing hangs there; its reader says nothing against it, or was away when nobody was near."""
    today = rail("ann", "bob")
    today.near("ann", "c", known=False)
    today.wait(20)
    today.heard(today.silent("c", FaultKind.DEAD))
    today.wait(20)
    today.near("bob", "c", known=False)
    assert today.close() == {}


def test_what_is_carried_past_a_door_is_not_the_doors() -> None:
    """The antenna at the door hears nothing while nobody carries anything past: that is no silence of goods."""
    today = rail("ann", "bob")
    today.gone("e1", "shirt", "ann")
    today.there("e1", "shirt", "ann", antenna="b")
    today.leave("ann")
    today.silent("b")
    today.silent("b", FaultKind.DEAD)
    today.near("bob", "b")
    today.near("bob", "b", known=False)
    assert "bob" not in today.close()


@pytest.mark.parametrize("first", ["a", "b"])
def test_goods_that_a_door_hears_before_their_rail_has_told_are_not_the_doors(first: str) -> None:
    """A rail that reads seldom tells late that a shirt is gone, which the door had by then: they were the rail's."""
    today = rail("ann", "bob")
    for antenna in (first, "b" if first == "a" else "a"):
        if antenna == "a":
            today.gone("e1", "shirt", "ann")
        else:
            today.there("e1", "shirt", "ann", antenna="b")
    today.gone("e1", "shirt", "ann", antenna="b")
    today.leave("ann")
    today.wait(400)
    today.heard(today.silent("b", FaultKind.DEAD))
    today.near("bob", "b", known=False)
    assert "bob" not in today.close()


def test_an_antenna_s_own_silence_says_nothing_where_no_goods_were_known_to_hang() -> None:
    """A shirt was there for a moment, and then nothing is read: that may be all there is."""
    today = rail("ann")
    today.there("e9", "shirt", antenna="c")
    today.silent("c")
    today.near("ann", "c", known=False)
    assert today.close() == {}


def test_staff_are_nobodys_business() -> None:
    """Who mends the reader is not billed."""
    today = RadioDay(people=("sue",), staff=("sue",), store=radio_store())
    today.there("e1", "shirt")
    today.silent()
    today.near("sue")
    assert today.close() == {}
    assert [one.probability for one, _ in today.decided if isinstance(one, VisitEnded)] == [1.0]


def test_a_run_that_was_cut_off_forgets_which_tags_hung_there() -> None:
    """The next one hears the antenna for minutes: what left in the silence is told by nobody, and stays in doubt."""
    today = rail("ann")
    fault = today.silent()
    today.near("ann")
    today.say(StoreOpened(at_ns=today.tick(), recording_id="next", layout_version="1"))
    today.heard(fault)
    today.wait(300)
    assert doubted(only(today.close()))


def test_what_was_told_before_a_cut_is_told() -> None:
    """The silence was long over when the run was cut off."""
    today = rail("ann")
    fault = today.silent()
    today.near("ann")
    today.heard(fault)
    today.wait(30)
    today.say(StoreOpened(at_ns=today.tick(), recording_id="next", layout_version="1"))
    today.heard(today.silent(kind=FaultKind.DEAD))
    assert today.close() == {}


@pytest.mark.parametrize("found_again", [True, False])
def test_a_stay_goes_with_the_person(found_again: bool) -> None:
    """Ann is lost and found under another name: her one visit is in doubt; a stranger's is not."""
    today = rail("ann")
    today.silent()
    today.near("ann")
    today.leave("ann") if not found_again else None
    today.people = ["ann", "new"]
    today.say(TrackStarted(at_ns=today.tick(), track_id="new", x_m=0, y_m=0))
    if found_again:
        today.say(IdentityDoubted(at_ns=today.tick(), kind="restart", before="ann", after="new", probability=0.97))
    receipts = today.close()
    assert list(receipts) == (["new"] if found_again else ["ann"])
    assert doubted(next(iter(receipts.values())))


def test_an_ablation_without_tags_knows_of_no_silence() -> None:
    """As if there were no antenna."""
    today = rail("ann", settings=replace(EngineSettings(), use_tags=False))
    today.silent()
    today.near("ann")
    assert today.close() == {}


def test_years_of_gaps_do_not_grow() -> None:
    """A thousand of them."""
    today = rail("ann")
    sizes = []
    for _ in range(1_000):
        today.heard(today.silent())
        sizes.append(today.engine.held())
    assert sizes[-1] == sizes[300]


# -- what is found gone afterwards -------------------------------------------------------------------------------------


def found_gone(today: RadioDay, since_ns: int, **nats: float) -> None:
    """A shirt left at some moment since then, with so much for each who was there."""
    reaches = tuple(
        Reach(track_id=name, log_likelihood=score, hand_m=None, body_m=None) for name, score in nats.items()
    )
    today.say(
        TagChanged(
            at_ns=since_ns, until_ns=today.tick(), antenna_id="a", tag_id="e1", product_id="shirt",
            state=TagState.GONE, probability=0.97, reaches=reaches,
        )
    )  # fmt: skip


def test_who_alone_was_there_in_the_silence_pays_for_what_left_in_it() -> None:
    """Bob was seen elsewhere all the time."""
    today = rail("ann", "bob")
    fault = today.silent()
    today.near("ann")
    today.heard(fault)
    found_gone(today, fault.at_ns, ann=1.5, bob=-7.0)
    today.wait(25)
    receipts = today.close()
    assert list(receipts) == ["ann"]
    assert (items(receipts["ann"]), receipts["ann"].settled) == ({"shirt": 1}, Settlement.AUTOMATIC)


def test_who_was_there_and_has_left_may_have_taken_it() -> None:
    """Cid left during the silence, Ann came after him: nobody is charged for a guess."""
    today = rail("ann", "cid")
    fault = today.silent()
    today.near("cid")
    today.leave("cid")
    today.near("ann")
    today.heard(fault)
    found_gone(today, fault.at_ns, ann=0.5, cid=0.5)
    today.wait(25)
    receipts = today.close()
    assert doubted(receipts["cid"])
    assert (receipts["ann"].settled, receipts["ann"].charged_minor) == (Settlement.REVIEW, 0)


def test_a_unit_that_a_scale_showed_in_the_silence_is_the_one_that_left_in_it() -> None:
    """Found gone a minute after the silence began, in which a cola was lifted late: one cola, sure."""
    today = rail("ann")
    today.there("c1", "cola")
    fault = today.silent()
    today.wait(50)
    today.weigh("s.p1", -351.0, "ann")
    today.heard(fault)
    today.say(
        TagChanged(
            at_ns=fault.at_ns, until_ns=today.now, antenna_id="a", tag_id="c1", product_id="cola",
            state=TagState.GONE, probability=0.97,
            reaches=(Reach(track_id="ann", log_likelihood=1.0, hand_m=None, body_m=None),),
        )
    )  # fmt: skip
    receipt = only(today.close())
    assert (items(receipt), receipt.settled) == ({"cola": 1}, Settlement.AUTOMATIC)
