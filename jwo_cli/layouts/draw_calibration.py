"""Pictures of a calibration: where the evidence lies in the image, what is left over, and how sure the result is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jwo_cli.layouts.sheet import INK, PALE, SOFT
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jwo_cli.estimate.calibration.clock import Clocked
    from jwo_cli.estimate.calibration.floor import Placed, Survey
    from jwo_cli.estimate.calibration.intrinsics import Calibrated
    from jwo_cli.estimate.calibration.lens import Lens
    from jwo_cli.estimate.calibration.nudge import Nudge
    from jwo_cli.estimate.calibration.rig import Rigged
    from jwo_cli.estimate.calibration.scale import Weighing
    from jwo_cli.estimate.calibration.touch import Touch

Floats = NDArray[np.float64]
WARM = "#c0392b"
MAGNIFIED = 40  # residual arrows: a pixel is drawn this many pixels long


def _page(columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * columns, 4.2 * rows), facecolor="white", layout="constrained")
    made = np.atleast_1d(np.asarray(figure.subplots(rows, columns), dtype=object)).ravel()
    return figure, list(made)


def save_picture(figure: Figure, file: Path, title: str) -> Path:
    """Write a figure with its title as PNG. Raises UserError where the place cannot be written."""
    figure.suptitle(title, color=INK, fontsize=11)
    try:
        # Without the date and the library's name the same figures give the same bytes.
        figure.savefig(file, dpi=110, format="png", metadata={"Software": None})
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}", fix="Name another place.") from None
    return file


def _image(axes: Axes, width_px: int, height_px: int, title: str) -> None:
    axes.set_xlim(0, width_px)
    axes.set_ylim(height_px, 0)
    axes.set_aspect("equal")
    axes.set_title(title, fontsize=9, color=INK)
    axes.tick_params(labelsize=7, colors=SOFT)
    for spine in axes.spines.values():
        spine.set_color(PALE)


def _arrows(
    axes: Axes, px: Floats, residuals: Floats, width_px: int, height_px: int, title: str, *, magnified: int = MAGNIFIED
) -> None:
    _image(axes, width_px, height_px, title)
    length = np.hypot(residuals[:, 0], residuals[:, 1])
    axes.quiver(
        px[:, 0], px[:, 1], residuals[:, 0], residuals[:, 1], length, cmap="viridis", angles="xy", scale_units="xy",
        scale=1 / magnified, width=0.002, clim=(0, max(1.0, float(np.quantile(length, 0.98)) if len(length) else 1.0)),
    )  # fmt: skip


def draw_lens(found: Calibrated, file: Path, *, title: str) -> Path:
    """Corners with their residuals, the rays' uncertainty over the image, residuals by view."""
    figure, (left, middle, right) = _page(3)
    lens = found.lens
    words = f"{len(found.px)} corners, residuals × {MAGNIFIED}"
    _arrows(left, found.px, found.residuals_px, lens.width_px, lens.height_px, words)
    _image(middle, lens.width_px, lens.height_px, "how far a ray may be off (1 σ, px)")
    finite = np.where(np.isfinite(found.spread_px), found.spread_px, np.nan)
    top = max(1.0, float(np.nanquantile(finite, 0.9)))
    middle.imshow(finite, extent=(0, lens.width_px, lens.height_px, 0), vmin=0, vmax=top, cmap="YlOrRd")
    for (row, column), value in np.ndenumerate(found.spread_px):
        x = (column + 0.5) / found.spread_px.shape[1] * lens.width_px
        y = (row + 0.5) / found.spread_px.shape[0] * lens.height_px
        words = f"{value:.1f}\n{found.counts[row, column] or '–'}"
        middle.text(x, y, words, ha="center", va="center", fontsize=5.5, color=INK)
    middle.set_xlabel("below: corners in the cell", fontsize=7, color=SOFT)
    _bars(right, [view.name for view in found.views], found.view_rms_px, "residual by view (RMS px)")
    return save_picture(figure, file, title)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float], title: str) -> None:
    usual = float(np.median(values)) if len(values) else 0.0
    colours = [WARM if value > 3 * usual else SOFT for value in values]
    axes.barh(range(len(names)), values, color=colours)
    axes.set_yticks(range(len(names)), names, fontsize=6 if len(names) < 40 else 3)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=9, color=INK)
    axes.tick_params(axis="x", labelsize=7)


def draw_rig(names: Sequence[str], found: Rigged, file: Path, *, title: str) -> Path:
    """Each camera's residuals in its image, and the rig from above."""
    figure, axes = _page(min(3, len(names) + 1), -(-(len(names) + 1) // 3))
    for index, name in enumerate(names):
        own = found.sightings.camera == index
        lens = found.lenses[index]
        # A walker's residuals are pixels, a corner's are tenths of them.
        magnified, what = (5, "heads and feet") if found.walked else (MAGNIFIED, "corners")
        words = f"{name}: {int(own.sum())} {what}, {found.camera_rms_px[index]:.2f} px, residuals × {magnified}"
        _arrows(
            axes[index], found.sightings.px[own], found.residuals_px[own], lens.width_px, lens.height_px, words,
            magnified=magnified,
        )  # fmt: skip
    plan = axes[len(names)]
    centres = np.stack([camera.centre() for camera in found.cameras])
    ahead = np.stack([camera.turn[2] for camera in found.cameras])
    across = 1 if found.walked else 2  # from above: the floor's y, or what lies ahead of the first camera
    plan.quiver(centres[:, 0], centres[:, across], ahead[:, 0], ahead[:, across], color=WARM, width=0.004)
    plan.scatter(centres[:, 0], centres[:, across], color=INK, s=18)
    for name, centre in zip(names, centres, strict=True):
        plan.annotate(name, (centre[0], centre[across]), fontsize=8, color=INK)
    for edge in found.edges:
        a, b = centres[edge.a], centres[edge.b]
        style = "-" if edge.used else ":"
        plan.plot((a[0], b[0]), (a[across], b[across]), style, color=SOFT, linewidth=0.8)
        words = f"{found.baseline_m[edge.a, edge.b]:.3f} m"
        plan.text((a[0] + b[0]) / 2, (a[across] + b[across]) / 2, words, fontsize=7, color=SOFT)
    plan.set_aspect("equal", adjustable="datalim")
    frame = "on the floor (m)" if found.walked else f"in the frame of {names[0]} (x right, z ahead, m)"
    plan.set_title(f"{frame}; solid: where it began", fontsize=9, color=INK)
    for rest in axes[len(names) + 1 :]:
        rest.set_axis_off()
    return save_picture(figure, file, title)


def draw_floor(names: Sequence[str], lenses: Sequence[Lens], survey: Survey, found: Placed, file: Path) -> Path:
    """Where the points lie in each image with their residuals, and how far each is off where the others decide."""
    figure, axes = _page(min(3, len(names) + 1), -(-(len(names) + 1) // 3))
    for index, (name, lens) in enumerate(zip(names, lenses, strict=True)):
        own = survey.camera == index
        words = f"{name}: {int(own.sum())} points, residuals × {MAGNIFIED}"
        _arrows(axes[index], survey.px[own], found.residuals_px[own], lens.width_px, lens.height_px, words)
        axes[index].scatter(survey.px[own, 0], survey.px[own, 1], s=8, color=INK)
    known = np.where(np.isfinite(found.unseen_cm), found.unseen_cm, 0.0)
    _bars(axes[len(names)], survey.names, known.tolist(), "each point, left out: cm on the floor")
    for rest in axes[len(names) + 1 :]:
        rest.set_axis_off()
    return save_picture(figure, file, f"floor: {found.judgement.verdict.value}")


def draw_nudge(name: str, lens: Lens, then_px: Floats, now_px: Floats, found: Nudge, file: Path) -> Path:
    """How each match moved: with the camera, or by itself."""
    figure, (axes,) = _page(1)
    _image(axes, lens.width_px, lens.height_px, f"{name}: matches that agree (dark) and others (pale)")
    moved = now_px - then_px
    for agree, colour in ((False, PALE), (True, WARM)):
        own = found.agree == agree
        axes.quiver(
            then_px[own, 0], then_px[own, 1], moved[own, 0], moved[own, 1], color=colour, angles="xy",
            scale_units="xy", scale=1, width=0.003,
        )  # fmt: skip
    return save_picture(figure, file, f"{name}: turned by {found.turned_deg:.2f}°, {found.judgement.verdict.value}")


def draw_scales(found: Weighing, file: Path) -> Path:
    """Each channel's span, noise and what is left over."""
    figure, (left, middle, right) = _page(3)
    names = [item.scale.channel for item in found.weighed]
    _bars(left, names, [item.scale.span for item in found.weighed], "span")
    _bars(middle, names, [item.scale.noise_g for item in found.weighed], "noise of a sample (σ, g)")
    _bars(right, names, [item.off_g for item in found.weighed], "weights and zero off a line (RMS, g)")
    return save_picture(figure, file, f"scales: {found.judgement.verdict.value}")


def draw_touches(found: Sequence[Touch], file: Path, *, title: str) -> Path:
    """Which channel answered when."""
    figure, (axes,) = _page(1)
    names = list(dict.fromkeys(item.channel for item in found))
    for item in found:
        row = names.index(item.channel)
        axes.barh(row, item.end_s - item.start_s, left=item.start_s, color=WARM)
        axes.text(item.end_s, row, f" {item.most_g:.0f} g", fontsize=7, color=SOFT, va="center")
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("seconds; channels in the order in which they answered", fontsize=8, color=SOFT)
    axes.tick_params(axis="x", labelsize=7)
    return save_picture(figure, file, title)


def draw_clock(found: Clocked, file: Path) -> Path:
    """The score of every offset."""
    figure, (axes,) = _page(1)
    axes.plot(found.offsets_s, found.score, color=SOFT, linewidth=0.8)
    axes.axvline(found.offset_s, color=WARM, linewidth=1)
    axes.set_xlabel("cameras' clock minus scales' clock, s", fontsize=8)
    axes.set_title("mean log-likelihood that a hand was at the plate", fontsize=9, color=INK)
    return save_picture(figure, file, f"clock: {found.offset_s * 1000:.0f} ms, {found.judgement.verdict.value}")
