"""Where further cameras would help most: candidate mounts on walls and ceiling, chosen one after another.

What is gained by a camera, min(cameras that see it, wanted) summed over all targets, is submodular: a camera adds the
less, the more are there. Choosing the best one each time therefore reaches at least 1 - 1/e of the best choice of that
many (Nemhauser, Wolsey and Fisher 1978). Floor and shelves weigh the same, whatever their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.rigid import Rigid
from jwo_cli.estimate.coverage import BODY_M, BODY_PARTS, HAND_PX_M, PERSON_PX_M, Coverage, Targets, body_points, within
from jwo_cli.estimate.coverage_sight import Solids, Watcher, density, hidden, nominal_lens
from jwo_cli.model.layout import Store

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WALL_STEP_M, CEILING_STEP_M, OFF_WALL_M = 0.8, 1.5, 0.12
YAWS = 12
DOWN_DEG = (25.0, 40.0, 60.0)
CLEAR_M = 0.15  # no camera in, or right above, what reaches that high
ROUGH_M = 0.3  # floor cells for choosing; what is reported is on the fine ones
LOOK_M = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """What may be hung up: its height, how wide it sees, its image; `wall_only` leaves the ceiling out."""

    height_m: float
    view_deg: float = 90.0
    width_px: int = 1920
    height_px: int = 1080
    wall_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A camera to add, and what is seen by the wanted number once it and those before it are there (shares)."""

    name: str
    at_m: tuple[float, float, float]
    look_at_m: tuple[float, float, float]
    watcher: Watcher
    floor_share: float
    shelf_share: float


def candidates(store: Store, mount: Mount) -> list[Watcher]:
    """Cameras that could be hung: along the walls and on a ceiling grid, turned each way and tilted downwards."""
    places = _wall_places(store)
    if not mount.wall_only:
        places = np.concatenate([places, _ceiling_places(store)])
    spots = np.column_stack([places, np.full(len(places), mount.height_m)])
    lens = nominal_lens(mount.width_px, mount.height_px, mount.view_deg)
    made = []
    for spot in spots[_free(store, spots)]:
        for turn in range(YAWS):
            yaw = 2 * np.pi * turn / YAWS
            for down in np.radians(DOWN_DEG):
                ahead = np.array([np.cos(yaw) * np.cos(down), np.sin(yaw) * np.cos(down), -np.sin(down)])
                right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
                axes = np.stack([right, np.cross(ahead, right), ahead])
                made.append(Watcher(name="", lens=lens, pose=Rigid(turn=axes, shift=-axes @ spot)))
    return made


def _wall_places(store: Store) -> Floats:
    floor = np.array(store.floor)
    found = []
    for a, b in zip(floor, np.roll(floor, -1, axis=0), strict=True):
        length = float(np.linalg.norm(b - a))
        count = max(1, round(length / WALL_STEP_M))
        shares = (np.arange(count) + 0.5) / count
        found.append(np.concatenate([a[None], a + shares[:, None] * (b - a)]))
    on_wall = np.concatenate(found)
    inward = []
    for place in on_wall:
        around = place + OFF_WALL_M * np.array([[np.cos(t), np.sin(t)] for t in np.linspace(0, 2 * np.pi, 8, False)])
        inside = within(around, floor)
        if inside.any():
            inward.append(around[inside].mean(axis=0))
    return np.array(inward).reshape(-1, 2)


def _ceiling_places(store: Store) -> Floats:
    floor = np.array(store.floor)
    low, high = floor.min(axis=0), floor.max(axis=0)
    x, y = (np.arange(low[axis] + CEILING_STEP_M / 2, high[axis], CEILING_STEP_M) for axis in (0, 1))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[within(grid, floor)]


def _free(store: Store, spots: Floats) -> Flags:
    free = np.ones(len(spots), dtype=bool)
    for fixture in store.fixtures:
        turn = np.radians(fixture.pose.rotation_deg)
        away = spots[:, :2] - np.array([fixture.pose.x_m, fixture.pose.y_m])
        x = np.cos(turn) * away[:, 0] + np.sin(turn) * away[:, 1]
        y = -np.sin(turn) * away[:, 0] + np.cos(turn) * away[:, 1]
        over = (x > -CLEAR_M) & (x < fixture.dx_m + CLEAR_M) & (y > -CLEAR_M) & (y < fixture.dy_m + CLEAR_M)
        free &= ~(over & (spots[:, 2] < fixture.dz_m + fixture.pose.z_m + CLEAR_M))
    return free


def look(cameras: Sequence[Watcher], wanted: Targets, solids: Solids) -> tuple[Flags, Flags]:
    """What each candidate sees: floor [c, f] and shelves [c, s]. Candidates in one place share what is hidden."""
    body = body_points(wanted)
    points = np.concatenate([body, wanted.openings])
    least = np.concatenate([np.full(len(body), PERSON_PX_M), np.full(len(wanted.openings), HAND_PX_M)])
    floor = np.zeros((len(cameras), len(wanted.cells)), dtype=bool)
    shelf = np.zeros((len(cameras), len(wanted.openings)), dtype=bool)
    last: tuple[float, ...] = ()
    open_way = np.zeros(len(points), dtype=bool)
    for index, camera in enumerate(cameras):
        place = camera.pose.centre()
        here = tuple(np.round(place, 6))
        if here != last:
            last, open_way = here, ~hidden(place, points, solids)
        seen = open_way & (density(camera, points) >= least)
        floor[index] = seen[: len(body)].reshape(len(BODY_M), -1).sum(axis=0) >= BODY_PARTS
        shelf[index] = seen[len(body) :]
    return floor, shelf


def propose(
    store: Store, now: Coverage, rough: Targets, solids: Solids, mount: Mount, *, most: int, wanted: int, share: float
) -> list[Proposal]:
    """Up to `most` cameras, one after another, until at least `share` of floor and shelves has `wanted` cameras.

    `now` is what the present cameras see of the targets `rough`.
    """
    cameras = candidates(store, mount)
    floor, shelf = look(cameras, rough, solids)
    seen = np.concatenate([floor, shelf], axis=1)
    weight = np.concatenate(
        [np.full(floor.shape[1], 1 / max(floor.shape[1], 1)), np.full(shelf.shape[1], 1 / max(shelf.shape[1], 1))]
    )
    count = np.concatenate([now.floor_count(), now.shelf_count()])
    made: list[Proposal] = []
    for number in range(1, most + 1):
        if _shares(count, floor.shape[1], wanted, share):
            break
        gain = seen @ (weight * (count < wanted))
        best = int(np.argmax(gain))
        if gain[best] <= 1e-9:
            break
        count = count + seen[best]
        made.append(_proposal(f"new{number}", cameras[best], count, floor.shape[1], wanted))
    return made


def _shares(count: NDArray[np.int64], cells: int, wanted: int, share: float) -> bool:
    parts = [part for part in (count[:cells], count[cells:]) if len(part)]
    return all((part >= wanted).mean() >= share for part in parts)


def _proposal(name: str, camera: Watcher, count: NDArray[np.int64], cells: int, wanted: int) -> Proposal:
    place = camera.pose.centre()
    spot = place + LOOK_M * camera.pose.turn[2]
    shares = [float((part >= wanted).mean()) if len(part) else 1.0 for part in (count[:cells], count[cells:])]
    at, to = (tuple(round(float(value), 2) for value in point) for point in (place, spot))
    return Proposal(
        name=name, at_m=(at[0], at[1], at[2]), look_at_m=(to[0], to[1], to[2]),
        watcher=Watcher(name=name, lens=camera.lens, pose=camera.pose), floor_share=shares[0], shelf_share=shares[1],
    )  # fmt: skip
