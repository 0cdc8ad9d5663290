"""When a hand goes to the floor: something may have been left or picked up there.

Near a fixture it is the lowest shelf that is touched. A hand at 10 cm for a moment means it; one frame at 34 cm may be
a bad keypoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.observations import FloorTouched
from jwo_cli.model.units import NS_PER_MS

from .identity import Point, Sighting
from .places import Places

LOW_M = 0.35
CLEAR_M = 0.15
SURE_M = 0.3
SURE_S = 0.1
SURE = 0.9  # somebody may tie a shoe
WORTH_TELLING = 0.15
QUIET_NS = 1_500 * NS_PER_MS


@dataclass(slots=True)
class _Crouch:
    from_ns: int
    until_ns: int
    lowest: Point


class Floor:
    """Frames in; `found` collects (due_ns, FloorTouched)."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._crouches: dict[str, _Crouch] = {}
        self.found: list[tuple[int, FloorTouched]] = []

    def step(self, at_ns: int, seen: Sequence[Sighting]) -> None:
        """Look at one frame."""
        for person in seen:
            if any(hand[2] < LOW_M for hand in person.hands):
                self._low(at_ns, person)
        self.settle(at_ns)

    def settle(self, now_ns: int, *, closing: bool = False) -> None:
        """Tell what is over by `now_ns` (everything when closing)."""
        for track_id, crouch in list(self._crouches.items()):
            if closing or now_ns - crouch.until_ns > QUIET_NS:
                del self._crouches[track_id]
                self._tell(track_id, crouch)

    def _low(self, at_ns: int, person: Sighting) -> None:
        low = min(person.hands, key=lambda hand: hand[2])
        if self._places.clearance_m(low) < CLEAR_M:
            return
        crouch = self._crouches.get(person.track_id)
        if crouch is None:
            self._crouches[person.track_id] = _Crouch(at_ns, at_ns, low)
            return
        crouch.until_ns = at_ns
        if low[2] < crouch.lowest[2]:
            crouch.lowest = low

    def _tell(self, track_id: str, crouch: _Crouch) -> None:
        x_m, y_m, z_m = crouch.lowest
        lasted = (crouch.until_ns - crouch.from_ns) / 1e9
        probability = SURE * _soft(SURE_M - z_m, 0.05) * _soft(lasted - SURE_S, 0.05)
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
