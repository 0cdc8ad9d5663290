"""Rotations and frames: logarithms undo exponentials, alignment finds what was done."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.calibration.rigid import Rigid, align, angle_deg, exp, log, nearest_turn, pose_of
from jwo_cli.model.layout import Camera, Pose

VECTORS = st.tuples(*[st.floats(-1.8, 1.8)] * 3).map(np.array)


@given(VECTORS)
def test_log_undoes_exp(vector: np.ndarray) -> None:
    """Up to π."""
    assert np.allclose(exp(log(exp(vector))), exp(vector), atol=1e-9)
    if np.linalg.norm(vector) < np.pi - 1e-3:
        assert np.allclose(log(exp(vector)), vector, atol=1e-7)


@given(VECTORS, VECTORS, VECTORS)
def test_frames_compose_and_invert(turn: np.ndarray, shift: np.ndarray, point: np.ndarray) -> None:
    """b_from_a after a_from_b changes nothing; the centre is where the origin comes from."""
    a_from_b = Rigid(turn=exp(turn), shift=shift)
    there = a_from_b.inverse().after(a_from_b)
    assert np.allclose(there.apply(point[None]), point[None], atol=1e-9)
    assert np.allclose(a_from_b.apply(a_from_b.centre()[None]), 0, atol=1e-9)


@given(VECTORS, VECTORS, st.floats(0.2, 5))
def test_alignment_finds_what_was_done(turn: np.ndarray, shift: np.ndarray, factor: float) -> None:
    """Umeyama: turn, shift and scale from noiseless points."""
    b = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0.5, 0.3, 1.0]])
    a = factor * b @ exp(turn).T + shift
    found, scale = align(a, b, scaled=True)
    assert scale == pytest.approx(factor)
    assert np.allclose(found.turn, exp(turn), atol=1e-7)
    assert np.allclose(scale * b @ found.turn.T + found.shift, a, atol=1e-7)


def test_points_on_a_line_place_nothing() -> None:
    """Two points, or three in a row, are refused."""
    line = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    for points in (line, line[:2]):
        with pytest.raises(ValueError, match="point"):
            align(points, points)


def test_a_drawn_camera_looks_at_its_point() -> None:
    """Without calibration: upright, the look-at point on the axis; straight down works, too."""
    for spot in ((2.0, 3.0, 0.5), (0.0, 0.0, 0.0)):
        camera = Camera(camera_id="c", pose=Pose(x_m=0, y_m=0, z_m=2.5), look_at=spot, width_px=640, height_px=480)
        seen = pose_of(camera).apply(np.array([spot]))[0]
        assert np.allclose(seen[:2], 0, atol=1e-9)
        assert seen[2] == pytest.approx(np.linalg.norm(np.subtract(spot, (0, 0, 2.5))))


def test_the_nearest_rotation_of_a_noisy_one_is_near() -> None:
    """And it is a rotation, never a mirror."""
    turn = exp(np.array([0.2, -0.4, 0.9]))
    found = nearest_turn(turn + 0.01)
    assert np.linalg.det(found) == pytest.approx(1)
    assert angle_deg(found @ turn.T) < 1.5
