"""Goods move right before messages of a scale are lost, and again when it is back: each movement is told once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.weight import Change, WeightFront
from jwo_cli.model.units import NS_PER_S
from tests.estimate.weight.told import changes, seconds, shelf
from tests.estimate.weight.traces import store_of

TAKEN_S, MASS_G, PLATE = 8.0, 120.0, 2
BEHIND_NS = 4 * NS_PER_S  # the other streams' time: a device that is silent for longer is given up meanwhile


def told(*, lost_s: tuple[float, float], then: str, after_s: float, seed: int = 3, calm: bool = False) -> list[Change]:
    """A thing is taken, messages are lost from one second to another, and `after_s` later goods move again."""
    since_s, until_s = lost_s
    trace = shelf(seed=seed, seconds_=until_s + after_s + 8)
    trace.pick(TAKEN_S, {PLATE: 1.0}, MASS_G)
    {"pick": trace.pick, "put": trace.put}[then](until_s + after_s, {PLATE: 1.0}, MASS_G)
    if calm:
        trace.noise(shaking_g=2.0, swinging=0.0)
    else:
        trace.noise()
    front = WeightFront(store_of(8))

    def found() -> Iterator[Change]:
        for batch in trace.batches():
            if not since_s < seconds(batch.end_ns) < until_s:
                yield from changes(front.feed(batch))
            yield from changes(front.advance(batch.end_ns - BEHIND_NS))
        yield from changes(front.close())

    return list(found())


def at_pick(found: list[Change]) -> int:
    """How many changes are told of the pick's moment, however early or late."""
    return sum(abs(seconds(change.at_ns) - TAKEN_S) < 0.3 for change in found)


def right(found: list[Change], then: str) -> bool:
    """The grams of both movements in all."""
    moved_g = 0.0 if then == "put" else -2 * MASS_G
    return abs(sum(change.sum_g for change in found) - moved_g) < 0.1 * MASS_G


@pytest.mark.parametrize("after_s", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("then", ["pick", "put"])
@pytest.mark.parametrize("gap_s", [1.6, 2.0, 4.0, 6.0, 9.5, 14.0])
def test_a_pick_that_was_told_before_a_gap_is_not_told_again_after_it(gap_s: float, then: str, after_s: float) -> None:
    """The scale was at rest for a second before: what follows is another movement, not the first one again."""
    for since_s in (9.0, 9.5, 10.5):
        found = told(lost_s=(since_s, since_s + gap_s), then=then, after_s=after_s)
        assert (at_pick(found), right(found, then)) == (1, True)


@pytest.mark.parametrize(
    ("gap_s", "then", "after_s"), [(4.0, "pick", 1.0), (9.5, "put", 2.0), (9.5, "pick", 2.0), (11.0, "pick", 2.0)]
)
def test_a_pick_right_before_a_gap_is_told_after_it(gap_s: float, then: str, after_s: float) -> None:
    """The plate did not come to rest before the silence: the level after it tells what left before it."""
    for since_s in (8.3, 8.6):
        found = told(lost_s=(since_s, since_s + gap_s), then=then, after_s=after_s)
        assert (at_pick(found), right(found, then)) == (1, True)


@settings(max_examples=30, deadline=None)
@given(
    since_s=st.floats(8.2, 10.5),
    gap_s=st.floats(0.2, 18.0),
    then=st.sampled_from(["pick", "put"]),
    after_s=st.floats(0.3, 3.0),
    seed=st.integers(0, 50),
)
def test_whatever_is_lost_between_two_movements_each_counts_once(
    since_s: float, gap_s: float, then: str, after_s: float, seed: int
) -> None:
    """However long, however soon after the first and before the second: two that nothing parts may be told as one."""
    found = told(lost_s=(since_s, since_s + gap_s), then=then, after_s=after_s, seed=seed, calm=True)
    assert (at_pick(found) <= 1, right(found, then)) == (True, True)
