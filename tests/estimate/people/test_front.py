"""Pose frames to tracks and reaches."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.people.front import PeopleFront
from jwo_cli.estimate.signals import PersonPose, PoseFrame
from jwo_cli.model.observations import Observation, Role, TrackEnded, TrackStarted
from tests.estimate.people import figures


def told(frames: list[PoseFrame], **options: object) -> tuple[PeopleFront, list[Observation]]:
    """A front that saw some frames, and everything it told."""
    staff = options.get("staff", ())
    assert isinstance(staff, tuple)
    front = PeopleFront(figures.store(gates=(figures.DOOR,)), staff=staff)
    for frame in frames:
        front.feed(frame)
    front.close()
    return front, [observation for _, observation in front.take()]


def test_a_track_starts_where_it_is_seen_and_ends_where_it_was() -> None:
    """First and last sighting, rounded to millimetres."""
    frames = figures.frames({"a": lambda t: figures.figure(t / 10, -1.0) if t <= 3.0 else None}, 12.0)
    _, (started, ended) = told(frames)
    assert isinstance(started, TrackStarted)
    assert isinstance(ended, TrackEnded)
    assert (started.at_ns, started.x_m) == (figures.at_ns(0.0), 0.0)
    assert (ended.at_ns, ended.x_m) == (figures.at_ns(3.0), 0.3)


def test_staff_are_known_by_their_ids() -> None:
    """Who is listed as staff is never a shopper."""
    frames = figures.frames({"s": lambda _: figures.figure(0, -1.0), "c": lambda _: figures.figure(1, -1.0)}, 2.0)
    _, observations = told(frames, staff=("s",))
    roles = {o.track_id: o.role for o in observations if isinstance(o, TrackStarted)}
    assert roles == {"s": Role.STAFF, "c": Role.SHOPPER}


def test_somebody_at_the_door_came_through_it() -> None:
    """A gate within reach of the first sighting is named."""
    _, observations = told(figures.frames({"a": lambda _: figures.figure(3.5, -2.6)}, 2.0))
    assert isinstance(observations[0], TrackStarted)
    assert observations[0].gate_id == "door"


def test_a_blind_stretch_ends_nobody() -> None:
    """No frames at all for ten seconds: the cameras were out, not the people."""
    here = figures.frames({"a": lambda _: figures.figure(0.5, -1.0)}, 2.0)
    later = figures.frames({"a": lambda _: figures.figure(0.5, -1.0)}, 2.0, begin=12.0)
    _, observations = told(here + later)
    assert [type(o).__name__ for o in observations].count("TrackStarted") == 1


def test_an_id_that_comes_back_starts_again() -> None:
    """Gone for ten seconds of frames: the track ended and starts anew under its old id."""
    frames = figures.frames({"a": lambda t: figures.figure(0.5, -1.0) if t < 2 or t > 12 else None}, 14.0)
    _, observations = told(frames)
    assert [type(o).__name__ for o in observations] == ["TrackStarted", "TrackEnded", "TrackStarted", "TrackEnded"]


def test_reaches_name_the_taker_first() -> None:
    """Two people at the shelf; numbers are rounded."""
    frames = figures.frames({"b": figures.taker(9, 5.5), "a": figures.taker(3, 5.0)}, 8.0)
    front, _ = told(frames)
    first, second = front.reaches(figures.at_ns(5.0), [(figures.plate(3), -200.0)], -1, sure=1.0)
    assert (first.track_id, second.track_id) == ("a", "b")
    assert first.hand_m is not None
    assert first.hand_m < 0.1
    assert first.log_likelihood == round(first.log_likelihood, 4)


def test_before_any_frame_nothing_is_known() -> None:
    """Missing evidence is no evidence of absence."""
    front = PeopleFront(figures.store())
    assert not front.poses_known(figures.at_ns(1.0))
    assert front.reaches(figures.at_ns(1.0), [(figures.plate(3), -200.0)], -1, sure=1.0) == ()


def test_an_empty_frame_says_that_nobody_was_there() -> None:
    """Cameras looked and saw nobody."""
    front, _ = told(figures.frames({}, 3.0))
    assert front.poses_known(figures.at_ns(1.0))
    assert not front.poses_known(figures.at_ns(9.0))


def test_a_person_without_any_joint_is_not_there() -> None:
    """All joints missing is a message about nobody."""
    nothing = PersonPose(
        track_id="ghost", joints_m=np.full((10, 3), np.nan, np.float32), scores=np.zeros(10, np.float32)
    )
    _, observations = told([PoseFrame(at_ns=figures.at_ns(0.1 * i), people=(nothing,)) for i in range(20)])
    assert observations == []
