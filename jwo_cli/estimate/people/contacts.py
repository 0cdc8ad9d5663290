"""When hands meet and when a hand goes to the floor: moments at which goods change owner and no scale feels it.

Hands of people who stand close come near each other all the time (hanging arms touch while people pass), so distance
alone says little. In a hand-over both arms are lifted and stretched towards the other person, away from the shelves,
for about half a second. Each frame is judged by those four; the best moment counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.observations import FloorTouched, HandsMet
from jwo_cli.model.units import NS_PER_MS

from .history import L_HAND, L_SHOULDER, L_WRIST, NECK, R_HAND, R_SHOULDER, R_WRIST
from .identity import Sighting
from .places import Places

Point = tuple[float, float, float]

MEET_M = 0.35
PART_NS = 600 * NS_PER_MS  # hands apart for longer: another meeting
BODIES_M = 1.6  # two arms' reach
PRIOR = -3.2  # log-odds that near hands pass something on
LIKELY = 4.4  # nats of a perfect hand-over's looks
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
        best: tuple[float, Point, Point] | None = None
        for a in _hands(mine):
            for b in _hands(theirs):
                apart = math.dist(a, b)
                if apart < MEET_M and (best is None or apart < best[0]):
                    best = (apart, a, b)
        if best is None:
            return
        apart, a, b = best
        looks = self._looks(apart, a, b, _chest(mine), _chest(theirs))
        pair = (min(one.track_id, other.track_id), max(one.track_id, other.track_id))
        meeting = self._meetings.get(pair)
        if meeting is None:
            self._meetings[pair] = _Meeting(at_ns, at_ns, at_ns, apart, looks)
            return
        meeting.until_ns = at_ns
        meeting.closest_m = min(meeting.closest_m, apart)
        if looks > meeting.looks:
            meeting.looks, meeting.best_ns = looks, at_ns

    def _looks(self, apart: float, a: Point, b: Point, mine: Point | None, theirs: Point | None) -> float:
        """Likeness to a hand-over, 0..1: near, lifted, stretched towards each other, away from shelves."""
        if mine is None or theirs is None:
            return 0.15 * _soft(0.25 - apart, 0.05)
        ux, uy = theirs[0] - mine[0], theirs[1] - mine[1]
        between = math.hypot(ux, uy) or 1e-6
        out_a = ((a[0] - mine[0]) * ux + (a[1] - mine[1]) * uy) / between
        out_b = ((theirs[0] - b[0]) * ux + (theirs[1] - b[1]) * uy) / between
        lifted = min(a[2] - mine[2], b[2] - theirs[2])
        clear = self._places.clearance_m(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2))
        return (
            _soft(0.25 - apart, 0.04) * _soft(lifted + 0.56, 0.03) * _soft(min(out_a, out_b) - 0.1, 0.03)
            * _soft(clear - 0.35, 0.08)
        )  # fmt: skip

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


def _soft(value: float, scale: float) -> float:
    """A logistic step."""
    return 1.0 / (1.0 + math.exp(-max(min(value / scale, 50.0), -50.0)))
