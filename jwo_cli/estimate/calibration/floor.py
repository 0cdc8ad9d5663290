"""Cameras into the store's frame, from points whose places in the store were surveyed.

Works for one camera and for a rig alike: the cameras are one rigid body, the surveyed points the other, and the body's
place is what is free. How good it is, is asked of each point by leaving it out: a mistake in the survey shows as one
point that the others do not believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bundle import Sightings, adjust, held, rms, scene
from .lens import Lens
from .planar import planar_poses, spatial_pose
from .rigid import Rigid
from .verdict import Judgement, Reason, Verdict, above, below, judge

Floats = NDArray[np.float64]
LEAST_POINTS = 4
FLAT = 0.02  # points that leave their plane by less than this share of their extent count as flat
# What centimetres on the floor are worth: plates are about 10 cm wide, feet are seen to about 5 cm.
GOOD_CM, USABLE_CM = 3.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Surveyed points in pictures: `name`, `camera` index, place in the store [N, 3] metres, and `px` [N, 2]."""

    names: tuple[str, ...]
    camera: NDArray[np.int64]
    places_m: Floats
    px: Floats

    def take(self, keep: NDArray[np.bool_]) -> Survey:
        """Those marked in `keep` [N]."""
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        return Survey(names=names, camera=self.camera[keep], places_m=self.places_m[keep], px=self.px[keep])


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """`camera_from_store` for each camera; residuals [N, 2] px and what they are on the floor [N] cm.

    `unseen_cm` [N] is each point's error where the others decide (NaN where they cannot).
    """

    cameras: tuple[Rigid, ...]
    residuals_px: Floats
    rms_px: float
    floor_cm: Floats
    unseen_cm: Floats
    judgement: Judgement


def place(
    body: Sequence[Rigid], lenses: Sequence[Lens], survey: Survey, *, guess: Rigid | None = None
) -> Placed | Judgement:
    """Place a body of cameras (`camera_from_body`) in the store; `guess` is `body_from_store` as drawn."""
    different = len(np.unique(np.column_stack([survey.camera, survey.places_m]), axis=0))
    if different < LEAST_POINTS:
        text = f"{different} surveyed points were given; {LEAST_POINTS} are the least, six and more are checked"
        fix = "Measure more points: corners of shelves, tiles, markers on the floor, well spread."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    found = None if _in_line(survey.places_m) else _fit(body, lenses, survey, guess)
    if found is None:
        text = "the points do not say where the cameras are: they lie on a line, or no camera sees four of them"
        fix = "Survey points that spread over the floor, and check that x and y, and pixels, were not mixed up."
        return judge([Reason(verdict=Verdict.REFUSED, text=text, fix=fix)])
    body_from_store, residuals = found
    cameras = tuple(item.after(body_from_store) for item in body)
    unseen = np.full(len(survey.px), np.nan)
    if len(survey.px) > LEAST_POINTS:
        for index in range(len(survey.px)):
            keep = np.arange(len(survey.px)) != index
            others = _fit(body, lenses, survey.take(keep), body_from_store)
            if others is not None:
                moved = [item.after(others[0]) for item in body]
                unseen[index] = floor_error_cm(moved, lenses, survey.take(~keep))[0]
    floor = floor_error_cm(cameras, lenses, survey)
    reasons = _reasons(survey, residuals, floor, unseen, max(lens.width_px for lens in lenses))
    return Placed(
        cameras=cameras,
        residuals_px=residuals,
        rms_px=rms(residuals),
        floor_cm=floor,
        unseen_cm=unseen,
        judgement=judge(reasons),
    )


def _in_line(places_m: Floats) -> bool:
    """Whether points [N, 3] lie on a line: turned about it all still fits, so that any start would be believed."""
    sizes = np.linalg.svd(places_m - places_m.mean(axis=0), compute_uv=False)
    return bool(sizes[1] < FLAT * sizes[0])


def _fit(
    body: Sequence[Rigid], lenses: Sequence[Lens], survey: Survey, guess: Rigid | None
) -> tuple[Rigid, Floats] | None:
    """`body_from_store` with the least residuals over all starts, and the residuals."""
    starts = [guess] if guess is not None else []
    for index in dict.fromkeys(survey.camera.tolist()):
        own = survey.take(survey.camera == index)
        starts += [body[index].inverse().after(pose) for pose in _poses(lenses[index], own)]
    sightings = Sightings(
        camera=survey.camera, board=np.zeros(len(survey.px), dtype=np.int64), points_m=survey.places_m, px=survey.px
    )
    best: tuple[float, Rigid, Floats] | None = None
    for start in starts:
        here = scene(lenses, body, [start])
        free = held(here)
        free.board[:] = True
        # A pixel is clicked to one or two; what is beyond three pulls no harder.
        solved = adjust(here, sightings, free, huber_px=3.0)
        pose = solved.state.board(0)
        depth = [body[c].after(pose).apply(p[None])[0, 2] for c, p in zip(survey.camera, survey.places_m, strict=True)]
        error = float(np.minimum(np.abs(solved.residuals), 50.0).mean())
        if min(depth) > 0 and (best is None or error < best[0] - 1e-9):
            best = (error, pose, solved.residuals)
    return None if best is None else (best[1], best[2])


def _poses(lens: Lens, own: Survey) -> list[Rigid]:
    """Starts for one camera, `camera_from_store`: through the points' plane, or through space."""
    rays = lens.normalised(own.px)
    good = np.asarray(np.isfinite(rays).all(axis=1), dtype=np.bool_)
    rays, points = rays[good], own.places_m[good]
    if len(points) < LEAST_POINTS:
        return []
    middle = points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(points - middle, full_matrices=False)
    try:
        if sizes[2] < FLAT * sizes[0]:
            turn = axes * np.array([[1.0], [1.0], [np.sign(np.linalg.det(axes))]])
            plane_from_store = Rigid(turn=turn, shift=-turn @ middle)
            flat = plane_from_store.apply(points)[:, :2]
            return [pose.after(plane_from_store) for pose in planar_poses(flat, rays)]
        return [spatial_pose(points, rays)] if len(points) >= 6 else []
    except (ValueError, np.linalg.LinAlgError):
        return []


def floor_error_cm(cameras: Sequence[Rigid], lenses: Sequence[Lens], survey: Survey) -> Floats:
    """How far each pixel's ray passes from its point, level (at the point's height), cm [N]; NaN if it misses."""
    out = np.full(len(survey.px), np.nan)
    for index, (camera, lens) in enumerate(zip(cameras, lenses, strict=True)):
        own = survey.camera == index
        if not own.any():
            continue
        rays = lens.rays(survey.px[own]) @ camera.turn
        start, points = camera.centre(), survey.places_m[own]
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (points[:, 2] - start[2]) / rays[:, 2]
            met = start[:2] + along[:, None] * rays[:, :2]
        level = np.where(along > 0, np.linalg.norm(met - points[:, :2], axis=1), np.nan)
        # A ray that hardly sinks meets the level far away by any small error: there the distance from the ray counts.
        off = np.linalg.norm(np.cross(rays, points - start), axis=1)
        out[own] = np.where(np.abs(rays[:, 2]) > 0.1, level, off) * 100
    return out


def _reasons(survey: Survey, residuals: Floats, floor: Floats, unseen: Floats, width_px: int) -> list[Reason]:
    unit = max(width_px, 640) / 640
    whole = rms(residuals)
    text = f"{len(survey.px)} points fit to {whole:.2f} px, {_root(floor):.1f} cm on the floor"
    fix = "Check the survey for mixed-up points or coordinates, and that the lens is calibrated."
    reasons = [
        below(whole, good=2.0 * unit, usable=6.0 * unit, text=text, fix=fix),
        above(float(len(survey.px)), good=6, usable=LEAST_POINTS, text=f"{len(survey.px)} points were surveyed",
              fix="With four points nothing is left to notice a mistake: survey six or more."),
    ]  # fmt: skip
    known = np.isfinite(unseen)
    if known.any():
        text = f"a point that was left out is met to {_root(unseen[known]):.1f} cm by the others"
        fix = "Survey more points, spread over all that the cameras see."
        reasons.append(below(_root(unseen[known]), good=GOOD_CM, usable=USABLE_CM, text=text, fix=fix))
        worst = int(np.nanargmax(unseen))
        usual = float(np.median(unseen[known]))
        if unseen[worst] > max(5 * usual, GOOD_CM):
            text = f"point {survey.names[worst]} is {unseen[worst]:.0f} cm from where the others put it"
            fix = "Measure it again, in the store and in the picture."
            reasons.append(Reason(verdict=Verdict.MARGINAL, text=text, fix=fix))
    return reasons


def _root(values: Floats) -> float:
    return float(np.sqrt(np.nanmean(values**2))) if len(values) and np.isfinite(values).any() else float("nan")
