"""Who is out of the door is told at once, and what has to be waited for is what they could have touched."""

from __future__ import annotations

from jwo_cli.estimate.people.exits import ExitWatch, inside
from jwo_cli.estimate.people.places import Places
from jwo_cli.model.observations import TrackEnded
from tests.drive import scene

STORE = scene.store()


def watch() -> ExitWatch:
    return ExitWatch(STORE, Places(STORE))


def ended(track_id: str) -> TrackEnded:
    return TrackEnded(at_ns=9, track_id=track_id, x_m=2.0, y_m=-0.4)


def test_out_is_outside_of_the_floor_before_a_door() -> None:
    """On the doorstep is out; inside, and outside of a wall where no door is, are not."""
    assert watch().is_out((2.0, -0.3))
    assert not watch().is_out((2.0, 0.3))
    assert not watch().is_out((-1.5, 3.0))


def test_what_was_within_an_arms_length_is_waited_for_until_they_walked_away() -> None:
    """The gondola stands from y = 3.0 on: near it at 5, at the door at 8."""
    doors = watch()
    doors.seen("ann", 5, (1.5, 2.4))
    doors.seen("ann", 8, (2.0, 0.3))
    doors.seen("bob", 8, (2.0, 0.3))
    assert doors.left(ended("ann"), 9).near_ns == {"a": 5}
    assert doors.left(ended("bob"), 9).near_ns == {}


def test_inside_a_polygon() -> None:
    """An L-shaped floor: its inner corner is outside."""
    floor = ((0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 2.0), (2.0, 4.0), (0.0, 4.0))
    assert [inside(floor, point) for point in ((1.0, 3.0), (3.0, 1.0), (3.0, 3.0), (-0.1, 1.0))] == [
        True,
        True,
        False,
        False,
    ]
