"""Several cameras from one moved board: a robust bundle adjustment over all of them, started from the pairs that agree.

First the board is held rigid, which fixes the scale and throws out mistakes. Then its corners are let free, because a
printed sheet in a hand bends: on the caliscope recording that takes the distance of the nearest pair from 1.6 % off to
0.5 %. By how much the cameras move then is counted into their uncertainty. Lenses are held in that step: with free
corners, focal lengths and distances would drift together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .bundle import Freedom, Scene, Sightings, adjust, held, rms, scene, seen
from .intrinsics import LEAST_CORNERS, solid
from .lens import Lens
from .rig_start import HUBER_PX, Edge, Moment, candidates, pair_edges, spanning_tree, start_scene, unrolled
from .rigid import Rigid, align, skew
from .solver import Solved, covariance
from .verdict import Judgement, Reason, Verdict, above, below, judge

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDS = 2  # of taking out what lies far off and adjusting again
# Only mistakes are taken out: Huber's loss bounds what blurred views do, and without them the far cameras hang on few
# corners (at 6 σ the caliscope distances are 0.3–1.0 % off, at 10 σ 0.0–0.6 %).
REJECT_SIGMAS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rigged:
    """Cameras in the frame of the first (`camera_from_rig`), and how well everything fits.

    `sigma_cm` [C]: 1 σ of each camera's place against the first; `baseline_m` [C, C] distances; `residuals_px` [M, 2]
    with `sightings`; `outliers`: share of corners that were left out; `shape_cm`: how far triangulated corners lie
    from a rigid board (RMS), the residual that counts in the store. After a walk (`walked`, see `rig_walk`) the frame
    has z up and the floor at 0, and `shape_cm` is how far heads lie from their height.
    """

    cameras: tuple[Rigid, ...]
    lenses: tuple[Lens, ...]
    edges: tuple[Edge, ...]
    sightings: Sightings
    residuals_px: Floats
    rms_px: float
    rms_cm: float
    camera_rms_px: tuple[float, ...]
    sigma_cm: tuple[float, ...]
    baseline_m: Floats
    outliers: float
    shape_cm: float
    judgement: Judgement
    walked: bool = False


def calibrate_rig(
    names: Sequence[str], lenses: Sequence[Lens], moments: Sequence[Moment], *, refine_lenses: bool = False
) -> Rigged | Judgement:
    """Poses of all cameras; only a (refusing) judgement where the views do not connect them."""
    moments = [one for one in moments if len(one.view.px) >= LEAST_CORNERS and solid(one.view)]
    poses = candidates(lenses, moments)
    edges = pair_edges(len(lenses), lenses, moments, poses)
    tree, lost = spanning_tree(len(lenses), edges)
    if lost:
        text = f"no board was seen together with the others by {', '.join(names[index] for index in lost)}"
        fix = "Carry the board where it and another camera see it at the same time, and check that clocks agree."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    start, sightings = start_scene(lenses, unrolled(len(lenses), tree), moments, poses)
    total = len(sightings.px)
    free = held(start)
    free.board[:] = True
    free.camera[1:] = True
    solved, sightings = settled(start, sightings, free)
    if refine_lenses:
        free.lens[:, :6] = True  # focal lengths, centre and the two main bends; the rest needs views made for it
        solved, sightings = settled(solved.state, sightings, free)
    bent, points, shape_cm = _loosened(lenses, solved.state, sightings)
    used = {(edge.a, edge.b) for edge in tree}
    marked = tuple(replace(edge, used=(edge.a, edge.b) in used) for edge in edges)
    sigma_cm = _sigmas_cm(solved, free, bent.state)
    return _result(names, lenses, marked, bent, points, sigma_cm, 1 - len(points.px) / total, shape_cm)


def settled(start: Scene, sightings: Sightings, free: Freedom) -> tuple[Solved[Scene], Sightings]:
    """Robust adjustment; what lies beyond REJECT_SIGMAS robust σ is taken out, and it is adjusted again.

    Huber's corner follows the noise: a corner within 2.45 σ (95 % of a plane's normal errors) counts in full.
    """
    solved = adjust(start, sightings, free, huber_px=HUBER_PX)
    for _ in range(ROUNDS):
        length = np.sqrt((solved.residuals**2).sum(axis=1))
        sigma = max(float(np.median(length)), 0.1) / 1.18  # the median length of a plane's normal errors is 1.18 σ
        sightings = sightings.take(length <= REJECT_SIGMAS * sigma)
        solved = adjust(solved.state, sightings, free, huber_px=2.45 * sigma)
    return solved, sightings


def _loosened(lenses: Sequence[Lens], rigid: Scene, sightings: Sightings) -> tuple[Solved[Scene], Sightings, float]:
    """The same cameras with every corner of every moment free; the scale stays the board's.

    Gives the adjustment, its sightings, and how far the corners lie from a rigid board (RMS, cm).
    """
    corner = np.column_stack([sightings.board, np.round(sightings.points_m * 1e6).astype(np.int64)])
    _, first, which = np.unique(corner, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    board, flat = sightings.board[first], sightings.points_m[first]
    shared = np.bincount(which, minlength=len(first)) >= 2
    place = np.cumsum(shared) - 1
    keep = shared[which]
    spots = np.einsum("nij,nj->ni", rigid.board_turns[board], flat) + rigid.board_shifts[board]
    points = Sightings(
        camera=sightings.camera[keep],
        board=place[which[keep]],
        points_m=np.zeros((int(keep.sum()), 3)),
        px=sightings.px[keep],
    )
    cameras = [rigid.camera(index) for index in range(len(lenses))]
    fitted = [replace(lens, values=row[: len(lens.values)]) for lens, row in zip(lenses, rigid.lenses, strict=True)]
    start = scene(fitted, cameras, [Rigid(turn=np.eye(3), shift=spot) for spot in spots[shared]])
    free = held(start)
    free.camera[1:] = True
    free.board[:, 3:] = True
    solved, points = settled(start, points, free)
    return _scaled(solved, board[shared], flat[shared]), points, _shape_cm(solved.state, board[shared], flat[shared])


def _fits(state: Scene, board: Ints, flat: Floats) -> list[tuple[float, Floats]]:
    """For each moment with enough corners: board length over free length, and the corners' distances from a board."""
    fits = []
    for index in dict.fromkeys(board.tolist()):
        own = board == index
        if own.sum() < LEAST_CORNERS:
            continue
        try:
            placed, factor = align(flat[own], state.board_shifts[own], scaled=True)
        except ValueError:
            continue
        fits.append((factor, flat[own] - (factor * state.board_shifts[own] @ placed.turn.T + placed.shift)))
    return fits


def _scaled(solved: Solved[Scene], board: Ints, flat: Floats) -> Solved[Scene]:
    factor = float(np.median([factor for factor, _ in _fits(solved.state, board, flat)] or [1.0]))
    state = solved.state
    grown = replace(state, camera_shifts=state.camera_shifts * factor, board_shifts=state.board_shifts * factor)
    return replace(solved, state=grown)


def _shape_cm(state: Scene, board: Ints, flat: Floats) -> float:
    off = [rest for _, rest in _fits(state, board, flat)]
    # The median over the moments: a blurred one says nothing about the sheet.
    return float(np.median([np.sqrt((rest**2).sum(axis=1).mean()) for rest in off])) * 100 if off else 0.0


def _sigmas_cm(rigid: Solved[Scene], free: Freedom, bent: Scene) -> tuple[float, ...]:
    """1 σ of each camera's place: the noise's part, and how far the board's shape moved it."""
    lens_count = int(free.lens.sum())
    spread = covariance(rigid, lens_count + int(free.camera.sum()))[lens_count:, lens_count:]
    out = [0.0]
    for index in range(1, len(bent.kinds)):
        before, after = rigid.state.camera(index), bent.camera(index)
        noise = _place_sigma_cm(before, spread, index - 1)
        out.append(float(np.hypot(noise, np.linalg.norm(after.centre() - before.centre()) * 100)))
    return tuple(out)


def _result(
    names: Sequence[str],
    lenses: Sequence[Lens],
    edges: tuple[Edge, ...],
    solved: Solved[Scene],
    sightings: Sightings,
    sigma_cm: tuple[float, ...],
    outliers: float,
    shape_cm: float,
) -> Rigged:
    state, residuals = solved.state, solved.residuals
    cameras = tuple(state.camera(index) for index in range(len(lenses)))
    fitted = [replace(lens, values=row[: len(lens.values)]) for lens, row in zip(lenses, state.lenses, strict=True)]
    points, _ = seen(state, sightings)
    focal = state.lenses[sightings.camera, :2]
    centres = np.stack([camera.centre() for camera in cameras])
    by_camera = tuple(rms(residuals[sightings.camera == index]) for index in range(len(cameras)))
    sizes = [int((sightings.camera == index).sum()) for index in range(len(cameras))]
    reasons = _reasons(names, lenses, by_camera, sizes, sigma_cm)
    return Rigged(
        cameras=cameras,
        lenses=tuple(fitted),
        edges=edges,
        sightings=sightings,
        residuals_px=residuals,
        rms_px=rms(residuals),
        rms_cm=rms(residuals / focal * points[:, 2:] * 100),
        camera_rms_px=by_camera,
        sigma_cm=sigma_cm,
        baseline_m=np.linalg.norm(centres[:, None] - centres[None], axis=2),
        outliers=outliers,
        shape_cm=shape_cm,
        judgement=judge([*reasons, *_whole_reasons(outliers, shape_cm, len(sightings.px))]),
    )


def _place_sigma_cm(camera: Rigid, spread: Floats, index: int) -> float:
    """1 σ of a camera's centre −Rᵀt from the covariance of its (left) turn and shift, cm."""
    block = spread[6 * index : 6 * index + 6, 6 * index : 6 * index + 6]
    # R ← exp(d)·R gives c = −Rᵀ·exp(−d)·t, so ∂c/∂d = −Rᵀ·[t]× and ∂c/∂t = −Rᵀ.
    slope = -camera.turn.T @ np.hstack([skew(camera.shift), np.eye(3)])
    return float(np.sqrt(max(np.trace(slope @ block @ slope.T), 0.0)) * 100)


def _reasons(
    names: Sequence[str],
    lenses: Sequence[Lens],
    by_camera: Sequence[float],
    sizes: Sequence[int],
    sigma_cm: Sequence[float],
) -> list[Reason]:
    reasons = []
    for name, lens, error, size, place in zip(names, lenses, by_camera, sizes, sigma_cm, strict=True):
        unit = max(lens.width_px, 640) / 640
        text = f"{name}: {size} corners fit to {error:.2f} px; its place is known to {place:.2f} cm (1 σ)"
        fix = f"Carry the board through what {name} and another camera see, slowly, near and tilted."
        reasons.append(below(error, good=0.75 * unit, usable=2.0 * unit, text=text, fix=fix))
        if place > 1.0:
            reasons.append(below(place, good=1.0, usable=5.0, text=text, fix=fix))
        if size < 100:
            reasons.append(above(size, good=100, usable=20, text=text, fix=fix))
    return reasons


def _whole_reasons(outliers: float, shape_cm: float, count: int) -> list[Reason]:
    fix = "Look for motion blur, a bent board, or cameras whose frames are not of the same moment."
    text = f"{outliers:.1%} of the corners were left out: mistaken, or seen by one camera only"
    return [
        below(outliers, good=0.3, usable=0.6, text=text, fix=fix),
        below(
            shape_cm, good=0.5, usable=2.0, text=f"the corners lie {shape_cm:.2f} cm from a rigid board (RMS)",
            fix="Glue the board to something stiff, move it slowly, and check that the frames are of the same moment.",
        ),
        above(
            float(count), good=400, usable=60, text=f"{count} sightings of shared corners were used",
            fix="Record the board for half a minute where at least two cameras see it.",
        ),
    ]  # fmt: skip
