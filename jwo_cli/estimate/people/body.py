"""A body's measures: soft evidence that connects tracks of one person. Never stored, never leaves memory.

Head height, shoulder width, upper arm and forearm stay the same for a person and differ between people by more than
the keypoints' noise once averaged over a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .history import HEAD, L_ELBOW, L_SHOULDER, L_WRIST, NECK, R_ELBOW, R_SHOULDER, R_WRIST

Floats = NDArray[np.float64]

# Head height (bending lowers it: the upper quartile counts), head to neck, shoulders, upper arms, forearms; metres.
SPREAD_M = np.array([0.09, 0.02, 0.03, 0.03, 0.03])  # between people
FLOOR_M = np.array([0.025, 0.012, 0.015, 0.015, 0.02])  # averaging leaves posture and bias
_LINKS = ((L_SHOULDER, L_ELBOW, R_SHOULDER, R_ELBOW), (L_ELBOW, L_WRIST, R_ELBOW, R_WRIST))
MAX_NATS = 6.0  # one measure cannot outweigh everything
# Who was seen as a box alone comes with both shoulders in one point (`vision.hands.standing_joints`). The box's height
# is then all there is, and feet behind a shelf or an arm above the head make it wrong by a tenth of a metre.
_BOX_M, _ONE_POINT_M = 0.12, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Measures of one body over some sightings: means [5] and their standard deviations [5], metres; NaN unknown."""

    mean_m: Floats
    sigma_m: Floats


def measure(joints: Floats) -> Body:
    """The measures of a body seen [n] times, joints [n, 10, 3]."""
    if len(joints) == 0:
        return Body(mean_m=np.full(5, np.nan), sigma_m=np.full(5, np.nan))
    shoulders = _length(joints, L_SHOULDER, R_SHOULDER)
    boxes = shoulders < _ONE_POINT_M
    samples = [
        joints[:, HEAD, 2],
        _length(joints, HEAD, NECK)[~boxes],
        shoulders[~boxes],
        *(np.concatenate([_length(joints, a, b), _length(joints, c, d)]) for a, b, c, d in _LINKS),
    ]
    mean, sigma = np.full(5, np.nan), np.full(5, np.nan)
    for i, sample in enumerate(samples):
        values = sample[~np.isnan(sample)]
        if len(values) < 3:
            continue
        low, mid, high = np.percentile(values, (25, 50, 75))
        mean[i] = high if i == 0 else mid
        # neighbouring sightings err together: a third of them count
        floor = _BOX_M if i == 0 and 2 * boxes.sum() > len(joints) else FLOOR_M[i]
        sigma[i] = np.hypot(floor, 0.74 * (high - low) / np.sqrt(max(len(values) / 3, 1.0)))
    return Body(mean_m=mean, sigma_m=sigma)


def _length(joints: Floats, a: int, b: int) -> Floats:
    out: Floats = np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
    return out


def same_person_nats(first: Body, second: Body) -> float:
    """Log-likelihood ratio that two bodies are one person rather than two strangers (0 when nothing is known)."""
    variance = first.sigma_m**2 + second.sigma_m**2
    apart = (first.mean_m - second.mean_m) ** 2
    strangers = variance + 2 * SPREAD_M**2
    nats = 0.5 * (apart / strangers - apart / variance) + 0.5 * np.log(strangers / variance)
    nats = np.clip(nats, -MAX_NATS, MAX_NATS)
    known = ~np.isnan(nats)
    # the measures of one body hang together (tall people are long everywhere): their sum is taken by half
    return float(0.6 * nats[known].sum())
