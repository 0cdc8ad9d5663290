"""Places: where people stand for a plate, and the doors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.draws import named
from jwo_cli.synthetic.places import corners, doors, inside, stoop_m, target


def test_every_plate_can_be_reached_from_in_front_of_it(kiosk: Store) -> None:
    """The hand at the front edge over the plate, the body 0.2-0.6 m before the fixture and facing it."""
    for plate_id, (fixture, _, plate) in kiosk.plates().items():
        spot = target(kiosk, (plate_id,), (1.0,), named(1, plate_id))
        stand = spot.stand(0.1)
        centre = kiosk.plate_centre(plate_id)
        assert math.dist(spot.hand[:2], centre[:2]) < plate.box.dy_m
        assert not inside(stand, corners(fixture))
        assert inside(stand, kiosk.floor)
        ahead = (stand[0] + 0.7 * math.cos(spot.heading), stand[1] + 0.7 * math.sin(spot.heading))
        assert inside(ahead, corners(fixture, 0.05))
        assert 0.3 < spot.hand[2] < 1.75


def test_low_shelves_make_people_stoop() -> None:
    """Monotonic: two thirds of a metre for the lowest, nothing above 1.4 m."""
    depths = [stoop_m(height) for height in np.arange(0.3, 1.8, 0.1)]
    assert depths == sorted(depths, reverse=True)
    assert depths[0] == pytest.approx(0.66)
    assert depths[-1] == 0.0


def test_doors_are_the_gates(kiosk: Store) -> None:
    """One point on the floor, one outside, for entry and exit."""
    found = doors(kiosk)
    assert (found.entry_gate, found.exit_gate) == ("entry", "exit")
    for within, without in ((found.entry_inside, found.entry_outside), (found.exit_inside, found.exit_outside)):
        assert inside(within, kiosk.floor)
        assert not inside(without, kiosk.floor)
