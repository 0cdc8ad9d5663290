"""Inside a fixture: boards within the fixture and above each other, plates on their board and side by side."""

from __future__ import annotations

from itertools import combinations

from jwo_cli.layouts.places import Places
from jwo_cli.model.findings import Finding
from jwo_cli.model.layout import Box, Fixture, Shelf, Store

ROUNDING_M = 0.002  # 12 plates of 0.1016 m on a board of 1.219 m


def check(store: Store, places: Places) -> list[Finding]:
    """Fixture by fixture, in file order."""
    findings: list[Finding] = []
    for fixture in store.fixtures:
        shelves = [shelf for bay in fixture.bays for shelf in bay.shelves]
        for shelf in shelves:
            findings += _within_fixture(fixture, shelf, places)
            findings += _plates(shelf, places)
        for one, two in combinations(shelves, 2):
            findings += _boards(one, two, places)
    return findings


def _within_fixture(fixture: Fixture, shelf: Shelf, places: Places) -> list[Finding]:
    outline = Box(x_m=0.0, y_m=0.0, z_m=0.0, dx_m=fixture.dx_m, dy_m=fixture.dy_m, dz_m=fixture.dz_m)
    beyond = _beyond(shelf.box, outline)
    if beyond > ROUNDING_M:
        problem = f"shelf {shelf.shelf_id} reaches {beyond:.3f} m beyond {fixture.fixture_id}"
        fix = "Check its x_m, width_m and depth_m against the fixture's size_m."
        return [places.finding("shelf", shelf.shelf_id, "", problem, fix)]
    if shelf.box.z_m > fixture.dz_m + ROUNDING_M:
        problem = f"the board of {shelf.shelf_id} is {shelf.box.z_m - fixture.dz_m:.3f} m above the top of its fixture"
        return [
            places.finding("shelf", shelf.shelf_id, "z_m", problem, "Check z_m against the fixture's height in size_m.")
        ]
    return []


def _plates(shelf: Shelf, places: Places) -> list[Finding]:
    findings = []
    for plate in shelf.plates:
        beyond = _beyond(plate.box, shelf.box)
        if beyond > ROUNDING_M:
            problem = f"plate {plate.plate_id} reaches {beyond:.3f} m beyond shelf {shelf.shelf_id}"
            fix = "Check count, width and x_m of the plates against the shelf's width."
            findings.append(places.finding("plate", plate.plate_id, "", problem, fix))
    for one, two in combinations(shelf.plates, 2):
        depth = min(_shared(one.box.x_m, one.box.dx_m, two.box.x_m, two.box.dx_m),
                    _shared(one.box.y_m, one.box.dy_m, two.box.y_m, two.box.dy_m))  # fmt: skip
        if depth > ROUNDING_M:
            problem = f"plates {one.plate_id} and {two.plate_id} overlap by {depth:.3f} m"
            fix = "Check x_m and width_m; neighbours begin where the one before ends."
            findings.append(places.finding("plate", two.plate_id, "x_m", problem, fix))
    return findings


def _boards(one: Shelf, two: Shelf, places: Places) -> list[Finding]:
    side_by_side = (
        _shared(one.box.x_m, one.box.dx_m, two.box.x_m, two.box.dx_m) <= ROUNDING_M
        or _shared(one.box.y_m, one.box.dy_m, two.box.y_m, two.box.dy_m) <= ROUNDING_M
    )
    if side_by_side:
        return []
    depth = _shared(one.box.z_m, one.box.dz_m, two.box.z_m, two.box.dz_m)
    if depth <= ROUNDING_M:
        return []
    lower, upper = (one, two) if one.box.z_m <= two.box.z_m else (two, one)
    room = upper.box.z_m - lower.box.z_m
    problem = f"shelf {upper.shelf_id} is {room:.3f} m above {lower.shelf_id}, which asks for {lower.box.dz_m:g} m"
    return [
        places.finding(
            "shelf", lower.shelf_id, "clear_m", problem, f"Give {lower.shelf_id} a clear_m of at most {room:.3f}."
        )
    ]


def _beyond(inner: Box, outer: Box) -> float:
    """How far a footprint reaches beyond another, metres."""
    return max(
        outer.x_m - inner.x_m,
        outer.y_m - inner.y_m,
        inner.x_m + inner.dx_m - outer.x_m - outer.dx_m,
        inner.y_m + inner.dy_m - outer.y_m - outer.dy_m,
    )


def _shared(a: float, da: float, b: float, db: float) -> float:
    return min(a + da, b + db) - max(a, b)
