"""Stories at a plate that does not weigh: what was done there stays in doubt, and a person decides."""

from __future__ import annotations

from jwo_cli.model.decisions import ReviewNeeded, Settlement
from jwo_cli.model.observations import UnweighedReach
from tests.shop.little_store import Day, items


def reach(day: Day, plate: str, who: str, probability: float) -> None:
    """Somebody's hand at a dead plate, a second later."""
    at = day.tick()
    day.say(
        UnweighedReach(
            at_ns=at, begin_ns=at - 400_000_000, end_ns=at + 300_000_000, plates=(plate,), track_id=who,
            probability=probability,
        )
    )  # fmt: skip


def test_a_clear_reach_to_a_dead_plate_is_reviewed_by_name() -> None:
    """Ann reaches to the tea whose scale is dead: the best guess is a tea, and a person is told which plate."""
    day = Day(["ann"])
    reach(day, "s.p2", "ann", 0.85)
    receipt = day.close()["ann"]
    assert receipt.settled is Settlement.REVIEW
    assert items(receipt) == {"tea": 1}
    assert receipt.charged_minor == 0
    assert any("s.p2" in d.reason for d, _ in day.decided if isinstance(d, ReviewNeeded))


def test_what_was_weighed_is_charged_all_the_same() -> None:
    """The cola is beyond doubt, the tea is not."""
    day = Day(["ann"])
    day.weigh("s.p1", -350.0, "ann")
    reach(day, "s.p2", "ann", 0.8)
    receipt = day.close()["ann"]
    assert receipt.settled is Settlement.REVIEW
    assert [line.product_id for line in receipt.lines if line.charged] == ["cola"]


def test_a_faint_reach_settles_by_itself() -> None:
    """A hand that hardly looks like taking keeps nobody from going home."""
    day = Day(["ann"])
    day.weigh("s.p1", -350.0, "ann")
    reach(day, "s.p2", "ann", 0.15)
    receipt = day.close()["ann"]
    assert receipt.settled is Settlement.AUTOMATIC
    assert items(receipt) == {"cola": 1}


def test_what_is_held_may_have_gone_back() -> None:
    """Ann took a tea while the scale worked and reaches there again after it died: one, two or none."""
    day = Day(["ann"])
    day.weigh("s.p2", -120.0, "ann")
    reach(day, "s.p2", "ann", 0.9)
    receipt = day.close()["ann"]
    assert receipt.settled is Settlement.REVIEW
    assert receipt.probability < 0.5
    assert not any(item.charged for item in receipt.lines)


def test_a_thing_that_stood_half_on_a_dead_plate_is_taken_once() -> None:
    """A scale felt the cola go in the same moment: the hand at its dead neighbour took no second one."""
    day = Day(["ann"])
    day.weigh("s.p1", -350.0, "ann")
    day.say(
        UnweighedReach(
            at_ns=day.now, begin_ns=day.now - 1, end_ns=day.now + 1, plates=("s.p1",), track_id="ann", probability=0.9
        )
    )
    assert items(day.close()["ann"]) == {"cola": 1}


def test_only_the_one_who_reached_is_doubted() -> None:
    """Bob stood by and took a cola: his receipt is settled."""
    day = Day(["ann", "bob"])
    day.weigh("s.p1", -350.0, "bob")
    reach(day, "s.p2", "ann", 0.85)
    receipts = day.close()
    assert receipts["bob"].settled is Settlement.AUTOMATIC
    assert receipts["ann"].settled is Settlement.REVIEW


def test_staff_at_a_dead_plate_are_nobodys_business() -> None:
    """Whoever mends or fills it is not billed."""
    day = Day(["sue"], staff=["sue"])
    reach(day, "s.p2", "sue", 0.9)
    assert day.close() == {}


def test_a_plate_without_goods_leaves_no_doubt() -> None:
    """Nothing stands on the sixth plate."""
    day = Day(["ann"])
    day.weigh("s.p1", -350.0, "ann")
    reach(day, "s.p6", "ann", 0.9)
    assert day.close()["ann"].settled is Settlement.AUTOMATIC
