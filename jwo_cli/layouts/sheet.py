"""A drawing sheet true to scale: A3, the drawing on the left, title block, scale bar and legend on the right.

Matplotlib draws both SVG and PNG; the same store gives the same bytes (no date, fixed ids).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALES = (10, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 500, 1000, 2000)
A3_MM = (420.0, 297.0)
EDGE_MM, COLUMN_MM = 10.0, 72.0
MM_PER_INCH = 25.4
PNG_DPI = 150
FORMATS = (".svg", ".png")

INK, SOFT, PALE = "#1d2730", "#66727c", "#c9d0d6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page in the making: `plan` in metres of the drawing, `column` in millimetres (0 to 72, from the bottom)."""

    figure: Figure
    plan: Axes
    column: Axes
    scale: int
    column_mm: tuple[float, float]


def new_sheet(box: tuple[float, float, float, float], *, room_m: float) -> Sheet:
    """A page for a drawing with the given bounds (west, south, east, north), with `room_m` around it for dimensions."""
    from matplotlib.figure import Figure

    west, south, east, north = box
    page = A3_MM if east - west >= (north - south) * 0.75 else (A3_MM[1], A3_MM[0])
    free = (page[0] - 2 * EDGE_MM - COLUMN_MM, page[1] - 2 * EDGE_MM)
    wide, high = east - west + 2 * room_m, north - south + 2 * room_m
    scale = next((s for s in SCALES if wide * 1000 / s <= free[0] and high * 1000 / s <= free[1]), SCALES[-1])
    figure = Figure(figsize=(page[0] / MM_PER_INCH, page[1] / MM_PER_INCH), facecolor="white")
    plan = figure.add_axes((EDGE_MM / page[0], EDGE_MM / page[1], free[0] / page[0], free[1] / page[1]))
    middle = ((west + east) / 2, (south + north) / 2)
    half = (free[0] * scale / 2000, free[1] * scale / 2000)
    plan.set_xlim(middle[0] - half[0], middle[0] + half[0])
    plan.set_ylim(middle[1] - half[1], middle[1] + half[1])
    plan.set_axis_off()
    left = EDGE_MM + free[0]
    column = figure.add_axes((left / page[0], EDGE_MM / page[1], COLUMN_MM / page[0], free[1] / page[1]))
    column.set_xlim(0, COLUMN_MM)
    column.set_ylim(0, free[1])
    column.set_axis_off()
    return Sheet(figure=figure, plan=plan, column=column, scale=scale, column_mm=(COLUMN_MM, free[1]))


def title_block(sheet: Sheet, title: str, lines: list[str]) -> float:
    """Frame, title and facts at the top of the column; the height (mm) where the next thing may begin."""
    from matplotlib.patches import Rectangle

    width, height = sheet.column_mm
    sheet.figure.add_artist(
        Rectangle(
            (0.012, 0.016), 0.976, 0.968, fill=False, edgecolor=INK, linewidth=1.2, transform=sheet.figure.transFigure
        )
    )
    wrapped = wrap(title, 22)
    top = height - 6.0
    for part in wrapped:
        sheet.column.text(4, top, part, fontsize=15, fontweight="bold", color=INK, va="top")
        top -= 7.0
    top -= 1.0
    for line in lines:
        for part in wrap(line, 44):
            sheet.column.text(4, top, part, fontsize=8, color=SOFT, va="top")
            top -= 4.2
    sheet.column.plot([3, width - 3], [top - 1, top - 1], color=PALE, linewidth=0.8)
    return top - 5.0


def scale_bar(sheet: Sheet, top: float) -> float:
    """A bar of a round length with its ratio; the height where the next thing may begin."""
    from matplotlib.patches import Rectangle

    metre_mm = 1000 / sheet.scale
    steps = max((n for n in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if n * metre_mm <= 62), default=0.2)
    parts = 5 if steps in (0.5, 5, 50) else 4
    for index in range(parts):
        face = INK if index % 2 == 0 else "white"
        wide = steps * metre_mm / parts
        sheet.column.add_patch(
            Rectangle((4 + index * wide, top - 3), wide, 2.2, facecolor=face, edgecolor=INK, linewidth=0.6)
        )
    sheet.column.text(4, top - 4.2, "0", fontsize=7.5, color=INK, va="top", ha="center")
    sheet.column.text(4 + steps * metre_mm, top - 4.2, f"{steps:g} m", fontsize=7.5, color=INK, va="top", ha="center")
    sheet.column.text(
        4, top + 1.2, f"Scale 1:{sheet.scale} on A3, dimensions in metres", fontsize=8, color=INK, va="bottom"
    )
    return top - 12.0


def north_arrow(sheet: Sheet, top: float) -> float:
    """Plan north is +y of the store frame; where the needle points on the compass the layout does not know."""
    from matplotlib.patches import Polygon

    x, y = 12.0, top - 9.0
    for side, face in ((-1, "white"), (1, INK)):
        corners = [(x, y + 9), (x + side * 3.4, y - 5), (x, y - 2.2)]
        sheet.column.add_patch(Polygon(corners, closed=True, facecolor=face, edgecolor=INK, linewidth=0.8))
    sheet.column.text(x, y + 10, "N", fontsize=10, fontweight="bold", color=INK, ha="center", va="bottom")
    sheet.column.text(
        20, y + 2, "plan north = +y of the\nstore frame; x to the right", fontsize=7.5, color=SOFT, va="center"
    )
    return y - 10.0


def write(sheet: Sheet, path: Path) -> None:
    """The page as .svg or .png. Raises UserError for another ending or a place that cannot be written."""
    import matplotlib as mpl

    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise UserError(f"{path.name} is neither SVG nor PNG", fix="Give --output a name that ends in .svg or .png.")
    try:
        with mpl.rc_context({"svg.hashsalt": "jwo", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
            if kind == ".svg":
                sheet.figure.savefig(path, format="svg", metadata={"Date": None, "Creator": "jwo"})
            else:
                sheet.figure.savefig(path, format="png", dpi=PNG_DPI, metadata={"Software": "jwo"})
    except OSError as error:
        fix = "Choose a folder that is there and that you may write to."
        raise UserError(f"{path} cannot be written: {error.strerror}", fix=fix) from None


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` letters, at least one line."""
    import textwrap

    return textwrap.wrap(text, width) or [""]
