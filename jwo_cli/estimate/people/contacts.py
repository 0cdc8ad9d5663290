"""When hands meet: a moment at which goods may change owner and no scale feels it.

Hands of people who stand close come near each other all the time (hanging arms touch while people pass), so distance
alone says little. In a hand-over both people stand still and face each other, and an arm of each is lifted and
stretched towards the other, away from the shelves. Each frame is judged by those; the best moment counts. People who
stand like that hide each other's hands, so standing face to face counts for itself. (In the development cases nobody
does so but the two who hand something over.)
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from jwo_cli.model.observations import HandsMet
from jwo_cli.model.units import NS_PER_MS

from .history import L_SHOULDER, NECK, R_SHOULDER, torso
from .identity import Point, Sighting
from .places import Places

_Near = tuple[float, Point, Point]

MEET_M = 0.35
PART_NS = 600 * NS_PER_MS  # hands apart for longer: another meeting
BODIES_M = 1.6  # two arms' reach
# Log-odds that near hands pass something on, and the nats of a perfect hand-over's looks: of 67 meetings told in
# generated cases all 18 with looks above 0.85 were hand-overs (so at least 0.85 of their kind), none of 29 below 0.6.
PRIOR = -4.0
LIKELY = 6.0
PASSING = 0.3  # of those looks are left when the two walk or do not face each other
SPEED_NS = 350 * NS_PER_MS
WORTH_TELLING = 0.08
FACING_M = (0.3, 0.95)  # people who hand something over stand this far apart
FACING = 0.6  # cosine
STILL_M_S = 0.35
CLEAR_M = 0.3  # nearer to a fixture, people face it and each other by chance
STOOD_S = 0.8  # face to face for so long
STANDING = 0.27  # is as much as these looks, whatever the hands did unseen: 1 of 20 such stands was a hand-over
HIDDEN_NS = 1_200 * NS_PER_MS  # somebody hidden by the other is taken to stand where he stood


@dataclass(slots=True)
class _Meeting:
    """Two people near each other: when, how close their hands came, the best looks (0..1) and when that was.

    `stood_ns` are the moments at which they stood face to face.
    """

    from_ns: int
    until_ns: int
    best_ns: int
    closest_m: float = MEET_M
    looks: float = 0.0
    stood_ns: array[int] = field(default_factory=lambda: array("q"))  # colleagues may stand so for an hour


class Contacts:
    """Frames in; `found` collects (due_ns, HandsMet)."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._meetings: dict[tuple[str, str], _Meeting] = {}
        self._last: dict[str, tuple[int, Sighting]] = {}
        self.found: list[tuple[int, HandsMet]] = []

    def step(self, at_ns: int, seen: Sequence[Sighting]) -> None:
        """Look at one frame."""
        now = {person.track_id for person in seen}
        for i, one in enumerate(seen):
            for other in seen[i + 1 :]:
                if math.dist(one.xy, other.xy) < BODIES_M:
                    self._meet(at_ns, one, other)
            for track_id, (last_ns, other) in self._last.items():
                if track_id not in now and at_ns - last_ns < HIDDEN_NS and math.dist(one.xy, other.xy) < FACING_M[1]:
                    self._stand(at_ns, one, other)
        self._last.update((person.track_id, (at_ns, person)) for person in seen)
        if len(self._last) > len(seen):
            self._last = {key: item for key, item in self._last.items() if at_ns - item[0] < HIDDEN_NS}
        self.settle(at_ns)

    def settle(self, now_ns: int, *, closing: bool = False) -> None:
        """Tell what is over by `now_ns` (everything when closing)."""
        for pair, meeting in list(self._meetings.items()):
            if closing or now_ns - meeting.until_ns > PART_NS:
                del self._meetings[pair]
                self._tell_meeting(pair, meeting)

    def _meet(self, at_ns: int, one: Sighting, other: Sighting) -> None:
        best: _Near | None = None
        for a in one.hands:
            for b in other.hands:
                apart = math.dist(a, b)
                if apart < MEET_M and (best is None or apart < best[0]):
                    best = (apart, a, b)
        if best is not None:
            self._note(at_ns, one, other, best[0], self._looks(one, other, best))
        if FACING_M[0] < math.dist(one.xy, other.xy) < FACING_M[1]:
            self._stand(at_ns, one, other)

    def _note(self, at_ns: int, one: Sighting, other: Sighting, apart: float | None, looks: float) -> _Meeting:
        pair = (min(one.track_id, other.track_id), max(one.track_id, other.track_id))
        meeting = self._meetings.get(pair)
        if meeting is None:
            meeting = self._meetings[pair] = _Meeting(at_ns, at_ns, at_ns)
        meeting.until_ns = at_ns
        if apart is not None:
            meeting.closest_m = min(meeting.closest_m, apart)
        if looks > meeting.looks:
            meeting.looks, meeting.best_ns = looks, at_ns
        return meeting

    def _stand(self, at_ns: int, one: Sighting, other: Sighting) -> None:
        """Two who stand still and face each other: something may pass even while their hands are hidden."""
        apart = math.dist(one.xy, other.xy)
        if apart <= FACING_M[0]:
            return
        ux, uy = (other.xy[0] - one.xy[0]) / apart, (other.xy[1] - one.xy[1]) / apart
        if min(_facing(one.rows, ux, uy), _facing(other.rows, -ux, -uy)) < FACING:
            return
        middle = ((one.xy[0] + other.xy[0]) / 2, (one.xy[1] + other.xy[1]) / 2, 1.0)
        still = max(_speed_m_s(one), _speed_m_s(other)) < STILL_M_S
        if still and self._places.clearance_m(middle) > CLEAR_M:
            meeting = self._note(at_ns, one, other, None, 0.0)
            meeting.stood_ns.append(at_ns)

    def _looks(self, one: Sighting, other: Sighting, near: _Near) -> float:
        """Likeness to a hand-over, 0..1: hands near, lifted, stretched to each other, clear of shelves, facing."""
        apart, a, b = near
        mine, theirs = _chest(one.rows), _chest(other.rows)
        if mine is None or theirs is None:
            return 0.15 * _soft(0.25 - apart, 0.05)
        between = math.hypot(theirs[0] - mine[0], theirs[1] - mine[1]) or 1e-6
        ux, uy = (theirs[0] - mine[0]) / between, (theirs[1] - mine[1]) / between
        stretched_a = (a[0] - mine[0]) * ux + (a[1] - mine[1]) * uy
        stretched_b = (theirs[0] - b[0]) * ux + (theirs[1] - b[1]) * uy
        lifted = min(a[2] - mine[2], b[2] - theirs[2])
        stretched = min(stretched_a, stretched_b)
        looks = _soft(0.27 - apart, 0.04) * _soft(lifted + 0.56, 0.03) * _soft(stretched - 0.1, 0.03)
        if looks < 0.05:
            return looks
        clear = self._places.clearance_m(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, a[2]))
        facing = min(_facing(one.rows, ux, uy), _facing(other.rows, -ux, -uy))
        speed = max(_speed_m_s(one), _speed_m_s(other))
        together = _soft(facing - 0.5, 0.12) * _soft(STILL_M_S - speed, 0.07)
        return looks * _soft(clear - 0.35, 0.08) * (PASSING + (1 - PASSING) * together)

    def _tell_meeting(self, pair: tuple[str, str], meeting: _Meeting) -> None:
        looks, at_ns = meeting.looks, meeting.best_ns
        if meeting.stood_ns:
            stood = (meeting.stood_ns[-1] - meeting.stood_ns[0]) / 1e9
            standing = STANDING * min(stood / STOOD_S, 1.0)
            if standing > looks:
                looks, at_ns = standing, meeting.stood_ns[len(meeting.stood_ns) // 2]
        probability = 1.0 / (1.0 + math.exp(-(PRIOR + LIKELY * looks)))
        if probability < WORTH_TELLING:
            return
        met = HandsMet(
            at_ns=at_ns, until_ns=meeting.until_ns, a=pair[0], b=pair[1],
            distance_m=round(meeting.closest_m, 3), probability=round(probability, 4),
        )  # fmt: skip
        self.found.append((meeting.until_ns + PART_NS, met))


def _chest(joints: list[Point]) -> Point | None:
    """Mean of neck and shoulders that were seen."""
    seen = [joints[joint] for joint in (NECK, L_SHOULDER, R_SHOULDER) if not math.isnan(joints[joint][0])]
    if not seen:
        return None
    n = len(seen)
    return (sum(p[0] for p in seen) / n, sum(p[1] for p in seen) / n, sum(p[2] for p in seen) / n)


def _facing(joints: list[Point], ux: float, uy: float) -> float:
    """Cosine between where the shoulders face and the direction (ux, uy); 0.5 (unknown) without both shoulders."""
    left, right = joints[L_SHOULDER], joints[R_SHOULDER]
    across_x, across_y = left[0] - right[0], left[1] - right[1]
    width = math.hypot(across_x, across_y)
    if math.isnan(width) or width < 0.05:
        return 0.5
    return (across_y * ux - across_x * uy) / width


def _speed_m_s(person: Sighting) -> float:
    """Speed of the body when it was sighted, over SPEED_NS, m/s; 0 when it was not seen before."""
    times = person.history.at_ns
    i = bisect_right(times, person.at_ns - SPEED_NS) - 1
    was = torso(person.history.joints[i]) if i >= 0 else None
    if was is None or person.at_ns - times[i] > 3 * SPEED_NS:
        return 0.0
    return math.dist(was, person.xy) / ((person.at_ns - times[i]) / 1e9)


def _soft(value: float, scale: float) -> float:
    """A logistic step."""
    return 1.0 / (1.0 + math.exp(-max(min(value / scale, 50.0), -50.0)))
