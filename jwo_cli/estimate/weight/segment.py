"""A trace cut into rests (one level, the plate's own noise) and contacts (a hand is on it, anything goes).

The cut with the smallest description length, found exactly by dynamic programming over ticks of about 50 ms:
a rest costs its Gaussian residuals against its weighted mean plus a price for naming a new level; a contact costs a
Cauchy density of tick-to-tick increments, plus a small price for entering it. Noise varies along the trace (footsteps),
ticks without data cost nothing in either state. O(n^2) with a vectorised inner loop; n is bounded by the caller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LEVEL_RANGE_G = 500.0  # a new level may lie anywhere within about this: its price is log(range / noise)
CHANGE_COST = 3.0  # prior against one more rest, nats
CONTACT_SIGMAS = 1.5  # and never less than this much of the noise
CONTACT_COST = 1.0  # prior against one more contact, nats
CONTACT_SCALE_G = 4.0  # typical increment per tick while a hand is on a plate (presses of 10-40 g within 0.2 s)
SHORTEST_REST = 3  # ticks


@dataclass(frozen=True, slots=True)
class Rest:
    """Ticks [begin, end) at one level (grams)."""

    begin: int
    end: int
    level_g: float


def segment(z_g: Floats, sigma_g: Floats) -> list[Rest]:
    """Rests of one trace in order; what lies between two of them is contact (or a jump, when they touch).

    z_g: [n] grams, NaN where nothing is known. sigma_g: [n] standard deviation of a tick at rest.
    """
    n = len(z_g)
    known = ~np.isnan(z_g)
    if not known.any():
        return []
    offset = float(np.median(z_g[known]))
    z = np.where(known, z_g - offset, 0.0)
    weight = np.where(known, 1.0 / sigma_g**2, 0.0)
    w, wz, wzz, log_sigma = (
        np.concatenate(([0.0], np.cumsum(part)))
        for part in (weight, weight * z, weight * z * z, np.where(known, np.log(sigma_g) + HALF_LOG_2PI, 0.0))
    )
    contact = _contact_cost(z, sigma_g, known)
    level_cost = CHANGE_COST + max(2.0, math.log(LEVEL_RANGE_G / float(np.median(sigma_g))))
    best = np.full(n + 1, np.inf)  # cheapest cut of the first j ticks
    best[0] = 0.0
    in_contact = 0.0
    rest_from = np.zeros(n + 1, dtype=np.int64)  # -1: tick j-1 is contact
    contact_after_rest = np.zeros(n + 1, dtype=bool)
    rest_cost = np.full(n + 1, np.inf)
    for j in range(1, n + 1):
        entering = rest_cost[j - 1] + CONTACT_COST
        contact_after_rest[j] = entering < in_contact
        in_contact = min(in_contact, entering) + contact[j - 1]
        first = j - SHORTEST_REST + 1
        if first > 0:
            dw = np.maximum(w[j] - w[:first], 1e-12)
            dz = wz[j] - wz[:first]
            cost = best[:first] + 0.5 * (wzz[j] - wzz[:first] - dz * dz / dw) + log_sigma[j] - log_sigma[:first]
            cost[1:] += level_cost  # the first rest is where the plate lay before: nothing new to name
            i = int(np.argmin(cost))
            rest_cost[j] = cost[i]
            rest_from[j] = i
        best[j] = min(rest_cost[j], in_contact)
    return _trace_back(z_g, weight, rest_cost, in_contact, best, rest_from, contact_after_rest)


def _contact_cost(z: Floats, sigma_g: Floats, known: NDArray[np.bool_]) -> Floats:
    increment = np.zeros(len(z))
    increment[1:] = np.where(known[1:] & known[:-1], np.diff(z), 0.0)
    scale = np.hypot(CONTACT_SCALE_G, CONTACT_SIGMAS * sigma_g)
    cost = np.log(math.pi * scale * (1 + (increment / scale) ** 2))
    return np.where(known, cost, 0.0)


def _trace_back(
    z_g: Floats,
    weight: Floats,
    rest_cost: Floats,
    in_contact: float,
    best: Floats,
    rest_from: NDArray[np.int64],
    contact_after_rest: NDArray[np.bool_],
) -> list[Rest]:
    rests: list[Rest] = []
    j = len(z_g)
    resting = bool(rest_cost[j] <= in_contact)
    while j > 0:
        if not resting:
            resting = bool(contact_after_rest[j])
            j -= 1
            continue
        i = int(rest_from[j])
        known = np.flatnonzero(weight[i:j] > 0)
        if known.size >= 2:  # one tick alone is no level
            begin, end = i + int(known[0]), i + int(known[-1]) + 1
            level = float(np.average(z_g[begin:end][known - known[0]], weights=weight[begin:end][known - known[0]]))
            rests.append(Rest(begin, end, level))
        j = i
        # A rest was reached either from the rest before it or from a contact: whichever made best[i].
        resting = bool(rest_cost[j] == best[j]) if j > 0 else True
    rests.reverse()
    return rests
