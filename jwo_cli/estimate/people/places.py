"""Where hands must be: plates, shelves and gates as arrays, once per store.

A reach is judged in the frame of its fixture, where x runs along the shelf, y is depth (the front at the smaller y)
and z is up, so that one model serves fixtures at any angle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Box, Fixture, Gate, GateKind, Plate, Point2, Pose, Store

Floats = NDArray[np.float64]

# Hands meet goods above the board: half way up the compartment, but a person takes things by their middle and few
# are taller than 24 cm. At the 69 takes of the development cases the wrist is 12 cm above the board (top shelf too).
GRIP_ABOVE_BOARD_M = 0.12
# Wrists stay about at the front edge (2 cm inside at those takes): the hand reaches in, the wrist does not.
WRIST_DEPTH_M = 0.02

APART_M = 0.15
LEAST_SHARE = 0.1  # plates that felt less are crosstalk


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


@dataclass(frozen=True, slots=True)
class _Felt:
    """A plate and its share of a change."""

    order: int
    fixture: Fixture
    box: Box
    share: float

    def near(self, left: _Felt) -> bool:
        """Whether this plate continues what stands on the one to its left."""
        same = left.order == self.order and abs(left.box.z_m - self.box.z_m) < 0.02
        return same and self.box.x_m - (left.box.x_m + left.box.dx_m) <= APART_M


def _target(group: Sequence[_Felt]) -> Target:
    share = sum(felt.share for felt in group) or 1.0
    middle = sum((felt.box.x_m + felt.box.dx_m / 2) * felt.share for felt in group) / share
    grip = sum((felt.box.z_m + min(felt.box.dz_m / 2, GRIP_ABOVE_BOARD_M)) * felt.share for felt in group) / share
    most = max(felt.share for felt in group)
    wide = [felt.box for felt in group if felt.share >= LEAST_SHARE * most]
    half = (max(box.x_m + box.dx_m for box in wide) - min(box.x_m for box in wide)) / 2
    front = min(felt.box.y_m for felt in group)
    return Target(pose=group[0].fixture.pose, point=(middle, front + WRIST_DEPTH_M, grip), half_x_m=half)


class Places:
    """A store's plates, shelves and gates, ready for questions about distance."""

    def __init__(self, store: Store) -> None:
        self._plates: dict[str, tuple[Fixture, Plate]] = {
            plate_id: (fixture, plate) for plate_id, (fixture, _, plate) in store.plates().items()
        }
        self._shelf_plates = {shelf.shelf_id: tuple(p.plate_id for p in shelf.plates) for _, shelf in store.shelves()}
        self._fixtures = store.fixtures
        self._order = {fixture.fixture_id: i for i, fixture in enumerate(store.fixtures)}
        self._lowest = {fixture.fixture_id: math.inf for fixture in store.fixtures}
        for fixture, plate in self._plates.values():
            height = plate.box.z_m + fixture.pose.z_m
            self._lowest[fixture.fixture_id] = min(self._lowest[fixture.fixture_id], height)
        self.gates = store.gates

    def plates_of_shelf(self, shelf_id: str) -> tuple[str, ...]:
        """Ids of a shelf's plates in order; empty for an unknown shelf."""
        return self._shelf_plates.get(shelf_id, ())

    def around(self, plates: Sequence[str]) -> frozenset[str]:
        """These plates and their neighbours on their shelves."""
        found = set(plates)
        for own in self._shelf_plates.values():
            for left, right in itertools.pairwise(own):
                if left in plates or right in plates:
                    found |= {left, right}
        return frozenset(found)

    def targets(self, plates: Sequence[tuple[str, float]]) -> tuple[tuple[float, Target], ...]:
        """The targets of a change from (plate_id, |grams|), each with its share of what was felt.

        A thing that stands on two plates presses on both in proportion, so their weighted middle is where it stood.
        Plates farther than APART_M from each other, or on other shelves, are targets of their own. Empty when no plate
        is known.
        """
        known = [(*self._plates[plate_id], abs(grams)) for plate_id, grams in plates if plate_id in self._plates]
        total = sum(grams for _, _, grams in known)
        felt = [
            _Felt(self._order[fixture.fixture_id], fixture, plate.box, grams / total if total > 0 else 1 / len(known))
            for fixture, plate, grams in known
        ]
        groups: list[list[_Felt]] = []
        for one in sorted(felt, key=lambda f: (f.order, f.box.z_m, f.box.x_m)):
            if groups and one.near(groups[-1][-1]):
                groups[-1].append(one)
            else:
                groups.append([one])
        return tuple(
            (share, _target(group)) for group in groups if (share := sum(f.share for f in group)) >= LEAST_SHARE
        )

    def by_fixture(self, plates: Sequence[str]) -> tuple[tuple[tuple[str, Target], ...], ...]:
        """Each known plate alone as a target, grouped by fixture, in order of the store's fixtures."""
        groups: dict[int, list[tuple[str, Target]]] = {}
        for plate_id in plates:
            if plate_id in self._plates:
                fixture, plate = self._plates[plate_id]
                target = _target([_Felt(self._order[fixture.fixture_id], fixture, plate.box, 1.0)])
                groups.setdefault(self._order[fixture.fixture_id], []).append((plate_id, target))
        return tuple(tuple(groups[order]) for order in sorted(groups))

    def clearance_m(self, point: tuple[float, float, float]) -> float:
        """Horizontal distance of a store-frame point to the nearest fixture's footprint, metres (0 inside)."""
        return self.under(point)[0]

    def under(self, point: tuple[float, float, float]) -> tuple[float, float]:
        """`clearance_m` of a point, and the height of that fixture's lowest plate (infinite without), metres."""
        best, board = math.inf, math.inf
        for fixture in self._fixtures:
            turn = math.radians(fixture.pose.rotation_deg)
            x, y = point[0] - fixture.pose.x_m, point[1] - fixture.pose.y_m
            along, deep = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
            dx = max(-along, along - fixture.dx_m, 0.0)
            dy = max(-deep, deep - fixture.dy_m, 0.0)
            away = math.hypot(dx, dy)
            if away < best:
                best, board = away, self._lowest[fixture.fixture_id]
        return best, board

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
