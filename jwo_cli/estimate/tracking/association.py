"""Which detection belongs to which track: validation gates, log-likelihoods, one global assignment.

The gain of a pair is the log-likelihood of the detection under the track against the detection being new or false
and the track being missed. Pairs that gain nothing are never made, so the assignment needs no dummies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .kalman import invert2
from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """Predicted tracks: place [n, 2], covariance [n, 2, 2], unit [n], traits [n, k] with variance [n], look [n, d].

    `detectable` [n] is the probability that this camera gives a detection of it.
    """

    place: Floats
    covariance: Floats
    unit: Floats
    traits: Floats
    trait_variance: Floats
    look: Floats
    detectable: Floats


@dataclass(frozen=True, slots=True)
class Lookalike:
    """How far apart sights are, as 1 - cosine: mean over sights of one person (`same`) and of two people (`other`)."""

    same: float
    other: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs inside the validation gate, in order of the tracks: their rows [k] and gains [k] in nats."""

    track: Ints
    seen: Ints
    gain: Floats


def gains(
    tracks: Believed,
    place: Floats,
    noise: Floats,
    traits: Floats,
    trait_noise: Floats,
    look: Floats,
    scale: Lookalike,
    settings: TrackSettings,
) -> Pairs:
    """What every pair gains that the gate lets through; most pairs are far apart and cost one comparison."""
    i, j = _near(tracks, place, noise, settings.gate_chi2)
    inverse, det = invert2(tracks.covariance[i] + noise[j])
    dx, dy = (place[j] - tracks.place[i]).T
    far = dx * dx * inverse[:, 0, 0] + 2 * dx * dy * inverse[:, 0, 1] + dy * dy * inverse[:, 1, 1]
    inside = far <= settings.gate_chi2
    if not inside.all():
        i, j, far, det = i[inside], j[inside], far[inside], det[inside]
    odds = np.log(tracks.detectable / ((1 - tracks.detectable) * (2 * np.pi * settings.new_density_m2)))
    gain = (odds + 2 * np.log(tracks.unit))[i] - (far + np.log(det)) / 2
    if traits.shape[1]:
        gain += trait_gains(tracks.traits[i], traits[j], tracks.trait_variance[i] + trait_noise[j], settings)
    if look.size and tracks.look.size:
        gain += look_gains(tracks.look, look, scale, settings)[i, j]
    return Pairs(track=i, seen=j, gain=gain)


def _near(tracks: Believed, place: Floats, noise: Floats, gate: float) -> tuple[Ints, Ints]:
    """Pairs that the gate may let through: no spread is wider than its trace."""
    x, y = tracks.place.T
    own = gate * (tracks.covariance[:, 0, 0] + tracks.covariance[:, 1, 1])
    other = gate * (noise[:, 0, 0] + noise[:, 1, 1])
    order = np.argsort(place[:, 0])
    reach = np.sqrt(own + other.max(initial=0.0))
    across = place[order, 0]
    i, j = spans(np.searchsorted(across, x - reach), np.searchsorted(across, x + reach, side="right"))
    j = order[j]
    near = (x[i] - place[j, 0]) ** 2 + (y[i] - place[j, 1]) ** 2 <= own[i] + other[j]
    return i[near], j[near]


def spans(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Every row with every number of its half-open span: rows [k] and numbers [k]."""
    counts = np.maximum(last - first, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    return rows, np.arange(len(rows)) - (np.cumsum(counts) - counts - first)[rows]


def trait_gains(known: Floats, traits: Floats, variance: Floats, settings: TrackSettings) -> Floats:
    """Log-likelihood ratio of sizes [k]: this person's against anybody's, who differ by `trait_spread`.

    Where anybody's size lies is not asked: for them the expected misfit of one half a trait stands.
    """
    gap = ((known - traits) ** 2).sum(axis=1)
    width = traits.shape[1]
    ratio: Floats = (width * (1 + np.log1p(settings.trait_spread**2 / variance)) - gap / variance) / 2
    return ratio


def look_gains(known: Floats, look: Floats, scale: Lookalike, settings: TrackSettings) -> Floats:
    """Log-likelihood ratio of appearance [n, m]: distances of either kind fall off exponentially about their means.

    0 for tracks whose appearance is unknown (a zero vector), and for all where looks do not tell people apart.
    """
    length = np.linalg.norm(known, axis=1, keepdims=True)
    distance = 1 - known @ look.T / np.maximum(length, 1e-9)
    same, other = max(scale.same, 1e-6), max(scale.other, 1e-6)
    if other <= same:
        return np.zeros_like(distance)
    ratio = np.log(other / same) - distance * (1 / same - 1 / other)
    told: Floats = np.where(length > 0, np.clip(ratio, -settings.look_limit, settings.look_limit), 0.0)
    return told


def assign(pairs: Pairs, tracks: int, seen: int) -> tuple[Ints, Ints]:
    """Rows of tracks and of detections that gain most together, no row twice; of `tracks` and `seen` rows.

    A pair whose rows are in no other pair is made at once; the assignment is solved for the rest.
    """
    worth = pairs.gain > 0
    i, j, gain = (pairs.track, pairs.seen, pairs.gain)
    if not worth.all():
        i, j, gain = i[worth], j[worth], gain[worth]
    alone = (np.bincount(i, minlength=tracks)[i] == 1) & (np.bincount(j, minlength=seen)[j] == 1)
    if alone.all():
        return i, j
    rest = ~alone
    rows, row = np.unique(i[rest], return_inverse=True)
    columns, column = np.unique(j[rest], return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    table[row, column] = gain[rest]
    a, b = linear_sum_assignment(table, maximize=True)
    made = table[a, b] > 0
    return np.concatenate((i[alone], rows[a[made]])), np.concatenate((j[alone], columns[b[made]]))
