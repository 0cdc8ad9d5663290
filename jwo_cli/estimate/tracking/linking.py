"""Lost tracks found again: which track's end is which track's beginning, decided for all of them at once.

The store is a closed world: a person who is lost in the middle of the floor is still there, one who is lost at a
door may have gone, and nobody appears far from any door. Between two sights a person's velocity is an
Ornstein-Uhlenbeck process: it holds for about `turn_s`, then is anybody's guess around nothing, so that a long gap is
honest about where they went.
The gain of a link is its log-likelihood against one person leaving and another one entering; links are an assignment
of greatest total gain, solved for each connected group of candidates by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """The first or the last sight of every track: time [n], state [n, 4] with covariance [n, 4, 4], `unit` [n] a metre.

    `outside` [n] is the probability that the person comes from, or goes to, outside of what is watched.
    """

    at_s: Floats
    mean: Floats
    covariance: Floats
    unit: Floats
    outside: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the people of the tracks are like: traits [n, k] with variance [n], appearance [n, d] of length one or 0.

    `look_other` is how far apart (1 - cosine) looks of different people are on average; 0 where that is unknown.
    """

    traits: Floats
    variance: Floats
    look: Floats
    look_other: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Tracks that go on for a moment beside the one that takes over from them, one row a pair.

    `before` and `after` [k] are the tracks; `mean` [k, 4], `covariance` [k, 4, 4] the state of `after` when `before`
    ends; `both` [k] counts how often one camera gave both at one instant, `either` [k] how often it gave only one.
    """

    before: Ints
    after: Ints
    mean: Floats
    covariance: Floats
    both: Ints
    either: Ints


def link(starts: Ends, ends: Ends, overlaps: Overlaps, last: Kinds, first: Kinds, settings: TrackSettings) -> Ints:
    """For each track the one that carries it on, or -1, by last sights (`ends`, `last`) and first (`starts`, `first`).

    No track carries on two.
    """
    before, after, gain = link_gains(starts, ends, last, first, settings)
    beside = overlap_gains(starts, ends, overlaps, last, first, settings)
    before, after = np.concatenate((before, overlaps.before)), np.concatenate((after, overlaps.after))
    gain = np.concatenate((gain, beside))
    worth = gain > 0
    return _chains(before[worth], after[worth], gain[worth], len(starts.at_s))


def link_gains(
    starts: Ends, ends: Ends, last: Kinds, first: Kinds, settings: TrackSettings
) -> tuple[Ints, Ints, Floats]:
    """Ends and beginnings within reach of each other [k], and what each link gains, nats: 0 is as likely as not."""
    gap = starts.at_s[None, :] - ends.at_s[:, None]
    before, after = np.nonzero((gap > 0) & (gap <= settings.link_s))
    metre = (ends.unit[before] + starts.unit[after]) / 2
    reach = np.linalg.norm(starts.mean[after, :2] - ends.mean[before, :2], axis=1) / metre
    near = reach <= settings.link_reach_m + settings.top_speed_m_s * gap[before, after]
    before, after = before[near], after[near]
    state = (starts.mean[after], starts.covariance[after])
    gain = _gain(starts, ends, before, after, gap[before, after], state, settings)
    return before, after, gain + _likeness(last, first, before, after, settings)


def overlap_gains(
    starts: Ends, ends: Ends, overlaps: Overlaps, last: Kinds, first: Kinds, settings: TrackSettings
) -> Floats:
    """What taking over from one that goes on for a moment gains [pairs], nats."""
    state = (overlaps.mean, overlaps.covariance)
    gain = _gain(starts, ends, overlaps.before, overlaps.after, np.zeros(len(overlaps.before)), state, settings)
    gain += settings.either_nats * overlaps.either - settings.both_nats * overlaps.both
    return gain + _likeness(last, first, overlaps.before, overlaps.after, settings)


def _gain(
    starts: Ends,
    ends: Ends,
    before: Ints,
    after: Ints,
    seconds: Floats,
    state: tuple[Floats, Floats],
    settings: TrackSettings,
) -> Floats:
    """Log-likelihood of a link against an exit and an entry, by place and velocity [pairs]."""
    metre = ((ends.unit[before] + starts.unit[after]) / 2)[:, None]
    square = metre[:, :, None] ** 2
    spent = np.minimum(seconds, settings.wander_s)
    mean, spread = wander(ends.mean[before] / metre, ends.covariance[before] / square, spent, settings)
    then, blur = state[0] / metre, state[1] / square
    spread = spread + blur
    miss = then - mean
    far = np.einsum("ni,ni->n", miss, np.linalg.solve(spread, miss[:, :, None])[:, :, 0])
    fit = -far / 2 - np.linalg.slogdet(2 * np.pi * spread)[1] / 2
    speed = settings.speed_sigma_m_s**2 * np.eye(2) + blur[:, 2:, 2:]
    turn = then[:, 2:]
    anew = np.einsum("ni,ni->n", turn, np.linalg.solve(speed, turn[:, :, None])[:, :, 0])
    anybody = -anew / 2 - np.linalg.slogdet(2 * np.pi * speed)[1] / 2 + np.log(settings.entry_rate_m2_s)
    stays = np.log1p(-ends.outside[before]) - np.log(ends.outside[before]) - np.log(starts.outside[after])
    result: Floats = fit - anybody + stays - seconds / settings.hidden_s - np.log(settings.hidden_s)
    return result


def wander(mean: Floats, covariance: Floats, seconds: Floats, settings: TrackSettings) -> tuple[Floats, Floats]:
    """States [n, 4] after `seconds` [n] unseen: exact moments of the Ornstein-Uhlenbeck velocity (Gillespie 1996)."""
    tau, power = settings.turn_s, settings.speed_sigma_m_s**2
    hold = np.exp(-seconds / tau)
    step = np.zeros((len(mean), 4, 4))
    step[:] = np.eye(4)
    step[:, 0, 2] = step[:, 1, 3] = tau * (1 - hold)
    step[:, 2, 2] = step[:, 3, 3] = hold
    place = 2 * power * tau * (seconds - 2 * tau * (1 - hold) + tau / 2 * (1 - hold**2))
    cross = power * tau * (1 - hold) ** 2
    speed = power * (1 - hold**2)
    noise = np.zeros_like(step)
    for axis in (0, 1):
        noise[:, axis, axis] = place
        noise[:, axis, axis + 2] = noise[:, axis + 2, axis] = cross
        noise[:, axis + 2, axis + 2] = speed
    ahead = np.einsum("nij,nj->ni", step, mean)
    spread = step @ covariance @ np.swapaxes(step, 1, 2) + noise
    return ahead, spread


def _likeness(last: Kinds, first: Kinds, before: Ints, after: Ints, settings: TrackSettings) -> Floats:
    """Log-likelihood ratio of size and appearance [pairs]."""
    variance = last.variance[before] + first.variance[after] + settings.trait_link_sigma**2
    gap = np.sum((last.traits[before] - first.traits[after]) ** 2, axis=1)
    width = last.traits.shape[1]
    other = settings.trait_spread**2 + variance
    ratio: Floats = (gap / other - gap / variance + width * np.log(other / variance)) / 2
    if last.look.size and last.look_other > 0:
        cosine = np.einsum("nd,nd->n", last.look[before], first.look[after])
        known = (np.linalg.norm(last.look[before], axis=1) > 0) & (np.linalg.norm(first.look[after], axis=1) > 0)
        same = settings.look_first * last.look_other
        told = -np.log(settings.look_first) - (1 - cosine) * (1 / same - 1 / last.look_other)
        ratio += known * np.clip(told, -settings.look_link_nats, settings.look_link_nats)
    return ratio


def _chains(before: Ints, after: Ints, gain: Floats, count: int) -> Ints:
    following = np.full(count, -1, np.int64)
    if not len(before):
        return following
    graph = coo_array((np.ones(len(before)), (before, after + count)), shape=(2 * count, 2 * count))
    _, group = connected_components(graph, directed=False)
    of_pair = group[before]
    for each in np.unique(of_pair):
        pairs = np.flatnonzero(of_pair == each)
        rows, row = np.unique(before[pairs], return_inverse=True)
        columns, column = np.unique(after[pairs], return_inverse=True)
        worth = np.zeros((len(rows), len(columns)))
        worth[row, column] = gain[pairs]
        i, j = linear_sum_assignment(worth, maximize=True)
        made = worth[i, j] > 0
        following[rows[i[made]]] = columns[j[made]]
    return following


def chained(following: Ints) -> Ints:
    """The first track of every track's chain [n]: links go forward in time, so that pointers can be doubled."""
    root = np.arange(len(following))
    has = following >= 0
    parent = root.copy()
    parent[following[has]] = root[has]
    while True:
        up = parent[parent]
        if np.array_equal(up, parent):
            return parent
        parent = up
