"""Rigs: the truth comes back, mistaken corners do not move it, cameras that share nothing are refused."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.calibration.rig import Rigged, calibrate_rig
from jwo_cli.estimate.calibration.rigid import angle_deg
from jwo_cli.estimate.calibration.verdict import Judgement, Verdict
from tests.estimate.calibration.worlds import lens, moments, rig


@pytest.mark.parametrize("mistaken", [0.0, 0.03])
def test_the_rig_comes_back(mistaken: float) -> None:
    """Places within a centimetre over five metres, turns within a tenth of a degree, though corners are mistaken."""
    cameras, which = rig(4), lens()
    found = calibrate_rig("abcd", [which] * 4, moments(cameras, which, mistaken=mistaken))
    assert isinstance(found, Rigged)
    for true, here in zip(cameras, found.cameras, strict=True):
        expected = true.after(cameras[0].inverse())
        assert np.linalg.norm(here.centre() - expected.centre()) < 0.01
        assert angle_deg(here.turn @ expected.turn.T) < 0.1
    assert found.judgement.verdict is Verdict.PASS
    assert sum(edge.used for edge in found.edges) == 3


def test_what_is_claimed_covers_the_error() -> None:
    """The place of each camera within three of its σ."""
    cameras, which = rig(3), lens()
    found = calibrate_rig("abc", [which] * 3, moments(cameras, which, noise_px=0.6))
    assert isinstance(found, Rigged)
    for index in (1, 2):
        error = np.linalg.norm(found.cameras[index].centre() - cameras[index].after(cameras[0].inverse()).centre())
        assert error * 100 < 3 * found.sigma_cm[index] + 0.05


def test_cameras_that_share_no_moment_are_refused_by_name() -> None:
    """What is missing, and what to do."""
    cameras, which = rig(3), lens()
    seen = [one for one in moments(cameras, which) if one.camera != 2]
    found = calibrate_rig(["door", "till", "fridge"], [which] * 3, seen)
    assert isinstance(found, Judgement)
    assert found.verdict is Verdict.REFUSED
    assert "fridge" in found.reasons[0].text


def test_the_same_moments_give_the_same_bits() -> None:
    """Determinism."""
    cameras, which = rig(2), lens()
    first, second = (calibrate_rig("ab", [which] * 2, moments(cameras, which, instants=8)) for _ in range(2))
    assert isinstance(first, Rigged)
    assert isinstance(second, Rigged)
    assert first.cameras[1].shift.tobytes() == second.cameras[1].shift.tobytes()
