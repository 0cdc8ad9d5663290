"""The whole way for a recording: follow forwards, join what was lost, drop what was nobody, smooth what remains.

Times are those of all glimpses; a detection is known by its row number. Nothing here knows whether the plane is a
floor or an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from .core import NOBODY, Tracker, Watched
from .crossings import Doubt, Marks, resolve
from .detections import Glimpse
from .linking import Ends, Kinds, Overlaps, chained, link
from .settings import TrackSettings
from .smoothing import Path, Sights, smooth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All detections: the caller's row number, step, camera, and the rest as in `Glimpse`."""

    row: Ints
    step: Ints
    camera: Ints
    place: Floats
    noise: Floats
    unit: Floats
    score: Floats
    traits: Floats
    trait_noise: Floats
    look: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """`owner` [d] is the track 0…n-1, or -1, of the detection with the caller's number `row` [d].

    `path` and `traits` [m, 2] (None without) lie in parallel; `doubts` are the exchanges that stay nearly even.
    """

    row: Ints
    owner: Ints
    path: Path
    traits: Floats | None
    count: int
    doubts: tuple[Doubt, ...]


def gather(glimpses: Sequence[Glimpse], times_s: Floats) -> Seen:
    """Detections of all glimpses, one after another. Raises ValueError without a glimpse."""
    return Seen(
        row=np.concatenate([g.row for g in glimpses]),
        step=np.repeat(np.searchsorted(times_s, [g.at_s for g in glimpses]), [len(g) for g in glimpses]),
        camera=np.repeat([g.camera for g in glimpses], [len(g) for g in glimpses]),
        place=np.concatenate([g.place for g in glimpses]),
        noise=np.concatenate([g.noise for g in glimpses]),
        unit=np.concatenate([g.unit for g in glimpses]),
        score=np.concatenate([g.score for g in glimpses]),
        traits=np.concatenate([g.traits for g in glimpses]),
        trait_noise=np.concatenate([g.trait_noise for g in glimpses]),
        look=_looks(glimpses),
    )


def _looks(glimpses: Sequence[Glimpse]) -> Floats:
    width = max((g.look.shape[1] for g in glimpses), default=0)
    return np.concatenate([g.look if g.look.size else np.zeros((len(g), width)) for g in glimpses])


def follow(glimpses: Sequence[Glimpse], times_s: Floats, watched: Watched, settings: TrackSettings) -> Followed:
    """Tracks of everybody. Glimpses ascend in time; `times_s` are their distinct times."""
    if not glimpses:
        return _nobody()
    seen = gather(glimpses, times_s)
    tracker = Tracker(settings, watched, look_width=seen.look.shape[1])
    owner = np.concatenate(
        [each for _, instant in groupby(glimpses, key=lambda g: g.at_s) for each in tracker.feed(tuple(instant))]
    )
    owner = _kept(owner, settings.link_hits)
    owner, doubts = resolved(owner, seen, times_s, settings)
    for _ in range(settings.link_rounds):
        linked = relinked(owner, seen, times_s, watched, settings)
        if np.array_equal(linked, owner):
            break
        owner, doubts = resolved(linked, seen, times_s, settings)
    owner = _kept(owner, settings.keep_hits)
    path, traits = paths(owner, seen, times_s, settings)
    present = attended(owner, path, traits, seen, times_s, watched, settings)
    if not np.array_equal(present, owner):
        owner = present
        path, traits = paths(owner, seen, times_s, settings)
    count = int(owner.max(initial=-1)) + 1
    told = _told(owner, path, seen, settings)
    return Followed(
        row=seen.row,
        owner=owner,
        path=path.take(told),
        traits=None if traits is None else traits[told],
        count=count,
        doubts=doubts,
    )


def _nobody() -> Followed:
    none = np.zeros(0, np.int64)
    path = Path(track=none, step=none, mean=np.zeros((0, 4)), covariance=np.zeros((0, 4, 4)))
    return Followed(row=none, owner=none, path=path, traits=None, count=0, doubts=())


def attended(
    owner: Ints,
    path: Path,
    traits: Floats | None,
    seen: Seen,
    times_s: Floats,
    watched: Watched,
    settings: TrackSettings,
) -> Ints:
    """Owners without ghosts: tracks that the cameras ought to have seen far more often than they did own nothing.

    `path` and `traits` are theirs (see `paths`).
    """
    count = int(owner.max(initial=-1)) + 1
    if not count:
        return owner
    looks, sights = np.zeros(count), np.zeros(count)
    sizes = traits if traits is not None else np.zeros((len(path.track), 0))
    order = np.lexsort((seen.camera, seen.step))
    cuts = np.flatnonzero(np.r_[True, (np.diff(seen.step[order]) != 0) | (np.diff(seen.camera[order]) != 0)])
    slots = np.argsort(path.step, kind="stable")
    bounds = np.searchsorted(path.step[slots], np.arange(len(times_s) + 1))
    for rows in np.split(order, cuts[1:]):
        step, camera = int(seen.step[rows[0]]), int(seen.camera[rows[0]])
        here = slots[bounds[step] : bounds[step + 1]]
        chance = watched.detectable(camera, path.mean[here, :2], sizes[here])
        hit = np.isin(path.track[here], owner[rows])
        chance = np.where(hit, np.maximum(chance, settings.hidden_probability), chance)
        looks[path.track[here]] += chance
        sights[path.track[here]] += chance * hit
    ghost = sights < settings.keep_share * looks
    return _kept(np.where((owner != NOBODY) & ghost[owner], NOBODY, owner), 1)


def resolved(owner: Ints, seen: Seen, times_s: Floats, settings: TrackSettings) -> tuple[Ints, tuple[Doubt, ...]]:
    """Owners after the exchanges that past and future together call for, and what stays doubtful."""
    rows = np.flatnonzero(owner != NOBODY)
    unit = _units(owner, seen)
    sights = Sights(track=owner[rows], step=seen.step[rows], place=seen.place[rows], noise=seen.noise[rows])
    marks = Marks(traits=seen.traits[rows], noise=seen.trait_noise[rows])
    density, speed = settings.jerkiness_m2_s3 * unit**2, settings.speed_sigma_m_s * unit
    after = owner.copy()
    after[rows], doubts = resolve(sights, marks, times_s, density, speed, unit, settings)
    return after, doubts


def _units(owner: Ints, seen: Seen) -> Floats:
    """Mean unit of each track [tracks]."""
    rows = np.flatnonzero(owner != NOBODY)
    count = int(owner.max(initial=-1)) + 1
    unit = np.zeros(count)
    np.add.at(unit, owner[rows], seen.unit[rows])
    return unit / np.maximum(np.bincount(owner[rows], minlength=count), 1)


def _told(owner: Ints, path: Path, seen: Seen, settings: TrackSettings) -> NDArray[np.bool_]:
    """Which places of the paths are certain enough: where somebody was seen, and across gaps of little doubt."""
    unit, rows = _units(owner, seen), owner != NOBODY
    spread = np.sqrt(np.trace(path.covariance[:, :2, :2], axis1=1, axis2=2) / 2)
    steps = int(path.step.max(initial=0)) + 1
    sighted = np.isin(path.track * steps + path.step, owner[rows] * steps + seen.step[rows])
    sure: NDArray[np.bool_] = sighted | (spread <= settings.told_sigma_m * unit[path.track])
    return sure


def _kept(owner: Ints, hits: int) -> Ints:
    """Owners renumbered 0…n-1 in order of their keys; tracks with fewer than `hits` detections own nothing."""
    keys, counts = np.unique(owner[owner != NOBODY], return_counts=True)
    keys = keys[counts >= hits]
    index = np.searchsorted(keys, owner)
    found = (index < len(keys)) & (keys[np.minimum(index, len(keys) - 1)] == owner) if len(keys) else owner < NOBODY
    return np.where(found, index, NOBODY)


def paths(owner: Ints, seen: Seen, times_s: Floats, settings: TrackSettings) -> tuple[Path, Floats | None]:
    """Smoothed paths of tracks 0…n-1 and, where there are traits, the smoothed traits beside them."""
    rows = np.flatnonzero(owner != NOBODY)
    count = int(owner.max(initial=-1)) + 1
    unit = _units(owner, seen)
    sights = Sights(track=owner[rows], step=seen.step[rows], place=seen.place[rows], noise=seen.noise[rows])
    path = smooth(sights, times_s, settings.jerkiness_m2_s3 * unit**2, settings.speed_sigma_m_s * unit)
    if seen.traits.shape[1] != 2:
        return path, None
    noise = np.broadcast_to(settings.trait_sigma**2 * np.eye(2), (len(rows), 2, 2))
    sizes = Sights(track=owner[rows], step=seen.step[rows], place=seen.traits[rows], noise=noise)
    drift = np.full(count, settings.trait_drift_s3)
    return path, smooth(sizes, times_s, drift, np.full(count, settings.trait_walk_s)).mean[:, :2]


def relinked(owner: Ints, seen: Seen, times_s: Floats, watched: Watched, settings: TrackSettings) -> Ints:
    """Owners after one round of linking ends to beginnings."""
    path, traits = paths(owner, seen, times_s, settings)
    if not len(path.track):
        return owner
    first = np.flatnonzero(np.r_[True, np.diff(path.track) != 0])
    last = np.r_[first[1:] - 1, len(path.track) - 1]
    count = len(first)
    if traits is None:
        unit = np.ones(len(path.track))
        mean, variance = _mean_traits(owner, seen, count)
        kind = mean[path.track]
    else:
        unit = np.exp(traits[:, 1]) / settings.height_m
        kind, variance = traits, np.full(count, settings.trait_sigma**2)
    starts, ends = (
        _ends(at, direction, path, unit, times_s, watched, settings) for at, direction in ((first, -1), (last, 1))
    )
    look = _mean_look(owner, seen, count)
    other = _apart(look, path.step[first], path.step[last])
    likeness = (
        Kinds(traits=kind[last], variance=variance, look=look, look_other=other),
        Kinds(traits=kind[first], variance=variance, look=look, look_other=other),
    )
    root = chained(
        link(
            starts,
            ends,
            _overlaps(owner, seen, path, first, last, times_s, settings),
            likeness[0],
            likeness[1],
            settings,
        )
    )
    return _renumber(owner, root)


def _ends(
    at: Ints, direction: int, path: Path, unit: Floats, times_s: Floats, watched: Watched, settings: TrackSettings
) -> Ends:
    """The last sights (`direction` 1) or the first (-1); doors count that the walk leads to, or comes from."""
    mean = path.mean[at]
    walk = [mean[:, :2] + direction * share * settings.exit_s * mean[:, 2:] for share in (0.0, 0.5, 1.0)]
    outside = np.max([watched.outside(place, unit[at]) for place in walk], axis=0)
    return Ends(
        at_s=times_s[path.step[at]],
        mean=mean,
        covariance=path.covariance[at],
        unit=unit[at],
        outside=np.clip(outside, settings.outside_far, 1 - settings.outside_far),
    )


def _overlaps(
    owner: Ints, seen: Seen, path: Path, first: Ints, last: Ints, times_s: Floats, settings: TrackSettings
) -> Overlaps:
    """Pairs of tracks of which one begins shortly before the other ends, and goes on."""
    begin, end = path.step[first], path.step[last]
    beside = times_s[end][:, None] - times_s[begin][None, :]
    pairs = (beside >= 0) & (beside <= settings.overlap_s)
    pairs &= (begin[:, None] < begin[None, :]) & (end[:, None] < end[None, :])
    before, after = np.nonzero(pairs)
    at = first[after] + end[before] - begin[after]
    both, either = _beside(owner, seen, before, after, begin, end)
    return Overlaps(
        before=before,
        after=after,
        mean=path.mean[at],
        covariance=path.covariance[at],
        both=both,
        either=either,
    )


def _beside(owner: Ints, seen: Seen, before: Ints, after: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """How often one camera gave both tracks of a pair at one instant, and how often only one of them [pairs]."""
    rows = np.flatnonzero(owner != NOBODY)
    cameras, steps = int(seen.camera.max(initial=0)) + 1, int(seen.step.max(initial=0)) + 1
    look = np.sort((owner[rows] * steps + seen.step[rows]) * cameras + seen.camera[rows])
    both, either = np.zeros(len(before), np.int64), np.zeros(len(before), np.int64)
    spans = end[before] - begin[after] + 1
    pair = np.repeat(np.arange(len(before)), spans)
    step = np.arange(len(pair)) - np.repeat(np.cumsum(spans) - spans, spans) + begin[after][pair]
    for camera in range(cameras):
        one = _holds(look, (before[pair] * steps + step) * cameras + camera)
        other = _holds(look, (after[pair] * steps + step) * cameras + camera)
        np.add.at(both, pair, one & other)
        np.add.at(either, pair, one ^ other)
    return both, either


def _holds(values: Ints, wanted: Ints) -> NDArray[np.bool_]:
    """Which of `wanted` are among the ascending `values`."""
    at = np.minimum(np.searchsorted(values, wanted), max(len(values) - 1, 0))
    held: NDArray[np.bool_] = values[at] == wanted
    return held


def _renumber(owner: Ints, root: Ints) -> Ints:
    """Owners by the first of their chain, numbered 0…n-1 again."""
    _, index = np.unique(root, return_inverse=True)
    return np.where(owner != NOBODY, index[owner], NOBODY)


def _mean_traits(owner: Ints, seen: Seen, count: int) -> tuple[Floats, Floats]:
    """Traits of each track over its whole life [tracks, k], and their variance [tracks]."""
    rows = np.flatnonzero(owner != NOBODY)
    weight = 1 / seen.trait_noise[rows]
    total, moment = np.zeros(count), np.zeros((count, seen.traits.shape[1]))
    np.add.at(total, owner[rows], weight)
    np.add.at(moment, owner[rows], weight[:, None] * seen.traits[rows])
    return moment / total[:, None], 1 / total


def _apart(look: Floats, begin: Ints, end: Ints) -> float:
    """How far apart, as 1 - cosine, the looks of tracks are that were there at one time: of different people."""
    both = (begin[:, None] <= end[None, :]) & (begin[None, :] <= end[:, None]) & ~np.eye(len(look), dtype=np.bool_)
    known = np.linalg.norm(look, axis=1) > 0
    both &= known[:, None] & known[None, :]
    return float(1 - (look @ look.T)[both].mean()) if both.any() else 0.0


def _mean_look(owner: Ints, seen: Seen, count: int) -> Floats:
    total = np.zeros((count, seen.look.shape[1]))
    rows = np.flatnonzero(owner != NOBODY)
    np.add.at(total, owner[rows], seen.look[rows])
    mean: Floats = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return mean
