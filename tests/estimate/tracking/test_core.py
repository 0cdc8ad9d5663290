"""Following step by step: births, losses, ghosts, cameras that come and go."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.tracking.core import NOBODY, Tracker, Watched
from jwo_cli.estimate.tracking.settings import TrackSettings
from tests.estimate.tracking.scenes import glimpse

SETTINGS = TrackSettings()


def _everywhere(camera: int, place: np.ndarray, traits: np.ndarray) -> np.ndarray:
    return np.full(len(place), 0.9)


def _closed(place: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.zeros(len(place))


def _tracker() -> Tracker:
    return Tracker(SETTINGS, Watched(detectable=_everywhere, outside=_closed))


def test_a_walker_keeps_one_key_through_a_gap() -> None:
    """Unseen for a second, then where the walk led."""
    tracker = _tracker()
    keys = []
    for step in range(30):
        places = [] if 12 <= step < 20 else [(0.15 * step, 1.0)]
        (owner,) = tracker.feed([glimpse(step / 8, *places)])
        keys += owner.tolist()
    assert set(keys) == {0}


def test_two_people_pass_each_other_without_exchanging_names() -> None:
    """Half a metre apart at the nearest."""
    tracker = _tracker()
    for step in range(40):
        x = 0.1 * step
        (owner,) = tracker.feed([glimpse(step / 10, (x, 1.0), (4.0 - x, 1.5))])
        assert owner.tolist() == [0, 1]


def test_a_faint_detection_goes_on_with_a_track_but_begins_none() -> None:
    """Two thresholds, as scores ask for."""
    tracker = _tracker()
    assert tracker.feed([glimpse(0.0, (1, 1), score=0.2)])[0].tolist() == [NOBODY]
    tracker.feed([glimpse(0.1, (1, 1))])
    assert tracker.feed([glimpse(0.2, (1, 1), score=0.2)])[0].tolist() == [0]


def test_cameras_of_one_instant_find_one_person() -> None:
    """Three sights of somebody new are one birth, whichever camera is asked first."""
    for order in ((0, 1, 2), (2, 0, 1)):
        tracker = _tracker()
        sights = {0: (1.0, 1.0), 1: (1.1, 1.0), 2: (1.0, 0.9)}
        owners = tracker.feed([glimpse(0.0, sights[camera], camera=camera) for camera in order])
        assert [owner.tolist() for owner in owners] == [[0], [0], [0]]


def test_a_camera_that_drops_out_and_one_that_is_slower_change_nobody_s_name() -> None:
    """Camera 0 at 10 Hz with a hole, camera 1 at 3 Hz at its own times."""
    tracker = _tracker()
    events = [(step / 10, 0) for step in range(50) if not 20 <= step < 30]
    events += [(0.05 + step / 3, 1) for step in range(15)]
    keys = {int(tracker.feed([glimpse(at, (0.8 * at, 2.0), camera=camera)])[0][0]) for at, camera in sorted(events)}
    assert keys == {0}


def test_whom_the_cameras_ought_to_see_and_do_not_is_a_ghost() -> None:
    """Four cameras look at the place, one of them gives a box there."""
    tracker = _tracker()
    for step in range(40):
        tracker.feed([glimpse(step / 10, *([(3.0, 3.0)] if camera == 0 else []), camera=camera) for camera in range(6)])
    assert tracker.table is not None
    assert int(tracker.table.hits.max(initial=0)) < 40


def test_nobody_new_begins_at_somebody_s_elbow() -> None:
    """A bad sight of a known person, outside the gate but not far, is no second person."""
    tracker = _tracker()
    for step in range(10):
        tracker.feed([glimpse(step / 10, (1.0, 1.0), sigma=0.05)])
    (owner,) = tracker.feed([glimpse(1.0, (1.5, 1.0), sigma=0.1)])
    assert owner.tolist() == [NOBODY]


def test_nothing_seen_is_nothing_followed() -> None:
    """Empty glimpses, before and after somebody."""
    tracker = _tracker()
    assert tracker.feed([glimpse(0.0)])[0].tolist() == []
    tracker.feed([glimpse(0.1, (1, 1))])
    for step in range(30):
        tracker.feed([glimpse(0.2 + step / 10)])
    assert tracker.table is not None
    assert len(tracker.table) == 0
