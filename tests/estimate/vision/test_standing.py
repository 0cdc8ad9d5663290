"""Where somebody stands, from whichever key points one camera has."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.vision.physique import Physique
from jwo_cli.estimate.vision.standing import stands
from tests.estimate.vision.puppets import VIEWS, Puppet, shown

LEGS = ("l_knee", "r_knee", "l_ankle", "r_ankle", "l_hip", "r_hip")
FACE = ("nose", "l_eye", "r_eye", "l_ear", "r_ear")


@pytest.mark.parametrize("unseen", [(), LEGS, FACE, (*FACE, "l_shoulder", "r_shoulder")])
def test_a_place_is_within_what_it_claims(unseen: tuple[str, ...]) -> None:
    """Feet behind a shelf, or a head beyond the edge: the place is near, and its covariance covers the rest."""
    for place in ((2.0, 1.5), (4.5, 3.0), (3.2, 2.2)):
        poses = shown([Puppet(place=place)], "c1", unseen=unseen)
        found = stands(VIEWS["c1"], poses.keypoints_px, np.array([300.0]), Physique())
        off = found.xy_m[0] - place
        assert found.told[0]
        assert float(off @ np.linalg.solve(found.covariance[0], off)) < 9.2  # 99 % of a chi² of two
        assert float(np.linalg.norm(off)) < 0.35


def test_hidden_feet_widen_the_place() -> None:
    """A place told by head and shoulders alone is less certain than one told by the whole body."""
    covariances = []
    for unseen in ((), LEGS):
        poses = shown([Puppet(place=(4.0, 3.0))], "c1", unseen=unseen)
        found = stands(VIEWS["c1"], poses.keypoints_px, np.array([300.0]), Physique())
        covariances.append(float(np.linalg.eigvalsh(found.covariance[0])[-1]))
    assert covariances[1] > 1.3 * covariances[0]


def test_elbows_and_wrists_alone_tell_no_place() -> None:
    """Arms go anywhere: without a torso, a head or legs nobody is placed."""
    trunk = ("l_shoulder", "r_shoulder")
    poses = shown([Puppet(place=(3.0, 2.0))], "c1", unseen=(*LEGS, *FACE, *trunk))
    assert not stands(VIEWS["c1"], poses.keypoints_px, np.array([300.0]), Physique()).told[0]
