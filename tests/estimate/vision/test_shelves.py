"""Shelf volumes: a hand's probability is where the hand is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.vision.hands import Hand
from jwo_cli.estimate.vision.shelves import BEFORE_M, Shelves
from tests.estimate.tracking.kiosk import kiosk

STORE = kiosk()
SHELVES = Shelves(STORE)


def hand(place_m: tuple[float, float, float], sigma_m: float = 0.02) -> Hand:
    return Hand(side=1, place_m=np.array(place_m), covariance=sigma_m**2 * np.eye(3))


def test_a_hand_over_a_plate_is_at_that_plate() -> None:
    """For every plate of the store, fixtures at any angle: a hand well over it is there and nowhere else."""
    for number, (plate_id, (fixture, _, plate)) in enumerate(STORE.plates().items()):
        box = plate.box
        middle = fixture.pose.apply(box.x_m + box.dx_m / 2, box.y_m + 0.1, box.z_m + 0.1)
        inside = SHELVES.inside(hand(middle, 0.01))
        assert SHELVES.plate_ids[number] == plate_id
        assert int(np.argmax(inside)) == number
        assert inside[number] > 0.95


def test_a_hand_in_the_aisle_is_at_no_shelf() -> None:
    """Half a metre before a front nothing is reached."""
    fixture, _, plate = next(iter(STORE.plates().values()))
    away = fixture.pose.apply(plate.box.x_m, plate.box.y_m - 0.5, plate.box.z_m + 0.1)
    assert SHELVES.at_fixture(SHELVES.inside(hand(away))).max() < 1e-6


def test_at_the_very_edge_it_may_be_or_not() -> None:
    """A hand whose fingertips just touch the front is there with one half."""
    fixture, _, plate = next(iter(STORE.plates().values()))
    box = plate.box
    edge = fixture.pose.apply(box.x_m + box.dx_m / 2, box.y_m - BEFORE_M, box.z_m + 0.1)
    assert abs(float(SHELVES.inside(hand(edge, 0.01))[0]) - 0.5) < 0.02


@given(
    st.tuples(st.floats(-1, 8), st.floats(-1, 6), st.floats(0, 2.5)),
    st.floats(0.005, 0.5),
)
def test_probabilities_stay_probabilities(place_m: tuple[float, float, float], sigma_m: float) -> None:
    """Wherever a hand is and however uncertain, every plate and fixture gets a number from 0 to 1."""
    inside = SHELVES.inside(hand(place_m, sigma_m))
    there = SHELVES.at_fixture(inside)
    assert ((inside >= 0) & (inside <= 1)).all()
    assert ((there >= 0) & (there <= 1)).all()
    assert len(there) == len(STORE.fixtures)
