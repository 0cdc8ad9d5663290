"""One camera's lens: the truth comes back within what is claimed, and poor views are told apart from good ones."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.calibration.intrinsics import Calibrated, calibrate
from jwo_cli.estimate.calibration.verdict import Judgement, Verdict
from jwo_cli.model.layout import LensKind
from tests.estimate.calibration.worlds import lens, views


@pytest.mark.parametrize("kind", LensKind)
def test_the_truth_comes_back_within_what_is_claimed(kind: LensKind) -> None:
    """Every parameter within four of its standard deviations; the residual is the noise that was put in."""
    true = lens(kind)
    found = calibrate(views(true, 16)[0], 1280, 720, kind=kind)
    assert isinstance(found, Calibrated)
    assert (np.abs(found.lens.values - true.values) < 4 * found.sigma).all()
    assert found.rms_px == pytest.approx(0.2 * np.sqrt(2), rel=0.05)
    assert found.judgement.verdict is not Verdict.REFUSED


def test_the_uncertainty_of_rays_is_the_error_of_rays() -> None:
    """Over several noises, the spread that is told is the spread that there is."""
    true = lens()
    errors, told = [], []
    px = np.array([[640.0, 360.0], [200.0, 150.0], [1100.0, 600.0]])
    for seed in range(6):
        found = calibrate(views(true, 12, seed=seed)[0], 1280, 720)
        assert isinstance(found, Calibrated)
        errors.append(np.linalg.norm(found.lens.project(true.rays(px)) - px, axis=1))
        told.append(np.median(found.spread_px))
    # A turned camera undoes most of the centre's error; what is left is smaller than the raw error, not larger.
    assert np.median(told) < np.median(errors) * 1.5


def test_facing_views_are_not_believed() -> None:
    """Without tilt nothing tells focal length from distance."""
    found = calibrate(views(lens(), 6, tilt=0.02)[0], 1280, 720)
    judgement = found if isinstance(found, Judgement) else found.judgement
    assert judgement.verdict is Verdict.REFUSED
    assert any("tilt" in reason.fix.lower() for reason in judgement.reasons)


def test_two_views_are_refused_with_a_reason() -> None:
    """Not a lens, a judgement."""
    found = calibrate(views(lens(), 2)[0], 1280, 720)
    assert isinstance(found, Judgement)
    assert found.verdict is Verdict.REFUSED
    assert "at least 3" in found.reasons[0].text


def test_a_view_that_fits_badly_is_named() -> None:
    """A bent or blurred view among good ones."""
    seen, _ = views(lens(), 14)
    rng = np.random.default_rng(7)
    bad = seen[5]
    seen[5] = type(bad)(name="bent", points_m=bad.points_m, px=bad.px + rng.normal(0, 4, bad.px.shape))
    found = calibrate(seen, 1280, 720)
    assert isinstance(found, Calibrated)
    assert any("bent fit much worse" in reason.text for reason in found.judgement.reasons)


def test_the_same_views_give_the_same_bits() -> None:
    """Determinism."""
    first, second = (calibrate(views(lens(), 8)[0], 1280, 720) for _ in range(2))
    assert isinstance(first, Calibrated)
    assert isinstance(second, Calibrated)
    assert first.lens.values.tobytes() == second.lens.values.tobytes()
