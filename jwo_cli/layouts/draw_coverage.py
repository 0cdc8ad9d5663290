"""A picture of what the cameras see: the floor from above, and every fixture's shelves from the front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jwo_cli.layouts.draw_calibration import save_picture
from jwo_cli.layouts.plane import bounds, footprint
from jwo_cli.layouts.sheet import INK, PALE, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jwo_cli.estimate.coverage import Coverage, Targets
    from jwo_cli.estimate.coverage_mounts import Proposal
    from jwo_cli.estimate.coverage_sight import Watcher
    from jwo_cli.model.layout import Store

# By how many cameras see it; dark red to blue, told apart without red and green as well.
COLOURS = ("#b2182b", "#fdae61", "#abd9e9", "#4393c3", "#2166ac")
LABELS = ("no camera", "one", "two", "three", "four or more")
NEW = "#111111"


def draw_coverage(
    store: Store, wanted: Targets, seen: Coverage, watchers: Sequence[Watcher], new: Sequence[Proposal], file: Path
) -> Path:
    """Write the picture (PNG): how many cameras see each place; `new` are proposed cameras, counted in `seen`."""
    from matplotlib.figure import Figure

    west, south, east, north = bounds(store.floor)
    wide, high = east - west, north - south
    shelves = bool(wanted.shelves)
    plan = (8.0, 8.0 * high / wide) if wide >= high else (8.0 * wide / high, 8.0)
    figure = Figure(
        figsize=(plan[0] + 1 + (5.5 if shelves else 0), max(plan[1], 4.5) + 0.9),
        facecolor="white",
        layout="constrained",
    )
    made = figure.subplots(1, 2 if shelves else 1, width_ratios=[plan[0], 5.0] if shelves else [1], squeeze=False)
    _plan(made[0, 0], store, wanted, seen.floor_count(), watchers, new)
    if shelves:
        _fronts(made[0, 1], wanted, seen.shelf_count())
    return save_picture(
        figure, file, f"{store.name}: how many cameras see each place{' (with the new ones)' if new else ''}"
    )


def _plan(
    axes: Axes, store: Store, wanted: Targets, count: NDArray[np.int64], watchers: Sequence[Watcher],
    new: Sequence[Proposal],
) -> None:  # fmt: skip
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Polygon, Rectangle

    half = wanted.cell_m / 2
    for number, colour in enumerate(COLOURS):
        own = count == number if number < len(COLOURS) - 1 else count >= number
        cells = [Rectangle((x - half, y - half), 2 * half, 2 * half) for x, y in wanted.cells[own]]
        axes.add_collection(PatchCollection(cells, facecolor=colour, edgecolor=colour, linewidth=0.2, zorder=1))
    axes.add_patch(Polygon(store.floor, closed=True, fill=False, edgecolor=INK, linewidth=1.6, zorder=4))
    for fixture in store.fixtures:
        corners = footprint(fixture)
        axes.add_patch(Polygon(corners, closed=True, facecolor="white", edgecolor=INK, linewidth=0.9, zorder=2))
        x, y = (float(value) for value in np.mean(corners, axis=0))
        axes.text(x, y, fixture.fixture_id, ha="center", va="center", fontsize=8, color=INK, zorder=3)
        if any(bay.shelves for bay in fixture.bays):
            front = np.array(corners[:2])
            axes.plot(front[:, 0], front[:, 1], color=INK, linewidth=2.4, solid_capstyle="butt", zorder=3)
    for watcher in watchers:
        _camera(axes, watcher, fill=SOFT, edge="white")
    for item in new:
        _camera(axes, item.watcher, fill="white", edge=NEW)
    west, south, east, north = bounds(store.floor)
    axes.set_xlim(west - 0.5, east + 0.5)
    axes.set_ylim(south - 0.5, north + 0.5)
    axes.set_aspect("equal")
    axes.set_title("Floor: a person standing there (thick edge: a fixture's front)", fontsize=9, color=INK)
    axes.tick_params(labelsize=7, colors=SOFT)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g} m")
    for spine in axes.spines.values():
        spine.set_visible(False)
    handles = [Patch(facecolor=colour, label=label) for colour, label in zip(COLOURS, LABELS, strict=True)]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=5, fontsize=8, frameon=False,
        handlelength=1.2,
    )  # fmt: skip


def _camera(axes: Axes, watcher: Watcher, *, fill: str, edge: str) -> None:
    """A triangle that points where the camera looks, its name behind it."""
    from matplotlib.patches import Polygon

    x, y = watcher.pose.centre()[:2]
    ahead = watcher.pose.turn[2][:2]
    length = float(np.linalg.norm(ahead))
    ux, uy = ahead / length if length > 1e-6 else np.array([0.0, 1.0])
    size = 0.16 * max(1.0, (axes.get_ylim()[1] - axes.get_ylim()[0]) / 8)
    points = [(x + ux * size * a - uy * size * b, y + uy * size * a + ux * size * b) for a, b in
              ((1.3, 0.8), (1.3, -0.8), (-0.7, 0.0))]  # fmt: skip
    axes.add_patch(Polygon(points, closed=True, facecolor=fill, edgecolor=INK if fill == "white" else edge, zorder=6))
    axes.text(
        x - ux * size * 1.6, y - uy * size * 1.6, watcher.name, fontsize=7.5, ha="center", va="center", color=INK,
        zorder=7, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _fronts(axes: Axes, wanted: Targets, count: NDArray[np.int64]) -> None:
    """A row for each shelf, the highest of a fixture above, left as a shopper sees it."""
    from matplotlib.patches import Rectangle

    row = 0.0
    ticks, names = [], []
    last = ""
    for number in _downwards(wanted):
        fixture, shelf = wanted.shelves[number]
        if fixture != last:
            row -= 0.5 if last else 0.0
            last = fixture
        own = np.flatnonzero(wanted.shelf == number)
        wide = 1.0 / len(own)
        for spot in own:
            colour = COLOURS[min(int(count[spot]), len(COLOURS) - 1)]
            left = float(wanted.along[spot]) - wide / 2
            axes.add_patch(Rectangle((left, row - 0.85), wide, 0.85, facecolor=colour, edgecolor="none"))
        axes.add_patch(Rectangle((0, row - 0.85), 1, 0.85, fill=False, edgecolor=PALE, linewidth=0.6))
        ticks.append(row - 0.43)
        names.append(f"{fixture}  {shelf.removeprefix(fixture + '.')}")
        row -= 1.0
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(row, 0.2)
    axes.set_yticks(ticks, names, fontsize=8 if len(ticks) < 30 else 6, color=INK)
    axes.set_xticks([0.0, 0.5, 1.0], ["left", "middle", "right"], fontsize=8, color=SOFT)
    axes.tick_params(length=0)
    axes.set_title("Shelves: a hand going in, as a shopper faces them", fontsize=9, color=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _downwards(wanted: Targets) -> list[int]:
    """Shelves in the order of their fixtures, the highest first."""
    order = list(dict.fromkeys(fixture for fixture, _ in wanted.shelves))
    height = [float(wanted.openings[wanted.shelf == number][0, 2]) for number in range(len(wanted.shelves))]
    return sorted(
        range(len(wanted.shelves)), key=lambda number: (order.index(wanted.shelves[number][0]), -height[number])
    )
