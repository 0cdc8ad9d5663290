"""The floor plan: everything stands on the floor, nothing stands in something else, doors are in walls."""

from __future__ import annotations

import math
from itertools import combinations

from jwo_cli.layouts.places import Places
from jwo_cli.layouts.plane import area, edge_distance, footprint, outside, overlap, self_crossing, sticks_out
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.layout import GateKind, Polygon, Store

MOUNTING_M = 0.005  # fixtures stand side by side; measured positions touch or overlap by millimetres
WALL_M = 0.05  # a plan's wall is good to a few centimetres
SENSOR_M = 0.3  # cameras and antennas hang on walls and beams, and their cone starts a little outside


def check(store: Store, places: Places) -> list[Finding]:
    """Floor, zones, gates, fixtures, cameras and antennas against each other."""
    findings = _polygon(places, "store", "", "floor_m", "the floor", store.floor)
    for zone in store.zones:
        findings += _polygon(places, "zone", zone.zone_id, "polygon_m", f"zone {zone.zone_id}", zone.polygon)
    sound = not findings
    findings += _overlaps(store, places)
    if sound and store.floor:
        findings += _zones(store, places)
        findings += _gates(store, places)
        findings += _fixtures(store, places)
        findings += _sensors(store, places)
    return findings


def _polygon(places: Places, kind: str, ident: str, name: str, what: str, polygon: Polygon) -> list[Finding]:
    if not polygon:
        return []  # it could not be read, and that is reported already
    crossing = self_crossing(polygon)
    if crossing is not None:
        first, second = (f"corner {index + 1} ({polygon[index][0]:g}, {polygon[index][1]:g})" for index in crossing)
        problem = f"{what} crosses itself: the edges from {first} and from {second} meet"
        return [places.finding(kind, ident, name, problem, "List the corners in order around the area.")]
    if abs(area(polygon)) < 0.01:
        return [places.finding(kind, ident, name, f"{what} has no area", "Give at least three corners apart.")]
    return []


def _overlaps(store: Store, places: Places) -> list[Finding]:
    findings = []
    for one, two in combinations(store.fixtures, 2):
        apart = one.pose.z_m + one.dz_m <= two.pose.z_m or two.pose.z_m + two.dz_m <= one.pose.z_m
        depth = 0.0 if apart else overlap(footprint(one), footprint(two))
        if depth > MOUNTING_M:
            problem = f"{two.fixture_id} stands {depth:.3f} m deep in {one.fixture_id}"
            fix = (
                f"Move one of them; at_m is the front-left corner, turned by rotation_deg ({two.pose.rotation_deg:g}°)."
            )
            findings.append(places.finding("fixture", two.fixture_id, "at_m", problem, fix))
    return findings


def _zones(store: Store, places: Places) -> list[Finding]:
    findings = []
    for zone in store.zones:
        beyond = sticks_out(zone.polygon, store.floor)
        if beyond > WALL_M:
            problem = f"zone {zone.zone_id} reaches {beyond:.2f} m beyond the floor"
            findings.append(
                places.finding("zone", zone.zone_id, "polygon_m", problem, "Keep its corners on the floor.")
            )
    return findings


def _gates(store: Store, places: Places) -> list[Finding]:
    findings = []
    for gate in store.gates:
        if math.dist(gate.a, gate.b) == 0:
            problem = f"gate {gate.gate_id} has no width"
            findings.append(places.finding("gate", gate.gate_id, "b_m", problem, "Give both door posts."))
            continue
        for name, post in (("a_m", gate.a), ("b_m", gate.b)):
            beyond = outside(post, store.floor)
            if beyond > WALL_M:
                problem = f"gate {gate.gate_id} ends {beyond:.2f} m off the floor"
                fix = "Put both door posts on the floor's edge."
                findings.append(places.finding("gate", gate.gate_id, name, problem, fix))
            elif beyond == 0 and edge_distance(post, store.floor) > WALL_M:
                inside = edge_distance(post, store.floor)
                problem = f"gate {gate.gate_id} ends {inside:.2f} m inside the floor, where no wall is"
                fix = "Put both door posts on the floor's edge."
                findings.append(places.finding("gate", gate.gate_id, name, problem, fix, severity=Severity.WARNING))
    for kind, what in ((GateKind.ENTRY, "come in"), (GateKind.EXIT, "leave")):
        if not any(gate.kind in (kind, GateKind.BOTH) for gate in store.gates):
            problem = f"there is no gate where shoppers {what}"
            fix = f'Add a [[gate]] of kind "{kind.value}" or "both".'
            findings.append(places.finding("store", "", "", problem, fix, severity=Severity.WARNING))
    return findings


def _fixtures(store: Store, places: Places) -> list[Finding]:
    findings = []
    for fixture in store.fixtures:
        beyond = sticks_out(footprint(fixture), store.floor)
        if beyond > WALL_M:
            problem = f"{fixture.fixture_id} stands {beyond:.2f} m beyond the floor"
            fix = "Check at_m (front-left corner), size_m and rotation_deg."
            findings.append(places.finding("fixture", fixture.fixture_id, "at_m", problem, fix))
    return findings


def _sensors(store: Store, places: Places) -> list[Finding]:
    findings = []
    placed = [("camera", camera.camera_id, camera.pose) for camera in store.cameras]
    placed += [("antenna", antenna.antenna_id, antenna.pose) for antenna in store.antennas]
    for kind, ident, pose in placed:
        beyond = outside((pose.x_m, pose.y_m), store.floor)
        if beyond > SENSOR_M:
            problem = f"{kind} {ident} hangs {beyond:.2f} m outside the store"
            findings.append(
                places.finding(kind, ident, "at_m", problem, "Give its place in the store's frame, metres.")
            )
    for camera in store.cameras:
        beyond = outside(camera.look_at[:2], store.floor)
        if beyond > SENSOR_M:
            problem = f"camera {camera.camera_id} looks at a point {beyond:.2f} m outside the store"
            fix = "Give the point on the floor that stands in the middle of its picture."
            findings.append(
                places.finding("camera", camera.camera_id, "look_at_m", problem, fix, severity=Severity.WARNING)
            )
    return findings
