"""A rig from one person who walks where several cameras look: feet on the floor, the head a known height above them.

Each camera alone tells where up is (all bodies point at one vanishing point) and how high it hangs (the body's known
height), hence where on its own floor each foot stands (Lv, Zhao and Nevatia 2006). Two cameras' floors are laid onto
one another by the instants that both saw. A bundle adjustment then moves all cameras and all places together, the
person being a board with two points that stands upright on the floor. The rig's frame has z up and the floor at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from .intrinsics import View
from .lens import Lens
from .rig_start import CAP_PX, Edge, miss
from .rigid import Rigid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 12  # bodies without which nothing is said of a camera
SHARED = 8
LOWEST_M = 0.3  # a camera at shin height sees no bodies on a floor
OFF_SHARE = 0.006  # a head this far off (of the focal length: six pixels of a thousand) begins to count less
FAR_M = 0.4  # two instants nearer than this on the floor do not fix a turn
PROPOSERS, JUDGES = 24, 64
ROUNDS = 6
# A body as rings: at which share of its height, how wide (m): feet that stride, shoulders, crown.
RINGS = ((0.0, 0.17), (0.82, 0.23), (1.0, 0.08))
AROUND = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """What one camera saw of the walker: `instant` [n] shared by all cameras, `head_px` and `foot_px` [n, 2].

    `boxed`: they were taken from boxes (see `upright`), not seen as a head and feet.
    """

    instant: Ints
    head_px: Floats
    foot_px: Floats
    boxed: bool = False

    def take(self, keep: NDArray[np.bool_]) -> Bodies:
        """Those marked in `keep` [n]."""
        return replace(self, instant=self.instant[keep], head_px=self.head_px[keep], foot_px=self.foot_px[keep])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """A camera above its own floor: `camera_from_floor` (z up, origin below the camera), and where feet were [n, 2]."""

    pose: Rigid
    feet_m: Floats


def stance(lens: Lens, bodies: Bodies, height_m: float) -> Stance | None:
    """Where a camera hangs above the floor; None where bodies are few or do not tell."""
    foot, head = (_plane(lens, px) for px in (bodies.foot_px, bodies.head_px))
    good = np.isfinite(foot).all(axis=1) & np.isfinite(head).all(axis=1)
    if good.sum() < LEAST:
        return None
    found = _upward(foot[good], head[good], height_m)
    if found is None:
        return None
    up, above = found
    ahead = np.array([0.0, 0.0, 1.0]) - up[2] * up
    if np.linalg.norm(ahead) < 0.1:  # straight down: the image's upper edge is ahead
        ahead = np.array([0.0, -1.0, 0.0]) + up[1] * up
    ahead /= np.linalg.norm(ahead)
    turn = np.stack([ahead, np.cross(up, ahead), up])  # floor_from_camera
    pose = Rigid(turn=turn.T, shift=-turn.T @ np.array([0.0, 0.0, above]))
    return Stance(pose=pose, feet_m=on_floor(lens, pose, bodies.foot_px))


def _plane(lens: Lens, px: Floats) -> Floats:
    """Rays of pixels [n, 3] with z = 1."""
    return np.column_stack([lens.normalised(px), np.ones(len(px))])


def _upward(foot: Floats, head: Floats, height_m: float) -> tuple[Floats, float] | None:
    """Where up is [3] and how high the camera hangs (m), from rays to feet and heads [n, 3]; None where nothing fits.

    Two ways to begin, the better of which is refined: bodies point at one vanishing point, which tells most from above;
    and they shrink towards the horizon, which tells most from the side.
    """
    best: tuple[float, Floats, float] | None = None
    for begin in (_by_vanishing(foot, head, height_m), _by_size(foot, head, height_m)):
        if begin is None:
            continue
        cost, up, above = _refined(foot, head, *begin, height_m)
        if above > LOWEST_M and (best is None or cost < best[0]):
            best = (cost, up, above)
    return best[1:] if best is not None else None


def _by_vanishing(foot: Floats, head: Floats, height_m: float) -> tuple[Floats, float] | None:
    """Up lies across every normal of the plane through the camera, a foot and its head.

    Rows are not made equal: the longer a body in the image, the surer its plane. Reweighted, for stooping and mistakes.
    """
    planes = np.cross(foot, head)
    weight = np.ones(len(planes))
    up = np.zeros(3)
    for _ in range(ROUNDS):
        _, sizes, axes = np.linalg.svd(planes * weight[:, None], full_matrices=False)
        if sizes[1] < 1e-9 * max(sizes[0], 1e-300):
            return None
        up = axes[2]
        off = np.abs(planes @ up)
        weight = 1 / np.maximum(off / max(1.5 * float(np.median(off)), 1e-12), 1.0)
    # depth · foot + height · up lies along the head's ray: depth = -height (up × head)·(foot × head) / |foot × head|².
    depth = -height_m * (np.cross(up, head) * planes).sum(axis=1) / np.maximum((planes**2).sum(axis=1), 1e-12)
    side = 1.0 if float(np.median(depth)) > 0 else -1.0
    return side * up, max(float(np.median(-depth * (foot @ up))), LOWEST_M)


def _by_size(foot: Floats, head: Floats, height_m: float) -> tuple[Floats, float] | None:
    """A body's height in the image is its share of the camera's height times how far its foot is below the horizon.

    Regressed on the foot's place, for a camera that is roughly level: y_foot - y_head = (h / c) (y_foot - horizon(x)).
    """
    tall = foot[:, 1] - head[:, 1]
    known = np.column_stack([foot[:, 1], foot[:, 0], np.ones(len(foot))])
    weight: Floats = np.ones(len(foot))
    slope: Floats = np.zeros(3)
    for _ in range(ROUNDS):
        slope = np.asarray(np.linalg.lstsq(known * weight[:, None], tall * weight, rcond=None)[0], dtype=np.float64)
        off = np.abs(known @ slope - tall)
        weight = np.asarray(1 / np.maximum(off / max(1.5 * float(np.median(off)), 1e-12), 1.0))
    if slope[0] < 1e-3:
        return None
    up = np.array([-slope[1] / slope[0], -1.0, -slope[2] / slope[0]])
    length = float(np.linalg.norm(up))
    return up / length, max(height_m / float(slope[0]) / length, LOWEST_M)


def _refined(foot: Floats, head: Floats, up: Floats, above: float, height_m: float) -> tuple[float, Floats, float]:
    """Up and height moved until heads appear where they were seen, feet being where they were seen (robust)."""
    across = np.linalg.svd(up[None])[2][1:]

    def state(by: Floats) -> tuple[Floats, float]:
        turned = up + by[0] * across[0] + by[1] * across[1]
        return turned / np.linalg.norm(turned), above * float(np.exp(by[2]))

    def off(by: Floats) -> Floats:
        way, high = state(by)
        depth = high / np.maximum(-(foot @ way), 1e-3)
        place = depth[:, None] * foot + height_m * way
        return np.asarray((place[:, :2] / np.maximum(place[:, 2:], 1e-2) - head[:, :2]).ravel())

    solved = least_squares(off, np.zeros(3), loss="soft_l1", f_scale=OFF_SHARE, max_nfev=60)
    way, high = state(solved.x)
    return float(solved.cost), way, high


def on_floor(lens: Lens, camera_from_floor: Rigid, px: Floats) -> Floats:
    """Where pixels [n, 2] are on the floor [n, 2], metres; NaN above the horizon."""
    rays = _plane(lens, px) @ camera_from_floor.turn
    place = camera_from_floor.centre()
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(rays[:, 2] < -1e-6, -place[2] / rays[:, 2], np.nan)
    return np.asarray(place[:2] + along[:, None] * rays[:, :2])


def body(height_m: float) -> Floats:
    """Foot and head of the walker in their own frame [2, 3]."""
    return np.array([[0.0, 0.0, 0.0], [0.0, 0.0, height_m]])


def walk_edges(
    lenses: Sequence[Lens], seen: Sequence[Bodies], stances: Sequence[Stance | None], height_m: float
) -> tuple[Edge, ...]:
    """The best-agreed transform of every pair of cameras that shares enough instants, in order of the cameras."""
    edges = []
    for a, one in enumerate(stances):
        for b in range(a + 1, len(stances)):
            other = stances[b]
            if one is None or other is None:
                continue
            _, here, there = np.intersect1d(seen[a].instant, seen[b].instant, return_indices=True)
            good = np.isfinite(one.feet_m[here]).all(axis=1) & np.isfinite(other.feet_m[there]).all(axis=1)
            here, there = here[good], there[good]
            if len(here) < SHARED:
                continue
            floor = _laid(one.feet_m[here], other.feet_m[there])
            if floor is None:
                continue
            found = one.pose.after(floor).after(other.pose.inverse())
            picked = np.unique(np.linspace(0, len(here) - 1, JUDGES).astype(int))
            errors = [
                _miss(lenses[a], seen[a], here[i], one.pose.after(floor), other.feet_m[there[i]], height_m)
                for i in picked
            ]
            error = float(np.minimum(errors, CAP_PX).mean())
            edges.append(Edge(a=a, b=b, a_from_b=found, moments=len(here), error_px=error))
    return tuple(edges)


def _miss(lens: Lens, seen: Bodies, row: int, camera_from_floor: Rigid, foot_m: Floats, height_m: float) -> float:
    """How far, px, somebody whom another camera saw stand there appears from where this camera saw them."""
    points = body(height_m) + np.array([foot_m[0], foot_m[1], 0.0])
    view = View(name="", points_m=points, px=np.stack([seen.foot_px[row], seen.head_px[row]]))
    return miss(lens, view, camera_from_floor)


def _laid(a: Floats, b: Floats) -> Rigid | None:
    """`a_from_b` on the floor from places that both cameras saw [n, 2], whatever some of them are worth.

    Pairs of instants propose a turn and a shift; the one under which most agree wins and is fitted to those.
    """
    best: tuple[float, Floats, float] | None = None
    picked = np.unique(np.linspace(0, len(a) - 1, PROPOSERS).astype(int))
    for i in picked:
        for j in picked:
            one, two = a[j] - a[i], b[j] - b[i]
            if i >= j or min(np.linalg.norm(one), np.linalg.norm(two)) < FAR_M:
                continue
            angle = float(np.arctan2(one[1], one[0]) - np.arctan2(two[1], two[0]))
            off = np.linalg.norm(a - a[i] - (b - b[i]) @ _turned(angle).T, axis=1)
            score = float(np.minimum(off, 1.0).mean())
            if best is None or score < best[0]:
                best = (score, off, angle)
    if best is None:
        return None
    keep = best[1] <= max(float(np.median(best[1])) * 2, 0.05)
    middle_a, middle_b = a[keep].mean(axis=0), b[keep].mean(axis=0)
    cov = (b[keep] - middle_b).T @ (a[keep] - middle_a)
    angle = float(np.arctan2(cov[0, 1] - cov[1, 0], cov[0, 0] + cov[1, 1]))
    shift = middle_a - _turned(angle) @ middle_b
    turn = np.eye(3)
    turn[:2, :2] = _turned(angle)
    return Rigid(turn=turn, shift=np.array([shift[0], shift[1], 0.0]))


def _turned(angle: float) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def upright(boxes_px: Floats, lens: Lens, height_m: float) -> tuple[Floats, Floats]:
    """Heads and feet [n, 2], the ends of the body's axis, in boxes (x, y, w, h) [n, 4].

    A box ends where shoulders, toes and crown do, not at the axis, and from above it leans: by how much is known once
    the camera's height and up are, so the two are found in turns. A figure of three rings stands for the body.
    """
    middle = boxes_px[:, :2] + boxes_px[:, 2:] / 2
    half = np.column_stack([np.zeros(len(boxes_px)), boxes_px[:, 3] / 2])
    head, foot = middle - half, middle + half
    for _ in range(ROUNDS):
        bodies = Bodies(instant=np.arange(len(boxes_px), dtype=np.int64), head_px=head, foot_px=foot)
        found = stance(lens, bodies, height_m)
        if found is None:
            break
        low, top, left_top, right_bottom = _figure(lens, found.pose, found.feet_m, height_m)
        # The drawn figure's box against the box that was seen: what is between its ends and its axis stays the same.
        shift = middle[:, 0] - (left_top[:, 0] + right_bottom[:, 0]) / 2
        new_head = np.column_stack([top[:, 0] + shift, boxes_px[:, 1] + top[:, 1] - left_top[:, 1]])
        new_foot = np.column_stack(
            [low[:, 0] + shift, boxes_px[:, 1] + boxes_px[:, 3] + low[:, 1] - right_bottom[:, 1]]
        )
        good = np.isfinite(new_head).all(axis=1) & np.isfinite(new_foot).all(axis=1)
        good &= np.abs(new_head - middle).max(axis=1) < boxes_px[:, 2:].max(axis=1)
        good &= np.abs(new_foot - middle).max(axis=1) < boxes_px[:, 2:].max(axis=1)
        head, foot = np.where(good[:, None], new_head, head), np.where(good[:, None], new_foot, foot)
    return head, foot


def _figure(
    lens: Lens, camera_from_floor: Rigid, feet_m: Floats, height_m: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Where a body standing there appears: its axis' foot and head, its box's left top and right bottom, px [n, 2]."""
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    rings = np.concatenate(
        [
            np.column_stack([wide * np.cos(turn), wide * np.sin(turn), np.full(AROUND, share * height_m)])
            for share, wide in RINGS
        ]
    )
    spots = np.column_stack([np.nan_to_num(feet_m), np.zeros(len(feet_m))])
    around = (spots[:, None] + rings[None]).reshape(-1, 3)
    px = lens.project(camera_from_floor.apply(around)).reshape(len(spots), -1, 2)
    up = np.array([0.0, 0.0, height_m])
    low, top = (lens.project(camera_from_floor.apply(points)) for points in (spots, spots + up))
    lost = ~np.isfinite(feet_m).all(axis=1)
    low[lost], top[lost] = np.nan, np.nan
    return low, top, px.min(axis=1), px.max(axis=1)
