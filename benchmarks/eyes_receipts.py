"""From key points in images to receipts: invented mornings, seen by a tracker of keypoints and by three cameras.

What cameras' models would give is made of the play's true bodies: each joint projected, with an error of 2.5 % of the
person's height in the image, one in ten not seen, one in fifty far off, left and right exchanged once in forty; joints
behind the person's own trunk are hidden. The same weights go with either. So the difference between the columns is what
seeing by cameras costs against a keypoint tracker (1 cm, ids of its own).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.drive.replay import replay
from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import KEYPOINTS, Boxes, Poses
from jwo_cli.estimate.signals import IdentityTold, PoseFrame, Signal, WeightBatch
from jwo_cli.estimate.vision.eyes import Eyes
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.layout import Camera, Pose, Store
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording
from jwo_cli.recordings.writer import write_recording
from jwo_cli.synthetic import sample
from jwo_cli.synthetic.film.optics import views, with_lenses
from jwo_cli.synthetic.scripts import Actor, AnyAct, Leave, Pick, Put, Script
from jwo_cli.synthetic.simulate import Simulated, simulate
from jwo_cli.synthetic.stage import Person

TITLE = "Eyes: from key points in images to receipts"
SEEDS = (1, 2, 3, 4)
STEP_NS = NS_PER_S // 10
NOISE_SHARE, UNSEEN, FAR_OFF, EXCHANGED = 0.025, 0.1, 0.02, 0.025
Floats = NDArray[np.float64]
_LEFT = [i for i, name in enumerate(KEYPOINTS) if name.startswith("l_")]
_RIGHT = [KEYPOINTS.index("r_" + KEYPOINTS[i][2:]) for i in _LEFT]


def shop() -> Store:
    """The sample's kiosk with its two cameras and a third over the north wall."""
    store = sample.layout()
    first = store.cameras[0]
    third = Camera(
        camera_id="c3", pose=Pose(x_m=3.0, y_m=4.45, z_m=2.7), look_at=(2.8, 0.9, 0.6), width_px=first.width_px,
        height_px=first.height_px,
    )  # fmt: skip
    return with_lenses(replace(store, cameras=(*store.cameras, third)), width_px=1280)


def morning(seed: int) -> Script:
    """Six shoppers within a minute, up to four at once."""
    plans: tuple[tuple[str, float, tuple[AnyAct, ...]], ...] = (
        ("ann", 0.5, (Pick(product=sample.CHIPS), Pick(product=sample.COLA))),
        ("ben", 6.0, (Pick(product=sample.SOUP, count=2),)),
        ("cem", 9.0, (Pick(product=sample.CHOCOLATE), Put(product=sample.CHOCOLATE), Pick(product=sample.COOKIES))),
        ("dana", 12.0, (Pick(product=sample.COLA), Pick(product=sample.COOKIES))),
        ("eli", 22.0, (Pick(product=sample.JUICE),)),
        ("fay", 26.0, (Pick(product=sample.CHIPS),)),
    )
    actors = tuple(Actor(key=key, enter_s=enter_s, acts=(*acts, Leave())) for key, enter_s, acts in plans)
    return Script(name="eyes", scenario="eyes", seed=seed, start_ns=sample.START_NS, actors=actors)


def run() -> str:
    """The table."""
    store = shop()
    rows = [
        "| seed | shoppers | right by keypoints | cameras | their boxes | scales alone | ids | wrist cm | ms/instant |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    totals = np.zeros(5, np.int64)
    for seed in SEEDS:
        play = simulate(store, morning(seed))
        truth = sorted(visit.items for visit in play.visits)
        plain = right(receipts_of(store, play.signals), truth)
        start = time.process_time()
        told = list(seen_by_cameras(store, play, seed))
        poses = [one for one in told if isinstance(one, PoseFrame)]
        cost = (time.process_time() - start) / max(len(poses), 1) * 1e3
        weights: list[Signal] = [signal for signal in play.signals if isinstance(signal, WeightBatch)]
        ours = right(receipts_of(store, sorted([*weights, *told], key=captured_ns)), truth)
        bodies = seen_by_cameras(store, play, seed, boxes=True)
        coarse = right(receipts_of(store, sorted([*weights, *bodies], key=captured_ns)), truth)
        alone = right(receipts_of(store, weights), truth)
        ids = len({person.track_id for frame in poses for person in frame.people})
        off = 100 * float(np.median(list(_off_m(play, poses))))
        totals += (len(truth), plain, ours, coarse, alone)
        rows.append(
            f"| {seed} | {len(truth)} | {plain} | {ours} | {coarse} | {alone} | {ids} | {off:.1f} | {cost:.0f} |"
        )
    rows.append(f"| all | {totals[0]} | {totals[1]} | {totals[2]} | {totals[3]} | {totals[4]} | | | |")
    return "\n".join([*rows, ""])


def seen_by_cameras(
    store: Store, play: Simulated, seed: int, *, boxes: bool = False
) -> Iterator[PoseFrame | IdentityTold]:
    """What the cameras tell; with `boxes` their models give no key points."""
    draw, eyes = np.random.default_rng(seed), Eyes(store)
    sights = views(store)
    for step in range(int(play.duration_s * 10)):
        at_s = step / 10
        people = [one for one in play.stage.people.values() if one.motion.begin_s <= at_s < one.motion.end_s]
        bodies = [_points(person, at_s) for person in people]
        for name, view in sights.items():
            points = _shown(view, bodies, draw)
            found = Boxes(corners_px=points.corners_px, scores=points.scores) if boxes else points
            for seen in eyes.feed(name, sample.START_NS + step * STEP_NS, found):
                yield from seen.signals()
    for seen in eyes.close():
        yield from seen.signals()


def _points(person: Person, at_s: float) -> Floats:
    """A body's key points [17, 3] in the store."""
    joints = person.motion.joints(np.array([at_s - 0.05, at_s]))[1]
    head, neck, shoulders, elbows, wrists = joints[0], joints[1], joints[2:4], joints[4:6], joints[6:8]
    across = shoulders[0] - shoulders[1]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    ahead = np.cross(across, (0.0, 0.0, 1.0))
    feet = np.array([*person.motion.position(at_s), 0.0])
    tall = person.motion.head_m / 0.93
    points = {"nose": head + 0.08 * ahead}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        number = 0 if side == "l" else 1
        points |= {
            f"{side}_eye": head + 0.06 * ahead + 0.03 * sign * across + (0, 0, 0.03),
            f"{side}_ear": head + 0.07 * sign * across,
            f"{side}_shoulder": shoulders[number], f"{side}_elbow": elbows[number], f"{side}_wrist": wrists[number],
            f"{side}_hip": 0.5 * (neck * (1, 1, 0) + feet) + 0.11 * sign * across + (0, 0, 0.53 * tall),
            f"{side}_knee": feet + 0.1 * sign * across + (0, 0, 0.285 * tall),
            f"{side}_ankle": feet + 0.1 * sign * across + (0, 0, 0.045 * tall),
        }  # fmt: skip
    return np.stack([points[name] for name in KEYPOINTS])


def _shown(view: View, bodies: Iterable[Floats], draw: np.random.Generator) -> Poses:
    """What a model of key points would give of these bodies in one camera."""
    assert view.size_px is not None
    rows, corners = [], []
    for body in bodies:
        if not view.in_front(body).all():
            continue
        px = view.project(body)
        low, high = px.min(axis=0), px.max(axis=0)
        tall = float(high[1] - low[1])
        inside = (px >= 0).all(axis=1) & (px < view.size_px).all(axis=1)
        if inside.sum() < 6 or tall < 40:
            continue
        px = px + draw.normal(0, NOISE_SHARE * tall, px.shape)
        far = draw.random(len(px)) < FAR_OFF
        px[far] += draw.normal(0, 0.25 * tall, (int(far.sum()), 2))
        seen = inside & (draw.random(len(px)) >= UNSEEN) & ~_behind(view, body)
        if draw.random() < EXCHANGED:
            px[[*_LEFT, *_RIGHT]], seen[[*_LEFT, *_RIGHT]] = px[[*_RIGHT, *_LEFT]], seen[[*_RIGHT, *_LEFT]]
        rows.append(np.column_stack((px, np.where(seen, draw.uniform(0.4, 0.9, len(px)), 0.08))))
        edges = np.clip(np.array([low, high]), 0, np.array(view.size_px) - 1)
        corners.append(edges.ravel() + draw.normal(0, 0.02 * tall, 4))
    return Poses(
        corners_px=np.array(corners, np.float32).reshape(-1, 4),
        scores=np.full(len(rows), 0.85, np.float32),
        keypoints_px=np.array(rows, np.float32).reshape(-1, len(KEYPOINTS), 3),
    )


def _behind(view: View, body: Floats) -> NDArray[np.bool_]:
    """Which key points lie behind the own trunk: an arm in front of somebody seen from behind."""
    shoulder, hip = KEYPOINTS.index("l_shoulder"), KEYPOINTS.index("l_hip")
    middle = body[[shoulder, shoulder + 1, hip, hip + 1]].mean(axis=0)
    sight = middle - view.centre_m()
    deep = (body - middle) @ (sight / np.linalg.norm(sight))
    aside = np.linalg.norm(np.cross(body - view.centre_m(), sight / np.linalg.norm(sight))[:, :2], axis=1)
    return np.asarray((deep > 0.12) & (aside < 0.15))


def receipts_of(store: Store, signals: Iterable[Signal]) -> tuple[ReceiptIssued, ...]:
    """What a replay of these signals charges."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        write_recording(path, name="eyes", store=store, start_ns=sample.START_NS, signals=signals)
        return replay(open_recording(path)).receipts


def right(receipts: Iterable[ReceiptIssued], truth: list[tuple[tuple[str, int], ...]]) -> int:
    """How many true baskets are on a receipt of their own, estimated whole."""
    left = list(truth)
    for receipt in receipts:
        basket: dict[str, int] = {}
        for line in receipt.lines:
            basket[line.product_id] = basket.get(line.product_id, 0) + line.quantity
        items = tuple(sorted(basket.items()))
        if items in left:
            left.remove(items)
    return len(truth) - len(left)


def _off_m(play: Simulated, poses: Iterable[PoseFrame]) -> Iterator[float]:
    """How far told wrists are from those of the person whose neck is nearest."""
    for frame in poses:
        at_s = (frame.at_ns - sample.START_NS) / NS_PER_S
        people = [one for one in play.stage.people.values() if one.motion.begin_s <= at_s < one.motion.end_s]
        if not people:
            continue
        true = np.stack([person.motion.joints(np.array([at_s - 0.05, at_s]))[1] for person in people])
        for told in frame.people:
            nearest = true[int(np.argmin(np.linalg.norm(true[:, 1, :2] - told.joints_m[1, :2], axis=1)))]
            for row in (6, 7):
                if np.isfinite(told.joints_m[row, 0]):
                    yield float(np.linalg.norm(nearest[row] - told.joints_m[row]))
