"""Calibrated cameras to pose messages: who stands where, their joints in space, and what of them reaches out.

Feed what models made of each image; out come `PoseFrame`s as keypoint recordings hold them, so that one front end
serves all. Who is who over time and cameras, and where they stand, is the floor tracker's (it waits for late cameras
and looks at the last second twice); here detections are given to people and joints are triangulated. A person whom no
camera showed at an instant is not in its message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.pixels import Boxes, Poses
from jwo_cli.estimate.signals import IdentityTold, PersonPose, PoseFrame
from jwo_cli.estimate.tracking.doorways import Doorways
from jwo_cli.estimate.tracking.live import LiveFloor, News, Standing, Told
from jwo_cli.estimate.tracking.persons import LiveSettings
from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import IdentityDoubted

from .hands import Hand, envelope, hands, standing_joints, told_joints
from .physique import Physique
from .skeleton import Body, body
from .whose import Frame, assign, prepare

Floats = NDArray[np.float64]
Stature = tuple[float, float]  # the sums of weights and of weighted metres

_LEAST_JOINTS = 3  # of one camera, or a body is no more than its place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """One person at one instant: place [2] with covariance [2, 2]; `body` where key points were seen, else None.

    `hands` are those that were seen, or one EITHER for a body without key points. `shown` names each camera that showed
    the person, with the row of its detection.
    """

    track_id: str
    xy_m: Floats
    covariance: Floats
    stature_m: float
    body: Body | None
    hands: tuple[Hand, ...]
    shown: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everybody at one instant, and the same as a pose message; `frames` are the cameras' detections it was made of.

    `doubts` is what the tracker came to doubt of its ids by then.
    """

    at_ns: int
    people: tuple[Sighted, ...]
    poses: PoseFrame
    frames: tuple[Frame, ...]
    doubts: tuple[IdentityTold, ...] = ()

    def signals(self) -> tuple[PoseFrame | IdentityTold, ...]:
        """What a front end is fed with, in order."""
        return (self.poses, *self.doubts)


class Eyes:
    """Follows everybody in a store by its calibrated cameras.

    Frames may come late and unordered within the tracker's bounds; what is seen is told about `latency_s` later, once.
    `news` is what the tracker said about ids lately (started, ended, doubted).
    """

    def __init__(
        self, store: Store, views: Mapping[str, View] | None = None, *, physique: Physique | None = None,
        settings: TrackSettings | None = None, live: LiveSettings | None = None, names: str = "p",
    ) -> None:  # fmt: skip
        self._views = dict(store_views(store) if views is None else views)
        if not self._views:
            fix = "Calibrate one (jwo calibrate camera, jwo calibrate floor)."
            raise UserError(f"{store.name}: no camera is calibrated", fix=fix)
        self._physique = physique or Physique()
        self._settings = settings or TrackSettings()
        self._live = live or LiveSettings()
        doorways = Doorways(gates=store.gates, edge=np.array(store.floor, dtype=np.float64))
        self._floor = LiveFloor(self._views, doorways, settings=self._settings, live=self._live, prefix=names)
        self._waiting: list[Frame] = []
        self._bodies: dict[str, Body] = {}
        self._statures: dict[str, Stature] = {}
        self.news: deque[News] = deque(maxlen=1000)
        self._doubts: list[IdentityDoubted] = []  # said since anybody's place was

    @property
    def cameras(self) -> tuple[str, ...]:
        """The calibrated cameras."""
        return tuple(self._views)

    def size_px(self, camera_id: str) -> tuple[float, float] | None:
        """Width and height of the pictures that a camera was calibrated with, if known."""
        return self._views[camera_id].size_px

    @property
    def refused(self) -> dict[str, int]:
        """How many frames of each camera came too late, or with a clock too far ahead, to be of use."""
        return self._floor.refused

    @property
    def latency_s(self) -> float:
        """What a frame shows is told at most so long after it, by the clock of the frames."""
        return self._floor.latency_s

    def feed(self, camera_id: str, at_ns: int, found: Poses | Boxes) -> tuple[Seen, ...]:
        """What models found in one camera's frame of `at_ns`. Raises KeyError for a camera that is not calibrated."""
        frame = prepare(camera_id, at_ns, self._views[camera_id], found, self._physique, self._settings)
        before = self._floor.refused[camera_id]
        told = self._floor.feed(camera_id, at_ns, Boxes(corners_px=found.corners_px, scores=found.scores))
        if self._floor.refused[camera_id] == before:  # what the floor has no use for shows no hands either
            self._waiting.append(frame)
        return self._take(told)

    def advance(self, now_ns: int) -> tuple[Seen, ...]:
        """Nothing came until `now_ns`."""
        return self._take(self._floor.advance(now_ns))

    def close(self) -> tuple[Seen, ...]:
        """The rest, at the end."""
        return self._take(self._floor.close())

    def _take(self, told: Told) -> tuple[Seen, ...]:
        self.news += told.news
        self._doubts += [one for one in told.news if isinstance(one, IdentityDoubted)]
        seen = tuple(self._seen(standing) for standing in told.standing)
        if not seen or not self._doubts:
            return seen
        last, self._doubts, doubts = seen[-1], [], self._doubts
        return (*seen[:-1], replace(last, doubts=tuple(_said(one, last.at_ns) for one in doubts)))

    def _seen(self, standing: Standing) -> Seen:
        # The tracker takes frames that are `together_s` apart as one instant, at the time of the first.
        until_ns = standing.at_ns + round(self._live.together_s * 1e9)
        frames = sorted((frame for frame in self._waiting if standing.at_ns <= frame.at_ns <= until_ns), key=self._rank)
        self._waiting = [frame for frame in self._waiting if frame.at_ns > until_ns]
        before = [self._bodies.get(track_id) for track_id in standing.track_ids]
        spread = standing.covariance[:, :2, :2]
        shown: list[list[tuple[Frame, int]]] = [[] for _ in standing.track_ids]
        for frame in frames:
            for person, row in assign(frame, standing.xy_m, spread, before):
                shown[person].append((frame, row))
        people = [self._sighted(standing, number, shown[number]) for number in range(len(shown)) if shown[number]]
        kept = {track_id: self._bodies[track_id] for track_id in standing.track_ids if track_id in self._bodies}
        self._statures = {
            track_id: self._statures[track_id] for track_id in standing.track_ids if track_id in self._statures
        }
        self._bodies = kept | {one.track_id: one.body for one in people if one.body is not None}
        message = PoseFrame(at_ns=standing.at_ns, people=tuple(_pose(one, self._physique) for one in people))
        return Seen(at_ns=standing.at_ns, people=tuple(people), poses=message, frames=tuple(frames))

    def _rank(self, frame: Frame) -> tuple[int, int]:
        return list(self._views).index(frame.camera_id), frame.at_ns

    def _hands(self, xy_m: Floats, covariance: Floats, stature_m: float, found: Body | None) -> tuple[Hand, ...]:
        """Hands that were seen; for who has no key points at all, the envelope of their reach."""
        if found is None:
            return (envelope(xy_m, covariance, stature_m, self._physique),)
        return hands(found, self._physique)

    def _stature_m(self, track_id: str, shown: Sequence[tuple[Frame, int]]) -> float:
        """How tall somebody is, by what all frames so far make of it: the sums of a weighted mean."""
        weight, moment = self._statures.get(track_id) or _presumed(self._physique)
        for frame, row in shown:
            # Neighbouring frames err together: a tenth of each counts.
            more = 0.1 / float(frame.stature_sigma_m[row]) ** 2
            weight, moment = weight + more, moment + more * float(frame.stature_m[row])
        self._statures[track_id] = (weight, moment)
        return moment / weight

    def _sighted(self, standing: Standing, number: int, shown: Sequence[tuple[Frame, int]]) -> Sighted:
        track_id = standing.track_ids[number]
        xy_m, covariance = standing.xy_m[number], standing.covariance[number, :2, :2]
        glances = [frame.glances[row] for frame, row in shown if frame.glances]
        stature_m = self._stature_m(track_id, shown)
        found = None
        if any(int(np.isfinite(one.sigma_px).sum()) >= _LEAST_JOINTS for one in glances):
            before = self._bodies.get(track_id)
            found = body(standing.at_ns, glances, xy_m, covariance, stature_m, self._physique, before)
        return Sighted(
            track_id=track_id, xy_m=xy_m, covariance=covariance, stature_m=stature_m, body=found,
            hands=self._hands(xy_m, covariance, stature_m, found),
            shown=tuple((frame.camera_id, row) for frame, row in shown),
        )  # fmt: skip


def _said(doubt: IdentityDoubted, at_ns: int) -> IdentityTold:
    return IdentityTold(
        at_ns=at_ns,
        since_ns=doubt.at_ns,
        kind=doubt.kind,
        before=doubt.before,
        after=doubt.after,
        probability=doubt.probability,
    )


def _presumed(physique: Physique) -> Stature:
    weight = physique.stature_sigma_m**-2
    return weight, weight * physique.stature_m


def _pose(person: Sighted, physique: Physique) -> PersonPose:
    if person.body is None:
        joints, scores = standing_joints(person.xy_m, person.stature_m, physique)
        return PersonPose(track_id=person.track_id, joints_m=joints, scores=scores)
    joints, scores = told_joints(person.body, physique)
    if not np.isfinite(joints[:4, 0]).any():  # arms without a body: the place on the floor stands for it
        stood, weak = standing_joints(person.xy_m, person.stature_m, physique)
        joints[:4], scores[:4] = stood[:4], weak[:4]
    return PersonPose(track_id=person.track_id, joints_m=joints, scores=scores)
