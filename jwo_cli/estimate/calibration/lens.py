"""A lens between rays and pixels: pinhole with radial-tangential distortion, or an equidistant fisheye.

Parameters stand as in the layout: fx, fy, cx, cy, then (k1, k2, p1, p2, k3) after Brown–Conrady (OpenCV's order), or
(k1, k2, k3, k4) after Kannala and Brandt (2006). Points are undistorted, never whole images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Camera, LensKind

Floats = NDArray[np.float64]

COEFFICIENTS = {LensKind.RADTAN: 5, LensKind.EQUIDISTANT: 4}
# f(x + ih) = f(x) + ih·f'(x): exact to the last digit, because nothing is subtracted (Squire and Trapp 1998).
_STEP = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """Intrinsics of one camera; `values` is float64 [4 + coefficients] as in the module's docstring."""

    kind: LensKind
    values: Floats
    width_px: int
    height_px: int

    def matrix(self) -> Floats:
        """K, float64 [3, 3]."""
        fx, fy, cx, cy = self.values[:4]
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    def project(self, points_m: Floats) -> Floats:
        """Points in the camera's frame [N, 3] to pixels [N, 2]; NaN behind the camera."""
        px = bend(self.kind, np.asarray(points_m, dtype=np.float64), self.values)
        return np.where(points_m[:, 2:] > 0, px, np.nan)

    def rays(self, px: Floats) -> Floats:
        """Pixels [N, 2] to unit rays in the camera's frame [N, 3]."""
        if self.kind is LensKind.EQUIDISTANT:
            return _fisheye_rays(px, self.values)
        plane = np.column_stack([self.normalised(px), np.ones(len(px))])
        return np.asarray(plane / np.linalg.norm(plane, axis=1, keepdims=True))

    def normalised(self, px: Floats) -> Floats:
        """Pixels [N, 2] to (x/z, y/z) without distortion [N, 2]; NaN where the model does not reach."""
        if self.kind is LensKind.EQUIDISTANT:
            rays = _fisheye_rays(px, self.values)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(np.where(rays[:, 2:] > 1e-6, rays[:, :2] / rays[:, 2:], np.nan))
        return _newton(px, self.values)


def lens_of(camera: Camera) -> Lens | None:
    """The calibrated lens of a layout's camera; None before calibration."""
    if len(camera.intrinsics) < 4:
        return None
    values = np.zeros(4 + COEFFICIENTS[camera.lens])
    given = np.array(camera.intrinsics[: len(values)], dtype=np.float64)
    values[: len(given)] = given
    return Lens(kind=camera.lens, values=values, width_px=camera.width_px, height_px=camera.height_px)


def bend(kind: LensKind, points: NDArray[np.inexact], values: NDArray[np.inexact]) -> NDArray[np.inexact]:
    """Pixels [N, 2] of points [N, 3]; `values` [P] or [N, P]. Works on complex numbers, for exact derivatives."""
    v = np.moveaxis(values, -1, 0)
    if kind is LensKind.EQUIDISTANT:
        x, y = _equidistant(points, v)
    else:
        x, y = _radtan(points[:, 0] / points[:, 2], points[:, 1] / points[:, 2], v)
    return np.stack([v[0] * x + v[2], v[1] * y + v[3]], axis=1)


def _radtan(
    x: NDArray[np.inexact], y: NDArray[np.inexact], v: NDArray[np.inexact]
) -> tuple[NDArray[np.inexact], NDArray[np.inexact]]:
    k1, k2, p1, p2, k3 = v[4:9]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y


def _equidistant(
    points: NDArray[np.inexact], v: NDArray[np.inexact]
) -> tuple[NDArray[np.inexact], NDArray[np.inexact]]:
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    # The tiny constant keeps the axis itself finite; it moves no pixel by more than 1e-9.
    r = np.sqrt(x * x + y * y + 1e-24)
    # atan2 for complex numbers: the half-angle form is analytic everywhere but straight behind.
    theta = 2 * np.arctan(r / (np.sqrt(r * r + z * z) + z))
    t2 = theta * theta
    k1, k2, k3, k4 = v[4:8]
    bent = theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))) / r
    return x * bent, y * bent


def slopes(kind: LensKind, points: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Derivatives of the pixels: by the point [N, 2, 3] and by the lens [N, 2, P]; `values` [N, P]."""
    by_point = np.empty((len(points), 2, 3))
    for axis in range(3):
        moved = points.astype(np.complex128)
        moved[:, axis] += 1j * _STEP
        by_point[:, :, axis] = bend(kind, moved, values).imag / _STEP
    by_lens = np.empty((len(points), 2, values.shape[1]))
    for place in range(values.shape[1]):
        changed = values.astype(np.complex128)
        changed[:, place] += 1j * _STEP
        by_lens[:, :, place] = bend(kind, points, changed).imag / _STEP
    return by_point, by_lens


def _newton(px: Floats, values: Floats) -> Floats:
    """Invert the distortion by Newton steps on both coordinates; a few are exact within any usual image."""
    fx, fy, cx, cy = values[:4]
    target = np.column_stack([(px[:, 0] - cx) / fx, (px[:, 1] - cy) / fy])
    plane = values.copy()
    plane[:4] = (1.0, 1.0, 0.0, 0.0)
    each = np.broadcast_to(plane, (len(px), len(plane)))
    found = target.copy()
    for _ in range(12):
        points = np.column_stack([found, np.ones(len(found))])
        miss = bend(LensKind.RADTAN, points, each) - target
        slope = slopes(LensKind.RADTAN, points, each)[0][:, :, :2]
        det = slope[:, 0, 0] * slope[:, 1, 1] - slope[:, 0, 1] * slope[:, 1, 0]
        det = np.where(np.abs(det) < 1e-9, np.nan, det)
        step_x = (slope[:, 1, 1] * miss[:, 0] - slope[:, 0, 1] * miss[:, 1]) / det
        step_y = (slope[:, 0, 0] * miss[:, 1] - slope[:, 1, 0] * miss[:, 0]) / det
        found = found - np.column_stack([step_x, step_y]).real
        if not len(found) or np.nanmax(np.abs(miss), initial=0.0) < 1e-13:
            break
    good = np.abs(miss).max(axis=1, initial=0.0) < 1e-7 if len(px) else np.zeros(0, dtype=bool)
    return np.where(good[:, None], found, np.nan)


def _fisheye_rays(px: Floats, values: Floats) -> Floats:
    fx, fy, cx, cy, *k = values
    x, y = (px[:, 0] - cx) / fx, (px[:, 1] - cy) / fy
    bent = np.hypot(x, y)
    theta = bent.copy()
    for _ in range(20):
        t2 = theta * theta
        value = theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) - bent
        slope = 1 + t2 * (3 * k[0] + t2 * (5 * k[1] + t2 * (7 * k[2] + t2 * 9 * k[3])))
        theta = np.clip(theta - value / np.where(np.abs(slope) < 1e-6, 1e-6, slope), 0.0, np.pi)
    across = np.sin(theta) / np.where(bent > 0, bent, 1.0)
    return np.column_stack([x * across, y * across, np.cos(theta)])
