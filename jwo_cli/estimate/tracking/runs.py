"""The two ways in, from detections with frame numbers to tracks with the same numbers; the rate is found if need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .floor import CameraBoxes, Doors, follow_floor
from .image import follow_boxes
from .pace import estimate_rate, extent, sample
from .settings import TrackSettings
from .tracklets import ALONE, join_boxes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """One camera's detections: frame [m], boxes [m, 4] (x, y, w, h) px, score [m] in 0…1, appearance [m, d]."""

    frame: Ints
    box_px: Floats
    score: Floats
    look: Floats

    def take(self, rows: NDArray[np.bool_]) -> Detections:
        """Some of the rows."""
        return Detections(
            frame=self.frame[rows], box_px=self.box_px[rows], score=self.score[rows], look=self.look[rows]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """Rows of tracks: frame [k], id [k] from 1, place [k, 4] (a box) or [k, 2] (metres); the rate that was assumed."""

    frame: Ints
    id: Ints
    place: Floats
    rate_hz: float


def track_image(seen: Detections, settings: TrackSettings, rate_hz: float | None = None) -> Tracked:
    """Tracks of one camera's boxes in its image."""
    rate = rate_hz or _image_rate(seen, settings)
    frames = _every(seen.frame)
    found = follow_boxes(
        np.searchsorted(frames, seen.frame), seen.box_px, seen.score, seen.look, frames / rate, settings
    )
    return _tracked(frames[found.step], found.track, found.box_px, rate)


def join_image(seen: Detections, settings: TrackSettings, rate_hz: float | None = None) -> Tracked:
    """The same boxes with ids, all steps at once: many times as quick, but nothing is smoothed and no gap filled.

    Appearance is not used.
    """
    rate = rate_hz or _image_rate(seen, settings)
    frames = _every(seen.frame)
    owner = join_boxes(np.searchsorted(frames, seen.frame), seen.box_px, seen.score, frames / rate, settings)
    told = owner != ALONE
    return _tracked(seen.frame[told], owner[told], seen.box_px[told], rate)


def _image_rate(seen: Detections, settings: TrackSettings) -> float:
    first = seen.take(sample(seen.frame))

    def walks(rate: float) -> tuple[Floats, float]:
        frames, step = np.unique(first.frame, return_inverse=True)
        quick = replace(settings, link_rounds=0, swap_rounds=0)
        found = follow_boxes(step, first.box_px, first.score, first.look, frames / rate, quick)
        metre = np.median(found.box_px[:, 3]) / settings.height_m if len(found.step) else 1.0
        return found.speed_m_s, extent(found.box_px[:, :2] / metre)

    return estimate_rate(walks)


def track_floor(
    views: Sequence[View],
    seen: Sequence[Detections],
    settings: TrackSettings,
    *,
    rate_hz: float | None = None,
    doors: Doors | None = None,
    area: Floats | None = None,
) -> Tracked:
    """Tracks on the floor over several cameras whose frame numbers count the same clock."""

    def cameras(parts: Sequence[Detections], frames: Ints) -> list[CameraBoxes]:
        return [
            CameraBoxes(
                view=view,
                step=np.searchsorted(frames, part.frame),
                boxes_px=part.box_px,
                score=part.score,
                look=part.look,
            )
            for view, part in zip(views, parts, strict=True)
        ]

    every = np.concatenate([part.frame for part in seen])
    last = every[sample(every)].max(initial=0)
    first = [part.take(part.frame <= last) for part in seen]

    def walks(rate: float) -> tuple[Floats, float]:
        frames = np.unique(np.concatenate([part.frame for part in first]))
        quick = replace(settings, link_rounds=0, swap_rounds=0)
        found = follow_floor(cameras(first, frames), frames / rate, quick, doors, area)
        return np.hypot(found.path.mean[:, 2], found.path.mean[:, 3]), extent(found.path.mean[:, :2])

    rate = rate_hz or estimate_rate(walks)
    frames = _every(every)
    found = follow_floor(cameras(seen, frames), frames / rate, settings, doors, area)
    return _tracked(frames[found.path.step], found.path.track, found.path.mean[:, :2], rate)


def _every(frame: Ints) -> Ints:
    """All frames from the first to the last, at the spacing that the numbers have (5 where each fifth was kept)."""
    if not len(frame):
        return np.zeros(0, np.int64)
    present = np.unique(frame)
    spacing = int(np.gcd.reduce(np.diff(present))) if len(present) > 1 else 1
    return np.arange(present[0], present[-1] + 1, spacing)


def _tracked(frame: Ints, track: Ints, place: Floats, rate_hz: float) -> Tracked:
    """Rows in order of frame, then id; ids from 1 in order of first appearance."""
    first = np.full(int(track.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, track, frame)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(1, len(first) + 1)
    ident = rank[track]
    order = np.argsort((frame - frame.min(initial=0)) * (len(first) + 1) + ident, kind="stable")
    return Tracked(frame=frame[order], id=ident[order], place=place[order], rate_hz=rate_hz)
