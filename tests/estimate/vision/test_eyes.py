"""From what models find in each image to pose messages that the front end takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import JOINTS
from jwo_cli.estimate.vision.eyes import Eyes, Seen
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import TrackEnded, TrackStarted
from jwo_cli.model.units import NS_PER_S
from tests.estimate.tracking.kiosk import kiosk
from tests.estimate.vision.puppets import VIEWS, Puppet, shown

STEP_NS = 100_000_000
WRIST = JOINTS.index("r_wrist")


def scene(step: int) -> list[Puppet]:
    """One person stands and reaches from the third second on, another walks by behind them."""
    grip = (2.45, 2.1, 1.3) if step >= 30 else None
    return [Puppet(place=(2.0, 2.2), grip=grip), Puppet(place=(1.5 + 0.07 * step, 3.2), tall_m=1.65)]


def watch(steps: int = 45, *, boxes_only: bool = False, cameras: tuple[str, ...] = tuple(VIEWS)) -> list[Seen]:
    draw, eyes, seen = np.random.default_rng(1), Eyes(kiosk()), []
    for step in range(steps):
        for name in cameras:
            poses = shown(scene(step), name, blur_px=3.0, draw=draw)
            found = Boxes(corners_px=poses.corners_px, scores=poses.scores) if boxes_only else poses
            seen += eyes.feed(name, step * STEP_NS, found)
    return [*seen, *eyes.close()]


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    return watch()


def test_every_instant_is_told_once_and_in_order(seen: list[Seen]) -> None:
    """Messages ascend by the frames' own times, with nobody doubled."""
    times = [one.at_ns for one in seen]
    assert times == sorted(set(times))
    assert len(times) >= 44
    for one in seen:
        ids = [person.track_id for person in one.poses.people]
        assert len(ids) == len(set(ids)) <= 2


def test_what_the_floor_has_no_use_for_shows_no_hands_either() -> None:
    """A camera whose clock is ten seconds ahead is refused, and its pictures are nobody's body when that time comes."""
    draw, eyes, told = np.random.default_rng(1), Eyes(kiosk()), []
    first, *others = VIEWS
    for step in range(160):
        for name in (*others, first):
            poses = shown(scene(min(step, 44)), name, blur_px=3.0, draw=draw)
            told += eyes.feed(name, step * STEP_NS + (10 * NS_PER_S if name == first else 0), poses)
    assert eyes.refused[first] > 140
    assert len([one for one in told if one.at_ns > 11 * NS_PER_S]) > 20
    assert not any(name == first for one in told for person in one.people for name, _ in person.shown)


def test_two_people_keep_their_ids(seen: list[Seen]) -> None:
    """Whoever passes behind whom: two ids throughout, each near its own person."""
    assert len({person.track_id for one in seen for person in one.people}) == 2
    for one in seen[5:]:
        step = one.at_ns // STEP_NS
        places = sorted((puppet.place for puppet in scene(step)), key=lambda place: place[1])
        found = sorted((tuple(person.xy_m) for person in one.people), key=lambda place: place[1])
        assert np.allclose(found, places, atol=0.25)


def test_a_reaching_wrist_is_where_it_is(seen: list[Seen]) -> None:
    """The message's wrist is within five centimetres of the true one, with all cameras and noisy key points."""
    off = []
    for one in seen:
        if one.at_ns >= 32 * STEP_NS:
            person = min(one.poses.people, key=lambda item: float(item.joints_m[1, 1]))
            off.append(float(np.linalg.norm(person.joints_m[WRIST] - np.array([2.45, 2.1, 1.3]))))
    assert np.median(off) < 0.05


def test_the_front_end_takes_the_messages(seen: list[Seen]) -> None:
    """Perception makes of them what it makes of recorded key points: each person starts and ends once."""
    perception = Perception(kiosk(), recording_id="eyes")
    told = [observation for one in seen for signal in one.signals() for observation in perception.feed(signal)]
    told += perception.close()
    assert len([item for item in told if isinstance(item, TrackStarted)]) == 2
    assert len([item for item in told if isinstance(item, TrackEnded)]) == 2


def test_boxes_alone_give_bodies_without_hands() -> None:
    """A detector without key points still says who stands where; hands are unknown, not absent."""
    seen = watch(20, boxes_only=True)
    people = [person for one in seen for person in one.poses.people]
    assert people
    assert all(np.isfinite(person.joints_m[:4]).all() for person in people)
    assert all(np.isnan(person.joints_m[4:]).all() for person in people)


def test_the_same_frames_give_the_same_messages() -> None:
    """Nothing depends on a clock or on chance."""
    first, second = watch(12), watch(12)
    for one, other in zip(first, second, strict=True):
        for mine, its in zip(one.poses.people, other.poses.people, strict=True):
            assert mine.track_id == its.track_id
            assert np.array_equal(mine.joints_m, its.joints_m, equal_nan=True)


def test_a_store_without_calibrated_cameras_is_refused() -> None:
    """Without one calibrated camera nothing can be placed, and the message says what to do."""
    with pytest.raises(UserError, match="no camera is calibrated"):
        Eyes(replace(kiosk(), cameras=()))
