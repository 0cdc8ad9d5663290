"""Where the tracker may have mixed people up: ids exchanged when two met, an id gone and a new one going on, two people
come under one id.

Two kinds of evidence. Motion: where each body must be, given where it was; an exchange of ids looks like two jumps that
cancel. Build: measures of the body before and after. Suspicion is raised by motion at once and judged a little later,
when the body after it has been seen for a while. A gap in which both were unseen leaves only the build to tell.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import IdentityTold
from jwo_cli.model.observations import IdentityDoubted
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from . import body
from .history import L_HAND, L_WRIST, R_HAND, R_WRIST, History, torso

Floats = NDArray[np.float64]
Point = tuple[float, float, float]

NEAR_M = 1.6  # ids are exchanged between people who meet
HOLE_NS = 350 * NS_PER_MS  # not seen for longer: where the person went meanwhile is open
AFTER_NS = 1_200 * NS_PER_MS  # how long a body is looked at before a suspicion is judged
BEFORE_NS = 8 * NS_PER_S
JUMP_NS = 400 * NS_PER_MS  # an id that goes over to somebody else's body does so within this of losing that body's own
SETTLED_NS = 1 * NS_PER_S  # everybody seen in the first second was there before
RESTART_NS = 30 * NS_PER_S  # an id may be taken up again this long after it was lost
OVERLAP_NS = 500 * NS_PER_MS  # a body whose id is exchanged for a new one may be seen under both for a moment
SUSPICIOUS_NATS = -5.0
# Log-odds that a suspicious moment is an exchange, and how much a nat counts: the steps allowed below are wide, so that
# evidence which does not favour staying is rare where nothing happened. Of 440 suspicious moments of generated
# meetings, 35 of them exchanges, none below -1 nat was one, a quarter between 0 and 1, and all above 1.
SWAP_PRIOR = -1.95
SWAP_SHARPNESS = 1.5
NEWCOMER_NATS = -3.0  # log-density per m2 of appearing on the open floor as somebody new (at an entry: more)
NEWCOMER_AT_GATE_NATS = 2.0
GONE = 0.02  # who left may have turned round in the door, or never went
WORTH_TELLING = 0.03
QUIET_NS = 1 * NS_PER_S  # one meeting is judged once
SAME_NS = 2 * NS_PER_S  # a tracker and we mean the same moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A track in one frame: its id, its history before the frame, where it is now and was before (torso, m).

    `rows` are the joints as plain floats, `hands` both hands (wrists where a hand was not seen) without the missing.
    """

    at_ns: int
    track_id: str
    history: History
    joints: NDArray[np.float32]
    xy: tuple[float, float]
    was_xy: tuple[float, float]
    rows: list[Point]
    hands: tuple[Point, ...]


@dataclass(slots=True)
class _Hole:
    """The last stretch in which a track was not seen."""

    from_ns: int
    until_ns: int
    before: NDArray[np.float32]
    after: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Suspicion:
    at_ns: int
    nats: float
    a: str
    b: str


class Lost(NamedTuple):
    """An id that is not in view: when and where it was last seen, and the probability that it left the store."""

    track_id: str
    last_ns: int
    xy: tuple[float, float]
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class _Newcomer:
    at_ns: int
    track_id: str
    xy: tuple[float, float]
    at_gate: bool
    lost: tuple[Lost, ...]


class IdentityWatch:
    """Frames in, doubts out. `doubts` collects (due_ns, IdentityDoubted)."""

    def __init__(self) -> None:
        self._holes: dict[str, _Hole] = {}
        self._suspicions: dict[tuple[str, str], _Suspicion] = {}
        self._newcomers: list[_Newcomer] = []
        self._absent: dict[str, body.Body] = {}  # ids lost in a merge -> who is out of sight now
        self._swaps: dict[tuple[str, str], tuple[int, float]] = {}  # the latest told of each pair: moment, probability
        self._first_ns: int | None = None
        self.doubts: list[tuple[int, IdentityDoubted]] = []

    def step(self, at_ns: int, seen: Sequence[Sighting], histories: dict[str, History]) -> None:
        """Look at one frame before its sightings enter the histories."""
        if self._first_ns is None:
            self._first_ns = at_ns
        for sighting in seen:
            times = sighting.history.at_ns
            if times and at_ns - times[-1] > HOLE_NS:
                before = sighting.history.joints[-1]
                self._holes[sighting.track_id] = _Hole(times[-1], at_ns, before, sighting.joints)
        for i, one in enumerate(seen):
            for other in seen[i + 1 :]:
                if math.dist(one.xy, other.xy) < NEAR_M and one.history.at_ns and other.history.at_ns:
                    self._suspect(at_ns, one, other)
        self.judge(at_ns, histories)

    def tracker_said(self, told: IdentityTold) -> None:
        """What a tracker says of its ids counts; an exchange that motion alone suspected is not told beside it."""
        if told.kind == "swap":
            pair = (min(told.before, told.after), max(told.before, told.after))
            self._suspicions.pop(pair, None)
            known = self._swaps.get(pair)
            if known is not None and abs(known[0] - told.since_ns) <= SAME_NS and known[1] >= told.probability:
                return
            self._swaps[pair] = (told.since_ns, told.probability)
        doubt = IdentityDoubted(
            at_ns=told.since_ns, kind=told.kind, before=told.before, after=told.after, probability=told.probability
        )
        self.doubts.append((told.at_ns + AFTER_NS, doubt))

    def forget(self, track_id: str) -> None:
        """Nothing will be asked about a track any more."""
        self._holes.pop(track_id, None)
        self._absent.pop(track_id, None)
        for pair in [pair for pair in self._swaps if track_id in pair]:
            del self._swaps[pair]

    def vanished(self, track_id: str, last_ns: int, histories: dict[str, History]) -> None:
        """An id has not been seen since `last_ns`, for AFTER_NS: whose id may have gone over to its person?

        Two people who meet may come under one id, and that id may go on as either of them. Then the lost id stands for
        the other one, who is out of sight.
        """
        lost = histories[track_id]
        place = torso(lost.joints[-1])
        if place is None:
            return
        for other_id, other in histories.items():
            at = bisect_right(other.at_ns, last_ns)
            if other_id == track_id or not 0 < at < len(other.at_ns):
                continue
            was = torso(other.joints[at - 1])
            if was is not None and last_ns - other.at_ns[at - 1] < HOLE_NS and math.dist(place, was) < NEAR_M:
                self._judge_merge(track_id, other_id, last_ns, histories)

    def newcomer(
        self, at_ns: int, track_id: str, xy: tuple[float, float], *, at_gate: bool, lost: Iterable[Lost]
    ) -> None:
        """A new id appeared at `xy`; `lost` are the ids that were seen before."""
        if self._first_ns is None or at_ns - self._first_ns < SETTLED_NS:
            return
        recent = tuple(item for item in lost if 0 < at_ns - item.last_ns <= RESTART_NS)
        if recent:
            self._newcomers.append(_Newcomer(at_ns, track_id, xy, at_gate, recent))

    def judge(self, now_ns: int, histories: dict[str, History]) -> None:
        """Judge what has waited long enough."""
        for pair in list(self._suspicions):
            suspicion = self._suspicions[pair]
            if now_ns - suspicion.at_ns >= AFTER_NS:
                del self._suspicions[pair]
                self._judge_swap(suspicion, histories)
        waiting = self._newcomers
        self._newcomers = [item for item in waiting if now_ns - item.at_ns < AFTER_NS]
        for item in waiting:
            if now_ns - item.at_ns >= AFTER_NS:
                self._judge_restart(item, histories)

    def _suspect(self, at_ns: int, one: Sighting, other: Sighting) -> None:
        """Raise a suspicion if the two bodies fit each other's past about as well as their own."""
        gap_ns = max(at_ns - one.history.at_ns[-1], at_ns - other.history.at_ns[-1])
        if gap_ns <= HOLE_NS and _clearly_apart(one, other, gap_ns / 1e9):
            return
        a_ns, a_was = self._past(one, other, at_ns)
        b_ns, b_was = self._past(other, one, at_ns)
        a_now, b_now = self._now(one, other, at_ns), self._now(other, one, at_ns)
        a_gap, b_gap = (at_ns - a_ns) / 1e9, (at_ns - b_ns) / 1e9
        stay = _misfit(a_was, a_now, a_gap) + _misfit(b_was, b_now, b_gap)
        swap = _misfit(b_was, a_now, b_gap) + _misfit(a_was, b_now, a_gap)
        nats = stay - swap
        if math.isnan(nats) or nats < SUSPICIOUS_NATS:
            return
        pair = (min(one.track_id, other.track_id), max(one.track_id, other.track_id))
        known = self._suspicions.get(pair)
        if known is None or (nats > known.nats and at_ns - known.at_ns < QUIET_NS):
            self._suspicions[pair] = _Suspicion(at_ns, nats, *pair)

    def _past(self, one: Sighting, other: Sighting, at_ns: int) -> tuple[int, NDArray[np.float32]]:
        """Where `one` was last known for sure: before its own hole when that overlaps the other's."""
        hole = self._common_hole(one, other, at_ns)
        return (hole.from_ns, hole.before) if hole else (one.history.at_ns[-1], one.history.joints[-1])

    def _now(self, one: Sighting, other: Sighting, at_ns: int) -> NDArray[np.float32]:
        hole = self._common_hole(one, other, at_ns)
        return hole.after if hole else one.joints

    def _common_hole(self, one: Sighting, other: Sighting, at_ns: int) -> _Hole | None:
        mine, theirs = self._holes.get(one.track_id), self._holes.get(other.track_id)
        if mine is None or theirs is None or max(mine.until_ns, theirs.until_ns) != at_ns:
            return None
        return mine if mine.from_ns < theirs.until_ns and theirs.from_ns < mine.until_ns else None

    def _judge_swap(self, found: _Suspicion, histories: dict[str, History]) -> None:
        first, second = histories.get(found.a), histories.get(found.b)
        if first is None or second is None:
            return
        a_was, a_is = _around(first, found.at_ns)
        b_was, b_is = _around(second, found.at_ns)
        build = (
            body.same_person_nats(a_was, b_is) + body.same_person_nats(b_was, a_is)
            - body.same_person_nats(a_was, a_is) - body.same_person_nats(b_was, b_is)
        )  # fmt: skip
        probability = _logistic(SWAP_PRIOR + SWAP_SHARPNESS * (found.nats + build))
        known = self._swaps.get((found.a, found.b))
        if known is not None and abs(known[0] - found.at_ns) <= SAME_NS:
            return
        if probability >= WORTH_TELLING:
            self._swaps[found.a, found.b] = (found.at_ns, probability)
            self._tell(found.at_ns, "swap", found.a, found.b, probability)

    def _judge_merge(self, lost_id: str, other_id: str, last_ns: int, histories: dict[str, History]) -> None:
        lost, other = histories[lost_id], histories[other_id]
        first = bisect_right(other.at_ns, last_ns)
        nats, moment_ns = -math.inf, last_ns
        for k in range(first, min(bisect_right(other.at_ns, last_ns + JUMP_NS), len(other.at_ns))):
            stay = _misfit(other.joints[k - 1], other.joints[k], (other.at_ns[k] - other.at_ns[k - 1]) / 1e9)
            jump = _misfit(lost.joints[-1], other.joints[k], (other.at_ns[k] - last_ns) / 1e9)
            if stay - jump > nats:
                nats, moment_ns = stay - jump, other.at_ns[k]
        if nats < SUSPICIOUS_NATS:
            return
        lost_was, _ = _around(lost, moment_ns)
        other_was, other_is = _around(other, moment_ns)
        build = body.same_person_nats(lost_was, other_is) - body.same_person_nats(other_was, other_is)
        probability = _logistic(SWAP_PRIOR + SWAP_SHARPNESS * (nats + build))
        if probability >= WORTH_TELLING:
            self._tell(moment_ns, "merge", lost_id, other_id, probability)
        if probability >= 0.5:
            self._absent[lost_id] = other_was

    def _judge_restart(self, item: _Newcomer, histories: dict[str, History]) -> None:
        history = histories.get(item.track_id)
        if history is None:
            return
        _, now = _around(history, item.at_ns)
        nats = [NEWCOMER_AT_GATE_NATS if item.at_gate else NEWCOMER_NATS]
        lost = []
        for track_id, last_ns, xy, left in item.lost:
            before = histories.get(track_id)
            if before is None or before.seen_within(item.at_ns + OVERLAP_NS, item.at_ns + AFTER_NS):
                continue  # forgotten, or seen elsewhere meanwhile: somebody else
            lost.append(track_id)
            was = self._absent.get(track_id) or _around(before, last_ns + 1)[0]
            gap = (item.at_ns - last_ns) / 1e9
            spread = min(0.25 + 0.7 * gap, 4.0)
            walked = -0.5 * (math.dist(item.xy, xy) / spread) ** 2 - math.log(2 * math.pi * spread**2)
            stayed = math.log(max(1.0 - left, GONE))
            nats.append(max(walked, -12.0) + stayed + body.same_person_nats(was, now))
        top = max(nats)
        total = sum(math.exp(value - top) for value in nats)
        for track_id, value in zip(lost, nats[1:], strict=True):
            probability = math.exp(value - top) / total
            if probability >= WORTH_TELLING:
                self._tell(item.at_ns, "restart", track_id, item.track_id, probability)

    def _tell(self, at_ns: int, kind: str, before: str, after: str, probability: float) -> None:
        doubt = IdentityDoubted(
            at_ns=at_ns, kind=kind, before=before, after=after, probability=round(min(probability, 0.9999), 4)
        )
        self.doubts.append((at_ns + AFTER_NS, doubt))


def sight(
    at_ns: int, track_id: str, history: History, joints: NDArray[np.float32], xy: tuple[float, float],
    was_xy: tuple[float, float],
) -> Sighting:  # fmt: skip
    """A sighting with its derived fields."""
    rows = joints.tolist()
    return Sighting(
        at_ns=at_ns, track_id=track_id, history=history, joints=joints, xy=xy, was_xy=was_xy, rows=rows,
        hands=tuple(_hands(rows)),
    )  # fmt: skip


def _hands(joints: list[Point]) -> list[Point]:
    """Both hands (wrists where the hand was not seen), without the missing ones."""
    out = []
    for hand, wrist in ((L_HAND, L_WRIST), (R_HAND, R_WRIST)):
        point = joints[hand] if not math.isnan(joints[hand][0]) else joints[wrist]
        if not math.isnan(point[0]):
            out.append(point)
    return out


def _around(history: History, at_ns: int) -> tuple[body.Body, body.Body]:
    """Measures of a track's body before and from `at_ns` on."""
    _, earlier = history.window(at_ns - BEFORE_NS, at_ns - 1)
    _, later = history.window(at_ns, at_ns + AFTER_NS)
    return body.measure(earlier), body.measure(later)


def _misfit(was: NDArray[np.float32], now: NDArray[np.float32], gap_s: float) -> float:
    """Nats against a body having moved from `was` to `now` [10, 3] in `gap_s`: Gaussian steps that grow with time."""
    apart = now - was
    known = ~np.isnan(apart[:, 0])
    if not known.any():
        return 0.0
    rms = math.sqrt(float((apart[known] ** 2).sum()) / int(known.sum()))
    return min(0.5 * (rms / _step_m(gap_s)) ** 2, 15.0)


def _step_m(gap_s: float) -> float:
    """How far joints go in a while: noise of the keypoints and a walk, metres."""
    return 0.06 + 0.6 * min(gap_s, 3.0)


def _clearly_apart(one: Sighting, other: Sighting, gap_s: float) -> bool:
    """A cheap first look: both are so much nearer to their own place that no joint can tell otherwise."""
    stay = math.dist(one.xy, one.was_xy) ** 2 + math.dist(other.xy, other.was_xy) ** 2
    swap = math.dist(one.xy, other.was_xy) ** 2 + math.dist(other.xy, one.was_xy) ** 2
    return swap - stay > -2.4 * SUSPICIOUS_NATS * _step_m(gap_s) ** 2


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(min(log_odds, 50.0), -50.0)))
