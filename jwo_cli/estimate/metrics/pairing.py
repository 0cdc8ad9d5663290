"""Truth and tracks side by side: for every frame who was there, who was claimed, and how alike each pair is.

Similarity runs from 1 (the same place) to 0. Boxes are compared by intersection over union, floor points by
1 - distance / (2·gate), which is one half at the gate; a pair can match from one half up. Ids become indices in
order of their value, so that no result depends on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Likeness = Callable[[Floats, Floats], Floats]

MATCH = 0.5
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Somebody's places over time: frame [n], id [n], and place [n, 4] (box x, y, w, h) or [n, 2] (metres)."""

    frame: Ints
    id: Ints
    place: Floats

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePair:
    """One frame: indices of the true ids [n] and of the tracks' ids [m], and their similarity [n, m] in 0…1."""

    truth: Ints
    track: Ints
    similarity: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A whole sequence: its frames in order, and how many true ids and tracks there are."""

    frames: tuple[FramePair, ...]
    truths: int
    tracks: int

    @property
    def truth_rows(self) -> int:
        """True places over all frames."""
        return sum(len(frame.truth) for frame in self.frames)

    @property
    def track_rows(self) -> int:
        """Claimed places over all frames."""
        return sum(len(frame.track) for frame in self.frames)


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes (x, y, w, h): [n, 4] × [m, 4] -> [n, m]; 0 where both are empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    union = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None, :] - common
    share: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return share


def nearness(gate: float) -> Likeness:
    """Similarity of points [n, 2] × [m, 2], gate in their own unit: 1 at no distance, one half at the gate."""

    def alike(a: Floats, b: Floats) -> Floats:
        near: Floats = np.clip(1 - distances(a, b) / (2 * gate), 0, None)
        return near

    return alike


def distances(a: Floats, b: Floats) -> Floats:
    """Euclidean distances [n, d] × [m, d] -> [n, m]."""
    gaps: Floats = np.linalg.norm(a[:, None, :] - b[None, :, :], axis=2)
    return gaps


def pair(truth: Rows, tracks: Rows, alike: Likeness) -> Pairing:
    """Lays both side by side over every frame that either of them has."""
    truth_ids, truth_index = np.unique(truth.id, return_inverse=True)
    track_ids, track_index = np.unique(tracks.id, return_inverse=True)
    frames = np.union1d(truth.frame, tracks.frame)
    truth_order, truth_cuts = _by_frame(truth.frame, frames)
    track_order, track_cuts = _by_frame(tracks.frame, frames)
    pairs = []
    for true_rows, claimed_rows in zip(
        np.split(truth_order, truth_cuts), np.split(track_order, track_cuts), strict=True
    ):
        similarity = alike(truth.place[true_rows], tracks.place[claimed_rows])
        pairs.append(FramePair(truth=truth_index[true_rows], track=track_index[claimed_rows], similarity=similarity))
    return Pairing(frames=tuple(pairs), truths=len(truth_ids), tracks=len(track_ids))


def _by_frame(frame: Ints, frames: Ints) -> tuple[Ints, Ints]:
    """Row numbers sorted by frame, and where to cut them so that there is one piece for each of `frames`."""
    order = np.argsort(frame, kind="stable")
    return order, np.searchsorted(frame[order], frames[1:])


def best_match(score: Floats) -> tuple[Ints, Ints]:
    """Rows and columns of the assignment of greatest total score; pairs that score nothing are left out."""
    rows, columns = linear_sum_assignment(score, maximize=True)
    worth = score[rows, columns] > _EPS
    return rows[worth], columns[worth]


def allowed(similarity: Floats) -> NDArray[np.bool_]:
    """Pairs alike enough to match: one half or more, with the rounding of one operation forgiven."""
    good: NDArray[np.bool_] = similarity >= MATCH - _EPS
    return good


def co_occurrence(pairing: Pairing) -> tuple[Floats, Floats, Floats]:
    """How often each true id and track could match [truths, tracks], and each one's rows [truths], [tracks]."""
    together = np.zeros((pairing.truths, pairing.tracks))
    truth_rows, track_rows = np.zeros(pairing.truths), np.zeros(pairing.tracks)
    for frame in pairing.frames:
        i, j = np.nonzero(allowed(frame.similarity))
        np.add.at(together, (frame.truth[i], frame.track[j]), 1)
        np.add.at(truth_rows, frame.truth, 1)
        np.add.at(track_rows, frame.track, 1)
    return together, truth_rows, track_rows
