"""The last seconds of a running store: what cameras saw, whose it is taken to be, and what that says when judged again.

Whose a detection is may change as long as it is here; what leaves is settled, and only its sums stay (`sums_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .core import NOBODY
from .crossings import Marks, exchanges
from .detections import Glimpse
from .offline import Seen, gather
from .settings import TrackSettings
from .smoothing import Path, Sights, smooth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """`a` and `b` may have been exchanged at `at_s`; `nats` are for it (below 0: against it)."""

    at_s: float
    a: int
    b: int
    nats: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """Smoothed states, one row a person and instant: `person` [m], `at_s` [m], `mean` [m, 4], `covariance` [m, 4, 4].

    `seen` [m] says that a camera gave the person at that instant; otherwise the row bridges a gap.
    """

    person: Ints
    at_s: Floats
    mean: Floats
    covariance: Floats
    seen: NDArray[np.bool_]


class Recent:
    """Instants in, oldest out. Persons are numbers of the caller's."""

    def __init__(self, settings: TrackSettings, *, look_width: int = 0) -> None:
        self._settings = settings
        self._look_width = look_width
        self._instants: list[tuple[float, tuple[Glimpse, ...]]] = []
        self._keys: list[Ints] = []
        self._persons: list[Ints] = []
        self._settled: dict[int, tuple[Floats, Floats]] = {}

    def add(self, at_s: float, glimpses: Sequence[Glimpse], keys: Ints, persons: Ints) -> None:
        """One instant: the tracker's key and the person of each detection, NOBODY for neither."""
        self._instants.append((at_s, tuple(glimpses)))
        self._keys.append(keys)
        self._persons.append(persons)

    def forget(self, before_s: float) -> None:
        """What is older is settled; the sums of its traits are kept."""
        count = sum(1 for at_s, _ in self._instants if at_s < before_s)
        for (_, glimpses), persons in zip(self._instants[:count], self._persons[:count], strict=True):
            for glimpse, part in zip(glimpses, _parts(persons, glimpses), strict=True):
                weighed = _weighed(glimpse)
                for row in np.flatnonzero(part != NOBODY):
                    marks, look = self._settled.get(int(part[row]), self._nothing())
                    looked = glimpse.look[row] if glimpse.look.size else 0.0
                    self._settled[int(part[row])] = marks + weighed[row], look + looked
        del self._instants[:count], self._keys[:count], self._persons[:count]

    def _nothing(self) -> tuple[Floats, Floats]:
        return np.zeros(2), np.zeros(self._look_width)

    def drop(self, person: int) -> None:
        """Nothing will be asked about a person any more."""
        self._settled.pop(person, None)
        self._persons = [np.where(persons == person, NOBODY, persons) for persons in self._persons]

    def rename(self, person: int, to: int) -> None:
        """The person turned out to be another."""
        self._persons = [np.where(persons == person, to, persons) for persons in self._persons]
        own, other = self._settled.pop(person, self._nothing()), self._settled.get(to, self._nothing())
        self._settled[to] = own[0] + other[0], own[1] + other[1]

    def owners(self) -> dict[int, int]:
        """Whose each key's newest detection is."""
        keys, persons = self._flat(self._keys), self._flat(self._persons)
        rows = np.flatnonzero(keys != NOBODY)
        return dict(zip(keys[rows].tolist(), persons[rows].tolist(), strict=True))

    def times_s(self) -> Floats:
        """The instants that are here."""
        return np.array([at_s for at_s, _ in self._instants])

    def span(self, person: int) -> tuple[float, float, int] | None:
        """First and last sight here, and how many detections; None without any."""
        counts = [int((persons == person).sum()) for persons in self._persons]
        there = [at_s for (at_s, _), count in zip(self._instants, counts, strict=True) if count]
        return (there[0], there[-1], sum(counts)) if there else None

    def sums_of(self, person: int) -> tuple[Floats, Floats]:
        """Over all sights ever of a person: traits times weights, and the weights [k + 1]; appearance [d]."""
        marks, look = self._settled.get(person, self._nothing())
        marks, look = marks.copy(), look.copy()
        for (_, glimpses), persons in zip(self._instants, self._persons, strict=True):
            for glimpse, part in zip(glimpses, _parts(persons == person, glimpses), strict=True):
                if part.any():
                    marks += _weighed(glimpse)[part].sum(axis=0)
                    look += glimpse.look[part].sum(axis=0) if glimpse.look.size else 0.0
        return marks, look

    def beside(self, one: int, other: int) -> tuple[int, int]:
        """How often a camera gave both at one instant and how often only one, while both were there."""
        spans = self.span(one), self.span(other)
        if spans[0] is None or spans[1] is None:
            return 0, 0
        first, last = max(spans[0][0], spans[1][0]), min(spans[0][1], spans[1][1])
        both, either = 0, 0
        for (at_s, glimpses), persons in zip(self._instants, self._persons, strict=True):
            if first <= at_s <= last:
                for part in _parts(persons, glimpses):
                    given = bool((part == one).any()), bool((part == other).any())
                    both += all(given)
                    either += given[0] != given[1]
        return both, either

    def judge(self, least: int, since_s: float) -> tuple[Courses, list[Encounter]]:
        """Smoothed courses of all with `least` detections, and every encounter, after the exchanges that pay.

        Exchanges are made from `since_s` on; what was told before stays as it was told.
        """
        times = np.array([at_s for at_s, _ in self._instants])
        glimpses = [glimpse for _, several in self._instants for glimpse in several]
        if not glimpses:
            return _nobody(), []
        seen = gather(glimpses, times)
        persons = self._flat(self._persons)
        known, count = np.unique(persons[persons != NOBODY], return_counts=True)
        known = known[count >= least]
        rows = np.flatnonzero(np.isin(persons, known))
        if not len(rows):
            return _nobody(), []
        owner = np.searchsorted(known, persons[rows])
        ones = np.ones(len(known))
        density, speed = self._settings.jerkiness_m2_s3 * ones, self._settings.speed_sigma_m_s * ones
        sights = _sights(owner, seen, rows)
        if len(known) > 1:
            owner, found = exchanges(
                sights, Marks(traits=seen.traits[rows], noise=seen.trait_noise[rows]), times, density, speed, ones,
                self._settings, since=int(np.searchsorted(times, since_s)), known=self._known(known),
            )  # fmt: skip
            persons[rows] = known[owner]
            self._persons = np.split(persons, np.cumsum([len(each) for each in self._persons])[:-1])
            sights = _sights(owner, seen, rows)
        else:
            found = np.zeros((0, 4))
        path = smooth(sights, times, density, speed)
        encounters = [
            Encounter(at_s=float(times[int(step)]), a=int(known[int(a)]), b=int(known[int(b)]), nats=float(nats))
            for step, a, b, nats in found
        ]
        return _courses(path, sights, known, times), encounters

    def _known(self, persons: Ints) -> Floats:
        return np.array([self._settled.get(person, self._nothing())[0] for person in persons.tolist()])

    def _flat(self, parts: list[Ints]) -> Ints:
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _sights(owner: Ints, seen: Seen, rows: Ints) -> Sights:
    return Sights(track=owner, step=seen.step[rows], place=seen.place[rows], noise=seen.noise[rows])


def _weighed(glimpse: Glimpse) -> Floats:
    """Traits with their weights [m, k + 1], ready to be summed."""
    weight = 1 / glimpse.trait_noise
    return np.column_stack((weight[:, None] * glimpse.traits, weight))


def _parts(rows: NDArray[Any], glimpses: Sequence[Glimpse]) -> list[NDArray[Any]]:
    """What belongs to each glimpse."""
    return np.split(rows, np.cumsum([len(glimpse) for glimpse in glimpses])[:-1])


def _courses(path: Path, sights: Sights, known: Ints, times: Floats) -> Courses:
    steps = len(times)
    seen = np.isin(path.track * steps + path.step, sights.track * steps + sights.step)
    return Courses(
        person=known[path.track], at_s=times[path.step], mean=path.mean, covariance=path.covariance, seen=seen
    )


def _nobody() -> Courses:
    none = np.zeros(0, np.int64)
    return Courses(
        person=none,
        at_s=np.zeros(0),
        mean=np.zeros((0, 4)),
        covariance=np.zeros((0, 4, 4)),
        seen=np.zeros(0, np.bool_),
    )
