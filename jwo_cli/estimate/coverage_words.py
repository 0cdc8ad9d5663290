"""Blind spots as a shopkeeper would say them: which zone, beside which fixture, which part of which shelf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from jwo_cli.estimate.coverage import Targets, within
from jwo_cli.model.layout import Store

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALL_M2 = 0.09  # less floor than this hides nobody
PARTS = ((1 / 3, "left third"), (2 / 3, "middle"), (1.01, "right third"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpot:
    """A part of the store that fewer cameras see than wanted: `size` in m² of floor, or metres of shelf front."""

    what: str  # floor or shelf
    where: str
    size: float
    cameras: int
    x_m: float
    y_m: float
    staff_only: bool = False

    def __str__(self) -> str:
        seen = {0: "no camera", 1: "one camera only"}.get(self.cameras, f"{self.cameras} cameras only")
        unit = "m² of floor" if self.what == "floor" else "m of front"
        return f"{self.where}: {seen} ({self.size:.1f} {unit})"


def blind_floor(store: Store, wanted: Targets, count: Ints, at_least: int) -> tuple[BlindSpot, ...]:
    """Connected parts of the floor that fewer than so many cameras see, the largest first, those unseen before all."""
    if not len(wanted.cells):
        return ()
    spots = []
    zone = _zones(store, wanted.cells)
    for seen in range(at_least):
        # A spot is of one zone: shopkeepers think in zones, and staff areas matter less.
        for number in range(-1, len(store.zones)):
            mask = np.zeros(wanted.grid.max(axis=0) + 1, dtype=bool)
            own = (count == seen) & (zone == number)
            mask[tuple(wanted.grid[own].T)] = True
            label, _ = ndimage.label(mask)
            labels = label[tuple(wanted.grid.T)] * own
            for part in np.unique(labels[labels > 0]):
                cells = wanted.cells[labels == part]
                size = len(cells) * wanted.cell_m**2
                if size >= SMALL_M2:
                    spots.append(_floor_spot(store, number, cells, size, seen))
    return tuple(sorted(spots, key=lambda spot: (spot.staff_only, spot.cameras, -spot.size, spot.x_m, spot.y_m)))


def _zones(store: Store, cells: Floats) -> Ints:
    """The zone of each cell (index), the first that holds it; -1 outside of all."""
    zone = np.full(len(cells), -1, dtype=np.int64)
    for number in range(len(store.zones) - 1, -1, -1):
        zone[within(cells, np.array(store.zones[number].polygon))] = number
    return zone


def _floor_spot(store: Store, zone: int, cells: Floats, size: float, seen: int) -> BlindSpot:
    middle = cells.mean(axis=0)
    at = cells[np.argmin(((cells - middle) ** 2).sum(axis=1))]  # a spot may be bent: its middle must be in it
    place = beside(store, at)
    name = store.zones[zone].zone_id if zone >= 0 else "open floor"
    staff = zone >= 0 and store.zones[zone].staff_only
    where = f"{name}, {place}" if place else name
    return BlindSpot(
        what="floor", where=where, size=size, cameras=seen, x_m=float(at[0]), y_m=float(at[1]), staff_only=staff
    )


def beside(store: Store, point: Floats) -> str:
    """'in front of g1', by the nearest fixture and the side on which the point lies; "" without fixtures."""
    best: tuple[float, str] | None = None
    for fixture in store.fixtures:
        turn = np.radians(fixture.pose.rotation_deg)
        away = point - np.array([fixture.pose.x_m, fixture.pose.y_m])
        x, y = np.cos(turn) * away[0] + np.sin(turn) * away[1], -np.sin(turn) * away[0] + np.cos(turn) * away[1]
        off_x, off_y = max(-x, 0.0, x - fixture.dx_m), max(-y, 0.0, y - fixture.dy_m)
        if off_y >= off_x:
            side = "in front of" if y < fixture.dy_m / 2 else "behind"
        else:
            side = "left of" if x < 0 else "right of"
        distance = float(np.hypot(off_x, off_y))
        if best is None or distance < best[0] - 1e-9:
            best = (distance, f"{side} {fixture.fixture_id}")
    return best[1] if best is not None else ""


def blind_shelves(wanted: Targets, count: Ints, at_least: int) -> tuple[BlindSpot, ...]:
    """Shelves, or their thirds, that fewer than so many cameras see, those unseen first."""
    spots = []
    for number, (fixture, shelf) in enumerate(wanted.shelves):
        own = wanted.shelf == number
        for seen in range(at_least):
            bad = own & (count == seen)
            if bad.any():
                place = wanted.openings[bad].mean(axis=0)
                where = f"{fixture}, shelf {shelf}{_parts(wanted.along[own], wanted.along[bad])}"
                spots.append(
                    BlindSpot(
                        what="shelf", where=where, size=float(wanted.span[bad].sum()), cameras=seen,
                        x_m=float(place[0]), y_m=float(place[1]),
                    )
                )  # fmt: skip
    return tuple(sorted(spots, key=lambda spot: (spot.cameras, -spot.size, spot.where)))


def _parts(own: Floats, bad: Floats) -> str:
    """'' for a whole shelf, else the thirds that the spots are in, left to right as a shopper sees it."""
    if len(own) == len(bad):
        return ""
    named = []
    low = 0.0
    for high, name in PARTS:
        if ((bad >= low) & (bad < high)).any():
            named.append(name)
        low = high
    return f" ({', '.join(named)})" if len(named) < len(PARTS) else " (in places)"
