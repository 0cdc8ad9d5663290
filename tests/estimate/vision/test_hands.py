"""Hands past wrists, and bodies as pose messages hold them."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.signals import JOINTS
from jwo_cli.estimate.vision.hands import EITHER, envelope, hands, standing_joints, told_joints
from jwo_cli.estimate.vision.physique import R_ELBOW, R_WRIST, Physique
from jwo_cli.estimate.vision.shelves import Shelves
from tests.estimate.tracking.kiosk import kiosk
from tests.estimate.vision.test_skeleton import PHYSIQUE, WRIST, fit, glances


def test_a_hand_is_past_its_wrist_along_the_forearm() -> None:
    """The grip lies half a hand's length beyond the wrist, away from the elbow, and is less certain than the wrist."""
    body = fit(glances("c1 c2 c3"))
    right = hands(body, PHYSIQUE)[1]
    past = right.place_m - body.joints_m[R_WRIST]
    forearm = body.joints_m[R_WRIST] - body.joints_m[R_ELBOW]
    assert right.side == 1
    assert abs(float(np.linalg.norm(past)) - PHYSIQUE.grip_m) < 1e-6
    assert float(past @ forearm) > 0
    assert np.trace(right.covariance) > np.trace(body.blocks()[R_WRIST])


def test_told_joints_stand_in_the_order_of_pose_messages() -> None:
    """A body seen by three cameras fills a whole pose message, the wrist in the wrist's row."""
    joints, scores = told_joints(fit(glances("c1 c2 c3")), PHYSIQUE)
    assert np.isfinite(joints).all()
    assert np.linalg.norm(joints[JOINTS.index("r_wrist")] - WRIST) < 0.04
    assert ((scores > 0.5) & (scores <= 1.0)).all()


def test_an_uncertain_wrist_is_left_out() -> None:
    """Where one camera leaves a wrist uncertain by more than is worth telling it is NaN, and the body stays."""
    body = fit(glances("c1"))
    joints, scores = told_joints(body, PHYSIQUE)
    for name, part in (("l_wrist", 5), ("r_wrist", 6)):
        told = bool(np.isfinite(joints[JOINTS.index(name), 0]))
        assert told == bool(body.sigma_m()[part] <= 0.20)
        assert told == bool(scores[JOINTS.index(name)] > 0)
    assert np.isfinite(joints[JOINTS.index("neck"), 0])


def test_a_body_without_key_points_has_no_hands() -> None:
    """Somebody of whom only the place is known stands there with shoulders and a head, and may reach unseen."""
    joints, _ = standing_joints(np.array([1.0, 2.0]), 1.8, Physique())
    known = [name for name, row in zip(JOINTS, joints, strict=True) if np.isfinite(row[0])]
    assert known == ["head", "neck", "l_shoulder", "r_shoulder"]
    assert np.allclose(joints[:4, :2], (1.0, 2.0))


def test_an_unseen_hand_may_be_anywhere_within_reach() -> None:
    """Of somebody without key points a shelf within reach is possible, one across the store is not, neither is sure."""
    store = kiosk()
    shelves = Shelves(store)
    fixture = store.fixtures[0]
    x_m, y_m, _ = fixture.pose.apply(fixture.dx_m / 2, -0.35)
    hand = envelope(np.array([x_m, y_m]), 0.01 * np.eye(2), 1.75, PHYSIQUE)
    there = shelves.at_fixture(shelves.inside(hand))
    assert hand.side == EITHER
    assert 0.05 < there[0] < 0.5
    far = envelope(np.array(fixture.pose.apply(fixture.dx_m / 2, -2.5)[:2]), 0.01 * np.eye(2), 1.75, PHYSIQUE)
    assert shelves.at_fixture(shelves.inside(far))[0] < 1e-3
