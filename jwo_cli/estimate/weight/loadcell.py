"""A single slow load cell (about 1 Hz) read the way plates are: levels at rest, their differences, never absolutes.

A rest is a run of samples that stay within the cell's own noise; the noise is taken from the trace itself. A change is
the difference of neighbouring rests. Somebody who comes and goes (a bird on a perch, a customer's bag on a counter) is
weighed by the differences at landing and leaving, so that droppings, drift and a wrong zero cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.units import NS_PER_S

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

SHORTEST = 5  # samples
STILL_SIGMAS = 6.0  # range of `SHORTEST` samples at rest: beyond what chance reaches in a day of still weights
LSB_G = 0.01
# A cell that clamps its zero looks quieter than it weighs: six still weights of 5-40 g scatter by 0.04-0.07 g.
LEAST_NOISE_G = 0.045
LEAST_G = 0.5  # slow drift over a day stays below this (still weights of 5-40 g: 0.1-0.3 g)
REAL_SIGMAS = 6.0
NEAR_NS = 30 * NS_PER_S  # rests farther apart than this say little about one another
HOLE_NS = 60 * NS_PER_S
VISITOR_SHARE = 0.2  # a visitor's weight varies by less than this, movement included
DAY_NS = 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The cell lay still from `begin_ns` to `end_ns` at `level_g`, known to `sigma_g`."""

    begin_ns: int
    end_ns: int
    level_g: float
    sigma_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """The level went from one rest to the next by `delta_g`, between `begin_ns` and `end_ns`."""

    begin_ns: int
    end_ns: int
    delta_g: float
    sigma_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyWeight:
    """What the visitor weighed on one day (`day_ns` its midnight): median over `weighings` landings and leavings."""

    day_ns: int
    mass_g: float
    sigma_g: float
    weighings: int


def noise_g(grams: Floats) -> float:
    """Standard deviation of a sample at rest, from the median size of sample-to-sample differences."""
    steps = np.abs(np.diff(grams))
    steps = steps[~np.isnan(steps)]
    # Differences of white noise are sqrt(2) wider; their median size is 0.6745 of that.
    typical = float(np.median(steps)) / (0.6745 * math.sqrt(2)) if steps.size else 0.0
    return max(typical, LEAST_NOISE_G)


def rests(at_ns: Times, grams: Floats) -> list[Rest]:
    """Rests of a trace [n] in order; NaN samples and holes end a rest."""
    n = len(grams)
    if n < SHORTEST:
        return []
    sigma = noise_g(grams)
    band = STILL_SIGMAS * sigma
    windows = np.lib.stride_tricks.sliding_window_view(grams, SHORTEST)
    calm = windows.max(axis=1) - windows.min(axis=1) < band  # NaN compares false
    near = at_ns[SHORTEST - 1 :] - at_ns[: n - SHORTEST + 1] < HOLE_NS
    still = np.zeros(n, dtype=bool)
    starts = np.flatnonzero(calm & near)
    for offset in range(SHORTEST):
        still[starts + offset] = True
    apart = (np.abs(np.diff(grams)) > band) | (np.diff(at_ns) > HOLE_NS) | (still[1:] != still[:-1])
    edges = np.concatenate(([0], np.flatnonzero(apart) + 1, [n]))
    out: list[Rest] = []
    for begin, end in pairwise(edges.tolist()):
        if still[begin] and end - begin >= SHORTEST:
            out.append(_rest(at_ns[begin:end], grams[begin:end], sigma))
    return out


def _rest(at_ns: Times, grams: Floats, sigma: float) -> Rest:
    # Samples of a living thing are not independent: what the halves differ by is doubt that does not average out.
    middle = len(grams) // 2
    wander = 0.5 * abs(float(np.median(grams[:middle])) - float(np.median(grams[middle:])))
    return Rest(
        begin_ns=int(at_ns[0]),
        end_ns=int(at_ns[-1]),
        level_g=float(np.median(grams)),
        sigma_g=math.sqrt(1.57 * sigma**2 / len(grams) + wander**2 + LSB_G**2 / 12),
    )


def cell_changes(found: list[Rest]) -> list[CellChange]:
    """Differences of neighbouring rests that are more than noise and drift."""
    out: list[CellChange] = []
    for before, after in pairwise(found):
        delta = after.level_g - before.level_g
        sigma = math.hypot(before.sigma_g, after.sigma_g)
        if abs(delta) > max(LEAST_G, REAL_SIGMAS * sigma) and after.begin_ns - before.end_ns < NEAR_NS:
            out.append(
                CellChange(
                    begin_ns=before.end_ns, end_ns=after.begin_ns, delta_g=round(delta, 3), sigma_g=round(sigma, 3)
                )
            )
    return out


def daily_weights(changes: list[CellChange], *, least_g: float) -> list[DailyWeight]:
    """Weight of the one visitor of a cell, day by day (UTC), from changes of at least `least_g`.

    Raises nothing on a day without weighings: it has no entry.
    """
    sizes = np.array([abs(change.delta_g) for change in changes if abs(change.delta_g) >= least_g])
    if not sizes.size:
        return []
    usual = float(np.median(sizes))
    days: dict[int, list[float]] = {}
    for change in changes:
        if abs(abs(change.delta_g) - usual) <= VISITOR_SHARE * usual:
            days.setdefault(change.begin_ns // DAY_NS * DAY_NS, []).append(abs(change.delta_g))
    return [_day(day_ns, np.array(masses)) for day_ns, masses in sorted(days.items())]


def _day(day_ns: int, masses: Floats) -> DailyWeight:
    mass = float(np.median(masses))
    scatter = 1.4826 * float(np.median(np.abs(masses - mass))) if len(masses) > 2 else 0.3
    sigma = 1.25 * scatter / math.sqrt(len(masses))
    return DailyWeight(day_ns=day_ns, mass_g=round(mass, 3), sigma_g=round(sigma, 3), weighings=len(masses))
