"""Who was in the field of an antenna that was not heard: what they took there left no evidence but their stay.

An antenna is not heard in a silence that its field tells, and in a running store from the first moment until its first
read. Everybody's sightings within its range are added up, also those from before a silence was noticed, up to the
moment up to which what left was told. Who was there for about a second in all is told when they have left the field,
when the antenna is heard again, or when they leave. Nothing is looked at while all antennas are heard.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jwo_cli.model.layout import Antenna
from jwo_cli.model.observations import Reach, UnreadStay
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .history import History, torso
from .standing import FLOOR, THERE

NEAR_NS = NS_PER_S
APART_NS = 3 * NS_PER_S  # away for longer, and it was two stays; told before who is seen no more counts as gone
BLIND_NS = NS_PER_S  # between sightings farther apart nobody knows where somebody was
# Looked at in steps of a grid, this far behind what is known of the antennas, whose steps are the same: so the end of
# a silence is known when sightings after it are looked at, however messages were cut.
STEP_NS = 500 * NS_PER_MS
KEEP_NS = 120 * NS_PER_S  # what left in a silence is told within seconds of its end
MOST = 1_000  # people of one silence who are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """An antenna is not heard: what left since `from_ns` is not told. It lasts, or ended at `until_ns`.

    Noticed at `noticed_ns`, a step of the antenna's. `tags_known`: goods that only it tells of hang in its field.
    """

    antenna_id: str
    from_ns: int
    until_ns: int | None
    noticed_ns: int
    tags_known: bool = False


@dataclass(slots=True)
class _Deaf:
    """A silence and who was there: seconds in all, open stays (first and last sighting), and what was looked at."""

    antenna: Antenna
    silence: Silence
    until_ns: int | None = None
    near_ns: dict[str, int] = field(default_factory=dict)
    stays: dict[str, tuple[int, int]] = field(default_factory=dict)
    looked_ns: dict[str, int] = field(default_factory=dict)

    def look(self, track_id: str, history: History, until_ns: int) -> list[tuple[int, UnreadStay]]:
        """Add up somebody's sightings up to then; stays that were over meanwhile."""
        out = []
        begin_ns = self.looked_ns.get(track_id, self.silence.from_ns)
        end_ns = until_ns if self.until_ns is None else min(until_ns, self.until_ns)
        pose, times = self.antenna.pose, history.at_ns
        for i in range(bisect_right(times, begin_ns), bisect_right(times, end_ns)):
            at_ns, place = times[i], torso(history.joints[i])
            if place is None or math.hypot(place[0] - pose.x_m, place[1] - pose.y_m) > self.antenna.range_m:
                continue
            since_ns = max(times[i - 1] if i else at_ns, self.silence.from_ns, at_ns - BLIND_NS)
            if at_ns - self.stays.get(track_id, (0, at_ns))[1] > APART_NS:
                out += self.told(track_id)
            self.near_ns[track_id] = self.near_ns.get(track_id, 0) + at_ns - since_ns
            self.stays[track_id] = (self.stays.get(track_id, (since_ns, 0))[0], at_ns)
        self.looked_ns[track_id] = max(begin_ns, end_ns)
        return out

    def over_ns(self, track_id: str) -> int:
        """The step at which a stay is known to be over."""
        last_ns = self.stays[track_id][1] + APART_NS
        return _after(last_ns if self.until_ns is None else min(last_ns, self.until_ns))

    def told(self, track_id: str) -> list[tuple[int, UnreadStay]]:
        """A stay is over; nothing to tell of who only passed by."""
        due_ns = max(self.over_ns(track_id) + STEP_NS, self.silence.noticed_ns)
        at_ns, until_ns = self.stays.pop(track_id)
        if self.near_ns[track_id] < NEAR_NS:
            return []
        stay = UnreadStay(
            at_ns=at_ns, until_ns=until_ns, antenna_id=self.silence.antenna_id, track_id=track_id,
            tags_known=self.silence.tags_known,
        )  # fmt: skip
        return [(due_ns, stay)]


class UnreadFields:
    """Silences in, stays with due times out. `antennas` are those that matter, `awaited` says that they are to be heard
    from the first moment on.
    """

    def __init__(self, antennas: Sequence[Antenna], *, awaited: bool) -> None:
        self._antennas = {antenna.antenna_id: antenna for antenna in antennas}
        self._kept: list[_Deaf] = []
        self._watched_ns = 0
        for antenna_id in self._antennas if awaited else ():
            self.silent(Silence(antenna_id=antenna_id, from_ns=0, until_ns=None, noticed_ns=0))

    def silent(self, silence: Silence) -> None:
        """A silence began, or is over; one that was over when it was noticed is told once."""
        antenna = self._antennas.get(silence.antenna_id)
        if antenna is None:
            return
        lasting = [one for one in self._kept if one.antenna is antenna and one.until_ns is None]
        for one in lasting:
            one.until_ns = silence.until_ns
        if not lasting and silence.until_ns != silence.from_ns:
            self._kept.append(_Deaf(antenna, silence, silence.until_ns))
        self._watched_ns = 0

    def watch(self, known_ns: int, seen: Callable[[], Mapping[str, History]]) -> list[tuple[int, UnreadStay]]:
        """What is known of stays when silences are known up to `known_ns`."""
        until_ns = (known_ns - STEP_NS) // STEP_NS * STEP_NS
        if not self._kept or until_ns <= self._watched_ns:
            return []
        self._watched_ns, histories = until_ns, seen()
        out = []
        for deaf in self._kept:
            for track_id, history in histories.items():
                out += deaf.look(track_id, history, until_ns)
            deaf.looked_ns = {name: at_ns for name, at_ns in deaf.looked_ns.items() if name in histories}
            for track_id in [name for name in deaf.stays if deaf.over_ns(name) <= until_ns]:
                out += deaf.told(track_id)
            for track_id in [name for name in list(deaf.near_ns)[:-MOST] if name not in deaf.stays]:
                del deaf.near_ns[track_id]
        self._kept = [one for one in self._kept if one.until_ns is None or until_ns - one.until_ns < KEEP_NS]
        return out

    def leaving(
        self, track_id: str, until_ns: int, history: History | None, hushed: Sequence[Silence] = ()
    ) -> list[tuple[int, UnreadStay]]:
        """Somebody leaves: their stays up to then, also in what may become a silence."""
        out = []
        known = [one for one in hushed if one.antenna_id in self._antennas]
        for deaf in [*self._kept, *(_Deaf(self._antennas[one.antenna_id], one) for one in known)]:
            if history is not None:
                out += deaf.look(track_id, history, until_ns)
            if track_id in deaf.stays:
                out += deaf.told(track_id)
        return out

    def reaches(self, antenna_id: str, from_ns: int, until_ns: int) -> tuple[Reach, ...]:
        """Who may have taken at some moment of it what only the antenna tells of, all moments being equally likely."""
        near: dict[str, int] = {}
        for deaf in self._kept:
            begin_ns, end_ns = deaf.silence.from_ns, until_ns if deaf.until_ns is None else deaf.until_ns
            if deaf.antenna.antenna_id == antenna_id and begin_ns <= until_ns and end_ns >= from_ns:
                for track_id, near_ns in deaf.near_ns.items():
                    near[track_id] = near.get(track_id, 0) + near_ns
        out = []
        for track_id, near_ns in near.items():
            share = min(near_ns / max(until_ns - from_ns, 1), 1.0)
            nats = math.log(share * math.exp(THERE) + (1.0 - share) * math.exp(FLOOR))
            out.append(Reach(track_id=track_id, log_likelihood=round(nats, 4), hand_m=None, body_m=None))
        return tuple(out)


def _after(at_ns: int) -> int:
    """The first step after it."""
    return (at_ns // STEP_NS + 1) * STEP_NS
