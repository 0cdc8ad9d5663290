"""People with joints whose places are known, and what perfect or poor models of key points give of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.pixels import KEYPOINTS, Poses
from tests.estimate.tracking.kiosk import SIZE, kiosk

Floats = NDArray[np.float64]
VIEWS: dict[str, View] = store_views(kiosk())


@dataclass(frozen=True, slots=True, kw_only=True)
class Puppet:
    """Somebody at `place` who looks towards `facing_rad`, with a wrist at `grip` (store frame) or hanging arms."""

    place: tuple[float, float]
    facing_rad: float = 0.0
    tall_m: float = 1.75
    grip: tuple[float, float, float] | None = None  # the right wrist's place

    def joints(self) -> Floats:
        """All key points in the store [17, 3], metres."""
        ahead = np.array([np.cos(self.facing_rad), np.sin(self.facing_rad), 0.0])
        left = np.array([-ahead[1], ahead[0], 0.0])
        axis, tall = np.array([*self.place, 0.0]), self.tall_m

        def at(share: float, aside: float = 0.0, front: float = 0.0) -> Floats:
            return np.asarray(axis + [0, 0, share * tall] + aside * left + front * ahead)

        points = {
            "nose": at(0.93, 0, 0.10), "l_eye": at(0.945, 0.03, 0.08), "r_eye": at(0.945, -0.03, 0.08),
            "l_ear": at(0.935, 0.07), "r_ear": at(0.935, -0.07),
            "l_shoulder": at(0.82, 0.18), "r_shoulder": at(0.82, -0.18),
            "l_elbow": at(0.65, 0.22), "l_wrist": at(0.50, 0.22, 0.04),
            "l_hip": at(0.53, 0.11), "r_hip": at(0.53, -0.11), "l_knee": at(0.285, 0.1), "r_knee": at(0.285, -0.1),
            "l_ankle": at(0.045, 0.1), "r_ankle": at(0.045, -0.1),
        }  # fmt: skip
        shoulder = points["r_shoulder"]
        wrist = at(0.50, -0.22, 0.04) if self.grip is None else np.array(self.grip)
        points["r_elbow"], points["r_wrist"] = _elbow(shoulder, wrist, 0.172 * tall, 0.152 * tall), wrist
        return np.stack([points[name] for name in KEYPOINTS])


def _elbow(shoulder: Floats, wrist: Floats, upper: float, fore: float) -> Floats:
    """Where an arm of two bones bends, downwards."""
    along = wrist - shoulder
    far = float(np.linalg.norm(along))
    assert far <= upper + fore, "the puppet cannot reach that far"
    unit = along / far
    share = (far**2 + upper**2 - fore**2) / (2 * far)
    down = np.array([0, 0, -1.0]) - unit * -unit[2]
    down /= np.linalg.norm(down)
    return np.asarray(shoulder + share * unit + np.sqrt(max(upper**2 - share**2, 0)) * down)


def shown(
    puppets: Sequence[Puppet], name: str, *, blur_px: float = 0.0, draw: np.random.Generator | None = None,
    unseen: Sequence[str] = (), views: Mapping[str, View] = VIEWS,
) -> Poses:  # fmt: skip
    """What a model of key points gives of them in one camera; `unseen` key points score 0.05."""
    view, rows, corners = views[name], [], []
    for puppet in puppets:
        px = view.project(puppet.joints())
        if draw is not None:
            px = px + draw.normal(0, blur_px, px.shape)
        scores = np.array([0.05 if key in unseen else 0.9 for key in KEYPOINTS])
        outside = (px < 0).any(axis=1) | (px >= SIZE).any(axis=1)
        scores[outside] = 0.05
        rows.append(np.column_stack((px, scores)))
        feet_head = view.project(np.array([[*puppet.place, 0.0], [*puppet.place, puppet.tall_m]]))
        every = np.concatenate((px, feet_head))
        corners.append([*np.maximum(every.min(axis=0), 0), *np.minimum(every.max(axis=0), SIZE)])
    return Poses(
        corners_px=np.array(corners, np.float32).reshape(-1, 4),
        scores=np.full(len(rows), 0.9, np.float32),
        keypoints_px=np.array(rows, np.float32).reshape(-1, len(KEYPOINTS), 3),
    )
