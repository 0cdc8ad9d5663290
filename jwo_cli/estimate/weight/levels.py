"""How much lies on a plate during a rest, and how well that is known.

The level is a tapered mean over at most `WINDOW_S` of the rest nearest to the change (drift and slow swinging make
older samples worth less; the taper keeps whole cycles of 5-9 Hz vibration from leaking in). Its standard deviation
comes from how 0.2 s means scatter in that window, helped by what the plate usually does, divided by how many there are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW_S = 1.6
ROW_S = 0.2
PRIOR_ROWS = 4.0  # weight of the plate's usual wander against the window's own scatter
LSB_SIGMA_G = 0.07  # 0.241 g converter steps: 0.241 / sqrt(12)


def level(samples_g: Floats, low_g: float, rate_hz: float) -> tuple[float, float]:
    """(level, sigma) in grams of one plate from its samples [n] in a window at rest; NaN samples say nothing."""
    known = samples_g[~np.isnan(samples_g)]
    n = len(known)
    if n == 0:
        return math.nan, math.inf
    taper = np.minimum(np.minimum(np.arange(1, n + 1), np.arange(n, 0, -1)), max(1.0, 0.1 * rate_hz))
    value = float(np.average(known, weights=taper))
    row = max(1, round(ROW_S * rate_hz))
    rows = max(1, n // row)
    sample_noise = float(np.mean(np.abs(np.diff(known)))) if n > 1 else low_g
    if rows >= 2:
        means = known[: rows * row].reshape(rows, row).mean(axis=1)
        scatter = float(np.sum((means - means.mean()) ** 2))
        variance = (PRIOR_ROWS * low_g**2 + scatter) / (PRIOR_ROWS + rows - 1)
    else:
        variance = low_g**2 + sample_noise**2 / max(n, 1)
    effective = max(n / row, 0.25)
    return value, math.sqrt(variance / effective + LSB_SIGMA_G**2)
