"""Where somebody stands, from the key points of one camera: feet may be behind a shelf, heads beyond the image's edge.

Each key point is a ray; at the height that its joint has on somebody who stands it gives a place on the floor, with the
covariance of pixels, posture and stature. Place and stature are fitted to all of them by weighted least squares, with
Student-t weights against key points that are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .physique import STANDING, Physique

Floats = NDArray[np.float64]

_ROWS = np.array(list(STANDING), dtype=np.int64)
_SHARE, _SHARE_SIGMA, _AROUND = np.array(list(STANDING.values())).T
_ROUNDS = 5
_STEP_M = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """Places [n, 2] with covariance [n, 2, 2], stature [n] and its deviation [n]; metres.

    `told` [n] is False for whom no key point tells a place.
    """

    xy_m: Floats
    covariance: Floats
    stature_m: Floats
    stature_sigma_m: Floats
    told: NDArray[np.bool_]


def stands(view: View, keypoints_px: Floats, tall_px: Floats, physique: Physique) -> Stands:
    """Places of people from undistorted key points [n, 17, 3] and how tall each is in the image [n], pixels."""
    count = len(keypoints_px)
    points = keypoints_px[:, _ROWS].astype(np.float64)
    noise = np.maximum(physique.noise_share * tall_px, physique.noise_px)
    seen = (points[:, :, 2] >= physique.least_score) & np.isfinite(points[:, :, :2]).all(axis=2)
    place, slope, spread = _places(view, np.nan_to_num(points[:, :, :2]), noise, physique)
    seen &= np.isfinite(place).all(axis=2) & np.isfinite(spread).all(axis=(2, 3))
    told = seen.sum(axis=1) >= 2
    state = np.zeros((count, 3))
    covariance = np.tile(np.eye(3), (count, 1, 1))
    for i in np.flatnonzero(told):
        state[i], covariance[i] = _fit(place[i, seen[i]], slope[i, seen[i]], spread[i, seen[i]], physique)
    return Stands(
        xy_m=state[:, :2],
        covariance=covariance[:, :2, :2],
        stature_m=physique.stature_m + state[:, 2],
        stature_sigma_m=np.sqrt(covariance[:, 2, 2]),
        told=told,
    )


def _places(view: View, px: Floats, noise: Floats, physique: Physique) -> tuple[Floats, Floats, Floats]:
    """Where rays [n, k] meet their joints' heights: places [n, k, 2], slope by stature [n, k, 2], covariance."""
    flat = px.reshape(-1, 2)
    tall = np.tile(_SHARE * physique.stature_m, len(px))
    with np.errstate(divide="ignore", invalid="ignore"):
        here = _onto(view, flat, tall)
        by_z = (_onto(view, flat, tall + _STEP_M) - _onto(view, flat, tall - _STEP_M)) / (2 * _STEP_M)
        by_px = np.stack([_onto(view, flat + step, tall) - here for step in np.eye(2)], axis=2)  # [m, 2, 2]
        ahead = view.in_front(np.column_stack((here, tall)))
    here[~ahead] = np.nan
    k = len(_ROWS)
    pixel = np.einsum("mij,mkj->mik", by_px, by_px) * np.repeat(noise, k)[:, None, None] ** 2
    upright = (np.tile(_SHARE_SIGMA, len(px)) * physique.stature_m)[:, None, None] ** 2
    around = np.tile(_AROUND, len(px))[:, None, None] ** 2 * np.eye(2)
    spread = pixel + upright * by_z[:, :, None] * by_z[:, None, :] + around
    slope = by_z * np.tile(_SHARE, len(px))[:, None]
    return here.reshape(-1, k, 2), slope.reshape(-1, k, 2), spread.reshape(-1, k, 2, 2)


def _onto(view: View, px: Floats, z_m: Floats) -> Floats:
    """Where rays through px [m, 2] are at heights z_m [m]: [m, 2] metres."""
    inverse = np.linalg.inv(view.projection[:, :3])
    rays = np.column_stack((px, np.ones(len(px)))) @ inverse.T
    centre = view.centre_m()
    along = (z_m - centre[2]) / rays[:, 2]
    out: Floats = centre[:2] + along[:, None] * rays[:, :2]
    return out


def _fit(place: Floats, slope: Floats, spread: Floats, physique: Physique) -> tuple[Floats, Floats]:
    """Place and stature against the prior's [3] with covariance [3, 3], from k places that move with stature."""
    design = np.concatenate((np.tile(np.eye(2), (len(place), 1, 1)), -slope[:, :, None]), axis=2)  # [k, 2, 3]
    inverse = np.linalg.inv(spread)
    prior = np.diag([0.0, 0.0, physique.stature_sigma_m**-2])
    weight = np.ones(len(place))
    state, normal = np.zeros(3), prior
    for _ in range(_ROUNDS):
        weighted = weight[:, None, None] * inverse
        normal = np.einsum("kji,kjl,klm->im", design, weighted, design) + prior
        state = np.linalg.solve(normal, np.einsum("kji,kjl,kl->i", design, weighted, place))
        off = place - np.einsum("kji,i->kj", design, state)
        r2 = np.einsum("ki,kij,kj->k", off, inverse, off)
        weight = (physique.tail + 2) / (physique.tail + r2)
    # Posture moves all joints together: the fit is no better than somebody's lean over their feet.
    covariance = np.linalg.inv(normal)
    covariance[:2, :2] += 0.06**2 * np.eye(2)
    return state, covariance
