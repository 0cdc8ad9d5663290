"""The tracker's core, the same on the floor and in an image: predict, gate, assign, update, bear, bury.

Every instant is a step of its own, with whichever cameras looked, so that rates may differ and cameras drop out. Where
several cameras look at the same instant they decide together (`joint`). The core never waits: glimpses come in order
of time (`ordering` sees to that).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import kalman
from .association import Lookalike
from .detections import Glimpse
from .joint import Joint
from .settings import TrackSettings
from .table import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# (camera, places [n, 2], traits [n, k]) -> probability [n] that the camera detects each, 0 out of its view.
Detectability = Callable[[int, Floats, Floats], Floats]
# (places [n, 2], units [n]) -> probability [n] that somebody lost there has left what is watched.
Outside = Callable[[Floats, Floats], Floats]

NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the cameras see of the plane: how likely each place is seen, and how likely people come or go there."""

    detectable: Detectability
    outside: Outside


class _Instant:
    """What is decided at one instant: for each camera whose each detection is, and which tracks it gave."""

    def __init__(self, glimpses: Sequence[Glimpse], tracks: int, sure_score: float) -> None:
        self.glimpses = glimpses
        self._sure_score = sure_score
        self._sure: list[NDArray[np.bool_]] = [glimpse.score >= sure_score for glimpse in glimpses]
        self.owner = [np.full(len(glimpse), NOBODY, np.int64) for glimpse in glimpses]
        self.taken = [np.zeros(tracks, np.bool_) for _ in glimpses]

    def rows(self, *, sure: bool) -> list[Ints]:
        """Detections of nobody, of high scores or of low ones, by camera."""
        return [
            np.flatnonzero((owner == NOBODY) & (high if sure else ~high))
            for owner, high in zip(self.owner, self._sure, strict=True)
        ]

    def done(self) -> bool:
        """Whether everything seen is somebody's."""
        return not any(NOBODY in owner for owner in self.owner)

    def only(self, camera: int) -> _Instant:
        """One camera's part of it; what is decided there is decided here."""
        part = _Instant(self.glimpses[camera : camera + 1], 0, self._sure_score)
        part.owner, part.taken = [self.owner[camera]], [self.taken[camera]]
        return part

    def born(self, camera: int, count: int) -> None:
        """The table has grown by so many tracks, all given by this camera."""
        self.taken = [
            np.concatenate((taken, np.full(count, number == camera))) for number, taken in enumerate(self.taken)
        ]


class Tracker:
    """Follows everybody in one plane. Feed glimpses in order of time; `owner` of a row is the key of its track."""

    def __init__(self, settings: TrackSettings, watched: Watched, *, look_width: int = 0) -> None:
        self._settings = settings
        self._watched = watched
        self._look_width = look_width
        self._table: Table | None = None
        self._now_s = 0.0
        self._next = 0
        self._looks = Lookalike(0.0, 0.0)

    @property
    def table(self) -> Table | None:
        """The living tracks as of the newest glimpse; None before the first."""
        return self._table

    @property
    def look_other(self) -> float:
        """How far apart, as 1 - cosine, looks of two people have been so far; 0 before any were compared."""
        return self._looks.other

    def feed(self, glimpses: Sequence[Glimpse]) -> list[Ints]:
        """Takes in what cameras saw at one instant; returns for each the key of each detection's track, or NOBODY."""
        table = self._begun(glimpses[0])
        self._advance(glimpses[0].at_s)
        instant = _Instant(glimpses, len(table), self._settings.sure_score)
        chances = [self._watched.detectable(g.camera, table.mean[:, :2], table.traits) for g in glimpses]
        if len(table):
            confirmed = table.hits >= self._settings.confirm_hits
            for mask in (confirmed, ~confirmed):
                for sure in (True, False):
                    if not instant.done():
                        self._match(mask, instant, chances, sure=sure)
            self._count(chances, instant)
        for camera in range(len(glimpses)):
            self._bear(instant, camera)
        self._bury()
        return instant.owner

    def wait(self, at_s: float) -> None:
        """Time goes on and no camera looks."""
        if self._table is not None and at_s > self._now_s:
            self._advance(at_s)
            self._bury()

    def _begun(self, glimpse: Glimpse) -> Table:
        if self._table is None:
            self._now_s = glimpse.at_s
            nobody = glimpse.take(np.zeros(0, np.int64))
            self._table = Table.born(nobody, 0, self._settings, look_width=self._look_width)
        return self._table

    def _advance(self, at_s: float) -> None:
        table, gone = self._table, at_s - self._now_s
        if table is None or not len(table) or gone <= 0:
            self._now_s = max(self._now_s, at_s)
            return
        density = self._settings.jerkiness_m2_s3 * table.unit**2
        table.mean, table.covariance = kalman.advance(table.mean, table.covariance, gone, density)
        table.trait_variance = table.trait_variance + self._settings.trait_walk_s**2 * gone
        fade = math.exp(-gone / self._settings.seen_memory_s)
        table.looks, table.seen = table.looks * fade, table.seen * fade
        self._now_s = at_s

    def _match(self, mask: NDArray[np.bool_], instant: _Instant, chances: list[Floats], *, sure: bool) -> None:
        """Gives detections of one class of scores to one class of tracks, all cameras together."""
        table = self._table
        rows = instant.rows(sure=sure)
        if table is None or not any(map(len, rows)) or not mask.any():
            return
        glimpses = instant.glimpses
        joint = Joint(table, glimpses, chances, self._looks, self._settings)
        pairs = joint.solve([mask & ~taken for taken in instant.taken], rows)
        for camera, (tracks, chosen) in enumerate(pairs):
            if not len(tracks):
                continue
            instant.owner[camera][chosen] = table.key[tracks]
            instant.taken[camera][tracks] = True
            whole = len(chosen) == len(glimpses[camera])
            seen = glimpses[camera] if whole else glimpses[camera].take(chosen)
            given = tracks[np.argsort(chosen)] if whole else tracks
            self._learn(given, seen)
            if len(glimpses) == 1:
                self._correct(given, seen.place, seen.noise)
        if len(glimpses) > 1:
            hit = np.unique(np.concatenate([tracks for tracks, _ in pairs]))
            if len(hit):
                self._correct(hit, *joint.fused(hit))

    def _correct(self, tracks: Ints, place: Floats, noise: Floats) -> None:
        table = self._table
        if table is not None:
            table.mean[tracks], table.covariance[tracks] = kalman.update(
                table.mean[tracks], table.covariance[tracks], place, noise
            )

    def _learn(self, tracks: Ints, seen: Glimpse) -> None:
        """What sights tell about people besides their place."""
        table = self._table
        if table is None or not len(tracks):
            return
        if seen.traits.shape[1]:
            share = table.trait_variance[tracks] / (table.trait_variance[tracks] + seen.trait_noise)
            table.traits[tracks] += share[:, None] * (seen.traits - table.traits[tracks])
            table.trait_variance[tracks] *= 1 - share
        table.unit[tracks] += self._settings.unit_share * (seen.unit - table.unit[tracks])
        if seen.look.size:
            self._compare(table.look[tracks], seen.look)
            known = np.linalg.norm(table.look[tracks], axis=1, keepdims=True) > 0
            share = np.where(known, self._settings.look_share, 1.0)
            mixed = (1 - share) * table.look[tracks] + share * seen.look
            table.look[tracks] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
        table.hit_s[tracks] = seen.at_s
        table.hits[tracks] += 1

    def _compare(self, known: Floats, look: Floats) -> None:
        """Learns how far apart sights of one person and of two people are, from who was given what at this instant."""
        distance = 1 - known @ look.T
        own = np.linalg.norm(known, axis=1) > 0
        others = distance[own][:, own][~np.eye(int(own.sum()), dtype=np.bool_)]
        if not len(others):
            return
        same, other = float(np.diag(distance)[own].mean()), float(others.mean())
        if self._looks.other == 0.0:
            self._looks = Lookalike(self._settings.look_first * other, other)
        share = self._settings.look_memory
        mixed = self._looks.same + share * (same - self._looks.same)
        self._looks = Lookalike(mixed, self._looks.other + share * (other - self._looks.other))

    def _count(self, chances: list[Floats], instant: _Instant) -> None:
        """Chances to be seen and sights, both weighted by how likely a sight was."""
        table = self._table
        if table is None:
            return
        for chance, taken in zip(chances, instant.taken, strict=True):
            sight = np.maximum(chance, self._settings.hidden_probability) * taken
            looked = np.maximum(chance, sight)
            table.looks += looked
            table.seen += sight
            table.all_looks += looked
            table.all_seen += sight

    def _bear(self, instant: _Instant, camera: int) -> None:
        """Detections of nobody: given to who was born at this instant in another camera's eyes, or born."""
        table, glimpse, owner = self._table, instant.glimpses[camera], instant.owner[camera]
        if table is None or NOBODY not in owner:
            return
        newborn = (table.born_s == glimpse.at_s) & (table.hits < self._settings.confirm_hits)
        if newborn.any():
            chance = np.full(len(table), self._settings.detect_probability)
            alone = instant.only(camera)
            self._match(newborn, alone, [chance], sure=True)
            self._match(newborn, alone, [chance], sure=False)
        fresh = np.flatnonzero((owner == NOBODY) & (glimpse.score >= self._settings.birth_score))
        if len(fresh):
            fresh = fresh[~self._explained(glimpse.take(fresh), instant.taken[camera])]
        if not len(fresh):
            return
        born = Table.born(glimpse.take(fresh), self._next, self._settings, look_width=self._look_width)
        table.extend(born)
        instant.born(camera, len(fresh))
        owner[fresh] = born.key
        self._next += len(fresh)

    def _explained(self, fresh: Glimpse, taken: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which detections [m] may be a bad sight of somebody known whom this camera did not give otherwise."""
        table = self._table
        if table is None or not len(fresh):
            return np.zeros(len(fresh), np.bool_)
        idle = np.flatnonzero((table.hits >= self._settings.confirm_hits) & ~taken)
        gap = fresh.place[:, None] - table.mean[None, idle, :2]
        inverse, _ = kalman.invert2(fresh.noise[:, None] + table.covariance[None, idle, :2, :2])
        far = np.einsum("mni,mnij,mnj->mn", gap, inverse, gap)
        near = np.linalg.norm(gap, axis=2) < self._settings.elbow_m * table.unit[None, idle]
        close: NDArray[np.bool_] = ((far < self._settings.elbow_chi2) & near).any(axis=1)
        return close

    def _bury(self) -> None:
        table, settings = self._table, self._settings
        if table is None or not len(table):
            return
        unseen = self._now_s - table.hit_s
        ghost = (table.seen < settings.seen_share * table.looks) & (table.looks > settings.ghost_looks)
        if unseen.max() <= settings.least_s and not ghost.any():
            return
        long = np.flatnonzero(unseen > settings.least_s)
        patience = np.where(table.hits[long] >= settings.confirm_hits, settings.lost_s, settings.tentative_s)
        patience *= 1 - self._watched.outside(table.mean[long, :2], table.unit[long])
        kept = ~ghost
        kept[long] &= unseen[long] <= np.maximum(patience, settings.least_s)
        table.keep(kept)
