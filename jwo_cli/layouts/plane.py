"""Polygons on the floor plane: inside, crossing, overlapping. Metres; corners in order, either way round."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jwo_cli.model.layout import Fixture, Point2, Polygon


def footprint(fixture: Fixture) -> Polygon:
    """The four corners of a fixture on the floor: front left, front right, back right, back left."""
    corners = ((0.0, 0.0), (fixture.dx_m, 0.0), (fixture.dx_m, fixture.dy_m), (0.0, fixture.dy_m))
    return tuple(fixture.pose.apply(x, y)[:2] for x, y in corners)


def area(polygon: Sequence[Point2]) -> float:
    """Signed area by the shoelace formula, m²: positive when the corners run counter-clockwise."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in edges(polygon)) / 2


def edges(polygon: Sequence[Point2]) -> list[tuple[Point2, Point2]]:
    """Each corner with the next, the last with the first."""
    return [(polygon[index], polygon[(index + 1) % len(polygon)]) for index in range(len(polygon))]


def bounds(points: Sequence[Point2]) -> tuple[float, float, float, float]:
    """West, south, east, north."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def edge_distance(point: Point2, polygon: Sequence[Point2]) -> float:
    """Distance from a point to the polygon's nearest edge, metres."""
    return min(_segment_distance(point, a, b) for a, b in edges(polygon))


def outside(point: Point2, polygon: Sequence[Point2]) -> float:
    """How far a point lies outside a polygon, metres; 0 when inside or on the edge."""
    return 0.0 if _inside(point, polygon) else edge_distance(point, polygon)


def sticks_out(inner: Sequence[Point2], outer: Sequence[Point2]) -> float:
    """How far `inner` reaches beyond `outer`, metres: along its edges, and where corners of `outer` cut into it."""
    steps = 16  # an edge may leave a floor with notches although both its ends are on it
    along = [
        (ax + (bx - ax) * step / steps, ay + (by - ay) * step / steps)
        for (ax, ay), (bx, by) in edges(inner)
        for step in range(steps)
    ]
    notches = [edge_distance(point, inner) for point in outer if _inside(point, inner)]
    return max([*(outside(point, outer) for point in along), *notches])


def overlap(first: Sequence[Point2], second: Sequence[Point2]) -> float:
    """How deep two convex polygons overlap, metres (0: apart or touching), by the separating axis theorem."""
    depth = math.inf
    for (ax, ay), (bx, by) in (*edges(first), *edges(second)):
        length = math.hypot(bx - ax, by - ay)
        if length == 0:
            continue
        nx, ny = (by - ay) / length, (ax - bx) / length
        one = [nx * x + ny * y for x, y in first]
        two = [nx * x + ny * y for x, y in second]
        depth = min(depth, min(max(one), max(two)) - max(min(one), min(two)))
        if depth <= 0:
            return 0.0
    return depth


def self_crossing(polygon: Sequence[Point2]) -> tuple[int, int] | None:
    """Two edges (by their first corner's index) that cross or touch although they are no neighbours, or None."""
    sides = edges(polygon)
    for i, (a, b) in enumerate(sides):
        for j in range(i + 1, len(sides)):
            c, d = sides[j]
            neighbours = j == i + 1 or (i == 0 and j == len(sides) - 1)
            if neighbours:
                if _folds_back(a, b, c, d, first=j == i + 1):
                    return i, j
            elif _segments_meet(a, b, c, d):
                return i, j
    return None


def _folds_back(a: Point2, b: Point2, c: Point2, d: Point2, *, first: bool) -> bool:
    """Whether two neighbouring edges lie on top of each other."""
    corner, one, two = (b, a, d) if first else (a, b, c)
    ux, uy, vx, vy = one[0] - corner[0], one[1] - corner[1], two[0] - corner[0], two[1] - corner[1]
    return abs(ux * vy - uy * vx) < 1e-12 and ux * vx + uy * vy > 0


def _inside(point: Point2, polygon: Sequence[Point2]) -> bool:
    """Even-odd rule."""
    x, y = point
    within = False
    for (ax, ay), (bx, by) in edges(polygon):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            within = not within
    return within


def _segment_distance(point: Point2, a: Point2, b: Point2) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length
    share = min(1.0, max(0.0, share))
    return math.hypot(point[0] - a[0] - share * dx, point[1] - a[1] - share * dy)


def _segments_meet(a: Point2, b: Point2, c: Point2, d: Point2) -> bool:
    def side(p: Point2, q: Point2, r: Point2) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    one, two, three, four = side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
    if ((one > 0) != (two > 0)) and ((three > 0) != (four > 0)) and one * two != 0 and three * four != 0:
        return True
    ends = ((c, a, b), (d, a, b), (a, c, d), (b, c, d))
    return any(_segment_distance(point, p, q) < 1e-9 for point, p, q in ends)
