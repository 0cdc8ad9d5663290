"""A layout's cameras against its floor and shelves: what `jwo layout coverage` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.lens import lens_of
from jwo_cli.estimate.calibration.rigid import pose_of
from jwo_cli.estimate.coverage import Coverage, Targets, cover, share_seen, targets, within
from jwo_cli.estimate.coverage_mounts import ROUGH_M, Mount, Proposal, propose
from jwo_cli.estimate.coverage_sight import Solids, Watcher, nominal_lens
from jwo_cli.estimate.coverage_words import BlindSpot, blind_floor, blind_shelves
from jwo_cli.layouts.draw_legend import VIEW_DEG
from jwo_cli.model.layout import Store

Ints = NDArray[np.int64]
Row = tuple[str, float, *tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is seen now, what is blind, and with the proposed cameras `after` (the same where there are none)."""

    store: Store
    want: int
    wanted: Targets
    watchers: tuple[Watcher, ...]
    now: Coverage
    after: Coverage
    spots: tuple[BlindSpot, ...]
    new: tuple[Proposal, ...]
    doubts: tuple[str, ...]

    def rows(self) -> list[Row]:
        """Floor, its zones, shelves and each fixture: how large, and which share at least 1, 2, … cameras see."""
        return [
            (name, round(size, 1), *(f"{share_seen(count, n):.0%}" for n in range(1, self.want + 1)))
            for name, size, count in self._parts()
        ]

    def proposals(self) -> list[tuple[str, str, str, str, str]]:
        """The proposed cameras as rows."""
        return [
            (item.name, _place(item.at_m), _place(item.look_at_m), f"{item.floor_share:.0%}", f"{item.shelf_share:.0%}")
            for item in self.new
        ]

    def document(self) -> dict[str, object]:
        """All of it as plain values."""
        return {
            "store": self.store.store_id,
            "layout": self.store.version,
            "wanted_cameras": self.want,
            "parts": [
                {
                    "part": name.strip(), "size": size,
                    "seen_by_at_least": [share_seen(count, n) for n in range(1, self.want + 1)],
                } for name, size, count in self._parts()
            ],
            "cameras": [
                {
                    "id": name,
                    "calibrated": not any(line.startswith(f"{name}:") for line in self.doubts),
                    "floor_share": float(floor.mean()) if len(floor) else 0.0,
                    "shelf_share": float(shelf.mean()) if len(shelf) else 0.0,
                }
                for name, floor, shelf in zip(self.now.names, self.now.floor, self.now.shelf, strict=True)
            ],
            "blind_spots": [
                {
                    "what": spot.what, "where": spot.where, "size": spot.size, "cameras": spot.cameras,
                    "x_m": spot.x_m, "y_m": spot.y_m, "staff_only": spot.staff_only,
                } for spot in self.spots
            ],
            "proposed": [
                {
                    "id": item.name, "at_m": item.at_m, "look_at_m": item.look_at_m,
                    "floor_share": item.floor_share, "shelf_share": item.shelf_share,
                } for item in self.new
            ],
        }  # fmt: skip

    def _parts(self) -> list[tuple[str, float, Ints]]:
        floor, shelf = self.now.floor_count(), self.now.shelf_count()
        cell = self.wanted.cell_m**2
        parts = [("floor, m²", len(floor) * cell, floor)]
        for zone in self.store.zones:
            own = within(self.wanted.cells, np.array(zone.polygon))
            parts.append((f"  {zone.zone_id}", int(own.sum()) * cell, floor[own]))
        if self.wanted.shelves:
            parts.append(("shelves, m", float(self.wanted.span.sum()), shelf))
        for fixture in dict.fromkeys(name for name, _ in self.wanted.shelves):
            numbers = [number for number, (name, _) in enumerate(self.wanted.shelves) if name == fixture]
            own = np.isin(self.wanted.shelf, numbers)
            parts.append((f"  {fixture}", float(self.wanted.span[own].sum()), shelf[own]))
        return parts


def coverage_of(store: Store, mount: Mount, *, want: int, most: int, share: float) -> Found:
    """What the layout's cameras see, and up to `most` further ones to hang as `mount` says."""
    watchers, doubts = _watchers(store)
    wanted, solids = targets(store), Solids.of(store)
    now = cover(watchers, wanted, solids)
    spots = (
        *blind_floor(store, wanted, now.floor_count(), want),
        *blind_shelves(wanted, now.shelf_count(), want),
    )
    new: Sequence[Proposal] = ()
    if most:
        rough = targets(store, ROUGH_M)
        seen = cover(watchers, rough, solids)
        new = propose(store, seen, rough, solids, mount, most=most, wanted=want, share=share)
    after = cover([*watchers, *(item.watcher for item in new)], wanted, solids) if new else now
    return Found(
        store=store, want=want, wanted=wanted, watchers=tuple(watchers), now=now, after=after, spots=spots,
        new=tuple(new), doubts=tuple(doubts),
    )  # fmt: skip


def _watchers(store: Store) -> tuple[list[Watcher], list[str]]:
    """The layout's cameras; one that is not calibrated is taken to see as drawn, and that is said."""
    made, doubts = [], []
    for camera in store.cameras:
        lens = lens_of(camera)
        if lens is None:
            doubts.append(f"{camera.camera_id}: not calibrated, taken to see {VIEW_DEG:.0f}° as `jwo layout draw` does")
            lens = nominal_lens(camera.width_px, camera.height_px, VIEW_DEG)
        elif len(camera.rotation_rad) != 3:
            doubts.append(
                f"{camera.camera_id}: its turn is not calibrated, taken to look at its look-at point, upright"
            )
        made.append(Watcher(name=camera.camera_id, lens=lens, pose=pose_of(camera)))
    return made, doubts


def _place(point: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.2f}" for value in point)
