"""Stories of a store with antennas: alone, beside scales, against scales."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.layout import Facing
from jwo_cli.model.observations import (
    FaultKind,
    HandsMet,
    TrackStarted,
)
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import items
from tests.shop.radio_days import RadioDay, by_account, day, only, radio_store

# -- antennas alone ----------------------------------------------------------------------------------------------------


def test_an_antenna_alone_charges_the_only_visit() -> None:
    """No plates, no cameras: the shirt leaves while one account is inside; the line names the departure."""
    today = by_account("acct-1")
    today.there("e1", "shirt")
    seq = today.gone("e1", "shirt")
    receipt = only(today.close())
    assert items(receipt) == {"shirt": 1}
    assert (receipt.account, receipt.settled) == ("acct-1", Settlement.AUTOMATIC)
    assert receipt.lines[0].caused_by == (seq,)


def test_an_antenna_alone_cannot_tell_two_visits_apart() -> None:
    """Two accounts, no cameras: nobody is charged, somebody is asked."""
    today = by_account("acct-1", "acct-2")
    today.gone("e1", "shirt")
    receipts = today.close()
    assert receipts
    for receipt in receipts.values():
        assert (receipt.settled, receipt.charged_minor) == (Settlement.REVIEW, 0)


def test_with_cameras_the_one_who_stood_there_pays() -> None:
    """Ann at the rail, Bob elsewhere."""
    today = day("ann", "bob")
    today.gone("e1", "shirt", "ann")
    receipts = today.close()
    assert list(receipts) == ["ann"]
    assert receipts["ann"].settled is Settlement.AUTOMATIC


def test_two_at_the_rail_are_a_doubt() -> None:
    """Both stood there: review."""
    today = day("ann", "bob")
    today.gone("e1", "shirt", "ann", "bob")
    assert all(receipt.settled is Settlement.REVIEW for receipt in today.close().values())


def test_each_tag_is_one_unit() -> None:
    """Three shirts leave one after the other."""
    today = day("ann")
    for tag in ("e1", "e2", "e3"):
        today.gone(tag, "shirt", "ann")
    assert items(only(today.close())) == {"shirt": 3}


def test_what_comes_back_is_not_paid() -> None:
    """Tried on and hung back."""
    today = day("ann")
    today.gone("e1", "shirt", "ann")
    today.there("e1", "shirt", "ann")
    receipts = today.close()
    assert all(not items(receipt) and receipt.charged_minor == 0 for receipt in receipts.values())


def test_the_tag_says_whose_shirt_came_back() -> None:
    """Ann and Bob took one each; Ann's comes back while Bob stands beside her."""
    today = day("ann", "bob")
    today.gone("e1", "shirt", "ann")
    today.gone("e2", "shirt", "bob")
    today.there("e1", "shirt", "ann", "bob")
    today.wait()
    today.gone("e9", "shirt", "bob")  # something else goes on
    receipts = today.close()
    assert items(receipts["bob"]) == {"shirt": 2}
    assert "ann" not in receipts or not items(receipts["ann"])


def test_a_shirt_carried_past_another_antenna_is_still_one_shirt() -> None:
    """It comes into the door's field and leaves it again."""
    today = day("ann")
    today.gone("e1", "shirt", "ann")
    today.there("e1", "shirt", "ann", antenna="b")
    today.gone("e1", "shirt", "ann", antenna="b")
    assert items(only(today.close())) == {"shirt": 1}


def test_a_tag_that_two_antennas_lose_is_one_unit() -> None:
    """Overlapping fields."""
    today = day("ann")
    today.gone("e1", "shirt", "ann")
    today.gone("e1", "shirt", "ann", antenna="b")
    assert items(only(today.close())) == {"shirt": 1}


def test_a_doubtful_reading_is_nobodys_purchase() -> None:
    """One chance in four."""
    today = day("ann")
    today.gone("e1", "shirt", "ann", probability=0.25)
    assert all(not items(receipt) for receipt in today.close().values())


def test_staff_take_tagged_things_for_nothing() -> None:
    """Sam rearranges the rail."""
    today = RadioDay(people=["sam"], staff=["sam"], store=radio_store())
    today.gone("e1", "shirt", "sam")
    assert today.close() == {}


def test_nobody_inside_nothing_happens() -> None:
    """A tag leaves an empty store: no crash, no receipt."""
    today = RadioDay(people=(), store=radio_store())
    today.gone("e1", "shirt")
    assert today.close() == {}


# -- antennas beside scales --------------------------------------------------------------------------------------------


def test_scale_and_tag_are_one_cola() -> None:
    """A scale that is hardly sure and its tag: counted once, and surer than by either alone."""

    def cola(*, scale: bool, tag: bool) -> ReceiptIssued | None:
        today = day("ann")
        today.there("c1", "cola")
        if scale:
            today.weigh("s.p1", -351.0, "ann", real=0.1)
        if tag:
            today.gone("c1", "cola", "ann")
        return next(iter(today.close().values()), None)

    both, scale, tag = cola(scale=True, tag=True), cola(scale=True, tag=False), cola(scale=False, tag=True)
    assert both is not None
    assert scale is not None
    assert items(both) == {"cola": 1}
    assert both.probability > scale.probability
    assert tag is None or tag.probability < both.probability


def test_a_tag_may_leave_long_after_its_unit_was_lifted() -> None:
    """Ann reads the label before the shelf for half a minute: still one cola."""
    today = day("ann")
    today.there("c1", "cola")
    today.weigh("s.p1", -351.0, "ann")
    today.wait(30)
    today.gone("c1", "cola", "ann")
    receipt = only(today.close())
    assert items(receipt) == {"cola": 1}
    assert receipt.settled is Settlement.AUTOMATIC


def test_a_handful_has_as_many_tags() -> None:
    """Three teas in one lift, three tags."""
    today = day("ann")
    today.weigh("s.p2", -361.0, "ann")
    for n in range(3):
        today.gone(f"t{n}", "tea", "ann")
    assert items(only(today.close())) == {"tea": 3}


def test_tags_tell_lookalikes_apart() -> None:
    """Colas and sodas of nearly the same mass share a plate: the scale cannot tell, the tag can."""
    shared = (Facing(product_id="soda", plates=("s.p1",)),)

    def taken(tag: str | None) -> ReceiptIssued:
        today = day("ann", extra=shared)
        today.there("c1", "cola")
        today.there("d1", "soda")
        today.weigh("s.p1", -351.0, "ann")
        if tag is not None:
            today.gone(tag, "soda" if tag == "d1" else "cola", "ann")
        today.wait()
        return only(today.close())

    assert taken(None).settled is Settlement.REVIEW
    for tag, product in (("c1", "cola"), ("d1", "soda")):
        receipt = taken(tag)
        assert items(receipt) == {product: 1}
        assert receipt.settled is Settlement.AUTOMATIC


def test_a_tag_that_stays_speaks_against_its_product() -> None:
    """As before, but no departure is told: only colas are tagged, and theirs are all there: it was a soda, perhaps."""
    today = day("ann", extra=(Facing(product_id="soda", plates=("s.p1",)),))
    today.there("c1", "cola")
    today.weigh("s.p1", -351.0, "ann")
    today.wait()
    receipt = only(today.close())
    assert items(receipt) == {"soda": 1}
    assert 0.6 < receipt.probability < 0.95


def test_scale_and_tag_that_disagree_lower_each_others_word() -> None:
    """The scale shows a cola, a tea's tag leaves: the cola is less sure than before, the tea is not charged."""

    def cola(*, tea: bool) -> ReceiptIssued:
        today = day("ann")
        today.weigh("s.p1", -351.0, "ann")
        if tea:
            today.gone("t1", "tea", "ann")
        return only(today.close())

    agreed, disputed = cola(tea=False), cola(tea=True)
    assert items(disputed) == {"cola": 1}
    assert disputed.probability < agreed.probability - 0.02


def test_a_deaf_antenna_is_missing_not_zero() -> None:
    """Colas are tagged, no departure was told, but the antenna was down: the scale's word stands."""

    def cola(*, deaf: bool) -> float:
        today = day("ann", extra=(Facing(product_id="soda", plates=("s.p1",)),))
        today.there("c1", "cola")
        if deaf:
            today.fault("a", FaultKind.GAP)
        today.weigh("s.p1", -347.0, "ann", sigma_g=0.4)
        today.wait()
        receipt = only(today.close())
        return sum(line.probability for line in receipt.lines if line.product_id == "cola")

    assert cola(deaf=True) > cola(deaf=False)


def test_where_the_scale_is_down_the_antenna_is_believed() -> None:
    """A cola's tag leaves alone: not charged when its plate would have told, shown when the plate is dead."""

    def cola(*, dead: bool) -> dict[str, int]:
        today = day("ann")
        today.there("c1", "cola")
        if dead:
            today.fault("s.p1", FaultKind.DEAD)
        today.gone("c1", "cola", "ann")
        receipts = today.close()
        return items(receipts["ann"]) if receipts else {}

    assert cola(dead=False) == {}
    assert cola(dead=True) == {"cola": 1}


def test_put_back_is_seen_by_both_and_counted_once() -> None:
    """Two colas out, one back: scale and antenna agree on one left, whichever tag came back."""
    today = day("ann")
    today.there("c1", "cola")
    today.there("c2", "cola")
    today.weigh("s.p1", -701.0, "ann")
    today.gone("c1", "cola", "ann")
    today.gone("c2", "cola", "ann")
    today.weigh("s.p1", 350.4, "ann")
    today.there("c2", "cola", "ann")
    receipt = only(today.close())
    assert items(receipt) == {"cola": 1}
    assert receipt.settled is Settlement.AUTOMATIC


def test_handed_over_with_its_tag() -> None:
    """Ann's cola changes hands and leaves the door's field with Bob: one cola, on one receipt."""
    today = day("ann", "bob")
    today.weigh("s.p1", -351.0, "ann")
    today.gone("c1", "cola", "ann")
    at = today.tick()
    today.say(HandsMet(at_ns=at, until_ns=at, a="ann", b="bob", distance_m=0.05, probability=0.98))
    today.there("c1", "cola", "bob", antenna="b")
    today.gone("c1", "cola", "bob", antenna="b")
    receipts = today.close()
    assert sum(items(receipt).get("cola", 0) for receipt in receipts.values()) == 1
    assert items(receipts["bob"]) == {"cola": 1}


def test_tags_can_be_left_out() -> None:
    """The ablation's switch."""
    today = day("ann", settings=replace(EngineSettings(), use_tags=False))
    today.gone("e1", "shirt", "ann")
    assert today.close() == {}


def test_a_long_day_of_tags_does_not_grow() -> None:
    """Three hundred visits, each with its own tag."""
    today = day()
    sizes = []
    for visit in range(300):
        name = f"v{visit}"
        today.people = [name]
        today.say(TrackStarted(at_ns=today.tick(), track_id=name, x_m=0, y_m=0))
        today.there(f"e{visit}", "shirt")
        today.gone(f"e{visit}", "shirt", name)
        today.leave(name)
        sizes.append(today.engine._groups.size())
    assert max(sizes[150:]) <= max(sizes[:150]) + 3
    assert today.engine.held() < 5_100  # tags that left are remembered up to a number


STEPS = st.tuples(st.sampled_from(["gone", "there", "weigh"]), st.integers(0, 3), st.sampled_from(["ann", "bob"]))


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=40, deadline=None)
def test_no_story_of_tags_makes_more_units_than_there_are(steps: list[tuple[str, int, str]]) -> None:
    """Whatever comes and goes: receipts hold at most one shirt a tag, and probabilities are probabilities."""
    today = day("ann", "bob")
    for kind, number, who in steps:
        if kind == "weigh":
            today.weigh("s.p1", -350.0 if number % 2 else 350.0, who)
        elif kind == "gone":
            today.gone(f"e{number}", "shirt", who)
        else:
            today.there(f"e{number}", "shirt", who)
    receipts = today.close()
    left = {number for kind, number, _ in steps if kind == "gone"}
    assert sum(items(receipt).get("shirt", 0) for receipt in receipts.values()) <= len(left)
    assert all(0.0 <= line.probability <= 1.0 for receipt in receipts.values() for line in receipt.lines)


# -- two hands at one facing -------------------------------------------------------------------------------------------


def one_puts_back_what_another_takes(*, first: str, apart_s: int = 0) -> dict[str, ReceiptIssued]:
    """Ann has a cola; she puts it back as Bob takes another, and no scale shows either."""
    today = day("ann", "bob")
    for tag in ("c1", "c2", "c3"):
        today.there(tag, "cola")
    today.weigh("s.p1", -351.0, "ann")
    today.wait(4)
    today.gone("c1", "cola", "ann")
    today.wait(20)
    for change in (first, "back" if first == "gone" else "gone"):
        if change == "gone":
            today.gone("c2", "cola", "ann", "bob")
        else:
            today.there("c1", "cola", "ann", "bob")
        today.wait(apart_s)
    return today.close()


@pytest.mark.parametrize("first", ["gone", "back"])
def test_a_unit_that_comes_as_another_goes_is_seen_by_tags_alone(first: str) -> None:
    """One cola is out, and nobody's word is believed on who has it: a person looks, and nothing is given away."""
    receipts = one_puts_back_what_another_takes(first=first)
    assert sorted(receipts) == ["ann", "bob"]
    assert all(receipt.settled is Settlement.REVIEW for receipt in receipts.values())


@pytest.mark.parametrize("first", ["gone", "back"])
def test_a_scale_that_shows_neither_is_believed_when_they_are_apart(first: str) -> None:
    """Ten seconds between them: it would have shown one leave."""
    receipts = one_puts_back_what_another_takes(first=first, apart_s=10)
    assert "bob" not in receipts or not items(receipts["bob"])
