"""Frames and lookups of a store."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Box, Pose
from tests.drive import scene

METRES = st.floats(-100, 100)


@given(METRES, METRES, st.floats(-720, 720), METRES, METRES)
def test_a_pose_moves_and_turns_without_stretching(x: float, y: float, turn: float, px: float, py: float) -> None:
    """Distances stay; the origin goes to the pose's place."""
    pose = Pose(x_m=x, y_m=y, rotation_deg=turn)
    assert pose.apply(0, 0) == (x, y, 0)
    moved = pose.apply(px, py)
    assert math.dist(moved[:2], (x, y)) == pytest.approx(math.hypot(px, py), abs=1e-9)


def test_a_quarter_turn_is_counter_clockwise() -> None:
    """The local x axis points along y."""
    assert Pose(x_m=0, y_m=0, rotation_deg=90).apply(1, 0) == pytest.approx((0, 1, 0))


def test_a_box_has_its_middle_between_its_corners() -> None:
    """In its own frame."""
    assert Box(x_m=1, y_m=2, z_m=3, dx_m=2, dy_m=4, dz_m=6).centre() == (2, 4, 6)


def test_every_plate_is_found_with_its_shelf_and_fixture() -> None:
    """In file order, with its place in the store's frame."""
    store = scene.store()
    assert list(store.plates()) == ["a.s1.p1", "a.s1.p2", "a.s1.p3"]
    fixture, shelf, plate = store.plates()["a.s1.p2"]
    assert (fixture.fixture_id, shelf.shelf_id, plate.channel) == ("a", "a.s1", "a:1:2")
    assert store.plate_centre("a.s1.p2") == pytest.approx((1.6, 3.2, 1.15))


def test_aliases_find_their_product_and_never_hide_another() -> None:
    """A scanner's other number for the same thing; a product's own number comes first."""
    water = Product(product_id="1", name="Water", price_minor=100, aliases=("01", "2"))
    bar = Product(product_id="2", name="Bar", price_minor=200)
    found = Catalogue(currency="EUR", products=(water, bar)).by_id()
    assert (found["01"], found["2"]) == (water, bar)


@pytest.mark.parametrize("wrong", [{"unit_mass_g": 0.0}, {"unit_mass_g": -1.0}, {"mass_cv": 1.0}, {"price_minor": -1}])
def test_a_product_that_cannot_be_cannot_be_built(wrong: dict[str, float]) -> None:
    """Masses are positive, spreads below one, prices not negative."""
    with pytest.raises(ValueError, match="1:"):
        Product(**{"product_id": "1", "name": "Water", "price_minor": 100, **wrong})  # type: ignore[arg-type]
