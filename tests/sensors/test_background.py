"""People against a backdrop: found without any model; furniture that a network takes for people is told from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="OpenCV (the extra `cameras`) is not installed")

from jwo_cli.estimate.camera import View  # noqa: E402
from jwo_cli.estimate.pixels import Boxes, Image  # noqa: E402
from jwo_cli.sensors.background import BackgroundDetector  # noqa: E402
from jwo_cli.sensors.furniture import FurnitureFilter  # noqa: E402
from jwo_cli.sensors.motion import MotionDetector  # noqa: E402
from jwo_cli.sensors.silhouettes import by_view  # noqa: E402
from jwo_cli.sensors.upright import Perspective  # noqa: E402

WIDTH, HEIGHT = 384, 288
Walk = list[tuple[float, float]]  # feet, pixels, picture by picture


def _tall(y: float) -> float:
    """How tall a person is whose feet are at row y."""
    return 20 + 0.25 * y


def _scene(seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(draw.normal(0, 60, (HEIGHT, WIDTH, 3)), (0, 0), 4.0) * 3 + 130
    return np.clip(ground, 40, 220)


def _person(picture: np.ndarray, x: float, y: float, colour: tuple[int, int, int]) -> None:
    """Head, trunk and legs of a person with feet at (x, y)."""
    tall = _tall(y)
    wide = 0.38 * tall
    shirt, trousers = colour, tuple(value // 3 for value in colour)
    cv2.rectangle(picture, _px(x - wide * 0.3, y - 0.5 * tall), _px(x + wide * 0.3, y), trousers, -1)
    cv2.rectangle(picture, _px(x - wide / 2, y - 0.86 * tall), _px(x + wide / 2, y - 0.45 * tall), shirt, -1)
    cv2.circle(picture, _px(x, y - 0.92 * tall), round(0.08 * tall), (150, 170, 210), -1)


def _px(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _box(x: float, y: float) -> np.ndarray:
    tall = _tall(y)
    return np.array([x - 0.19 * tall, y - tall, x + 0.19 * tall, y])


def _pictures(walks: list[Walk], *, light: float = 1.0, since: int = 0) -> Iterator[Image]:
    """Pictures of people who walk, with a sensor's noise; from number `since` the light is `light` times as bright."""
    scene, draw = _scene(), np.random.default_rng(1)
    noises = [draw.normal(0, 3, scene.shape) for _ in range(11)]
    colours = [(40, 40, 200), (200, 60, 30), (30, 30, 30)]
    for number in range(max(len(walk) for walk in walks)):
        picture = scene.copy()
        for walk, colour in zip(walks, colours, strict=False):
            if number < len(walk) and np.isfinite(walk[number][0]):
                _person(picture, *walk[number], colour)
        picture = picture * (light if number >= since else 1.0) + noises[number % len(noises)]
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = np.prod(np.clip(high - low, 0, None))
    return float(both / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - both))


NOWHERE = (np.nan, np.nan)
# Empty for a while; then one crosses below, one above, now and then side by side.
ACROSS: list[Walk] = [
    [NOWHERE] * 10 + [(20 + 3 * k, 200 + 0.3 * k) for k in range(110)],
    [NOWHERE] * 10 + [(360 - 3 * k, 120 + 0.2 * k) for k in range(110)],
]


def _scored(detector: BackgroundDetector, walks: list[Walk], first: int) -> tuple[int, int, int]:
    """From picture `first` on: true people, those found (IoU 0.5), boxes that are nobody."""
    people = found = false = 0
    for number, picture in enumerate(_pictures(walks)):
        boxes = detector.detect(picture)
        if number < first:
            continue
        true = [_box(*walk[number]) for walk in walks if number < len(walk) and np.isfinite(walk[number][0])]
        hits = [max((_iou(box, own) for own in boxes.corners_px), default=0.0) >= 0.5 for box in true]
        people += len(true)
        found += sum(hits)
        false += len(boxes.scores) - sum(hits)
    return people, found, false


def test_people_who_walk_are_found_without_any_model_or_calibration() -> None:
    """Sizes are learnt from themselves; nobody else is told."""
    people, found, false = _scored(BackgroundDetector(), ACROSS, 60)
    assert found >= 0.9 * people
    assert false <= 0.1 * people


def test_an_empty_room_holds_nobody() -> None:
    """Noise alone is no person, nor is the first picture."""
    detector = BackgroundDetector()
    assert sum(len(detector.detect(picture).scores) for picture in _pictures([[NOWHERE] * 60])) == 0


def test_who_stands_still_stays_there() -> None:
    """A shopper reads a label for twenty seconds and is no furniture yet."""
    walk = [NOWHERE] * 5 + [(20 + 4 * k, 220.0) for k in range(45)] + [(200.0, 220.0)] * 150
    *_, last = map(BackgroundDetector().detect, _pictures([walk]))
    assert max(_iou(_box(200, 220), own) for own in last.corners_px) >= 0.5


def test_who_was_there_at_first_and_left_leaves_no_ghost() -> None:
    """The first picture is all that is known of the room."""
    walk = [(100.0, 200.0)] * 10 + [(100 + 4 * k, 200.0) for k in range(80)]
    detector = BackgroundDetector()
    told = [detector.detect(picture) for picture in _pictures([walk])]
    old = [max((_iou(_box(100, 200), own) for own in each.corners_px), default=0.0) for each in told[40:]]
    assert max(old) < 0.3


@pytest.mark.parametrize("light", [0.8, 1.25])
def test_a_change_of_exposure_is_nobody(light: float) -> None:
    """The camera turns its gain when a door opens."""
    detector = BackgroundDetector()
    told = [len(detector.detect(picture).scores) for picture in _pictures([[NOWHERE] * 40], light=light, since=20)]
    assert sum(told) == 0


def test_the_perspective_is_learnt_and_half_hidden_people_do_not_bend_it() -> None:
    """A third of the blobs are cut off at the knees."""
    draw = np.random.default_rng(3)
    feet = draw.uniform(60, 280, 300)
    tall = _tall(feet) * draw.normal(1, 0.05, 300)
    tall[::3] *= 0.7
    perspective = Perspective()
    perspective.add(np.column_stack((feet * 0, feet - tall, feet * 0 + 20, feet)).astype(np.float32))
    fit = perspective.fitted()
    assert fit is not None
    assert np.allclose(fit[0] * np.array([80, 260]) + fit[1], [_tall(80), _tall(260)], rtol=0.08)


def test_sizes_that_do_not_follow_the_row_are_no_perspective() -> None:
    """Seen from the ceiling, how large somebody is says nothing of the row he stands in."""
    draw = np.random.default_rng(3)
    feet, tall = draw.uniform(60, 280, 300), draw.uniform(20, 120, 300)
    perspective = Perspective()
    perspective.add(np.column_stack((feet * 0, feet - tall, feet * 0 + 20, feet)).astype(np.float32))
    assert perspective.fitted() is None


def _view() -> View:
    """A camera 3 m up that looks along y, 30 degrees down, at 384×288."""
    down = np.deg2rad(30)
    turn = np.array([[1, 0, 0], [0, -np.sin(down), -np.cos(down)], [0, np.cos(down), -np.sin(down)]])
    lens = np.array([[300.0, 0, WIDTH / 2], [0, 300.0, HEIGHT / 2], [0, 0, 1]])
    return View(projection=lens @ np.column_stack((turn, -turn @ (0.0, 0.0, 3.0))), size_px=(WIDTH, HEIGHT))


def test_with_a_calibrated_camera_the_box_at_each_place_is_known() -> None:
    """Somebody of 1.7 m anywhere on the floor in view has a candidate that fits."""
    view = _view()
    candidates = by_view(view, (WIDTH, HEIGHT), 1.0).corners
    for x, y in ((0.0, 5.0), (1.5, 7.0), (-2.0, 9.0)):
        foot, head = view.project(np.array([[x, y, 0.0], [x, y, 1.7]]))
        half = 0.19 * (foot[1] - head[1])
        box = np.array([foot[0] - half, head[1], foot[0] + half, foot[1]])
        near = np.abs(candidates - box).sum(axis=1).argsort()[:50]
        assert max(_iou(box, own) for own in candidates[near]) >= 0.7


class _Network:
    """A detector that takes a coat on a hook at (300, 150) for a person, as well as the one who walks."""

    def __init__(self, walk: Walk) -> None:
        self._walk = iter(walk)

    def detect(self, image: Image) -> Boxes:
        x, y = next(self._walk)
        boxes = [_box(300, 150)] + ([_box(x, y)] if np.isfinite(x) else [])
        return Boxes(corners_px=np.array(boxes, np.float32), scores=np.full(len(boxes), 0.8, np.float32))


def test_what_never_moved_is_dropped_and_who_walks_or_stands_is_kept() -> None:
    """The coat goes after its habit is known; the person stays, also when standing still for long."""
    walk = [NOWHERE] * 60 + [(20 + 3 * k, 220.0) for k in range(50)] + [(170.0, 220.0)] * 100
    detector = FurnitureFilter(_Network(walk))
    told = [detector.detect(picture) for picture in _pictures([walk])]
    assert len(told[0].scores) == 1
    assert [len(each.scores) for each in told[45:60]] == [0] * 15
    assert [len(each.scores) for each in told[62:]] == [1] * (len(walk) - 62)
    assert _iou(told[-1].corners_px[0], _box(170, 220)) > 0.9


def test_motion_is_where_somebody_walks_and_nowhere_else() -> None:
    """In pixels of the frame."""
    motion = MotionDetector()
    for number, picture in enumerate(_pictures([ACROSS[0]])):
        told = motion.feed(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        if number < 10:
            assert told.box_px is None
        elif 20 < number < 110:
            assert told.box_px is not None
            x, y = ACROSS[0][number]
            assert told.box_px[0] <= x <= told.box_px[2]
            assert told.box_px[1] <= y - _tall(y) / 2 <= told.box_px[3]


def test_points_are_straightened_never_whole_images(root: Path) -> None:
    """Undistorting an image costs milliseconds a frame and a point nothing: no module of the product does it."""
    whole = re.compile(r"cv2\.(fisheye\.)?(undistort|remap|initUndistortRectifyMap|undistortImage)\(")
    places = [root / "jwo_cli", root / "commands"]
    assert [str(path) for place in places for path in place.rglob("*.py") if whole.search(path.read_text())] == []
