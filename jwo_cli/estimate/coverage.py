"""Which parts of a store how many cameras see: the floor where people walk, and the shelves where hands reach in.

A place on the floor is seen by a camera that sees at least two of a person's knees, hips and shoulders standing there,
with 40 pixels a metre (a person 70 px tall: detectors lose smaller ones). A spot of a shelf is seen by a camera that
sees its opening, where the hand goes in, with 80 pixels a metre (a hand of 8 px: enough for its place, not for a grip).
Two cameras are wanted, because depth needs two and people hide things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.coverage_sight import Solids, Watcher, sees
from jwo_cli.model.layout import Store

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

BODY_M = (0.45, 0.95, 1.4)  # knees, hips, shoulders
BODY_PARTS = 2
PERSON_PX_M, HAND_PX_M = 40.0, 80.0
IN_FRONT_M = 0.05
SHELF_STEP_M = 0.1
CELL_M = 0.1
MOST_CELLS = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What should be seen. `cells` [f, 2] middles of floor cells of side `cell_m`, at grid places `grid` [f, 2].

    `openings` [s, 3] are spots of shelf openings; spot i is on shelf `shelf[i]` (index into `shelves`, as fixture and
    shelf ids) at `along[i]`, 0 left to 1 right as a shopper sees it, on `span[i]` metres of front.
    """

    cell_m: float
    cells: Floats
    grid: Ints
    openings: Floats
    shelf: Ints
    along: Floats
    span: Floats
    shelves: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.cells) + len(self.openings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What each camera sees of the targets: `floor` [cameras, f] and `shelf` [cameras, s]."""

    names: tuple[str, ...]
    floor: Flags
    shelf: Flags

    def floor_count(self) -> Ints:
        """How many cameras see each floor cell [f]."""
        return np.asarray(self.floor.sum(axis=0), dtype=np.int64)

    def shelf_count(self) -> Ints:
        """How many cameras see each spot of a shelf [s]."""
        return np.asarray(self.shelf.sum(axis=0), dtype=np.int64)


def targets(store: Store, cell_m: float = CELL_M) -> Targets:
    """The floor where people can stand, cell by cell, and the fronts of all shelves, spot by spot.

    Large floors get larger cells, so that there are some thousands at most.
    """
    floor = np.array(store.floor)
    low, high = floor.min(axis=0), floor.max(axis=0)
    cell = max(cell_m, float(np.sqrt(np.prod(high - low) / MOST_CELLS)))
    steps = np.maximum(1, np.ceil((high - low) / cell - 1e-9).astype(int))
    column, row = np.meshgrid(np.arange(steps[0]), np.arange(steps[1]), indexing="ij")
    grid = np.column_stack([column.ravel(), row.ravel()])
    middles = low + (grid + 0.5) * cell
    free = within(middles, floor)
    for fixture in store.fixtures:
        free &= ~within(middles, _footprint(fixture.pose.apply, fixture.dx_m, fixture.dy_m))
    openings, shelf, along, span, names = _openings(store)
    return Targets(
        cell_m=cell, cells=middles[free], grid=grid[free].astype(np.int64), openings=openings, shelf=shelf,
        along=along, span=span, shelves=names,
    )  # fmt: skip


def _footprint(apply: object, wide: float, deep: float) -> Floats:
    corners = ((0.0, 0.0), (wide, 0.0), (wide, deep), (0.0, deep))
    return np.array([apply(x, y)[:2] for x, y in corners])  # type: ignore[operator]


def _openings(store: Store) -> tuple[Floats, Ints, Floats, Floats, tuple[tuple[str, str], ...]]:
    places: list[tuple[float, float, float]] = []
    shelf: list[int] = []
    along: list[float] = []
    span: list[float] = []
    names = []
    for number, (fixture, board) in enumerate(store.shelves()):
        names.append((fixture.fixture_id, board.shelf_id))
        count = max(1, round(board.box.dx_m / SHELF_STEP_M))
        for index in range(count):
            share = (index + 0.5) / count
            x = board.box.x_m + share * board.box.dx_m
            # The middle of the opening's height, just in front of it: where a hand goes in.
            height = min(board.box.dz_m, fixture.dz_m + 0.3 - board.box.z_m)
            places.append(
                fixture.pose.apply(x, min(board.box.y_m, 0.0) - IN_FRONT_M, board.box.z_m + max(height, 0) / 2)
            )
            shelf.append(number)
            along.append(share)
            span.append(board.box.dx_m / count)
    made = np.array(places, dtype=np.float64).reshape(-1, 3)
    return made, np.array(shelf, dtype=np.int64), np.array(along), np.array(span), tuple(names)


def cover(watchers: Sequence[Watcher], wanted: Targets, solids: Solids) -> Coverage:
    """What these cameras see of the targets."""
    floor = np.zeros((len(watchers), len(wanted.cells)), dtype=bool)
    shelf = np.zeros((len(watchers), len(wanted.openings)), dtype=bool)
    body = body_points(wanted)
    for index, watcher in enumerate(watchers):
        parts = sees(watcher, body, solids, PERSON_PX_M).reshape(len(BODY_M), -1)
        floor[index] = parts.sum(axis=0) >= BODY_PARTS
        shelf[index] = sees(watcher, wanted.openings, solids, HAND_PX_M)
    return Coverage(names=tuple(watcher.name for watcher in watchers), floor=floor, shelf=shelf)


def body_points(wanted: Targets) -> Floats:
    """Knees, hips and shoulders of somebody in each cell [3 · f, 3], the knees first."""
    return np.concatenate([np.column_stack([wanted.cells, np.full(len(wanted.cells), z)]) for z in BODY_M])


def share_seen(count: Ints, at_least: int) -> float:
    """The share of targets that at least so many cameras see; 1 without targets."""
    return float((count >= at_least).mean()) if len(count) else 1.0


def within(points: Floats, polygon: Floats) -> Flags:
    """Which points [n, 2] are inside a polygon [k, 2] (even-odd rule)."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    x, y = points[:, None, 0], points[:, None, 1]
    straddles = (a[None, :, 1] > y) != (b[None, :, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (b[:, 0] - a[:, 0]) * (y - a[:, 1]) / (b[:, 1] - a[:, 1]) + a[:, 0]
    return np.asarray((straddles & (x < at)).sum(axis=1) % 2 == 1)
