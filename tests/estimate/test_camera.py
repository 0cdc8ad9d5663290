"""A calibrated camera in the store, held against the calibration's own lens and pose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rigid import Rigid, exp
from jwo_cli.estimate.camera import View
from jwo_cli.model.layout import LensKind

BENT = {
    LensKind.RADTAN: (900.0, 905.0, 640.0, 360.0, -0.28, 0.09, 0.001, -0.0005, 0.0),
    LensKind.EQUIDISTANT: (420.0, 421.0, 640.0, 360.0, 0.02, -0.004, 0.001, 0.0),
}


def _view(kind: LensKind) -> tuple[View, Lens, Rigid]:
    lens = Lens(kind=kind, values=np.array(BENT[kind]), width_px=1280, height_px=720)
    pose = Rigid(turn=exp(np.array([1.9, 0.3, -0.2])), shift=np.array([0.4, 1.1, 3.2]))
    return View.of(lens, pose), lens, pose


@pytest.mark.parametrize("kind", list(LensKind))
@given(st.floats(-1.5, 1.5), st.floats(-0.8, 0.8), st.floats(2.0, 6.0))
def test_a_point_comes_back_from_the_bent_image(kind: LensKind, x: float, y: float, z: float) -> None:
    """Store to bent pixels by lens and pose; straightened, they are where the projection matrix says."""
    view, lens, pose = _view(kind)
    place = pose.inverse().apply(np.array([[x, y, z]]))
    straight = view.undistort(lens.project(pose.apply(place)))
    assert straight == pytest.approx(view.project(place), abs=1e-5)
    assert view.onto_plane(straight, float(place[0, 2]))[0] == pytest.approx(place[0, :2], abs=1e-6)
    assert view.in_front(place).all()


def test_the_camera_is_where_its_pose_says() -> None:
    """The matrix's null space and the transform's origin agree."""
    view, _, pose = _view(LensKind.RADTAN)
    assert view.centre_m() == pytest.approx(pose.centre())
    assert view.size_px == (1280.0, 720.0)
