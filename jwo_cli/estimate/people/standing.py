"""Who may have taken what only an antenna saw: whoever stood there for seconds, hand or body.

An antenna tells a departure late and to a second or two, so the fine timing of `reach` would be false precision. A hand
that came to the facing within those seconds speaks for its owner, a body in front of it for less; a hand that was seen
elsewhere clears nobody, because it was there at some moment or not. As in `reach`, 0 is somebody whom no camera saw.
The numbers are geometry, not fitted: no public recording has both tags and poses.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Antenna
from jwo_cli.model.observations import Reach
from jwo_cli.model.units import NS_PER_S

from .history import History, torso
from .places import Target
from .reach import paths

# Hands hold a tag readable for a moment, and its last strong read may be from before the hand came.
BEFORE_NS, AFTER_NS = 4 * NS_PER_S, 2 * NS_PER_S
THERE = 1.5  # nats of a body there
_HAND = (3.5, 0.2, 0.12)  # nats of a hand there, metres that still count as there, metres of one sigma beyond
_BODY = (THERE, 0.8, 0.4)
FLOOR = -7.0
_STEP_NS = NS_PER_S  # paths know 1.2 s around a moment: asked for every second they cover the whole interval


def standing(
    track_id: str, history: History, at_ns: int, targets: Sequence[Target], antenna: Antenna | None
) -> Reach | None:
    """How well one person explains a tag's change around `at_ns`: by having been at one of its places, else near the
    antenna. None when the person was not seen around then, or when nobody knows where the tag was.
    """
    times, joints = history.window(at_ns - BEFORE_NS, at_ns + AFTER_NS)
    if len(times) == 0:
        return None
    hand = body = np.inf
    if targets:
        for target, moment in itertools.product(targets, range(at_ns - BEFORE_NS, at_ns + AFTER_NS + 1, _STEP_NS)):
            path = paths(moment, times, joints, target)
            # Along the shelf anything within half the facing's width is there.
            away = path.hands.copy()
            away[:, :, 0] = np.maximum(np.abs(away[:, :, 0]) - target.half_x_m, 0.0)
            hand, body = min(hand, _least(np.linalg.norm(away, axis=2))), min(body, _least(path.body))
        score = max(_nats(hand, *_HAND), _nats(body, *_BODY))
    elif antenna is not None:
        places = np.array([place for place in map(torso, joints) if place is not None])
        if len(places):
            body = float(np.hypot(places[:, 0] - antenna.pose.x_m, places[:, 1] - antenna.pose.y_m).min())
        score = _nats(body, THERE, antenna.range_m, _BODY[2])
    else:
        return None
    return Reach(
        track_id=track_id,
        log_likelihood=round(max(score, FLOOR), 4),
        hand_m=round(hand, 3) if np.isfinite(hand) else None,
        body_m=round(body, 3) if np.isfinite(body) else None,
    )


def _least(values: NDArray[np.float64]) -> float:
    """The smallest known value, infinite when none is."""
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else float(np.inf)


def _nats(distance_m: float, there: float, near_m: float, sigma_m: float) -> float:
    """`there` within `near_m`, a Gaussian's fall beyond it, down to the floor."""
    if not np.isfinite(distance_m):
        return FLOOR
    beyond = max(distance_m - near_m, 0.0) / sigma_m
    return max(there - 0.5 * beyond * beyond, FLOOR)
