"""Where to start a rig from: the pairs of cameras that agree make a tree, and every board goes where its cameras agree.

A pair's transform is not averaged: moments at which both saw the board propose one (four, with the flat board's two
poses in each), and the proposal under which the moments agree best wins. Pairs that agree badly, such as two cameras on
opposite sides that share a few grazing views, stay out of the tree; the adjustment over all cameras places them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bundle import Scene, Sightings, adjust, held, scene
from .intrinsics import View
from .lens import Lens
from .planar import planar_poses
from .rigid import Rigid, identity

Floats = NDArray[np.float64]
HUBER_PX = 1.0
BEHIND_PX = 1e3
CAP_PX = 20.0  # a moment that disagrees by more than this counts no more against a proposal
PROPOSERS, JUDGES = 16, 32  # moments of a pair that propose and that judge, evenly over the recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What one camera saw of the board at one shared instant."""

    camera: int
    instant: int
    view: View


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A pair of cameras: `a_from_b`, over how many shared moments, and how well they agree (mean px, capped)."""

    a: int
    b: int
    a_from_b: Rigid
    moments: int
    error_px: float
    used: bool = False


def candidates(lenses: Sequence[Lens], moments: Sequence[Moment]) -> tuple[tuple[Rigid, ...], ...]:
    """The two poses of each moment's board (`camera_from_board`), each moved to its own least error, the better first.

    Those behind the camera or far off are left out.
    """
    starts: list[Rigid] = []
    owners: list[int] = []
    for index, one in enumerate(moments):
        rays = lenses[one.camera].normalised(one.view.px)
        good = np.isfinite(rays).all(axis=1)
        if good.sum() >= 4:
            starts += planar_poses(one.view.points_m[good, :2], rays[good])
            owners += [index, index]
    if not starts:
        return tuple(() for _ in moments)
    sizes = [len(moments[owner].view.px) for owner in owners]
    sightings = Sightings(
        camera=np.repeat([moments[owner].camera for owner in owners], sizes),
        board=np.repeat(np.arange(len(owners)), sizes),
        points_m=np.concatenate([moments[owner].view.points_m for owner in owners]),
        px=np.concatenate([moments[owner].view.px for owner in owners]),
    )
    here = scene(lenses, [identity()] * len(lenses), starts)
    free = held(here)
    free.board[:] = True
    solved = adjust(here, sightings, free, huber_px=HUBER_PX)
    found: list[list[tuple[float, Rigid]]] = [[] for _ in moments]
    for place, owner in enumerate(owners):
        board, one = solved.state.board(place), moments[owner]
        error = miss(lenses[one.camera], one.view, board)
        if error < BEHIND_PX:
            found[owner].append((error, board))
    out = []
    for pairs in found:
        pairs.sort(key=lambda pair: pair[0])
        out.append(tuple(pose for error, pose in pairs if error <= max(3.0, 3 * pairs[0][0])))
    return tuple(out)


def pair_edges(
    count: int, lenses: Sequence[Lens], moments: Sequence[Moment], poses: Sequence[tuple[Rigid, ...]]
) -> tuple[Edge, ...]:
    """The best-agreed transform of every pair that shares a moment, in order of the cameras."""
    by_camera: list[dict[int, int]] = [{} for _ in range(count)]
    for index, one in enumerate(moments):
        if poses[index]:
            by_camera[one.camera][one.instant] = index
    edges = []
    for a in range(count):
        for b in range(a + 1, count):
            shared = sorted(set(by_camera[a]) & set(by_camera[b]))
            pairs = [(by_camera[a][instant], by_camera[b][instant]) for instant in shared]
            if pairs:
                edges.append(_edge(a, b, lenses, moments, poses, pairs))
    return tuple(edges)


def _edge(
    a: int,
    b: int,
    lenses: Sequence[Lens],
    moments: Sequence[Moment],
    poses: Sequence[tuple[Rigid, ...]],
    pairs: Sequence[tuple[int, int]],
) -> Edge:
    best: tuple[float, Rigid] | None = None
    judges = _spread(pairs, JUDGES)
    for left, right in _spread(pairs, PROPOSERS):
        for from_a in poses[left]:
            for from_b in poses[right]:
                proposal = from_a.after(from_b.inverse())
                errors = [_disagreement(proposal, lenses, moments, poses, i, j) for i, j in judges]
                score = float(np.minimum(errors, CAP_PX).mean())
                if best is None or score < best[0]:
                    best = (score, proposal)
    assert best is not None  # noqa: S101 - pairs are never empty and every moment has a pose
    return Edge(a=a, b=b, a_from_b=best[1], moments=len(pairs), error_px=best[0])


def _spread(pairs: Sequence[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """At most `count` of them, evenly."""
    return [pairs[index * len(pairs) // count] for index in range(count)] if len(pairs) > count else list(pairs)


def _disagreement(
    a_from_b: Rigid,
    lenses: Sequence[Lens],
    moments: Sequence[Moment],
    poses: Sequence[tuple[Rigid, ...]],
    left: int,
    right: int,
) -> float:
    """How far, in px of either camera, the other camera's board falls from the corners seen; the best pose counts."""
    one, other = moments[left], moments[right]
    to_a = [miss(lenses[one.camera], one.view, a_from_b.after(pose)) for pose in poses[right]]
    to_b = [miss(lenses[other.camera], other.view, a_from_b.inverse().after(pose)) for pose in poses[left]]
    return max(min(to_a), min(to_b))


def miss(lens: Lens, view: View, pose: Rigid) -> float:
    """Mean distance, px, between the corners seen and where the pose puts them; BEHIND_PX behind the camera."""
    points = pose.apply(view.points_m)
    if (points[:, 2] <= 0.01).any():
        return BEHIND_PX
    return float(np.sqrt(((lens.project(points) - view.px) ** 2).sum(axis=1).mean()))


def spanning_tree(count: int, edges: Sequence[Edge]) -> tuple[list[Edge], list[int]]:
    """The spanning tree of the pairs that agree best, and the cameras it does not reach from camera 0."""
    # Agreement first; few moments agree by chance, so their error is held against them.
    ranked = sorted(edges, key=lambda edge: (edge.error_px * (1 + 3 / math.sqrt(edge.moments)), edge.a, edge.b))
    group = list(range(count))
    tree = []
    for edge in ranked:
        if group[edge.a] != group[edge.b]:
            tree.append(edge)
            old, new = group[edge.b], group[edge.a]
            group = [new if item == old else item for item in group]
    return tree, [index for index in range(count) if group[index] != group[0]]


def unrolled(count: int, tree: Sequence[Edge]) -> list[Rigid]:
    """`camera_from_rig`, the rig's frame being camera 0's."""
    placed: dict[int, Rigid] = {0: identity()}
    while len(placed) < count:
        for edge in tree:
            if edge.a in placed and edge.b not in placed:
                placed[edge.b] = edge.a_from_b.inverse().after(placed[edge.a])
            elif edge.b in placed and edge.a not in placed:
                placed[edge.a] = edge.a_from_b.after(placed[edge.b])
    return [placed[index] for index in range(count)]


def start_scene(
    lenses: Sequence[Lens],
    cameras: Sequence[Rigid],
    moments: Sequence[Moment],
    poses: Sequence[tuple[Rigid, ...]],
) -> tuple[Scene, Sightings]:
    """Each board where the cameras that saw it agree best, and all corners seen of it."""
    by_instant: dict[int, list[int]] = {}
    for index, one in enumerate(moments):
        if poses[index]:
            by_instant.setdefault(one.instant, []).append(index)
    boards, parts = [], []
    for instant in sorted(by_instant):
        indices = by_instant[instant]
        choices = [cameras[moments[index].camera].inverse().after(pose) for index in indices for pose in poses[index]]
        costs = [
            sum(
                min(CAP_PX, miss(lenses[moments[i].camera], moments[i].view, cameras[moments[i].camera].after(choice)))
                for i in indices
            )
            for choice in choices
        ]
        boards.append(choices[int(np.argmin(costs))])
        parts += [(moments[index].camera, len(boards) - 1, moments[index].view) for index in indices]
    sizes = [len(view.px) for _, _, view in parts]
    sightings = Sightings(
        camera=np.repeat([camera for camera, _, _ in parts], sizes),
        board=np.repeat([board for _, board, _ in parts], sizes),
        points_m=np.concatenate([view.points_m for _, _, view in parts]),
        px=np.concatenate([view.px for _, _, view in parts]),
    )
    return scene(lenses, cameras, boards), sightings
