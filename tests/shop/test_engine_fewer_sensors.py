"""Stories of stores with fewer sensors: scales alone, cameras near the shelves; and from signals to the receipt."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import CodeRead, Signal, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.effects import AskStaff
from jwo_cli.model.layout import Antenna, Facing, Gate, GateKind, Pose, Store
from jwo_cli.model.observations import (
    CodeScanned,
    IdentityDoubted,
    PlateDelta,
    Reach,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from jwo_cli.shop.engine import Engine
from tests.estimate.people import figures
from tests.estimate.radio import mixed, reads, shelf
from tests.shop.little_store import FAR, NEAR, Day, items, little_store
from tests.shop.radio_days import by_account, only

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


def test_an_exit_code_ends_a_visit_that_no_camera_saw() -> None:
    """One leaves with a cola and scans out; what leaves a shelf afterwards is the other's alone."""
    gates = tuple(Gate(gate_id=kind.value, kind=kind, a=(0, -3), b=(1, -3)) for kind in (GateKind.ENTRY, GateKind.EXIT))
    today = by_account("one", store=replace(little_store(), gates=gates))
    blind(today, "s.p1", -350.5)
    today.say(CodeScanned(at_ns=today.tick(), gate_id="entry", account="two"))
    today.say(CodeScanned(at_ns=today.tick(), gate_id="exit", account="one"))
    (first,) = [decision for decision, _ in today.decided if isinstance(decision, ReceiptIssued)]
    assert (first.account, items(first), first.settled) == ("one", {"cola": 1}, Settlement.AUTOMATIC)
    blind(today, "s.p2", -120.0)
    step = today.engine.handle(10_000, CodeScanned(at_ns=today.tick(), gate_id="exit", account="three"))
    assert [type(effect) for effect in step.effects] == [AskStaff]  # nobody of that account had come in
    assert step.decisions == ()
    today.close()
    (_, second) = [decision for decision, _ in today.decided if isinstance(decision, ReceiptIssued)]
    assert (second.account, items(second), second.settled) == ("two", {"tea": 1}, Settlement.AUTOMATIC)


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
