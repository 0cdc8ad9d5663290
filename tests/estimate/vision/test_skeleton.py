"""Joints in space: rays decide where there are several, priors and honest covariance where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.vision.physique import L_WRIST, MIRRORED, R_SHOULDER, R_WRIST, Physique
from jwo_cli.estimate.vision.skeleton import Body, Glance, body, glance
from tests.estimate.vision.puppets import VIEWS, Puppet, shown

PHYSIQUE = Physique()
REACHING = Puppet(place=(3.0, 2.2), facing_rad=0.3, grip=(3.45, 2.1, 1.30))
WRIST = REACHING.joints()[10]


def glances(names: str, *, blur_px: float = 0.0, seed: int = 0, puppet: Puppet = REACHING) -> list[Glance]:
    draw = np.random.default_rng(seed)
    found = []
    for name in names.split():
        poses = shown([puppet], name, blur_px=blur_px, draw=draw)
        tall = float(poses.corners_px[0, 3] - poses.corners_px[0, 1])
        found.append(glance(VIEWS[name], poses.keypoints_px[0], tall, PHYSIQUE))
    return found


def fit(given: list[Glance], before: Body | None = None) -> Body:
    stand = np.array(REACHING.place) + 0.05
    return body(0, given, stand, 0.08**2 * np.eye(2), 1.75, PHYSIQUE, before)


def test_three_cameras_place_a_hand_to_centimetres() -> None:
    """With exact key points in three cameras the wrist is where it is, and the body knows it."""
    found = fit(glances("c1 c2 c3"))
    assert np.linalg.norm(found.joints_m[R_WRIST] - WRIST) < 0.04
    assert found.sigma_m()[R_WRIST] < 0.08
    assert found.views[R_WRIST] == 3


def test_the_covariance_is_honest() -> None:
    """Over many noisy instants the errors of wrists are as large as their covariance says, within a factor of two."""
    squares = []
    for seed in range(40):
        given = glances("c1 c2 c3", blur_px=8.0, seed=seed)
        found = fit(given)
        off = found.joints_m[R_WRIST] - WRIST
        squares.append(float(off @ np.linalg.solve(found.blocks()[R_WRIST], off)) / 3)
    assert 0.2 < float(np.mean(squares)) < 2.0


def test_one_camera_is_less_sure_and_says_along_which_way() -> None:
    """A lone camera's wrist is uncertain along its ray, several times more than across, and the truth is within it."""
    one, many = fit(glances("c1")), fit(glances("c1 c2 c3"))
    assert one.sigma_m()[R_WRIST] > 1.5 * many.sigma_m()[R_WRIST]
    _, axes = np.linalg.eigh(one.blocks()[R_WRIST])
    ray = WRIST - VIEWS["c1"].centre_m()
    assert abs(float(axes[:, -1] @ ray) / float(np.linalg.norm(ray))) > 0.8
    off = one.joints_m[R_WRIST] - WRIST
    assert float(off @ np.linalg.solve(one.blocks()[R_WRIST], off)) < 14.2  # 99.7 % of a chi² of three


def test_a_wrong_key_point_loses_its_say() -> None:
    """A wrist that one of three cameras sees elsewhere moves the result by little."""
    given = glances("c1 c2 c3")
    px = given[1].px.copy()
    px[R_WRIST] += 120.0
    given[1] = Glance(view=given[1].view, px=px, sigma_px=given[1].sigma_px)
    assert np.linalg.norm(fit(given).joints_m[R_WRIST] - WRIST) < 0.08


def test_left_and_right_are_exchanged_back() -> None:
    """A camera that takes a back for a front has its sides exchanged where two others say so."""
    given = glances("c1 c2 c3")
    given[2] = Glance(view=given[2].view, px=given[2].px[MIRRORED], sigma_px=given[2].sigma_px[MIRRORED])
    found = fit(given)
    assert np.linalg.norm(found.joints_m[R_WRIST] - WRIST) < 0.05
    assert np.linalg.norm(found.joints_m[R_SHOULDER] - REACHING.joints()[6]) < 0.08


def test_a_moment_ago_tells_the_depth_to_one_camera() -> None:
    """Where the other cameras are gone for one frame, the hand stays where it was, not where a prior has it."""
    before = fit(glances("c1 c2 c3"))
    kept = body(100_000_000, glances("c1"), np.array(REACHING.place), 0.01 * np.eye(2), 1.75, PHYSIQUE, before)
    alone = fit(glances("c1"))
    assert kept.sigma_m()[R_WRIST] < alone.sigma_m()[R_WRIST]
    assert np.linalg.norm(kept.joints_m[R_WRIST] - WRIST) < np.linalg.norm(alone.joints_m[R_WRIST] - WRIST) + 0.02


@pytest.mark.parametrize("names", ["", "c1"])
def test_who_is_not_seen_has_the_priors_width(names: str) -> None:
    """Joints that no camera showed are told by no view, with the prior's large deviation."""
    given = [Glance(view=one.view, px=one.px, sigma_px=np.full(9, np.inf)) for one in glances(names)]
    found = fit(given)
    assert not found.views.any()
    assert found.sigma_m()[L_WRIST] > 0.15
