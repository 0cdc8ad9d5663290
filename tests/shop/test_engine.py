"""Stories: a shopper does something, the receipt says so. One shelf, see `little_store`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jwo_cli.model.decisions import CartChanged, EventExplained, MassDoubted, Settlement
from jwo_cli.model.effects import AskStaff, Pay, SendReceipt
from jwo_cli.model.layout import Facing
from jwo_cli.model.observations import (
    CodeScanned,
    FloorTouched,
    HandsMet,
    IdentityDoubted,
    Reach,
    ShelfTouched,
    StoreClosed,
    TagChanged,
    TagState,
    TrackStarted,
)
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import Day, S, items, little_store


def test_one_cola() -> None:
    """Ann takes a cola and leaves: she pays 1.50 for it, automatically, and the line names the event."""
    day = Day(people=["ann"])
    seq = day.weigh("s.p1", -351.0, "ann")
    receipt = day.close()["ann"]
    assert items(receipt) == {"cola": 1}
    assert receipt.settled is Settlement.AUTOMATIC
    assert receipt.charged_minor == 150
    assert receipt.lines[0].caused_by == (seq,)


def test_looking_only_costs_nothing() -> None:
    """Ann lifts a cola and puts the same one back: no receipt at all."""
    day = Day(people=["ann"])
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p1", 350.6, "ann")
    assert day.close() == {}


def test_a_handful_is_counted_by_its_mass() -> None:
    """Three teas leave at once."""
    day = Day(people=["ann"])
    day.weigh("s.p2", -361.0, "ann")
    assert items(day.close()["ann"]) == {"tea": 3}


def test_what_is_put_back_elsewhere_is_not_paid_by_who_put_it_nor_taken_for_its_neighbour() -> None:
    """Ann puts a cola among the teas; Bob takes it from there: Bob pays a cola, not three teas, Ann nothing."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", 350.7, "ann")
    day.weigh("s.p2", -350.9, "bob")
    receipts = day.close()
    assert list(receipts) == ["bob"]
    assert items(receipts["bob"]) == {"cola": 1}


def test_a_lookalike_put_back_is_told_by_its_own_mass() -> None:
    """Ann's cola weighs 357 g, the sodas beside 352 g; back among the sodas and taken again, it is still the cola."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -357.0, "ann", sigma_g=0.4)
    day.weigh("s.p3", 357.1, "ann", sigma_g=0.4)
    day.weigh("s.p3", -357.0, "bob", sigma_g=0.4)
    assert items(day.close()["bob"]) == {"cola": 1}


def test_doubt_about_who_is_not_charged_but_shown() -> None:
    """Ann's and Bob's hands were both there: one of them has the cola, neither is charged, both are reviewed."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann", "bob")
    receipts = day.close()
    for receipt in receipts.values():
        assert receipt.settled is Settlement.REVIEW
        assert receipt.charged_minor == 0


def test_a_later_put_back_settles_who_had_taken_it() -> None:
    """Ann or Bob took a cola; Bob, alone at the shelf, puts it back: neither pays."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann", "bob")
    day.weigh("s.p1", 351.2, "bob")
    assert all(not items(receipt) for receipt in day.close().values())


def test_carts_follow_bodies_when_ids_swap() -> None:
    """Ann takes a cola, the tracker surely swaps the two: the id that Bob had pays it."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.swap("ann", "bob", 0.999)
    receipts = day.close()
    assert items(receipts["bob"]) == {"cola": 1}


@pytest.mark.parametrize("probability", [0.999, 0.001])
def test_what_was_done_before_ids_swapped_is_told_of_who_did_it(probability: float) -> None:
    """Ann takes a cola, Bob a tea, perhaps their ids swap: each event is explained by the visit that pays for it."""
    day = Day(people=["ann", "bob"])
    taken = {"cola": day.weigh("s.p1", -351.0, "ann"), "tea": day.weigh("s.p2", -120.0, "bob")}
    day.swap("ann", "bob", probability)
    receipts = day.close().values()
    told = {d.event_seq: d.explanations[0].visit_id for d, _ in day.decided if isinstance(d, EventExplained)}
    for receipt in receipts:
        (product,) = items(receipt)
        assert told[taken[product]] == receipt.visit_id


def test_carts_follow_bodies_when_two_come_under_one_id() -> None:
    """Ann has a cola, Bob a tea. Bob's id is lost, Ann's goes on as Bob, and Ann comes back as Cem."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    day.say(IdentityDoubted(at_ns=day.tick(), kind="merge", before="bob", after="ann", probability=0.999))
    day.say(TrackStarted(at_ns=day.tick(), track_id="cem", x_m=0, y_m=0))
    day.say(IdentityDoubted(at_ns=day.now, kind="restart", before="bob", after="cem", probability=0.999))
    receipts = day.close()
    assert items(receipts["cem"]) == {"cola": 1}
    assert items(receipts["ann"]) == {"tea": 1}


def test_a_doubtful_merge_makes_both_receipts_doubtful() -> None:
    """Evenly either: nobody is charged without a look."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.say(IdentityDoubted(at_ns=day.tick(), kind="merge", before="bob", after="ann", probability=0.45))
    assert all(receipt.settled is Settlement.REVIEW for receipt in day.close().values())


def test_staff_are_never_billed() -> None:
    """Sam fills up teas and takes a cola for the shelf behind: no receipt."""
    day = Day(people=["sam"], staff=["sam"])
    day.weigh("s.p2", 240.0, "sam")
    day.weigh("s.p1", -350.0, "sam")
    assert day.close() == {}


def test_a_wrong_catalogue_mass_is_found_and_reported() -> None:
    """Jars are listed with 60 g and weigh 550 g: Ann takes and pays three, and the table's error is reported."""
    day = Day(people=["ann"])
    for mass in (-551.0, -546.0, -553.0):
        day.weigh("s.p4", mass, "ann")
    receipt = day.close()["ann"]
    assert items(receipt) == {"jar": 3}
    (doubt,) = [d for d, _ in day.decided if isinstance(d, MassDoubted)]
    assert doubt.product_id == "jar"
    assert doubt.measured_g == pytest.approx(550, abs=6)


def test_a_product_that_nobody_weighed_gets_a_proposal() -> None:
    """Honey has no listed mass; after two jars of 410 g left its plate, 410 g is proposed."""
    store = little_store()
    honey = Facing(product_id="honey", plates=("s.p6",))
    day = Day(people=["ann"], store=replace(store, facings=(*store.facings, honey)))
    for mass in (-411.0, -409.0, -410.0):
        day.weigh("s.p6", mass, "ann")
    assert items(day.close()["ann"]) == {"honey": 3}
    (doubt,) = [d for d, _ in day.decided if isinstance(d, MassDoubted)]
    assert (doubt.product_id, doubt.listed_g) == ("honey", None)
    assert doubt.measured_g == pytest.approx(410, abs=4)


def test_nuts_are_paid_by_weight_and_may_go_back() -> None:
    """Ann scoops 210 g of nuts and returns 60 g: she pays 150 g at 19.90 a kilogram."""
    day = Day(people=["ann"])
    day.weigh("s.p5", -210.0, "ann")
    day.weigh("s.p5", 60.0, "ann")
    receipt = day.close()["ann"]
    assert receipt.lines[0].mass_g == pytest.approx(150, abs=2)
    assert receipt.total_minor == pytest.approx(298, abs=5)


def test_noise_is_nobodys_purchase() -> None:
    """A step that is hardly real is not charged."""
    day = Day(people=["ann"])
    day.weigh("s.p1", -20.0, "ann", real=0.05)
    assert day.close() == {}


def test_a_handed_over_item_is_paid_by_who_leaves_with_it() -> None:
    """Ann takes a cola and surely hands it to Bob, who holds nothing else."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    at = day.tick()
    day.say(HandsMet(at_ns=at, until_ns=at, a="ann", b="bob", distance_m=0.05, probability=0.98))
    assert items(day.close()["bob"]) == {"cola": 1}


def test_what_is_left_on_the_floor_is_nobodys() -> None:
    """Ann takes a cola and surely leaves it on the floor; when Bob picks it up there it is his."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.say(FloorTouched(at_ns=day.tick(), track_id="ann", x_m=1, y_m=1, probability=0.99))
    day.say(FloorTouched(at_ns=day.tick(), track_id="bob", x_m=1.1, y_m=1, probability=0.99))
    receipts = day.close()
    assert items(receipts["bob"]) == {"cola": 1}
    assert "ann" not in receipts or not items(receipts["ann"])


def test_an_antenna_alone_sees_a_tagged_thing_leave() -> None:
    """A tagged product without a plate leaves with Ann."""
    day = Day(people=["ann"])
    tag = TagChanged(
        at_ns=day.tick(), antenna_id="a", tag_id="e1", product_id="shirt", state=TagState.GONE, probability=0.99
    )
    day.say(tag)
    assert items(day.close()["ann"]) == {"shirt": 1}


def test_scales_alone_charge_the_only_visit() -> None:
    """No camera: a code opens the visit, the plate loses a cola, the store closes: the account pays."""
    day = Day(people=[])
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-1"))
    seq = day.seq + 1
    day.weigh("s.p1", -350.0, poses_known=False)
    (receipt,) = day.close().values()
    assert receipt.account == "acct-1"
    assert receipt.lines[0].caused_by == (seq,)


def test_what_scales_saw_before_the_camera_stays_with_the_visit() -> None:
    """A code opens the visit, the plate loses a cola before anybody is tracked; the body that appears carries it."""
    day = Day(people=[])
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-1"))
    day.weigh("s.p1", -351.0, poses_known=False)
    day.people = ["ann"]
    day.say(TrackStarted(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0))
    day.weigh("s.p2", -120.0, "ann")
    (receipt,) = day.close().values()
    assert items(receipt) == {"cola": 1, "tea": 1}
    assert (receipt.account, receipt.track_id) == ("acct-1", "ann")


def test_a_party_pays_together() -> None:
    """One code for two: both bodies' goods stand on one receipt."""
    day = Day(people=[])
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-1", party_size=2))
    day.people = ["ann", "bob"]
    for name in day.people:
        day.say(TrackStarted(at_ns=day.tick(), track_id=name, x_m=0, y_m=0))
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    (receipt,) = day.close().values()
    assert items(receipt) == {"cola": 1, "tea": 1}


def test_money_is_asked_for_once_and_only_what_is_charged() -> None:
    """An account's certain receipt asks for its amount; a doubtful one asks staff instead."""
    day = Day(people=[])
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-1"))

    day.people = ["ann"]
    day.say(TrackStarted(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0))
    day.weigh("s.p1", -351.0, "ann")
    day.seq += 1
    effects = day.engine.handle(day.seq, StoreClosed(at_ns=day.tick())).effects
    assert [type(effect) for effect in effects] == [SendReceipt, Pay]
    assert not any(isinstance(effect, AskStaff) for effect in effects)


def test_every_event_is_explained_with_alternatives_that_add_up() -> None:
    """Each explanation's probabilities are at most one together, and causes name earlier entries only."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann", "bob")
    day.weigh("s.p2", -120.0, "ann")
    day.close()
    explained = [(d, c) for d, c in day.decided if isinstance(d, EventExplained)]
    assert {d.event_seq for d, _ in explained} == {4, 5}
    for decision, causes in explained:
        assert sum(item.probability for item in decision.explanations) <= 1.0005
        assert all(cause <= day.seq for cause in causes)


def test_carts_are_shown_as_they_grow() -> None:
    """After each event the cart on the screen is the belief of that moment."""
    day = Day(people=["ann"])
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "ann")
    carts = [d for d, _ in day.decided if isinstance(d, CartChanged)]
    assert [[line.product_id for line in cart.lines] for cart in carts] == [["cola"], ["cola", "tea"]]


def test_a_long_day_does_not_grow() -> None:
    """After five hundred visits nothing of them is left in the beliefs."""
    day = Day(people=[])
    day.people = ["x"]
    sizes = []
    for visit in range(500):
        name = f"v{visit}"
        day.people = [name]
        from jwo_cli.model.observations import TrackStarted

        day.say(TrackStarted(at_ns=day.tick(), track_id=name, x_m=0, y_m=0))
        day.weigh("s.p1", -351.0, name)
        day.weigh("s.p3", 350.8 if visit % 10 == 0 else -352.0, name)
        day.leave(name)
        sizes.append(day.engine.held())
    assert max(sizes[250:]) <= max(sizes[:250]) + 5


@pytest.mark.parametrize("beam", [20, 240])
def test_crossing_doubts_stay_bounded(beam: int) -> None:
    """Twelve disputed picks of four people: the beam bounds the work and the odds stay a probability."""
    people = ["a", "b", "c", "d"]
    day = Day(people=people, settings=EngineSettings(beam=beam))
    for n in range(12):
        day.weigh("s.p1" if n % 2 else "s.p2", -350.0 if n % 2 else -120.0, people[n % 4], people[(n + 1) % 4])
    receipts = day.close()
    assert sum(sum(items(r).values()) for r in receipts.values()) >= 8
    assert day.now > 12 * S


def test_a_bag_on_the_shelf_is_nobodys_purchase() -> None:
    """Ann leans her bag (251 g) among the teas and takes it up again: no two teas were bought."""
    day = Day(people=["ann"])
    day.weigh("s.p2", 241.0, "ann")
    day.weigh("s.p2", -241.2, "ann")
    assert all(not items(receipt) for receipt in day.close().values())


def test_two_halves_of_one_lift_are_one_lift() -> None:
    """A tea that straddled two plates reaches us as two changes, 85 g and then 35 g beside: still one tea."""
    day = Day(people=["ann"])
    day.weigh("s.p2", -85.0, "ann")
    day.weigh("s.p1", -35.0, "ann")
    receipt = day.close()["ann"]
    assert items(receipt) == {"tea": 1}


def test_who_leans_on_a_shelf_may_take_something_with_the_same_hand() -> None:
    """240 g of leaning arrive, 360 g leave: the hand, and one tea."""
    day = Day(people=["ann"])
    day.weigh("s.p2", 243.0, "ann")
    day.weigh("s.p2", -363.0, "ann")
    assert items(day.close()["ann"]) == {"tea": 1}


def test_two_hands_at_one_plate_in_the_same_moment() -> None:
    """Two colas leave while both hands are plainly there; then Ann puts one back: the other is Bob's."""
    day = Day(people=["ann", "bob"])
    seq = day.weigh("s.p1", -702.0, "ann", "bob")
    day.weigh("s.p1", 350.6, "ann")
    receipts = day.close()
    assert items(receipts["bob"]) == {"cola": 1}
    assert "ann" not in receipts or not items(receipts["ann"])
    told = [d for d, _ in day.decided if isinstance(d, EventExplained) and d.event_seq == seq]
    assert " & " in (told[-1].explanations[0].visit_id or "")


def test_a_touch_with_two_hands_there_may_hide_an_exchange() -> None:
    """Ann holds a cola; both hands touch the colas and nothing is missing: perhaps she put it back and Bob took one."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    reaches = tuple(Reach(track_id=name, log_likelihood=5.0, hand_m=0.05, body_m=0.5) for name in day.people)
    at = day.tick()
    day.say(
        ShelfTouched(at_ns=at, begin_ns=at, end_ns=at, shelf_id="s", plates=("s.p1",), peak_g=350.0, reaches=reaches)
    )
    receipt = day.close()["ann"]
    assert items(receipt) == {"cola": 1}
    assert receipt.settled is Settlement.REVIEW
    assert any(line.alternatives for line in receipt.lines)
