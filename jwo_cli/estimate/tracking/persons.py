"""Who is in the store: the core's tracks become persons with ids that are told and never silently change their meaning.

A person is told once it was seen often enough. Where a new one may be somebody who was lost (the store is a closed
world: nobody appears far from a gate), it is the same id if that is nearly certain; otherwise it gets an id of its own
and the doubt is told with its probability. An id that was told to have left is never given again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import expit

from .doorways import Doorways
from .floor import Leaving
from .linking import Ends, Kinds, Overlaps, link_gains, overlap_gains
from .recent import Courses, Encounter, Recent
from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """What is particular to following while it happens; the rest is in `TrackSettings`."""

    delay_s: float = 0.3  # how long a camera may be behind the newest one
    together_s: float = 0.04  # frames so near in time are one instant
    lag_s: float = 0.8  # places are told so long after the newest frame that was waited for
    every_s: float = 0.2  # how often the last seconds are judged
    judge_s: float = 2.0  # how long people are watched after they met, before the doubt is weighed
    history_s: float = 5.0  # how far back the last seconds go
    quiet_s: float = 1.0  # meetings of one pair nearer in time are one
    meeting_s: float = 5.0  # a doubt is told by then, even if they still stand together
    ahead_s: float = 5.0  # frames from so far in the future are a wrong clock
    ahead_frames: int = 10  # unless nothing else comes

    sure_link: float = 0.9  # probability from which a new track is the lost person without more ado
    worth_telling: float = 0.03
    end_s: float = 5.0  # not seen for so long: told to be out of sight,
    end_at_gate_s: float = 1.5  # and at a gate to have gone
    gate_m: float = 1.2
    hidden_s: float = 20.0  # how long people stay out of every camera's sight, on average
    link_s: float = 300.0  # longer than that nobody is taken up again
    outside_far: float = 0.02  # probability of coming or going where no gate is
    most_hidden: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something about an id: `kind` is started, ended, swap or restart; `other` is the second id of the last two.

    `probability` is that of having left (ended), or of the exchange or the taking over.
    """

    kind: str
    at_s: float
    track_id: str
    place: Floats = field(default_factory=lambda: np.zeros(2))
    other: str = ""
    probability: float = 1.0
    gate_id: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Person:
    number: int
    track_id: str | None = None
    inside: bool = False  # told to be there
    left: bool = False  # told to have left by a gate
    lost: bool = False
    first_s: float = 0.0
    last_s: float = 0.0
    awake_s: float = 0.0
    mean: Floats = field(default_factory=lambda: np.zeros(4))
    covariance: Floats = field(default_factory=lambda: np.eye(4))


@dataclass(slots=True, kw_only=True)
class _Meeting:
    """Two people near each other from `first_s` to `last_s`: `best` is when an exchange is likeliest."""

    first_s: float
    last_s: float
    best: Encounter


class Persons:
    """Keys of the core's tracks in, persons out."""

    def __init__(
        self, recent: Recent, doorways: Doorways, settings: TrackSettings, live: LiveSettings, prefix: str
    ) -> None:
        self._recent, self._doorways, self._settings, self._live = recent, doorways, settings, live
        self._coming, self._going = (doorways.outside(settings, leaving=leaving) for leaving in (False, True))
        self._prefix = prefix
        self._known: dict[int, _Person] = {}
        self._bound: dict[int, int] = {}
        self._next, self._next_id = 0, 1
        self._judged_s = float("-inf")
        self._look_other = 0.0
        self._met: dict[tuple[int, int], _Meeting] = {}
        self._weighed: set[tuple[int, int]] = set()
        self._renamed: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, keys: Ints) -> Ints:
        """The person of each detection; who has a new key is somebody new."""
        for key in np.unique(keys[keys >= 0]).tolist():
            if key not in self._bound:
                self._known[self._next] = _Person(number=self._next)
                self._bound[key] = self._next
                self._next += 1
        return np.array([self._bound.get(key, -1) for key in keys.tolist()], np.int64)

    def id_of(self, person: int) -> str | None:
        """The id that is told, None for who is not."""
        known = self._known.get(person)
        return known.track_id if known is not None and known.inside else None

    def update(self, courses: Courses, living: Ints, awake_s: float) -> None:
        """What the last seconds say now: exchanges, newest states, who is lost."""
        newest = self._recent.owners()
        alive = set(living.tolist())
        self._bound = {
            key: newest[key] if newest.get(key, -1) >= 0 else person
            for key, person in self._bound.items()
            if key in alive
        }
        carried = set(self._bound.values())
        seen = courses.seen
        for number, rows in _by_person(courses.person[seen], np.flatnonzero(seen)):
            person = self._known[number]
            if courses.at_s[rows[-1]] > person.last_s or person.track_id is None:
                person.awake_s = awake_s
            person.first_s = courses.at_s[rows[0]] if person.track_id is None else person.first_s
            person.last_s = float(courses.at_s[rows[-1]])
            person.mean, person.covariance = courses.mean[rows[-1]], courses.covariance[rows[-1]]
        for person in self._known.values():
            person.lost = person.number not in carried

    def promote(self, courses: Courses, until_s: float, share: dict[int, float], look_other: float) -> list[Change]:
        """Whom to tell from now on, of those first seen before `until_s`.

        `share` is how well each key is attended, `look_other` how far apart (1 - cosine) looks of two people are.
        """
        self._look_other, self._renamed = look_other, {}
        attended = {self._bound[key]: value for key, value in share.items() if key in self._bound}
        fresh, first = [], []
        for number, rows in _by_person(courses.person, np.arange(len(courses.person))):
            person = self._known[number]
            if person.track_id is not None and person.inside:
                continue
            span = self._recent.span(number)
            enough = span is not None and span[2] >= self._settings.keep_hits and courses.at_s[rows[0]] <= until_s
            if enough and attended.get(number, 0.0) >= self._settings.keep_share:
                fresh.append(person)
                first.append(int(rows[0]))
        if not fresh:
            return []
        return self._named(fresh, np.array(first), courses)

    def _named(self, fresh: list[_Person], first: Ints, courses: Courses) -> list[Change]:
        """Ids for new persons: those of lost ones where that is nearly certain."""
        latest = max(person.first_s for person in fresh)
        lost = [
            p for p in self._known.values()
            if p.track_id is not None and p not in fresh and (p.lost or p.last_s < latest)
        ]  # fmt: skip
        gain = np.full((len(lost), len(fresh)), -np.inf)
        if lost:
            ends = self._ends(lost)
            starts = self._starts(courses, first)
            kinds = self._kinds(lost), self._kinds(fresh)
            before, after, worth = link_gains(starts, ends, *kinds, self._settings)
            gain[before, after] = worth
            beside = self._overlaps(lost, fresh, courses)
            gain[beside.before, beside.after] = overlap_gains(starts, ends, beside, *kinds, self._settings)
        chance = np.exp(gain - np.logaddexp(0.0, np.logaddexp.reduce(gain, axis=0))[None]) if lost else gain
        a, b = linear_sum_assignment(np.where(gain > 0, gain, 0.0), maximize=True)
        taken = {int(new): int(old) for old, new in zip(a, b, strict=True) if gain[old, new] > 0}
        changes: list[Change] = []
        for index, person in enumerate(fresh):
            old = lost[taken[index]] if index in taken else None
            if person.track_id is not None:  # seen again under its own key after it was told to be out of sight
                person.track_id, person.left = (None if person.left else person.track_id), False
                changes += self._start(person, courses, int(first[index]))
            elif old is not None and not old.left and chance[taken[index], index] >= self._live.sure_link:
                self._take_over(old, person)
                changes += [] if old.inside else self._start(old, courses, int(first[index]))
            else:
                changes += self._start(person, courses, int(first[index]))
                changes += self._restarts(lost, person, chance[:, index])
        return changes

    def renamed(self, courses: Courses) -> Courses:
        """The courses with who was recognised in the last promotion."""
        person = [self._renamed.get(number, number) for number in courses.person.tolist()]
        return replace(courses, person=np.array(person, np.int64))

    def _start(self, person: _Person, courses: Courses, row: int) -> list[Change]:
        if person.track_id is None:
            person.track_id = f"{self._prefix}{self._next_id}"
            self._next_id += 1
        person.inside = True
        place = courses.mean[row, :2]
        gate = self._doorways.nearest(place, self._live.gate_m, leaving=False)
        at_s = float(courses.at_s[row])
        return [Change(kind="started", at_s=at_s, track_id=person.track_id, place=place, gate_id=gate)]

    def _restarts(self, lost: list[_Person], person: _Person, chance: Floats) -> list[Change]:
        told = [
            (old, float(value))
            for old, value in zip(lost, chance, strict=True)
            if value >= self._live.worth_telling and (old.number, person.number) not in self._weighed
        ]
        self._weighed.update((old.number, person.number) for old, _ in told)
        return [
            Change(
                kind="restart", at_s=person.first_s, track_id=old.track_id or "", other=person.track_id or "",
                probability=value,
            )
            for old, value in told
        ]  # fmt: skip

    def _take_over(self, old: _Person, new: _Person) -> None:
        """The new one was the old one all along."""
        self._renamed[new.number] = old.number
        self._recent.rename(new.number, old.number)
        self._bound = {
            key: old.number if person == new.number else person
            for key, person in self._bound.items()
            if person != old.number
        }
        old.last_s, old.mean, old.covariance, old.lost = new.last_s, new.mean, new.covariance, False
        old.awake_s = new.awake_s
        del self._known[new.number]

    def doubt(self, encounters: list[Encounter], now_s: float) -> list[Change]:
        """Exchanges that stay possible after people were watched for a while: one a meeting, its likeliest moment."""
        live = self._live
        until = now_s - live.judge_s
        least = np.log(live.worth_telling / (1 - live.worth_telling))
        for met in encounters:
            pair = (min(met.a, met.b), max(met.a, met.b))
            if not self._judged_s < met.at_s <= until or met.nats < least or not self._both_told(pair):
                continue
            meeting = self._met.setdefault(pair, _Meeting(first_s=met.at_s, last_s=met.at_s, best=met))
            meeting.last_s = max(meeting.last_s, met.at_s)
            if meeting.best.nats < met.nats:
                meeting.best = met
        self._judged_s = max(self._judged_s, until)
        changes = []
        for pair, meeting in list(self._met.items()):
            if until - meeting.last_s >= live.quiet_s or until - meeting.first_s >= live.meeting_s:
                del self._met[pair]
                a, b = (self._known[number].track_id if number in self._known else None for number in pair)
                if a and b:
                    chance = float(expit(meeting.best.nats))
                    changes.append(Change(kind="swap", at_s=meeting.best.at_s, track_id=a, other=b, probability=chance))
        return changes

    def _both_told(self, pair: tuple[int, int]) -> bool:
        return all(number in self._known and self._known[number].track_id is not None for number in pair)

    def lose(self, courses: Courses, told_s: float, awake_s: float, *, closing: bool = False) -> list[Change]:
        """Who is told to be out of sight or gone; and who may have gone on as another meanwhile."""
        changes = []
        for person in list(self._known.values()):
            if person.track_id is None or not person.inside or not (person.lost or closing):
                continue
            out = float(_outside(self._going, person.mean[None], 1, self._settings)[0])
            changes += self._beside(person, courses)
            unseen = awake_s - person.awake_s
            patience = self._live.end_at_gate_s if out > 0.5 else self._live.end_s
            if not closing and (unseen < patience or person.last_s > told_s):
                continue
            person.inside, person.left = False, out > 0.5
            gate = self._doorways.nearest(person.mean[:2], self._live.gate_m, leaving=True) if out > 0.5 else None
            changes.append(
                Change(
                    kind="ended", at_s=person.last_s, track_id=person.track_id, place=person.mean[:2],
                    probability=out, gate_id=gate,
                )
            )  # fmt: skip
        return changes

    def _beside(self, lost: _Person, courses: Courses) -> list[Change]:
        """Restarts as somebody who began beside the one that was lost."""
        others = [
            p for p in self._known.values()
            if p.track_id is not None and not p.lost and p is not lost and p.first_s <= lost.last_s
            and (lost.number, p.number) not in self._weighed
        ]  # fmt: skip
        beside = self._overlaps([lost], others, courses)
        if not len(beside.after):
            return []
        chosen = [others[int(index)] for index in beside.after]
        first = np.array([int(np.flatnonzero(courses.person == p.number)[0]) for p in others if p in chosen])
        pairs = Overlaps(
            before=beside.before, after=np.arange(len(chosen)), mean=beside.mean, covariance=beside.covariance,
            both=beside.both, either=beside.either,
        )  # fmt: skip
        kinds = self._kinds([lost]), self._kinds(chosen)
        gain = overlap_gains(self._starts(courses, first), self._ends([lost]), pairs, *kinds, self._settings)
        changes: list[Change] = []
        for person, value in zip(chosen, expit(gain), strict=True):
            changes += self._restarts([lost], person, np.array([value]))
            self._weighed.add((lost.number, person.number))
        return changes

    def forget(self, now_s: float) -> None:
        """Bounded memory: who is gone for long, and who was never anybody."""
        hidden = [p for p in self._known.values() if p.track_id is not None and not p.inside]
        old = [p for p in hidden if now_s - p.last_s > self._live.link_s]
        old += sorted(hidden, key=lambda p: p.last_s)[: max(0, len(hidden) - self._live.most_hidden)]
        nobody = [
            p for p in self._known.values()
            if p.track_id is None and p.lost and self._recent.span(p.number) is None
        ]  # fmt: skip
        for person in (*old, *nobody):
            if self._known.pop(person.number, None) is not None:
                self._recent.drop(person.number)
        self._weighed = {pair for pair in self._weighed if pair[0] in self._known and pair[1] in self._known}

    def _overlaps(self, lost: list[_Person], fresh: list[_Person], courses: Courses) -> Overlaps:
        """Pairs of which the second began shortly before the first was seen last, and goes on."""
        found: list[tuple[int, int, int, int, int]] = []
        for i, old in enumerate(lost):
            for j, new in enumerate(fresh):
                if 0 <= old.last_s - new.first_s <= self._settings.overlap_s and new.last_s > old.last_s:
                    row = np.flatnonzero((courses.person == new.number) & (courses.at_s == old.last_s))
                    if len(row):
                        found.append((i, j, int(row[0]), *self._recent.beside(old.number, new.number)))
        table = np.array(found, np.int64).reshape(-1, 5)
        return Overlaps(
            before=table[:, 0], after=table[:, 1], mean=courses.mean[table[:, 2]],
            covariance=courses.covariance[table[:, 2]], both=table[:, 3], either=table[:, 4],
        )  # fmt: skip

    def _ends(self, lost: list[_Person]) -> Ends:
        mean = np.array([person.mean for person in lost])
        return Ends(
            at_s=np.array([person.last_s for person in lost]), mean=mean,
            covariance=np.array([person.covariance for person in lost]), unit=np.ones(len(lost)),
            outside=_outside(self._going, mean, 1, self._settings),
        )  # fmt: skip

    def _starts(self, courses: Courses, first: Ints) -> Ends:
        mean = courses.mean[first]
        return Ends(
            at_s=courses.at_s[first], mean=mean, covariance=courses.covariance[first], unit=np.ones(len(first)),
            outside=_outside(self._coming, mean, -1, self._settings),
        )  # fmt: skip

    def _kinds(self, people: list[_Person]) -> Kinds:
        sums = [self._recent.sums_of(person.number) for person in people]
        weight = np.array([np.maximum(marks[-1], 1e-9) for marks, _ in sums])
        look = np.array([total / max(float(np.linalg.norm(total)), 1e-9) for _, total in sums])
        return Kinds(
            traits=np.array([marks[:-1] for marks, _ in sums]) / weight[:, None], variance=1 / weight,
            look=look, look_other=self._look_other,
        )  # fmt: skip


def _by_person(person: Ints, rows: Ints) -> list[tuple[int, Ints]]:
    """Rows of each person, persons ascending, rows as they come."""
    order = np.argsort(person, kind="stable")
    numbers, cuts = np.unique(person[order], return_index=True)
    return [(int(n), part) for n, part in zip(numbers, np.split(rows[order], cuts)[1:], strict=True)]


def _outside(leaving: Leaving, mean: Floats, direction: int, settings: TrackSettings) -> Floats:
    """How likely people [n, 4] go (`direction` 1) or came (-1): gates count that the walk leads to, or comes from."""
    walk = [mean[:, :2] + direction * share * settings.exit_s * mean[:, 2:] for share in (0.0, 0.5, 1.0)]
    chance = np.max([leaving(place, np.ones(len(mean))) for place in walk], axis=0)
    clipped: Floats = np.clip(chance, settings.outside_far, 1 - settings.outside_far)
    return clipped
