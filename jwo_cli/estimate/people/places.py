"""Where hands must be: plates, shelves and gates as arrays, once per store.

A reach is judged in the frame of its fixture, where x runs along the shelf, y is depth (the front at the smaller y)
and z is up, so that one model serves fixtures at any angle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Fixture, Gate, GateKind, Plate, Point2, Pose, Store

Floats = NDArray[np.float64]

# Hands meet goods above the board: half way up the compartment, but a person takes things by their middle and few
# are taller than 24 cm. At the 69 takes of the development cases the wrist is 12 cm above the board (top shelf too).
GRIP_ABOVE_BOARD_M = 0.12
# Wrists stay about at the front edge (2 cm inside at those takes): the hand reaches in, the wrist does not.
WRIST_DEPTH_M = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The place a hand had to reach: point (x, y, z) in the fixture's frame, metres, and half its width along x."""

    pose: Pose
    point: tuple[float, float, float]
    half_x_m: float

    def local(self, points: Floats) -> Floats:
        """Store-frame points [..., 3] relative to the target point, in the fixture's axes."""
        turn = math.radians(self.pose.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        x, y = points[..., 0] - self.pose.x_m, points[..., 1] - self.pose.y_m
        out = np.empty_like(points)
        out[..., 0] = cos * x + sin * y - self.point[0]
        out[..., 1] = cos * y - sin * x - self.point[1]
        out[..., 2] = points[..., 2] - self.pose.z_m - self.point[2]
        return out


class Places:
    """A store's plates, shelves and gates, ready for questions about distance."""

    def __init__(self, store: Store) -> None:
        self._plates: dict[str, tuple[Fixture, Plate]] = {
            plate_id: (fixture, plate) for plate_id, (fixture, _, plate) in store.plates().items()
        }
        self._shelf_plates = {shelf.shelf_id: tuple(p.plate_id for p in shelf.plates) for _, shelf in store.shelves()}
        self._fixtures = store.fixtures
        self.gates = store.gates

    def plates_of_shelf(self, shelf_id: str) -> tuple[str, ...]:
        """Ids of a shelf's plates in order; empty for an unknown shelf."""
        return self._shelf_plates.get(shelf_id, ())

    def target(self, plates: Sequence[tuple[str, float]]) -> Target | None:
        """The target of a change from (plate_id, |grams|): the plates' middle weighted by what each of them felt.

        A thing that stands on two plates presses on both in proportion, so the weighted middle is where it stood.
        None when no plate is known.
        """
        known = [(self._plates[plate_id], abs(grams)) for plate_id, grams in plates if plate_id in self._plates]
        if not known:
            return None
        total = sum(grams for _, grams in known)
        weights = [grams / total if total > 0 else 1.0 / len(known) for _, grams in known]
        fixture = known[max(range(len(known)), key=lambda i: (weights[i], -i))][0][0]
        boxes = [(plate.box, weight) for (home, plate), weight in zip((k for k, _ in known), weights, strict=True)
                 if home is fixture]  # fmt: skip
        share = sum(weight for _, weight in boxes)
        middle = sum((box.x_m + box.dx_m / 2) * weight for box, weight in boxes) / share
        front = min(box.y_m for box, _ in boxes)
        grip = sum((box.z_m + min(box.dz_m / 2, GRIP_ABOVE_BOARD_M)) * weight for box, weight in boxes) / share
        felt = [box for box, weight in boxes if weight >= 0.1 * max(w for _, w in boxes)]
        half = (max(b.x_m + b.dx_m for b in felt) - min(b.x_m for b in felt)) / 2
        return Target(pose=fixture.pose, point=(middle, front + WRIST_DEPTH_M, grip), half_x_m=half)

    def clearance_m(self, point: tuple[float, float, float]) -> float:
        """Horizontal distance of a store-frame point to the nearest fixture's footprint, metres (0 inside)."""
        best = math.inf
        for fixture in self._fixtures:
            turn = math.radians(fixture.pose.rotation_deg)
            x, y = point[0] - fixture.pose.x_m, point[1] - fixture.pose.y_m
            along, deep = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
            dx = max(-along, along - fixture.dx_m, 0.0)
            dy = max(-deep, deep - fixture.dy_m, 0.0)
            best = min(best, math.hypot(dx, dy))
        return best

    def nearest_gate(self, x_m: float, y_m: float, *, leaving: bool) -> tuple[Gate, float] | None:
        """The nearest gate that lets people out (`leaving`) or in, and its distance in metres; None without gates."""
        closed = GateKind.ENTRY if leaving else GateKind.EXIT
        found = [(segment_distance((x_m, y_m), gate.a, gate.b), i, gate) for i, gate in enumerate(self.gates)
                 if gate.kind is not closed]  # fmt: skip
        if not found:
            return None
        distance, _, gate = min(found, key=lambda item: item[:2])
        return gate, distance

    def gate(self, gate_id: str) -> Gate | None:
        """A gate by its id."""
        return next((gate for gate in self.gates if gate.gate_id == gate_id), None)


def segment_distance(point: Point2, a: Point2, b: Point2) -> float:
    """Distance of a point to the segment a-b, metres."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    t = 0.0 if length2 == 0 else max(0.0, min(1.0, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length2))
    return math.hypot(point[0] - a[0] - t * dx, point[1] - a[1] - t * dy)
