"""First guesses in closed form: focal length and poses from flat targets, poses from points in space.

Guesses are good to a few per cent; bundle adjustment does the rest. A small flat target seen nearly from afar has two
poses that fit almost equally (Schweighofer and Pinz 2006): both are given, whoever knows more decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .rigid import Rigid, nearest_turn

Floats = NDArray[np.float64]


def homography(plane: Floats, image: Floats) -> Floats:
    """H [3, 3] with image ~ H·(x, y, 1), from at least four pairs [N, 2] (normalised direct linear transform).

    Raises ValueError when the points lie on a line.
    """
    if len(plane) < 4:
        raise ValueError("four points are needed for a plane")
    norm_a, norm_b = _normaliser(plane), _normaliser(image)
    a = _homogeneous(plane) @ norm_a.T
    b = _homogeneous(image) @ norm_b.T
    zero = np.zeros_like(a)
    rows = np.concatenate(
        [np.hstack([a, zero, -b[:, :1] * a]), np.hstack([zero, a, -b[:, 1:2] * a])],
    )
    _, sizes, vt = np.linalg.svd(rows, full_matrices=len(rows) < rows.shape[1])
    if sizes[7] < 1e-9 * sizes[0]:
        raise ValueError("the points lie on one line")
    found = np.linalg.inv(norm_b) @ vt[-1].reshape(3, 3) @ norm_a
    return np.asarray(found / np.linalg.norm(found))


def _homogeneous(points: Floats) -> Floats:
    return np.column_stack([points, np.ones(len(points))])


def _normaliser(points: Floats) -> Floats:
    middle = points.mean(axis=0)
    scale = np.sqrt(2) / max(float(np.sqrt(((points - middle) ** 2).sum(axis=1)).mean()), 1e-12)
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def focal_guess(homographies: Sequence[Floats], width_px: int, height_px: int) -> float:
    """A focal length in px from flat targets, with square pixels and the principal point in the middle (Zhang 2000).

    Where the targets all face the camera nothing says how long the lens is: then the image's width.
    """
    shift = np.array([[1, 0, -(width_px - 1) / 2], [0, 1, -(height_px - 1) / 2], [0, 0, 1.0]])
    sides, right = [], []
    for one in homographies:
        h = shift @ one
        h1, h2 = h[:, 0], h[:, 1]
        # Two tangents of the plane are at right angles and of one length: two equations in 1/f².
        sides += [h1[0] * h2[0] + h1[1] * h2[1], h1[0] ** 2 + h1[1] ** 2 - h2[0] ** 2 - h2[1] ** 2]
        right += [-h1[2] * h2[2], h2[2] ** 2 - h1[2] ** 2]
    a, b = np.array(sides), np.array(right)
    inverse = float(a @ b) / max(float(a @ a), 1e-300)
    guess = 1 / np.sqrt(inverse) if inverse > 0 else float(width_px)
    return float(np.clip(guess, 0.2 * width_px, 20 * width_px))


def planar_poses(plane: Floats, rays: Floats) -> tuple[Rigid, Rigid]:
    """The two `camera_from_board` for points [N, 2] on the board's plane and undistorted (x/z, y/z) [N, 2]."""
    h = homography(plane, rays)
    h = h / np.sqrt(np.linalg.norm(h[:, 0]) * np.linalg.norm(h[:, 1]))
    middle = plane.mean(axis=0)
    if (h @ np.array([middle[0], middle[1], 1.0]))[2] < 0:
        h = -h
    turn = nearest_turn(np.column_stack([h[:, 0], h[:, 1], np.cross(h[:, 0], h[:, 1])]))
    first = Rigid(turn=turn, shift=h[:, 2])
    return first, _other(first, middle)


def _other(pose: Rigid, middle: Floats) -> Rigid:
    """The pose that looks alike from afar: the board's normal mirrored at the line of sight to its middle."""
    spot = np.array([middle[0], middle[1], 0.0])
    centre = pose.apply(spot[None])[0]
    sight = centre / np.linalg.norm(centre)
    half = 2 * np.outer(sight, sight) - np.eye(3)
    turn = half @ pose.turn @ np.diag([-1.0, -1.0, 1.0])
    return Rigid(turn=turn, shift=centre - turn @ spot)


def spatial_pose(points_m: Floats, rays: Floats) -> Rigid:
    """`camera_from_world` from at least six points [N, 3] not on one plane, by the direct linear transform.

    `rays` are undistorted (x/z, y/z) [N, 2]. Raises ValueError where the points do not fix it.
    """
    if len(points_m) < 6:
        raise ValueError("six points are needed")
    middle = points_m.mean(axis=0)
    size = max(float(np.abs(points_m - middle).max()), 1e-9)
    x = _homogeneous((points_m - middle) / size)
    zero = np.zeros_like(x)
    rows = np.concatenate([np.hstack([x, zero, -rays[:, :1] * x]), np.hstack([zero, x, -rays[:, 1:2] * x])])
    _, sizes, vt = np.linalg.svd(rows, full_matrices=len(rows) < rows.shape[1])
    if sizes[10] < 1e-7 * sizes[0]:
        raise ValueError("the points lie on one plane")
    p = vt[-1].reshape(3, 4)
    if np.linalg.det(p[:, :3]) < 0:
        p = -p
    scale = np.cbrt(np.linalg.det(p[:, :3]))
    turn = nearest_turn(p[:, :3])
    shift = p[:, 3] / scale * size
    return Rigid(turn=turn, shift=shift - turn @ middle)
