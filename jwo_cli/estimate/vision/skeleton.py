"""Joints in space from key points of any number of cameras: the most probable body, with its covariance.

One Gauss–Newton over all joints of a person: rays of all cameras, bones of human lengths, where joints are on somebody
who stands there, and where they were a moment ago. With two or more cameras rays decide; with one, bones and the place
on the floor give the depth, and the covariance says how little. Rays weigh by Student-t, so that a wrong key point, or
another person's, loses its say; left and right are exchanged in a camera where the others say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .physique import FACE, MIRRORED, PARTS, POINT_OF, Physique

Floats = NDArray[np.float64]

_N = len(PARTS)
_ROUNDS = 8
_DAMPING = 1e-3
_EXCHANGE = 3.0  # an exchange of left and right must fit better by this many units of chi² a joint
_BLUNT = 4.0
_BAD = 6.0  # chi² a key point, two degrees of freedom
_FORGET_NS = 400_000_000  # where joints were longer ago says nothing any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One camera's key points of one person in order of PARTS: undistorted `px` [9, 2], deviations [9] (inf unseen)."""

    view: View
    px: Floats
    sigma_px: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A person in space: `joints_m` [9, 3] in order of PARTS with `covariance` [27, 27].

    `views` [9] is how many cameras saw each joint.
    """

    at_ns: int
    joints_m: Floats
    covariance: Floats
    views: NDArray[np.int64]

    def blocks(self) -> Floats:
        """Each joint's own covariance [9, 3, 3]."""
        every = self.covariance.reshape(_N, 3, _N, 3)
        return np.asarray(every[np.arange(_N), :, np.arange(_N), :])

    def sigma_m(self) -> Floats:
        """The largest deviation of each joint in any direction [9]."""
        return np.asarray(np.sqrt(np.linalg.eigvalsh(self.blocks())[:, -1]))


def glance(view: View, keypoints_px: Floats, tall_px: float, physique: Physique) -> Glance:
    """One person's key points [17, 3] (undistorted pixels, score) as joints to fit."""
    points = np.asarray(keypoints_px, dtype=np.float64)
    px, score = np.full((_N, 2), np.nan), np.zeros(_N)
    face = points[list(FACE)]
    good = face[:, 2] >= physique.least_score
    if good.any():
        px[0], score[0] = face[good, :2].mean(axis=0), face[good, 2].max()
    for part, row in POINT_OF.items():
        px[part], score[part] = points[row, :2], points[row, 2]
    seen = (score >= physique.least_score) & np.isfinite(px).all(axis=1)
    base = max(physique.noise_share * tall_px, physique.noise_px)
    sigma = np.where(seen, base / np.sqrt(np.clip(score, 0.05, 1.0)), np.inf)
    return Glance(view=view, px=np.nan_to_num(px), sigma_px=sigma)


def body(
    at_ns: int, glances: Sequence[Glance], stand_m: Floats, stand_covariance: Floats, stature_m: float,
    physique: Physique, before: Body | None = None,
) -> Body:  # fmt: skip
    """The body of a person of `stature_m` who stands at `stand_m` [2] (covariance [2, 2]); `before`: a moment ago."""
    prior = _prior(at_ns, stand_m, stand_covariance, stature_m, physique, before)
    start = before.joints_m if before is not None and at_ns - before.at_ns <= _FORGET_NS else None
    kept = list(glances)
    rays = _Rays.of(kept)
    if start is not None:
        joints, normal = _solve(start, rays, prior, physique)
    if start is None or _bad(joints, kept):
        # Student-t has many valleys: from afar the broad one is found with blunt rays first.
        joints, _ = _solve(prior.mean.reshape(_N, 3), replace(rays, sigma=_BLUNT * rays.sigma), prior, physique)
        joints, normal = _solve(joints, rays, prior, physique)
    for number, one in enumerate(kept):
        swapped = Glance(view=one.view, px=one.px[MIRRORED], sigma_px=one.sigma_px[MIRRORED])
        if misfit(joints, one) - misfit(joints, swapped) > _EXCHANGE:
            others = [*kept[:number], swapped, *kept[number + 1 :]]
            again, again_normal = _solve(joints, _Rays.of(others), prior, physique)
            gain = sum(misfit(joints, item) for item in kept) - sum(misfit(again, item) for item in others)
            if gain > _EXCHANGE:
                kept, joints, normal = others, again, again_normal
    views = sum((np.isfinite(one.sigma_px).astype(np.int64) for one in kept), np.zeros(_N, np.int64))
    covariance = np.asarray(np.linalg.inv(normal), np.float64)
    return Body(at_ns=at_ns, joints_m=joints, covariance=covariance, views=views)


def _bad(joints: Floats, glances: Sequence[Glance]) -> bool:
    """Whether a body fits so badly that it may stand in a wrong valley."""
    seen = sum(int(np.isfinite(one.sigma_px).sum()) for one in glances)
    return sum(misfit(joints, one) for one in glances) > _BAD * seen


def misfit(joints_m: Floats, one: Glance) -> float:
    """Chi² of one camera's key points against joints [9, 3], each capped at 25."""
    rays = _Rays.of([one])
    if not len(rays.part):
        return 0.0
    error, _ = rays.reprojected(joints_m)
    return float(np.minimum(np.sum(error**2, axis=1), 25.0).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rays:
    """All key points of a person as parallel arrays: joint [m], projection [m, 3, 4], pixel [m, 2], deviation [m]."""

    part: NDArray[np.int64]
    projection: Floats
    px: Floats
    sigma: Floats

    @classmethod
    def of(cls, glances: Sequence[Glance]) -> _Rays:
        """The seen key points of all cameras."""
        seen = [np.flatnonzero(np.isfinite(one.sigma_px)) for one in glances]
        pairs = list(zip(glances, seen, strict=True))
        return cls(
            part=np.concatenate([np.zeros(0, np.int64), *seen]),
            projection=np.concatenate(
                [np.zeros((0, 3, 4)), *(np.broadcast_to(one.view.projection, (len(k), 3, 4)) for one, k in pairs)]
            ),
            px=np.concatenate([np.zeros((0, 2)), *(one.px[k] for one, k in pairs)]),
            sigma=np.concatenate([np.zeros(0), *(one.sigma_px[k] for one, k in pairs)]),
        )

    def reprojected(self, joints: Floats) -> tuple[Floats, Floats]:
        """Errors [m, 2] in deviations, and slopes [m, 2, 3] of the projection in deviations a metre."""
        p = self.projection
        across = np.einsum("mij,mj->mi", p[:, :, :3], joints[self.part]) + p[:, :, 3]
        depth = np.where(np.abs(across[:, 2]) < 1e-6, 1e-6, across[:, 2])
        px = across[:, :2] / depth[:, None]
        slope = (p[:, :2, :3] - px[:, :, None] * p[:, 2:, :3]) / depth[:, None, None]
        return (self.px - px) / self.sigma[:, None], slope / self.sigma[:, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prior:
    """What is known of the joints before this instant's rays: mean [27], precision [27, 27], stature."""

    mean: Floats
    precision: Floats
    stature_m: float


def _prior(
    at_ns: int, stand_m: Floats, stand_covariance: Floats, stature_m: float, physique: Physique, before: Body | None
) -> _Prior:
    """Posture of somebody who stands there, and where the joints were a moment ago."""
    mean, spread = np.zeros((_N, 3)), np.zeros((_N, 3, 3))
    mean[:, :2], mean[:, 2] = stand_m, np.array(physique.height) * stature_m
    spread[:, :2, :2] = stand_covariance + np.array(physique.around_sigma_m)[:, None, None] ** 2 * np.eye(2)
    spread[:, 2, 2] = np.array(physique.height_sigma_m) ** 2
    blocks = np.linalg.inv(spread)
    moment = np.einsum("nij,nj->ni", blocks, mean)
    if before is not None and at_ns - before.at_ns <= _FORGET_NS:
        drift = (np.array(physique.speed_m_s) * max(at_ns - before.at_ns, 0) / 1e9) ** 2
        # Each joint's own block: what errs together between joints (the depth of a whole arm) is forgotten, which only
        # widens.
        own = np.linalg.inv(before.blocks() + drift[:, None, None] * np.eye(3))
        blocks = blocks + own
        moment = moment + np.einsum("nij,nj->ni", own, before.joints_m)
    precision = np.zeros((_N, 3, _N, 3))
    precision[np.arange(_N), :, np.arange(_N), :] = blocks
    mean = np.linalg.solve(blocks, moment[:, :, None])[:, :, 0]
    return _Prior(mean=mean.ravel(), precision=precision.reshape(3 * _N, 3 * _N), stature_m=stature_m)


def _solve(start: Floats, rays: _Rays, prior: _Prior, physique: Physique) -> tuple[Floats, Floats]:
    """The most probable joints [9, 3] and the normal matrix [27, 27] there (Levenberg–Marquardt)."""
    bones = _Bones.of(physique, prior.stature_m)
    joints = start
    cost, normal, gradient = _cost(joints, rays, bones, prior, physique)
    damping = _DAMPING
    for _ in range(_ROUNDS):
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
        tried = joints + np.clip(step, -0.5, 0.5).reshape(_N, 3)
        new_cost, new_normal, new_gradient = _cost(tried, rays, bones, prior, physique)
        if new_cost <= cost:
            done = cost - new_cost < 1e-4 * max(cost, 1.0)
            joints, cost, normal, gradient, damping = tried, new_cost, new_normal, new_gradient, damping / 5
            if done:
                break
        else:
            damping *= 10
    return joints, normal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bones:
    """Bones as arrays: both ends [b], length and its deviation [b], metres."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    length_m: Floats
    sigma_m: Floats

    @classmethod
    def of(cls, physique: Physique, stature_m: float) -> _Bones:
        a, b, share, sigma = (np.array(column) for column in zip(*physique.bones, strict=True))
        return cls(a=a, b=b, length_m=share * stature_m, sigma_m=sigma)


def _cost(
    joints: Floats, rays: _Rays, bones: _Bones, prior: _Prior, physique: Physique
) -> tuple[float, Floats, Floats]:
    """Negative log-density, its (Gauss–Newton) normal matrix and its downhill gradient."""
    off = prior.mean - joints.ravel()
    pull = prior.precision @ off
    cost = float(off @ pull) / 2
    error, slope = rays.reprojected(joints)
    r2 = np.sum(error**2, axis=1)
    cost += float(np.sum((physique.tail + 2) / 2 * np.log1p(r2 / physique.tail)))
    weight = np.sqrt((physique.tail + 2) / (physique.tail + r2))
    seen, sticks = len(rays.part), len(bones.a)
    design = np.zeros((2 * seen + sticks, _N, 3))
    design[np.arange(2 * seen), np.repeat(rays.part, 2)] = (weight[:, None, None] * slope).reshape(-1, 3)
    between = joints[bones.a] - joints[bones.b]
    length = np.maximum(np.linalg.norm(between, axis=1), 1e-6)
    miss = (bones.length_m - length) / bones.sigma_m
    along = between / (length * bones.sigma_m)[:, None]
    rows = 2 * seen + np.arange(sticks)
    design[rows, bones.a], design[rows, bones.b] = along, -along
    cost += float(miss @ miss) / 2
    flat = design.reshape(-1, 3 * _N)
    wanted = np.concatenate(((weight[:, None] * error).ravel(), miss))
    return cost, prior.precision + flat.T @ flat, pull + flat.T @ wanted
