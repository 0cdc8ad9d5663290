"""Laws of the floor plane."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.layouts.plane import area, footprint, outside, overlap, self_crossing, sticks_out
from jwo_cli.model.layout import Fixture, Point2, Pose

UNIT = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ELL = ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0))
PLACES, TURNS, SIZES = st.floats(-5, 5), st.floats(0, 360), st.floats(0.2, 3)


def fixture(x: float, y: float, turn: float, dx: float, dy: float) -> Fixture:
    pose = Pose(x_m=x, y_m=y, rotation_deg=turn)
    return Fixture(fixture_id="f", kind="", pose=pose, dx_m=dx, dy_m=dy, dz_m=1.0, bays=())


FIXTURES = st.builds(fixture, PLACES, PLACES, TURNS, SIZES, SIZES)


@given(FIXTURES)
def test_a_footprint_keeps_its_area_and_turns_counter_clockwise(item: Fixture) -> None:
    """However it is turned."""
    assert area(footprint(item)) == pytest.approx(item.dx_m * item.dy_m)


@given(FIXTURES, FIXTURES)
def test_overlap_is_mutual_and_agrees_with_sampling(one: Fixture, two: Fixture) -> None:
    """Where a point lies well inside both, they overlap; where they do not overlap, no point lies inside both."""
    a, b = footprint(one), footprint(two)
    assert overlap(a, b) == pytest.approx(overlap(b, a))
    shared = []
    for i in range(1, 10):
        for j in range(1, 10):
            point: Point2 = one.pose.apply(one.dx_m * i / 10, one.dy_m * j / 10)[:2]
            if outside(point, b) == 0:
                shared.append(point)
    if shared:
        assert overlap(a, b) > 0


@given(FIXTURES, st.floats(0.01, 0.1))
def test_touching_fixtures_do_not_overlap_and_pushed_ones_do(item: Fixture, push: float) -> None:
    """Side by side: zero; pushed into each other: the push."""
    x, y, _ = item.pose.apply(item.dx_m, 0.0)
    beside = fixture(x, y, item.pose.rotation_deg, item.dx_m, item.dy_m)
    assert overlap(footprint(item), footprint(beside)) == pytest.approx(0.0, abs=1e-9)
    x, y, _ = item.pose.apply(item.dx_m - push, 0.0)
    pushed = fixture(x, y, item.pose.rotation_deg, item.dx_m, item.dy_m)
    assert overlap(footprint(item), footprint(pushed)) == pytest.approx(push, abs=1e-9)


def test_diamond_in_a_corner_does_not_overlap() -> None:
    """Bounding boxes overlap, the shapes do not: the axes of turned sides decide."""
    diamond = footprint(fixture(1.45, 0.75, 45.0, 1.0, 1.0))
    assert overlap(UNIT, diamond) == 0.0
    assert overlap(UNIT, footprint(fixture(1.2, 0.0, 45.0, 1.0, 1.0))) > 0


def test_sticking_out_sees_notches() -> None:
    """A bar across the inner corner of an L has all its corners on the floor and still leaves it."""
    bar = footprint(fixture(0.9, 1.9, -45.0, 1.35, 0.05))
    assert max(outside(corner, ELL) for corner in bar) == 0
    assert sticks_out(bar, ELL) > 0.3
    assert sticks_out(UNIT, ELL) == 0


@given(st.integers(3, 9), st.floats(0, 6))
def test_regular_polygons_do_not_cross_and_stars_do(corners: int, turn: float) -> None:
    """The same points in another order."""
    points = [
        (math.cos(turn + math.tau * i / corners), math.sin(turn + math.tau * i / corners)) for i in range(corners)
    ]
    assert self_crossing(points) is None
    if corners >= 5 and corners % 2:
        assert self_crossing([points[2 * i % corners] for i in range(corners)]) is not None


def test_a_spike_is_a_crossing() -> None:
    """An edge that runs back over itself."""
    assert self_crossing([(0, 0), (2, 0), (1, 0), (1, 1)]) is not None
