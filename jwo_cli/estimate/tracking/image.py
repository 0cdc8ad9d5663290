"""One camera without calibration: boxes followed in the image, lengths scaled by how tall each box is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .association import spans
from .core import Watched
from .detections import Glimpse
from .offline import follow
from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def glimpses(
    step: Ints, boxes_px: Floats, score: Floats, look: Floats, times_s: Floats, settings: TrackSettings
) -> list[Glimpse]:
    """One glimpse a step, if empty: boxes [m, 4] (x, y, w, h) whose `step` [m] indexes `times_s`."""
    place = boxes_px[:, :2] + boxes_px[:, 2:] / 2
    tall = boxes_px[:, 3]
    sigma = np.maximum(settings.centre_sigma * tall, settings.pixel_sigma / 4)
    order = np.argsort(step, kind="stable")
    cuts = np.searchsorted(step[order], np.arange(len(times_s) + 1))
    found = []
    for now, at_s in enumerate(times_s):
        rows = order[cuts[now] : cuts[now + 1]]
        found.append(
            Glimpse(
                at_s=float(at_s),
                camera=0,
                place=place[rows],
                noise=sigma[rows, None, None] ** 2 * np.eye(2),
                unit=tall[rows] / settings.height_m,
                score=score[rows],
                traits=np.log(boxes_px[rows, 2:]),
                trait_noise=np.full(len(rows), settings.trait_sigma**2),
                row=rows,
                look=look[rows],
            )
        )
    return found


class Occlusion:
    """How likely the camera detects each person: less so behind somebody who stands nearer (lower in the image)."""

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings

    def __call__(self, camera: int, place: Floats, traits: Floats) -> Floats:
        """Probabilities [n] for people at `place` [n, 2] with logarithmic sizes `traits` [n, 2]."""
        del camera
        size = np.exp(traits)
        return visible(corners(place, size), place[:, 1] + size[:, 1] / 2, self._settings)


def corners(place: Floats, size: Floats) -> Floats:
    """Boxes [n, 4] (x, y, w, h) around centres."""
    return np.concatenate((place - size / 2, size), axis=1)


def visible(boxes: Floats, nearness: Floats, settings: TrackSettings) -> Floats:
    """Detection probability [n]: falls from open to hidden with the share of a box that nearer boxes cover most."""
    left, top, wide, deep = boxes.T
    right, low = left + wide, top + deep
    order = np.argsort(left)
    i, j = spans(np.arange(1, len(left) + 1), np.searchsorted(left[order], right[order]))
    i, j = order[i], order[j]
    hides = nearness[i] > nearness[j]
    i, j = np.where(hides, j, i), np.where(hides, i, j)
    across = np.minimum(right[i], right[j]) - np.maximum(left[i], left[j])
    down = np.maximum(np.minimum(low[i], low[j]) - np.maximum(top[i], top[j]), 0)
    share = np.zeros(len(boxes))
    np.maximum.at(share, i, across * down / (wide * deep)[i] * (nearness[j] > nearness[i]))
    chance: Floats = settings.detect_probability + share * (settings.hidden_probability - settings.detect_probability)
    return chance


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxTracks:
    """One row for every step a person is there: step [k], track [k] from 0, box [k, 4], and walking speed [k]."""

    step: Ints
    track: Ints
    box_px: Floats
    speed_m_s: Floats


def follow_boxes(
    step: Ints, boxes_px: Floats, score: Floats, look: Floats, times_s: Floats, settings: TrackSettings
) -> BoxTracks:
    """Tracks of boxes [m, 4] (x, y, w, h) at `step` [m] of `times_s`, with score [m] and appearance [m, d]."""
    size = (boxes_px[:, :2] + boxes_px[:, 2:]).max(axis=0, initial=1.0)
    settings = replace(settings, jerkiness_m2_s3=settings.image_jerkiness_m2_s3)
    watched = Watched(detectable=Occlusion(settings), outside=Frame(size, settings))
    followed = follow(glimpses(step, boxes_px, score, look, times_s, settings), times_s, watched, settings)
    path, traits = followed.path, followed.traits
    if traits is None:
        traits = np.zeros((len(path.track), 2))
    speed = np.hypot(path.mean[:, 2], path.mean[:, 3]) * settings.height_m / np.exp(traits[:, 1])
    boxes = corners(path.mean[:, :2], np.exp(traits))
    return BoxTracks(step=path.step, track=path.track, box_px=boxes, speed_m_s=speed)


class Frame:
    """How likely people come and go at a place: certainly at the frame's edge, hardly in its middle."""

    def __init__(self, size_px: Floats, settings: TrackSettings) -> None:
        self._size = size_px
        self._settings = settings

    def __call__(self, place: Floats, unit: Floats) -> Floats:
        """Probabilities [n] for people at `place` [n, 2] whose metre is `unit` [n] pixels."""
        reach = np.column_stack((unit * self._settings.height_m / 5, unit * self._settings.height_m / 2))
        margin = np.minimum(place - reach, self._size - place - reach).min(axis=1) / unit
        near: Floats = np.exp(-np.maximum(margin, 0) / self._settings.outside_m)
        return near
