"""A walk gives the rig back: to centimetres, upright, in metres; and what does not tell is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rig import Rigged
from jwo_cli.estimate.calibration.rig_walk import calibrate_walk
from jwo_cli.estimate.calibration.rigid import Rigid, angle_deg
from jwo_cli.estimate.calibration.verdict import Judgement, Verdict
from jwo_cli.estimate.calibration.walk import Bodies, stance, upright
from jwo_cli.model.layout import LensKind
from tests.estimate.calibration.worlds import lens, looking, rig

Floats = NDArray[np.float64]
TALL = 1.75


def walk(
    cameras: Sequence[Rigid],
    which: Lens,
    *,
    instants: int = 240,
    noise_px: float = 2.0,
    sway_m: float = 0.0,
    mistaken: float = 0.0,
    middle: tuple[float, float] = (2.0, 1.5),
    seed: int = 3,
) -> list[Bodies]:
    """A figure of eight through the shop, seen whole; feet stride and heads bob by `sway_m` (σ)."""
    draw = np.random.default_rng(seed)
    t = np.linspace(0, 1, instants)
    xy = np.column_stack([middle[0] + 1.6 * np.sin(6 * np.pi * t), middle[1] + 1.1 * np.sin(4 * np.pi * t + 0.4)])
    feet = np.column_stack([xy + draw.normal(0, sway_m, xy.shape), np.zeros(instants)])
    heads = np.column_stack([xy + draw.normal(0, sway_m, xy.shape), TALL + draw.normal(0, sway_m / 3, instants)])
    out = []
    for camera in cameras:
        foot, head = (
            which.project(camera.apply(points)) + draw.normal(0, noise_px, (instants, 2)) for points in (feet, heads)
        )
        wrong = draw.random(instants) < mistaken
        head[wrong] += draw.uniform(-80, 80, (int(wrong.sum()), 2))
        whole = np.ones(instants, dtype=bool)
        for px in (foot, head):
            whole &= ((px > 2) & (px < (which.width_px - 2, which.height_px - 2))).all(axis=1)
        out.append(Bodies(instant=np.flatnonzero(whole).astype(np.int64), head_px=head[whole], foot_px=foot[whole]))
    return out


def _errors(true: Sequence[Rigid], found: Rigged) -> tuple[list[float], list[float]]:
    """Centimetres and degrees of each camera against the first."""
    places, turns = [], []
    for one, here in zip(true, found.cameras, strict=True):
        expected, got = one.after(true[0].inverse()), here.after(found.cameras[0].inverse())
        places.append(float(np.linalg.norm(expected.centre() - got.centre()) * 100))
        turns.append(angle_deg(expected.turn @ got.turn.T))
    return places, turns


@pytest.mark.parametrize("kind", list(LensKind))
def test_the_rig_comes_back_with_its_scale_and_its_floor(kind: LensKind) -> None:
    """Places to 2 cm over 5 m, turns to 0.3°, heights over the floor to 1.5 cm, for pinholes and fisheyes."""
    cameras, which = rig(4), lens(kind)
    found = calibrate_walk("abcd", [which] * 4, walk(cameras, which), TALL)
    assert isinstance(found, Rigged)
    places, turns = _errors(cameras, found)
    assert max(places) < 2.0
    assert max(turns) < 0.3
    for true, here in zip(cameras, found.cameras, strict=True):
        assert here.centre()[2] == pytest.approx(true.centre()[2], abs=0.015)
    assert found.judgement.verdict is Verdict.PASS
    assert found.walked


def test_a_person_who_strides_and_mistakes_do_not_spoil_it() -> None:
    """Feet and head 6 cm off at every instant and a tenth of the heads mistaken: places still to 6 cm."""
    cameras, which = rig(4), lens()
    found = calibrate_walk("abcd", [which] * 4, walk(cameras, which, sway_m=0.06, mistaken=0.1), TALL)
    assert isinstance(found, Rigged)
    places, turns = _errors(cameras, found)
    assert max(places) < 6.0
    assert max(turns) < 1.0
    assert 0.02 < found.outliers < 0.2


def test_what_is_claimed_covers_the_error() -> None:
    """Each camera's place within three of its σ, at several noises."""
    cameras, which = rig(4), lens()
    for seed in range(3):
        seen = walk(cameras, which, instants=100, sway_m=0.04, seed=seed)
        found = calibrate_walk("abcd", [which] * 4, seen, TALL)
        assert isinstance(found, Rigged)
        for error, sigma in zip(_errors(cameras, found)[0][1:], found.sigma_cm[1:], strict=True):
            assert error < 3 * sigma


def test_the_scale_is_the_walkers_height() -> None:
    """Told a tenth too tall, every distance and height is a tenth too large: nothing else changes."""
    cameras, which = rig(3), lens()
    seen = walk(cameras, which, noise_px=0.5)
    one, two = (calibrate_walk("abc", [which] * 3, seen, height) for height in (TALL, 1.1 * TALL))
    assert isinstance(one, Rigged)
    assert isinstance(two, Rigged)
    np.testing.assert_allclose(two.baseline_m, 1.1 * one.baseline_m, rtol=1e-3)
    assert two.cameras[1].centre()[2] == pytest.approx(1.1 * one.cameras[1].centre()[2], rel=1e-3)


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ((0.0, -2.0, 2.4), (2.0, 1.5, 0.8)),  # a shop's corner
        ((-6.0, 1.5, 1.7), (2.0, 1.5, 1.2)),  # from the side, nearly level: bodies shrink towards the horizon
        ((2.0, 1.4, 5.5), (2.0, 1.5, 0.0)),  # straight down: bodies point away from the middle
    ],
)
def test_one_camera_tells_where_up_is_and_how_high_it_hangs(
    place: tuple[float, float, float], target: tuple[float, float, float]
) -> None:
    """Height to 3 %, up to one degree."""
    camera, which = looking(place, target), lens()
    found = stance(which, walk([camera], which, noise_px=1.0)[0], TALL)
    assert found is not None
    assert found.pose.centre()[2] == pytest.approx(place[2], rel=0.03)
    tilt = np.degrees(np.arccos(np.clip(found.pose.turn[:, 2] @ camera.turn[:, 2], -1, 1)))
    assert tilt < 1.0


def test_boxes_end_at_the_body_not_at_its_axis() -> None:
    """From boxes around bodies of flesh, heads and feet come out nearer than the boxes' edges have them."""
    camera, which = looking((0.0, -1.0, 3.2), (2.0, 1.5, 0.3)), lens()
    t = np.linspace(0, 1, 80)
    spots = np.column_stack([2 + 1.6 * np.sin(6 * np.pi * t), 1.5 + 1.1 * np.sin(4 * np.pi * t + 0.4)])
    heights, turns = np.meshgrid(np.linspace(0, TALL, 9), np.linspace(0, 2 * np.pi, 16), indexing="ij")
    wide = np.where(heights < 0.9 * TALL, 0.2, 0.09)
    flesh = np.stack([wide * np.cos(turns), wide * np.sin(turns), heights], axis=-1).reshape(-1, 3)
    boxes, ends = [], []
    for spot in spots:
        px = which.project(camera.apply(flesh + np.array([*spot, 0.0])))
        end = which.project(camera.apply(np.array([[*spot, TALL], [*spot, 0.0]])))
        if np.isfinite(px).all() and (px > 0).all() and (px < (which.width_px, which.height_px)).all():
            boxes.append([*px.min(axis=0), *(px.max(axis=0) - px.min(axis=0))])
            ends.append(end)
    box, true = np.array(boxes), np.array(ends)
    found = np.stack(upright(box, which, TALL), axis=1)
    middle = box[:, 0] + box[:, 2] / 2
    plain = np.stack([np.column_stack([middle, box[:, 1]]), np.column_stack([middle, box[:, 1] + box[:, 3]])], axis=1)
    assert len(box) > 30
    assert np.linalg.norm(found - true, axis=2).mean() < 0.4 * np.linalg.norm(plain - true, axis=2).mean()


def test_a_camera_that_nobody_walked_before_is_refused_by_name() -> None:
    """Too few bodies; and bodies that no other camera saw."""
    cameras, which = rig(3), lens()
    seen = walk(cameras, which)
    few = [*seen[:2], seen[2].take(np.arange(len(seen[2].instant)) < 5)]
    found = calibrate_walk(["door", "till", "fridge"], [which] * 3, few, TALL)
    assert isinstance(found, Judgement)
    assert "fridge saw fewer" in found.reasons[0].text
    alone = [*seen[:2], replace(seen[2], instant=seen[2].instant + 100_000)]
    found = calibrate_walk(["door", "till", "fridge"], [which] * 3, alone, TALL)
    assert isinstance(found, Judgement)
    assert "together with the others by fridge" in found.reasons[0].text
    assert found.verdict is Verdict.REFUSED


def test_cameras_whose_clocks_disagree_do_not_pass() -> None:
    """Half a second late at a metre a second is not good enough, and it is said of the residuals."""
    cameras, which = rig(3), lens()
    seen = walk(cameras, which)
    late = [*seen[:2], replace(seen[2], instant=seen[2].instant + 12)]
    found = calibrate_walk("abc", [which] * 3, late, TALL)
    judgement = found if isinstance(found, Judgement) else found.judgement
    assert judgement.verdict is not Verdict.PASS


def test_the_same_walk_gives_the_same_bits() -> None:
    """Determinism."""
    cameras, which = rig(3), lens()
    first, second = (calibrate_walk("abc", [which] * 3, walk(cameras, which, instants=80), TALL) for _ in range(2))
    assert isinstance(first, Rigged)
    assert isinstance(second, Rigged)
    assert first.cameras[2].shift.tobytes() == second.cameras[2].shift.tobytes()
