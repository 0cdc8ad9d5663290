"""What is cut out around hands, and what colours it has."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.pixels import KEYPOINTS, Image, Poses
from jwo_cli.sensors.crops import SIDE_M, colour, hand_crops

HIGH, WIDE = 720, 1280
HELD = (0, 0, 255)  # a red thing, BGR
PLACES = {
    "l_shoulder": (560, 200), "r_shoulder": (640, 200), "l_hip": (575, 345), "r_hip": (625, 345),
    "r_elbow": (720, 230), "r_wrist": (790, 230),
}  # fmt: skip


def poses(**moved: tuple[float, float]) -> Poses:
    """One person of 500 px whose right arm reaches to the right; other key points unseen."""
    points = np.zeros((1, len(KEYPOINTS), 3), np.float32)
    for name, (x, y) in (PLACES | moved).items():
        points[0, KEYPOINTS.index(name)] = (x, y, 0.9)
    return Poses(
        corners_px=np.array([[520, 120, 840, 620]], np.float32), scores=np.ones(1, np.float32), keypoints_px=points
    )


def picture() -> Image:
    """Grey, with a red thing just past the wrist."""
    image = np.full((HIGH, WIDE, 3), 128, np.uint8)
    image[212:248, 808:844] = HELD
    return image


def test_the_crop_holds_what_the_hand_holds() -> None:
    """The thing past the wrist lies whole in the middle of the one crop of the seen hand."""
    (crop,) = hand_crops(picture(), poses())
    assert (crop.row, crop.side) == (0, 1)
    red = np.argwhere((crop.image == HELD).all(axis=2))
    assert len(red) == 36 * 36
    assert np.allclose(red.mean(axis=0), np.array(crop.image.shape[:2]) / 2, atol=12)


def test_its_size_is_that_of_goods_at_the_persons_distance() -> None:
    """500 px of person are 1.7 m: 26 cm are about 76 px."""
    (crop,) = hand_crops(picture(), poses())
    assert crop.image.shape[0] == pytest.approx(500 / 1.7 * SIDE_M, abs=3)


@pytest.mark.parametrize("wrist", [(-40.0, 230.0), (1320.0, 230.0), (790.0, -60.0)])
def test_a_hand_outside_the_image_has_no_crop(wrist: tuple[float, float]) -> None:
    """What the edge cuts by more than a third shows nothing."""
    assert hand_crops(picture(), poses(r_wrist=wrist)) == []


def test_a_hand_too_small_to_show_anything_has_no_crop() -> None:
    """Somebody far away, 60 px tall."""
    far = poses()
    small = Poses(
        corners_px=np.array([[600, 300, 630, 360]], np.float32),
        scores=far.scores,
        keypoints_px=np.concatenate((far.keypoints_px[:, :, :2] * 0.1 + 300, far.keypoints_px[:, :, 2:]), axis=2),
    )
    assert hand_crops(picture(), small) == []


def test_colours_are_a_unit_vector_that_tells_red_from_blue() -> None:
    """The same colour in another size is the same; another colour is not."""
    red, small_red = (np.full((size, size, 3), HELD, np.uint8) for size in (64, 16))
    blue = np.full((64, 64, 3), (255, 0, 0), np.uint8)
    assert np.linalg.norm(colour(red)) == pytest.approx(1.0)
    assert colour(red) @ colour(small_red) == pytest.approx(1.0)
    assert colour(red) @ colour(blue) < 0.6
