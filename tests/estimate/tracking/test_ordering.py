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


def _cameras(ordering: Ordering, offsets_s: list[float], *, behind_s: list[float] | None = None) -> list[int]:
    """Twenty seconds of cameras at 10 Hz, each with a clock of its own, or arriving late: how many instants of each."""
    behind_s = behind_s or [0.0] * len(offsets_s)
    frames = [
        (step / 10 + late, step / 10 + offset, camera)
        for step in range(200)
        for camera, (offset, late) in enumerate(zip(offsets_s, behind_s, strict=True))
    ]
    given_out = [one for _, at_s, camera in sorted(frames) for one in ordering.push(glimpse(at_s, camera=camera))]
    return [sum(each.camera == n for one in given_out for each in one) for n in range(len(offsets_s))]


def test_a_clock_that_is_ahead_blinds_nobody() -> None:
    """One of four, or of two, is a second or two ahead: all cameras' frames are taken."""
    for offsets in ([0.0, 0.0, 1.0, 0.0], [0.0, 2.0], [0.0, 0.0, 4.0]):
        ordering = Ordering(delay_s=0.3)
        assert min(_cameras(ordering, offsets)) > 150
        assert ordering.late == 0


def test_a_camera_that_is_always_late_is_waited_for() -> None:
    """Right stamps, half a second on the way: but for the first few, all its frames are taken; and forgotten later."""
    ordering = Ordering(delay_s=0.3)
    assert min(_cameras(ordering, [0.0, 0.0, 0.0], behind_s=[0.0, 0.0, 0.5])) > 180
    assert ordering.late < 10
    assert 0.5 < ordering.delay_s < 0.8
    for step in range(200, 900):
        ordering.push(glimpse(step / 10))
    assert ordering.delay_s == 0.3


def test_a_camera_far_behind_holds_nobody_up() -> None:
    """Ten seconds behind: its frames are late, the others' are told as if it were not there."""
    ordering = Ordering(delay_s=0.3)
    taken = _cameras(ordering, [0.0, 0.0, -10.0])
    assert min(taken[:2]) > 180
    assert ordering.late > 150
    assert ordering.delay_s == 0.3


def test_a_camera_that_is_gone_holds_nobody_up() -> None:
    """One of two stops after a second; the other's frames go on as they come."""
    ordering = Ordering(delay_s=0.3)
    given_out = 0
    for step in range(200):
        given_out += len(ordering.push(glimpse(step / 10)))
        if step < 10:
            given_out += len(ordering.push(glimpse(step / 10 + 0.05, camera=1)))
    assert given_out > 190
