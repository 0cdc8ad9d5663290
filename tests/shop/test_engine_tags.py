"""Stories of a store with antennas: alone, beside scales, against scales; and stores with fewer sensors still."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import CodeRead, Signal, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.layout import Antenna, Facing, Pose, Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FaultKind,
    HandsMet,
    IdentityDoubted,
    PlateDelta,
    Reach,
    TagChanged,
    TagState,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings
from tests.estimate.people import figures
from tests.estimate.radio import mixed, reads, shelf
from tests.shop.little_store import FAR, NEAR, Day, S, items, little_store


def radio_store(*, extra: Sequence[Facing] = ()) -> Store:
    """The little store, shirts on no plate, an antenna over all of it (a) and one at the door (b)."""
    plain = little_store()
    shirt = Product(product_id="shirt", name="Shirt", price_minor=2500)
    above = Antenna(
        antenna_id="a", pose=Pose(x_m=0.5, y_m=0.2), range_m=1.5, plates=tuple(f"s.p{n}" for n in range(1, 7))
    )
    return replace(
        plain,
        antennas=(above, replace(above, antenna_id="b", plates=("none",))),
        facings=(*plain.facings, *extra),
        catalogue=replace(plain.catalogue, products=(*plain.catalogue.products, shirt)),
    )


@dataclass
class RadioDay(Day):
    """A day in the store with antennas."""

    def tag(
        self, state: TagState, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97
    ) -> int:
        """A tag came or left while `who` stood there; nobody named: no camera looked."""
        reaches = tuple(
            Reach(track_id=name, log_likelihood=3.0 if name in who else -7.0, hand_m=None, body_m=None)
            for name in self.people
        )
        return self.say(
            TagChanged(
                at_ns=self.tick(), antenna_id=antenna, tag_id=tag, product_id=product, state=state,
                probability=probability, reaches=reaches if who else (),
            )
        )  # fmt: skip

    def gone(self, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97) -> int:
        """A tag left."""
        return self.tag(TagState.GONE, tag, product, *who, antenna=antenna, probability=probability)

    def there(self, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97) -> int:
        """A tag came."""
        return self.tag(TagState.PRESENT, tag, product, *who, antenna=antenna, probability=probability)

    def fault(self, device: str, kind: FaultKind) -> None:
        """A device is down from now on."""
        at = self.tick()
        self.say(DeviceFaulted(at_ns=at, device_id=device, kind=kind, until_ns=at))

    def wait(self, seconds: int = 10) -> None:
        """Nothing happens."""
        self.now += seconds * S


def day(*people: str, extra: Sequence[Facing] = (), settings: EngineSettings | None = None) -> RadioDay:
    """A day with these people inside."""
    return RadioDay(people=people, store=radio_store(extra=extra), settings=settings or EngineSettings())


def by_account(*accounts: str, store: Store | None = None) -> RadioDay:
    """A day without cameras: codes open visits."""
    today = RadioDay(people=(), store=store or radio_store())
    for account in accounts:
        today.say(CodeScanned(at_ns=today.tick(), gate_id="in", account=account))
    return today


def only(receipts: dict[str, ReceiptIssued]) -> ReceiptIssued:
    """The one receipt there is."""
    (receipt,) = receipts.values()
    return receipt


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


# -- fewer sensors -----------------------------------------------------------------------------------------------------


def blind(today: Day, plate: str, delta_g: float) -> int:
    """A weight change that no camera could have seen anybody at."""
    at = today.tick()
    plates = (PlateDelta(plate_id=plate, delta_g=delta_g, sigma_g=0.8),)
    return today.say(
        WeightChanged(
            at_ns=at, begin_ns=at, end_ns=at, shelf_id="s", plates=plates, real=0.999, reaches=(), poses_known=False
        )
    )  # fmt: skip


def test_scales_alone_charge_one_visit_and_ask_about_two() -> None:
    """The only account inside pays by itself; of two, nobody does."""
    for accounts, settled in ((("one",), Settlement.AUTOMATIC), (("one", "two"), Settlement.REVIEW)):
        today = by_account(*accounts, store=little_store())
        blind(today, "s.p1", -350.5)
        receipts = today.close()
        assert receipts
        for receipt in receipts.values():
            assert receipt.settled is settled
            assert receipt.charged_minor == (150 if settled is Settlement.AUTOMATIC else 0)


def test_scales_alone_know_put_backs() -> None:
    """Taken, put back, another taken: one tea."""
    today = by_account("one", store=little_store())
    blind(today, "s.p1", -350.5)
    blind(today, "s.p1", 350.1)
    blind(today, "s.p2", -120.3)
    assert items(only(today.close())) == {"tea": 1}


def test_scales_without_anybody_inside_do_not_fail() -> None:
    """A shelf moves at night."""
    today = Day(people=())
    blind(today, "s.p1", -350.5)
    assert today.close() == {}


def test_cameras_make_scales_surer() -> None:
    """Two people inside: with cameras the actor is sure, without he is one of two."""

    def sureness(*, seen: bool) -> float:
        today = Day(people=["ann", "bob"])
        if seen:
            today.weigh("s.p1", -350.5, "ann")
        else:
            blind(today, "s.p1", -350.5)
        return max(receipt.probability for receipt in today.close().values())

    assert sureness(seen=True) > 0.95
    assert sureness(seen=False) < 0.7


def test_cameras_only_near_the_shelves() -> None:
    """Ann is lost in the aisle and found at the shelf under another name: one visit, both things, and less sure."""
    today = Day(people=[])

    def seen(name: str) -> None:
        today.people = [name]
        today.say(TrackStarted(at_ns=today.tick(), track_id=name, x_m=0, y_m=0))

    seen("a1")
    today.weigh("s.p1", -350.5, "a1")
    today.say(TrackEnded(at_ns=today.tick(), track_id="a1", x_m=0, y_m=-1, left_store=0.1))
    seen("a2")
    today.say(IdentityDoubted(at_ns=today.tick(), kind="restart", before="a1", after="a2", probability=0.8))
    today.weigh("s.p2", -120.2, "a2")
    receipts = today.close()
    counts: dict[str, int] = {}
    for receipt in receipts.values():
        for product, count in items(receipt).items():
            counts[product] = counts.get(product, 0) + count
    assert counts == {"cola": 1, "tea": 1}


@pytest.mark.parametrize("far", [FAR, -20.0])
def test_somebody_in_the_aisle_whom_no_camera_sees_is_a_small_doubt(far: float) -> None:
    """Bob was seen at the door only, Ann's hand was there: Ann pays, less surely than when Bob was seen far."""
    today = Day(people=["ann", "bob"])
    at = today.tick()
    plates = (PlateDelta(plate_id="s.p1", delta_g=-350.5, sigma_g=0.8),)
    near = Reach(track_id="ann", log_likelihood=NEAR, hand_m=0.05, body_m=0.4)
    unseen = WeightChanged(at_ns=at, begin_ns=at, end_ns=at, shelf_id="s", plates=plates, real=0.999, reaches=(near,))
    today.say(unseen)
    watched = Day(people=["ann", "bob"])
    away = Reach(track_id="bob", log_likelihood=far, hand_m=None, body_m=4.0)
    watched.say(replace(unseen, reaches=(near, away)))
    first, second = today.close()["ann"], watched.close()["ann"]
    assert first.settled is second.settled is Settlement.AUTOMATIC
    assert first.probability <= second.probability


# -- from the sensors to the receipt -----------------------------------------------------------------------------------


def told(store: Store, *streams: Sequence[Signal]) -> dict[str, ReceiptIssued]:
    """Signals through perception and engine: receipts by the account, or by the tracker id."""
    perception, engine = Perception(store, recording_id="r"), Engine(store)
    observations = [o for signal in heapq.merge(*streams, key=captured) for o in perception.feed(signal)]
    decided = [
        caused.decision
        for seq, observation in enumerate([*observations, *perception.close()], 1)
        for caused in engine.handle(seq, observation).decisions
    ]
    return {d.account or d.track_id: d for d in decided if isinstance(d, ReceiptIssued)}


def captured(signal: Signal) -> int:
    """Time of capture."""
    return signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns


WINE, EPC = "80614141123458", "3034257BF7194E4000001A85"


def wine_store(*, plates: tuple[str, ...]) -> Store:
    """The people's little store with wine under an antenna, on plates or not."""
    wine = Product(product_id=WINE, name="Wine", price_minor=900, unit_mass_g=300.0)
    return replace(
        figures.store(gates=(figures.DOOR,)),
        antennas=(Antenna(antenna_id="ant", pose=Pose(x_m=0.6, y_m=0.0, z_m=2.2), range_m=1.2),),
        facings=(Facing(product_id=WINE, plates=plates),),
        catalogue=Catalogue(currency="EUR", products=(wine,)),
    )


def radio(taken: float, until: float) -> list[Signal]:
    """Five tags that stay, and the wine that leaves."""
    return list(mixed(shelf(5, 0, until), reads(EPC, 0, taken)))


def test_reads_and_a_code_make_a_receipt() -> None:
    """RFID only: no plate, no camera; one account inside pays one wine, automatically."""
    code = CodeRead(at_ns=figures.at_ns(8.0), gate_id="door", account="acct-1")
    receipt = only(told(wine_store(plates=()), [code], radio(14.0, 30.0)))
    assert (receipt.account, items(receipt), receipt.settled) == ("acct-1", {WINE: 1}, Settlement.AUTOMATIC)


def test_reads_and_cameras_make_the_right_persons_receipt() -> None:
    """RFID and poses: a reached for the shelf, b stood across the room."""
    far = figures.taker(3, 14.0)
    people = {"a": figures.taker(3, 14.0), "b": lambda t: far(t) + np.array([1.5, -2.0, 0.0], np.float32)}
    receipts = told(wine_store(plates=()), figures.frames(people, 40.0), radio(14.0, 40.0))
    assert {name: items(receipt) for name, receipt in receipts.items()} == {"a": {WINE: 1}}
    assert receipts["a"].settled is Settlement.AUTOMATIC


def test_scale_reads_and_cameras_make_one_wine() -> None:
    """Everything: the plate lost 300 g, the tag left, a's hand was there. One wine."""
    frames = figures.frames({"a": figures.taker(3, 14.0)}, 40.0)
    grams = figures.weights(40.0, {3: (14.0, -300.0)})
    receipt = only(told(wine_store(plates=(figures.plate(3),)), frames, grams, radio(14.0, 40.0)))
    assert items(receipt) == {WINE: 1}
    assert receipt.settled is Settlement.AUTOMATIC


def test_what_was_taken_and_put_back_before_the_antenna_is_not_paid() -> None:
    """RFID and poses: away for twelve seconds, then back on the shelf."""
    stream = list(mixed(shelf(5, 0, 60), reads(EPC, 0, 14), reads(EPC, 26, 60)))
    receipts = told(wine_store(plates=()), figures.frames({"a": figures.taker(3, 14.0)}, 60.0), stream)
    assert all(not items(receipt) for receipt in receipts.values())
