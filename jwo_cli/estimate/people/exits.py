"""Who is out of the door, told as soon as it is sure: for a store that runs, where somebody waits for a receipt.

A person is out when they were last seen outside of the floor, before a gate that lets people out, and not again for a
quarter of a second while cameras looked. What they took is known once every fixture that was within an arm's length of
them has settled up to the moment at which they walked away from it, its scales as well as the antennas over it; the
rest of the store need not be waited for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jwo_cli.model.layout import Fixture, Point2, Store
from jwo_cli.model.observations import TrackEnded
from jwo_cli.model.units import NS_PER_MS

from .places import Places

OUT_NS = 250 * NS_PER_MS
AT_GATE_M = 1.2
# Shoulder to fingertips of a tall man is 0.85 m; leaning adds what a shelf's depth takes.
ARM_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Somebody left; until when each fixture was within their reach, and when it was known."""

    ended: TrackEnded
    known_ns: int
    near_ns: dict[str, int]


class ExitWatch:
    """Where everybody stands in relation to the doors and to what they could touch."""

    def __init__(self, store: Store, places: Places) -> None:
        self._floor, self._places = store.floor, places
        self._fixtures = [_Footprint.of(fixture) for fixture in store.fixtures]
        self._near_ns: dict[str, dict[str, int]] = {}  # track -> fixture -> last time within reach

    def seen(self, track_id: str, at_ns: int, xy: Point2) -> None:
        """A body stood here."""
        near = self._near_ns.setdefault(track_id, {})
        for fixture in self._fixtures:
            if fixture.away_m(xy) <= ARM_M:
                near[fixture.fixture_id] = at_ns

    def is_out(self, xy: Point2) -> bool:
        """Whether a point is outside of the floor, before a gate that lets people out."""
        gate = self._places.nearest_gate(*xy, leaving=True)
        return gate is not None and gate[1] <= AT_GATE_M and not inside(self._floor, xy)

    def left(self, ended: TrackEnded, known_ns: int) -> Leave:
        """What has to be waited for before somebody's leaving is told."""
        return Leave(ended=ended, known_ns=known_ns, near_ns=self._near_ns.pop(ended.track_id, {}))

    def forget(self, track_id: str) -> None:
        """A track that will not be asked for again."""
        self._near_ns.pop(track_id, None)


def inside(polygon: tuple[Point2, ...], point: Point2) -> bool:
    """Whether a point lies in a polygon (even-odd rule)."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], *polygon[:1]), strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


@dataclass(frozen=True, slots=True)
class _Footprint:
    """A fixture on the floor, turned once."""

    fixture_id: str
    x_m: float
    y_m: float
    cos: float
    sin: float
    dx_m: float
    dy_m: float

    @classmethod
    def of(cls, fixture: Fixture) -> _Footprint:
        """The footprint of a fixture."""
        turn, pose = math.radians(fixture.pose.rotation_deg), fixture.pose
        return cls(fixture.fixture_id, pose.x_m, pose.y_m, math.cos(turn), math.sin(turn), fixture.dx_m, fixture.dy_m)

    def away_m(self, xy: Point2) -> float:
        """Horizontal distance of a point to it, metres (0 inside)."""
        x, y = xy[0] - self.x_m, xy[1] - self.y_m
        along, deep = self.cos * x + self.sin * y, self.cos * y - self.sin * x
        return math.hypot(max(-along, along - self.dx_m, 0.0), max(-deep, deep - self.dy_m, 0.0))
