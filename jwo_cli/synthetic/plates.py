"""Plates: levels, loads, footsteps and noise to samples, chunk after chunk with bounded memory.

A footstep shakes each shelf of a store for a few tenths of a second: noise with an envelope that decays, through the
shelf's own resonances. Samples are rounded to the converter's step of 0.241 g.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from jwo_cli.model.layout import Store

from .draws import Floats, named
from .loads import RATE_HZ, Load
from .profile import Mode, ShelfProfile, profiles
from .wiring import LSB_G

DECAY_S = 0.2  # a step's drive; with the shelf's ringing it gives the measured bursts of 0.3-0.6 s
REACH_M = 2.6  # a step's effect halves at this distance: shelves far away still shake visibly in the real recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A foot comes down at (x, y), `force` about 1."""

    at_s: float
    x_m: float
    y_m: float
    force: float


class Plates:
    """Renders the plates of a store from sample 0 on; every call of `render` goes on where the last one ended."""

    def __init__(self, store: Store, *, seed: int, noise: float = 1.0) -> None:
        self._profiles = profiles(store, seed)
        self._noise = noise
        self._rng = named(seed, "plates")
        count = len(store.plates())
        # Absolute weights mean nothing: a facing may hold 0.2-4 kg and the cell's zero is anywhere.
        base = named(seed, "tare").uniform(150.0, 4200.0, size=count)
        self.level: Floats = np.asarray(base)
        self._fraction = named(seed, "fraction").uniform(0.0, LSB_G, size=count)
        self._drift = np.zeros(count)
        self._loads: list[Load] = []
        self._steps: list[Step] = []
        self._at = 0
        self._states = {
            (profile.shelf_id, i): np.zeros((2, len(profile.columns)))
            for profile in self._profiles
            for i in range(len(profile.modes) + 1)
        }
        self._per_fixture = sorted({profile.fixture_id for profile in self._profiles})

    def add(self, loads: Iterable[Load], steps: Iterable[Step] = ()) -> None:
        """Takes what will happen; nothing may begin before the samples already rendered."""
        for load in loads:
            if load.start < self._at:
                raise ValueError(f"a load begins at sample {load.start}, but {self._at} are rendered")
            self._loads.append(load)
        self._steps.extend(steps)

    def render(self, samples: int) -> NDArray[np.float32]:
        """The next samples, float32 [samples, plates] in the store's plate order."""
        begin, end = self._at, self._at + samples
        out = np.repeat(self.level[None, :], samples, axis=0)
        self._apply_loads(out, begin, end)
        drift = self._drift + np.cumsum(self._rng.standard_normal((samples, out.shape[1])), axis=0) * (
            0.012 * self._noise / math.sqrt(RATE_HZ)
        )
        self._drift = drift[-1]
        out += drift
        drive = self._drive(begin, end)
        for profile in self._profiles:
            out[:, list(profile.columns)] += self._shake(profile, drive[profile.shelf_id], samples)
        self._steps = [step for step in self._steps if step.at_s * RATE_HZ > begin - 2 * RATE_HZ]
        self._at = end
        steps = np.rint((out - self._fraction) / LSB_G)
        return np.asarray(steps * LSB_G + self._fraction, dtype=np.float32)

    def _apply_loads(self, out: Floats, begin: int, end: int) -> None:
        kept = []
        for load in self._loads:
            if load.start >= end:
                kept.append(load)
                continue
            columns = list(load.columns)
            low, high = max(load.start, begin), min(load.stop, end)
            if high > low:
                out[low - begin : high - begin, columns] += load.wave_g[low - load.start : high - load.start]
            if load.stop < end:
                out[max(load.stop - begin, 0) :, columns] += load.after_g
            if load.stop <= end:
                self.level[columns] += load.after_g
            else:
                kept.append(load)
        self._loads = kept

    def _drive(self, begin: int, end: int) -> dict[str, Floats]:
        """Envelope of the steps' drive at each shelf, [samples]; 1 is a normal step close by."""
        t = np.arange(begin, end) / RATE_HZ  # steps before it still ring, steps after it wait
        drive = {profile.shelf_id: np.zeros(end - begin) for profile in self._profiles}
        for step in self._steps:
            if step.at_s >= t[-1] or step.at_s < t[0] - 1.5:
                continue
            since = t - step.at_s
            shape = np.where(since >= 0.0, np.exp(-np.clip(since, 0.0, None) / DECAY_S), 0.0)
            share = named(round(step.at_s * 1e6), "step", round(step.x_m * 1e4))
            gains = {name: math.exp(0.3 * float(share.standard_normal())) for name in self._per_fixture}
            for profile in self._profiles:
                away = math.hypot(step.x_m - profile.centre[0], step.y_m - profile.centre[1])
                near = 1.0 / (1.0 + (away / REACH_M) ** 2)
                drive[profile.shelf_id] += step.force * near * gains[profile.fixture_id] * shape
        return drive

    def _shake(self, profile: ShelfProfile, drive: Floats, samples: int) -> Floats:
        n = len(profile.columns)
        quiet = 1.05 * profile.white_g
        total = quiet * self._rng.standard_normal((samples, n))
        raw = self._rng.standard_normal((samples, n))
        common = self._rng.standard_normal((samples, 1))
        excite = drive[:, None] * (0.8 * raw + 0.6 * common) * profile.answer_g * 1.75 + raw * quiet * 0.4
        weight = math.sqrt(sum(mode.weight**2 for mode in profile.modes))
        for i, mode in enumerate(profile.modes):
            total += self._resonate(profile.shelf_id, i, mode, excite * (mode.weight / weight))
        slow = Mode(hz=profile.wander_hz, ring_s=6.0, weight=1.0)
        sway = self._rng.standard_normal((samples, n)) * profile.wander_g
        total += self._resonate(profile.shelf_id, len(profile.modes), slow, sway)
        return total * self._noise

    def _resonate(self, shelf_id: str, index: int, mode: Mode, excite: Floats) -> Floats:
        """Two-pole resonator with unit gain for white noise of unit variance."""
        radius = math.exp(-1.0 / (mode.ring_s * RATE_HZ))
        angle = 2.0 * math.pi * mode.hz / RATE_HZ
        a1, a2 = -2.0 * radius * math.cos(angle), radius * radius
        # zeros at 0 Hz and half the rate; the variance of its output by Astrom's formula for second order
        power = 2.0 * ((1.0 + a2) ** 2 - a1 * a1) / ((1.0 - a2) * ((1.0 + a2) ** 2 - a1 * a1))
        gain = 1.0 / math.sqrt(power)
        state = self._states[shelf_id, index]
        result, state = lfilter([gain, 0.0, -gain], [1.0, a1, a2], excite, axis=0, zi=state)
        self._states[shelf_id, index] = state
        filtered: Floats = result
        return filtered
