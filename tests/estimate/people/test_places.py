"""Where hands must be, from the layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.people.places import Places, segment_distance
from jwo_cli.model.layout import Gate, GateKind
from tests.estimate.people import figures


def test_a_thing_on_two_plates_stood_where_their_shares_say() -> None:
    """Three quarters of the weight on the right plate: the middle is a quarter of a pitch left of its centre."""
    ((share, target),) = Places(figures.store()).targets([(figures.plate(3), -100.0), (figures.plate(4), -300.0)])
    assert share == pytest.approx(1.0)
    assert target.point[0] == pytest.approx(0.25 * 0.35 + 0.75 * 0.45)
    assert target.half_x_m == pytest.approx(0.1)


def test_plates_far_apart_are_targets_of_their_own() -> None:
    """Two hands at two ends of a shelf are not one hand in the middle."""
    found = Places(figures.store()).targets([(figures.plate(0), -100.0), (figures.plate(9), -300.0)])
    assert [round(share, 2) for share, _ in found] == [0.25, 0.75]


def test_crosstalk_on_a_distant_plate_is_no_target() -> None:
    """Two per cent of a change felt elsewhere on the shelf is the board's doing."""
    found = Places(figures.store()).targets([(figures.plate(0), -2.0), (figures.plate(9), -98.0)])
    assert len(found) == 1


def test_an_unknown_plate_has_no_target() -> None:
    """Plates that the layout lacks are left out, whatever they felt."""
    assert Places(figures.store()).targets([("elsewhere", -100.0)]) == ()


@given(st.floats(-180, 180), st.floats(-5, 5), st.floats(-5, 5))
def test_local_frames_undo_the_fixtures_pose(rotation_deg: float, x_m: float, y_m: float) -> None:
    """A wrist at the target has the local coordinates (0, 0, 0) however the fixture stands."""
    store = figures.store(rotation_deg=rotation_deg, x_m=x_m, y_m=y_m)
    ((_, target),) = Places(store).targets([(figures.plate(5), 1.0)])
    wrist = np.array(store.fixtures[0].pose.apply(*target.point))
    assert np.allclose(target.local(wrist), 0.0, atol=1e-9)


def test_clearance_is_the_distance_to_the_footprint() -> None:
    """Before the front, beside the end, and inside."""
    places = Places(figures.store())
    assert places.clearance_m((0.6, -0.5, 1.0)) == pytest.approx(0.5)
    assert places.clearance_m((1.5, -0.4, 1.0)) == pytest.approx(0.5)
    assert places.clearance_m((0.6, 0.2, 1.0)) == 0.0


def test_an_entry_is_no_way_out() -> None:
    """Who leaves is near an exit; a gate for entry only does not count."""
    only_in = Gate(gate_id="in", kind=GateKind.ENTRY, a=(0.0, -3.0), b=(1.0, -3.0))
    places = Places(figures.store(gates=(only_in, figures.DOOR)))
    leaving, entering = places.nearest_gate(0.5, -2.9, leaving=True), places.nearest_gate(0.5, -2.9, leaving=False)
    assert leaving is not None
    assert entering is not None
    assert (leaving[0].gate_id, entering[0].gate_id) == ("door", "in")


def test_a_gate_of_no_width_is_a_point() -> None:
    """A degenerate segment gives the distance to its point."""
    assert segment_distance((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)) == pytest.approx(5.0)
