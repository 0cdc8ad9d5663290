"""How far the cameras' clock is ahead of the scales', from hands that were at a plate when its weight changed.

Coarsely over half a minute: the offset at which most changes have a hand at their plate. Finely by the belief that the
live front end holds as well (`people.clock`), so that both mean the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.people.clock import ClockOffset
from jwo_cli.estimate.people.reach import OFFSETS_S

from .verdict import Judgement, Reason, Verdict, above, below, judge

Floats = NDArray[np.float64]
SPAN_S, STEP_S = 30.0, 0.04
HAND_M = 0.12  # σ of a tracked hand around the middle of the plate it is at
FAR = np.exp(-4.5)  # somebody was there, but not seen: no change says more than this against an offset
LEAST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A weight change at a plate (middle of its reach, store frame, metres), in the scales' time, seconds."""

    at_s: float
    place_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocked:
    """Camera clock minus scale clock, its 1 σ, the score over `offsets_s` [T] (mean log-likelihood), and a verdict."""

    offset_s: float
    sigma_s: float
    offsets_s: Floats
    score: Floats
    changes: int
    judgement: Judgement


def clock_offset(changes: Sequence[Change], hands_at_s: Floats, hands_m: Floats) -> Clocked | Judgement:
    """From changes, and hands (camera time [M], places [M, 3], any number at one time, in order of time)."""
    if len(changes) < LEAST or len(hands_m) < LEAST:
        text = f"{len(changes)} weight changes and {len(hands_m)} hands were seen; {LEAST} changes are the least"
        fix = "Record somebody taking a dozen things, one after the other, in view of the cameras."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    grid = np.round(np.arange(-SPAN_S, SPAN_S + STEP_S / 2, STEP_S), 6)
    table = np.stack([_scores(change, grid, hands_at_s, hands_m) for change in changes])
    score = table.mean(axis=0)
    coarse = float(grid[int(np.argmax(score))])
    offset, sigma = _fine(changes, coarse, hands_at_s, hands_m)
    away = np.abs(grid - coarse) > 1.5
    margin = float((score[~away].max() - score[away].max()) * len(changes))
    side = "ahead of" if offset > 0 else "behind"
    reasons = [
        above(margin, good=6.0, usable=3.0, text=f"the offset is e^{margin:.0f} times likelier than any other",
              fix="Record more takes, at different shelves, with pauses that differ."),
        below(sigma, good=0.05, usable=0.15, text=f"{len(changes)} changes fix it to {sigma * 1000:.0f} ms (1 σ)",
              fix="Record more takes; quick ones tell more."),
        below(abs(offset), good=0.1, usable=float("inf"),
              text=f"the cameras' stamps are {abs(offset) * 1000:.0f} ms {side} the scales'",
              fix="Let both take their time from one NTP server; until then the layout's clock corrects it."),
    ]  # fmt: skip
    return Clocked(
        offset_s=offset, sigma_s=sigma, offsets_s=grid, score=score, changes=len(changes), judgement=judge(reasons)
    )


def _scores(change: Change, offsets_s: Floats, hands_at_s: Floats, hands_m: Floats) -> Floats:
    """Log-likelihood of a change at each offset: was a hand at its plate at that time of the cameras?"""
    near = ((hands_m - np.array(change.place_m)) ** 2).sum(axis=1) / (2 * HAND_M**2)
    at = change.at_s + offsets_s
    # The nearest hand within a tenth of a second, for every offset: least value over a window of the sorted times.
    low, high = np.searchsorted(hands_at_s, at - 0.1), np.searchsorted(hands_at_s, at + 0.1)
    best = np.full(len(at), np.inf)
    full = high > low
    if full.any():
        padded = np.append(near, np.inf)
        spots = np.column_stack([low[full], high[full]]).ravel()
        best[full] = np.minimum.reduceat(padded, spots)[::2]
    return np.asarray(np.log(np.exp(-np.minimum(best, 50.0)) + FAR))


def _fine(changes: Sequence[Change], coarse_s: float, hands_at_s: Floats, hands_m: Floats) -> tuple[float, float]:
    """The belief's mean around the coarse offset, and its spread between changes (by leaving each out)."""
    ordered = sorted(changes, key=lambda change: change.at_s)
    parts = [_scores(change, OFFSETS_S + coarse_s, hands_at_s, hands_m) for change in ordered]
    stamps = [round(change.at_s * 1e9) for change in ordered]

    def believed(left_out: int | None) -> float:
        clock = ClockOffset()
        for index, (at_ns, scores) in enumerate(zip(stamps, parts, strict=True)):
            if index != left_out:
                clock.learn(at_ns, [scores])
        return clock.mean_s

    without = np.array([believed(index) for index in range(len(ordered))])
    count = len(ordered)
    # The jackknife's standard error; never below the step that the belief can tell apart.
    spread = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    step = float(OFFSETS_S[1] - OFFSETS_S[0])
    return coarse_s + believed(None), float(np.hypot(spread, step / np.sqrt(12)))
