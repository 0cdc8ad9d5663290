"""Gondolas measured from facings: every facing tells where its plates stand; what no facing tells is interpolated.

Within a gondola boards are level, plates have one width and one depth, and the front is a straight line; facings that
contradict this by more than `TOLERANCE_M` are reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from jwo_cli.layouts.documents import FacingDocument
from jwo_cli.model.findings import Finding, Severity

TOLERANCE_M = 0.005
WIDEST_PLATE_M = 0.6  # wider plates are not made; a planogram in inches has plates "4 m" wide


@dataclass(slots=True, kw_only=True)
class Gondola:
    """One gondola in the making: its front-left corner and rotation in the store frame; boards and plates by number."""

    number: int
    x_m: float
    y_m: float
    rotation_deg: float
    pitch_m: float
    depth_m: float
    width_m: float
    top_m: float
    z_m: dict[int, float] = field(default_factory=dict)
    left_m: dict[int, dict[int, float]] = field(default_factory=dict)
    plates: int = 0

    def boards(self) -> list[tuple[int, float]]:
        """(shelf number, height of its board) from the lowest up."""
        return sorted(self.z_m.items(), key=lambda item: (item[1], item[0]))

    def columns(self, shelf: int) -> list[tuple[int, float]]:
        """(plate number, left edge along the front) of a shelf; unnamed plates by interpolation between named ones."""
        known = self.left_m.get(shelf, {})
        last = max(known, default=0)
        return [(column, self._left(known, column)) for column in range(1, max(self.plates, last) + 1)]

    def _left(self, known: dict[int, float], column: int) -> float:
        if column in known:
            return known[column]
        below = max((other for other in known if other < column), default=None)
        above = min((other for other in known if other > column), default=None)
        if below is not None and above is not None:
            share = (column - below) / (above - below)
            return known[below] + share * (known[above] - known[below])
        if below is not None:
            return known[below] + (column - below) * self.pitch_m
        if above is not None:
            return known[above] - (above - column) * self.pitch_m
        return (column - 1) * self.pitch_m


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A facing in its gondola's turned axes: u along the front, v in depth."""

    row: FacingDocument
    u_m: float
    v_m: float
    pitch_m: float
    first: int


def measure(facings: list[FacingDocument]) -> tuple[list[Gondola], list[Finding]]:
    """Gondolas by number, and findings about facings that contradict each other."""
    groups: dict[int, list[FacingDocument]] = {}
    for row in facings:
        groups.setdefault(row.plates[0][0], []).append(row)
    gondolas: list[Gondola] = []
    findings: list[Finding] = []
    for number in sorted(groups):
        gondola, more = _gondola(number, groups[number])
        gondolas.append(gondola)
        findings += more
    return gondolas, findings


def _gondola(number: int, rows: list[FacingDocument]) -> tuple[Gondola, list[Finding]]:
    findings: list[Finding] = []
    turn = median(row.rotation_rad for row in rows)
    measured = [_turned(row, turn) for row in rows]
    pitch, depth = median(item.pitch_m for item in measured), median(row.size[1] for row in rows)
    u_0 = median(item.u_m - (item.first - 1) * item.pitch_m for item in measured)
    v_0 = median(item.v_m for item in measured)
    cos, sin = math.cos(turn), math.sin(turn)
    gondola = Gondola(
        number=number,
        x_m=round(cos * u_0 - sin * v_0, 4),
        y_m=round(sin * u_0 + cos * v_0, 4),
        rotation_deg=round(math.degrees(turn), 2) + 0.0,
        pitch_m=pitch,
        depth_m=depth,
        width_m=0.0,
        top_m=max(row.corner[2] + row.size[2] for row in rows),
        plates=max(key[2] for row in rows for key in row.plates),
    )
    for item in measured:
        findings += _contradictions(item, turn, pitch, v_0)
        findings += _place(gondola, item, u_0)
    for shelf in {row.plates[0][1]: None for row in rows}:
        gondola.z_m[shelf] = median(row.corner[2] for row in rows if row.plates[0][1] == shelf)
    gondola.width_m = gondola.plates * pitch
    return gondola, findings


def _turned(row: FacingDocument, turn: float) -> _Measured:
    columns = [key[2] for key in row.plates]
    cos, sin = math.cos(turn), math.sin(turn)
    x, y, _ = row.corner
    pitch = row.size[0] / (max(columns) - min(columns) + 1)
    return _Measured(row=row, u_m=cos * x + sin * y, v_m=-sin * x + cos * y, pitch_m=pitch, first=min(columns))


def _place(gondola: Gondola, item: _Measured, u_0: float) -> list[Finding]:
    """Write the facing's plates into the gondola; a plate that stands elsewhere already is an error."""
    shelf = gondola.left_m.setdefault(item.row.plates[0][1], {})
    findings = []
    for _, number, column in item.row.plates:
        left = item.u_m - u_0 + (column - item.first) * item.pitch_m
        if column in shelf and abs(shelf[column] - left) > TOLERANCE_M:
            off = abs(shelf[column] - left)
            problem = f"plate {column} of shelf {number} stands {off:.3f} m from where another facing has it"
            findings.append(
                _finding(
                    item.row, "plate_ids", problem, "Correct the facing's plates or its coordinates.", Severity.ERROR
                )
            )
        shelf.setdefault(column, left)
    return findings


def _contradictions(item: _Measured, turn: float, pitch: float, v_0: float) -> list[Finding]:
    row, findings = item.row, []
    if item.pitch_m > WIDEST_PLATE_M:
        problem = f"plates {item.pitch_m:.2f} m wide: these look like inches (×0.0254 = {item.pitch_m * 0.0254:.4f} m)"
        findings.append(_finding(row, "global_coordinates.dim_x", problem, "Give metres.", Severity.ERROR))
    elif abs(item.pitch_m - pitch) > TOLERANCE_M:
        problem = f"its plates are {item.pitch_m:.4f} m wide, the gondola's others {pitch:.4f} m"
        findings.append(_finding(row, "global_coordinates.dim_x", problem, "Correct the facing's width or its plates."))
    if abs(math.remainder(row.rotation_rad - turn, math.tau)) > 0.01:
        problem = f"it is turned by {row.rotation_rad:.3f} rad, its gondola by {turn:.3f} rad"
        findings.append(
            _finding(row, "global_coordinates.transform.rotation.z", problem, "Turn all facings of a gondola alike.")
        )
    elif abs(item.v_m - v_0) > TOLERANCE_M:
        problem = f"its front is {abs(item.v_m - v_0):.3f} m off its gondola's front"
        findings.append(
            _finding(row, "global_coordinates.transform.translation", problem, "Correct the facing's corner.")
        )
    return findings


def _finding(
    row: FacingDocument, field_name: str, problem: str, fix: str, severity: Severity = Severity.WARNING
) -> Finding:
    return Finding(file=row.file, line=row.line, field=field_name, problem=problem, fix=fix, severity=severity)
