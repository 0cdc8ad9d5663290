"""Constant-velocity Kalman filtering and smoothing of many tracks at once (Bar-Shalom, Li and Kirubarajan 2001, ch. 6).

State [n, 4] is position and velocity in a plane; white acceleration of spectral density q drives both axes alike.
Everything is batched over tracks; nothing loops over them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def predict(mean: Floats, covariance: Floats, seconds: Floats, density: Floats) -> tuple[Floats, Floats]:
    """States [n, 4] and covariances [n, 4, 4] after `seconds` [n], under acceleration of `density` [n] (unit²/s³)."""
    ahead = mean.copy()
    ahead[:, :2] += seconds[:, None] * mean[:, 2:]
    t = seconds[:, None, None]
    place, cross, speed = covariance[:, :2, :2], covariance[:, :2, 2:], covariance[:, 2:, 2:]
    noise = density[:, None, None] * np.eye(2)
    spread = np.empty_like(covariance)
    turned = cross + t * speed + noise * t**2 / 2
    spread[:, :2, :2] = place + t * (cross + np.swapaxes(cross, 1, 2)) + t**2 * speed + noise * t**3 / 3
    spread[:, :2, 2:] = turned
    spread[:, 2:, :2] = np.swapaxes(turned, 1, 2)
    spread[:, 2:, 2:] = speed + noise * t
    return ahead, spread


def advance(mean: Floats, covariance: Floats, seconds: float, density: Floats) -> tuple[Floats, Floats]:
    """As `predict`, where all tracks go on for the same time: two products with one matrix."""
    step, noise = _walk(seconds)
    spread = step @ covariance @ step.T
    spread += density[:, None, None] * noise
    return mean @ step.T, spread


def turn(seconds: float) -> Floats:
    """The transition [4, 4] over so long."""
    return _walk(seconds)[0]


@lru_cache(maxsize=256)  # frames come at few different rates
def _walk(seconds: float) -> tuple[Floats, Floats]:
    """Transition [4, 4] over so long, and what white acceleration of density 1 adds [4, 4]."""
    step = np.eye(4)
    step[0, 2] = step[1, 3] = seconds
    noise = np.zeros((4, 4))
    noise[0, 0] = noise[1, 1] = seconds**3 / 3
    noise[0, 2] = noise[2, 0] = noise[1, 3] = noise[3, 1] = seconds**2 / 2
    noise[2, 2] = noise[3, 3] = seconds
    return step, noise


def update(mean: Floats, covariance: Floats, place: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """States after measuring positions `place` [n, 2] with covariance `noise` [n, 2, 2]."""
    inverse, _ = invert2(covariance[:, :2, :2] + noise)
    first, second = covariance[:, 0], covariance[:, 1]
    a, b, d = inverse[:, 0, 0, None], inverse[:, 0, 1, None], inverse[:, 1, 1, None]
    # Written out, because products of many small matrices cost more than their sums.
    one, other = a * first + b * second, b * first + d * second
    miss = place - mean[:, :2]
    better = mean + one * miss[:, :1] + other * miss[:, 1:]
    spread = one[:, :, None] * first[:, None] + other[:, :, None] * second[:, None]
    np.subtract(covariance, spread, out=spread)
    return better, (spread + spread.transpose(0, 2, 1)) / 2


def invert2(matrix: Floats) -> tuple[Floats, Floats]:
    """Inverses and determinants of symmetric 2 × 2 matrices [..., 2, 2]."""
    a, b, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
    det = a * d - b * b
    inverse = np.empty_like(matrix)
    inverse[..., 0, 0], inverse[..., 1, 1] = d / det, a / det
    inverse[..., 0, 1] = inverse[..., 1, 0] = -b / det
    return inverse, det
