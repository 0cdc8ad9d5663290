"""Stories about the house: its doors, its modes, what staff change while it is open, and who came in without a code."""

from __future__ import annotations

from dataclasses import replace

from jwo_cli.model.decisions import ReceiptIssued, Settlement, VisitStarted
from jwo_cli.model.effects import OpenGate, RefuseEntry
from jwo_cli.model.entering import EntryRefused, Refusal, Role
from jwo_cli.model.layout import Facing
from jwo_cli.model.observations import CodeScanned, Ticked, TrackStarted
from jwo_cli.model.staffing import (
    AgeConfirmed,
    CatalogueChanged,
    EntryGranted,
    GateReleased,
    GateRestored,
    Mode,
    ModeChanged,
    PlanogramChanged,
    Stray,
    VisitJoined,
    VisitUnclaimed,
)
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import PRODUCTS, Day, S, items, little_store

COLA = PRODUCTS[0]


def receipts(day: Day) -> list[ReceiptIssued]:
    return [decision for decision, _ in day.decided if isinstance(decision, ReceiptIssued)]


def come(day: Day, name: str, account: str | None, gate_id: str | None = "in") -> None:
    day.people = [*day.people, name]
    day.say(TrackStarted(at_ns=day.tick(), track_id=name, x_m=0, y_m=0, gate_id=gate_id))
    if account is not None:
        day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account=account, track_id=name))


def test_the_door_does_what_was_decided() -> None:
    """A granted entry opens this gate, a refused one says why."""
    engine = Day(people=[]).engine
    granted = engine.handle(9, EntryGranted(at_ns=1, gate_id="in", account="a"))
    assert granted.effects == (OpenGate(gate_id="in", account="a"),)
    refused = engine.handle(10, EntryRefused(at_ns=1, gate_id="in", refusal=Refusal.USED))
    assert refused.effects == (RefuseEntry(gate_id="in", refusal=Refusal.USED),)


def test_modes_say_who_comes_in() -> None:
    """Up: everybody. Staff only: staff and testers. Draining and down: nobody."""
    house = Day(people=[]).engine.house
    admitted = {}
    for mode in Mode:
        house.handle(ModeChanged(at_ns=1, mode=mode, staff="ann"))
        admitted[mode] = (house.admits(Role.SHOPPER), house.admits(Role.STAFF))
    assert admitted == {
        Mode.UP: (True, True),
        Mode.STAFF_ONLY: (False, True),
        Mode.DRAINING: (False, False),
        Mode.DOWN: (False, False),
    }


def test_a_price_that_rises_meanwhile_is_not_paid() -> None:
    """Cola costs 1.50 when Ann comes and 2.00 when she leaves; who comes after her pays 2.00."""
    day = Day(people=["ann"])
    day.say(CatalogueChanged(at_ns=day.tick(), staff="eve", products=(replace(COLA, price_minor=200),)))
    come(day, "bob", None)
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p1", -350.0, "bob")
    closed = day.close()
    assert (closed["ann"].charged_minor, closed["bob"].charged_minor) == (150, 200)


def test_what_stands_elsewhere_from_now_on_is_taken_from_there() -> None:
    """A new product is put on the empty plate while the store is open, and sold from it."""
    day = Day(people=["ann"])
    gum = replace(COLA, product_id="gum", name="Gum", price_minor=90, unit_mass_g=700.0)
    day.say(CatalogueChanged(at_ns=day.tick(), staff="eve", products=(gum,)))
    facings = (*little_store().facings, Facing(product_id="gum", plates=("s.p6",)))
    day.say(PlanogramChanged(at_ns=day.tick(), staff="eve", facings=facings, layout_version="2"))
    day.weigh("s.p6", -701.0, "ann")
    assert items(day.close()["ann"]) == {"gum": 1}


def test_a_friend_is_let_in_on_the_same_account() -> None:
    """Ann scans again for Bob, who stands at the gate: one visit, one receipt, and Bob's own visit is joined to it."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    come(day, "bob", None)
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-ann", track_id="bob", code_id="2"))
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    day.leave("bob")
    assert not receipts(day)  # Ann still shops
    day.leave("ann")
    (receipt,) = receipts(day)
    assert (items(receipt), receipt.account) == ({"cola": 1, "tea": 1}, "acct-ann")
    (joined,) = [decision for decision, _ in day.decided if isinstance(decision, VisitJoined)]
    assert joined.into == receipt.visit_id


def test_a_friend_may_come_after_the_scan() -> None:
    """Ann, inside, scans once more; Bob comes through the gate a moment later."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-ann", track_id="ann", code_id="2"))
    come(day, "bob", None)
    day.weigh("s.p2", -120.0, "bob")
    day.leave("ann")
    day.leave("bob")
    (receipt,) = receipts(day)
    assert receipt.account == "acct-ann"


def test_who_comes_in_without_a_code_is_told_and_not_charged() -> None:
    """Bob follows Ann through the gate: his goods are on a receipt of nobody's account, and staff hear of it."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    come(day, "bob", None)
    come(day, "eve", None, gate_id=None)
    day.weigh("s.p1", -351.0, "bob")
    for name in ("bob", "ann", "eve"):
        day.leave(name)
    (receipt,) = receipts(day)
    assert receipt.account is None
    strays = [decision for decision, _ in day.decided if isinstance(decision, VisitUnclaimed)]
    assert [(stray.track_id, stray.stray) for stray in strays] == [("bob", Stray.TAILGATED), ("eve", Stray.APPEARED)]


def test_who_turns_round_in_the_exit_is_still_who_they_were() -> None:
    """Ann is out and comes back for a tea within a minute: a second visit, on the same account."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    day.leave("ann")
    day.say(TrackStarted(at_ns=day.tick(), track_id="ann", x_m=0, y_m=0))
    day.weigh("s.p2", -120.0, "ann")
    day.leave("ann")
    (receipt,) = receipts(day)
    assert receipt.account == "acct-ann"


def test_what_leaves_while_a_door_stands_open_is_looked_at() -> None:
    """Fire alarm: Ann's goods are recorded, and a person decides; after the door is locked again all is as before."""
    day = Day(people=["ann", "bob"])
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    day.say(GateReleased(at_ns=day.tick(), gate_id="out", reason="fire alarm"))
    assert day.engine.house.released() == ("out",)
    day.leave("ann")
    day.say(GateRestored(at_ns=day.tick(), gate_id="out"))
    day.leave("bob")
    ann, bob = receipts(day)
    assert (ann.settled, bob.settled) == (Settlement.REVIEW, Settlement.AUTOMATIC)
    assert "fire alarm" in ann.reasons[-1]
    assert items(ann) == {"cola": 1}


def test_a_visit_that_never_ends_is_settled_for_review() -> None:
    """Somebody is still seen inside after hours: the driver knows when to look, the receipt waits for a person."""
    day = Day(people=["ann"], settings=EngineSettings(visit_s=600.0))
    day.weigh("s.p1", -351.0, "ann")
    wake_ns = day.engine.wake_ns()
    assert wake_ns == 601 * S + 1
    day.say(Ticked(at_ns=wake_ns - 1))
    assert not receipts(day)
    day.say(Ticked(at_ns=wake_ns))
    assert [receipt.settled for receipt in receipts(day)] == [Settlement.REVIEW]
    assert day.engine.wake_ns() is None


def test_an_age_that_staff_saw_needs_no_second_look() -> None:
    """Beer waits for a person unless staff confirmed the shopper's age, of the account or of the visit."""
    beer = replace(COLA, age_min=18)
    store = little_store()
    store = replace(store, catalogue=replace(store.catalogue, products=(beer, *store.catalogue.products[1:])))
    settled = {}
    for told in ("nothing", "account", "visit", "too young"):
        day = Day(people=[], store=store, settings=EngineSettings(age_review=True))
        come(day, "ann", "acct-ann")
        (visit,) = [decision.visit_id for decision, _ in day.decided if isinstance(decision, VisitStarted)]
        if told == "visit":
            day.say(AgeConfirmed(at_ns=day.tick(), staff="eve", age=18, visit_id=visit))
        elif told != "nothing":
            age = 16 if told == "too young" else 21
            day.say(AgeConfirmed(at_ns=day.tick(), staff="eve", age=age, account="acct-ann"))
        day.weigh("s.p1", -351.0, "ann")
        settled[told] = day.close()["ann"].settled
    assert [told for told, how in settled.items() if how is Settlement.AUTOMATIC] == ["account", "visit"]


def test_in_a_queue_a_code_is_the_newcomers() -> None:
    """Ann still stands nearest to the reader when Bob behind her scans: the code is Bob's, and Ann stays Ann."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    come(day, "bob", None)
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-bob", track_id="ann"))
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    day.leave("ann")
    day.leave("bob")
    paid = {receipt.account: items(receipt) for receipt in receipts(day)}
    assert paid == {"acct-ann": {"cola": 1}, "acct-bob": {"tea": 1}}


def test_a_code_of_somebody_not_seen_yet_waits_for_them() -> None:
    """Ann is nearest to the reader, nobody else is seen: the next body through the gate is Bob's."""
    day = Day(people=[])
    come(day, "ann", "acct-ann")
    day.say(CodeScanned(at_ns=day.tick(), gate_id="in", account="acct-bob", track_id="ann"))
    come(day, "bob", None)
    day.weigh("s.p2", -120.0, "bob")
    day.leave("bob")
    (receipt,) = receipts(day)
    assert (receipt.account, items(receipt)) == ("acct-bob", {"tea": 1})
