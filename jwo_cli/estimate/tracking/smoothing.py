"""The final paths: forward filter and Rauch-Tung-Striebel smoother over everything a track was given.

Tracks are independent once the rows are given out, so that all of them are filtered together, one step of time after
another. Between its first and last sight a track has a place at every step, seen or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import kalman

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What was given to tracks 0…n-1: one row a detection, in any order.

    `track` [m], `step` [m] (index into the times), `place` [m, 2], `noise` [m, 2, 2].
    """

    track: Ints
    step: Ints
    place: Floats
    noise: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Smoothed states [m, 4] with covariance [m, 4, 4], for every track (rows sorted by track, then step)."""

    track: Ints
    step: Ints
    mean: Floats
    covariance: Floats

    def take(self, chosen: NDArray[np.bool_]) -> Path:
        """Some of the rows."""
        return Path(
            track=self.track[chosen], step=self.step[chosen], mean=self.mean[chosen], covariance=self.covariance[chosen]
        )


def fuse(sights: Sights) -> Sights:
    """One measurement a track and step: several cameras at one instant, weighted by their information."""
    order = np.lexsort((sights.step, sights.track))
    track, step = sights.track[order], sights.step[order]
    first = np.flatnonzero(np.r_[True, (np.diff(track) != 0) | (np.diff(step) != 0)]) if len(track) else order
    weight, _ = kalman.invert2(sights.noise[order])
    moment = np.einsum("nij,nj->ni", weight, sights.place[order])
    if not len(track):
        return sights
    noise, _ = kalman.invert2(np.add.reduceat(weight, first, axis=0))
    place = np.einsum("nij,nj->ni", noise, np.add.reduceat(moment, first, axis=0))
    return Sights(track=track[first], step=step[first], place=place, noise=noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Every step between each track's first and last sight, as slots in order of track, then step.

    `track` and `step` [slots]; `first` and `last` [tracks] steps; `sight` [slots] the row of the fused sights or -1;
    `groups` the slots of each step.
    """

    track: Ints
    step: Ints
    first: Ints
    last: Ints
    sight: Ints
    groups: list[Ints]

    @classmethod
    def over(cls, fused: Sights, count: int, steps: int) -> Grid:
        """The grid of `count` tracks with these sights."""
        first, last = np.full(count, steps), np.full(count, -1)
        np.minimum.at(first, fused.track, fused.step)
        np.maximum.at(last, fused.track, fused.step)
        spans = np.maximum(last - first + 1, 0)
        offset = np.concatenate(([0], np.cumsum(spans)))
        track = np.repeat(np.arange(count), spans)
        step = np.arange(offset[-1]) - offset[track] + first[track]
        sight = np.full(offset[-1], -1)
        sight[offset[fused.track] + fused.step - first[fused.track]] = np.arange(len(fused.track))
        order = np.argsort(step, kind="stable")
        cuts = np.searchsorted(step[order], np.arange(steps + 1))
        groups = [order[cuts[k] : cuts[k + 1]] for k in range(steps)]
        return cls(track=track, step=step, first=first, last=last, sight=sight, groups=groups)


def smooth(sights: Sights, times_s: Floats, density: Floats, speed_sigma: Floats) -> Path:
    """Paths of all tracks at every step between their first and last sight.

    `times_s` [steps] ascends; `density` and `speed_sigma` [tracks] are in the plane's unit (see `kalman`).
    """
    fused = fuse(sights)
    grid = Grid.over(fused, len(density), len(times_s))
    mean, covariance = forward(grid, fused, times_s, density, speed_sigma)
    _backward(grid, times_s, density, mean, covariance)
    return Path(track=grid.track, step=grid.step, mean=mean, covariance=covariance)


def forward(grid: Grid, fused: Sights, times_s: Floats, density: Floats, speed_sigma: Floats) -> tuple[Floats, Floats]:
    """Filtered states [slots, 4] and covariances, step by step; each knows the sights up to its own."""
    mean, covariance = np.zeros((len(grid.track), 4)), np.zeros((len(grid.track), 4, 4))
    for now, slots in enumerate(grid.groups):
        if not len(slots):
            continue
        new = grid.first[grid.track[slots]] == now
        fresh, old = slots[new], slots[~new]
        if len(fresh):
            mean[fresh, :2] = fused.place[grid.sight[fresh]]
            covariance[fresh, :2, :2] = fused.noise[grid.sight[fresh]]
            covariance[fresh, 2, 2] = covariance[fresh, 3, 3] = speed_sigma[grid.track[fresh]] ** 2
        if len(old):
            gap = float(times_s[now] - times_s[now - 1])
            ahead, spread = kalman.advance(mean[old - 1], covariance[old - 1], gap, density[grid.track[old]])
            rows = grid.sight[old]
            seen = rows >= 0
            if seen.all():
                ahead, spread = kalman.update(ahead, spread, fused.place[rows], fused.noise[rows])
            elif seen.any():
                ahead[seen], spread[seen] = kalman.update(
                    ahead[seen], spread[seen], fused.place[rows[seen]], fused.noise[rows[seen]]
                )
            mean[old], covariance[old] = ahead, spread
    return mean, covariance


def reverse(grid: Grid, fused: Sights, times_s: Floats, density: Floats, speed_sigma: Floats) -> tuple[Floats, Floats]:
    """The same filter run from the end: each state [slots, 4] knows the sights from its own onward."""
    steps, slots = len(times_s), len(grid.track)
    flipped = Sights(track=fused.track, step=steps - 1 - fused.step, place=fused.place, noise=fused.noise)
    other = Grid.over(flipped, len(density), steps)
    mean, covariance = forward(other, flipped, -times_s[::-1], density, speed_sigma)
    order = np.lexsort((steps - 1 - other.step, other.track)) if slots else np.zeros(0, np.int64)
    mean, covariance = mean[order], covariance[order]
    mean[:, 2:] *= -1
    covariance[:, :2, 2:] *= -1
    covariance[:, 2:, :2] *= -1
    return mean, covariance


def _backward(grid: Grid, times_s: Floats, density: Floats, mean: Floats, covariance: Floats) -> None:
    """Rauch-Tung-Striebel: each step learns from the one after it."""
    for now in range(len(grid.groups) - 2, -1, -1):
        slots = grid.groups[now]
        slots = slots[grid.last[grid.track[slots]] > now]
        if not len(slots):
            continue
        gap = float(times_s[now + 1] - times_s[now])
        here, doubt = mean[slots], covariance[slots]
        ahead, spread = kalman.advance(here, doubt, gap, density[grid.track[slots]])
        turned = kalman.turn(gap) @ doubt
        back = np.linalg.solve(spread, turned)
        gain = back.transpose(0, 2, 1)
        mean[slots] = here + (gain @ (mean[slots + 1] - ahead)[:, :, None])[:, :, 0]
        better = doubt + gain @ (covariance[slots + 1] - spread) @ back
        covariance[slots] = (better + better.transpose(0, 2, 1)) / 2
