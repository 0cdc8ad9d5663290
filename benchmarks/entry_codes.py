"""Frames of a gate's camera with an entry code held before it: seeded blur, glare, tilt, dark mode and noise.

The code is a QR code of version 3 (29 modules, level M, 42 letters and digits), drawn on a phone's screen, `width_px`
across from its first to its last module, somewhere in a frame of 1280×720 full of other edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.sensors.qr import BORDER, modules

Grey = NDArray[np.uint8]
Floats = NDArray[Any]
WIDTH, HEIGHT = 1280, 720
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """What happens to the picture; sigmas and lengths in pixels of the frame, levels in grey values."""

    focus_px: tuple[float, float] = (0.3, 0.8)  # Gaussian blur of lens and sensor
    motion_px: tuple[float, float] = (0.0, 0.0)  # length of the way in one exposure
    glare: float = 0.0  # share of frames with a lamp's reflection on the screen
    turn_deg: float = 0.0  # turned in the picture by up to
    tilt_deg: float = 0.0  # out of the picture's plane by up to
    dark: float = 0.0  # share of frames in dark mode: light modules on dark
    contrast: tuple[float, float] = (0.7, 1.0)
    noise: tuple[float, float] = (1.0, 4.0)


STRESSES = {
    "plain": Stress(),
    "blur": Stress(focus_px=(0.8, 1.3)),
    "motion": Stress(motion_px=(1.0, 4.0)),
    "glare": Stress(glare=1.0),
    "rotation": Stress(turn_deg=180.0),
    "tilt": Stress(turn_deg=20.0, tilt_deg=40.0),
    "dark mode": Stress(dark=1.0),
    "dim and noisy": Stress(contrast=(0.25, 0.5), noise=(4.0, 10.0)),
    "all together": Stress(
        focus_px=(0.3, 1.0),
        motion_px=(0.0, 2.5),
        glare=0.3,
        turn_deg=180.0,
        tilt_deg=25.0,
        dark=0.5,
        contrast=(0.4, 1.0),
        noise=(1.0, 6.0),
    ),
}


def payload(draw: np.random.Generator) -> str:
    """42 letters and digits."""
    return "".join(LETTERS[k] for k in draw.integers(0, len(LETTERS), LENGTH))


def frame(draw: np.random.Generator, stress: Stress, width_px: float) -> tuple[Grey, str]:
    """A frame [720, 1280] and the text of the code in it."""
    text = payload(draw)
    scene = backdrop(draw)
    dark = draw.random() < stress.dark
    screen, modules_px, side = _screen(text, dark=dark)
    warp = _warp(draw, stress, screen.shape, side * width_px / modules_px)
    laid = cv2.warpPerspective(screen, warp, (WIDTH * 2, HEIGHT * 2), flags=cv2.INTER_AREA, borderValue=0.0)
    mask = cv2.warpPerspective(np.ones_like(screen), warp, (WIDTH * 2, HEIGHT * 2), flags=cv2.INTER_LINEAR)
    laid, mask = (cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for each in (laid, mask))
    contrast = draw.uniform(*stress.contrast)
    scene = scene * (1 - mask) + (40 + 200 * contrast * laid) * mask
    middle = (
        (warp @ (screen.shape[1] / 2, screen.shape[0] / 2, 1))[:2]
        / (warp @ (screen.shape[1] / 2, screen.shape[0] / 2, 1))[2]
        / 2
    )
    if draw.random() < stress.glare:
        scene += _glare(draw, middle, width_px) * mask
    scene = cv2.GaussianBlur(scene, (0, 0), draw.uniform(*stress.focus_px))
    scene = _moved(scene, draw.uniform(*stress.motion_px), draw.uniform(0, np.pi))
    scene += draw.normal(0, draw.uniform(*stress.noise), scene.shape)
    raw = np.clip(np.round(scene), 0, 255).astype(np.uint8)
    # A camera's stream is compressed: JPEG at 80 stands for it.
    packed = cv2.imencode(".jpg", raw, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8), text


def backdrop(draw: np.random.Generator) -> Floats:
    """A frame full of blocks, stripes and grain, without any code [720, 1280]."""
    scene = np.full((HEIGHT, WIDTH), draw.uniform(60, 160))
    for _ in range(60):
        x, y = draw.integers(0, WIDTH), draw.integers(0, HEIGHT)
        w, h = draw.integers(10, 300, 2)
        scene[y : y + h, x : x + w] = draw.uniform(20, 230)
    for _ in range(12):
        x, y = draw.integers(0, WIDTH - 120), draw.integers(0, HEIGHT - 120)
        step = int(draw.integers(3, 9))
        stripes = (np.arange(120) // step % 2) * draw.uniform(60, 160) + 40
        scene[y : y + 120, x : x + 120] = stripes if draw.random() < 0.5 else stripes[:, None]
    grain = cv2.GaussianBlur(draw.normal(0, 40, scene.shape), (0, 0), 2.0)
    return cv2.GaussianBlur(scene + grain, (0, 0), 1.0)


def _screen(text: str, *, dark: bool, scale: int = 12) -> tuple[Floats, int, int]:
    """A phone's screen, 0 to 1; the code's modules a side without quiet zone, and the screen's modules across."""
    grid = np.array(modules(text), bool)
    inner = len(grid) - 2 * BORDER
    light = np.where(grid, 0.0, 1.0)
    if dark:
        light = 1 - light
    edge = 1.0 if not dark else 0.0
    screen = np.pad(light, ((8, 14), (2, 2)), constant_values=edge)
    screen = np.kron(screen, np.ones((scale, scale)))
    return np.pad(screen, 6, constant_values=0.05), inner, len(grid) + 4 + 1


def _warp(draw: np.random.Generator, stress: Stress, shape: tuple[int, ...], width: float) -> Floats:
    """From the screen to the frame at twice its size: turned, tilted about both axes, somewhere well inside."""
    height, across = shape
    turn = np.deg2rad(draw.uniform(-stress.turn_deg, stress.turn_deg))
    tilt = np.deg2rad(draw.uniform(-stress.tilt_deg, stress.tilt_deg, 2))
    scale = 2 * width / across
    corners = (np.array([[0, 0], [across, 0], [across, height], [0, height]]) - (across / 2, height / 2)) * scale
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = corners @ spin.T
    far = 3_000.0  # pixels from the lens: a phone half a metre before a wide lens
    placed = np.column_stack((corners[:, 0] * np.cos(tilt[0]), corners[:, 1] * np.cos(tilt[1])))
    depth = far + corners[:, 0] * np.sin(tilt[0]) + corners[:, 1] * np.sin(tilt[1])
    seen = placed * (far / depth)[:, None]
    margin = np.abs(seen).max(axis=0) + 20
    middle = np.array([draw.uniform(margin[k], 2 * side - margin[k]) for k, side in enumerate((WIDTH, HEIGHT))])
    source = np.array([[0, 0], [across, 0], [across, height], [0, height]], np.float32)
    warp: Floats = cv2.getPerspectiveTransform(source, (seen + middle).astype(np.float32))
    return warp


def _glare(draw: np.random.Generator, middle: Floats, width_px: float) -> Floats:
    """A lamp's soft reflection: white in its middle, a fifth to a third of the code across, on or near the code."""
    centre = middle + draw.uniform(-0.6, 0.6, 2) * width_px
    axes = draw.uniform(0.10, 0.17, 2) * width_px
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    far = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2
    spot: Floats = 260 * np.exp(-far / 2)
    return spot


def _moved(scene: Floats, length_px: float, along_rad: float) -> Floats:
    """Motion blur of a straight way."""
    if length_px < 0.5:
        return scene
    kernel = np.zeros((9, 9))
    for step in np.linspace(-length_px / 2, length_px / 2, 41):
        x, y = 4 + step * np.cos(along_rad), 4 + step * np.sin(along_rad)
        left, top = int(x), int(y)
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            if left + dx < 9 and top + dy < 9:
                kernel[top + dy, left + dx] += (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
    return cv2.filter2D(scene, -1, kernel / kernel.sum())
