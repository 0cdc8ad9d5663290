"""Reports of calibrations: which figures are told, under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jwo_cli.model.layout import LensKind

from .intrinsics import Calibrated
from .report import Figure, Report, report
from .rig import Rigged
from .verdict import Judgement, Reason, Verdict, judge

NAMES = {
    LensKind.RADTAN: ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3"),
    LensKind.EQUIDISTANT: ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
}


def lens_report(
    name: str, found: Calibrated | Judgement, *, looked: int = 0, wide: Sequence[str] = (), picture: str = ""
) -> Report:
    """What `jwo calibrate camera` tells; `wide` are views whose corner window was wider than their squares."""
    if isinstance(found, Judgement):
        return report(f"lens of {name}", found)
    judgement = found.judgement
    if wide:
        text = f"in {len(wide)} of {len(found.views)} views the corner window is wider than the squares allow"
        fix = f"Try --window auto: corners near others are drawn aside ({', '.join(wide[:4])})."
        judgement = judge([*judgement.reasons, Reason(verdict=Verdict.MARGINAL, text=text, fix=fix)])
    figures = [
        Figure(name="rms_px", value=found.rms_px, unit="px", note="reprojection, per corner"),
        Figure(name="rms_cm", value=found.rms_cm, unit="cm", note="the same at the board's distance"),
        Figure(name="views", value=len(found.views), note=f"of {looked} pictures"),
        Figure(name="corners", value=len(found.px)),
        Figure(name="coverage", value=float((found.counts > 0).mean()), note="share of the image's cells with corners"),
        Figure(name="width_px", value=found.lens.width_px, unit="px"),
        Figure(name="height_px", value=found.lens.height_px, unit="px"),
    ]
    for label, value, sigma in zip(NAMES[found.lens.kind], found.lens.values, found.sigma, strict=True):
        unit = "px" if label in {"fx", "fy", "cx", "cy"} else ""
        figures.append(Figure(name=label, value=float(value), unit=unit, note=f"± {sigma:.2g}"))
    return report(f"lens of {name}", judgement, tuple(figures), picture=picture)


def rig_report(names: Sequence[str], found: Rigged | Judgement, *, picture: str = "") -> Report:
    """What `jwo calibrate rig` tells."""
    if isinstance(found, Judgement):
        return report("rig", found)
    figures = [
        Figure(name="rms_px", value=found.rms_px, unit="px", note="reprojection, per corner"),
        Figure(name="rms_cm", value=found.rms_cm, unit="cm", note="the same at the board's distance"),
        Figure(name="board_cm", value=found.shape_cm, unit="cm", note="corners from a rigid board"),
        Figure(name="corners", value=len(found.sightings.px)),
        Figure(name="left_out", value=found.outliers, note="share of the corners"),
    ]
    for name, error, sigma in zip(names, found.camera_rms_px, found.sigma_cm, strict=True):
        figures.append(Figure(name=f"rms_px {name}", value=error, unit="px", note=f"place ± {sigma:.2f} cm"))
    for a, first in enumerate(names):
        for b in range(a + 1, len(names)):
            edge = next((edge for edge in found.edges if (edge.a, edge.b) == (a, b)), None)
            note = f"{edge.moments} shared moments" if edge else "no shared moment"
            distance = float(found.baseline_m[a, b])
            figures.append(Figure(name=f"distance {first} {names[b]}", value=distance, unit="m", note=note))
    return report("rig", found.judgement, tuple(figures), picture=picture)


def with_files(told: Report, files: Sequence[str]) -> Report:
    """The report with what was written."""
    return replace(told, files=tuple(files))
