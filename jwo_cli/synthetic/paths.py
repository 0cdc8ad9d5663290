"""Ways over the floor: shortest on a grid of 10 cm that keeps off fixtures, then rounded as people walk.

Cells within 0.45 m of a fixture cost more: in the recordings people retreat to about 0.9 m from the shelves to walk.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Store

from .draws import Floats
from .places import Point, corners

CELL_M = 0.1
MARGIN_M = 0.18
SHY_M = 0.55
REMEMBERED = 512  # ways
_MOVES = [(dx, dy, math.hypot(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]


class Floor:
    """A store's floor as a grid of costs; finds ways between points and remembers them."""

    def __init__(self, store: Store) -> None:
        xs, ys = [x for x, _ in store.floor], [y for _, y in store.floor]
        self._x, self._y = min(xs) - 0.5, min(ys) - 0.5
        self._shape = (int((max(xs) + 0.5 - self._x) / CELL_M) + 1, int((max(ys) + 0.5 - self._y) / CELL_M) + 1)
        cost = self._costs(store)
        # a wall around the grid, so that the search needs no test for its edge
        cost[[0, -1], :] = cost[:, [0, -1]] = math.inf
        self._flat: list[float] = cost.ravel().tolist()
        self._moves = [(dx * self._shape[1] + dy, length) for dx, dy, length in _MOVES]
        self._known: dict[tuple[int, int, int, int], Floats] = {}

    def _costs(self, store: Store) -> NDArray[np.float64]:
        x: Floats = self._x + CELL_M * np.arange(self._shape[0], dtype=np.float64)[:, None]
        y: Floats = self._y + CELL_M * np.arange(self._shape[1], dtype=np.float64)[None, :]
        # outside costs much, not everything: the doors lead there; so do a fixture's cells, where a body may end
        cost = np.where(_within(x, y, store.floor), 1.0, 12.0)
        for margin, price in ((SHY_M, 3.0), (MARGIN_M, 60.0)):
            for fixture in store.fixtures:
                cost[_within(x, y, corners(fixture, margin))] = price
        return cost

    def _point(self, i: int, j: int) -> Point:
        return (self._x + i * CELL_M, self._y + j * CELL_M)

    def _cell(self, point: Point) -> tuple[int, int]:
        i, j = round((point[0] - self._x) / CELL_M), round((point[1] - self._y) / CELL_M)
        return (min(max(i, 1), self._shape[0] - 2), min(max(j, 1), self._shape[1] - 2))

    def way(self, start: Point, end: Point) -> Floats:
        """Points [n, 2] from start to end about 5 cm apart, rounded; n ≥ 2."""
        a, b = self._cell(start), self._cell(end)
        key = (*a, *b)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._search(a, b)
        return rounded(np.concatenate([[start], self._known[key][1:-1], [end]]))

    def _search(self, a: tuple[int, int], b: tuple[int, int]) -> Floats:
        """A* over eight neighbours on flat indices; ties fall to the lower cell number."""
        wide = self._shape[1]
        start, goal = a[0] * wide + a[1], b[0] * wide + b[1]
        price, moves, (goal_i, goal_j) = self._flat, self._moves, b
        best, came, closed = {start: 0.0}, {start: start}, bytearray(len(price))
        queue = [(0.0, start)]
        while queue:
            _, here = heapq.heappop(queue)
            if here == goal:
                break
            if closed[here]:
                continue
            closed[here] = 1
            so_far = best[here]
            for step, length in moves:
                there = here + step
                cost = so_far + length * price[there]
                if not closed[there] and cost < best.get(there, math.inf):
                    best[there], came[there] = cost, here
                    i, j = divmod(there, wide)
                    heapq.heappush(queue, (cost + math.hypot(i - goal_i, j - goal_j), there))
        cells = [goal]
        while cells[-1] != start:
            cells.append(came[cells[-1]])
        return np.array([self._point(*divmod(cell, wide)) for cell in reversed(cells)])


def _within(x: Floats, y: Floats, polygon: Sequence[Point]) -> NDArray[np.bool_]:
    """Which points of a grid lie in a polygon (even-odd rule); x [n, 1], y [1, m] -> [n, m]."""
    odd = np.zeros((x.shape[0], y.shape[1]), dtype=bool)
    for i, (ax, ay) in enumerate(polygon):
        bx, by = polygon[i - 1]
        if ay != by:
            odd ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd


def rounded(points: Floats) -> Floats:
    """The polyline resampled every 5 cm and smoothed over half a metre, its ends kept; [n, 2]."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if along[-1] < 1e-6:
        return np.stack([points[0], points[-1]])
    where = np.linspace(0.0, along[-1], max(int(along[-1] / 0.05) + 1, 2))
    even = np.stack([np.interp(where, along, points[:, 0]), np.interp(where, along, points[:, 1])], axis=1)
    half = min(6, (len(even) - 1) // 2)
    if half < 1:
        return even
    padded = np.concatenate([np.repeat(even[:1], half, axis=0), even, np.repeat(even[-1:], half, axis=0)])
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    soft = np.stack([np.convolve(padded[:, k], kernel, "valid") for k in range(2)], axis=1)
    soft[0], soft[-1] = even[0], even[-1]
    return soft
