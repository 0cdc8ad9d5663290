"""Where the person of a box stands on the floor, as one calibrated camera sees it.

Positions are metres in the store frame (z up), image points are pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .settings import TrackSettings

Floats = NDArray[np.float64]

_SOLVE_STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where people stand: place [n, 2] with covariance [n, 2, 2], and height [n] with its deviation [n]; metres."""

    xy_m: Floats
    covariance: Floats
    height_m: Floats
    height_sigma_m: Floats


def stand(view: View, boxes_px: Floats, settings: TrackSettings) -> Stand:
    """Places of upright people from their boxes [n, 4] (x, y, w, h).

    A person is a cone frustum: feet within `feet_radius_m` of the place, a head within `head_radius_m` at their
    height. Place and height are fitted to the box's middle, lower and upper edge and to the prior of people's height
    by Gauss-Newton, all boxes at once; the covariance of the place is what the fit leaves. Edges that the image cuts
    say nothing; feet hidden by a shelf do mislead, by metres, and are left to the validation gate and other cameras.
    """
    target, sigma = _edges(view, boxes_px, settings)
    foot = view.onto_plane(np.column_stack((target[:, 0], target[:, 1])), 0.0)
    head = view.onto_plane(np.column_stack((target[:, 0], target[:, 2])), settings.height_m)
    state = np.column_stack((np.where((sigma[:, 1] < sigma[:, 2] * 10)[:, None], foot, head), np.zeros(len(foot))))
    state[:, 2] = settings.height_m
    state = _solve(view, state, target, sigma, settings)
    spread = np.linalg.inv(_information(view, state, target, sigma, settings)[0])
    floor = spread[:, :2, :2] + settings.floor_sigma_m**2 * np.eye(2)
    return Stand(xy_m=state[:, :2], covariance=floor, height_m=state[:, 2], height_sigma_m=np.sqrt(spread[:, 2, 2]))


def _edges(view: View, boxes_px: Floats, settings: TrackSettings) -> tuple[Floats, Floats]:
    """Middle, lower and upper edge of boxes in undistorted pixels [n, 3], and their deviations [n, 3]."""
    x, y, w, h = boxes_px.T
    middle = np.column_stack((x + w / 2, y))
    high, low = np.split(view.undistort(np.concatenate((middle, middle + np.column_stack((0 * h, h))))), 2)
    tall = np.hypot(*(low - high).T)
    sigma = np.column_stack((settings.side_sigma * tall, settings.foot_sigma * tall, settings.head_sigma * tall))
    sigma = np.maximum(sigma, settings.pixel_sigma)
    if view.size_px is not None:
        wide, deep = view.size_px
        margin = settings.border_px
        sigma[(x <= margin) | (x + w >= wide - margin), 0] *= settings.cut_factor
        sigma[y + h >= deep - margin, 1] *= settings.cut_factor * 10
        sigma[y <= margin, 2] *= settings.cut_factor * 10
    return np.column_stack(((low[:, 0] + high[:, 0]) / 2, low[:, 1], high[:, 1])), sigma


def _points(view: View, state: Floats, settings: TrackSettings) -> Floats:
    """Predicted middle, lower and upper edge [n, 3] of people (x, y, height) [n, 3]."""
    towards = view.centre_m()[:2] - state[:, :2]
    towards /= np.maximum(np.hypot(towards[:, 0], towards[:, 1]), 1e-6)[:, None]
    ends = np.zeros((2, len(state), 3))
    ends[0, :, :2] = state[:, :2] + settings.feet_radius_m * towards
    ends[1, :, :2] = state[:, :2] - settings.head_radius_m * towards
    ends[1, :, 2] = state[:, 2]
    low, high = view.project(ends.reshape(-1, 3)).reshape(2, -1, 2)
    return np.column_stack(((low[:, 0] + high[:, 0]) / 2, low[:, 1], high[:, 1]))


def _information(
    view: View, state: Floats, target: Floats, sigma: Floats, settings: TrackSettings
) -> tuple[Floats, Floats]:
    """Normal matrix [n, 3, 3] and gradient [n, 3] of the fit at `state`, by central differences of 1 mm."""
    step = 1e-3
    nudges = step * np.concatenate((np.zeros((1, 3)), np.eye(3), -np.eye(3)))
    every = _points(view, (state + nudges[:, None]).reshape(-1, 3), settings).reshape(7, -1, 3)
    jacobian = np.moveaxis(every[1:4] - every[4:], 0, 2) / (2 * step) / sigma[:, :, None]
    error = (target - every[0]) / sigma
    normal = np.einsum("nki,nkj->nij", jacobian, jacobian)
    gradient = np.einsum("nki,nk->ni", jacobian, error)
    weight = 1 / settings.height_sigma_m**2
    normal[:, 2, 2] += weight
    gradient[:, 2] += weight * (settings.height_m - state[:, 2])
    return normal + 1e-9 * np.eye(3), gradient


def _solve(view: View, state: Floats, target: Floats, sigma: Floats, settings: TrackSettings) -> Floats:
    for _ in range(_SOLVE_STEPS):
        normal, gradient = _information(view, state, target, sigma, settings)
        move = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
        length = np.linalg.norm(move[:, :2], axis=1, keepdims=True)
        move[:, :2] *= np.minimum(1, settings.solve_step_m / np.maximum(length, 1e-12))
        state = state + move
        state[:, 2] = np.clip(state[:, 2], 0.5, 2.3)
    return state
