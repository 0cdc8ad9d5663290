"""The four clips of one shopper in the nanostore, read in place, with a calibration that was derived from the scene.

The published calibration does not fit these clips (the cameras were hung anew, and the pictures are undistorted). What
fits was found by one bundle adjustment over marks that several cameras see, in the frame of the published planogram:

* 17 marks and knots on the floor, clicked in two or three pictures each, free on the plane z = 0 (`MARKS`);
* the right ends of four boards of gondola 5, as the planogram has them;
* the lowest boards' front edge of gondolas 1 to 4 (y = 0), and the wall under the screen where gondola 1 begins (x = 0,
  4 cm loose), seen as lines;
* camera heights of 2.44 m (4 cm loose; all published cameras hang at 2.41 to 2.52 m);
* 235 joints of the shopper himself in every fifth picture, free in space: they tie the cameras' heights and turns
  together where no mark hangs in the air. What he does, and when, enters nowhere.

One focal length and principal point serve all four, as the cameras are of one make. `agreement_cm` says how well the
cameras agree about the marks. The frame's place against the gondolas rests on lines and on four boards of gondola 5: a
few centimetres across the front, up to about ten along it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import store_views
from jwo_cli.layouts.autocheckout import from_autocheckout
from jwo_cli.layouts.version import with_version
from jwo_cli.model.layout import Camera, Pose, Store

Floats = NDArray[np.float64]
RATE_HZ = 10
SIZE_PX = (640, 360)
FOCAL_PX, CENTRE_PX = 333.15, (320.0, 182.22)
# Place (m), rotation vector of camera_from_store (rad), and a point looked at.
CAMERAS = {
    "cam1": ((3.9999, -0.1158, 2.5920), (1.2675, 2.5313, -0.7989)),
    "cam3": ((2.7675, -0.2085, 2.4496), (1.4028, 2.0344, -1.2072)),
    "cam5": ((0.9659, -0.0871, 2.4658), (1.1357, -2.1436, 1.1833)),
    "cam7": ((-0.6738, -0.0913, 2.4177), (1.2239, -2.4178, 0.9007)),
}
# Marks on the floor in the pictures, px.
MARKS: tuple[dict[str, tuple[float, float]], ...] = (
    {"cam1": (342, 288), "cam5": (214.5, 266.5), "cam7": (146.5, 84)},
    {"cam1": (311.5, 331.5), "cam5": (201, 243.5), "cam7": (136.5, 70.5)},
    {"cam1": (397.5, 234), "cam5": (228, 322)},
    {"cam1": (388.5, 229.5), "cam5": (236.5, 316), "cam7": (162, 112)},
    {"cam1": (417, 184), "cam7": (184, 139.5)},
    {"cam1": (453, 154), "cam7": (194.5, 175)},
    {"cam1": (497, 145), "cam7": (180.5, 213.5)},
    {"cam1": (486, 96.5), "cam3": (427, 283.5)},
    {"cam1": (506, 115), "cam3": (458, 310), "cam7": (211, 247.5)},
    {"cam1": (424, 79), "cam3": (349.5, 277)},
    {"cam1": (419.5, 84), "cam3": (345, 286)},
    {"cam1": (443, 58), "cam3": (367.5, 240.5)},
    {"cam1": (445, 123), "cam3": (386.5, 342.5)},
    {"cam1": (434, 31), "cam3": (350, 208.5)},
    {"cam1": (308.5, 206), "cam5": (293, 267.5), "cam7": (208.5, 83.5)},
    {"cam1": (222, 302), "cam5": (249.5, 212), "cam7": (176, 47.5)},
    {"cam1": (373.5, 135), "cam7": (250, 130.5)},
)
# The room: the glass wall, the wall with the screen, the backs of the gondolas.
FLOOR = ((-0.75, -1.6), (5.15, -1.6), (5.15, 0.45), (-0.75, 0.45))


def data() -> Path:
    """Where the real data lies."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("JWO_SHARED_DATA") or beside)


def files(root: Path) -> dict[str, Path]:
    """Camera -> its clip."""
    folder = root / "nanostore-video"
    return {name: folder / f"cps-test-01-nodepth-{name}.mp4" for name in CAMERAS}


def clip_store(root: Path) -> Store:
    """The nanostore by its published planogram, with the four cameras where they hang in these clips."""
    folder = root / "nanostore-real"
    store, _ = from_autocheckout(
        folder / "BENCHMARK-1" / "planogram.json",
        folder / "BENCHMARK-1" / "products.json",
        folder / "store_meta" / "geometry.json",
    )
    cameras = tuple(
        Camera(
            camera_id=name, pose=Pose(x_m=place[0], y_m=place[1], z_m=place[2]), look_at=(2.0, -0.7, 0.0),
            width_px=SIZE_PX[0], height_px=SIZE_PX[1], intrinsics=(FOCAL_PX, FOCAL_PX, *CENTRE_PX), rotation_rad=turn,
        )
        for name, (place, turn) in CAMERAS.items()
    )  # fmt: skip
    return with_version(replace(store, cameras=cameras, floor=FLOOR))


def agreement_cm(store: Store) -> Floats:
    """How far each mark's places on the floor, by each camera that sees it, are from their middle [marks], cm."""
    views = store_views(store)
    off = []
    for mark in MARKS:
        places = np.concatenate([views[name].onto_plane(np.array([px], np.float64), 0.0) for name, px in mark.items()])
        off.append(100 * float(np.linalg.norm(places - places.mean(axis=0), axis=1).max()))
    return np.array(off)
