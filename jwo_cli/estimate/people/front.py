"""Pose frames in; tracks, contacts and doubts about identity out; and for any change on a shelf, who reached there.

Everything told carries a due time, the moment of pose time at which it is known for certain. It depends on the data
only, never on how they arrived, so that whoever merges several sources by it gets the same order every time.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from jwo_cli.estimate.signals import IdentityTold, PoseFrame
from jwo_cli.model.layout import Antenna, Store
from jwo_cli.model.observations import Observation, Reach, Role, TrackEnded, TrackStarted
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .clock import ClockOffset
from .contacts import Contacts
from .exits import OUT_NS, ExitWatch, Leave
from .floor import Floor
from .history import KEEP_NS, History, torso
from .identity import AFTER_NS, IdentityWatch, Lost, Sighting, sight
from .leaving import left_store
from .places import Places, Target
from .reach import GRID_S, ReachModel, by_offset, marginal, paths
from .standing import FLOOR, standing
from .stream import PoseStream, usable
from .unweighed import Dwell, dwells

END_NS = 5 * NS_PER_S  # not seen for so long while others could have been: the track has ended
BLIND_NS = 1 * NS_PER_S  # between frames farther apart nobody could have been seen
AT_GATE_M = 1.2
AROUND_NS = 600 * NS_PER_MS  # a frame this near a change says that cameras were looking
BODY_S = 0.6  # a body's distance is told when it was seen this near in time
MOMENT_NS = 150 * NS_PER_MS  # a hand does not come and go between moments this near
EVERY_NS = 3 * NS_PER_S  # `standing` looks at six seconds around a moment
SPAN_NS = 3 * NS_PER_S  # out of view for longer, nobody can say who may have been where


@dataclass(slots=True)
class _Track:
    track_id: str
    role: Role
    first_ns: int
    last_ns: int
    last_awake_ns: int
    xy: tuple[float, float]
    alive: bool = True
    missed: bool = False  # not seen for a while, and it was asked what became of it
    history: History = field(default_factory=History)


class PeopleFront:
    """The pose half of the front end. `told` collects (due_ns, observation) until taken."""

    def __init__(
        self, store: Store, *, staff: Sequence[str] = (), model: ReachModel | None = None, prompt: bool = False
    ) -> None:
        self.places = Places(store)
        self.told: list[tuple[int, Observation]] = []
        self.model = model or ReachModel()
        self._staff = frozenset(staff)
        self._stream = PoseStream()
        self._identity = IdentityWatch()
        self._contacts = Contacts(self.places)
        self._floor = Floor(self.places)
        self._clock = ClockOffset()
        self._tracks: dict[str, _Track] = {}
        self._frames_ns: list[int] = []
        self.leaving: list[Leave] = []  # those who are out of the door, where that is told promptly
        self._exits = ExitWatch(store, self.places) if prompt else None
        self._awake_ns = 0  # pose time without the stretches in which no frame came

    @property
    def progress_ns(self) -> int | None:
        """Pose time up to which everything that happened is told or can be asked for; None before the first frame."""
        return self._stream.progress_ns

    @property
    def clock_offset_s(self) -> float:
        """Estimated pose clock minus weight clock, seconds."""
        return self._clock.mean_s

    def feed(self, frame: PoseFrame) -> None:
        """Take one frame in order of arrival."""
        for ordered in self._stream.feed(frame):
            self._step(ordered)
        self._collect()

    def tracker_said(self, told: IdentityTold) -> None:
        """The tracker doubts its ids: it knows better than anybody who sees its poses alone."""
        self._identity.tracker_said(told)
        self._collect()

    def advance(self, until_ns: int) -> None:
        """The stream is taken to have nothing more before `until_ns`."""
        if self._stream.progress_ns is None or until_ns <= self._stream.progress_ns:
            return
        for ordered in self._stream.release(until_ns):
            self._step(ordered)
        self._collect()

    def close(self) -> None:
        """The stream ended: everybody's last sighting is told."""
        for ordered in self._stream.close():
            self._step(ordered)
        end_ns = self._frames_ns[-1] if self._frames_ns else 0
        self._identity.judge(end_ns + KEEP_NS, self.histories())
        self._contacts.settle(end_ns, closing=True)
        self._floor.settle(end_ns, closing=True)
        self._collect()
        for track in self._tracks.values():
            if track.alive:
                self._end(track, max(end_ns, track.last_ns), closing=True)

    def take(self) -> list[tuple[int, Observation]]:
        """What was told since the last call, with due times."""
        told, self.told = self.told, []
        return told

    def poses_known(self, at_ns: int) -> bool:
        """Whether cameras were looking around `at_ns`."""
        i = bisect_left(self._frames_ns, at_ns - AROUND_NS)
        return i < len(self._frames_ns) and self._frames_ns[i] <= at_ns + AROUND_NS

    def nearest(self, at_ns: int, x_m: float, y_m: float, within_m: float) -> str | None:
        """The track nearest to a point around `at_ns`, None when nobody was within `within_m`."""
        best: tuple[float, str] | None = None
        for track in self._tracks.values():
            _, joints = track.history.window(at_ns - AROUND_NS, at_ns + AROUND_NS)
            places = [place for place in map(torso, joints) if place is not None]
            if places:
                distance = min(float(np.hypot(x - x_m, y - y_m)) for x, y in places)
                if distance <= within_m and (best is None or distance < best[0]):
                    best = (distance, track.track_id)
        return best[1] if best else None

    def reaches(
        self, at_ns: int, plates: Sequence[tuple[str, float]], direction: int, *, sure: float
    ) -> tuple[Reach, ...]:
        """Everybody who may have done what plates (id, grams) felt at `at_ns`, likeliest first.

        `direction` is -1 for taken, +1 for placed, 0 for neither; `sure` is the probability that it was real, which
        decides how much the event teaches about the clocks' offset.
        """
        targets = self.places.targets(plates)
        if not targets:
            return ()
        scored: list[tuple[Reach, np.ndarray]] = []
        prior = self._clock.weights()
        for track in self._tracks.values():
            found = self._reach(track, at_ns, targets, direction, prior)
            if found is not None:
                scored.append(found)
        if direction != 0 and sure > 0.5 and scored:
            self._clock.learn(at_ns, [scores for _, scores in scored])
            fault = self._clock.fault(at_ns)
            if fault is not None:
                self.told.append((at_ns, fault))
        return tuple(sorted((reach for reach, _ in scored), key=lambda r: (-r.log_likelihood, r.track_id)))

    def reaches_within(
        self, from_ns: int, until_ns: int, plates: Sequence[tuple[str, float]], direction: int
    ) -> tuple[Reach, ...]:
        """Everybody who may have done it at some moment from `from_ns` to `until_ns`, all equally likely."""
        count = max(2, math.ceil((until_ns - from_ns) / MOMENT_NS) + 1)
        moments = np.linspace(from_ns, until_ns, count).astype(np.int64).tolist()
        found: dict[str, list[Reach]] = {}
        for at_ns in moments:
            for reach in self.reaches(at_ns, plates, direction, sure=0.0):
                found.setdefault(reach.track_id, []).append(reach)
        return _averaged(found, count, self.model.floor)

    def around(self, at_ns: int, plates: Sequence[str], antenna: Antenna | None) -> tuple[Reach, ...]:
        """Everybody who may have done what an antenna saw around `at_ns`: at the plates, else near the antenna."""
        targets = [target for _, target in self.places.targets([(plate, 1.0) for plate in plates])]
        found = (standing(t.track_id, t.history, at_ns, targets, antenna) for t in self._tracks.values())
        known = [reach for reach in found if reach is not None]
        return tuple(sorted(known, key=lambda r: (-r.log_likelihood, r.track_id)))

    def around_within(
        self, from_ns: int, until_ns: int, plates: Sequence[str], antenna: Antenna | None
    ) -> tuple[Reach, ...]:
        """The same for some moment from `from_ns` to `until_ns`, all equally likely; the floor where nobody knows."""
        count = (until_ns - from_ns) // EVERY_NS + 2
        begin_ns = max(from_ns, until_ns - KEEP_NS)
        moments = np.linspace(begin_ns, until_ns, (until_ns - begin_ns) // EVERY_NS + 2).astype(np.int64).tolist()
        found: dict[str, list[Reach]] = {}
        for at_ns in moments:
            for reach in self.around(at_ns, plates, antenna):
                found.setdefault(reach.track_id, []).append(reach)
        return _averaged(found, count, FLOOR)

    def dwells(self, from_ns: int, until_ns: int, plates: Sequence[str]) -> list[Dwell]:
        """What hands did at plates in [from_ns, until_ns) that looks like taking or placing, in order of time."""
        prior = self._clock.weights()
        found: list[Dwell] = []
        for group in self.places.by_fixture(plates):
            for track in self._tracks.values():
                found += dwells(track.track_id, track.history, from_ns, until_ns, group, self.model, prior)
        return sorted(found, key=lambda dwell: (dwell.at_ns, dwell.track_id))

    def _reach(
        self, track: _Track, at_ns: int, targets: Sequence[tuple[float, Target]], direction: int, prior: np.ndarray
    ) -> tuple[Reach, np.ndarray] | None:
        times, joints = track.history.window(at_ns - SPAN_NS, at_ns + SPAN_NS)
        if len(times) == 0:
            return None
        ways = [(share, target, paths(at_ns, times, joints, target)) for share, target in targets]
        parts = [
            math.log(share) + by_offset(path, direction, target.half_x_m, self.model) for share, target, path in ways
        ]
        scores = np.logaddexp.reduce(parts)
        path = ways[int(np.argmax([part.max() for part in parts]))][2]
        near = slice(len(GRID_S) // 2 - 6, len(GRID_S) // 2 + 3)
        hand = np.linalg.norm(path.hands[:, near], axis=2)
        body = np.where(path.blind_s[near] <= BODY_S, path.body[near], np.nan)
        return (
            Reach(
                track_id=track.track_id,
                log_likelihood=round(marginal(scores, prior), 4),
                hand_m=None if np.isnan(hand).all() else round(float(np.nanmin(hand)), 3),
                body_m=None if np.isnan(body).all() else round(float(np.nanmin(body)), 3),
            ),
            scores,
        )

    def _step(self, frame: PoseFrame) -> None:
        at_ns = frame.at_ns
        if self._frames_ns:
            self._awake_ns += min(at_ns - self._frames_ns[-1], BLIND_NS)
        self._frames_ns.append(at_ns)
        if len(self._frames_ns) > 4096:
            del self._frames_ns[: bisect_left(self._frames_ns, at_ns - KEEP_NS)]
        seen: list[Sighting] = []
        for person in frame.people:
            place = torso(person.joints_m) if usable(person) else None
            if place is None or any(person.track_id == other.track_id for other in seen):
                continue
            track = self._known(person.track_id, at_ns, place)
            sighting = sight(at_ns, track.track_id, track.history, person.joints_m, place, track.xy)
            seen.append(sighting)
        self._identity.step(at_ns, seen, self.histories())
        self._contacts.step(at_ns, seen)
        self._floor.step(at_ns, seen)
        for sighting in seen:
            track = self._tracks[sighting.track_id]
            track.history.add(at_ns, sighting.joints)
            track.last_ns, track.last_awake_ns, track.xy = at_ns, self._awake_ns, sighting.xy
            track.missed = False
            if self._exits is not None:
                self._exits.seen(track.track_id, at_ns, sighting.xy)
        self._miss()
        for track in self._tracks.values():
            unseen_ns = self._awake_ns - track.last_awake_ns
            out = unseen_ns > OUT_NS and self._exits is not None and self._exits.is_out(track.xy)
            if track.alive and (out or unseen_ns > END_NS):
                self._end(track, at_ns, out=out)
        self._forget(at_ns)

    def _miss(self) -> None:
        """Whoever is gone for a moment, and not through a gate, may have come under somebody else's id."""
        for track in self._tracks.values():
            if track.alive and not track.missed and self._awake_ns - track.last_awake_ns >= AFTER_NS:
                track.missed = True
                if left_store(track.history, track.xy, self.places, closing=False).gate_id is None:
                    self._identity.vanished(track.track_id, track.last_ns, self.histories())

    def _known(self, track_id: str, at_ns: int, place: tuple[float, float]) -> _Track:
        """The track of an id, started (again) when it was not alive."""
        track = self._tracks.get(track_id)
        if track is not None and track.alive:
            return track
        entry = self.places.nearest_gate(*place, leaving=False)
        gate_id = entry[0].gate_id if entry is not None and entry[1] <= AT_GATE_M else None
        role = Role.STAFF if track_id in self._staff else Role.SHOPPER
        if track is None:
            lost = [self._lost(other) for other in self._tracks.values() if other.last_ns < at_ns]
            self._identity.newcomer(at_ns, track_id, place, at_gate=gate_id is not None, lost=lost)
            track = self._tracks[track_id] = _Track(track_id, role, at_ns, at_ns, self._awake_ns, place)
        track.alive = True
        x_m, y_m = place
        started = TrackStarted(
            at_ns=at_ns, track_id=track_id, x_m=round(x_m, 3), y_m=round(y_m, 3), role=role, gate_id=gate_id
        )
        self.told.append((at_ns, started))
        return track

    def _lost(self, track: _Track) -> Lost:
        leaving = left_store(track.history, track.xy, self.places, closing=False)
        left = leaving.probability if leaving.gate_id is not None else 0.0
        return Lost(track.track_id, track.last_ns, track.xy, left)

    def _end(self, track: _Track, known_ns: int, *, closing: bool = False, out: bool = False) -> None:
        track.alive = False
        leaving = left_store(track.history, track.xy, self.places, closing=closing)
        ended = TrackEnded(
            at_ns=track.last_ns, track_id=track.track_id, x_m=round(track.xy[0], 3), y_m=round(track.xy[1], 3),
            left_store=leaving.probability, gate_id=leaving.gate_id,
        )  # fmt: skip
        if out and self._exits is not None:
            self.leaving.append(self._exits.left(ended, known_ns))
        else:
            self.told.append((known_ns, ended))

    def _forget(self, at_ns: int) -> None:
        """Bounded memory: ended tracks go once no event can ask for them."""
        gone = [t.track_id for t in self._tracks.values() if not t.alive and at_ns - t.last_ns > KEEP_NS]
        for track_id in gone:
            del self._tracks[track_id]
            self._identity.forget(track_id)
            if self._exits is not None:
                self._exits.forget(track_id)

    def histories(self) -> dict[str, History]:
        """What was seen lately of everybody."""
        return {track_id: track.history for track_id, track in self._tracks.items()}

    def _collect(self) -> None:
        self.told += self._identity.doubts
        self.told += self._contacts.found
        self.told += self._floor.found
        self.told += self._stream.faults
        self._identity.doubts, self._contacts.found, self._floor.found, self._stream.faults = [], [], [], []


def _averaged(found: Mapping[str, Sequence[Reach]], count: int, floor: float) -> tuple[Reach, ...]:
    """Reaches at some of `count` moments, as one of a moment that nobody knows; `floor` for those out of view."""
    out = []
    for track_id, reaches in found.items():
        best = max(reaches, key=lambda reach: reach.log_likelihood)
        nats = [reach.log_likelihood for reach in reaches]
        nats += [floor] * (count - len(nats))
        mean = float(np.logaddexp.reduce(nats)) - math.log(count)
        out.append(replace(best, track_id=track_id, log_likelihood=round(mean, 4)))
    return tuple(sorted(out, key=lambda r: (-r.log_likelihood, r.track_id)))
