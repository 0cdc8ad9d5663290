"""When something may have been left on the floor."""

from __future__ import annotations

import pytest

from jwo_cli.estimate.people.front import PeopleFront
from jwo_cli.estimate.signals import PoseFrame
from jwo_cli.model.observations import FloorTouched
from tests.estimate.people import figures


def touched(frames: list[PoseFrame]) -> list[FloorTouched]:
    """Every touch of the floor that is told."""
    front = PeopleFront(figures.store())
    for frame in frames:
        front.feed(frame)
    front.close()
    return [o for _, o in front.take() if isinstance(o, FloorTouched)]


def crouching(x: float, y: float, z: float, seconds: float = 0.8) -> list[PoseFrame]:
    """Somebody whose hand is at a point from 2 s on, for a while."""
    return figures.frames(
        {"a": lambda t: figures.figure(x, y - 0.2, right=(x, y, z) if 2.0 <= t <= 2.0 + seconds else None)}, 6.0
    )


def test_a_hand_at_the_floor_is_told_with_its_place() -> None:
    """Ten centimetres above the floor, a metre from the shelves, for most of a second."""
    (touch,) = touched(crouching(0.6, -1.0, 0.1))
    assert 0.85 < touch.probability < 0.95
    assert (touch.x_m, touch.y_m) == pytest.approx((0.6, -1.0), abs=0.01)


def test_a_hand_at_a_low_shelf_is_not_at_the_floor() -> None:
    """Within the fixture's footprint there are goods, not floor."""
    assert touched(crouching(0.6, 0.05, 0.2)) == []


def test_a_hand_far_below_the_lowest_board_is_at_the_floor() -> None:
    """Ten centimetres before a fixture whose lowest goods stand at a metre: nothing is taken at 20 cm."""
    (touch,) = touched(crouching(0.6, -0.1, 0.2))
    assert touch.probability > 0.85


@pytest.mark.parametrize(("y", "z"), [(-0.1, 1.1), (-0.2, 0.36), (-1.0, 0.5)], ids=["shelf", "beside", "in the open"])
def test_a_hand_that_may_have_other_business_is_not_at_the_floor(y: float, z: float) -> None:
    """At goods, low beside a fixture, and at the knee."""
    assert touched(crouching(0.6, y, z)) == []


def test_one_bad_keypoint_is_not_enough() -> None:
    """A single frame says little."""
    assert touched(crouching(0.6, -1.0, 0.2, seconds=0.0)) == []


def test_a_hanging_hand_is_not_low() -> None:
    """Arms hang to 75 cm."""
    assert touched(figures.frames({"a": lambda _: figures.figure(0.6, -1.0)}, 5.0)) == []
