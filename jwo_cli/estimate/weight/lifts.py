"""Several lifts inside one contact: counted, and told apart where the trace shows a level between them.

A lift is a stretch in which the trace moves fast in the direction of the change and covers a good part of it. Lifts
whose middles are `APART_S` or more apart are different interactions (two shoppers at one plate, pick after pick); the
level between them is the lowest that a hand cannot have pressed down: presses only add weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

APART_S = 0.2
FAST_SHARE = 0.3  # of the highest speed
QUICK_S = 0.35  # a lift that takes longer may well be one thing leaving in waves
QUICK_SHARE = 0.8  # of the change that quick lifts must explain
HELD_S = 1.0  # held for longer between two lifts: half lifted or pressed, then taken
JOIN_S = 0.08
UNEVEN = 0.5  # what may move between two lifts, in parts of the smaller one
EARLY, LATE = 0.2, 0.8
LEAST_SHARE = 0.12  # of the change: smaller moves are settling or trembling
BETWEEN_SIGMA_G = 2.0  # of a level seen for a moment only
BETWEEN_SHARE = 0.3  # and of what moved between the lifts (a press on its way up)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the changes inside a contact: sample range, levels before and after, sigma of their difference."""

    begin: int
    end: int
    from_g: float
    to_g: float
    sigma_g: float
    lifts: int


def split_lifts(
    samples_g: Floats,
    span: tuple[int, int],
    before: tuple[float, float],
    after: tuple[float, float],
    rate_hz: float,
) -> list[Part]:
    """Changes within samples [begin, end) between the levels (grams, sigma) `before` and `after`."""
    begin, end = span
    lo, hi = max(0, begin - 3), min(len(samples_g), end + 3)
    delta = after[0] - before[0]
    found = _lifts(samples_g[lo:hi], delta)
    lifts = _joined(found, round(JOIN_S * rate_hz))
    if not _quick(samples_g[lo:hi], lifts, delta, rate_hz):
        lifts = lifts[:1]
    parts: list[Part] = []
    since, level, sigma = begin, before[0], before[1]
    for this, following in pairwise(lifts):
        between = _level_between(samples_g[lo:hi], this, following, delta, rate_hz)
        if between is None:
            continue
        to_g, between_sigma = between
        cut = lo + this[1]
        count = sum(1 for start, stop in found if since <= lo + stop <= cut)
        parts.append(Part(since, cut, level, to_g, math.hypot(sigma, between_sigma), max(1, count)))
        since, level, sigma = cut, to_g, between_sigma
    count = sum(1 for start, stop in found if lo + stop > since)
    parts.append(Part(since, end, level, after[0], math.hypot(sigma, after[1]), max(1, count)))
    return parts


def course(off_g: Floats, delta_g: float) -> tuple[float, float, float]:
    """When (in samples, with fraction) a trace that starts near 0 passed 20, 50 and 80 % of `delta_g`.

    Half way counts the last time for a loss (presses come before) and the first time for a gain (overshoot comes
    after); 20 and 80 % count nearest to it, so that vibration before and after does not.
    """
    known = np.flatnonzero(~np.isnan(off_g))
    if not known.size:
        return 0.0, 0.0, 0.0
    way = off_g[known] / delta_g
    over = way > 0.5
    if delta_g < 0:
        below = np.flatnonzero(~over)
        k = int(below[-1]) if below.size else 0
    else:
        above = np.flatnonzero(over)
        k = max(0, int(above[0]) - 1) if above.size else len(way) - 1
    before = np.flatnonzero(way[: k + 1] < EARLY)
    after = np.flatnonzero(way[k:] > LATE)
    first = int(before[-1]) if before.size else 0
    last = k + int(after[0]) - 1 if after.size else len(way) - 1
    return _passing(known, way, first, EARLY), _passing(known, way, k, 0.5), _passing(known, way, max(last, k), LATE)


def _passing(known: NDArray[np.int64], way: Floats, k: int, share: float) -> float:
    """Where between known samples k and k + 1 the way passes a share."""
    if k + 1 >= len(way):
        return float(known[-1])
    rise = way[k + 1] - way[k]
    part = min(max((share - way[k]) / rise, 0.0), 1.0) if rise else 0.0
    return float(known[k] + part * (known[k + 1] - known[k]))


def _lifts(samples_g: Floats, delta_g: float) -> list[tuple[int, int]]:
    """Sample ranges in which the trace moves fast towards `delta_g`."""
    known = np.flatnonzero(~np.isnan(samples_g))
    if len(known) < 5:
        return []
    smooth = np.convolve(samples_g[known], np.full(3, 1 / 3), mode="valid")
    speed = np.diff(smooth) * np.sign(delta_g)
    fast = speed > FAST_SHARE * speed.max()
    edges = np.diff(np.concatenate(([0], fast.astype(np.int8), [0])))
    out: list[tuple[int, int]] = []
    for start, stop in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        if abs(smooth[min(stop, len(smooth) - 1)] - smooth[start]) > LEAST_SHARE * abs(delta_g):
            out.append((int(known[start]), int(known[min(stop + 2, len(known) - 1)])))
    return out


def _joined(lifts: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Lifts that follow each other within `gap` samples made one: one thing after the other in one go, or noise."""
    out: list[tuple[int, int]] = []
    for start, stop in lifts:
        if out and start - out[-1][1] < gap:
            out[-1] = (out[-1][0], stop)
        else:
            out.append((start, stop))
    return out


def _quick(samples_g: Floats, lifts: list[tuple[int, int]], delta_g: float, rate_hz: float) -> bool:
    """True when the lifts are quick and explain the whole change; a slow lift in waves is one thing leaving."""
    covered = sum(abs(float(samples_g[stop] - samples_g[start])) for start, stop in lifts)
    longest = max((stop - start for start, stop in lifts), default=0)
    return longest <= QUICK_S * rate_hz and covered > QUICK_SHARE * abs(delta_g)


def _level_between(
    samples_g: Floats, this: tuple[int, int], following: tuple[int, int], delta_g: float, rate_hz: float
) -> tuple[float, float] | None:
    """Level and sigma between two lifts; None where they are one interaction or nothing can be said."""
    apart = (sum(following) - sum(this)) / 2
    if apart < APART_S * rate_hz or following[0] - this[1] > HELD_S * rate_hz:
        return None
    between = samples_g[this[1] : following[0] + 1]
    known = between[~np.isnan(between)]
    if len(known) < 3:
        return None
    smooth = np.convolve(known, np.full(3, 1 / 3), mode="valid")
    moved = float(smooth.max() - smooth.min())
    smaller = min(abs(float(samples_g[stop] - samples_g[start])) for start, stop in (this, following))
    if moved > UNEVEN * smaller:
        return None
    level = float(smooth.min()) if delta_g < 0 else float(np.median(smooth))
    return level, BETWEEN_SIGMA_G + BETWEEN_SHARE * moved
