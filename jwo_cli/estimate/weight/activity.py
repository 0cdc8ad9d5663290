"""Which plates deserve a closer look: the cheap watch that every sample passes, over all plates of a device at once.

Per plate it follows the resting level and how far 0.2 s means wander from it at rest (`low_g`: drift, slow swinging,
what is left of vibration). A plate whose mean leaves that band is active until its means stay together for a second.
Footsteps of a crowd shake a plate by more than light goods weigh: there a step shows only between the means of two
whole seconds, judged by their own scatter. Nothing is decided here: too many looks cost time, not truth.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROW_TICKS = 4  # ticks averaged into one row, about 0.2 s
STILL_ROWS = 5  # rows that must stay together before an active plate is closed, about 1 s
TRIGGER_SIGMAS = 4.0
SMALLEST_G = 3.0  # a wander below this is never looked at: a third of the lightest goods
FIRST_LOW_G = 1.0
LEAST_LOW_G = 0.25  # the converter's step
LARGEST_FIRST_LOW_G = 4.0  # swinging plates wander by 2-5 g; more than this at the start is somebody's hand
WARM_ROWS = 10  # rows from which a plate's level and wander are first taken, about 2 s
SLOW_ROWS = 6  # rows of each of the two stretches, 1.2 s, whose means are compared on a shaken plate
SLOW_SIGMAS = 4.5
SLOW_SHAKE = 0.15  # of the shaking from tick to tick is left in a row's mean at least
FOLLOW_LEVEL = 0.1
FOLLOW_LOW = 0.04


@dataclass(frozen=True, slots=True)
class Closed:
    """One look that is due: plate (column of the device) and the tick at which it became active."""

    plate: int
    begin_tick: int


class Activity:
    """State of all plates of one device, arrays [plates]."""

    def __init__(self, plates: int) -> None:
        self.level_g: Floats = np.full(plates, np.nan)
        self.low_g: Floats = np.full(plates, FIRST_LOW_G)
        self.active = np.zeros(plates, dtype=bool)
        self.begin_tick = np.zeros(plates, dtype=np.int64)
        self._last: Floats = np.full(plates, np.nan)  # last tick
        self._means: Floats = np.full((STILL_ROWS, plates), np.nan)
        self._shakes: Floats = np.zeros((STILL_ROWS, plates))
        self._slow: Floats = np.full((2 * SLOW_ROWS, plates), np.nan)
        self._warm: list[Floats] = []

    def feed(self, ticks_g: Floats, first_tick: int) -> list[Closed]:
        """Watch ticks [n, plates] (n a multiple of `ROW_TICKS`); return the looks that came to rest."""
        rows = len(ticks_g) // ROW_TICKS
        shape = (rows, ROW_TICKS, ticks_g.shape[1])
        steps = np.abs(np.diff(ticks_g, axis=0, prepend=self._last[None]))
        self._last = ticks_g[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # rows of a hole have no mean
            whole = not np.isnan(ticks_g).any()
            means = ticks_g.reshape(shape).mean(axis=1) if whole else np.nanmean(ticks_g.reshape(shape), axis=1)
        shakes = np.nan_to_num(steps).reshape(shape).mean(axis=1)
        due: list[Closed] = []
        for row in range(rows):
            due += self._row(means[row], shakes[row], first_tick + row * ROW_TICKS)
        return due

    def close_all(self) -> list[Closed]:
        """Every look still open, at the end of the stream."""
        return [self._close(int(plate)) for plate in np.flatnonzero(self.active)]

    def restart(self, plate: int, begin_tick: int) -> None:
        """Make or keep a plate active since `begin_tick`: it has not come to rest yet, or its look grew too long."""
        self.active[plate] = True
        self.begin_tick[plate] = begin_tick

    def wanders(self, plate: int, ticks: Floats) -> None:
        """A look [n ticks] that grew too long says by how much the plate wanders at least, also where it never rests.

        A plate that swung little while it warmed up would be active for ever: its wander is followed at rest only.
        Between neighbouring rows, so that what was taken meanwhile does not count.
        """
        rows = ticks[: len(ticks) // ROW_TICKS * ROW_TICKS].reshape(-1, ROW_TICKS)
        means = rows[~np.isnan(rows).any(axis=1)].mean(axis=1)
        if len(means) > WARM_ROWS:
            wander = 1.4826 * float(np.median(np.abs(np.diff(means)))) / math.sqrt(2.0)
            self.low_g[plate] = max(float(self.low_g[plate]), min(wander, LARGEST_FIRST_LOW_G))

    def _row(self, mean: Floats, shake: Floats, tick: int) -> list[Closed]:
        self._means[:-1], self._shakes[:-1] = self._means[1:], self._shakes[1:]
        self._means[-1], self._shakes[-1] = mean, shake
        known = ~np.isnan(mean)
        fresh = known & np.isnan(self.level_g)
        self.level_g[fresh] = mean[fresh]
        if len(self._warm) < WARM_ROWS:
            self._warm_up(mean, tick)
            return []
        off = np.where(known, mean - self.level_g, 0.0)
        band = np.maximum(TRIGGER_SIGMAS**2 * (self.low_g**2 + 0.5 * shake**2), SMALLEST_G**2)
        leaves = ~self.active & (off * off > band)
        self.begin_tick[leaves] = tick
        self.active |= leaves
        self._slow[:-1] = self._slow[1:]
        self._slow[-1] = np.where(self.active, np.nan, mean)
        crept = self._crept(shake)
        self.begin_tick[crept] = tick - 2 * SLOW_ROWS * ROW_TICKS
        self.active |= crept
        idle = ~self.active
        self.level_g += np.where(idle, FOLLOW_LEVEL * off, 0.0)
        spread = np.clip(off * off, LEAST_LOW_G**2, 9 * self.low_g**2)
        self.low_g = np.where(idle & known, np.sqrt(self.low_g**2 + FOLLOW_LOW * (spread - self.low_g**2)), self.low_g)
        if not self.active.any():
            return []
        swing = np.nanmax(self._means, axis=0, initial=-np.inf, where=~np.isnan(self._means))
        swing = swing - np.nanmin(self._means, axis=0, initial=np.inf, where=~np.isnan(self._means))
        calm = np.maximum(TRIGGER_SIGMAS**2 * (self.low_g**2 + 0.5 * (self._shakes**2).mean(axis=0)), SMALLEST_G**2)
        enough = (~np.isnan(self._means)).sum(axis=0) >= STILL_ROWS - 1
        waited = tick - self.begin_tick >= STILL_ROWS * ROW_TICKS
        closing = self.active & enough & waited & known & (swing * swing < calm)
        return [self._close(int(plate)) for plate in np.flatnonzero(closing)]

    def _crept(self, shake: Floats) -> NDArray[np.bool_]:
        """Plates, idle all the while, whose last 1.2 s lie apart from the 1.2 s before, by their own scatter."""
        before, after = self._slow[:SLOW_ROWS], self._slow[SLOW_ROWS:]
        apart = (after.sum(axis=0) - before.sum(axis=0)) / SLOW_ROWS
        least = SLOW_SIGMAS**2 * 2.0 / SLOW_ROWS
        crept: NDArray[np.bool_] = ~self.active & (apart * apart > np.maximum(least * self.low_g**2, SMALLEST_G**2))
        if crept.any():
            scatter = (before.var(axis=0) + after.var(axis=0)) * SLOW_ROWS / (2 * SLOW_ROWS - 2)
            crept &= apart * apart > least * np.maximum(scatter, (SLOW_SHAKE * shake) ** 2)
        return crept

    def _warm_up(self, mean: Floats, tick: int) -> None:
        """Level and wander from the first rows; a plate that moved meanwhile is active from the start."""
        self._warm.append(mean)
        if len(self._warm) < WARM_ROWS:
            return
        rows = np.stack(self._warm)
        known = ~np.isnan(rows).all(axis=0)
        self.level_g[known] = np.nanmedian(rows[:, known], axis=0)
        wander = 1.4826 * np.nanmedian(np.abs(rows[:, known] - self.level_g[known]), axis=0)
        self.low_g[known] = np.clip(wander, LEAST_LOW_G, LARGEST_FIRST_LOW_G)
        moved = np.zeros_like(known)
        moved[known] = np.nanmax(rows[:, known], axis=0) - np.nanmin(rows[:, known], axis=0) > np.maximum(
            TRIGGER_SIGMAS * self.low_g[known], 2 * SMALLEST_G
        )
        self.active |= moved
        self.begin_tick[moved] = max(0, tick - (WARM_ROWS - 1) * ROW_TICKS)

    def _close(self, plate: int) -> Closed:
        self.active[plate] = False
        known = self._means[:, plate][~np.isnan(self._means[:, plate])]
        if known.size:
            self.level_g[plate] = known.mean()
        return Closed(plate, int(self.begin_tick[plate]))
