"""When a hand goes to the floor: something may have been left or picked up there.

In the open a wrist below the knee has no other business. Near a fixture it may serve the lowest shelf, and must be
lower than any hand at goods is: 4.7 cm above the lowest board was the lowest of 233 people who served shelves.
A hand at 10 cm for a moment means it; one frame may be a bad keypoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.observations import FloorTouched
from jwo_cli.model.units import NS_PER_MS

from .identity import Point, Sighting
from .places import Places

OPEN_M = 0.42  # a wrist lower than this is at the floor, where no fixture is near
OPEN_FROM_M = 0.4  # this far from the nearest fixture
BESIDE_M = 0.31  # and so low beside one
BESIDE_FROM_M = 0.15
INSIDE_M = 0.03  # within a fixture there are goods, not floor
BELOW_BOARD_M = 0.03  # under a fixture's edge it must be so far below the lowest board
EDGE_M = 0.03
SURE_S = 0.12
SURE = 0.93  # somebody may tie a shoe
WORTH_TELLING = 0.15
QUIET_NS = 1_500 * NS_PER_MS


@dataclass(slots=True)
class _Crouch:
    """A hand that is low: since when, until when, where it was lowest, and by how much lower than it need be."""

    from_ns: int
    until_ns: int
    lowest: Point
    spare_m: float


class Floor:
    """Frames in; `found` collects (due_ns, FloorTouched)."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._crouches: dict[str, _Crouch] = {}
        self.found: list[tuple[int, FloorTouched]] = []

    def step(self, at_ns: int, seen: Sequence[Sighting]) -> None:
        """Look at one frame."""
        for person in seen:
            low = min(person.hands, key=lambda hand: hand[2], default=None)
            if low is not None and low[2] < OPEN_M:
                self._low(at_ns, person.track_id, low)
        self.settle(at_ns)

    def settle(self, now_ns: int, *, closing: bool = False) -> None:
        """Tell what is over by `now_ns` (everything when closing)."""
        for track_id, crouch in list(self._crouches.items()):
            if closing or now_ns - crouch.until_ns > QUIET_NS:
                del self._crouches[track_id]
                self._tell(track_id, crouch)

    def _low(self, at_ns: int, track_id: str, low: Point) -> None:
        clear_m, board_m = self._places.under(low)
        if clear_m < INSIDE_M:
            return
        if clear_m < BESIDE_FROM_M:
            limit = min(board_m - BELOW_BOARD_M, BESIDE_M)
        else:
            part = min((clear_m - BESIDE_FROM_M) / (OPEN_FROM_M - BESIDE_FROM_M), 1.0)
            limit = BESIDE_M + part * (OPEN_M - BESIDE_M)
        spare_m = limit - low[2]
        if spare_m < -EDGE_M:
            return
        crouch = self._crouches.get(track_id)
        if crouch is None:
            self._crouches[track_id] = _Crouch(at_ns, at_ns, low, spare_m)
            return
        crouch.until_ns = at_ns
        if spare_m > crouch.spare_m:
            crouch.lowest, crouch.spare_m = low, spare_m

    def _tell(self, track_id: str, crouch: _Crouch) -> None:
        x_m, y_m, _ = crouch.lowest
        lasted = (crouch.until_ns - crouch.from_ns) / 1e9
        probability = SURE * _soft(crouch.spare_m, EDGE_M / 3) * _soft(lasted - SURE_S, 0.03)
        if probability < WORTH_TELLING:
            return
        touched = FloorTouched(
            at_ns=crouch.from_ns, track_id=track_id, x_m=round(x_m, 3), y_m=round(y_m, 3),
            probability=round(probability, 4),
        )  # fmt: skip
        self.found.append((crouch.until_ns + QUIET_NS, touched))


def _soft(value: float, scale: float) -> float:
    """A logistic step."""
    return 1.0 / (1.0 + math.exp(-max(min(value / scale, 50.0), -50.0)))
