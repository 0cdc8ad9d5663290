"""Hands at shelves as episodes: who, at which fixture and plates, from when until when, how sure.

An episode begins when the hand has probably been in a fixture's volumes for the last moments (the mean of the instants'
probabilities, because the errors of neighbouring frames hang together and must not multiply), and is over when it
probably was not for a while. Only the past is looked at, so that a live store is told as soon as it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .hands import Hand
from .shelves import Shelves

Floats = NDArray[np.float64]

MOMENTS_NS = 250 * NS_PER_MS  # over which probabilities are averaged: what a hand takes at least for a touch
BEGIN, END = 0.5, 0.25  # mean at which an episode begins and is over
JOIN_NS = 500 * NS_PER_MS  # a hand that was out for less, or unseen, was there all along
LEAST_NS = 150 * NS_PER_MS  # one frame at 10 Hz is an accident
FORGET_NS = 2 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One hand's stay at a fixture. `plates` are (plate_id, share) by how probably the hand was over each, best first.

    `at_ns` is when it was deepest in; `probability` the highest mean that it was there.
    """

    track_id: str
    side: int
    fixture_id: str
    begin_ns: int
    at_ns: int
    end_ns: int
    plates: tuple[tuple[str, float], ...]
    probability: float


@dataclass(slots=True)
class _Stay:
    """What is known of a hand at a fixture so far."""

    last_ns: int
    recent: list[tuple[int, float]] = field(default_factory=list)
    begin_ns: int | None = None
    until_ns: int = 0
    best: float = 0.0
    deepest: float = 0.0
    best_ns: int = 0
    plates: Floats = field(default_factory=lambda: np.zeros(0))


class Episodes:
    """Hands in, in order of time; episodes out when they are over."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._stays: dict[tuple[str, int, int], _Stay] = {}
        self._watched: dict[tuple[str, int], list[int]] = {}  # when each hand was seen lately

    def feed(self, at_ns: int, people: Sequence[tuple[str, Sequence[Hand]]]) -> list[Episode]:
        """The hands of everybody seen at an instant; returns what is over by then."""
        for track_id, hands in people:
            for hand in hands:
                lately = [then for then in self._watched.get((track_id, hand.side), []) if at_ns - then <= MOMENTS_NS]
                self._watched[track_id, hand.side] = [*lately, at_ns]
                inside = self._shelves.inside(hand)
                there = self._shelves.at_fixture(inside)
                for number in np.flatnonzero(there > 1e-3).tolist():
                    away = [(then, 0.0) for then in lately]  # it was seen, and elsewhere
                    self._stays.setdefault((track_id, hand.side, number), _Stay(at_ns, away))
                for key, stay in self._stays.items():
                    if key[:2] == (track_id, hand.side):
                        mask = self._shelves.fixture == key[2]
                        self._update(stay, at_ns, float(there[key[2]]), np.where(mask, inside, 0.0))
        return self._over(at_ns)

    def close(self) -> list[Episode]:
        """What was still going on at the end."""
        return self._told(list(self._stays))

    def _update(self, stay: _Stay, at_ns: int, there: float, inside: Floats) -> None:
        stay.recent = [item for item in stay.recent if at_ns - item[0] <= MOMENTS_NS] + [(at_ns, there)]
        stay.last_ns = at_ns
        mean = sum(item[1] for item in stay.recent) / len(stay.recent)
        if mean >= BEGIN and stay.begin_ns is None:
            stay.begin_ns = next(then for then, sure in stay.recent if sure >= END)
            stay.plates = np.zeros(len(inside))
        if stay.begin_ns is None or mean < END:
            return
        stay.until_ns = at_ns
        stay.plates = stay.plates + inside
        if there > stay.deepest:
            stay.deepest, stay.best_ns = there, at_ns
        stay.best = max(stay.best, mean)

    def _over(self, at_ns: int) -> list[Episode]:
        done = [
            key for key, stay in self._stays.items() if stay.begin_ns is not None and at_ns - stay.until_ns > JOIN_NS
        ]
        told = self._told(done)
        for key in [key for key, stay in self._stays.items() if at_ns - stay.last_ns > FORGET_NS]:
            del self._stays[key]
        for hand in [hand for hand, times in self._watched.items() if at_ns - times[-1] > FORGET_NS]:
            del self._watched[hand]
        return told

    def _told(self, keys: Sequence[tuple[str, int, int]]) -> list[Episode]:
        found = []
        for key in keys:
            stay = self._stays.pop(key)
            if stay.begin_ns is None or stay.until_ns - stay.begin_ns < LEAST_NS:
                continue
            order = np.argsort(-stay.plates, kind="stable")
            total = max(float(stay.plates.sum()), 1e-12)
            plates = tuple(
                (self._shelves.plate_ids[i], round(float(stay.plates[i]) / total, 4))
                for i in order.tolist()
                if stay.plates[i] > 0.01 * total
            )
            found.append(
                Episode(
                    track_id=key[0], side=key[1], fixture_id=self._shelves.fixture_ids[key[2]], begin_ns=stay.begin_ns,
                    at_ns=stay.best_ns, end_ns=stay.until_ns, plates=plates, probability=round(stay.best, 4),
                )
            )  # fmt: skip
        return _one_each(sorted(found, key=lambda item: (item.begin_ns, item.track_id, item.side)))


def _one_each(found: Sequence[Episode]) -> list[Episode]:
    """A hand is at one fixture at a time: of stays that overlap, the longer and surer is told."""
    kept: list[Episode] = []
    for one in sorted(found, key=lambda item: -(item.end_ns - item.begin_ns) * item.probability):
        clash = any(
            (other.track_id, other.side) == (one.track_id, one.side)
            and other.begin_ns <= one.end_ns
            and one.begin_ns <= other.end_ns
            for other in kept
        )
        if not clash:
            kept.append(one)
    return sorted(kept, key=lambda item: (item.begin_ns, item.track_id, item.side))
