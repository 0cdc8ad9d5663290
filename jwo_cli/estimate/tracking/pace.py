"""How many frames there are in a second, where nobody says: people walk.

The quick quarter of people on their way goes at about 1.3 m/s wherever it is. So recordings are followed for a while
under a guess of the rate, the guess is corrected by how fast people then seem to walk, and so on until both agree.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WALK_M_S = 1.3
QUICK = 0.75
FIRST_GUESS_HZ = 2.0  # slow: gates are wide, so that nobody is lost before the rate is known
SLOWEST_HZ, FASTEST_HZ = 0.5, 120.0
ROUNDS = 4
AGREED = 1.1  # a factor
SAMPLE = 300  # frames


def estimate_rate(speeds_m_s: Callable[[float], Floats]) -> float:
    """Frames a second, given how fast people walk when followed at an assumed rate; a guess where nobody walks."""
    rate = FIRST_GUESS_HZ
    for _ in range(ROUNDS):
        speeds = speeds_m_s(rate)
        if not len(speeds):
            return rate
        quick = float(np.quantile(speeds, QUICK))
        if quick <= 0:
            return rate
        better = float(np.clip(rate * WALK_M_S / quick, SLOWEST_HZ, FASTEST_HZ))
        agreed = max(better / rate, rate / better) < AGREED
        rate = better
        if agreed:
            break
    return rate


def sample(frame: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The rows of the first SAMPLE frames that have any."""
    frames = np.unique(frame)
    last = frames[min(SAMPLE, len(frames)) - 1] if len(frames) else 0
    return frame <= last
