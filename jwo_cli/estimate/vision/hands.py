"""Bodies as the front end takes them: the ten joints of a pose message, and hands past the wrists with covariance.

A joint whose place is less certain than an arm is long would say less than nothing: it is left out (NaN), and the reach
model falls back to the elbow, then to the body. Somebody without key points is a body: head and shoulders stand over
their place, hands unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import JOINTS

from .physique import HEAD, L_ELBOW, L_SHOULDER, L_WRIST, R_ELBOW, R_SHOULDER, R_WRIST, Physique
from .skeleton import Body

Floats = NDArray[np.float64]
Joints = NDArray[np.float32]

# Deviation beyond which a joint is not told, metres: the body's, the arm's.
_TOLD_BODY_M, _TOLD_ARM_M = 0.35, 0.20
# How well cameras and shelves are known in one frame, and where a grip is: a calibration that passes is good to 3 cm.
_SURVEY_M = 0.04
EITHER = 2
_ARMS = ((L_ELBOW, L_WRIST), (R_ELBOW, R_WRIST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """The middle of a gripping hand: place [3] and covariance [3, 3] in metres.

    `side` is 0 left, 1 right, or EITHER: nobody saw it, it may be anywhere that its body reaches.
    """

    side: int
    place_m: Floats
    covariance: Floats


def hands(body: Body, physique: Physique) -> tuple[Hand, ...]:
    """Both hands past the wrists along the forearms, where any camera saw the wrist."""
    found = []
    for side, (elbow, wrist) in enumerate(_ARMS):
        if not body.views[wrist]:
            continue
        along = body.joints_m[wrist] - body.joints_m[elbow]
        length = max(float(np.linalg.norm(along)), 0.1)
        share = physique.grip_m / length
        # hand = (1 + share) · wrist - share · elbow, whose errors hang together.
        mix = np.zeros((3, body.covariance.shape[0]))
        mix[:, 3 * wrist : 3 * wrist + 3] = (1 + share) * np.eye(3)
        mix[:, 3 * elbow : 3 * elbow + 3] = -share * np.eye(3)
        found.append(
            Hand(
                side=side,
                place_m=body.joints_m[wrist] + share * along,
                covariance=mix @ body.covariance @ mix.T + _SURVEY_M**2 * np.eye(3),
            )
        )
    return tuple(found)


def envelope(xy_m: Floats, covariance: Floats, stature_m: float, physique: Physique) -> Hand:
    """Where a hand may be of somebody of whom only the place is known: anywhere within reach, any height.

    A disc of radius r has the variance r²/4 in each direction.
    """
    spread = np.zeros((3, 3))
    spread[:2, :2] = covariance + (physique.envelope_m / 2) ** 2 * np.eye(2)
    spread[2, 2] = physique.height_sigma_m[L_WRIST] ** 2
    place = np.array([*xy_m, physique.height[L_WRIST] * stature_m])
    return Hand(side=EITHER, place_m=place, covariance=spread)


def told_joints(body: Body, physique: Physique) -> tuple[Joints, Joints]:
    """Joints float32 [10, 3] in the order of JOINTS and their scores [10]: 1 at no deviation, 0.5 where it is 10 cm."""
    sigma = body.sigma_m()
    seen = body.views > 0
    joints, scores = np.full((len(JOINTS), 3), np.nan), np.zeros(len(JOINTS))
    for name, part in (("head", HEAD), ("l_shoulder", L_SHOULDER), ("r_shoulder", R_SHOULDER)):
        _tell(joints, scores, name, body.joints_m[part], sigma[part], seen=bool(seen[part]), limit=_TOLD_BODY_M)
    both = body.joints_m[[L_SHOULDER, R_SHOULDER]].mean(axis=0)
    widest = float(max(sigma[L_SHOULDER], sigma[R_SHOULDER]))
    _tell(joints, scores, "neck", both, widest, seen=bool(seen[[L_SHOULDER, R_SHOULDER]].any()), limit=_TOLD_BODY_M)
    for side, (elbow, wrist) in zip("lr", _ARMS, strict=True):
        _tell(joints, scores, f"{side}_elbow", body.joints_m[elbow], sigma[elbow], seen=bool(seen[elbow]))
        _tell(joints, scores, f"{side}_wrist", body.joints_m[wrist], sigma[wrist], seen=bool(seen[wrist]))
    for hand in hands(body, physique):
        far = float(np.sqrt(np.linalg.eigvalsh(hand.covariance)[-1]))
        _tell(joints, scores, f"{'lr'[hand.side]}_hand", hand.place_m, far, seen=True, limit=1.3 * _TOLD_ARM_M)
    return joints.astype(np.float32), scores.astype(np.float32)


def standing_joints(xy_m: Floats, stature_m: float, physique: Physique) -> tuple[Joints, Joints]:
    """The joints of somebody of whom only the place is known: head, neck and shoulders above it; no hands."""
    joints, scores = np.full((len(JOINTS), 3), np.nan, np.float32), np.zeros(len(JOINTS), np.float32)
    for name, part in (("head", HEAD), ("neck", L_SHOULDER), ("l_shoulder", L_SHOULDER), ("r_shoulder", R_SHOULDER)):
        row = JOINTS.index(name)
        joints[row], scores[row] = (*xy_m, physique.height[part] * stature_m), 0.3
    return joints, scores


def _tell(
    joints: Floats, scores: Floats, name: str, place: Floats, sigma_m: float, *, seen: bool, limit: float = _TOLD_ARM_M
) -> None:
    if seen and sigma_m <= limit:
        row = JOINTS.index(name)
        joints[row], scores[row] = place, 1.0 / (1.0 + sigma_m / 0.1)
