"""Lenses: there and back, derivatives, and what lies behind the camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.calibration.lens import lens_of, slopes
from jwo_cli.model.layout import Camera, LensKind, Pose
from tests.estimate.calibration.worlds import lens


@given(st.sampled_from(LensKind), st.floats(0, 1279), st.floats(0, 719))
def test_a_pixels_ray_falls_on_the_pixel(kind: LensKind, x: float, y: float) -> None:
    """project(rays(px)) == px all over the image."""
    which = lens(kind)
    px = np.array([[x, y]])
    rays = which.rays(px)
    assert np.linalg.norm(rays) == pytest.approx(1)
    assert np.allclose(which.project(rays * 3), px, atol=1e-6)


@pytest.mark.parametrize("kind", LensKind)
def test_derivatives_are_those_of_the_projection(kind: LensKind) -> None:
    """Complex steps against central differences."""
    which = lens(kind)
    points = np.array([[0.3, -0.2, 1.5], [0.0, 0.0, 1.0], [-0.8, 0.4, 2.0]])
    values = np.broadcast_to(which.values, (3, len(which.values)))
    by_point, _ = slopes(kind, points, values)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        central = (which.project(points + step) - which.project(points - step)) / 2e-6
        assert np.allclose(by_point[:, :, axis], central, atol=1e-3)


@pytest.mark.parametrize("kind", LensKind)
def test_what_is_behind_the_camera_has_no_pixel(kind: LensKind) -> None:
    """NaN, never a mirrored point."""
    assert np.isnan(lens(kind).project(np.array([[0.1, 0.1, -1.0]]))).all()


def test_opencv_projects_to_the_same_pixels() -> None:
    """OpenCV as the oracle, for both kinds."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra `cameras`")
    points = np.random.default_rng(3).uniform((-0.6, -0.4, 1), (0.6, 0.4, 3), (50, 3))
    for kind in LensKind:
        which = lens(kind)
        project = cv2.projectPoints if kind is LensKind.RADTAN else cv2.fisheye.projectPoints
        shape = points.reshape(-1, 1, 3)
        px, _ = project(shape, np.zeros(3), np.zeros(3), which.matrix(), which.values[4:])
        assert np.allclose(px.reshape(-1, 2), which.project(points), atol=1e-6)


def test_a_camera_without_intrinsics_has_no_lens() -> None:
    """A layout's camera before and after calibration; missing coefficients are zero."""
    camera = Camera(camera_id="c", pose=Pose(x_m=0, y_m=0), look_at=(1, 1, 0), width_px=640, height_px=480)
    assert lens_of(camera) is None
    known = Camera(
        camera_id="c", pose=Pose(x_m=0, y_m=0), look_at=(1, 1, 0), width_px=640, height_px=480, intrinsics=(5, 5, 3, 2)
    )
    found = lens_of(known)
    assert found is not None
    assert found.values.tolist() == [5, 5, 3, 2, 0, 0, 0, 0, 0]
