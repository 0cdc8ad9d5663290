"""What a fixed camera sees when nobody is there, and what of a picture is not that: the foreground.

One picture is kept, at a small size, with how much each of its pixels usually differs. It follows the light quickly
where nothing is, slowly where somebody stands, so that who waits at a shelf does not become furniture. Where somebody
was when the camera began and has left, the kept picture has the edges and the new one has not: such a ghost is taken
over at once. Shade darkens without changing colour and counts as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Image

Mask = NDArray[np.uint8]  # 1 where the foreground is
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackdropSettings:
    """Rates are shares taken over from each picture; levels are grey values."""

    width_px: int = 384
    learn: float = 0.02  # where nothing is
    learn_people: float = 0.0005  # where somebody is: five minutes at seven pictures a second
    least: float = 14.0  # what differs less is the sensor
    times: float = 4.0  # of the usual difference
    shade: tuple[float, float] = (0.55, 0.98)  # how bright shaded ground still is
    shade_colour: float = 10.0  # how much its colour may differ, levels
    changed: float = 0.7  # more foreground than that is the light or the camera, not people
    ghost_pixels: int = 30
    ghost_edges: float = 1.3  # the kept picture's edges, times the new one's


class Backdrop:
    """Feed it pictures of one size in order; `foreground` tells what is not the backdrop in the last one."""

    def __init__(self, settings: BackdropSettings | None = None) -> None:
        self._settings = settings or BackdropSettings()
        self._kept: Floats = np.zeros((0, 0, 3), np.float32)
        self._usual: Floats = np.zeros((0, 0), np.float32)
        self._before: Floats = self._kept
        self.scale = 1.0  # of the small picture

    def feed(self, image: Image, people: NDArray[np.float32] | None = None) -> Mask:
        """The foreground [small height, small width] of a BGR picture; `people` [n, 4] are boxes of the one before."""
        small = self._small(image)
        if self._kept.shape != small.shape:
            self._kept = small.copy()
            self._usual = np.full(small.shape[:2], self._settings.least / self._settings.times, np.float32)
            self._before = small
            return np.zeros(small.shape[:2], np.uint8)
        lit = self._kept * _gain(small, self._kept)
        front = self._front(small, lit)
        if front.mean() > self._settings.changed:
            self._kept, self._before = small.copy(), small
            return np.zeros_like(front)
        front = self._without_ghosts(front, small, lit)
        self._learn(small, front, people)
        self._before = small
        return front

    def _small(self, image: Image) -> Floats:
        self.scale = min(self._settings.width_px / image.shape[1], 1.0)
        size = (round(image.shape[1] * self.scale), round(image.shape[0] * self.scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)

    def _front(self, small: Floats, lit: Floats) -> Mask:
        settings = self._settings
        off = _apart(small, lit)
        front = off > np.maximum(settings.least, settings.times * self._usual)
        bright, ground = _level(small), np.maximum(_level(lit), 1.0)
        ratio = bright / ground
        tint = _apart(small, (lit * ratio[:, :, None]).astype(np.float32))
        shade = (ratio > settings.shade[0]) & (ratio < settings.shade[1]) & (tint < settings.shade_colour)
        shade &= off < 0.5 * ground
        mask = np.asarray(front & ~shade, np.uint8)
        return np.asarray(cv2.medianBlur(mask, 5), np.uint8)

    def _without_ghosts(self, front: Mask, small: Floats, lit: Floats) -> Mask:
        """Without the places that somebody has left who was there when the backdrop was taken."""
        count, labels, stats, _ = cv2.connectedComponentsWithStats(front)
        if count < 2:
            return front
        outline = cv2.morphologyEx(front, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        new, old = (_edges(each)[outline] for each in (small, lit))
        stirred = (_apart(small, self._before) > self._settings.least)[front > 0]
        moving = np.bincount(labels[front > 0], stirred, minlength=count)
        ring = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)[outline]
        new_sum, old_sum = (np.bincount(ring, each, minlength=count) for each in (new, old))
        area = stats[:, cv2.CC_STAT_AREA]
        ghost = (area >= self._settings.ghost_pixels) & (old_sum > self._settings.ghost_edges * new_sum)
        ghost &= moving < 0.05 * area
        ghost[0] = False
        gone = ghost[labels]
        if gone.any():
            self._kept[gone] = small[gone]
            front = np.where(gone, np.uint8(0), front)
        return front

    def _learn(self, small: Floats, front: Mask, people: NDArray[np.float32] | None) -> None:
        settings = self._settings
        held = np.zeros(front.shape, np.uint8)
        for left, top, right, bottom in np.zeros((0, 4)) if people is None else people * self.scale:
            held[max(int(top), 0) : int(bottom) + 1, max(int(left), 0) : int(right) + 1] = 1
        calm = ((front | held) == 0).astype(np.uint8)
        off = _apart(small, self._kept)
        cv2.accumulateWeighted(small, self._kept, settings.learn, calm)
        cv2.accumulateWeighted(small, self._kept, settings.learn_people, 1 - calm)
        cv2.accumulateWeighted(off, self._usual, settings.learn, calm)


def _apart(one: Floats, other: Floats) -> Floats:
    """The largest difference of any colour, levels [h, w] (numpy's maximum over an axis takes ten times longer)."""
    blue, green, red = cv2.split(cv2.absdiff(one, other))
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.float32)


def _level(picture: Floats) -> Floats:
    """The mean of the colours [h, w]."""
    return np.asarray(cv2.transform(picture, np.full((1, 3), 1 / 3, np.float32)), np.float32)


def _edges(picture: Floats) -> Floats:
    grey = _level(picture)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _gain(small: Floats, kept: Floats) -> float:
    """How much brighter the whole picture became: the camera's exposure, not people (they are the minority)."""
    ratio = (_level(small)[::4, ::4] + 1) / (_level(kept)[::4, ::4] + 1)
    return float(np.clip(np.median(ratio), 0.5, 2.0))
