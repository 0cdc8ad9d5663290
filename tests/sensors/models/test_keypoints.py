"""Key points come out of each family's own form, as x, y, score in the input."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import keypoints


def test_movenet_gives_y_first_and_shares() -> None:
    """A row of 56 is 17 × (y, x, score), ymin, xmin, ymax, xmax, score."""
    row = np.zeros((1, 6, 56), dtype=np.float32)
    row[0, 2, 3 * 9 : 3 * 9 + 3] = [0.5, 0.25, 0.9]  # the left wrist
    row[0, 2, 51:] = [0.1, 0.2, 0.9, 0.8, 0.7]
    boxes, scores, points = keypoints.movenet_many(row, 100, 200)
    np.testing.assert_allclose(points[2, 9], [50, 50, 0.9])
    np.testing.assert_allclose(boxes[2], [40, 10, 160, 90], rtol=1e-6)
    assert scores[2] == pytest.approx(0.7)
    one = np.zeros((1, 1, 17, 3), dtype=np.float32)
    one[0, 0, 9] = [0.5, 0.25, 0.9]
    np.testing.assert_allclose(keypoints.movenet_one(one, 100, 200)[9], [50, 50, 0.9])


def test_simcc_takes_the_most_probable_bins_and_the_lower_peak() -> None:
    """Bins are half pixels; a point without a positive peak is unseen."""
    along_x, along_y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    along_x[0, :, 40], along_y[0, :, 61] = 0.6, 0.4
    along_y[0, 16] = 0
    points = keypoints.simcc(along_x, along_y)[0]
    np.testing.assert_allclose(points[0], [20.5, 31.0, 0.4])
    assert points[16, 2] == 0


def test_the_crop_holds_a_raised_arm_and_has_the_inputs_shape() -> None:
    """1.25 times the box and more room above than below, widened to a square, never cut."""
    box = np.array([100, 100, 140, 200], dtype=np.float32)
    left, top, right, bottom = keypoints.crop_box(box, wider=1.25, taller_up=0.2, aspect=1.0)
    assert right - left == pytest.approx(bottom - top)
    assert 100 - top > 2 * (bottom - 200) > 0
    assert left < 100
    assert right > 140
    tall = keypoints.crop_box(box, wider=1.25, taller_up=0.2, aspect=0.75)
    assert (tall[2] - tall[0]) / (tall[3] - tall[1]) == pytest.approx(0.75)


def test_a_pose_output_of_another_form_is_refused() -> None:
    """Said with the shape that came."""
    with pytest.raises(UserError, match=r"\[1, 6, 50\]"):
        keypoints.movenet_many(np.zeros((1, 6, 50), np.float32), 10, 10)
    with pytest.raises(UserError, match="RTMPose"):
        keypoints.simcc(np.zeros((1, 5, 10), np.float32), np.zeros((1, 5, 12), np.float32))
