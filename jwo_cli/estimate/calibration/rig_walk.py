"""The bundle adjustment of a rig over a walking person, and what is to be said of it.

The rig's frame has z up, the floor at 0, and its origin below the first camera. A person is no board: heads bob, feet
stride, boxes end where they end. Residuals of several centimetres are therefore fine, as long as they are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .bundle import Freedom, Scene, Sightings, adjust, held, rms, scene, seen
from .lens import Lens
from .rig import Rigged, settled
from .rig_start import Edge, spanning_tree, unrolled
from .rigid import Rigid, skew
from .solver import Solved, covariance
from .verdict import Judgement, Reason, Verdict, above, below, judge
from .walk import LEAST, Bodies, body, on_floor, stance, walk_edges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# How wrong "known height" is: shoes, hair, and a walking body that is two centimetres lower than a standing one.
SCALE_SIGMA = 0.01
# Boxes end at toes and hair, or at the shelf that hides the feet: on FairMOT's boxes of CMC1 distances came out 3 % off
# on average, with residuals that looked no worse than those of heads and feet.
BOX_SIGMA = 0.03
SECTORS = 6
SPREAD_GOOD_M, SPREAD_USABLE_M = 0.6, 0.25


def calibrate_walk(
    names: Sequence[str], lenses: Sequence[Lens], seen_by: Sequence[Bodies], height_m: float
) -> Rigged | Judgement:
    """Poses of all cameras over one floor; only a (refusing) judgement where the walk does not connect them."""
    stances = [stance(lens, bodies, height_m) for lens, bodies in zip(lenses, seen_by, strict=True)]
    short = [names[index] for index, item in enumerate(stances) if item is None]
    if short:
        text = f"{', '.join(short)} saw fewer than {LEAST} whole bodies, or none that stand on one floor"
        fix = "Walk all over what they see, upright, from head to foot in the image; check the lens and the height."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    edges = walk_edges(lenses, seen_by, stances, height_m)
    tree, lost = spanning_tree(len(lenses), edges)
    if lost:
        text = f"the walker was not seen together with the others by {', '.join(names[index] for index in lost)}"
        fix = "Walk where it and another camera see you at the same time, and check that clocks agree."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    first = stances[0]
    assert first is not None  # noqa: S101 - `short` is empty
    cameras = [item.after(first.pose) for item in unrolled(len(lenses), tree)]
    start, sightings, places = _start(lenses, seen_by, cameras, height_m)
    free, start = _freedom(start, places)
    solved, kept = settled(start, sightings, free)
    used = {(edge.a, edge.b) for edge in tree}
    marked = tuple(replace(edge, used=(edge.a, edge.b) in used) for edge in edges)
    boxed = any(bodies.boxed for bodies in seen_by)
    return _result(names, lenses, marked, solved, kept, free, 1 - len(kept.px) / len(sightings.px), height_m, boxed)


def _start(
    lenses: Sequence[Lens], seen_by: Sequence[Bodies], cameras: Sequence[Rigid], height_m: float
) -> tuple[Scene, Sightings, Floats]:
    """The person at every instant where the cameras that saw them agree, and all heads and feet seen."""
    instants = np.unique(np.concatenate([bodies.instant for bodies in seen_by]))
    place = np.full((len(lenses), len(instants), 2), np.nan)
    parts: list[tuple[int, Ints, Bodies]] = []
    for index, (lens, bodies, pose) in enumerate(zip(lenses, seen_by, cameras, strict=True)):
        row = np.searchsorted(instants, bodies.instant)
        place[index, row] = on_floor(lens, pose, bodies.foot_px)
        parts.append((index, row, bodies))
    known = np.isfinite(place).all(axis=2)
    good = known.any(axis=0)
    middle = np.zeros((len(instants), 2))
    for instant in np.flatnonzero(good):
        middle[instant] = np.median(place[known[:, instant], instant], axis=0)
    number = np.cumsum(good) - 1
    camera, board, points, px = [], [], [], []
    for index, rows, bodies in parts:
        keep = good[rows]
        for point, pixels in zip(body(height_m), (bodies.foot_px, bodies.head_px), strict=True):
            camera.append(np.full(int(keep.sum()), index))
            board.append(number[rows[keep]])
            points.append(np.tile(point, (int(keep.sum()), 1)))
            px.append(pixels[keep])
    sightings = Sightings(
        camera=np.concatenate(camera).astype(np.int64), board=np.concatenate(board).astype(np.int64),
        points_m=np.concatenate(points), px=np.concatenate(px),
    )  # fmt: skip
    boards = [Rigid(turn=np.eye(3), shift=np.array([x, y, 0.0])) for x, y in middle[good]]
    return scene(lenses, cameras, boards), sightings, middle[good]


def _freedom(start: Scene, places: Floats) -> tuple[Freedom, Scene]:
    """Cameras move, people walk on the floor; two places hold the floor's own frame still.

    The world is turned so that these two (the first place and the one farthest from it) lie along x: the first is
    held, the second may move along x only. Without that nothing would say where the floor's origin is.
    """
    far = int(np.argmax(((places - places[0]) ** 2).sum(axis=1)))
    way = places[far] - places[0]
    angle = float(np.arctan2(way[1], way[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])  # new_from_old
    turned = replace(
        start, camera_turns=start.camera_turns @ turn.T, board_shifts=start.board_shifts @ turn.T,
    )  # fmt: skip
    free = held(turned)
    free.camera[:] = True
    free.board[:, 3:5] = True
    free.board[0, 3:5] = False
    free.board[far, 4] = False
    return free, turned


def _result(
    names: Sequence[str],
    lenses: Sequence[Lens],
    edges: tuple[Edge, ...],
    solved: Solved[Scene],
    sightings: Sightings,
    free: Freedom,
    outliers: float,
    height_m: float,
    boxed: bool,
) -> Rigged:
    state, residuals = solved.state, solved.residuals
    points, _ = seen(state, sightings)
    depth_m = points[:, 2:] / state.lenses[sightings.camera, :2]
    by_camera = tuple(rms(residuals[sightings.camera == index]) for index in range(len(names)))
    by_camera_cm = [rms((residuals * depth_m * 100)[sightings.camera == index]) for index in range(len(names))]
    instants = [len(np.unique(sightings.board[sightings.camera == index])) for index in range(len(names))]
    cameras = _below_first([state.camera(index) for index in range(len(names))])
    centres = np.stack([camera.centre() for camera in cameras])
    baseline = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    sigma_cm = _sigmas_cm(
        solved, free, baseline[0] * (BOX_SIGMA if boxed else SCALE_SIGMA), _parted(solved, sightings, free)
    )
    heads = sightings.points_m[:, 2] > 0
    bob_cm = rms((residuals * depth_m * 100)[heads])
    shared = np.bincount(sightings.board, minlength=len(state.board_shifts))
    together = state.board_shifts[shared > 2, :2]  # two points from one camera are one camera
    reasons = [
        *_camera_reasons(names, by_camera_cm, instants, sigma_cm, centres),
        *_whole_reasons(outliers, together, height_m, boxed=boxed),
    ]
    return Rigged(
        cameras=tuple(cameras), lenses=tuple(lenses), edges=edges, sightings=sightings, residuals_px=residuals,
        rms_px=rms(residuals), rms_cm=rms(residuals * depth_m * 100), camera_rms_px=by_camera, sigma_cm=sigma_cm,
        baseline_m=baseline, outliers=outliers, shape_cm=bob_cm, judgement=judge(reasons), walked=True,
    )  # fmt: skip


def _below_first(cameras: Sequence[Rigid]) -> list[Rigid]:
    """The same with the origin on the floor below the first camera, and x where it looks."""
    centre, ahead = cameras[0].centre(), cameras[0].turn[2]
    level = ahead[:2] if np.linalg.norm(ahead[:2]) > 0.1 else -cameras[0].turn[1][:2]
    cos, sin = level / np.linalg.norm(level)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    old_from_new = Rigid(turn=turn, shift=np.array([centre[0], centre[1], 0.0]))
    return [camera.after(old_from_new) for camera in cameras]


def _parted(solved: Solved[Scene], sightings: Sightings, free: Freedom) -> Floats:
    """How far each camera's place against the first hangs on where the walk went, 1 σ in m [C] (jackknife).

    Bodies are misjudged alike wherever they stand alike: feet behind a fixture, boxes that end at the knee. Such
    mistakes are no noise that averages out; leaving out one sector of the floor after the other shows them.
    """
    state = solved.state
    places = state.board_shifts[:, :2]
    away = places - np.median(places, axis=0)
    sector = ((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) + 0.5) * SECTORS).astype(int) % SECTORS
    huber = 2.45 * max(float(np.median(np.sqrt((solved.residuals**2).sum(axis=1)))), 0.1) / 1.18
    found = []
    for left_out in range(SECTORS):
        rest = sightings.take(sector[sightings.board] != left_out)
        if len(np.unique(rest.camera)) == len(state.kinds):
            part = adjust(state, rest, free, huber_px=huber).state
            first = part.camera(0)
            found.append([first.apply(part.camera(index).centre()[None])[0] for index in range(len(state.kinds))])
    if len(found) < 3:
        return np.zeros(len(state.kinds))
    spots = np.array(found)
    off = ((spots - spots.mean(axis=0)) ** 2).sum(axis=2)
    return np.asarray(np.sqrt((len(found) - 1) / len(found) * off.sum(axis=0)))


def _sigmas_cm(solved: Solved[Scene], free: Freedom, scale_m: Floats, parted_m: Floats) -> tuple[float, ...]:
    """1 σ of each camera's place against the first: of the fit or of its parts, and of the scale that height gives."""
    spread = covariance(solved, int(free.camera.sum()))
    slopes = []
    for index in range(len(scale_m)):
        camera = solved.state.camera(index)
        slopes.append(-camera.turn.T @ np.hstack([skew(camera.shift), np.eye(3)]))  # as in `rig`: c = -Rᵀt
    out = [0.0]
    for index in range(1, len(scale_m)):
        pair = np.zeros((3, len(spread)))
        pair[:, 6 * index : 6 * index + 6] = slopes[index]
        pair[:, :6] = -slopes[0]
        noise = float(np.sqrt(max(np.trace(pair @ spread @ pair.T), 0.0)))
        out.append(float(np.hypot(max(noise, parted_m[index]), scale_m[index])) * 100)
    return tuple(out)


def _camera_reasons(
    names: Sequence[str],
    by_camera_cm: Sequence[float],
    instants: Sequence[int],
    sigma_cm: Sequence[float],
    centres: Floats,
) -> list[Reason]:
    reasons = []
    for name, error, count, sigma, centre in zip(names, by_camera_cm, instants, sigma_cm, centres, strict=True):
        text = f"{name}: {count} instants fit to {error:.1f} cm; it hangs {centre[2]:.2f} m above the floor"
        text += f", its place is known to {sigma:.1f} cm (1 σ)"
        fix = f"Walk longer where {name} and another camera see you whole; check that clocks agree, and the lens."
        reasons.append(below(error, good=8.0, usable=20.0, text=text, fix=fix))
        # The height's part grows with the distance: beyond a shop's size a share of it is what counts.
        away = float(np.linalg.norm(centre - centres[0])) * 100
        good, usable = max(6.0, 0.015 * away), max(25.0, 0.04 * away)
        if sigma > good:
            reasons.append(below(sigma, good=good, usable=usable, text=text, fix=fix))
        if count < 60:
            reasons.append(above(count, good=60, usable=LEAST, text=text, fix=fix))
    return reasons


def _whole_reasons(outliers: float, together: Floats, height_m: float, *, boxed: bool) -> list[Reason]:
    spread = float(np.sqrt(np.linalg.eigvalsh(np.cov(together.T))[0])) if len(together) > 2 else 0.0
    boxes = Reason(
        verdict=Verdict.MARGINAL,
        text=f"heads and feet were taken from boxes: distances may be {BOX_SIGMA:.0%} off (1 σ)",
        fix="Give heads and feet as a pose model sees them (frame, head_x, head_y, foot_x, foot_y).",
    )
    return [
        *([boxes] if boxed else []),
        below(
            outliers, good=0.15, usable=0.4, text=f"{outliers:.1%} of heads and feet were left out as mistaken",
            fix="Let one person walk, and nobody else; leave out where fixtures hide the feet.",
        ),
        above(
            spread, good=SPREAD_GOOD_M, usable=SPREAD_USABLE_M,
            text=f"places that several cameras saw spread over {spread:.2f} m (σ, the narrower way)",
            fix="Walk loops over the whole floor, not one line.",
        ),
        Reason(
            verdict=Verdict.PASS,
            text=f"the scale is that of a height of {height_m:.2f} m: one centimetre in it is "
            f"{1 / height_m:.1f} % of every distance",
        ),
    ]  # fmt: skip
