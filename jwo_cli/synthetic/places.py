"""Where a body stands and a hand goes to reach a plate, and where people come in and go out.

Measured at the 70 true picks and puts of nanostore-dev: the wrist is at the plate's front edge (±3 cm
along the shelf and in height), 12 cm above the board but never below 0.42 m nor above 1.62 m; the neck is
0.29 m (lowest shelves) to 0.46 m (from 1 m up) before the fixture and 5-20 cm to one side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jwo_cli.model.layout import Fixture, GateKind, Store

from .draws import Floats, between, pick_one

Point = tuple[float, float]
HEIGHT_M = (0.42, 0.75, 1.15, 1.4)  # of the target
STOOP_M = (0.66, 0.33, 0.07, 0.0)  # how far head and neck come down for it
STAND_M = (0.29, 0.36, 0.46, 0.46)  # how far before the fixture's front the neck is


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place to reach: the point for the hand, the fixture's frame there, and how far to stand away."""

    hand: tuple[float, float, float]
    along: Point  # unit vector along the front, to the right as the fixture's local x
    inward: Point  # unit vector into the fixture
    front: Point  # foot of the hand's point on the fixture's front
    stand_m: float

    def stand(self, aside_m: float) -> Point:
        """Where the neck is when the body stands `aside_m` along the front."""
        return (
            self.front[0] + aside_m * self.along[0] - self.stand_m * self.inward[0],
            self.front[1] + aside_m * self.along[1] - self.stand_m * self.inward[1],
        )

    @property
    def heading(self) -> float:
        """Direction that faces the fixture, radians."""
        return math.atan2(self.inward[1], self.inward[0])


def stoop_m(height_m: float) -> float:
    """How far head and neck come down to reach this height."""
    return float(np.interp(height_m, HEIGHT_M, STOOP_M))


def target(store: Store, plate_ids: Sequence[str], shares: Sequence[float], rng: np.random.Generator) -> Target:
    """The point where a hand takes something that stands on these plates with these shares of its weight."""
    plates = store.plates()
    fixture, shelf, first = plates[plate_ids[0]]
    boxes = [plates[plate_id][2].box for plate_id in plate_ids]
    x = sum(share * (box.x_m + box.dx_m / 2) for box, share in zip(boxes, shares, strict=True))
    edge = min(plate.box.y_m for plate in shelf.plates)
    height = float(np.clip(first.box.z_m + 0.12, 0.42, 1.62)) + float(rng.normal(0.0, 0.03))
    hx, hy, _ = fixture.pose.apply(x + float(rng.normal(0.0, 0.025)), edge + float(rng.normal(0.0, 0.025)))
    fx, fy, _ = fixture.pose.apply(x, edge)
    along, inward = _axes(fixture)
    return Target(
        hand=(hx, hy, height),
        along=along,
        inward=inward,
        front=(fx, fy),
        stand_m=float(np.interp(height, HEIGHT_M, STAND_M)) + between(rng, -0.05, 0.05),
    )


def _axes(fixture: Fixture) -> tuple[Point, Point]:
    turn = math.radians(fixture.pose.rotation_deg)
    return (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))


def corners(fixture: Fixture, margin_m: float = 0.0) -> tuple[Point, ...]:
    """The fixture's outline on the floor, grown by a margin."""
    low, right, back = -margin_m, fixture.dx_m + margin_m, fixture.dy_m + margin_m
    return tuple(fixture.pose.apply(x, y)[:2] for x, y in ((low, low), (right, low), (right, back), (low, back)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The way in and out: a point inside each door, one just outside, and the gates' names where there are any."""

    entry_inside: Point
    entry_outside: Point
    exit_inside: Point
    exit_outside: Point
    entry_gate: str | None = None
    exit_gate: str | None = None


def doors(store: Store) -> Doors:
    """From the gates; a store without any (the nanostore's documents name none) is left as its people left it."""
    ins = [gate for gate in store.gates if gate.kind in {GateKind.ENTRY, GateKind.BOTH}]
    outs = [gate for gate in store.gates if gate.kind in {GateKind.EXIT, GateKind.BOTH}]
    if ins and outs:
        entry_in, entry_out = _beside(store, ins[0].a, ins[0].b)
        exit_in, exit_out = _beside(store, outs[0].a, outs[0].b)
        return Doors(
            entry_inside=entry_in,
            entry_outside=entry_out,
            exit_inside=exit_in,
            exit_outside=exit_out,
            entry_gate=ins[0].gate_id,
            exit_gate=outs[0].gate_id,
        )
    # nanostore: tracks end at x = 0.25-0.4, y = -1.6 to -2.0
    left = min(x for x, _ in store.floor) + 0.75
    low = min(y for _, y in store.floor)
    inside, outside = (left, low + 1.5), (left + 0.05, low + 0.5)
    return Doors(entry_inside=inside, entry_outside=outside, exit_inside=inside, exit_outside=outside)


def _beside(store: Store, a: Point, b: Point) -> tuple[Point, Point]:
    """A point 0.7 m inside the floor and one 0.4 m outside it, on the middle of a door."""
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    normal = (-(b[1] - a[1]) / length, (b[0] - a[0]) / length)
    candidate = (middle[0] + 0.7 * normal[0], middle[1] + 0.7 * normal[1])
    sign = 1.0 if inside(candidate, store.floor) else -1.0
    return (
        (middle[0] + 0.7 * sign * normal[0], middle[1] + 0.7 * sign * normal[1]),
        (middle[0] - 0.4 * sign * normal[0], middle[1] - 0.4 * sign * normal[1]),
    )


def inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether a point lies in a polygon (even-odd rule)."""
    x, y = point
    odd = False
    for i, (ax, ay) in enumerate(polygon):
        bx, by = polygon[i - 1]
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


def somewhere(store: Store, rng: np.random.Generator) -> Point:
    """A place to stand in the aisles, 0.5-1.0 m before a fixture."""
    stocked = [
        fixture for fixture in store.fixtures if any(shelf.plates for bay in fixture.bays for shelf in bay.shelves)
    ]
    fixture = pick_one(rng, stocked)
    x, y, _ = fixture.pose.apply(between(rng, 0.0, fixture.dx_m), -between(rng, 0.5, 1.0))
    return (x, y)


def distance(a: Point, b: Point) -> float:
    """Metres between two points of the floor."""
    return math.hypot(a[0] - b[0], a[1] - b[1])


def as_array(points: Sequence[Point]) -> Floats:
    """[n, 2] metres."""
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)
