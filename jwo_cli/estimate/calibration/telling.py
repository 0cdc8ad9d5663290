"""Reports of calibrations: which figures are told, under which names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import LensKind

from .clock import Clocked
from .floor import Placed
from .intrinsics import Calibrated
from .nudge import Nudge
from .report import Figure, Report, report
from .rig import Rigged
from .scale import Weighing
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
    one, many, board = ("head or foot", "points", "walker") if found.walked else ("corner", "corners", "board")
    shape = "heads from their height" if found.walked else "corners from a rigid board"
    figures = [
        Figure(name="rms_px", value=found.rms_px, unit="px", note=f"reprojection, per {one}"),
        Figure(name="rms_cm", value=found.rms_cm, unit="cm", note=f"the same at the {board}'s distance"),
        Figure(name=f"{board}_cm", value=found.shape_cm, unit="cm", note=shape),
        Figure(name=many, value=len(found.sightings.px)),
        Figure(name="left_out", value=found.outliers, note=f"share of the {many}"),
    ]
    if found.walked:
        for name, camera in zip(names, found.cameras, strict=True):
            figures.append(Figure(name=f"height_m {name}", value=float(camera.centre()[2]), unit="m"))
    for name, error, sigma in zip(names, found.camera_rms_px, found.sigma_cm, strict=True):
        figures.append(Figure(name=f"rms_px {name}", value=error, unit="px", note=f"place ± {sigma:.2f} cm"))
    for a, first in enumerate(names):
        for b in range(a + 1, len(names)):
            edge = next((edge for edge in found.edges if (edge.a, edge.b) == (a, b)), None)
            note = f"{edge.moments} shared moments" if edge else "no shared moment"
            distance = float(found.baseline_m[a, b])
            figures.append(Figure(name=f"distance {first} {names[b]}", value=distance, unit="m", note=note))
    return report("rig", found.judgement, tuple(figures), picture=picture)


def floor_report(names: Sequence[str], found: Placed | Judgement, *, picture: str = "") -> Report:
    """What `jwo calibrate floor` tells."""
    if isinstance(found, Judgement):
        return report("floor", found)
    unseen = found.unseen_cm[np.isfinite(found.unseen_cm)]
    figures = [
        Figure(name="points", value=len(found.residuals_px)),
        Figure(name="rms_px", value=found.rms_px, unit="px"),
        Figure(name="rms_cm", value=root_mean(found.floor_cm), unit="cm", note="level distance at the points' height"),
    ]
    if len(unseen):
        figures.append(Figure(name="left_out_cm", value=root_mean(unseen), unit="cm", note="of points left out"))
    for name, camera in zip(names, found.cameras, strict=True):
        for axis, value in zip("xyz", camera.centre(), strict=True):
            figures.append(Figure(name=f"{axis}_m {name}", value=float(value), unit="m"))
    return report("floor", found.judgement, tuple(figures), picture=picture)


def nudge_report(name: str, found: Nudge, *, picture: str = "") -> Report:
    """What `jwo calibrate check` tells of one camera's two pictures."""
    figures = (
        Figure(name="turned_deg", value=found.turned_deg, unit="°"),
        Figure(name="shift_px", value=found.shift_px, unit="px", note="median of the matches that agree"),
        Figure(name="floor_cm", value=found.floor_cm, unit="cm", note="how far places on the floor moved"),
        Figure(name="matches", value=int(found.agree.sum()), note=f"of {len(found.agree)}"),
    )
    finite = tuple(figure for figure in figures if math.isfinite(figure.value))
    return report(f"check of {name}", found.judgement, finite, picture=picture)


def scale_report(found: Weighing, *, picture: str = "") -> Report:
    """What `jwo calibrate scale` tells."""
    figures = []
    for item in found.weighed:
        channel, note = item.scale.channel, f"weights and zero {item.off_g:.2f} g off a line"
        figures += [
            Figure(name=f"span {channel}", value=item.scale.span, note=note),
            Figure(
                name=f"tare_g {channel}", value=item.scale.tare_g, unit="g", note=f"{item.drift_g_h:+.1f} g an hour"
            ),
            Figure(name=f"noise_g {channel}", value=item.scale.noise_g, unit="g"),
        ]
    return report("scales", found.judgement, tuple(figures), picture=picture)


def clock_report(found: Clocked | Judgement, *, picture: str = "") -> Report:
    """What `jwo calibrate clock` tells; a walking hand's 1 m/s makes centimetres of it."""
    if isinstance(found, Judgement):
        return report("clock", found)
    figures = (
        Figure(name="offset_ms", value=found.offset_s * 1000, unit="ms", note=f"± {found.sigma_s * 1000:.0f}"),
        Figure(
            name="offset_cm", value=abs(found.offset_s) * 100, unit="cm", note="what a hand at 1 m/s moves meanwhile"
        ),
        Figure(name="changes", value=found.changes),
    )
    return report("clock", found.judgement, figures, picture=picture)


def root_mean(values: NDArray[np.float64]) -> float:
    """Root of the mean square of what is known."""
    known = values[np.isfinite(values)]
    return float(np.sqrt((known**2).mean())) if len(known) else 0.0


def with_files(told: Report, files: Sequence[str]) -> Report:
    """The report with what was written."""
    return replace(told, files=tuple(files))
