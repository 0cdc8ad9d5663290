"""Encounters judged by what came before and what came after: who walked on as whom.

While following, a crossing is decided from the past alone. Afterwards both sides are known: one filter runs from the
beginning, one from the end, and where two tracks come near each other the likelihood of both going on as they were is
held against the likelihood of their having been exchanged. The clearest exchanges are made first, each track once a
round, until none is left that gains; what stays nearly even is told as a doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import kalman
from .settings import TrackSettings
from .smoothing import Grid, Sights, forward, fuse, reverse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Tracks `a` and `b` may have been exchanged after `step`: it would cost `margin` nats of likelihood."""

    step: int
    a: int
    b: int
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What else tells people apart, one row a sight: traits [m, k] with variance [m]; appearance [m, d] or [m, 0]."""

    traits: Floats
    noise: Floats


def resolve(
    sights: Sights,
    marks: Marks,
    times_s: Floats,
    density: Floats,
    speed_sigma: Floats,
    unit: Floats,
    settings: TrackSettings,
) -> tuple[Ints, tuple[Doubt, ...]]:
    """The track of each sight after all exchanges that pay, and the doubts that remain."""
    track, found = exchanges(sights, marks, times_s, density, speed_sigma, unit, settings)
    even = _clearest(found, -settings.doubt_nats, len(density), each_once=False)
    doubts = tuple(Doubt(step=int(s), a=int(a), b=int(b), margin=float(-m)) for s, a, b, m in found[even])
    return track, doubts


def exchanges(
    sights: Sights,
    marks: Marks,
    times_s: Floats,
    density: Floats,
    speed_sigma: Floats,
    unit: Floats,
    settings: TrackSettings,
    *,
    since: int = 0,
    known: Floats | None = None,
) -> tuple[Ints, Floats]:
    """The track of each sight after all exchanges from step `since` on that pay, and every encounter that there is.

    Encounters [k, 4] are step, track, track, and the nats that an exchange after that step would gain still. `known`
    [tracks, k + 1] is what was known of each track's traits before the first sight: sums, weighted, and the weights.
    """
    track = sights.track.copy()
    for rounds in range(settings.swap_rounds + 1):
        now = Sights(track=track, step=sights.step, place=sights.place, noise=sights.noise)
        found = _margins(now, marks, times_s, density, speed_sigma, unit, settings, known)
        open_ = found[found[:, 0] >= since]
        taken = _clearest(open_, settings.swap_nats, len(density))
        if not len(taken) or rounds == settings.swap_rounds:
            break
        for step, a, b, _ in open_[taken]:
            later = sights.step > step
            mine, other = later & (track == a), later & (track == b)
            track[mine], track[other] = int(b), int(a)
    return track, found


def _clearest(found: Floats, least: float, count: int, *, each_once: bool = True) -> Ints:
    """Rows of `found` by falling margin, above `least`: the best of each pair, or each track once at most."""
    order = np.argsort(-found[:, 3], kind="stable")
    order = order[found[order, 3] > least]
    used: set[int] = set()
    taken = []
    for row in order:
        a, b = int(found[row, 1]), int(found[row, 2])
        keys = {a, b} if each_once else {a * count + b}
        if not keys & used:
            used |= keys
            taken.append(row)
    return np.array(taken, np.int64)


def _margins(
    sights: Sights,
    marks: Marks,
    times_s: Floats,
    density: Floats,
    speed_sigma: Floats,
    unit: Floats,
    settings: TrackSettings,
    known: Floats | None,
) -> Floats:
    """Every encounter: step, track, track, and how many nats an exchange after that step gains [k, 4]."""
    fused = fuse(sights)
    grid = Grid.over(fused, len(density), len(times_s))
    past = forward(grid, fused, times_s, density, speed_sigma)
    future = reverse(grid, fused, times_s, density, speed_sigma)
    before, after = _traits(grid, sights, marks, len(times_s), known)
    left, right = _near(grid, past[0], unit, settings)
    if not len(left):
        return np.zeros((0, 4))
    gap = times_s[grid.step[left] + 1] - times_s[grid.step[left]]

    def cost(one: Ints, other: Ints) -> Floats:
        """Misfit of the past of slots `one` with the future of the slots after `other`."""
        ahead, spread = kalman.predict(past[0][one], past[1][one], gap, density[grid.track[one]])
        spread = spread + future[1][other + 1]
        miss = future[0][other + 1] - ahead
        far = np.einsum("ni,ni->n", miss, np.linalg.solve(spread, miss[:, :, None])[:, :, 0])
        variance = before[1][one] + after[1][other + 1] + settings.trait_link_sigma**2
        gaps = np.sum((before[0][one] - after[0][other + 1]) ** 2, axis=1) / variance
        limit = 2 * settings.swap_trait_nats
        misfit: Floats = (far + np.linalg.slogdet(spread)[1] + np.minimum(gaps, limit)) / 2
        return misfit

    margin = cost(left, left) + cost(right, right) - cost(left, right) - cost(right, left)
    return np.column_stack((grid.step[left], grid.track[left], grid.track[right], margin))


def _near(grid: Grid, mean: Floats, unit: Floats, settings: TrackSettings) -> tuple[Ints, Ints]:
    """Pairs of slots of one step, both of which go on, that are within an encounter's distance."""
    lefts, rights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for now, slots in enumerate(grid.groups):
        going = slots[grid.last[grid.track[slots]] > now]
        if len(going) < 2:
            continue
        reach = settings.encounter_m * unit[grid.track[going]]
        place = mean[going, :2]
        far = np.hypot(place[:, None, 0] - place[None, :, 0], place[:, None, 1] - place[None, :, 1])
        i, j = np.nonzero(np.triu(far < (reach[:, None] + reach[None, :]) / 2, 1))
        lefts.append(going[i])
        rights.append(going[j])
    return np.concatenate(lefts), np.concatenate(rights)


def _traits(
    grid: Grid, sights: Sights, marks: Marks, steps: int, known: Floats | None
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Weighted traits of every slot's track up to its step, and from its step on: mean [slots, k], variance [slots]."""
    width = marks.traits.shape[1]
    key = grid.track * steps + grid.step
    at = np.searchsorted(key, sights.track * steps + sights.step)
    sums = np.zeros((len(key), width + 1))
    weight = 1 / marks.noise
    np.add.at(sums, at, np.column_stack((weight[:, None] * marks.traits, weight)))
    whole = np.cumsum(sums, axis=0)
    begin = np.searchsorted(grid.track, grid.track, side="left")
    end = np.searchsorted(grid.track, grid.track, side="right") - 1
    base = whole[begin] - sums[begin]
    upto = whole - base if known is None else whole - base + known[grid.track]
    onward = whole[end] - whole + sums
    return _mean(upto), _mean(onward)


def _mean(sums: Floats) -> tuple[Floats, Floats]:
    weight = np.maximum(sums[:, -1], 1e-9)
    return sums[:, :-1] / weight[:, None], 1 / weight
