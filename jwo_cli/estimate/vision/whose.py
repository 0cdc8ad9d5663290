"""Whose detections are whose: people who are known to stand somewhere against what each camera shows of them.

A detection's place on the floor (by its key points, or its box) is compared with each person's place; key points are
also compared with where the person's body was a moment ago, which tells people apart who stand behind one another.
Each camera gives each person at most one detection. Batched: one matrix a camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Boxes, Poses
from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.estimate.tracking.views import stand

from .physique import L_HIP, L_SHOULDER, R_HIP, R_SHOULDER, Physique
from .skeleton import Body, Glance, glance
from .standing import stands

Floats = NDArray[np.float64]

_GATE = 16.0  # chi², two degrees of freedom: 99.97 %
_TORSO = (L_SHOULDER, R_SHOULDER, L_HIP, R_HIP)
_BEFORE = (
    0.15  # of a person's height in the image: how far a torso moves in a tenth of a second, and how well it is known
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One camera's detections at one instant, ready to be given to people.

    Places [n, 2] with covariance [n, 2, 2] (NaN where nothing tells one), stature [n] and its deviation [n] in metres;
    `glances` [n] are empty without key points.
    """

    camera_id: str
    at_ns: int
    view: View
    found: Poses | Boxes
    place: Floats
    covariance: Floats
    stature_m: Floats
    stature_sigma_m: Floats
    glances: tuple[Glance, ...]


def prepare(
    camera_id: str, at_ns: int, view: View, found: Poses | Boxes, physique: Physique, settings: TrackSettings
) -> Frame:
    """Detections of one camera as places on the floor: by key points where they tell one, else by the box."""
    corners = found.corners_px.astype(np.float64).reshape(-1, 4)
    boxes = np.column_stack((corners[:, :2], corners[:, 2:] - corners[:, :2]))
    stood = stand(view, boxes, settings)
    place, covariance = stood.xy_m.copy(), stood.covariance.copy()
    stature, sigma = stood.height_m.copy(), stood.height_sigma_m.copy()
    glances: list[Glance] = []
    if isinstance(found, Poses) and len(boxes):
        tall = tall_px(boxes)
        straight = found.keypoints_px.astype(np.float64)
        straight[:, :, :2] = view.undistort(straight[:, :, :2].reshape(-1, 2)).reshape(len(straight), -1, 2)
        by_points = stands(view, straight, tall, physique)
        told = by_points.told
        place[told], covariance[told] = by_points.xy_m[told], by_points.covariance[told]
        stature[told], sigma[told] = by_points.stature_m[told], by_points.stature_sigma_m[told]
        glances = [glance(view, points, float(high), physique) for points, high in zip(straight, tall, strict=True)]
    return Frame(
        camera_id=camera_id, at_ns=at_ns, view=view, found=found, place=place, covariance=covariance,
        stature_m=stature, stature_sigma_m=sigma, glances=tuple(glances),
    )  # fmt: skip


def tall_px(boxes_px: Floats) -> Floats:
    """How tall people are in the image [n], from boxes (x, y, w, h) that its edge may cut."""
    return np.asarray(np.maximum(boxes_px[:, 3], 2.0 * boxes_px[:, 2]))


def assign(frame: Frame, xy_m: Floats, covariance: Floats, before: Sequence[Body | None]) -> list[tuple[int, int]]:
    """Pairs (person, detection) for people at `xy_m` [p, 2] (covariance [p, 2, 2]) whose bodies were `before` [p]."""
    if not len(xy_m) or not len(frame.place):
        return []
    gap = xy_m[:, None] - frame.place[None]
    spread = covariance[:, None] + frame.covariance[None]
    sound = np.asarray(np.isfinite(gap).all(axis=2) & np.isfinite(spread).all(axis=(2, 3)), np.bool_)
    spread = np.where(sound[:, :, None, None], spread, np.eye(2))
    far = np.einsum("pni,pnij,pnj->pn", np.nan_to_num(gap), np.linalg.inv(spread), np.nan_to_num(gap))
    cost = far + np.log(np.linalg.det(spread))
    if frame.glances:
        torso, known = _torso(frame)
        for i, body in enumerate(before):
            if body is not None:
                cost[i] += _moved(frame.view, body, torso, known, tall_px(_boxes(frame)))
    allowed = sound & np.asarray(far <= _GATE)
    cost = np.where(allowed, cost, 1e6)
    rows, columns = linear_sum_assignment(cost)
    return [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if allowed[i, j]]


def _boxes(frame: Frame) -> Floats:
    corners = frame.found.corners_px.astype(np.float64)
    return np.column_stack((corners[:, :2], corners[:, 2:] - corners[:, :2]))


def _torso(frame: Frame) -> tuple[Floats, NDArray[np.bool_]]:
    """Shoulders and hips of all detections [n, 4, 2], and which are seen [n, 4]."""
    px = np.stack([one.px[list(_TORSO)] for one in frame.glances])
    sigma = np.stack([one.sigma_px[list(_TORSO)] for one in frame.glances])
    return px, np.isfinite(sigma)


def _moved(view: View, body: Body, torso: Floats, known: NDArray[np.bool_], tall: Floats) -> Floats:
    """Chi² [n] of torsos against where a body was, a person being one thing: the mean over its seen joints."""
    there = view.project(body.joints_m[list(_TORSO)])
    off = np.sum((torso - there) ** 2, axis=2) / (_BEFORE * tall[:, None]) ** 2
    count = known.sum(axis=1)
    total = np.where(known, np.minimum(off, 25.0), 0.0).sum(axis=1)
    # Nothing seen of a torso says nothing: as far off as a middling one.
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), 2.0))
