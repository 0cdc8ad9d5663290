"""A calibrated camera in the store: points into its image and back onto the floor; one class for everybody above.

Positions are metres in the store frame (z up), image points are pixels. Lenses and poses are the calibration's own
(`calibration.lens`, `calibration.rigid`); a bare projection matrix, as datasets publish it, serves as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Store

from .calibration.lens import Lens, lens_of
from .calibration.rigid import Rigid, pose_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One camera: `projection` [3, 4] takes store metres to undistorted pixels; `size_px` is width and height if known.

    `lens` is what bends the image as it is; None where its pixels are undistorted already.
    """

    projection: Floats
    size_px: tuple[float, float] | None = None
    lens: Lens | None = None

    @classmethod
    def of(cls, lens: Lens, camera_from_store: Rigid) -> View:
        """A calibrated camera with its place in the store."""
        pose = np.column_stack((camera_from_store.turn, camera_from_store.shift))
        size = (float(lens.width_px), float(lens.height_px))
        return cls(projection=lens.matrix() @ pose, size_px=size, lens=lens)

    def project(self, points_m: Floats) -> Floats:
        """Store points [n, 3] in the undistorted image [n, 2], pixels."""
        across = points_m @ self.projection[:, :3].T + self.projection[:, 3]
        image: Floats = across[:, :2] / across[:, 2:]
        return image

    def in_front(self, points_m: Floats) -> NDArray[np.bool_]:
        """Which store points [n, 3] the camera looks at rather than away from."""
        sign = np.sign(np.linalg.det(self.projection[:, :3]))
        ahead: NDArray[np.bool_] = sign * (points_m @ self.projection[2, :3] + self.projection[2, 3]) > 0
        return ahead

    def centre_m(self) -> Floats:
        """Where the camera is [3], metres."""
        return np.asarray(-np.linalg.solve(self.projection[:, :3], self.projection[:, 3]), np.float64)

    def onto_plane(self, points_px: Floats, z_m: float) -> Floats:
        """Where rays through undistorted points [n, 2] meet the plane at height `z_m`: [n, 2] metres."""
        plane = np.column_stack(
            (self.projection[:, 0], self.projection[:, 1], self.projection[:, 2] * z_m + self.projection[:, 3])
        )
        rays = np.column_stack((points_px, np.ones(len(points_px)))) @ np.linalg.inv(plane).T
        met: Floats = rays[:, :2] / rays[:, 2:]
        return met

    def undistort(self, points_px: Floats) -> Floats:
        """Points [n, 2] as a lens without distortion draws them; NaN where the lens's model does not reach."""
        if self.lens is None:
            return points_px
        plane = np.column_stack((self.lens.normalised(points_px), np.ones(len(points_px))))
        straight: Floats = (plane @ self.lens.matrix().T)[:, :2]
        return straight


def store_views(store: Store) -> dict[str, View]:
    """The calibrated cameras of a layout by their ids, in file order."""
    views = {}
    for camera in store.cameras:
        lens = lens_of(camera)
        if lens is not None:
            views[camera.camera_id] = View.of(lens, pose_of(camera))
    return views
