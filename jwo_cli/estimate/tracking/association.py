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


def gains(
    tracks: Believed,
    place: Floats,
    noise: Floats,
    traits: Floats,
    trait_noise: Floats,
    look: Floats,
    scale: Lookalike,
    settings: TrackSettings,
) -> Floats:
    """Gain in nats of every pair [n, m]; -inf outside the validation gate."""
    spread = tracks.covariance[:, None] + noise[None, :]
    inverse, det = invert2(spread)
    dx = place[None, :, 0] - tracks.place[:, None, 0]
    dy = place[None, :, 1] - tracks.place[:, None, 1]
    far = dx * dx * inverse[..., 0, 0] + 2 * dx * dy * inverse[..., 0, 1] + dy * dy * inverse[..., 1, 1]
    area = np.log(det) / 2 - 2 * np.log(tracks.unit)[:, None] + np.log(2 * np.pi)
    odds = np.log(tracks.detectable / (1 - tracks.detectable)) - np.log(settings.new_density_m2)
    gain = odds[:, None] - far / 2 - area
    if traits.shape[1]:
        gain += trait_gains(tracks, traits, trait_noise, settings)
    if look.size and tracks.look.size:
        gain += look_gains(tracks.look, look, scale, settings)
    return np.where(far <= settings.gate_chi2, gain, -np.inf)


def trait_gains(tracks: Believed, traits: Floats, noise: Floats, settings: TrackSettings) -> Floats:
    """Log-likelihood ratio of sizes [n, m]: this person's against anybody's, who differ by `trait_spread`.

    Where anybody's size lies is not asked: for them the expected misfit of one half a trait stands.
    """
    variance = tracks.trait_variance[:, None] + noise[None, :]
    gap = np.zeros((len(tracks.traits), len(traits)))
    for axis in range(traits.shape[1]):
        gap += (tracks.traits[:, None, axis] - traits[None, :, axis]) ** 2
    width = traits.shape[1]
    ratio: Floats = (width * (1 + np.log1p(settings.trait_spread**2 / variance)) - gap / variance) / 2
    return ratio


@dataclass(frozen=True, slots=True)
class Lookalike:
    """How far apart sights are, as 1 - cosine: mean over sights of one person (`same`) and of two people (`other`)."""

    same: float
    other: float


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


def assign(gain: Floats) -> tuple[Ints, Ints]:
    """Rows and columns of the pairs that gain most together."""
    worth = np.where(gain > 0, gain, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    made = worth[rows, columns] > 0
    return rows[made], columns[made]
