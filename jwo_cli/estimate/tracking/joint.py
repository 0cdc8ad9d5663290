"""One instant, several cameras: each camera's assignment in the light of what the others gave to whom.

First every camera assigns from the prediction alone, so that none decides for the rest; then each is assigned again
with the places that the others' detections leave (block coordinate ascent on the joint likelihood). A camera alone
needs one round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import kalman
from .association import Believed, Lookalike, assign, gains
from .detections import Glimpse
from .settings import TrackSettings
from .table import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Made = tuple[Ints, Ints]


class Joint:
    """The assignment of one instant: tracks (rows of the table) against what each camera saw."""

    def __init__(
        self,
        table: Table,
        glimpses: Sequence[Glimpse],
        chances: Sequence[Floats],
        scale: Lookalike,
        settings: TrackSettings,
    ) -> None:
        self._table = table
        self._glimpses = glimpses
        self._chances = chances
        self._scale = scale
        self._settings = settings
        if len(glimpses) == 1:
            return
        prior, _ = kalman.invert2(table.covariance[:, :2, :2])
        self._prior = prior
        self._prior_moment = np.einsum("nij,nj->ni", prior, table.mean[:, :2])
        self._weight = np.zeros((len(glimpses), len(table), 2, 2))
        self._moment = np.zeros((len(glimpses), len(table), 2))

    def solve(self, tracks: Sequence[NDArray[np.bool_]], rows: Sequence[Ints]) -> list[Made]:
        """Pairs (track, detection) for each camera, of its tracks (masks [n]) and its detections (indices)."""
        if len(self._glimpses) == 1:
            return [self._assign(0, tracks[0], rows[0], alone=True)]
        pairs = [self._assign(k, tracks[k], rows[k], alone=True) for k in range(len(self._glimpses))]
        for camera, made in enumerate(pairs):
            self._note(camera, made)
        for _ in range(self._settings.joint_rounds):
            before = pairs
            pairs = []
            for camera in range(len(self._glimpses)):
                made = self._assign(camera, tracks[camera], rows[camera], alone=False)
                self._note(camera, made)
                pairs.append(made)
            if all(
                np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in zip(before, pairs, strict=True)
            ):
                break
        return pairs

    def fused(self, tracks: Ints) -> tuple[Floats, Floats]:
        """One place [k, 2] and covariance [k, 2, 2] for each of these tracks from all its detections.

        Only where several cameras look; one camera's detections are what they are.
        """
        noise, _ = kalman.invert2(self._weight[:, tracks].sum(axis=0))
        return np.einsum("nij,nj->ni", noise, self._moment[:, tracks].sum(axis=0)), noise

    def _note(self, camera: int, made: Made) -> None:
        tracks, rows = made
        glimpse = self._glimpses[camera]
        weight, _ = kalman.invert2(glimpse.noise[rows])
        self._weight[camera] = 0.0
        self._moment[camera] = 0.0
        self._weight[camera, tracks] = weight
        self._moment[camera, tracks] = np.einsum("nij,nj->ni", weight, glimpse.place[rows])

    def _assign(self, camera: int, mask: NDArray[np.bool_], rows: Ints, *, alone: bool) -> Made:
        table, glimpse, chance = self._table, self._glimpses[camera], self._chances[camera]
        tracks = np.flatnonzero(mask & (chance > 0))
        if not len(tracks) or not len(rows):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        place, covariance = table.mean[tracks, :2], table.covariance[tracks, :2, :2]
        if not alone:
            weight = self._prior[tracks] + self._weight[:, tracks].sum(axis=0) - self._weight[camera, tracks]
            moment = self._prior_moment[tracks] + self._moment[:, tracks].sum(axis=0) - self._moment[camera, tracks]
            covariance, _ = kalman.invert2(weight)
            place = np.einsum("nij,nj->ni", covariance, moment)
        believed = Believed(
            place=place,
            covariance=covariance,
            unit=table.unit[tracks],
            traits=table.traits[tracks],
            trait_variance=table.trait_variance[tracks],
            look=table.look[tracks],
            detectable=np.clip(chance[tracks], 0.01, 0.99),
        )
        every = len(rows) == len(glimpse)
        seen = glimpse if every else glimpse.take(rows)
        pairs = gains(
            believed,
            seen.place,
            seen.noise,
            seen.traits,
            seen.trait_noise,
            seen.look,
            self._scale,
            self._settings,
        )
        left, right = assign(pairs, len(tracks), len(rows))
        return tracks[left], rows[right]
