"""Ways over the floor: shortest on a grid of 10 cm that keeps off fixtures, then rounded as people walk.

Cells within 0.45 m of a fixture cost more: in the recordings people retreat to about 0.9 m from the shelves to walk.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Store

from .draws import Floats
from .places import Point, corners, inside

CELL_M = 0.1
MARGIN_M = 0.18
SHY_M = 0.55
_MOVES = [(dx, dy, math.hypot(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]


class Floor:
    """A store's floor as a grid of costs; finds ways between points and remembers them."""

    def __init__(self, store: Store) -> None:
        xs, ys = [x for x, _ in store.floor], [y for _, y in store.floor]
        self._x, self._y = min(xs) - 0.5, min(ys) - 0.5
        self._shape = (int((max(xs) + 0.5 - self._x) / CELL_M) + 1, int((max(ys) + 0.5 - self._y) / CELL_M) + 1)
        self._cost = self._costs(store)
        self._known: dict[tuple[int, int, int, int], tuple[Point, ...]] = {}

    def _costs(self, store: Store) -> NDArray[np.float64]:
        hard = [corners(fixture, MARGIN_M) for fixture in store.fixtures]
        shy = [corners(fixture, SHY_M) for fixture in store.fixtures]
        cost = np.ones(self._shape)
        for i in range(self._shape[0]):
            for j in range(self._shape[1]):
                point = self._point(i, j)
                if any(inside(point, polygon) for polygon in hard):
                    cost[i, j] = 60.0  # not infinite: a body may start or end close to a fixture
                elif any(inside(point, polygon) for polygon in shy):
                    cost[i, j] = 3.0
                elif not inside(point, store.floor):
                    cost[i, j] = 12.0  # outside: only through the doors, where nothing else leads
        return cost

    def _point(self, i: int, j: int) -> Point:
        return (self._x + i * CELL_M, self._y + j * CELL_M)

    def _cell(self, point: Point) -> tuple[int, int]:
        i, j = round((point[0] - self._x) / CELL_M), round((point[1] - self._y) / CELL_M)
        return (min(max(i, 0), self._shape[0] - 1), min(max(j, 0), self._shape[1] - 1))

    def way(self, start: Point, end: Point) -> Floats:
        """Points [n, 2] from start to end about 5 cm apart, rounded; n ≥ 2."""
        a, b = self._cell(start), self._cell(end)
        key = (*a, *b)
        if key not in self._known:
            self._known[key] = self._search(a, b)
        middle = self._known[key][1:-1]
        return rounded([start, *middle, end])

    def _search(self, a: tuple[int, int], b: tuple[int, int]) -> tuple[Point, ...]:
        """A* over eight neighbours; ties fall to the lower cell number."""
        best = {a: 0.0}
        came: dict[tuple[int, int], tuple[int, int]] = {}
        queue = [(0.0, a)]
        while queue:
            _, here = heapq.heappop(queue)
            if here == b:
                break
            for dx, dy, length in _MOVES:
                there = (here[0] + dx, here[1] + dy)
                if not (0 <= there[0] < self._shape[0] and 0 <= there[1] < self._shape[1]):
                    continue
                cost = best[here] + length * float(self._cost[there])
                if cost < best.get(there, math.inf) - 1e-9:
                    best[there], came[there] = cost, here
                    heapq.heappush(queue, (cost + math.hypot(there[0] - b[0], there[1] - b[1]), there))
        cells = [b]
        while cells[-1] in came and cells[-1] != a:
            cells.append(came[cells[-1]])
        return tuple(self._point(*cell) for cell in reversed(cells))


def rounded(points: list[Point]) -> Floats:
    """The polyline resampled every 5 cm and smoothed over half a metre, its ends kept; [n, 2]."""
    line = np.asarray(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if along[-1] < 1e-6:
        return np.stack([line[0], line[-1]])
    where = np.linspace(0.0, along[-1], max(int(along[-1] / 0.05) + 1, 2))
    even = np.stack([np.interp(where, along, line[:, 0]), np.interp(where, along, line[:, 1])], axis=1)
    half = min(6, (len(even) - 1) // 2)
    if half < 1:
        return even
    padded = np.concatenate([np.repeat(even[:1], half, axis=0), even, np.repeat(even[-1:], half, axis=0)])
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    soft = np.stack([np.convolve(padded[:, k], kernel, "valid") for k in range(2)], axis=1)
    soft[0], soft[-1] = even[0], even[-1]
    return soft
