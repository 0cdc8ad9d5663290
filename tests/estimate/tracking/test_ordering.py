"""Late, unordered and missing frames."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.tracking.ordering import Ordering
from tests.estimate.tracking.scenes import glimpse


def _times(instants: list) -> list[tuple[float, tuple[int, ...]]]:
    return [(instant[0].at_s, tuple(each.camera for each in instant)) for instant in instants]


def test_frames_wait_for_those_before_them() -> None:
    """The frame of 0.1 s comes after the one of 0.2 s and is given out before it."""
    ordering = Ordering(delay_s=0.5)
    assert ordering.push(glimpse(0.2)) == []
    assert ordering.push(glimpse(0.1)) == []
    assert _times(ordering.push(glimpse(0.8))) == [(0.1, (0,)), (0.2, (0,))]
    assert _times(ordering.flush()) == [(0.8, (0,))]


def test_what_comes_too_late_is_counted_and_left_out() -> None:
    """Its time has been given out."""
    ordering = Ordering(delay_s=0.1)
    ordering.push(glimpse(1.0))
    assert _times(ordering.push(glimpse(2.0))) == [(1.0, (0,))]
    assert ordering.push(glimpse(0.9)) == []
    assert ordering.late == 1


def test_cameras_that_look_together_are_one_instant() -> None:
    """Ten milliseconds apart; the third camera looks at another time."""
    ordering = Ordering(delay_s=0.5, together_s=0.02)
    for at, camera in ((1.01, 1), (1.0, 0), (1.2, 2)):
        ordering.push(glimpse(at, camera=camera))
    assert _times(ordering.flush()) == [(1.0, (0, 1)), (1.2, (2,))]


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(12)))
def test_any_disorder_within_the_delay_is_put_right(order: list[int]) -> None:
    """Twelve frames in any order: all come out, once, in order of time."""
    ordering = Ordering(delay_s=10.0)
    given_out = [instant for k in order for instant in ordering.push(glimpse(k / 10))] + ordering.flush()
    assert [instant[0].at_s for instant in given_out] == [k / 10 for k in range(12)]
    assert ordering.late == 0
