"""Whether somebody who is no longer seen has left the store or is only out of view.

The store is a closed world: people leave through gates. A layout without gates (an import that knows none) leaves only
how the person went: walking, or far from the shelves, or standing before them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .history import History, torso
from .places import Places

AT_GATE_M = 0.9
SOFT_M = 0.25
INSIDE = 0.05  # lost far from every gate
STANDING = 0.35  # lost while standing, in a store whose gates are unknown
WALKING = 0.9
WALK_M_S = 0.5
AWAY_M = 1.2  # nobody shops this far from every shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Probability of having left, and through which gate if the layout knows it."""

    probability: float
    gate_id: str | None


def left_store(history: History, xy: tuple[float, float], places: Places, *, closing: bool) -> Leaving:
    """Judge the last sighting at `xy`; at the end of a stream (`closing`) everybody is taken to leave."""
    exit_ = places.nearest_gate(*xy, leaving=True)
    if exit_ is None:
        going = _speed_m_s(history) >= WALK_M_S or places.clearance_m((*xy, 1.0)) > AWAY_M
        probability = 1.0 if closing else (WALKING if going else STANDING)
        return Leaving(probability=probability, gate_id=None)
    gate, distance = exit_
    near = 1.0 / (1.0 + math.exp(min((distance - AT_GATE_M) / SOFT_M, 50.0)))
    probability = 1.0 if closing else INSIDE + (0.98 - INSIDE) * near
    return Leaving(probability=round(probability, 4), gate_id=gate.gate_id if near > 0.5 else None)


def _speed_m_s(history: History) -> float:
    """Speed of the body over its last second seen, m/s."""
    if not history.at_ns:
        return 0.0
    times, joints = history.window(history.at_ns[-1] - 1_000_000_000, history.at_ns[-1])
    first, last = torso(joints[0]), torso(joints[-1])
    seconds = (int(times[-1]) - int(times[0])) / 1e9
    if first is None or last is None or seconds < 0.2:
        return 0.0
    return math.dist(first, last) / seconds
