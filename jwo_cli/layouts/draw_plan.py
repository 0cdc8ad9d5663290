"""The floor plan: walls, doors with their swing, fixtures with front and plates, zones, cameras, antennas, sizes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from jwo_cli.layouts.draw_legend import (
    DOORS,
    EYE,
    FRONT,
    KINDS,
    OTHER_KIND,
    RADIO,
    STAFF,
    VIEW_DEG,
    ZONE,
    side_column,
)  # fmt: skip
from jwo_cli.layouts.plane import area, bounds, edge_distance, edges, footprint, outside
from jwo_cli.layouts.sheet import INK, SOFT, Sheet, new_sheet, write
from jwo_cli.model.layout import Antenna, Camera, Fixture, Gate, GateKind, Point2, Store, Zone

if TYPE_CHECKING:
    from matplotlib.patches import Polygon

ROOM_M = 1.15  # around the floor, for dimension lines and door swings
WALL_M = 0.1
DIMENSION_M = 0.75


def draw_plan(store: Store, path: Path) -> None:
    """Write the floor plan of a store as .svg or .png."""
    sheet = plan_sheet(store)
    write(sheet, path)


def plan_sheet(store: Store) -> Sheet:
    """The page with the floor plan, not yet written."""
    points = [*store.floor, *(corner for fixture in store.fixtures for corner in footprint(fixture))]
    sheet = new_sheet(bounds(points), room_m=ROOM_M)
    outline = _floor(sheet, store)
    for zone in store.zones:
        _zone(sheet, zone, store)
    for camera in store.cameras:
        _view(sheet, camera, outline)
    for antenna in store.antennas:
        _field(sheet, antenna, outline)
    for fixture in store.fixtures:
        _fixture(sheet, fixture, store)
    for gate in store.gates:
        _gate(sheet, gate, store)
    for camera in store.cameras:
        _camera(sheet, camera)
    for antenna in store.antennas:
        _antenna(sheet, antenna)
    _dimensions(sheet, store)
    side_column(sheet, store)
    return sheet


def _floor(sheet: Sheet, store: Store) -> Polygon:
    """Walls, floor and metre grid; the floor's outline, to clip with. The walls are what shows around the floor."""
    from matplotlib.patches import Polygon

    sheet.plan.add_patch(Polygon(_widened(store), closed=True, facecolor=INK, edgecolor="none", zorder=0))
    outline = Polygon(store.floor, closed=True, facecolor="#fbfaf7", edgecolor="none", zorder=0.1)
    sheet.plan.add_patch(outline)
    west, south, east, north = bounds(store.floor)
    lines: list[tuple[list[float], list[float]]]
    lines = [([x, x], [south, north]) for x in range(math.ceil(west), math.floor(east) + 1)]
    lines += [([west, east], [y, y]) for y in range(math.ceil(south), math.floor(north) + 1)]
    for xs, ys in lines:
        drawn = sheet.plan.plot(xs, ys, color="#ebe8e0", linewidth=0.5, zorder=0.2)
        drawn[0].set_clip_path(outline)
    return outline


def _widened(store: Store) -> list[Point2]:
    """The floor with its walls: each corner moved out along the mitre, c + w (n1 + n2) / (1 + n1·n2)."""
    sides = edges(store.floor)
    corners = []
    for index, corner in enumerate(store.floor):
        one, two = _outward(*sides[index - 1], store), _outward(*sides[index], store)
        share = WALL_M / max(0.2, 1 + one[0] * two[0] + one[1] * two[1])
        corners.append((corner[0] + (one[0] + two[0]) * share, corner[1] + (one[1] + two[1]) * share))
    return corners


def _zone(sheet: Sheet, zone: Zone, store: Store) -> None:
    from matplotlib.patches import Polygon

    hatch, edge = ("////", STAFF) if zone.staff_only else (None, ZONE)
    sheet.plan.add_patch(
        Polygon(
            zone.polygon, closed=True, facecolor="none", edgecolor=edge, hatch=hatch, linewidth=0.9,
            linestyle=(0, (6, 3)), alpha=0.7, zorder=1,
        )
    )  # fmt: skip
    said = f"{zone.zone_id}\n(staff only)" if zone.staff_only else zone.zone_id
    _write(sheet, _free_spot(zone, store), said, size=8, colour=SOFT, style="italic")


def _free_spot(zone: Zone, store: Store) -> Point2:
    """The point of the zone farthest from its edges and from what stands or hangs there, on a grid of 15 × 15."""
    west, south, east, north = bounds(zone.polygon)
    grid = [
        (west + (east - west) * i / 16, south + (north - south) * j / 16) for i in range(1, 16) for j in range(1, 16)
    ]
    taken = [footprint(fixture) for fixture in store.fixtures]
    hanging = [(camera.pose.x_m, camera.pose.y_m) for camera in store.cameras]

    def room(point: Point2) -> float:
        if outside(point, zone.polygon) > 0:
            return -1.0
        return min(
            [
                edge_distance(point, zone.polygon),
                *(outside(point, other) for other in taken),
                *(math.dist(point, at) - 0.3 for at in hanging),
            ]
        )

    return max(grid, key=room)


def _fixture(sheet: Sheet, fixture: Fixture, store: Store) -> None:
    from matplotlib.patches import Polygon

    corners = footprint(fixture)
    face = KINDS.get(fixture.kind, OTHER_KIND)
    sheet.plan.add_patch(Polygon(corners, closed=True, facecolor=face, edgecolor=INK, linewidth=1.0, zorder=4))
    shelves = [shelf for bay in fixture.bays for shelf in bay.shelves]
    drawn: dict[tuple[float, float, float, float], None] = {}  # plates of all boards, seen from above
    for shelf in shelves:
        for plate in shelf.plates:
            box = plate.box
            drawn.setdefault((box.x_m, box.y_m, box.dx_m, box.dy_m))
    for x, y, dx, dy in drawn:
        cell = [fixture.pose.apply(*corner)[:2] for corner in ((x, y), (x + dx, y), (x + dx, y + dy), (x, y + dy))]
        sheet.plan.add_patch(Polygon(cell, closed=True, fill=False, edgecolor="#9b8f78", linewidth=0.5, zorder=4.1))
    for bay in fixture.bays[1:]:
        left = min((shelf.box.x_m for shelf in bay.shelves), default=0.0)
        (ax, ay, _), (bx, by, _) = fixture.pose.apply(left, 0.0), fixture.pose.apply(left, fixture.dy_m)
        sheet.plan.plot([ax, bx], [ay, by], color=INK, linewidth=1.0, zorder=4.2)
    if shelves:
        _front(sheet, fixture)
    _write(sheet, _name_spot(fixture, store), fixture.fixture_id, size=9, weight="bold", zorder=6)


def _name_spot(fixture: Fixture, store: Store) -> Point2:
    """The middle of the fixture, or beside it where a sensor hangs over the middle."""
    poses = [*(camera.pose for camera in store.cameras), *(antenna.pose for antenna in store.antennas)]
    hanging = [(pose.x_m, pose.y_m) for pose in poses]
    for share in (0.5, 0.3, 0.7):
        x, y, _ = fixture.pose.apply(fixture.dx_m * share, fixture.dy_m / 2)
        if all(math.dist((x, y), other) > 0.4 for other in hanging):
            return x, y
    return x, y


def _front(sheet: Sheet, fixture: Fixture) -> None:
    """A coloured line along the front and a small arrow towards the shopper."""
    from matplotlib.patches import Polygon

    (ax, ay, _), (bx, by, _) = fixture.pose.apply(0.0, 0.0), fixture.pose.apply(fixture.dx_m, 0.0)
    sheet.plan.plot([ax, bx], [ay, by], color=FRONT, linewidth=2.6, solid_capstyle="butt", zorder=5)
    middle, size = fixture.dx_m / 2, 0.07 * sheet.scale / 50
    tip = [
        fixture.pose.apply(x, y)[:2] for x, y in ((middle - size, -0.02), (middle + size, -0.02), (middle, -1.6 * size))
    ]
    sheet.plan.add_patch(Polygon(tip, closed=True, facecolor=FRONT, edgecolor="none", zorder=5))


def _gate(sheet: Sheet, gate: Gate, store: Store) -> None:
    """The opening in the wall, two leaves with their swing, and an arrow the way people walk."""
    from matplotlib.patches import Arc, Polygon

    out = _gate_outward(gate, store)
    hole = [gate.a, gate.b, _moved(gate.b, out, WALL_M), _moved(gate.a, out, WALL_M)]
    sheet.plan.add_patch(Polygon(hole, closed=True, facecolor="white", edgecolor="white", linewidth=1.2, zorder=3.5))
    colour, half = DOORS[gate.kind], math.dist(gate.a, gate.b) / 2
    inward = gate.kind is GateKind.ENTRY
    side = (-out[0], -out[1]) if inward else out
    for post, other in ((gate.a, gate.b), (gate.b, gate.a)):
        leaf = _moved(post, side, half)
        sheet.plan.plot([post[0], leaf[0]], [post[1], leaf[1]], color=colour, linewidth=1.6, zorder=5.5)
        closed = math.degrees(math.atan2(other[1] - post[1], other[0] - post[0]))
        opened = math.degrees(math.atan2(side[1], side[0]))
        begin, end = (closed, opened) if (opened - closed) % 360 <= 180 else (opened, closed)
        arc = Arc(post, 2 * half, 2 * half, theta1=begin, theta2=end, edgecolor=colour, linewidth=0.8, zorder=5.5)
        sheet.plan.add_patch(arc)
    middle = ((gate.a[0] + gate.b[0]) / 2, (gate.a[1] + gate.b[1]) / 2)
    outer, inner = _moved(middle, out, 0.42), _moved(middle, out, -0.42)
    style = "<|-|>" if gate.kind is GateKind.BOTH else "-|>"
    start, end_point = (outer, inner) if inward else (inner, outer)
    sheet.plan.annotate(
        "", xy=end_point, xytext=start, zorder=5.6,
        arrowprops={"arrowstyle": style, "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    said = {GateKind.ENTRY: "ENTRY", GateKind.EXIT: "EXIT", GateKind.BOTH: "IN / OUT"}[gate.kind]
    spot = _moved(middle, out, 0.58 if inward else -0.58)
    _write(sheet, spot, f"{said}  {gate.gate_id}  {2 * half:.2f}", size=7.5, colour=colour, zorder=7)


def _view(sheet: Sheet, camera: Camera, outline: Polygon) -> None:
    """What a camera sees of the floor, as a wedge that ends a little behind its look-at point."""
    from matplotlib.patches import Wedge

    dx, dy = camera.look_at[0] - camera.pose.x_m, camera.look_at[1] - camera.pose.y_m
    view = VIEW_DEG
    if camera.intrinsics and camera.intrinsics[0] > 0:
        view = 2 * math.degrees(math.atan(camera.width_px / 2 / camera.intrinsics[0]))
    middle = math.degrees(math.atan2(dy, dx))
    wedge = Wedge(
        (camera.pose.x_m, camera.pose.y_m), math.hypot(dx, dy) * 1.35, middle - view / 2, middle + view / 2,
        facecolor=EYE, edgecolor=EYE, alpha=0.09, linewidth=0.8, zorder=2,
    )  # fmt: skip
    sheet.plan.add_patch(wedge)
    wedge.set_clip_path(outline)


def _camera(sheet: Sheet, camera: Camera) -> None:
    from matplotlib.patches import Polygon

    x, y = camera.pose.x_m, camera.pose.y_m
    dx, dy = camera.look_at[0] - x, camera.look_at[1] - y
    length = math.hypot(dx, dy) or 1.0
    ux, uy, size = dx / length, dy / length, 0.1 * sheet.scale / 50
    body = [(x + ux * size * f - uy * size * s, y + uy * size * f + ux * size * s) for f, s in
            ((-0.9, -0.6), (0.9, -0.6), (1.7, -1.0), (1.7, 1.0), (0.9, 0.6), (-0.9, 0.6))]  # fmt: skip
    sheet.plan.add_patch(Polygon(body, closed=True, facecolor=EYE, edgecolor="white", linewidth=0.5, zorder=7))
    spot = (x + ux * 3.6 * size, y + uy * 3.6 * size)
    _write(sheet, spot, f"{camera.camera_id}  z {camera.pose.z_m:.1f}", size=6.5, colour=EYE, zorder=7)


def _field(sheet: Sheet, antenna: Antenna, outline: Polygon) -> None:
    from matplotlib.patches import Circle

    place = (antenna.pose.x_m, antenna.pose.y_m)
    disc = Circle(place, antenna.range_m, facecolor=RADIO, edgecolor="none", alpha=0.06, zorder=2)
    ring = Circle(place, antenna.range_m, fill=False, edgecolor=RADIO, linewidth=0.8, linestyle=(0, (3, 3)), zorder=2.1)
    for patch in (disc, ring):
        sheet.plan.add_patch(patch)
        patch.set_clip_path(outline)


def _antenna(sheet: Sheet, antenna: Antenna) -> None:
    from matplotlib.patches import Arc, Rectangle

    x, y, size = antenna.pose.x_m, antenna.pose.y_m, 0.09 * sheet.scale / 50
    sheet.plan.add_patch(
        Rectangle(
            (x - size, y - size / 3), 2 * size, size / 1.5, facecolor=RADIO, edgecolor="white", linewidth=0.5, zorder=7
        )
    )
    for ring in (1.2, 2.0):
        sheet.plan.add_patch(
            Arc(
                (x, y),
                2 * ring * size,
                2 * ring * size,
                theta1=220,
                theta2=320,
                edgecolor=RADIO,
                linewidth=1.0,
                zorder=7,
            )
        )
    _write(sheet, (x + 3.2 * size, y + 0.2 * size), antenna.antenna_id, size=6.5, colour=RADIO, zorder=7)


def _dimensions(sheet: Sheet, store: Store) -> None:
    """A dimension line outside each wall."""
    for a, b in edges(store.floor):
        length = math.dist(a, b)
        if length < 0.3:
            continue
        out = _outward(a, b, store)
        start, end = _moved(a, out, DIMENSION_M), _moved(b, out, DIMENSION_M)
        for post, tip in ((a, start), (b, end)):
            near, far = _moved(post, out, WALL_M + 0.08), _moved(tip, out, 0.06)
            sheet.plan.plot([near[0], far[0]], [near[1], far[1]], color=SOFT, linewidth=0.5, zorder=3)
        sheet.plan.annotate(
            "", xy=end, xytext=start, zorder=3,
            arrowprops={"arrowstyle": "<|-|>", "color": SOFT, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        turn = _upright(math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])))
        _write(sheet, middle, f"{length:.2f}", size=8.5, turn=turn, zorder=4, box=True)


def _write(
    sheet: Sheet, at: Point2, text: str, *, size: float, colour: str = INK, turn: float = 0.0, zorder: float = 5,
    style: str = "normal", weight: str = "normal", box: bool = False,
) -> None:  # fmt: skip
    """Centred text on a white ground, so that it can be read over lines (a halo would turn SVG text into paths)."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5 if box else 0.8, "alpha": 1.0 if box else 0.65}
    sheet.plan.text(
        *at, text, fontsize=size, color=colour, rotation=turn, rotation_mode="anchor", ha="center", va="center",
        fontstyle=style, fontweight=weight, zorder=zorder, linespacing=1.25, bbox=ground,
    )  # fmt: skip


def _upright(turn_deg: float) -> float:
    """The same direction, but never upside down."""
    turn = (turn_deg + 180) % 360 - 180
    return turn - 180 if turn > 90 else turn + 180 if turn <= -90 else turn


def _along(a: Point2, b: Point2) -> Point2:
    length = math.dist(a, b) or 1.0
    return ((b[0] - a[0]) / length, (b[1] - a[1]) / length)


def _outward(a: Point2, b: Point2, store: Store) -> Point2:
    """Unit vector out of the store at a wall."""
    ux, uy = _along(a, b)
    return (uy, -ux) if area(store.floor) > 0 else (-uy, ux)


def _gate_outward(gate: Gate, store: Store) -> Point2:
    """Outwards at the wall that the gate is nearest to."""
    middle = ((gate.a[0] + gate.b[0]) / 2, (gate.a[1] + gate.b[1]) / 2)

    def distance(edge: tuple[Point2, Point2]) -> float:
        (ax, ay), _ = edge
        ux, uy = _along(*edge)
        share = min(math.dist(*edge), max(0.0, (middle[0] - ax) * ux + (middle[1] - ay) * uy))
        return math.hypot(middle[0] - ax - share * ux, middle[1] - ay - share * uy)

    return _outward(*min(edges(store.floor), key=distance), store)


def _moved(point: Point2, direction: Point2, distance: float) -> Point2:
    return (point[0] + direction[0] * distance, point[1] + direction[1] * distance)
