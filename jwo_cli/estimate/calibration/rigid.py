"""Rigid transforms between frames, named `a_from_b`, and the few means and alignments that calibration needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Camera

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rigid:
    """`a_from_b`: x_a = turn · x_b + shift, with turn [3, 3] a rotation and shift [3] in metres."""

    turn: Floats
    shift: Floats

    def apply(self, points_m: Floats) -> Floats:
        """Points of frame b [N, 3] in frame a."""
        return np.asarray(points_m @ self.turn.T + self.shift)

    def inverse(self) -> Rigid:
        """`b_from_a`."""
        return Rigid(turn=self.turn.T, shift=-self.turn.T @ self.shift)

    def after(self, b_from_c: Rigid) -> Rigid:
        """`a_from_c`."""
        return Rigid(turn=self.turn @ b_from_c.turn, shift=self.turn @ b_from_c.shift + self.shift)

    def centre(self) -> Floats:
        """Where the origin of frame a is in frame b: a camera's place in the store for `camera_from_store`."""
        return np.asarray(-self.turn.T @ self.shift)


def identity() -> Rigid:
    """The frame itself."""
    return Rigid(turn=np.eye(3), shift=np.zeros(3))


def skew(v: Floats) -> Floats:
    """The matrix of the cross product, v × w = S·w; [..., 3] to [..., 3, 3]."""
    zero = np.zeros(v.shape[:-1])
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def exp(vector: Floats) -> Floats:
    """Rotation vectors [..., 3] (radians) to rotations [..., 3, 3], after Rodrigues."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    cross = skew(vector)
    small = angle < 1e-8
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1.0, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def log(turn: Floats) -> Floats:
    """The rotation vector [3] of a rotation, of at most π in length; through the quaternion, which is exact near π."""
    m = np.asarray(turn, dtype=np.float64)
    trace = np.trace(m)
    # The largest of the four quaternion parts is computed by a root, the others by division (Shepperd 1978).
    parts = np.array([trace, m[0, 0], m[1, 1], m[2, 2]])
    place = int(np.argmax(parts))
    q = np.empty(4)
    if place == 0:
        q[:] = 1 + trace, m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    else:
        i = place - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q[0] = m[k, j] - m[j, k]
        q[1 + i] = 1 + m[i, i] - m[j, j] - m[k, k]
        q[1 + j] = m[j, i] + m[i, j]
        q[1 + k] = m[k, i] + m[i, k]
    q /= np.linalg.norm(q)
    if q[0] < 0:
        q = -q
    sine = float(np.linalg.norm(q[1:]))
    return np.asarray(q[1:] * (2.0 if sine < 1e-12 else 2 * np.arctan2(sine, q[0]) / sine))


def angle_deg(turn: Floats) -> float:
    """By how much a rotation turns, degrees."""
    return float(np.degrees(np.linalg.norm(log(turn))))


def nearest_turn(matrix: Floats) -> Floats:
    """The rotation nearest to a matrix [3, 3] (Frobenius)."""
    u, _, vt = np.linalg.svd(matrix)
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt)


def mean(transforms: Sequence[Rigid]) -> Rigid:
    """Chordal mean of the turns, median of the shifts."""
    turn = nearest_turn(np.sum([item.turn for item in transforms], axis=0))
    return Rigid(turn=turn, shift=np.median([item.shift for item in transforms], axis=0))


def align(a: Floats, b: Floats, *, scaled: bool = False) -> tuple[Rigid, float]:
    """`a_from_b` (and a scale, 1 unless `scaled`) that brings points b [N, 3] onto a [N, 3] (Umeyama 1991).

    Raises ValueError for fewer than three points, or points on one line.
    """
    if len(a) < 3:
        raise ValueError("three points are needed to place a frame")
    middle_a, middle_b = a.mean(axis=0), b.mean(axis=0)
    spread = (a - middle_a).T @ (b - middle_b) / len(a)
    u, sizes, vt = np.linalg.svd(spread)
    if sizes[1] < 1e-9 * max(sizes[0], 1e-300):
        raise ValueError("the points lie on one line")
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ np.diag(signs) @ vt
    factor = float((sizes * signs).sum() / ((b - middle_b) ** 2).sum() * len(b)) if scaled else 1.0
    return Rigid(turn=turn, shift=middle_a - factor * turn @ middle_b), factor


def pose_of(camera: Camera) -> Rigid:
    """`camera_from_store` of a layout's camera: as calibrated, or from its look-at point with an upright image."""
    place = np.array([camera.pose.x_m, camera.pose.y_m, camera.pose.z_m])
    turn = exp(np.array(camera.rotation_rad)) if len(camera.rotation_rad) == 3 else _looking(place, camera.look_at)
    return Rigid(turn=turn, shift=-turn @ place)


def _looking(place: Floats, target: tuple[float, float, float]) -> Floats:
    ahead = np.array(target) - place
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < 1e-9:  # straight down: the image's top points along y
        right = np.array([1.0, 0.0, 0.0])
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(ahead, right), ahead])
