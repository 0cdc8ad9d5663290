"""A recording's boxes joined in batches over time: all steps at once instead of one step after another.

First boxes of neighbouring steps are joined where nothing competes, then where velocities from both sides decide; then
the pieces are joined to each other across gaps, the clear ones first, the rest by one assignment for each group that
competes. As everywhere here, what a pair gains is its log-likelihood against two different people. Lengths are scaled
by how tall a box is and noise is the same in both directions, so that three numbers do for a covariance of sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .association import spans, trait_gains
from .linking import chained
from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ALONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Boxes in order of step, then x: step [m], time [m], centre [m, 2] with `sigma` [m], pixels in a metre [m],
    logarithmic sizes [m, 2], and whether the score is high [m].
    """

    step: Ints
    at_s: Floats
    place: Floats
    sigma: Floats
    unit: Floats
    traits: Floats
    sure: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Last or first sights of pieces: box [n], time [n], centre and velocity [n, 2], pixels in a metre [n], sizes.

    `spread` [n, 3], the same for both axes: variance of place, covariance with velocity, variance of velocity.
    """

    box: Ints
    at_s: Floats
    place: Floats
    speed: Floats
    spread: Floats
    unit: Floats
    traits: Floats
    trait_variance: Floats


def join_boxes(step: Ints, boxes_px: Floats, score: Floats, times_s: Floats, settings: TrackSettings) -> Ints:
    """The track of each box [m, 4] (x, y, w, h) at `step` [m] of `times_s`: equal numbers are one person, ALONE nobody.

    Faint boxes carry on what sure ones began; who was given fewer than `confirm_hits` boxes is nobody.
    """
    settings = replace(settings, jerkiness_m2_s3=settings.image_jerkiness_m2_s3)
    place = boxes_px[:, :2] + boxes_px[:, 2:] / 2
    wide = float(np.ptp(place[:, 0])) if len(place) else 0.0
    row = np.argsort(step * (wide + 1.0) + place[:, 0], kind="stable")
    tall, now = boxes_px[row, 3], step[row]
    points = Points(
        step=now,
        at_s=times_s[now],
        place=place[row],
        sigma=np.maximum(settings.centre_sigma * tall, settings.pixel_sigma / 4),
        unit=tall / settings.height_m,
        traits=np.log(boxes_px[row, 2:]),
        sure=score[row] >= settings.sure_score,
    )
    root = join(points, settings)
    brightest = np.zeros(len(root))
    np.maximum.at(brightest, root, score[row])
    told = (brightest >= settings.birth_score) & (np.bincount(root, minlength=len(root)) >= settings.confirm_hits)
    owner = np.empty(len(root), np.int64)
    owner[row] = np.where(told[root], root, ALONE)
    return owner


def join(points: Points, settings: TrackSettings) -> Ints:
    """The track of each box: the number of the first box of its chain."""
    after = neighbours(points, settings)
    count = len(after)
    for seconds, clear in ((settings.glance_s, True), (settings.glance_s, False), (settings.lost_s, False)):
        starts, ends = pieces(points, chained(after), settings)
        e, s = meetings(starts, ends, seconds, settings)
        gain, gap = joined(ends, starts, e, s, settings), starts.at_s[s] - ends.at_s[e]
        i, j = ends.box[e], starts.box[s]
        if clear:
            made = np.flatnonzero(_clear(i, j, gain, count, settings.clear_nats) & _soonest(i, j, gain, gap, count))
        else:
            made = _best(i, j, gain, count)
        after[i[made]] = j[made]
    return chained(after)


def neighbours(points: Points, settings: TrackSettings) -> Ints:
    """For each box the one of the next step that is clearly the same person, or ALONE.

    First by place and size alone; then, where that is not beyond doubt, again by what the boxes before the one and
    after the other say of its velocity.
    """
    count = len(points.step)
    i, j, gain = _next(points, settings)
    after = np.full(count, ALONE, np.int64)
    made = _clear(i, j, gain, count, settings.clear_nats)
    after[i[made]] = j[made]
    sure = _clear(i, j, gain, count, settings.sure_nats)
    settled = np.zeros((2, count), np.bool_)
    settled[0, i[sure]] = settled[1, j[sure]] = True
    open_ = ~(settled[0, i] | settled[1, j])
    i, j = i[open_], j[open_]
    before = np.full(count, ALONE, np.int64)
    has = np.flatnonzero(after != ALONE)
    before[after[has]] = has
    left, right = np.unique(i), np.unique(j)
    pasts = _ends(points, *_way(before, left, settings.neighbour_boxes), settings)
    futures = _ends(points, *_way(after, right, settings.neighbour_boxes), settings)
    gain = joined(pasts, futures, np.searchsorted(left, i), np.searchsorted(right, j), settings)
    made = _clear(i, j, gain, count, settings.clear_nats)
    after[i] = ALONE
    after[i[made]] = j[made]
    return after


def _way(following: Ints, boxes: Ints, most: int) -> tuple[Ints, Bools]:
    """The boxes [n, most] that each of `boxes` leads to, itself first, and which of them there are."""
    way = np.empty((len(boxes), most), np.int64)
    there = np.ones((len(boxes), most), np.bool_)
    way[:, 0] = boxes
    for number in range(1, most):
        leads = following[way[:, number - 1]]
        there[:, number] = there[:, number - 1] & (leads != ALONE)
        way[:, number] = np.where(there[:, number], leads, way[:, number - 1])
    return way, there


def _next(points: Points, settings: TrackSettings) -> tuple[Ints, Ints, Floats]:
    """Pairs of boxes of neighbouring steps within a walk's reach, and what each gains by place and size."""
    step, at_s, unit, sigma = points.step, points.at_s, points.unit, points.sigma
    if not len(step):
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    x, y = points.place.T
    steps = int(step[-1]) + 1
    begin = np.searchsorted(step, np.arange(steps + 2))
    upcoming = begin[step + 1]
    seconds = np.where(begin[step + 2] > upcoming, at_s[np.minimum(upcoming, len(step) - 1)] - at_s, 0.0)
    own = sigma**2 + (settings.speed_sigma_m_s * seconds * unit) ** 2
    there = np.flatnonzero(np.diff(begin) > 0)
    widest = np.zeros(steps + 1)
    widest[there] = np.maximum.reduceat(sigma, begin[there])
    reach = np.sqrt(settings.gate_chi2 * (own + widest[step + 1] ** 2))
    # Steps lie side by side, so far apart that no reach crosses from one to another.
    apart = float(x.max() - x.min() + 2 * reach.max()) + 1.0
    along = x + step * apart
    low, high = np.searchsorted(along, along + (apart - reach)), np.searchsorted(along, along + (apart + reach))
    i, j = spans(low, high)
    variance = own[i] + sigma[j] ** 2
    dx, dy = x[j] - x[i], y[j] - y[i]
    far = (dx * dx + dy * dy) / variance
    near = (far <= settings.gate_chi2) & points.sure[i] & points.sure[j]
    i, j, far, variance = i[near], j[near], far[near], variance[near]
    gain = np.log(unit[i] ** 2 / (variance * (2 * np.pi * settings.new_density_m2))) - far / 2
    doubt = np.full(len(i), 2 * settings.trait_sigma**2)
    return i, j, gain + trait_gains(points.traits[i], points.traits[j], doubt, settings)


def pieces(points: Points, root: Ints, settings: TrackSettings) -> tuple[Ends, Ends]:
    """First and last sights of all pieces, each as the few boxes nearest to it tell."""
    order = np.argsort(root, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(root[order]) != 0]) if len(root) else order
    last = np.r_[first[1:], len(root)] - 1
    within = np.arange(settings.end_boxes)
    heads, tails = first[:, None] + within, last[:, None] - within
    starts = _ends(points, order[np.minimum(heads, last[:, None])], heads <= last[:, None], settings)
    ends = _ends(points, order[np.maximum(tails, first[:, None])], tails >= first[:, None], settings)
    return starts, ends


def _ends(points: Points, boxes: Ints, there: Bools, settings: TrackSettings) -> Ends:
    """Weighted least squares of a straight walk over boxes [n, k], the first of them the end itself."""
    box = boxes[:, 0]
    tau = points.at_s[boxes] - points.at_s[box][:, None]
    unit = points.unit[box]
    density = settings.jerkiness_m2_s3 * unit**2
    weight = there / (points.sigma[boxes] ** 2 + density[:, None] * np.abs(tau) ** 3 / 3)
    lever = weight * tau
    a, b = weight.sum(axis=1), lever.sum(axis=1)
    d = (lever * tau).sum(axis=1) + (settings.speed_sigma_m_s * unit) ** -2.0
    det = a * d - b * b
    place = points.place[boxes]
    one, other = np.einsum("nk,nkx->nx", weight, place), np.einsum("nk,nkx->nx", lever, place)
    count = there.sum(axis=1)
    return Ends(
        box=box,
        at_s=points.at_s[box],
        place=(d[:, None] * one - b[:, None] * other) / det[:, None],
        speed=(a[:, None] * other - b[:, None] * one) / det[:, None],
        spread=np.column_stack((d, -b, a)) / det[:, None],
        unit=unit,
        traits=np.einsum("nk,nkt->nt", there.astype(np.float64), points.traits[boxes]) / count[:, None],
        trait_variance=settings.trait_sigma**2 / np.minimum(count, 3),
    )


def meetings(starts: Ends, ends: Ends, seconds: float, settings: TrackSettings) -> tuple[Ints, Ints]:
    """Rows of ends and of starts [k] near enough for one person to have gone from one to the other in time."""
    order = np.argsort(starts.at_s, kind="stable")
    at_s, (x, y) = starts.at_s[order], starts.place[order].T
    low = np.searchsorted(at_s, ends.at_s, side="right")
    e, s = spans(low, np.searchsorted(at_s, ends.at_s + seconds, side="right"))
    limit = (settings.link_reach_m + settings.top_speed_m_s * (at_s[s] - ends.at_s[e])) * ends.unit[e]
    dx = x[s] - ends.place[e, 0]
    near = np.abs(dx) <= limit
    e, s, dx, limit = e[near], s[near], dx[near], limit[near]
    dy = y[s] - ends.place[e, 1]
    near = dx * dx + dy * dy <= limit * limit
    return e[near], order[s[near]]


def joined(ends: Ends, starts: Ends, e: Ints, s: Ints, settings: TrackSettings) -> Floats:
    """What joining each pair gains [k], nats."""
    gap, unit = starts.at_s[s] - ends.at_s[e], ends.unit[e]
    density = settings.jerkiness_m2_s3 * unit**2
    was, then = ends.spread[e], starts.spread[s]
    aa = was[:, 0] + gap * (2 * was[:, 1] + gap * was[:, 2]) + density * gap**3 / 3 + then[:, 0]
    ab = was[:, 1] + gap * was[:, 2] + density * gap**2 / 2 + then[:, 1]
    bb = was[:, 2] + density * gap + then[:, 2]
    det = aa * bb - ab * ab
    miss = starts.place[s] - ends.place[e] - gap[:, None] * ends.speed[e]
    turn = starts.speed[s] - ends.speed[e]
    far = (bb[:, None] * miss**2 - 2 * ab[:, None] * miss * turn + aa[:, None] * turn**2).sum(axis=1) / det
    anybody = (settings.speed_sigma_m_s * unit) ** 2 + then[:, 2]
    anew = (starts.speed[s] ** 2).sum(axis=1) / anybody
    gain: Floats = (anew - far) / 2 + np.log(anybody * unit**2 / (2 * np.pi * settings.new_density_m2 * det))
    doubt = ends.trait_variance[e] + starts.trait_variance[s] + settings.trait_walk_s**2 * gap
    gain += trait_gains(ends.traits[e], starts.traits[s], doubt, settings)
    return gain - gap / settings.hidden_s


def _clear(i: Ints, j: Ints, gain: Floats, count: int, margin: float) -> Bools:
    """Pairs that gain, and by `margin` more than any other pair of either side."""
    top = np.full((2, count), margin)  # what gains nothing competes with nobody
    np.maximum.at(top[0], i, gain)
    np.maximum.at(top[1], j, gain)
    mine, its = gain > top[0][i] - margin, gain > top[1][j] - margin
    one = (np.bincount(i[mine], minlength=count)[i] == 1) & (np.bincount(j[its], minlength=count)[j] == 1)
    made: Bools = mine & its & one
    return made


def _soonest(i: Ints, j: Ints, gain: Floats, gap: Floats, count: int) -> Bools:
    """Pairs with nothing between them: a piece in between that gains too may belong there."""
    least = np.full((2, count), np.inf)
    worth = gain > 0
    np.minimum.at(least[0], i[worth], gap[worth])
    np.minimum.at(least[1], j[worth], gap[worth])
    first: Bools = (gap <= least[0][i]) & (gap <= least[1][j])
    return first


def _best(i: Ints, j: Ints, gain: Floats, count: int) -> Ints:
    """Rows of pairs that gain most together, no box twice."""
    worth = np.flatnonzero(gain > 0)
    i, j, gain = i[worth], j[worth], gain[worth]
    alone = (np.bincount(i, minlength=count)[i] == 1) & (np.bincount(j, minlength=count)[j] == 1)
    made = [np.flatnonzero(alone)]
    rest = np.flatnonzero(~alone)
    if len(rest):
        left, row = np.unique(i[rest], return_inverse=True)
        right, column = np.unique(j[rest], return_inverse=True)
        size = len(left) + len(right)
        graph = coo_array((np.ones(len(rest)), (row, column + len(left))), shape=(size, size))
        group = connected_components(graph, directed=False)[1][row]
        order = np.argsort(group, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
        made += [rest[part[_solved(row[part], column[part], gain[rest[part]])]] for part in parts]
    taken: Ints = worth[np.concatenate(made)]
    return taken


def _solved(i: Ints, j: Ints, gain: Floats) -> Ints:
    """Which of the pairs of one group are made."""
    _, row = np.unique(i, return_inverse=True)
    _, column = np.unique(j, return_inverse=True)
    shape = int(row.max()) + 1, int(column.max()) + 1
    worth, pair = np.zeros(shape), np.full(shape, ALONE)
    worth[row, column], pair[row, column] = gain, np.arange(len(gain))
    chosen = pair[linear_sum_assignment(worth, maximize=True)]
    made: Ints = chosen[chosen != ALONE]
    return made
