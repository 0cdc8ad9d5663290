"""Stories about the floor: whose hand went down where."""

from __future__ import annotations

from jwo_cli.model.observations import FloorTouched
from tests.shop.little_store import Day, items


def down(day: Day, who: str, x_m: float) -> None:
    """A hand at the floor, a second later."""
    day.say(FloorTouched(at_ns=day.tick(), track_id=who, x_m=x_m, y_m=1.0, probability=0.93))


def cola_and_tea() -> Day:
    """Ann holds a cola and leaves it on the floor at 1 m; Bob holds a tea."""
    day = Day(["ann", "bob"])
    day.weigh("s.p1", -350.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    down(day, "ann", 1.0)
    return day


def test_a_hand_where_something_lies_takes_it_up() -> None:
    """Bob's hand goes down where Ann's did: rather for her cola than to leave his tea on top of it."""
    day = cola_and_tea()
    down(day, "bob", 1.05)
    receipts = day.close()
    assert items(receipts["bob"]) == {"cola": 1, "tea": 1}
    assert "ann" not in receipts or items(receipts["ann"]) == {}


def test_a_hand_elsewhere_leaves_something() -> None:
    """Bob's hand goes down two metres from the cola: his tea lies there now."""
    day = cola_and_tea()
    down(day, "bob", 3.0)
    receipts = day.close()
    assert all(items(receipt) == {} for receipt in receipts.values())
