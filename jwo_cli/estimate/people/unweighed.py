"""Hands at plates that did not weigh: what they did there left no other evidence than the hands themselves.

A hand that takes or places something enters the plate's volume, stays for a moment and leaves again. Such dwells are
found among the kept sightings, once the plates are known to have been blind, and judged by the reach model, as if
something had left or arrived at the best moment of the dwell. What a healthy plate beside felt meanwhile explains a
dwell and takes it off the list. A dwell of one hand over several blind plates is one dwell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .history import L_HAND, L_SHOULDER, L_WRIST, NECK, R_HAND, R_SHOULDER, R_WRIST, History
from .places import Target
from .reach import Floats, ReachModel, by_offset, marginal, paths

AROUND_NS = 3 * NS_PER_S  # sightings this long before and after a blind stretch are looked at
ASIDE_M = 0.06  # a wrist this far beside the plate may still serve it
OUT_M, IN_M = 0.14, 0.3  # so far before the target point and behind it
UP_M = 0.2
JOIN_NS = 350 * NS_PER_MS  # frames of one dwell follow each other within this
LEAST_NS = 150 * NS_PER_MS  # a hand that only passes is there for one frame
MOMENTS = 9  # of a dwell are judged, evenly spread
AS_GOOD = 2.0  # plates whose score is within this of the best are named too
WORTH_TELLING = 0.15
# Log-odds that something was taken, placed or handled: BIAS + SLOPE * (nats - SCORE) + STRETCH * (metres - HANGING_M).
# Fitted by log-loss on 395 dwells at plates of 17 recorded and 40 simulated cases, every plate blinded in turn; an arm
# that hangs beside a low shelf is in its volume too, but not stretched out. Told 0.8-0.9: 84 % were picks or puts.
BIAS, SLOPE, SCORE = -1.6, 1.32, 6.0
STRETCH, HANGING_M, STRETCHED_M = 28.4, 0.27, (0.2, 0.32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwell:
    """One hand's stay at plates: when it began, when it most likely took or placed something, when it ended."""

    track_id: str
    begin_ns: int
    at_ns: int
    end_ns: int
    plates: tuple[str, ...]
    score: float
    stretched_m: float

    @property
    def probability(self) -> float:
        """That something was taken or placed."""
        stretched = min(max(self.stretched_m, STRETCHED_M[0]), STRETCHED_M[1]) - HANGING_M
        return 1.0 / (1.0 + math.exp(-(BIAS + SLOPE * (self.score - SCORE) + STRETCH * stretched)))


def dwells(
    track_id: str, history: History, from_ns: int, until_ns: int, plates: Sequence[tuple[str, Target]],
    model: ReachModel, offset_prior: Floats,
) -> list[Dwell]:  # fmt: skip
    """Dwells of one person at plates (id, target) of one fixture whose best moment is in [from_ns, until_ns)."""
    times, joints = history.window(from_ns - AROUND_NS, until_ns + AROUND_NS)
    if len(times) < 2 or not plates:
        return []
    inside = _inside(joints, [target for _, target in plates])
    found: list[Dwell] = []
    for column in np.flatnonzero(inside.any(axis=0)):
        plate_id, target = plates[int(column)]
        for first, last in _runs(times, inside[:, column]):
            judged = _judged(times, joints, (first, last), target, model, offset_prior)
            if judged is not None:
                at_ns, score = judged
                stretched = _stretched_m(joints[np.searchsorted(times, at_ns, side="right") - 1], target)
                found.append(
                    Dwell(
                        track_id=track_id, begin_ns=int(times[first]), at_ns=at_ns, end_ns=int(times[last]),
                        plates=(plate_id,), score=score, stretched_m=stretched,
                    )
                )  # fmt: skip
    return [dwell for dwell in _as_one(found) if from_ns <= dwell.at_ns < until_ns]


def _inside(joints: Floats, targets: Sequence[Target]) -> NDArray[np.bool_]:
    """[n, P]: whether a hand was in the volume over a plate. All targets are of one fixture."""
    wrist = joints[:, (L_WRIST, R_WRIST)]
    wrist = np.where(np.isnan(wrist), joints[:, (L_HAND, R_HAND)], wrist)
    origin = targets[0]
    local = origin.local(wrist)[:, :, None, :]  # [n, 2, 1, 3]
    away = np.array([np.subtract(target.point, origin.point) for target in targets])  # [P, 3]
    half = np.array([target.half_x_m for target in targets])
    x, y, z = (local[..., axis] - away[:, axis] for axis in range(3))
    near = (np.abs(x) <= half + ASIDE_M) & (y >= -OUT_M) & (y <= IN_M) & (np.abs(z) <= UP_M)
    there: NDArray[np.bool_] = near.any(axis=1)  # NaN compares false
    return there


def _runs(times: NDArray[np.int64], inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each stretch inside that lasts."""
    found: list[tuple[int, int]] = []
    for i in np.flatnonzero(inside).tolist():
        if found and times[i] - times[found[-1][1]] <= JOIN_NS:
            found[-1] = (found[-1][0], i)
        else:
            found.append((i, i))
    return [(a, b) for a, b in found if times[b] - times[a] >= LEAST_NS]


def _judged(
    times: NDArray[np.int64], joints: Floats, run: tuple[int, int], target: Target, model: ReachModel, prior: Floats
) -> tuple[int, float] | None:
    """The best moment of a dwell and its nats, as something taken or placed there and then."""
    best: tuple[float, int] | None = None
    for at_ns in np.unique(np.linspace(int(times[run[0]]), int(times[run[1]]), MOMENTS).astype(np.int64)).tolist():
        lo, hi = np.searchsorted(times, (at_ns - AROUND_NS, at_ns + AROUND_NS))
        path = paths(at_ns, times[lo:hi], joints[lo:hi], target)
        nats = max(marginal(by_offset(path, way, target.half_x_m, model), prior) for way in (-1, 1))
        if best is None or nats > best[0]:
            best = (nats, at_ns)
    return None if best is None else (best[1], round(best[0], 4))


def _stretched_m(joints: Floats, target: Target) -> float:
    """Horizontal distance from the chest to the hand [10, 3] nearest the target; HANGING_M when not seen."""
    wrists, chest = joints[[L_WRIST, R_WRIST]], joints[[NECK, L_SHOULDER, R_SHOULDER], :2]
    chest = chest[~np.isnan(chest[:, 0])]
    seen = ~np.isnan(wrists[:, 0])
    if not len(chest) or not seen.any():
        return HANGING_M
    away = np.where(seen, np.linalg.norm(target.local(wrists), axis=1), np.inf)
    x_m, y_m = wrists[int(np.argmin(away)), :2] - chest.mean(axis=0)
    return float(np.hypot(x_m, y_m))


def _as_one(found: Sequence[Dwell]) -> list[Dwell]:
    """Dwells that overlap in time are one, at the plates that fit about as well as the best."""
    bundles: list[list[Dwell]] = []
    for dwell in sorted(found, key=lambda d: (d.begin_ns, d.plates)):
        if bundles and dwell.begin_ns <= max(other.end_ns for other in bundles[-1]):
            bundles[-1].append(dwell)
        else:
            bundles.append([dwell])
    out = []
    for bundle in bundles:
        best = max(bundle, key=lambda d: d.score)
        good = sorted((d for d in bundle if d.score >= best.score - AS_GOOD), key=lambda d: -d.score)
        out.append(
            Dwell(
                track_id=best.track_id, begin_ns=best.begin_ns, at_ns=best.at_ns, end_ns=best.end_ns,
                plates=tuple(d.plates[0] for d in good), score=best.score, stretched_m=best.stretched_m,
            )
        )  # fmt: skip
    return out
