"""How many frames there are in a second, where nobody says: people walk.

People on their way go at about 1.4 m/s, and lose about two seconds of each way across to starting, turning and
stopping: the smaller the place, the slower its quick quarter. So recordings are followed for a while under a guess of
the rate, the guess is corrected by how fast people then seem to walk, and so on until both agree.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WALK_M_S, TURNING_S = 1.4, 2.0
QUICK = 0.75
FIRST_GUESS_HZ = 2.0  # slow: gates are wide, so that nobody is lost before the rate is known
SLOWEST_HZ, FASTEST_HZ = 0.5, 120.0
ROUNDS = 4
AGREED = 1.1  # a factor
SAMPLE = 300  # frames
_MOST = 0.96  # of the places, in each direction, make the extent


def estimate_rate(walks: Callable[[float], tuple[Floats, float]]) -> float:
    """Frames a second, given `walks`: for an assumed rate the speeds [k] m/s and the extent of the place, metres.

    The first guess where nobody walks.
    """
    rate = FIRST_GUESS_HZ
    for _ in range(ROUNDS):
        speeds, extent_m = walks(rate)
        quick = float(np.quantile(speeds, QUICK)) if len(speeds) else 0.0
        if quick <= 0 or extent_m <= 0:
            return rate
        usual = WALK_M_S * extent_m / (extent_m + WALK_M_S * TURNING_S)
        better = float(np.clip(rate * usual / quick, SLOWEST_HZ, FASTEST_HZ))
        agreed = max(better / rate, rate / better) < AGREED
        rate = better
        if agreed:
            break
    return rate


def extent(places_m: Floats) -> float:
    """How long a way across is where these places [k, 2] lie: the root of the area that nearly all of them span."""
    if len(places_m) < 2:
        return 0.0
    low, high = np.quantile(places_m, ((1 - _MOST) / 2, (1 + _MOST) / 2), axis=0)
    return float(np.sqrt(np.prod(high - low)))


def sample(frame: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The rows of the first SAMPLE frames that have any."""
    frames = np.unique(frame)
    last = frames[min(SAMPLE, len(frames)) - 1] if len(frames) else 0
    return frame <= last
