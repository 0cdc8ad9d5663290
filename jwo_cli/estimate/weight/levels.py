"""How much lies on a plate during a rest, and how well that is known.

The level is a tapered mean over at most `WINDOW_S` of the rest nearest to the change: drift and slow swinging make
older samples worth less, and the taper keeps whole cycles of 5-9 Hz vibration from leaking in. Its variance has four
parts: how 0.2 s means scatter in the window (helped by what the plate usually does) over their number; vibration's own
slow part, which does not average out within half a second; the converter's step; nothing else.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW_S = 1.6
ROW_S = 0.2
TAPER_S = 0.1
PRIOR_ROWS = 4.0  # weight of the plate's usual wander against the window's own scatter
LSB_SIGMA_G = 0.07  # 0.241 g converter steps: 0.241 / sqrt(12)
# Below 2.5 Hz footsteps leave about a quarter of what they shake above (measured on shelves 1.5 and 1.6 of the real
# recording and of its synthetic kin: 0.9-5.4 g against 5-22 g), correlated over about half a second.
SLOW_SHARE = 0.25
SLOW_S = 0.5
# The parts above overlap: against truth (17 synthetic cases, real noise added once and twice) z-scores of changes came
# out with a standard deviation of 0.41-0.50. This brings them near 1 and keeps a margin for drift.
CALIBRATION = 0.55


def level(samples_g: Floats, low_g: float, rate_hz: float) -> tuple[float, float]:
    """(level, sigma) in grams of one plate from its samples [n] in a window at rest; NaN samples say nothing."""
    known = samples_g[~np.isnan(samples_g)]
    n = len(known)
    if n == 0:
        return math.nan, math.inf
    taper = np.minimum(np.minimum(np.arange(1, n + 1), np.arange(n, 0, -1)), max(1.0, TAPER_S * rate_hz))
    value = float(np.average(known, weights=taper))
    row = max(1, round(ROW_S * rate_hz))
    rows = max(1, n // row)
    cut = known[: rows * row] if n >= row else known
    means = cut.reshape(rows, -1).mean(axis=1)
    scatter = float(np.sum((means - means.mean()) ** 2))
    variance = (PRIOR_ROWS * low_g**2 + scatter) / (PRIOR_ROWS + rows - 1)
    fast = float(np.mean((cut.reshape(rows, -1) - means[:, None]) ** 2))
    slow = SLOW_SHARE**2 * fast / max(1.0, n / (SLOW_S * rate_hz))
    return value, CALIBRATION * math.sqrt(variance / max(n / row, 0.25) + slow + fast / n + LSB_SIGMA_G**2)
