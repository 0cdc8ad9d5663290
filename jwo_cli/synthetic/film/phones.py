"""A gate's camera: phones with codes, held as people hold them, and the empty place between two people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from jwo_cli.estimate.pixels import Image
from jwo_cli.model.units import NS_PER_MS, NS_PER_S
from jwo_cli.synthetic.draws import Floats, named

WIDTH_PX, HEIGHT_PX = 640, 480
CODE_PX = 190
FPS = 10.0
MOVES_NS = 300 * NS_PER_MS  # a phone comes before the camera, and goes, within this time
_GRAIN = 4.0  # grey levels, of a small sensor indoors
_BLUR = 0.35  # of the time between two frames the shutter is open
Modules = Sequence[Sequence[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A code (with its quiet zone) that somebody holds before the camera from `begin_ns` to `end_ns`."""

    begin_ns: int
    end_ns: int
    modules: Modules


class GateFilm:
    """What a gate's camera sees, at any moment: the phone that is shown, on its way up or down, or nobody.

    The same showings and seed give the same pixels, but for the grain, which moves from frame to frame.
    """

    def __init__(self, showings: Sequence[Showing], *, seed: int) -> None:
        self._showings = sorted(showings, key=lambda showing: showing.begin_ns)
        self._seed = seed
        self._empty = _surroundings(named(seed, "gate"))
        self._rng = named(seed, "gate", "grain")
        self._grain = np.rint(self._rng.normal(0.0, _GRAIN, (HEIGHT_PX, WIDTH_PX))).astype(np.int16)
        self._screens: dict[int, Image] = {}

    def frame(self, at_ns: int) -> Image:
        """Grey picture [480, 640]."""
        picture = self._empty.copy()
        for number, showing in enumerate(self._showings):
            if showing.begin_ns - MOVES_NS < at_ns < showing.end_ns + MOVES_NS:
                self._hold(picture, number, showing, at_ns)
        rolled = np.roll(self._grain, tuple(int(shift) for shift in self._rng.integers(0, 64, 2)), axis=(0, 1))
        return np.asarray(np.clip(picture + rolled, 0, 255), np.uint8)

    def jpeg(self, at_ns: int) -> bytes:
        """The picture as a camera sends it."""
        return bytes(cv2.imencode(".jpg", self.frame(at_ns), (cv2.IMWRITE_JPEG_QUALITY, 85))[1])

    def _hold(self, picture: Image, number: int, showing: Showing, at_ns: int) -> None:
        rng = named(self._seed, "hold", number)
        spot = np.array([WIDTH_PX / 2, HEIGHT_PX / 2]) + rng.uniform(-60, 60, 2)
        tilt, bend = float(rng.normal(0.0, 0.12)), rng.normal(0.0, 0.025, (4, 1))
        tremble_hz, phase = rng.uniform(0.7, 1.6, 2), rng.uniform(0.0, 2 * math.pi, 2)
        trembling = 3.0 * np.sin(2 * math.pi * tremble_hz * at_ns / NS_PER_S + phase)
        # it comes from below and goes there again, slowing down before the camera
        away = max(showing.begin_ns - at_ns, at_ns - showing.end_ns, 0) / MOVES_NS
        spot = spot + trembling + np.array([0.0, 0.9 * HEIGHT_PX * away**2])
        blur_px = 2 * 0.9 * HEIGHT_PX * away / (MOVES_NS / NS_PER_S) / FPS * _BLUR
        if number not in self._screens:
            self._screens = {number: _screen(showing.modules, CODE_PX)}
        _place(picture, self._screens[number], _zoom(showing.modules, CODE_PX), spot, tilt, bend)
        if blur_px >= 2:
            picture[:] = cv2.blur(picture, (1, int(blur_px)))


def show_phone(modules: Modules, *, seed: int, size_px: int = CODE_PX) -> Image:
    """A frame of a gate's camera, 640 × 480: a phone with a code of `size_px`, held as people hold it."""
    rng = named(seed, "phone")
    middle = np.array([WIDTH_PX / 2, HEIGHT_PX / 2]) + rng.uniform(-60, 60, 2)
    tilt, bend = float(rng.normal(0.0, 0.12)), rng.normal(0.0, 0.025, (4, 1))
    frame = _surroundings(rng)
    _place(frame, _screen(modules, size_px), _zoom(modules, size_px), middle, tilt, bend)
    noisy = frame[..., None] + rng.normal(0.0, _GRAIN, (HEIGHT_PX, WIDTH_PX, 1))
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8), 3, axis=2)


def _surroundings(rng: np.random.Generator) -> Image:
    """What stands behind the phone: dim, and out of focus."""
    dim = rng.uniform(40, 120, (12, 16)).astype(np.uint8)
    return np.asarray(cv2.resize(dim, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def _scale(modules: Modules, size_px: int) -> int:
    """Pixels of a module on the screen, which is drawn four times as large as it is seen."""
    return max(1, round(4 * size_px / len(modules)))


def _zoom(modules: Modules, size_px: int) -> float:
    return size_px / (len(modules) * _scale(modules, size_px))


def _screen(modules: Modules, size_px: int) -> Image:
    """A phone's screen with the code, large, as soft as it will be seen."""
    scale = _scale(modules, size_px)
    dark = np.array(modules, dtype=bool)
    screen = np.where(np.kron(dark, np.ones((scale, scale), dtype=bool)), 22, 238).astype(np.uint8)
    border = scale * 3
    around = (5 * border, 7 * border, border, border)
    screen = np.asarray(cv2.copyMakeBorder(screen, *around, cv2.BORDER_CONSTANT, value=(30.0,)), np.uint8)
    return np.asarray(cv2.GaussianBlur(screen, (0, 0), 0.4 / _zoom(modules, size_px)), np.uint8)


def _place(picture: Image, screen: Image, zoom: float, middle: Floats, tilt: float, bend: Floats) -> None:
    """Paints a screen into a picture: its middle there, turned by `tilt` radians, its corners bent by these shares."""
    height, width = screen.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    target = ((corners - [width / 2, height / 2]) * zoom @ turn.T) * (1.0 + bend) + middle
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    size = (picture.shape[1], picture.shape[0])
    cv2.warpPerspective(screen, warp, size, dst=picture, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
