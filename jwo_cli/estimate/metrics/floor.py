"""MODA and MODP for points on the floor: detection without identities, in metres (Kasturi et al. 2009).

In every frame points are assigned to the truth one to one, as many as possible within the gate and then as near as
possible. MODP is the mean of 1 - distance / gate over the matches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .pairing import Floats, Ints, distances


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Places without identity: frame [n], position [n, 2] in metres."""

    frame: Ints
    xy_m: Floats

    def within(self, first: int, last: int) -> Points:
        """Those of frames `first` to `last`, both included."""
        inside = (self.frame >= first) & (self.frame <= last)
        return Points(frame=self.frame[inside], xy_m=self.xy_m[inside])


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorScore:
    """Counts over all frames; `nearness` is the sum of 1 - distance / gate over the matches."""

    matches: int
    misses: int
    false_positives: int
    nearness: float

    @property
    def moda(self) -> float:
        """1 - (misses + false positives) / true points; nan where there is nothing at all."""
        truths = self.matches + self.misses
        wrong = self.misses + self.false_positives
        return 1 - wrong / truths if truths else float("-inf" if wrong else "nan")

    @property
    def modp(self) -> float:
        """Mean nearness of the matches, 1 where they coincide; nan without matches."""
        return self.nearness / self.matches if self.matches else float("nan")

    @property
    def precision(self) -> float:
        """Share of detections that are true; nan without detections."""
        claimed = self.matches + self.false_positives
        return self.matches / claimed if claimed else float("nan")

    @property
    def recall(self) -> float:
        """Share of true points that were found; nan without truth."""
        truths = self.matches + self.misses
        return self.matches / truths if truths else float("nan")


def floor_score(truth: Points, detections: Points, *, gate_m: float) -> FloorScore:
    """Scores detections in every frame that has truth or detections."""
    matches, nearness = 0, 0.0
    for frame in np.intersect1d(truth.frame, detections.frame):
        gaps = distances(truth.xy_m[truth.frame == frame], detections.xy_m[detections.frame == frame])
        # A pair outside the gate costs more than any number inside it, so that as many as possible match.
        cost = np.where(gaps < gate_m, gaps, gate_m * (1 + min(gaps.shape)))
        rows, columns = linear_sum_assignment(cost)
        good = gaps[rows, columns] < gate_m
        matches += int(good.sum())
        nearness += float(np.sum(1 - gaps[rows, columns][good] / gate_m))
    return FloorScore(
        matches=matches,
        misses=len(truth.frame) - matches,
        false_positives=len(detections.frame) - matches,
        nearness=nearness,
    )
