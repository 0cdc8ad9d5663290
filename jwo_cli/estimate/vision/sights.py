"""What hands held, kept for seconds, until a weight change asks who held what.

A thing that left a shelf is in the hand right after; one that arrived was in it right before. What a hand shows speaks
for its person's doing it: people's sights are mixed by how probably each of them did it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.observations import Reach
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .appearance import Appearance, mixed

Floats = NDArray[np.float64]

KEEP_NS = 30 * NS_PER_S  # a shelf that somebody holds on to is told of 15 s late
AFTER_NS = 1_200 * NS_PER_MS  # a hand withdraws and is still seen
LEAST_NS = 100 * NS_PER_MS  # in the shelf it is hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSight:
    """One picture of one hand: similarities [products] of what it holds, in the order of the gallery's products."""

    at_ns: int
    track_id: str
    side: int
    similarity: Floats


class Sights:
    """Pictures of hands in, in order of time; what they say about a change out."""

    def __init__(self, appearance: Appearance) -> None:
        self._appearance = appearance
        self._kept: deque[HandSight] = deque()

    def see(self, sight: HandSight) -> None:
        """One more picture of a hand."""
        self._kept.append(sight)
        while self._kept[0].at_ns < sight.at_ns - KEEP_NS:
            self._kept.popleft()

    def appearance(
        self, at_ns: int, direction: int, reaches: Sequence[Reach], candidates: Sequence[str]
    ) -> tuple[tuple[str, float], ...]:
        """(product, log-likelihood) for what moved at `at_ns`: direction -1 left, +1 arrived; empty when unseen.

        Something placed may be anything that the store sells, whatever stands there.
        """
        if direction == 0 or not self._kept:
            return ()
        wanted = candidates if direction < 0 else self._appearance.products
        weights = _posterior(reaches)
        seen = [(weight, self._said(at_ns, direction, track_id, wanted)) for track_id, weight in weights]
        seen = [(weight, said) for weight, said in seen if said]
        return mixed(seen) if seen else ()

    def _said(self, at_ns: int, direction: int, track_id: str, wanted: Sequence[str]) -> tuple[tuple[str, float], ...]:
        low, high = (at_ns + LEAST_NS, at_ns + AFTER_NS) if direction < 0 else (at_ns - AFTER_NS, at_ns - LEAST_NS)
        mine = [one for one in self._kept if one.track_id == track_id and low <= one.at_ns <= high]
        by_hand = [[one.similarity for one in mine if one.side == side] for side in (0, 1)]
        said = [self._appearance.nats(np.array(rows), wanted) for rows in by_hand if rows]
        said = [one for one in said if one]
        # Either hand may have done it; what the other one holds all along says nothing.
        return mixed([(1 / len(by_hand), one) for one in said]) if said else ()


def _posterior(reaches: Sequence[Reach]) -> list[tuple[str, float]]:
    """Who did it: probabilities against somebody nobody saw."""
    top = max([0.0, *(reach.log_likelihood for reach in reaches)])
    total = math.exp(-top) + math.fsum(math.exp(reach.log_likelihood - top) for reach in reaches)
    return [(reach.track_id, math.exp(reach.log_likelihood - top) / total) for reach in reaches]
