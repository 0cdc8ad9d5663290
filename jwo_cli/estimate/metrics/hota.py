"""HOTA: detection, association and localisation in one figure, over all strictnesses (Luiten et al. 2021).

For each threshold α from 0.05 to 0.95 a matched pair counts when its similarity reaches α. DetA is the Jaccard index
of the detections, AssA the mean over matched pairs of the Jaccard index of their two whole tracks, HOTA their
geometric mean. Pairs are chosen once for all thresholds, in favour of tracks that overlap over the whole sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .pairing import Floats, FramePair, Pairing

ALPHAS = np.arange(0.05, 0.99, 0.05)
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hota:
    """Means over the thresholds, each in 0…1."""

    hota: float
    det_a: float
    ass_a: float
    loc_a: float


def hota(pairing: Pairing) -> Hota:
    """HOTA and its parts for a sequence; 0 (and a localisation of 1) where one side is empty, as TrackEval has it."""
    truths, claims = pairing.truth_rows, pairing.track_rows
    if not truths or not claims:
        return Hota(hota=0.0, det_a=0.0, ass_a=0.0, loc_a=1.0)
    overlap, truth_rows, track_rows = _alignment(pairing)
    favour = overlap / (truth_rows[:, None] + track_rows[None, :] - overlap)
    pairs, likeness = _pairs(pairing, favour)
    det, ass, loc = (np.zeros(len(ALPHAS)) for _ in range(3))
    for place, alpha in enumerate(ALPHAS):
        good = likeness >= alpha - _EPS
        count = int(good.sum())
        chosen, times = np.unique(pairs[good], axis=0, return_counts=True)
        union = truth_rows[chosen[:, 0]] + track_rows[chosen[:, 1]] - times
        det[place] = count / (truths + claims - count)
        ass[place] = np.sum(times * times / union) / max(count, 1)
        loc[place] = likeness[good].mean() if count else 1.0
    whole = np.sqrt(det * ass)
    return Hota(hota=float(whole.mean()), det_a=float(det.mean()), ass_a=float(ass.mean()), loc_a=float(loc.mean()))


def _alignment(pairing: Pairing) -> tuple[Floats, Floats, Floats]:
    """Soft overlap of each true id with each track [truths, tracks], and the rows of both."""
    overlap = np.zeros((pairing.truths, pairing.tracks))
    truth_rows, track_rows = np.zeros(pairing.truths), np.zeros(pairing.tracks)
    for frame in pairing.frames:
        alike = frame.similarity
        union = alike.sum(axis=0)[None, :] + alike.sum(axis=1)[:, None] - alike
        share = np.divide(alike, union, out=np.zeros_like(alike), where=union > _EPS)
        overlap[np.ix_(frame.truth, frame.track)] += share
        truth_rows[frame.truth] += 1
        track_rows[frame.track] += 1
    return overlap, truth_rows, track_rows


def _pairs(pairing: Pairing, favour: Floats) -> tuple[Floats, Floats]:
    """(true id, track) of every assigned pair over all frames [k, 2], and its similarity [k]."""
    pairs, likeness = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for frame in pairing.frames:
        rows, columns = _assign(frame, favour)
        pairs.append(np.stack((frame.truth[rows], frame.track[columns]), axis=1))
        likeness.append(frame.similarity[rows, columns])
    return np.concatenate(pairs), np.concatenate(likeness)


def _assign(frame: FramePair, favour: Floats) -> tuple[Floats, Floats]:
    score = favour[np.ix_(frame.truth, frame.track)] * frame.similarity
    rows, columns = linear_sum_assignment(score, maximize=True)
    return rows, columns
