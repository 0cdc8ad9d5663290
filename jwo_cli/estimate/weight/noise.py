"""From samples to ticks of about 50 ms, and how noisy each tick is.

A tick is the median of its samples, so that one wild sample does no harm. The noise at a tick follows the vibration at
that moment: the median size of second differences around it. They see 5-9 Hz as it is, but hardly a slow lift or the
0.5-2 Hz trembling of a hand, which must not pass for noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TICKS_PER_S = 20.0
SPAN_TICKS = 15  # ticks over which the noise is taken: longer than a fall (2-4) or a press (6)
# Second difference, sampled at 20 Hz, of white noise: sqrt(6); of waves at 5, 7, 9 Hz: 2.0, 3.2, 3.9; at 1 Hz: 0.1.
GAIN = 2.45
MAD = 1.4826


def samples_per_tick(rate_hz: float) -> int:
    """How many samples make one tick at this rate."""
    return max(1, round(rate_hz / TICKS_PER_S))


def to_ticks(samples_g: NDArray[np.float32] | Floats, per_tick: int) -> Floats:
    """Medians [n / per_tick, plates] of samples [n, plates]; NaN only where no sample of a tick is known."""
    if per_tick == 1:
        return samples_g.astype(np.float64)
    blocks = samples_g.astype(np.float64).reshape(-1, per_tick, samples_g.shape[1])
    if per_tick == 3:
        a, b, c = blocks[:, 0], blocks[:, 1], blocks[:, 2]
        ticks: Floats = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    else:
        ticks = np.median(blocks, axis=1)
    holes = np.isnan(ticks)
    if holes.any():
        known = ~np.isnan(blocks)
        count = known.sum(axis=1)
        mean = np.where(known, blocks, 0.0).sum(axis=1) / np.maximum(count, 1)
        ticks = np.where(holes & (count > 0), mean, ticks)
    return ticks


def tick_noise(ticks_g: Floats, low_g: float) -> Floats:
    """Standard deviation [n] of each tick of one plate at rest, grams: vibration now, and its usual slow wander."""
    known = np.flatnonzero(~np.isnan(ticks_g))
    if len(known) < 2:
        return np.full(len(ticks_g), max(low_g, 0.25))
    filled = np.interp(np.arange(len(ticks_g)), known, ticks_g[known])
    bends = np.abs(np.diff(np.pad(filled, 1, mode="edge"), n=2))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(bends, SPAN_TICKS // 2, mode="edge"), SPAN_TICKS)
    size = np.median(windows, axis=1) * MAD / GAIN
    noise: Floats = np.sqrt(size**2 + low_g**2 + 0.15**2)
    return noise
