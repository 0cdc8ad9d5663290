"""What the item in the hand looked like, as weight for or against each explanation.

A camera's word is a log-likelihood for each product it may have been, against something that it says nothing about (0).
It is one sight of one hand: several units of a product are seen once, and of two products at once either was seen. Its
say is bounded, because a crop may show the wrong hand, or what was in it before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .beliefs import Move

# A crop shows another item once in fifty: no sight is worth more than ln 50.
BOUND = math.log(50.0)


def look_nats(goods: Sequence[tuple[str, int]], looks: Mapping[str, float]) -> float:
    """Log-likelihood of what was seen if these goods (product, count) moved; 0 where nothing was."""
    if not goods or not looks:
        return 0.0
    seen = [min(max(looks.get(product_id, 0.0), -BOUND), BOUND) for product_id, _ in goods]
    top = max(seen)
    return top + math.log(math.fsum(math.exp(nats - top) for nats in seen) / len(seen))


def weighed(moves: list[Move], looks: Mapping[str, float]) -> list[Move]:
    """The moves with what was seen added to their weights; the same list where nothing was."""
    if not looks:
        return moves
    return [move._replace(log_weight=move.log_weight + look_nats(move.story[2], looks)) for move in moves]
