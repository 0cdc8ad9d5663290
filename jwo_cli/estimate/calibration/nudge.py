"""Was a camera nudged? Matches between a picture from the calibration and one of today, explained by a turn.

A camera on its bracket turns far more than it moves. The turn that most matches agree on is found among turns that
two matches propose; people and goods that moved disagree and do not count. What the turn means is said in centimetres
on the floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lens import Lens
from .rigid import Rigid, angle_deg, identity, nearest_turn
from .verdict import Judgement, Reason, Verdict, above, below, judge

Floats = NDArray[np.float64]
AGREE_PX = 2.0
PROPOSALS = 400
LEAST = 20
# As for the floor: feet are seen to about 5 cm.
GOOD_CM, USABLE_CM = 2.0, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """`now_from_then`: the camera's turn; `agree` [N] the matches that follow it; how far the floor moved (cm)."""

    now_from_then: Floats
    turned_deg: float
    shift_px: float
    floor_cm: float
    agree: NDArray[np.bool_]
    judgement: Judgement


def nudged(lens: Lens, camera_from_store: Rigid, then_px: Floats, now_px: Floats) -> Nudge:
    """Compare matched pixels [N, 2] of then and now; `camera_from_store` is the calibrated pose."""
    then, now = lens.rays(then_px), lens.rays(now_px)
    good = np.asarray(np.isfinite(then).all(axis=1) & np.isfinite(now).all(axis=1), dtype=np.bool_)
    then, now = np.where(good[:, None], then, 0.0), np.where(good[:, None], now, 0.0)
    near = AGREE_PX * max(lens.width_px, 640) / 640 / float(lens.values[0])
    turn = _agreed(then[good], now[good], near)
    for _ in range(10):
        miss = np.linalg.norm(now - then @ turn.T, axis=1)
        agree = good & (miss < near)
        if agree.sum() < 3:
            break
        weight = 1 / (1 + (miss[agree] / (near / 3)) ** 2)
        turn = nearest_turn((now[agree] * weight[:, None]).T @ then[agree])
    agree = good & (np.linalg.norm(now - then @ turn.T, axis=1) < near)
    shift = float(np.median(np.linalg.norm((now_px - then_px)[agree], axis=1))) if agree.any() else float("nan")
    floor_cm = floor_shift_cm(lens, camera_from_store, turn)
    share = float(agree.mean()) if len(agree) else 0.0
    return Nudge(
        now_from_then=turn,
        turned_deg=angle_deg(turn),
        shift_px=shift,
        floor_cm=floor_cm,
        agree=agree,
        judgement=judge(_reasons(int(agree.sum()), share, angle_deg(turn), shift, floor_cm)),
    )


def _agreed(then: Floats, now: Floats, near: float) -> Floats:
    """The turn that most matches follow, among those that pairs of matches propose (evenly chosen, so repeatable)."""
    count = len(then)
    best, turn = -1, identity().turn
    if count < 2:
        return turn
    for index in range(min(PROPOSALS, count * 4)):
        # Strides that are coprime to most counts walk through many different pairs.
        a, b = (index * 7919) % count, (index * 104729 + count // 2 + 1) % count
        if a == b or np.linalg.norm(np.cross(then[a], then[b])) < 0.05:
            continue
        proposal = nearest_turn(_frame(now[a], now[b]) @ _frame(then[a], then[b]).T)
        agreeing = int((np.linalg.norm(now - then @ proposal.T, axis=1) < near).sum())
        if agreeing > best:
            best, turn = agreeing, proposal
    return turn


def _frame(a: Floats, b: Floats) -> Floats:
    z = np.cross(a, b)
    z = z / max(float(np.linalg.norm(z)), 1e-12)
    middle = (a + b) / max(float(np.linalg.norm(a + b)), 1e-12)
    return np.column_stack([middle, np.cross(z, middle), z])


def floor_shift_cm(lens: Lens, camera_from_store: Rigid, turn: Floats) -> float:
    """By how much the floor's places move when the camera turns (median over the image's rays that meet it), cm."""
    x, y = np.meshgrid(np.linspace(0.1, 0.9, 9) * lens.width_px, np.linspace(0.1, 0.9, 7) * lens.height_px)
    rays = lens.rays(np.column_stack([x.ravel(), y.ravel()]))
    start = camera_from_store.centre()
    height = start[2] if start[2] > 0.2 else 2.5
    before, after = rays @ camera_from_store.turn, rays @ turn @ camera_from_store.turn
    down = (before[:, 2] < -0.15) & (after[:, 2] < -0.15)
    if not down.any():
        return float(np.radians(angle_deg(turn)) * height * 100)
    met = [item[down, :2] * (-height / item[down, 2:]) for item in (before, after)]
    return float(np.median(np.linalg.norm(met[1] - met[0], axis=1)) * 100)


def _reasons(count: int, share: float, turned: float, shift: float, floor_cm: float) -> list[Reason]:
    if count < LEAST or share < 0.15:
        text = f"only {count} matches ({share:.0%}) agree on one turn: the picture changed too much to compare"
        fix = "Compare pictures without people and in like light; if that fails too, calibrate the camera again."
        return [Reason(verdict=Verdict.REFUSED, text=text, fix=fix)]
    text = f"the camera turned by {turned:.2f}° ({shift:.1f} px), which moves the floor by {floor_cm:.1f} cm"
    fix = "The camera was nudged: turn it back, or place it again with `jwo calibrate floor`."
    return [
        below(floor_cm, good=GOOD_CM, usable=USABLE_CM, text=text, fix=fix),
        above(share, good=0.3, usable=0.15, text=f"{count} matches ({share:.0%}) agree",
              fix="Compare pictures without people and in like light."),
    ]  # fmt: skip
