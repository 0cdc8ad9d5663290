"""When hands meet and when a hand goes to the floor: moments at which goods change owner and no scale feels it.

Hands of people who stand close come near each other all the time (hanging arms touch while people pass), so distance
alone says little. In a hand-over both people stand still and face each other, and an arm of each is lifted and
stretched towards the other, away from the shelves. Each frame is judged by those; the best moment counts. (Over the
development cases no other meeting of hands has people standing still and facing each other.)
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.observations import FloorTouched, HandsMet
from jwo_cli.model.units import NS_PER_MS

from .history import L_HAND, L_SHOULDER, L_WRIST, NECK, R_HAND, R_SHOULDER, R_WRIST, torso
from .identity import Sighting
from .places import Places

Point = tuple[float, float, float]
_Near = tuple[float, Point, Point]
_Rows = tuple[list[Point], list[Point]]

MEET_M = 0.35
PART_NS = 600 * NS_PER_MS  # hands apart for longer: another meeting
BODIES_M = 1.6  # two arms' reach
PRIOR = -4.0  # log-odds that near hands pass something on
LIKELY = 6.0  # nats of a perfect hand-over's looks
PASSING = 0.3  # of those looks are left when the two walk or do not face each other
SPEED_NS = 350 * NS_PER_MS
WORTH_TELLING = 0.08
FLOOR_Z_M = 0.35
FLOOR_CLEAR_M = 0.15  # nearer to a fixture it is the lowest shelf that is touched
FLOOR_QUIET_NS = 1_500 * NS_PER_MS


@dataclass(slots=True)
class _Meeting:
    from_ns: int
    until_ns: int
    best_ns: int
    closest_m: float
    looks: float  # of the best frame, 0..1


@dataclass(slots=True)
class _Crouch:
    from_ns: int
    until_ns: int
    lowest: Point


class Contacts:
    """Frames in; `found` collects (due_ns, HandsMet | FloorTouched)."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._meetings: dict[tuple[str, str], _Meeting] = {}
        self._crouches: dict[str, _Crouch] = {}
        self.found: list[tuple[int, HandsMet | FloorTouched]] = []

    def step(self, at_ns: int, seen: Sequence[Sighting]) -> None:
        """Look at one frame."""
        if len(seen) > 1 or not self._quiet(seen):
            rows = {person.track_id: person.joints.tolist() for person in seen}
            for i, one in enumerate(seen):
                self._floor(at_ns, one.track_id, rows[one.track_id])
                for other in seen[i + 1 :]:
                    if math.dist(one.xy, other.xy) < BODIES_M:
                        self._meet(at_ns, one, other, rows[one.track_id], rows[other.track_id])
        self.settle(at_ns)

    def settle(self, now_ns: int, *, closing: bool = False) -> None:
        """Tell what is over by `now_ns` (everything when closing)."""
        for pair, meeting in list(self._meetings.items()):
            if closing or now_ns - meeting.until_ns > PART_NS:
                del self._meetings[pair]
                self._tell_meeting(pair, meeting)
        for track_id, crouch in list(self._crouches.items()):
            if closing or now_ns - crouch.until_ns > FLOOR_QUIET_NS:
                del self._crouches[track_id]
                self._tell_crouch(track_id, crouch)

    @staticmethod
    def _quiet(seen: Sequence[Sighting]) -> bool:
        return not any(person.joints[[L_WRIST, R_WRIST, L_HAND, R_HAND], 2].min() < FLOOR_Z_M for person in seen)

    def _meet(self, at_ns: int, one: Sighting, other: Sighting, mine: list[Point], theirs: list[Point]) -> None:
        best: _Near | None = None
        for a in _hands(mine):
            for b in _hands(theirs):
                apart = math.dist(a, b)
                if apart < MEET_M and (best is None or apart < best[0]):
                    best = (apart, a, b)
        if best is None:
            return
        apart = best[0]
        looks = self._looks(at_ns, one, other, (mine, theirs), best)
        pair = (min(one.track_id, other.track_id), max(one.track_id, other.track_id))
        meeting = self._meetings.get(pair)
        if meeting is None:
            self._meetings[pair] = _Meeting(at_ns, at_ns, at_ns, apart, looks)
            return
        meeting.until_ns = at_ns
        meeting.closest_m = min(meeting.closest_m, apart)
        if looks > meeting.looks:
            meeting.looks, meeting.best_ns = looks, at_ns

    def _looks(self, at_ns: int, one: Sighting, other: Sighting, rows: _Rows, near: _Near) -> float:
        """Likeness to a hand-over, 0..1: hands near, lifted, stretched to each other, clear of shelves, facing."""
        apart, a, b = near
        mine, theirs = _chest(rows[0]), _chest(rows[1])
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
        facing = min(_facing(rows[0], ux, uy), _facing(rows[1], -ux, -uy))
        speed = max(_speed_m_s(at_ns, one), _speed_m_s(at_ns, other))
        together = _soft(facing - 0.5, 0.12) * _soft(0.35 - speed, 0.07)
        return looks * _soft(clear - 0.35, 0.08) * (PASSING + (1 - PASSING) * together)

    def _tell_meeting(self, pair: tuple[str, str], meeting: _Meeting) -> None:
        probability = 1.0 / (1.0 + math.exp(-(PRIOR + LIKELY * meeting.looks)))
        if probability < WORTH_TELLING:
            return
        met = HandsMet(
            at_ns=meeting.best_ns, until_ns=meeting.until_ns, a=pair[0], b=pair[1],
            distance_m=round(meeting.closest_m, 3), probability=round(probability, 4),
        )  # fmt: skip
        self.found.append((meeting.until_ns + PART_NS, met))

    def _floor(self, at_ns: int, track_id: str, joints: list[Point]) -> None:
        hands = [hand for hand in _hands(joints) if hand[2] < FLOOR_Z_M]
        if not hands:
            return
        low = min(hands, key=lambda hand: hand[2])
        if self._places.clearance_m(low) < FLOOR_CLEAR_M:
            return
        crouch = self._crouches.get(track_id)
        if crouch is None:
            self._crouches[track_id] = _Crouch(at_ns, at_ns, low)
            return
        crouch.until_ns = at_ns
        if low[2] < crouch.lowest[2]:
            crouch.lowest = low

    def _tell_crouch(self, track_id: str, crouch: _Crouch) -> None:
        """A hand at 10 cm for a moment puts something down or picks it up; one frame at 34 cm may be a bad keypoint."""
        x_m, y_m, z_m = crouch.lowest
        lasted = (crouch.until_ns - crouch.from_ns) / 1e9
        probability = 0.9 * _soft(0.3 - z_m, 0.05) * _soft(lasted - 0.1, 0.05)
        if probability < WORTH_TELLING:
            return
        touched = FloorTouched(
            at_ns=crouch.from_ns, track_id=track_id, x_m=round(x_m, 3), y_m=round(y_m, 3),
            probability=round(probability, 4),
        )  # fmt: skip
        self.found.append((crouch.until_ns + FLOOR_QUIET_NS, touched))


def _hands(joints: list[Point]) -> list[Point]:
    """Both hands (wrists where the hand was not seen), without the missing ones."""
    out = []
    for hand, wrist in ((L_HAND, L_WRIST), (R_HAND, R_WRIST)):
        point = joints[hand] if not math.isnan(joints[hand][0]) else joints[wrist]
        if not math.isnan(point[0]):
            out.append(point)
    return out


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


def _speed_m_s(at_ns: int, person: Sighting) -> float:
    """Speed of the body since SPEED_NS ago, m/s; 0 when it was not seen then."""
    times = person.history.at_ns
    i = bisect_right(times, at_ns - SPEED_NS) - 1
    was = torso(person.history.joints[i]) if i >= 0 else None
    if was is None or at_ns - times[i] > 3 * SPEED_NS:
        return 0.0
    return math.dist(was, person.xy) / ((at_ns - times[i]) / 1e9)


def _soft(value: float, scale: float) -> float:
    """A logistic step."""
    return 1.0 / (1.0 + math.exp(-max(min(value / scale, 50.0), -50.0)))
