"""Several calibrated cameras: people followed on the floor plane, in metres, over all of them.

Each box becomes a place with covariance (`views.stand`). A camera is expected to see who stands in its image and is not
behind somebody else; whom it ought to see and never does is a ghost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View

from .core import Watched
from .detections import Glimpse
from .image import visible
from .offline import Followed, follow
from .settings import TrackSettings
from .views import Stand, stand

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIRECTIONS = 24
_BEYOND = 0.005  # share of the places that may lie beyond the floor's edge in each direction: false boxes
_ASPECT = 0.35  # width of a person's box over its height


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBoxes:
    """What one camera gave: time index [m], boxes [m, 4] in pixels, score [m], appearance [m, d] (or [m, 0])."""

    view: View
    step: Ints
    boxes_px: Floats
    score: Floats
    look: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where people come and go: segments from `a` [k, 2] to `b` [k, 2] on the floor, metres."""

    a: Floats
    b: Floats

    def __call__(self, place: Floats, unit: Floats) -> Floats:
        """Distance [n] of places [n, 2] to the nearest door, metres."""
        del unit
        along = self.b - self.a
        length = np.maximum(np.sum(along**2, axis=1), 1e-12)
        share = np.clip(np.einsum("nkd,kd->nk", place[:, None] - self.a[None], along) / length, 0, 1)
        nearest = self.a[None] + share[:, :, None] * along[None]
        gap: Floats = np.linalg.norm(place[:, None] - nearest, axis=2).min(axis=1)
        return gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The edge of what is watched, as half planes around nearly all places: normals [k, 2] and offsets [k]."""

    normal: Floats
    offset: Floats

    @classmethod
    def around(cls, place: Floats) -> Edge:
        """The edge around places [m, 2]."""
        turn = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
        normal = np.column_stack((np.cos(turn), np.sin(turn)))
        offset = np.quantile(place @ normal.T, 1 - _BEYOND, axis=0) if len(place) else np.zeros(_DIRECTIONS)
        return cls(normal=normal, offset=offset)

    def __call__(self, place: Floats, unit: Floats) -> Floats:
        """Distance [n] of places [n, 2] from the edge, metres; 0 on it and beyond."""
        del unit
        margin: Floats = np.maximum((self.offset[None] - place @ self.normal.T).min(axis=1), 0)
        return margin


class Sight:
    """How likely each camera detects each person, from where they stand."""

    def __init__(self, views: Sequence[View], settings: TrackSettings) -> None:
        self._views = views
        self._settings = settings

    def __call__(self, camera: int, place: Floats, traits: Floats) -> Floats:
        """Probabilities [n] for people at `place` [n, 2]."""
        del traits
        view, height = self._views[camera], self._settings.height_m
        feet = np.column_stack((place, np.zeros(len(place))))
        heads = np.column_stack((place, np.full(len(place), height)))
        ahead = view.in_front(feet) & view.in_front(heads)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = view.project(feet), view.project(heads)
        tall = np.abs(low[:, 1] - high[:, 1])
        boxes = np.column_stack(
            (low[:, 0] - _ASPECT * tall / 2, np.minimum(low[:, 1], high[:, 1]), _ASPECT * tall, tall)
        )
        distance = np.linalg.norm(place - view.centre_m()[:2], axis=1)
        boxes[~ahead] = 0.0
        boxes[:, 2:] = np.maximum(boxes[:, 2:], 1e-6)
        chance = visible(boxes, -distance, self._settings)
        if view.size_px is not None:
            wide, deep = view.size_px
            middle = (low[:, 0] + high[:, 0]) / 2
            shown = np.clip(np.minimum(low[:, 1], deep) - np.maximum(high[:, 1], 0), 0, None) / np.maximum(tall, 1e-6)
            chance = chance * np.clip(shown * 1.5 - 0.25, 0, 1) * ((middle > 0) & (middle < wide))
        result: Floats = np.where(ahead, chance, 0.0)
        return result


class Leaving:
    """How likely people come and go at a place, by its distance from a door or from the edge of what is watched."""

    def __init__(self, distance: Doors | Edge, settings: TrackSettings) -> None:
        self._distance = distance
        self._settings = settings

    def __call__(self, place: Floats, unit: Floats) -> Floats:
        """Probabilities [n] for people at `place` [n, 2]."""
        near: Floats = np.exp(-self._distance(place, unit) / self._settings.outside_m)
        return near


def on_the_floor(settings: TrackSettings) -> TrackSettings:
    """The settings where the one trait is people's height."""
    return replace(settings, trait_spread=settings.tall_spread, trait_walk_s=settings.tall_walk_s, trait_link_sigma=0.0)


def follow_floor(
    cameras: Sequence[CameraBoxes],
    times_s: Floats,
    settings: TrackSettings,
    doors: Doors | None = None,
    area: Floats | None = None,
) -> Followed:
    """Tracks on the floor; `path` holds metres. Without doors people may come and go at the edge of what is watched.

    `area` [k, 2] is the floor's polygon: who stands outside of it is nobody of ours.
    """
    settings = on_the_floor(settings)
    glimpses = _glimpses(cameras, times_s, settings)
    if area is not None:
        glimpses = [g.take(beyond(area, g.place) <= settings.area_margin_m) for g in glimpses]
    places = np.concatenate([g.place for g in glimpses]) if glimpses else np.zeros((0, 2))
    watched = Watched(
        detectable=Sight([camera.view for camera in cameras], settings),
        outside=Leaving(doors or Edge.around(places), settings),
    )
    followed = follow(glimpses, times_s, watched, settings)
    if area is None:
        return followed
    inside = beyond(area, followed.path.mean[:, :2]) <= 0
    return replace(followed, path=followed.path.take(inside))


def beyond(area: Floats, place: Floats) -> Floats:
    """How far places [n, 2] are outside of a polygon [k, 2], metres; 0 within it."""
    after = np.roll(area, -1, axis=0)
    x, y = place[:, :1], place[:, 1:]
    spans = (area[:, 1] > y) != (after[:, 1] > y)
    rise = np.where(area[:, 1] == after[:, 1], 1.0, after[:, 1] - area[:, 1])
    crossing = area[:, 0] + (y - area[:, 1]) * (after[:, 0] - area[:, 0]) / rise
    within = np.sum(spans & (x < crossing), axis=1) % 2 == 1
    return np.where(within, 0.0, Doors(a=area, b=after)(place, np.ones(len(place))))


def _glimpses(cameras: Sequence[CameraBoxes], times_s: Floats, settings: TrackSettings) -> list[Glimpse]:
    """One glimpse a camera and step at which it gave anything, in order of time, then camera."""
    found, first_row = [], 0
    for number, camera in enumerate(cameras):
        stood = stand(camera.view, camera.boxes_px, settings)
        whole = as_glimpse(number, 0.0, stood, camera.score, camera.look, settings)
        rows = np.argsort(camera.step, kind="stable")
        steps, cuts = np.unique(camera.step[rows], return_index=True)
        for now, chosen in zip(steps, np.split(rows, cuts)[1:], strict=True):
            part = whole.take(chosen[np.isfinite(stood.xy_m[chosen]).all(axis=1)])
            found.append((int(now), number, replace(part, at_s=float(times_s[now]), row=part.row + first_row)))
        first_row += len(camera.step)
    return [glimpse for _, _, glimpse in sorted(found, key=lambda each: each[:2])]


def as_glimpse(camera: int, at_s: float, stood: Stand, score: Floats, look: Floats, settings: TrackSettings) -> Glimpse:
    """What people's places [m] from one camera's boxes are to the tracker; rows count from 0."""
    return Glimpse(
        at_s=at_s,
        camera=camera,
        place=stood.xy_m,
        noise=stood.covariance,
        unit=np.ones(len(stood.xy_m)),
        score=score,
        traits=np.log(stood.height_m[:, None]),
        trait_noise=settings.tall_sigma**2 + (stood.height_sigma_m / stood.height_m) ** 2,
        row=np.arange(len(stood.xy_m)),
        look=look,
    )
