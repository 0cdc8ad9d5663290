"""What a body is like: where its joints are on somebody who stands, how long its bones are, how fast its parts move.

Lengths follow anthropometry as shares of stature (Drillis and Contini 1966; Winter 2009, fig. 4.1); deviations cover
that people bend, reach and turn. Everything is a prior: what cameras see outweighs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The joints that are estimated in space. Left and right are the person's own.
PARTS = (
    "head", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist", "l_hip", "r_hip",
)  # fmt: skip
HEAD, L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST, L_HIP, R_HIP = range(len(PARTS))

# Rows of estimate.pixels.KEYPOINTS: the face is one joint. Knees and ankles only tell where somebody stands.
FACE = (0, 1, 2, 3, 4)
POINT_OF = {L_SHOULDER: 5, R_SHOULDER: 6, L_ELBOW: 7, R_ELBOW: 8, L_WRIST: 9, R_WRIST: 10, L_HIP: 11, R_HIP: 12}
MIRRORED = np.array([HEAD, R_SHOULDER, L_SHOULDER, R_ELBOW, L_ELBOW, R_WRIST, L_WRIST, R_HIP, L_HIP])

# Key points that tell where somebody stands: row -> height as a share of stature, and deviations: of that share, and
# of the horizontal distance from the body's axis in metres. Elbows and wrists go anywhere and are left out.
STANDING = {
    0: (0.93, 0.04, 0.12), 1: (0.94, 0.04, 0.11), 2: (0.94, 0.04, 0.11), 3: (0.935, 0.04, 0.09), 4: (0.935, 0.04, 0.09),
    5: (0.82, 0.04, 0.18), 6: (0.82, 0.04, 0.18), 11: (0.53, 0.04, 0.13), 12: (0.53, 0.04, 0.13),
    13: (0.285, 0.04, 0.20), 14: (0.285, 0.04, 0.20), 15: (0.045, 0.03, 0.25), 16: (0.045, 0.03, 0.25),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Physique:
    """Priors of a body; metres, seconds and shares of stature."""

    stature_m: float = 1.70
    stature_sigma_m: float = 0.10
    # Of each of PARTS on somebody who stands: height as a share of stature, deviations in height and around the axis.
    height: tuple[float, ...] = (0.93, 0.82, 0.82, 0.64, 0.64, 0.56, 0.56, 0.53, 0.53)
    height_sigma_m: tuple[float, ...] = (0.20, 0.17, 0.17, 0.30, 0.30, 0.45, 0.45, 0.13, 0.13)
    around_sigma_m: tuple[float, ...] = (0.20, 0.24, 0.24, 0.35, 0.35, 0.50, 0.50, 0.18, 0.18)
    # How fast each moves, against the place it had.
    speed_m_s: tuple[float, ...] = (1.5, 1.3, 1.3, 2.0, 2.0, 3.0, 3.0, 1.2, 1.2)
    # Bones: two of PARTS, length as a share of stature, deviation in metres (people and models of key points differ).
    bones: tuple[tuple[int, int, float, float], ...] = (
        (L_SHOULDER, R_SHOULDER, 0.21, 0.05),
        (L_SHOULDER, L_ELBOW, 0.172, 0.035),
        (R_SHOULDER, R_ELBOW, 0.172, 0.035),
        (L_ELBOW, L_WRIST, 0.152, 0.03),
        (R_ELBOW, R_WRIST, 0.152, 0.03),
        (L_SHOULDER, L_HIP, 0.29, 0.06),
        (R_SHOULDER, R_HIP, 0.29, 0.06),
        (L_HIP, R_HIP, 0.13, 0.05),
        (HEAD, L_SHOULDER, 0.165, 0.05),
        (HEAD, R_SHOULDER, 0.165, 0.05),
    )
    grip_m: float = 0.09  # middle of a gripping hand, past the wrist along the forearm (half a hand's length)
    envelope_m: float = 0.65  # farthest the axis of a body is from what its hand takes

    # Key points in images.
    least_score: float = 0.2  # below, a key point is a guess
    noise_share: float = 0.035  # deviation of a key point as a share of how tall the person is in the image
    noise_px: float = 2.0
    tail: float = 4.0  # degrees of freedom of the Student-t: key points are plainly wrong now and then
