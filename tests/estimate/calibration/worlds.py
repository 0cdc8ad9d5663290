"""Synthetic cameras and boards with known truth, seeded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.intrinsics import View
from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rig_start import Moment
from jwo_cli.estimate.calibration.rigid import Rigid, exp
from jwo_cli.model.layout import LensKind

Floats = NDArray[np.float64]
RADTAN = (900.0, 905.0, 650.0, 350.0, -0.28, 0.09, 0.0008, -0.0005, -0.01)
EQUIDISTANT = (560.0, 561.0, 630.0, 365.0, 0.02, -0.006, 0.001, -0.0002)


def lens(kind: LensKind = LensKind.RADTAN, width: int = 1280, height: int = 720) -> Lens:
    """A usual shop camera, or a ceiling fisheye."""
    values = RADTAN if kind is LensKind.RADTAN else EQUIDISTANT
    return Lens(kind=kind, values=np.array(values), width_px=width, height_px=height)


def board(columns: int = 9, rows: int = 6, square_m: float = 0.04) -> Floats:
    """Corners [N, 3] of a chessboard, its middle in the origin."""
    y, x = np.divmod(np.arange(columns * rows), columns)
    places = np.column_stack([x - (columns - 1) / 2, y - (rows - 1) / 2, np.zeros(len(x))])
    return np.asarray(places * square_m)


def looking(place: tuple[float, float, float], target: tuple[float, float, float]) -> Rigid:
    """`camera_from_world` of a camera that stands there and looks there, upright (z up)."""
    ahead = np.subtract(target, place) / np.linalg.norm(np.subtract(target, place))
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    return Rigid(turn=turn, shift=-turn @ np.array(place))


def views(
    which: Lens, count: int = 14, *, noise_px: float = 0.2, tilt: float = 0.6, seed: int = 1
) -> tuple[list[View], list[Rigid]]:
    """A board held up before one camera, all over its image."""
    rng = np.random.default_rng(seed)
    corners = board()
    out, poses = [], []
    while len(out) < count:
        spot = rng.uniform((-0.6, -0.35, 0.35), (0.6, 0.35, 0.8))
        pose = Rigid(turn=exp(rng.uniform(-tilt, tilt, 3)), shift=spot)
        px = which.project(pose.apply(corners))
        if not ((px > 5) & (px < (which.width_px - 5, which.height_px - 5))).all():
            continue
        out.append(View(name=f"v{len(out)}", points_m=corners, px=px + rng.normal(0, noise_px, px.shape)))
        poses.append(pose)
    return out, poses


def rig(count: int = 3) -> list[Rigid]:
    """Cameras around a small shop floor, `camera_from_world`, z up."""
    places = [(0.0, 0.0, 2.5), (4.0, 0.0, 2.6), (4.0, 3.0, 2.4), (0.0, 3.0, 2.5)]
    return [looking(place, (2.0, 1.5, 1.0)) for place in places[:count]]


def moments(
    cameras: list[Rigid],
    which: Lens,
    *,
    instants: int = 16,
    noise_px: float = 0.3,
    mistaken: float = 0.0,
    seed: int = 2,
) -> list[Moment]:
    """A board carried through the shop, seen by every camera that it faces; a share of the corners is mistaken."""
    rng = np.random.default_rng(seed)
    corners = board(7, 5, 0.08)
    out = []
    for instant in range(instants):
        spot = rng.uniform((1.2, 0.8, 0.6), (2.8, 2.2, 1.4))
        up = exp(np.array([np.pi, 0.0, 0.0])) @ exp(rng.uniform(-0.5, 0.5, 3))  # the printed side to the ceiling
        world_from_board = Rigid(turn=up, shift=spot)
        for index, camera in enumerate(cameras):
            pose = camera.after(world_from_board)
            px = which.project(pose.apply(corners))
            inside = np.isfinite(px).all() and ((px > 0) & (px < (which.width_px, which.height_px))).all()
            sight = pose.shift / np.linalg.norm(pose.shift)
            if not inside or pose.turn[:, 2] @ sight < 0.3:
                continue
            px = px + rng.normal(0, noise_px, px.shape)
            wrong = rng.random(len(px)) < mistaken
            px[wrong] += rng.uniform(-60, 60, (int(wrong.sum()), 2))
            out.append(Moment(camera=index, instant=instant, view=View(name="", points_m=corners, px=px)))
    return out
