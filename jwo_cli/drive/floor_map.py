"""A store's floor in characters: fixtures as blocks, gates as gaps, people as letters. Pure drawing, no terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jwo_cli.model.layout import Fixture, Point2, Store

# A character is about twice as high as it is wide.
ASPECT = 2.0
WALL, GATE, FIXTURE, BUSY, EMPTY = "·", "▒", "█", "▓", " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """From metres to cells: y grows upwards in the store and rows grow downwards on the screen."""

    left_m: float
    top_m: float
    metres_per_column: float
    columns: int
    rows: int

    def cell(self, x_m: float, y_m: float) -> tuple[int, int]:
        """(row, column) of a point, kept on the canvas."""
        column = round((x_m - self.left_m) / self.metres_per_column)
        row = round((self.top_m - y_m) / (self.metres_per_column * ASPECT))
        return min(max(row, 0), self.rows - 1), min(max(column, 0), self.columns - 1)


def canvas(store: Store, *, columns: int, rows: int) -> Canvas:
    """The largest canvas of the whole floor that fits into so many columns and rows."""
    points = [*store.floor, *(corner for fixture in store.fixtures for corner in footprint(fixture))]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    scale = max((max(xs) - min(xs)) / max(columns - 1, 1), (max(ys) - min(ys)) / max(rows - 1, 1) / ASPECT, 1e-6)
    return Canvas(
        left_m=min(xs),
        top_m=max(ys),
        metres_per_column=scale,
        columns=round((max(xs) - min(xs)) / scale) + 1,
        rows=round((max(ys) - min(ys)) / scale / ASPECT) + 1,
    )


def footprint(fixture: Fixture) -> tuple[Point2, ...]:
    """The four corners of a fixture on the floor, metres in the store frame."""
    corners = ((0.0, 0.0), (fixture.dx_m, 0.0), (fixture.dx_m, fixture.dy_m), (0.0, fixture.dy_m))
    return tuple(fixture.pose.apply(x, y)[:2] for x, y in corners)


def draw(store: Store, place: Canvas, *, people: Mapping[str, Point2], busy: Mapping[str, str]) -> list[str]:
    """The floor as lines of characters.

    `people` are letters and where they stand; `busy` are fixture ids where something just changed, and the mark that
    is drawn on them. People stand above everything, later ones above earlier ones.
    """
    cells = [[EMPTY] * place.columns for _ in range(place.rows)]
    for begin, end in zip(store.floor, (*store.floor[1:], *store.floor[:1]), strict=True):
        _line(cells, place, begin, end, WALL)
    for gate in store.gates:
        _line(cells, place, gate.a, gate.b, GATE)
    for fixture in store.fixtures:
        for x_m, y_m in _inside(fixture, place):
            row, column = place.cell(x_m, y_m)
            cells[row][column] = BUSY if fixture.fixture_id in busy else FIXTURE
        _label(cells, place, fixture, busy.get(fixture.fixture_id, fixture.fixture_id))
    for letter, (x_m, y_m) in people.items():
        row, column = place.cell(x_m, y_m)
        cells[row][column] = letter
    return ["".join(row) for row in cells]


def _line(cells: list[list[str]], place: Canvas, begin: Point2, end: Point2, mark: str) -> None:
    steps = max(1, math.ceil(math.dist(begin, end) / place.metres_per_column * 2))
    for step in range(steps + 1):
        part = step / steps
        row, column = place.cell(begin[0] + part * (end[0] - begin[0]), begin[1] + part * (end[1] - begin[1]))
        cells[row][column] = mark


def _inside(fixture: Fixture, place: Canvas) -> Iterator[Point2]:
    """Points inside a fixture, dense enough that every cell under it is met."""
    across = max(1, math.ceil(fixture.dx_m / place.metres_per_column * 2))
    deep = max(1, math.ceil(fixture.dy_m / place.metres_per_column * 2))
    for i in range(across + 1):
        for j in range(deep + 1):
            yield fixture.pose.apply(fixture.dx_m * i / across, fixture.dy_m * j / deep)[:2]


def _label(cells: list[list[str]], place: Canvas, fixture: Fixture, text: str) -> None:
    row, column = place.cell(*fixture.pose.apply(fixture.dx_m / 2, fixture.dy_m / 2)[:2])
    begin = min(max(column - len(text) // 2, 0), max(place.columns - len(text), 0))
    for offset, letter in enumerate(text[: place.columns]):
        cells[row][begin + offset] = letter
