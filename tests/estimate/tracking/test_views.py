"""Where the person of a box stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.estimate.tracking.views import stand
from tests.estimate.tracking.scenes import SIZE, box, corners, look

SETTINGS = TrackSettings()


@settings(max_examples=40, deadline=None)
@given(st.floats(1.5, 6.5), st.floats(1.5, 4.5), st.floats(1.5, 1.9), st.integers(0, 3))
def test_an_upright_person_is_found_within_what_the_covariance_says(x: float, y: float, tall: float, k: int) -> None:
    """A few centimetres without noise, also for people who are not 1.70 m tall."""
    found = stand(corners()[k], box(corners()[k], np.array([x, y]), tall)[None], SETTINGS)
    miss = found.xy_m[0] - (x, y)
    assert np.linalg.norm(miss) < 0.15
    assert miss @ np.linalg.solve(found.covariance[0], miss) < 9
    assert found.height_m[0] == pytest.approx(tall, abs=0.12)


def test_feet_that_the_image_cuts_leave_the_head_to_tell() -> None:
    """The box ends at the image's edge: still the right place, with more doubt along the line of sight."""
    view = look((0.0, 3.0, 2.2), (5.0, 3.0, 1.6))
    whole = box(view, np.array([2.0, 3.0]))
    assert whole[1] + whole[3] > SIZE[1]
    cut = np.array([whole[0], whole[1], whole[2], SIZE[1] - whole[1]])
    near = stand(view, cut[None], SETTINGS)
    assert near.xy_m[0] == pytest.approx([2.0, 3.0], abs=0.2)
    far = stand(view, box(view, np.array([4.5, 3.0]))[None], SETTINGS)
    assert near.covariance[0, 0, 0] > far.covariance[0, 0, 0] / 2
    assert near.height_sigma_m[0] == pytest.approx(SETTINGS.height_sigma_m, rel=0.1)


def test_points_come_back_from_the_plane_they_lie_on() -> None:
    """Projection and its inverse on a plane."""
    view = corners()[1]
    places = np.array([[1.0, 1.0, 0.9], [5.0, 4.0, 0.9]])
    assert view.onto_plane(view.project(places), 0.9) == pytest.approx(places[:, :2])
    assert view.centre_m() == pytest.approx([9, -1, 2.8])
    assert view.in_front(np.array([[4.0, 3, 1], [20.0, -9, 3]])).tolist() == [True, False]


def test_no_boxes_stand_nowhere() -> None:
    """Empty in, empty out."""
    assert stand(corners()[0], np.zeros((0, 4)), SETTINGS).xy_m.shape == (0, 2)
