"""From detections with frame numbers to tracks with the same numbers, on the floor and in an image."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.metrics.clear import clear
from jwo_cli.estimate.metrics.identity import identity
from jwo_cli.estimate.metrics.pairing import Rows, nearness, pair
from jwo_cli.estimate.tracking.pace import estimate_rate
from jwo_cli.estimate.tracking.runs import Detections, Tracked, track_floor, track_image
from jwo_cli.estimate.tracking.settings import TrackSettings
from tests.estimate.tracking.scenes import corners, seen, walks

SETTINGS = TrackSettings()
RATE = 8.0
FRAMES = 120


@pytest.fixture(scope="module")
def paths() -> np.ndarray:
    """Four people for fifteen seconds."""
    return walks(4, FRAMES, RATE, seed=5)


@pytest.fixture(scope="module")
def views_and_boxes(paths: np.ndarray) -> tuple[list, list[Detections]]:
    """What four cameras give of them."""
    views = corners()
    return views, [seen(view, paths, seed=k) for k, view in enumerate(views)]


def _truth(paths: np.ndarray) -> Rows:
    people, frames, _ = paths.shape
    return Rows(
        frame=np.tile(np.arange(1, frames + 1), people),
        id=np.repeat(np.arange(people), frames),
        place=paths.reshape(-1, 2),
    )


def _scores(paths: np.ndarray, found: Tracked) -> tuple[float, float]:
    pairing = pair(_truth(paths), Rows(frame=found.frame, id=found.id, place=found.place), nearness(0.5))
    return clear(pairing).mota, identity(pairing).idf1


def test_people_are_followed_over_all_cameras(paths: np.ndarray, views_and_boxes: tuple) -> None:
    """Nearly everything right, identities too."""
    found = track_floor(*views_and_boxes, SETTINGS, rate_hz=RATE)
    assert min(_scores(paths, found)) > 0.97


def test_a_camera_that_is_off_costs_little(paths: np.ndarray, views_and_boxes: tuple) -> None:
    """Any one of the four."""
    views, boxes = views_and_boxes
    for off in range(4):
        kept = [k for k in range(4) if k != off]
        found = track_floor([views[k] for k in kept], [boxes[k] for k in kept], SETTINGS, rate_hz=RATE)
        assert _scores(paths, found)[0] > 0.93


def test_a_camera_that_fails_halfway_and_one_at_half_the_rate(paths: np.ndarray, views_and_boxes: tuple) -> None:
    """The others carry on."""
    views, boxes = views_and_boxes
    parts = [boxes[0].take(boxes[0].frame <= 60), boxes[1].take(boxes[1].frame % 2 == 0), *boxes[2:]]
    assert min(_scores(paths, track_floor(views, parts, SETTINGS, rate_hz=RATE))) > 0.95


def test_the_order_of_rows_does_not_matter_and_runs_are_equal(views_and_boxes: tuple) -> None:
    """Bit for bit."""
    views, boxes = views_and_boxes
    one = track_floor(views, boxes, SETTINGS, rate_hz=RATE)
    again = track_floor(views, boxes, SETTINGS, rate_hz=RATE)
    assert np.array_equal(one.place, again.place)
    shuffled = [part.take(np.argsort(part.frame % 7, kind="stable")) for part in boxes]
    other = track_floor(views, shuffled, SETTINGS, rate_hz=RATE)
    assert np.array_equal(one.id, other.id)
    assert one.place == pytest.approx(other.place, abs=1e-9)


def test_frame_numbers_are_kept(views_and_boxes: tuple) -> None:
    """Every fifth number of another clock."""
    views, boxes = views_and_boxes
    moved = [
        Detections(frame=1000 + 5 * part.frame, box_px=part.box_px, score=part.score, look=part.look) for part in boxes
    ]
    found = track_floor(views, moved, SETTINGS, rate_hz=5 * RATE)
    assert set(found.frame.tolist()) <= {1000 + 5 * k for k in range(1, FRAMES + 1)}
    assert sorted(set(found.id.tolist())) == list(range(1, int(found.id.max()) + 1))


def test_the_rate_is_found_from_how_fast_people_walk(paths: np.ndarray, views_and_boxes: tuple) -> None:
    """Within a factor of one and a half, and good enough to follow them."""
    found = track_floor(*views_and_boxes, SETTINGS)
    assert RATE / 1.5 < found.rate_hz < RATE * 1.5
    assert min(_scores(paths, found)) > 0.95
    assert estimate_rate(lambda rate: (np.zeros(0), 9.0)) == 2.0
    assert estimate_rate(lambda rate: (np.full(9, 1.4 * rate / 25.0), 1e9)) == pytest.approx(25.0)


def test_who_stands_outside_of_the_floor_is_nobody_of_ours(paths: np.ndarray, views_and_boxes: tuple) -> None:
    """Half the room is watched: no track is told beyond it."""
    area = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 6.0], [0.0, 6.0]])
    found = track_floor(*views_and_boxes, SETTINGS, rate_hz=RATE, area=area)
    assert len(found.place) > 50
    assert found.place[:, 0].max() <= 4.0


def test_boxes_are_followed_in_one_image(views_and_boxes: tuple) -> None:
    """Two people who pass each other, the nearer one in front."""
    steps = np.arange(60)
    far = np.column_stack((100 + 6.0 * steps, np.full(60, 200.0), np.full(60, 40.0), np.full(60, 100.0)))
    near = np.column_stack((460 - 6.0 * steps, np.full(60, 210.0), np.full(60, 60.0), np.full(60, 150.0)))
    hidden = np.abs(far[:, 0] - near[:, 0]) < 25
    frame = np.concatenate((steps[~hidden], steps)) + 7
    boxes = np.concatenate((far[~hidden], near))
    rows = Detections(frame=frame, box_px=boxes, score=np.ones(len(frame)), look=np.zeros((len(frame), 0)))
    found = track_image(rows, SETTINGS, 10.0)
    assert (found.frame.min(), found.frame.max(), found.id.max()) == (7, 66, 2)
    behind = found.place[(found.place[:, 3] < 125) & (found.frame == 37)]
    assert len(behind) == 1
    assert behind[0, 0] == pytest.approx(280, abs=12)


def test_nothing_detected_is_nothing_tracked() -> None:
    """In an image and on a floor."""
    none = Detections(frame=np.zeros(0, np.int64), box_px=np.zeros((0, 4)), score=np.zeros(0), look=np.zeros((0, 0)))
    assert len(track_image(none, SETTINGS).frame) == 0
    assert len(track_floor(corners()[:2], [none, none], SETTINGS).frame) == 0
