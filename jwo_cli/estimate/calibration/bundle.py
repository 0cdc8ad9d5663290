"""Bundle adjustment: cameras, lenses and rigid boards moved together until every corner falls on its pixel.

A board is any rigid set of points: a chessboard held up, the store's surveyed points, a person of known height. What is
free is said by masks, so that one solver serves intrinsics (one camera, lens free), rigs (lenses held) and store
frames (one board, cameras free). Pose steps are rotations applied on the left: R ← exp(d)·R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from jwo_cli.model.layout import LensKind

from .lens import Lens, bend, slopes
from .rigid import Rigid, exp, skew
from .solver import Problem, Solved, solve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
LENS_SIZE = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """M corners seen: `camera` and `board` [M] are indices, `points_m` [M, 3] in the board's frame, `px` [M, 2]."""

    camera: Ints
    board: Ints
    points_m: Floats
    px: Floats

    def take(self, keep: NDArray[np.bool_]) -> Sightings:
        """Those marked in `keep` [M]."""
        return Sightings(
            camera=self.camera[keep], board=self.board[keep], points_m=self.points_m[keep], px=self.px[keep]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that may move: `camera_from_world` [C], lenses [C, 9], `world_from_board` [B]; kinds are fixed."""

    kinds: tuple[LensKind, ...]
    lenses: Floats
    camera_turns: Floats
    camera_shifts: Floats
    board_turns: Floats
    board_shifts: Floats

    def camera(self, index: int) -> Rigid:
        """`camera_from_world`."""
        return Rigid(turn=self.camera_turns[index], shift=self.camera_shifts[index])

    def board(self, index: int) -> Rigid:
        """`world_from_board`."""
        return Rigid(turn=self.board_turns[index], shift=self.board_shifts[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom:
    """What may move: lens [C, 9], camera [C, 6] and board [B, 6] (turn, then shift)."""

    lens: Mask
    camera: Mask
    board: Mask


def scene(lenses: Sequence[Lens], cameras: Sequence[Rigid], boards: Sequence[Rigid]) -> Scene:
    """A scene from its parts."""
    values = np.zeros((len(lenses), LENS_SIZE))
    for row, lens in zip(values, lenses, strict=True):
        row[: len(lens.values)] = lens.values
    return Scene(
        kinds=tuple(lens.kind for lens in lenses),
        lenses=values,
        camera_turns=np.stack([item.turn for item in cameras]),
        camera_shifts=np.stack([item.shift for item in cameras]),
        board_turns=np.stack([item.turn for item in boards]),
        board_shifts=np.stack([item.shift for item in boards]),
    )


def held(here: Scene) -> Freedom:
    """Nothing moves; set what may."""
    cameras, boards = len(here.kinds), len(here.board_turns)
    return Freedom(
        lens=np.zeros((cameras, LENS_SIZE), dtype=bool),
        camera=np.zeros((cameras, 6), dtype=bool),
        board=np.zeros((boards, 6), dtype=bool),
    )


def seen(here: Scene, sightings: Sightings) -> tuple[Floats, Floats]:
    """Points in their camera's frame [M, 3], and where they should appear [M, 2] px."""
    world = np.einsum("nij,nj->ni", here.board_turns[sightings.board], sightings.points_m)
    world = world + here.board_shifts[sightings.board]
    points = np.einsum("nij,nj->ni", here.camera_turns[sightings.camera], world)
    points = points + here.camera_shifts[sightings.camera]
    return points, _pixels(here, sightings.camera, points)


def _pixels(here: Scene, camera: Ints, points: Floats) -> Floats:
    # A point that a trial step puts behind a camera is held just before it: a large error, not a mirrored small one.
    points = np.column_stack([points[:, :2], np.maximum(points[:, 2], 1e-3)])
    px = np.empty((len(points), 2))
    for kind in dict.fromkeys(here.kinds):
        own = np.array([item is kind for item in here.kinds])[camera]
        px[own] = bend(kind, points[own], here.lenses[camera[own]])
    return px


def adjust(here: Scene, sightings: Sightings, free: Freedom, *, huber_px: float | None = None) -> Solved[Scene]:
    """Move what is free until the residuals (px, [M, 2], seen minus found) are least."""
    columns = _columns(free)

    def residuals(state: Scene) -> Floats:
        return seen(state, sightings)[1] - sightings.px

    def derivatives(state: Scene) -> sparse.csr_matrix:
        return _slopes(state, sightings, columns)

    def step(state: Scene, by: Floats) -> Scene:
        return _moved(state, free, by)

    return solve(Problem(residuals=residuals, slopes=derivatives, step=step), here, huber=huber_px)


def _columns(free: Freedom) -> tuple[Ints, Ints, Ints, int]:
    """The column of each parameter (lenses, cameras, boards), −1 where it is held, and how many there are."""
    sizes = [int(mask.sum()) for mask in (free.lens, free.camera, free.board)]
    out = []
    for mask, start in zip((free.lens, free.camera, free.board), np.cumsum([0, *sizes[:2]]), strict=True):
        place = np.full(mask.shape, -1, dtype=np.int64)
        place[mask] = np.arange(start, start + int(mask.sum()))
        out.append(place)
    return out[0], out[1], out[2], sum(sizes)


def _slopes(state: Scene, sightings: Sightings, columns: tuple[Ints, Ints, Ints, int]) -> sparse.csr_matrix:
    lens_at, camera_at, board_at, total = columns
    points, _ = seen(state, sightings)
    held_front = np.column_stack([points[:, :2], np.maximum(points[:, 2], 1e-3)])
    by_point = np.empty((len(points), 2, 3))
    by_lens = np.empty((len(points), 2, LENS_SIZE))
    for kind in dict.fromkeys(state.kinds):
        own = np.array([item is kind for item in state.kinds])[sightings.camera]
        by_point[own], by_lens[own] = slopes(kind, held_front[own], state.lenses[sightings.camera[own]])
    turns = state.camera_turns[sightings.camera]
    from_camera = points - state.camera_shifts[sightings.camera]  # R·w
    from_board = np.einsum("nij,nj->ni", state.board_turns[sightings.board], sightings.points_m)
    blocks = (
        (by_lens, lens_at[sightings.camera]),
        (by_point @ np.concatenate([-skew(from_camera), _eyes(len(points))], axis=2), camera_at[sightings.camera]),
        (by_point @ turns @ np.concatenate([-skew(from_board), _eyes(len(points))], axis=2), board_at[sightings.board]),
    )
    values, rows, places = [], [], []
    for block, at in blocks:
        used = at >= 0
        number, parameter = np.nonzero(used)
        for axis in range(2):
            values.append(block[number, axis, parameter])
            rows.append(2 * number + axis)
            places.append(at[number, parameter])
    shape = (2 * len(points), total)
    triples = (np.concatenate(values), (np.concatenate(rows), np.concatenate(places)))
    return sparse.coo_matrix(triples, shape=shape).tocsr()


def _eyes(count: int) -> Floats:
    return np.broadcast_to(np.eye(3), (count, 3, 3))


def _moved(state: Scene, free: Freedom, by: Floats) -> Scene:
    steps = []
    start = 0
    for mask in (free.lens, free.camera, free.board):
        step = np.zeros(mask.shape)
        count = int(mask.sum())
        step[mask] = by[start : start + count]
        start += count
        steps.append(step)
    lens, camera, board = steps
    return replace(
        state,
        lenses=state.lenses + lens,
        camera_turns=exp(camera[:, :3]) @ state.camera_turns,
        camera_shifts=state.camera_shifts + camera[:, 3:],
        board_turns=exp(board[:, :3]) @ state.board_turns,
        board_shifts=state.board_shifts + board[:, 3:],
    )


def rms(residuals: Floats) -> float:
    """Root of the mean squared distance [M, 2] → px, as OpenCV counts it (per corner, not per coordinate)."""
    return float(np.sqrt((residuals**2).sum(axis=1).mean())) if len(residuals) else 0.0
