"""Metres and grams: numbers that make sense only in another unit are caught before they become distances.

Each quantity has a range that real shops stay in. A number beyond it is an error when inches, centimetres or
millimetres would bring it into the range, with the converted value; otherwise a warning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from jwo_cli.layouts.places import Places
from jwo_cli.layouts.plane import area, bounds, footprint
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.layout import Store
from jwo_cli.model.units import METRES_PER_INCH

UNITS = (("in", METRES_PER_INCH), ("cm", 0.01), ("mm", 0.001), ("ft", 0.3048))

PLATE_WIDTH, PLATE_DEPTH = (0.03, 1.0), (0.05, 1.3)
BOARD_HEIGHT, CLEAR_HEIGHT = (-0.01, 2.6), (0.04, 2.2)
WIDTH, DEPTH, HEIGHT = (0.1, 9.0), (0.1, 3.5), (0.2, 3.6)
GATE_WIDTH, CAMERA_HEIGHT, ANTENNA_RANGE = (0.4, 8.0), (0.5, 12.0), (0.05, 12.0)
FLOOR_SIDE = (1.2, 400.0)
# (kind, id, field), what it is, metres, plausible range
Measure = tuple[tuple[str, str, str], str, float, tuple[float, float]]

EMPTY_FLOOR = 150  # floor area over fixtures' area: markets have 2-10; inches beside metres make it 1,550 times larger


def check(store: Store, places: Places) -> list[Finding]:
    """Numbers out of any shop's range, in file order."""
    measured = (*_building(store), *_shelves(store), *_sensors(store))
    judged = (_judge(places, where, what, value, span) for where, what, value, span in measured)
    return [finding for finding in judged if finding is not None] + _proportion(store, places)


def _building(store: Store) -> Iterator[Measure]:
    if store.floor:
        west, south, east, north = bounds(store.floor)
        yield ("store", "", "floor_m"), "the floor's width", east - west, FLOOR_SIDE
        yield ("store", "", "floor_m"), "the floor's length", north - south, FLOOR_SIDE
    for gate in store.gates:
        width = math.dist(gate.a, gate.b)
        if width > 0:
            yield ("gate", gate.gate_id, "b_m"), "the gate's width", width, GATE_WIDTH
    for fixture in store.fixtures:
        where = ("fixture", fixture.fixture_id, "size_m")
        yield where, "the fixture's width", fixture.dx_m, WIDTH
        yield where, "the fixture's depth", fixture.dy_m, DEPTH
        yield where, "the fixture's height", fixture.dz_m, HEIGHT


def _shelves(store: Store) -> Iterator[Measure]:
    for _, shelf in store.shelves():
        yield ("shelf", shelf.shelf_id, "z_m"), "the board's height", shelf.box.z_m, BOARD_HEIGHT
        yield ("shelf", shelf.shelf_id, "clear_m"), "the room above the board", shelf.box.dz_m, CLEAR_HEIGHT
        widths: dict[float, str] = {}  # equal plates are told once
        depths: dict[float, str] = {}
        for plate in shelf.plates:
            widths.setdefault(plate.box.dx_m, plate.plate_id)
            depths.setdefault(plate.box.dy_m, plate.plate_id)
        for value, ident in widths.items():
            yield ("plate", ident, "width_m"), "the plate's width", value, PLATE_WIDTH
        for value, ident in depths.items():
            yield ("plate", ident, "depth_m"), "the plate's depth", value, PLATE_DEPTH


def _sensors(store: Store) -> Iterator[Measure]:
    for camera in store.cameras:
        yield ("camera", camera.camera_id, "at_m"), "the camera's height", camera.pose.z_m, CAMERA_HEIGHT
    for antenna in store.antennas:
        yield ("antenna", antenna.antenna_id, "range_m"), "the antenna's range", antenna.range_m, ANTENNA_RANGE


def _judge(
    places: Places, where: tuple[str, str, str], what: str, value: float, span: tuple[float, float]
) -> Finding | None:
    low, high = span
    if low <= value <= high:
        return None
    guesses = [f"{value:g} {unit} = {value * metres:.4g} m" for unit, metres in UNITS if low <= value * metres <= high]
    if value > high and guesses:
        problem = f"{what} is {value:g} m; {guesses[0]} would make sense"
        return places.finding(*where, problem, f"Give metres ({', '.join(guesses[:2])}).")
    problem = f"{what} is {value:g} m, where shops have {low:g} to {high:g} m"
    return places.finding(*where, problem, "Check the number and its unit.", severity=Severity.WARNING)


def _proportion(store: Store, places: Places) -> list[Finding]:
    """Floor and fixtures in different units: each alone is plausible, together they are not."""
    covered = sum(abs(area(footprint(fixture))) for fixture in store.fixtures)
    floor = abs(area(store.floor)) if store.floor else 0.0
    if covered <= 0 or floor <= EMPTY_FLOOR * covered:
        return []
    problem = (
        f"the floor has {floor:.0f} m² for {covered:.1f} m² of fixtures; "
        f"read as inches it would have {floor * METRES_PER_INCH**2:.1f} m²"
    )
    fix = "Give floor and fixtures both in metres."
    return [places.finding("store", "", "floor_m", problem, fix, severity=Severity.WARNING)]
