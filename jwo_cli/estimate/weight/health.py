"""Plates that do not weigh: dead, stuck, spiking or without data. Their evidence is missing, never zero.

A healthy plate's last digit never stands still for long (13 samples in a row at most, over all recordings we have),
but a coarse scale's does. So constancy is a fault only on a plate that was lively before (stuck), or among lively
neighbours on the same shelf (dead). A spike is one sample that leaves and comes back, far beyond the shaking around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.observations import FaultKind

Samples = NDArray[np.float32]
Flags = NDArray[np.bool_]

STILL_HOPS = 2  # hops (about a second each) without a single change of the last digit
LIVELY_HOPS = 3  # changing hops that make a plate lively, if nine in ten changed
FROZEN_S = 0.5  # repeats longer than this are masked inside a look at a lively plate
SPIKE_G = 60.0
SPIKE_SHAKES = 5.0
SPIKE_RINGING = 0.2  # the samples beside a spike stand still; those of a footstep swing as well
SPIKES = 3  # within a hop or its forerunners: spiking
LARGEST_G = 1e6
DESPIKE_SIGMAS = 6.0
DESPIKE_G = 20.0


class Health:
    """What each plate of a device [plates] did so far; `shelf` numbers the shelf of each plate."""

    def __init__(self, shelf: NDArray[np.int64]) -> None:
        n = len(shelf)
        self._same_shelf: Flags = shelf[:, None] == shelf[None, :]
        self._last: Samples = np.full(n, np.nan, dtype=np.float32)
        self._still = np.zeros(n, dtype=np.int64)
        self._changed = np.zeros(n, dtype=np.int64)
        self._hops = np.zeros(n, dtype=np.int64)
        self._spikes = np.zeros(n)
        self.faulty: Flags = np.zeros(n, dtype=bool)  # dead or stuck now

    @property
    def lively(self) -> Flags:
        """Plates whose last digit is known to move."""
        undecided = np.where(self._still < STILL_HOPS, self._still, 0)
        lively: Flags = (self._changed >= LIVELY_HOPS) & (10 * self._changed >= 9 * (self._hops - undecided))
        return lively

    def feed(
        self, samples_g: Samples, ticks_g: NDArray[np.float64]
    ) -> dict[FaultKind, tuple[Flags, NDArray[np.int64]]]:
        """One hop [n, plates] and its ticks; per kind of fault the plates that have it and how many samples show it.

        Dead and stuck count all samples since the last digit stood still.
        """
        missing = np.isnan(samples_g)
        known: Flags = ~np.all(missing, axis=0)
        hole = bool(np.all(missing, axis=1).any())
        before = np.vstack((self._last[None], samples_g[:-1]))
        changed: Flags = np.any((samples_g != before) & ~missing & ~np.isnan(before), axis=0)
        still = known & ~changed & ~np.isnan(self._last)
        self._last = np.where(missing[-1], self._last, samples_g[-1])
        lively = self.lively
        self._changed += changed
        self._still = np.where(still, self._still + 1, np.where(known, 0, self._still))
        long = self._still >= STILL_HOPS
        neighbours = (self._same_shelf & changed[None, :]).sum(axis=1) * 2 >= (self._same_shelf & known[None, :]).sum(
            axis=1
        )
        stuck = long & lively
        dead = long & ~lively & (self._changed == 0) & neighbours
        # Hops of a stuck plate say nothing about how lively it is: the first of them were counted already.
        self._hops += np.where(stuck, np.where(self._still == STILL_HOPS, 1 - STILL_HOPS, 0), known)
        self.faulty = stuck | dead
        lost = missing.sum(axis=0)
        nan = np.zeros_like(stuck) if hole else lost > 0
        spikes = _spikes(samples_g, ticks_g)
        self._spikes = 0.8 * self._spikes + spikes
        since = self._still * len(samples_g)
        return {
            FaultKind.STUCK: (stuck, since),
            FaultKind.DEAD: (dead, since),
            FaultKind.NAN: (nan, lost),
            FaultKind.SPIKING: ((self._spikes >= SPIKES) & (spikes > 0), spikes),
        }


def _spikes(samples_g: Samples, ticks_g: NDArray[np.float64]) -> NDArray[np.int64]:
    """Lone wild samples of each plate. A footstep rings: its samples swing for a while, on the whole shelf."""
    if len(samples_g) < 5:
        return np.zeros(samples_g.shape[1], dtype=np.int64)
    middle = samples_g[2:-2]
    out, back = middle - samples_g[1:-3], middle - samples_g[3:-1]
    ringing = np.maximum(np.abs(samples_g[1:-3] - samples_g[:-4]), np.abs(samples_g[3:-1] - samples_g[4:]))
    shake = np.abs(np.nan_to_num(np.diff(ticks_g, axis=0))).mean(axis=0)  # ticks are medians: spikes do not raise it
    least = np.maximum(SPIKE_G, SPIKE_SHAKES * shake)
    lone = (np.abs(out - back) < 0.3 * np.abs(out)) & (ringing < SPIKE_RINGING * np.abs(out))
    found = (out * back > least**2) & lone
    spikes: NDArray[np.int64] = found.sum(axis=0, dtype=np.int64)
    return spikes


def frozen(samples_g: Samples, shortest: int) -> Flags:
    """Mask [n] of samples of one plate that stand in runs of more than `shortest` equal ones."""
    same = np.concatenate(([False], samples_g[1:] == samples_g[:-1]))
    edges = np.diff(np.concatenate(([0], same.astype(np.int8), [0])))
    mask = np.zeros(len(samples_g), dtype=bool)
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if stop - start >= shortest:
            mask[max(0, start - 1) : stop] = True
    return mask


def despiked(samples_g: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples [n] of one plate with single wild ones replaced by the median of their five."""
    if len(samples_g) < 5:
        return samples_g
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(samples_g, 2, mode="edge"), 5)
    middle = np.sort(windows, axis=1)[:, 2]  # NaN sorts last: a window with holes keeps its lower values
    off = np.abs(samples_g - middle)
    usual = float(np.nanmedian(off)) * 1.4826 if not np.isnan(off).all() else 0.0
    return np.where(off > max(DESPIKE_SIGMAS * usual, DESPIKE_G), middle, samples_g)
