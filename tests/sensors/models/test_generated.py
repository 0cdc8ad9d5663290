"""Loaders for which no weights are at hand find what made networks point at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jwo_cli.estimate.pixels import Boxes, Image
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.detectors import NetworkDetector
from jwo_cli.sensors.models.entry import Head
from jwo_cli.sensors.models.posing import CropPoses
from jwo_cli.sensors.models.session import Session
from tests.sensors.models import graphs


def _detect(content: bytes, head: Head, image: Image, **values: object) -> Boxes:
    entry = graphs.entry(content, head, **values)
    return NetworkDetector(Session(content, name="made"), entry).detect(image)


def _square(high: int, wide: int, left: int, top: int, side: int) -> Image:
    image = np.zeros((high, wide, 3), dtype=np.uint8)
    image[top : top + side, left : left + side] = 255
    return image


GRIDS: dict[str, tuple[Callable[[], bytes], Head]] = {
    "yolov8": (lambda: graphs.yolov8(finished=False), Head.YOLOV8),
    "detr with size": (lambda: graphs.detr("finished"), Head.DETR),
    "detr logits": (lambda: graphs.detr("logits"), Head.DETR),
    "detr joined": (lambda: graphs.detr("joined"), Head.DETR),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_white_cell_is_found_where_it_stands(name: str) -> None:
    """A white square of one cell gives one box around its middle, in the image's own pixels."""
    make, head = GRIDS[name]
    found = _detect(make(), head, _square(64, 64, 24, 40, 8))
    assert found.scores.shape == (1,)
    np.testing.assert_allclose(found.corners_px[0], [28 - 12.5, 44 - 12.5, 28 + 11.5, 44 + 11.5], atol=1e-3)


def test_distances_of_rtmdet_start_at_the_corner_of_a_cell() -> None:
    """RTMDet's points have no offset: the box stands around the cell's upper left corner."""
    found = _detect(graphs.rtmdet_raw(), Head.RTMDET, _square(64, 64, 24, 40, 8))
    np.testing.assert_allclose(found.corners_px, [[24 - 12.5, 40 - 12.5, 24 + 11.5, 40 + 11.5]], atol=1e-3)


def test_an_export_with_suppression_inside_is_taken_as_it_is() -> None:
    """Finished boxes of the class that is asked for come out, those of other classes do not."""
    white = np.full((64, 64, 3), 255, dtype=np.uint8)
    for content, head in ((graphs.rtmdet_finished(), Head.RTMDET), (graphs.yolov8(finished=True), Head.YOLOV8)):
        found = _detect(content, head, white, overlap=1.0)
        np.testing.assert_allclose(found.corners_px, [[7.5, 15.5, 23.5, 47.5]], atol=1e-3)


def test_nothing_is_found_in_the_dark() -> None:
    """A black image has nobody, whatever the head, and gives empty arrays of the right shape."""
    for make, head in [*GRIDS.values(), (graphs.rtmdet_raw, Head.RTMDET)]:
        found = _detect(make(), head, np.zeros((64, 64, 3), dtype=np.uint8))
        assert (found.corners_px.shape, found.scores.shape) == ((0, 4), (0,))


@pytest.mark.parametrize(("head", "high", "wide"), [(Head.YOLOV8, 128, 256), (Head.DETR, 96, 256), (Head.DETR, 64, 64)])
def test_boxes_come_back_in_the_images_own_pixels(head: Head, high: int, wide: int) -> None:
    """However the image was shrunk, filled or stretched, the box's middle is the square's."""
    scale_x, scale_y = wide // 64, high / 64
    if head is Head.YOLOV8:  # letterboxed by 4, so that image rows 48…79 are one row of cells
        image = _square(high, wide, 96, 64, 32)
        content, middle = graphs.yolov8(finished=False), (112.0, 80.0)
    else:
        image = np.zeros((high, wide, 3), dtype=np.uint8)
        image[round(40 * scale_y) : round(48 * scale_y), 24 * scale_x : 32 * scale_x] = 255
        content, middle = graphs.detr("logits"), (28.0 * scale_x, 44.0 * scale_y)
    found = _detect(content, head, image)
    corners = found.corners_px[0] + 0.5
    np.testing.assert_allclose((corners[:2] + corners[2:]) / 2, middle, atol=1.0)


def test_a_head_refuses_an_export_of_another_family() -> None:
    """A wrong `head` in the registry is said with the shapes, not guessed around."""
    for content, head in ((graphs.rtmdet_raw(), Head.YOLOX), (graphs.yolov8(finished=False), Head.NANODET)):
        with pytest.raises(UserError, match="which is no") as caught:
            _detect(content, head, np.zeros((64, 64, 3), dtype=np.uint8))
        assert "registry" in caught.value.fix


def test_simcc_points_at_the_dot_in_the_image() -> None:
    """RTMPose's bins come back through the crop to the dot's own pixels, whatever the box."""
    content = graphs.simcc()
    entry = graphs.entry(content, Head.SIMCC)
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    image[88:92, 148:152] = 255  # its middle is (149.5, 89.5)
    boxes = Boxes(
        corners_px=np.array([[130, 60, 170, 120], [120, 70, 160, 130]], dtype=np.float32),
        scores=np.array([0.9, 0.8], dtype=np.float32),
    )
    poses = CropPoses(Session(content, name="made"), entry).in_boxes(image, boxes)
    assert poses.keypoints_px.shape == (2, 17, 3)
    np.testing.assert_allclose(poses.keypoints_px[..., :2], np.full((2, 17, 2), (149.5, 89.5)), atol=2.5)
    assert (poses.keypoints_px[..., 2] > 0.5).all()


def test_no_boxes_give_no_poses() -> None:
    """Without people the arrays are empty, with their shapes."""
    content = graphs.simcc()
    none = Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))
    estimator = CropPoses(Session(content, name="made"), graphs.entry(content, Head.SIMCC))
    assert estimator.in_boxes(np.zeros((9, 9, 3), np.uint8), none).keypoints_px.shape == (0, 17, 3)


def test_bytes_that_are_no_network_are_refused_in_one_sentence() -> None:
    """A broken file is the user's to mend: no traceback of ONNX Runtime."""
    with pytest.raises(UserError, match="cannot be loaded"):
        Session(b"no network at all", name="broken")
