"""Stories in which the scale tells in pieces what belongs together."""

from __future__ import annotations

from jwo_cli.model.decisions import Settlement
from jwo_cli.model.layout import Facing
from jwo_cli.model.staffing import PlanogramChanged
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import Day, items


def test_two_who_take_one_after_the_other_have_one_each_whatever_the_level_between_was() -> None:
    """The plate swings while the second hand comes: 110 g and 130 g are two teas of 120 g, not one pick of two."""
    day = Day(people=("ann", "bob"))
    day.weigh("s.p2", -110.0, "ann")
    day.weigh("s.p2", -130.5, "bob")
    receipts = day.close()
    assert {name: items(receipt) for name, receipt in receipts.items()} == {"ann": {"tea": 1}, "bob": {"tea": 1}}
    assert all(receipt.settled is Settlement.AUTOMATIC for receipt in receipts.values())


def test_changes_are_combined_by_the_plan_of_the_day() -> None:
    """The teas moved to the last plate at noon; two people take one there, one after the other."""
    day = Day(people=("ann", "bob"))
    facings = (Facing(product_id="tea", plates=("s.p6",)),)
    day.say(PlanogramChanged(at_ns=day.tick(), staff="eve", facings=facings, layout_version="2"))
    day.weigh("s.p6", -110.0, "ann")
    day.weigh("s.p6", -130.5, "bob")
    assert {name: items(receipt) for name, receipt in day.close().items()} == {"ann": {"tea": 1}, "bob": {"tea": 1}}


def test_a_hand_that_presses_on_after_a_put_hides_nothing() -> None:
    """A tea comes back as 146 g, and 25 g leave with the hand: in sum it is the tea."""
    day = Day(people=("ann",))
    day.weigh("s.p2", -120.4, "ann")
    day.weigh("s.p1", -350.0, "ann")
    day.weigh("s.p2", 146.0, "ann")
    day.weigh("s.p2", -25.4, "ann")
    assert items(day.close()["ann"]) == {"cola": 1}


def test_a_put_and_a_lean_that_run_into_each_other_are_told_apart_by_their_sum() -> None:
    """Put (144 g with the hand), leant on (+150 g), let go (-174 g): 120 g stay."""
    day = Day(people=("ann",))
    day.weigh("s.p2", -120.4, "ann")
    day.weigh("s.p1", -350.0, "ann")
    day.weigh("s.p2", 144.0, "ann")
    day.weigh("s.p2", 150.0, "ann")
    day.weigh("s.p2", -173.8, "ann")
    assert items(day.close()["ann"]) == {"cola": 1}


def exchange(settings: EngineSettings) -> dict[str, dict[str, int]]:
    """Ann's tea lands on plates 2 and 3 as Bob takes one from 1 and 2: all that shows are 40 g less and 40 g more."""
    day = Day(people=("ann", "bob"), settings=settings)
    day.weigh("s.p4", -60.0, "ann", "bob")  # one of them: their stories depend on each other from here on
    day.weigh("s.p1", -350.0, "ann")
    day.weigh("s.p2", -120.4, "ann")
    day.weigh("s.p1", -40.0, "bob")
    day.weigh("s.p3", 40.5, "ann")
    return {name: items(receipt) for name, receipt in day.close().items()}


def test_who_puts_back_while_another_takes_beside_is_not_charged_for_it() -> None:
    """Only the sum of what shows tells what happened, and each hand tells its own half."""
    receipts = exchange(EngineSettings())
    assert receipts["bob"].get("tea") == 1
    assert "tea" not in receipts["ann"]


def test_without_parts_each_change_stands_for_itself() -> None:
    """An engine that may not combine takes the halves for something else and leaves the tea with who had it first."""
    receipts = exchange(EngineSettings(use_parts=False))
    assert receipts["ann"].get("tea") == 1
