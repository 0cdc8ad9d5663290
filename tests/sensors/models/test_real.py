"""The real weights see real people and goods. Skipped where the data is not here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.pixels import KEYPOINTS, Boxes, Image
from jwo_cli.sensors.models import has_weights, open_crop_poses, open_detector, open_embedder, open_poses
from jwo_cli.sensors.models.entry import Role
from jwo_cli.sensors.models.suppression import overlaps

WRISTS = [KEYPOINTS.index("l_wrist"), KEYPOINTS.index("r_wrist")]


@pytest.fixture
def weights(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with real weights, as the cache."""
    folder = shared_data / "models"
    if not folder.is_dir():
        pytest.skip(f"there are no weights in {folder}")
    monkeypatch.setenv("JWO_MODELS", str(folder))
    return shared_data


def _frame(file: Path, number: int) -> Image:
    cv2 = pytest.importorskip("cv2")
    capture = cv2.VideoCapture(str(file))
    capture.set(cv2.CAP_PROP_POS_FRAMES, number)
    good, frame = capture.read()
    assert good
    return np.asarray(frame, dtype=np.uint8)


@pytest.mark.parametrize("name", ["yolox_nano_416", "nanodet_416"])
def test_detectors_find_the_people_on_a_street(weights: Path, name: str) -> None:
    """In frame 99 of vtest.avi five people stand free; each is found, best first, inside the image."""
    found = open_detector(name).detect(_frame(weights / "pets2009" / "vtest.avi", 99))
    free = np.array(
        [[342, 197, 369, 273], [586, 156, 618, 239], [491, 147, 516, 219], [378, 177, 408, 254], [513, 149, 538, 219]],
        dtype=np.float32,
    )
    assert (overlaps(free, found.corners_px).max(axis=1) > 0.5).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.corners_px.min() >= -0.5
    assert (found.corners_px[:, [0, 2]] <= 767.5).all()


def test_tiles_find_no_one_twice(weights: Path) -> None:
    """Looking at parts as well finds at least as many, and none of them twice."""
    frame = _frame(weights / "pets2009" / "vtest.avi", 99)
    whole, parts = (open_detector("yolox_nano_416", tiles=tiles).detect(frame) for tiles in (1, 2))
    assert len(parts.scores) >= len(whole.scores)
    assert (np.triu(overlaps(parts.corners_px, parts.corners_px), k=1) <= 0.65).all()


def test_pose_networks_agree_on_the_body_of_the_shopper(weights: Path) -> None:
    """Whole image or crop: hips and shoulders of the one shopper are the same within a few pixels."""
    frame = _frame(min((weights / "nanostore-video").glob("*.mp4")), 149)
    many = open_poses("movenet_multipose_lightning").poses(frame)
    assert len(many.scores) == 1
    crop = open_crop_poses("movenet_lightning").in_boxes(frame, Boxes(corners_px=many.corners_px, scores=many.scores))
    for joint in ("l_hip", "r_hip", "l_shoulder", "r_shoulder"):
        place = KEYPOINTS.index(joint)
        np.testing.assert_allclose(many.keypoints_px[0, place, :2], crop.keypoints_px[0, place, :2], atol=15)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("intel_person_reid_retail_0287", Role.PERSON),
        ("osnet_x0_25_msmt17", Role.PERSON),
        ("mobilenetv2_embed", Role.PRODUCT),
    ],
)
def test_the_same_thing_moved_a_little_looks_more_alike_than_another(weights: Path, name: str, role: Role) -> None:
    """Rows have length 1; a shifted crop of one person is nearer than the crop of another."""
    frame = _frame(weights / "pets2009" / "vtest.avi", 99)
    crops = [frame[197:273, 342:369], frame[199:275, 343:370], frame[156:239, 586:618]]
    rows = open_embedder(name, role=role).embed(crops)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_the_same_image_gives_the_same_boxes(weights: Path) -> None:
    """One thread, one result."""
    frame = _frame(weights / "pets2009" / "vtest.avi", 10)
    one, two = (open_detector().detect(frame) for _ in range(2))
    np.testing.assert_array_equal(one.corners_px, two.corners_px)


def test_the_default_detector_is_there(weights: Path) -> None:
    """`has_weights` tells without raising."""
    assert has_weights()
    assert has_weights(role=Role.POSE)
