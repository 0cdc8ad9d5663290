"""How well one person explains a change on a shelf: a log-likelihood against "somebody nobody saw".

The model is physical and small. Whoever took or placed something had a hand at the target when the weight moved, came
with it from elsewhere and left again; a bystander's hand does so only by accident. For each hand and each clock
offset, the residual of the wrist to the target around the change is judged by a Student-t (heavy tails: keypoints are
wrong now and then), then the hand's movement before a put and after a take. Hands and offsets are summed over, not
chosen. A hand that was not seen may have been anywhere its body allows. Parameters: benchmarks/association.py says
how they were fitted and how well the result is calibrated.

A log-likelihood of 0 is a person whom no camera saw; softmax over (0, all reaches) gives probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .history import L_ELBOW, L_HAND, L_SHOULDER, L_WRIST, NECK, R_ELBOW, R_HAND, R_SHOULDER, R_WRIST
from .places import Target

Floats = NDArray[np.float64]

STEP_S = 0.05
GRID_S = np.round(np.arange(-24, 25) * STEP_S, 3)  # seconds around the change at which paths are known
OFFSETS_S = np.round(np.arange(-7, 8) * STEP_S, 3)  # pose clock minus weight clock
_ZERO = len(GRID_S) // 2
_DWELL = np.array([-3, -2, -1, 0])  # steps around the change over which the hand must be there
_AWAY = np.array([7, 8, 9])  # steps (0.35-0.45 s) after or before at which it has moved away
MAX_HOLE_S = 0.4  # a path is known this far from a sighting, ever less exactly
DRIFT_M_S = 0.5  # how fast an unseen hand becomes uncertain
GUESSED_M = 0.15  # and how uncertain a wrist is that is guessed from elbow and shoulder

FOREARM_M = 0.27
_WRISTS, _HANDS = (L_WRIST, R_WRIST), (L_HAND, R_HAND)
_ELBOWS, _SHOULDERS = (L_ELBOW, R_ELBOW), (L_SHOULDER, R_SHOULDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachModel:
    """Parameters of the reach likelihood; lengths in metres, weights in nats.

    Fitted by log-loss on 632 scenes made of the development cases' takes and puts: real actors and bystanders, rivals
    who take beside them within 0.35-2 s, keypoint noise of 0-4 cm, hidden arms, clocks up to 0.2 s apart. A lighter
    tail and a narrower scale along the shelf would gain another 0.01 nats there and fail where a layout is 5 cm off.
    """

    along_m: float = 0.03  # scale of the wrist's residual along the shelf, beside half the things' own half width
    up_m: float = 0.10
    deep_m: float = 0.055
    slack_out_m: float = 0.06  # a wrist may stay this far before the front for nothing
    slack_in_m: float = 0.2  # or reach this far in
    tail: float = 4.0  # degrees of freedom of the Student-t
    sharpness: float = 1.4  # of one dwell's residual (its samples err together)
    moved_m: float = 0.15  # a hand that left or came moved more than this
    moved: float = 2.8  # nats for having moved as a take or put demands, minus as much for having stayed
    presence: float = 5.9  # nats of a perfect residual over the unseen
    hidden: float = 2.0  # nats of a hand not seen on a body that can reach
    reach_m: float = 0.65  # farthest a body's axis is from what its hand takes
    walk_m_s: float = 0.8  # a body out of view may have gone this far
    floor: float = -12.0  # nobody is more improbable than this: poses may be plainly wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """One person around one change, relative to the target, in the fixture's axes.

    `hands` [2, G, 3] m (NaN unknown), `spread` [2, G] m scale added where a wrist was not seen. `body` [G] m is the
    horizontal distance of the body's axis from the target when it was last or next seen, `blind_s` [G] how long before
    or after that was.
    """

    hands: Floats
    spread: Floats
    body: Floats
    blind_s: Floats


def paths(at_ns: int, times_ns: NDArray[np.int64], joints: Floats, target: Target) -> Paths:
    """Both hands and the body of one person on GRID_S around `at_ns`, from sightings [n], [n, 10, 3]."""
    seconds = (times_ns - at_ns) / 1e9
    local = target.local(joints)
    wrist = local[:, _WRISTS]
    wrist = np.where(np.isnan(wrist), local[:, _HANDS], wrist)
    elbow = local[:, _ELBOWS]
    upper = elbow - local[:, _SHOULDERS]
    guess = elbow + upper * (FOREARM_M / np.maximum(np.linalg.norm(upper, axis=2, keepdims=True), 0.1))
    hands = np.full((2, len(GRID_S), 3), np.nan)
    spread = np.zeros((2, len(GRID_S)))
    for hand in (0, 1):
        hands[hand], away_s = _resample(seconds, wrist[:, hand])
        spread[hand] = DRIFT_M_S * np.maximum(away_s - STEP_S, 0.0)
        unknown = np.isnan(hands[hand, :, 0])
        if unknown.any():
            guessed, _ = _resample(seconds, guess[:, hand])
            hands[hand, unknown], spread[hand, unknown] = guessed[unknown], GUESSED_M
    axis = local[:, (NECK, L_SHOULDER, R_SHOULDER), :2]
    known = ~np.isnan(axis[:, :, 0])
    count = np.maximum(known.sum(axis=1), 1)
    middle = np.where(known[:, :, None], axis, 0.0).sum(axis=1) / count[:, None]
    middle[~known.any(axis=1)] = np.nan
    path, blind_s = _resample(seconds, middle, hole_s=np.inf)
    return Paths(hands=hands, spread=spread, body=np.hypot(path[:, 0], path[:, 1]), blind_s=blind_s)


def _resample(seconds: Floats, points: Floats, hole_s: float = MAX_HOLE_S) -> tuple[Floats, Floats]:
    """Points [n, d] at `seconds` [n] on GRID_S, NaN beyond `hole_s` of a sighting, and seconds to the nearest [G]."""
    seen = ~np.isnan(points[:, 0])
    if not seen.any():
        return np.full((len(GRID_S), points.shape[1]), np.nan), np.full(len(GRID_S), np.inf)
    times, known = seconds[seen], points[seen]
    out = np.stack([np.interp(GRID_S, times, known[:, axis]) for axis in range(points.shape[1])], axis=1)
    after = np.minimum(np.searchsorted(times, GRID_S), len(times) - 1)
    before = np.maximum(after - 1, 0)
    away_s = np.minimum(np.abs(times[after] - GRID_S), np.abs(times[before] - GRID_S))
    out[away_s > hole_s] = np.nan
    return out, away_s


def by_offset(path: Paths, direction: int, half_x_m: float, model: ReachModel) -> Floats:
    """Log-likelihood over OFFSETS_S [T] that this person's hand did it; direction -1 taken, +1 placed, 0 neither.

    Relative to a person whom nobody saw (0).
    """
    steps = np.arange(len(OFFSETS_S)) - len(OFFSETS_S) // 2
    dwell = _ZERO + steps[:, None] + _DWELL[None, :]  # [T, D]
    along = np.hypot(model.along_m, 0.5 * half_x_m)
    scale = np.hypot(1.0, path.spread / np.array([along, model.deep_m, model.up_m])[:, None, None])  # [3, 2, G]
    x, y, z = path.hands[:, :, 0], path.hands[:, :, 1], path.hands[:, :, 2]
    deep = np.maximum(np.maximum(-model.slack_out_m - y, y - model.slack_in_m), 0.0)
    r2 = (x / (along * scale[0])) ** 2 + (deep / (model.deep_m * scale[1])) ** 2 + (z / (model.up_m * scale[2])) ** 2
    surprise = np.log1p(r2 / model.tail) * (model.tail + 3) / 2 + np.log(scale).sum(axis=0)
    level = _nanmean(surprise[:, dwell])  # [2, T]
    score = model.presence - model.sharpness * level + _movement(path, dwell, direction, model)
    hidden = np.isnan(level)
    if hidden.any():
        score = np.where(hidden, _unseen(path, dwell, model), score)
    either: Floats = np.logaddexp(score[0], score[1]) - np.log(2.0)
    return np.maximum(either, model.floor)


def _unseen(path: Paths, dwell: NDArray[np.int64], model: ReachModel) -> Floats:
    """Nats [T] for a hand that was not seen: likely on a body within reach, diluted by all it may have done unseen."""
    near, gone_m = path.body[dwell].min(axis=1), model.walk_m_s * path.blind_s[dwell].min(axis=1)
    beyond = np.where(np.isnan(near), np.inf, near) - model.reach_m - gone_m
    diluted = np.log1p(2.0 * np.minimum(gone_m, 1e3) ** 2)
    nats: Floats = model.hidden - diluted - np.logaddexp(0.0, np.minimum(beyond / 0.08, 50.0))
    return nats


def _movement(path: Paths, dwell: NDArray[np.int64], direction: int, model: ReachModel) -> Floats:
    """Nats [2, T] for having come (before a put) or gone (after a take) as whoever did it must have."""
    if direction == 0:
        return np.zeros((2, dwell.shape[0]))
    there = _nanmean(np.moveaxis(path.hands[:, dwell], 3, 2))  # [2, T, 3]
    zero = dwell[:, -1]
    other = _nanmean(np.moveaxis(path.hands[:, zero[:, None] - direction * _AWAY[None, :]], 3, 2))
    moved = np.linalg.norm(there - other, axis=2)
    nats = model.moved * np.tanh((moved - model.moved_m) / 0.08)
    return np.where(np.isnan(nats), 0.0, nats)


def _nanmean(values: Floats) -> Floats:
    """Mean over the last axis without NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    out: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out


def marginal(scores: Floats, offset_prior: Floats) -> float:
    """Log-likelihood with the clock offset summed out: scores [T], prior [T] (sums to 1)."""
    top = float(scores.max())
    return top + float(np.log(np.sum(offset_prior * np.exp(scores - top))))
