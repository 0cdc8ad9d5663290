"""A nudged camera is noticed and measured; people who walk about are not taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.calibration.nudge import nudged
from jwo_cli.estimate.calibration.rigid import exp
from jwo_cli.estimate.calibration.verdict import Verdict
from tests.estimate.calibration.worlds import lens, rig


def _matches(turn_deg: float, *, moved: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Matches of a scene before and after a turn; a share of them moved by itself."""
    rng = np.random.default_rng(seed)
    which = lens()
    then = rng.uniform((40, 40), (1240, 680), (300, 2))
    axis = np.array([0.3, 0.9, 0.2]) / np.linalg.norm([0.3, 0.9, 0.2])
    now = which.project(which.rays(then) @ exp(np.radians(turn_deg) * axis).T)
    now += rng.normal(0, 0.3, now.shape)
    wrong = rng.random(len(now)) < moved
    now[wrong] += rng.uniform(-80, 80, (int(wrong.sum()), 2))
    return then, now


@pytest.mark.parametrize("moved", [0.0, 0.4])
@pytest.mark.parametrize("turn_deg", [0.0, 0.3, 2.0, 8.0])
def test_the_turn_is_measured_whoever_walks_about(turn_deg: float, moved: float) -> None:
    """To a hundredth of a degree, and what it means on the floor decides."""
    found = nudged(lens(), rig(1)[0], *_matches(turn_deg, moved=moved))
    assert found.turned_deg == pytest.approx(turn_deg, abs=0.02)
    expected = Verdict.PASS if turn_deg == 0 else Verdict.MARGINAL if turn_deg < 1 else Verdict.REFUSED
    assert found.judgement.verdict is expected


def test_a_changed_picture_is_not_called_a_turn() -> None:
    """Matches at random: refused, because nothing can be said."""
    rng = np.random.default_rng(2)
    then, now = (rng.uniform((0, 0), (1280, 720), (200, 2)) for _ in range(2))
    found = nudged(lens(), rig(1)[0], then, now)
    assert found.judgement.verdict is Verdict.REFUSED
    assert "changed too much" in found.judgement.reasons[0].text


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_match_is_refused(count: int) -> None:
    """No crash."""
    then, now = (item[:count] for item in _matches(0.0, moved=0.0))
    assert nudged(lens(), rig(1)[0], then, now).judgement.verdict is Verdict.REFUSED
