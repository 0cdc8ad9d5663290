"""Bodies: people walk as fast as people, and hands get where they reach."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.synthetic.bodies import ARM_M, Reach, new_motion
from jwo_cli.synthetic.draws import named

HEAD, NECK, ELBOW, WRIST = 0, 1, 4, 6


def test_people_walk_at_half_a_metre_to_one_a_second() -> None:
    """From rest to rest, with a step about every 0.6 s."""
    motion = new_motion(named(1, "m"), 0.0, (0.0, 0.0), 0.0)
    arrived = motion.walk(np.array([[0.0, 0.0], [3.0, 0.0]]), named(1, "w"), speed=0.65)
    t = np.arange(0.0, arrived, 0.05)
    speed = np.diff(np.interp(t, motion.t, motion.x)) / 0.05
    assert motion.here == pytest.approx((3.0, 0.0))
    assert 0.4 < speed.max() < 1.2
    assert 0.4 < arrived / len(motion.steps) < 0.8


@pytest.mark.parametrize("height", [0.42, 0.8, 1.2, 1.6])
def test_a_hand_is_where_it_reaches_and_the_body_stoops_for_low_shelves(height: float) -> None:
    """The wrist is at the point while it holds, at the hip before and after."""
    motion = new_motion(named(1, "m"), 0.0, (0.0, 0.0), np.pi / 2)
    motion.wait(10.0)
    point = (0.1, 0.42, height)
    motion.reaches.append(Reach(hand=0, begin_s=4.0, there_s=5.0, leave_s=6.0, end_s=7.0, point=point))
    joints = motion.joints(np.array([0.0, 5.5, 9.0]))
    assert joints[1, WRIST] == pytest.approx(point, abs=1e-6)
    assert np.linalg.norm(joints[0, WRIST] - joints[2, WRIST]) < 0.05
    assert joints[0, WRIST, 2] == pytest.approx(joints[0, NECK, 2] - 0.56, abs=0.01)
    dip = joints[0, HEAD, 2] - joints[1, HEAD, 2]
    assert (dip > 0.3) == (height < 0.9)
    assert dip > -0.01


def test_arms_bend_and_do_not_stretch() -> None:
    """Elbows lie between shoulder and wrist, each link half an arm where the arm is slack."""
    motion = new_motion(named(2, "m"), 0.0, (0.0, 0.0), 0.3)
    motion.wait(1.0)
    joints = motion.joints(np.array([0.5]))[0]
    for shoulder, elbow, wrist in ((2, 4, 6), (3, 5, 7)):
        reach = np.linalg.norm(joints[wrist] - joints[shoulder])
        assert reach < ARM_M
        assert np.linalg.norm(joints[elbow] - joints[shoulder]) == pytest.approx(ARM_M / 2, abs=0.01)
        assert np.linalg.norm(joints[wrist] - joints[elbow]) == pytest.approx(ARM_M / 2, abs=0.01)
    assert joints[ELBOW, 2] > joints[WRIST, 2]


def test_a_plan_only_grows_at_its_end() -> None:
    """Going back in time is refused."""
    motion = new_motion(named(1, "m"), 0.0, (0.0, 0.0), 0.0)
    motion.wait(5.0)
    with pytest.raises(ValueError, match="goes back"):
        motion.place(4.0, (0.0, 0.0), 0.0)
