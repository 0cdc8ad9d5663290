"""Following people while it happens: boxes of several cameras in, as they come; places, ids and doubts out, soon after.

Frames may come late, unordered, at different rates, or not at all. A place is told once, smoothed, at most
`LiveSettings.latency_s` after its frame (as the frames' own clock goes: no clock is asked here, so that a replay of the
same frames tells the same). Memory holds the last seconds, and who is in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import IdentityDoubted, TrackEnded, TrackStarted

from .core import Tracker, Watched
from .detections import Glimpse
from .doorways import Doorways
from .floor import Sight, as_glimpse, beyond, on_the_floor
from .ordering import Instant, Ordering
from .persons import Change, LiveSettings, Persons
from .recent import Courses, Recent
from .settings import TrackSettings
from .views import stand

Floats = NDArray[np.float64]
News = TrackStarted | TrackEnded | IdentityDoubted

_BLINK_S = 1.0  # between instants farther apart nobody could have been seen
_LEAST_PX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where everybody is at one instant: ids [n], places `xy_m` [n, 2], `velocity_m_s` [n, 2], `covariance` [n, 4, 4].

    `seen` [n] says that a camera gave the person at that instant; otherwise it was between two sights.
    """

    at_ns: int
    track_ids: tuple[str, ...]
    xy_m: Floats
    velocity_m_s: Floats
    covariance: Floats
    seen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became certain: everybody's places, instant after instant, and what there is to say about ids."""

    standing: tuple[Standing, ...] = ()
    news: tuple[News, ...] = ()


class LiveFloor:
    """One store's floor. Feed it frames; everything it returns is told once and stays."""

    def __init__(
        self,
        views: Mapping[str, View],
        doorways: Doorways,
        *,
        settings: TrackSettings | None = None,
        live: LiveSettings | None = None,
        prefix: str = "p",
        look_width: int = 0,
    ) -> None:
        self._live = live = live or LiveSettings()
        self._views, self._area = dict(views), doorways.edge
        self._number = {name: number for number, name in enumerate(self._views)}
        self._settings = _closed_world(on_the_floor(settings or TrackSettings()), live, self._area)
        self._look_width = look_width
        watched = Watched(
            detectable=Sight(list(self._views.values()), self._settings), outside=doorways.outside(self._settings)
        )
        self._tracker = Tracker(self._settings, watched, look_width=look_width)
        self._recent = Recent(self._settings, look_width=look_width)
        self._persons = Persons(self._recent, doorways, self._settings, live, prefix)
        self._ordering = Ordering(delay_s=live.delay_s, together_s=live.together_s)
        self._origin_ns: int | None = None
        self._now_s = self._hop_s = self._told_s = float("-inf")
        self._awake_s, self._newest_s, self._early = 0.0, float("-inf"), 0
        self._courses: Courses | None = None
        self.refused: dict[str, int] = dict.fromkeys(self._views, 0)

    @classmethod
    def of(
        cls,
        store: Store,
        *,
        settings: TrackSettings | None = None,
        live: LiveSettings | None = None,
        prefix: str = "p",
        look_width: int = 0,
    ) -> LiveFloor:
        """The floor of a layout. Raises UserError where it has no calibrated camera."""
        views = store_views(store)
        if not views:
            problem = f"{store.name}: no camera is calibrated"
            raise UserError(problem, fix="Calibrate one (jwo calibrate camera, jwo calibrate floor).")
        doorways = Doorways(gates=store.gates, edge=np.array(store.floor, np.float64))
        return cls(views, doorways, settings=settings, live=live, prefix=prefix, look_width=look_width)

    @property
    def latency_s(self) -> float:
        """A place is told at most so long after its frame, by the clock of the frames."""
        live = self._live
        return live.delay_s + live.together_s + live.lag_s + live.every_s

    @property
    def held(self) -> int:
        """How many people are remembered, told or not."""
        return len(self._persons)

    def feed(self, camera_id: str, at_ns: int, boxes: Boxes, looks: NDArray[np.float32] | None = None) -> Told:
        """What one camera found in the frame of `at_ns`, if nothing; `looks` [n, look_width] are of length one.

        A frame that comes too late, or whose clock is far ahead, is counted in `refused` by its camera. Raises
        KeyError for a camera that is none of this floor's.
        """
        number = self._number[camera_id]
        if self._origin_ns is None:
            self._origin_ns = at_ns
        at_s = (at_ns - self._origin_ns) / 1e9
        if self._ahead(at_s):
            self.refused[camera_id] += 1
            return Told()
        late = self._ordering.late
        instants = self._ordering.push(self._glimpse(number, camera_id, at_s, boxes, looks))
        self.refused[camera_id] += self._ordering.late - late
        return self._take(instants)

    def advance(self, now_ns: int) -> Told:
        """Nothing came until `now_ns` (a clock's time): what waits for other cameras waits no longer."""
        if self._origin_ns is None:
            return Told()
        now_s = (now_ns - self._origin_ns) / 1e9
        told = self._take(self._ordering.until(now_s - self._live.delay_s))
        if self._told_s < self._now_s and now_s - self._now_s >= self._live.lag_s + self._live.delay_s:
            told = _both(told, self._judge(self._now_s))
        return told

    def close(self) -> Told:
        """Nothing will come: everything is told, and everybody is taken to be out of sight."""
        told = self._take(self._ordering.flush())
        if self._now_s == float("-inf"):
            return told
        told = _both(told, self._judge(self._now_s))
        if self._courses is None:
            return told
        ended = self._persons.lose(self._courses, self._told_s, self._awake_s, closing=True)
        return _both(told, Told(news=self._news(ended)))

    def _ahead(self, at_s: float) -> bool:
        """Whether a frame's clock is far ahead of all others; a gap in everybody's frames ends by itself."""
        if at_s - self._newest_s <= self._live.ahead_s or self._newest_s == float("-inf"):
            self._newest_s, self._early = max(self._newest_s, at_s), 0
            return False
        self._early += 1
        if self._early <= self._live.ahead_frames:
            return True
        self._newest_s, self._early = at_s, 0
        return False

    def _glimpse(
        self, number: int, camera_id: str, at_s: float, boxes: Boxes, looks: NDArray[np.float32] | None
    ) -> Glimpse:
        corners = np.asarray(boxes.corners_px, np.float64).reshape(-1, 4)
        size = corners[:, 2:] - corners[:, :2]
        good = np.isfinite(corners).all(axis=1) & (size >= _LEAST_PX).all(axis=1)
        rows = np.column_stack((corners[:, :2], size))[good]
        look = np.zeros((len(rows), 0)) if looks is None else np.asarray(looks, np.float64)[good]
        stood = stand(self._views[camera_id], rows, self._settings)
        found = as_glimpse(number, at_s, stood, np.asarray(boxes.scores, np.float64)[good], look, self._settings)
        finite = np.isfinite(found.place).all(axis=1)
        near = np.zeros(len(rows), np.bool_)
        near[finite] = beyond(self._area, found.place[finite]) <= self._settings.area_margin_m
        return found.take(near)

    def _take(self, instants: list[Instant]) -> Told:
        told = Told()
        for instant in instants:
            at_s = instant[0].at_s
            gap = at_s - self._now_s
            if gap > self._settings.lost_s:
                self._tracker.wait(at_s)
            self._awake_s += min(gap, _BLINK_S)
            owners = np.concatenate(self._tracker.feed(instant))
            self._recent.add(at_s, instant, owners, self._persons.of(owners))
            self._now_s = at_s
            if at_s - self._hop_s >= self._live.every_s:
                told = _both(told, self._judge(at_s - self._live.lag_s))
        return told

    def _judge(self, until_s: float) -> Told:
        """Looks at the last seconds again, and tells what happened until `until_s`."""
        now_s = self._hop_s = self._now_s
        courses, met = self._recent.judge(self._settings.link_hits, self._told_s)
        table = self._tracker.table
        keys = table.key if table is not None else np.zeros(0, np.int64)
        share = {} if table is None else dict(
            zip(keys.tolist(), (table.all_seen / np.maximum(table.all_looks, 1e-9)).tolist(), strict=True)
        )  # fmt: skip
        self._persons.update(courses, keys, self._awake_s)
        changes = self._persons.promote(courses, until_s, share, self._tracker.look_other)
        courses = self._persons.renamed(courses)
        standing = self._standing(courses, until_s)
        self._told_s = max(self._told_s, until_s)
        changes += self._persons.doubt(met, now_s)
        changes += self._persons.lose(courses, self._told_s, self._awake_s)
        self._courses = courses
        self._recent.forget(now_s - self._live.history_s)
        self._persons.forget(now_s)
        return Told(standing=standing, news=self._news(changes))

    def _standing(self, courses: Courses, until_s: float) -> tuple[Standing, ...]:
        ids = np.array([self._persons.id_of(person) or "" for person in courses.person.tolist()], dtype=object)
        spread = np.sqrt(np.trace(courses.covariance[:, :2, :2], axis1=1, axis2=2) / 2)
        known = (ids != "") & (courses.seen | (spread <= self._settings.told_sigma_m))
        told = []
        for at_s in self._recent.times_s():
            if self._told_s < at_s <= until_s:
                rows = np.flatnonzero(known & (courses.at_s == at_s))
                rows = rows[np.lexsort((spread[rows], courses.person[rows]))]
                rows = rows[np.diff(courses.person[rows], prepend=-1) != 0]  # who was recognised may be there twice
                told.append(
                    Standing(
                        at_ns=self._ns(float(at_s)),
                        track_ids=tuple(ids[rows].tolist()),
                        xy_m=courses.mean[rows, :2],
                        velocity_m_s=courses.mean[rows, 2:],
                        covariance=courses.covariance[rows],
                        seen=courses.seen[rows],
                    )
                )
        return tuple(told)

    def _ns(self, at_s: float) -> int:
        return (self._origin_ns or 0) + round(at_s * 1e9)

    def _news(self, changes: list[Change]) -> tuple[News, ...]:
        return tuple(self._observation(change) for change in changes)

    def _observation(self, change: Change) -> News:
        at_ns, probability = self._ns(change.at_s), round(min(change.probability, 0.9999), 4)
        x_m, y_m = (round(float(value), 3) for value in change.place)
        if change.kind == "started":
            return TrackStarted(at_ns=at_ns, track_id=change.track_id, x_m=x_m, y_m=y_m, gate_id=change.gate_id)
        if change.kind == "ended":
            return TrackEnded(
                at_ns=at_ns, track_id=change.track_id, x_m=x_m, y_m=y_m, left_store=probability, gate_id=change.gate_id
            )
        return IdentityDoubted(
            at_ns=at_ns, kind=change.kind, before=change.track_id, after=change.other, probability=probability
        )


def _closed_world(settings: TrackSettings, live: LiveSettings, area: Floats) -> TrackSettings:
    """Who is lost is still there: links reach over minutes, and nobody wanders off the floor meanwhile."""
    x, y = area.T
    floor_m2 = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    # Variance that a walk has gathered by then, 2·power·turn·t, is that of the floor's own extent.
    spread_s = floor_m2 / 6 / (2 * settings.speed_sigma_m_s**2 * settings.turn_s) + 1.5 * settings.turn_s
    return replace(
        settings, link_s=live.link_s, hidden_s=live.hidden_s, outside_far=live.outside_far, wander_s=spread_s
    )


def _both(one: Told, other: Told) -> Told:
    return Told(standing=one.standing + other.standing, news=one.news + other.news)
