"""PETS2009 from pixels, its first seconds (the benchmark takes all of it), and what motion adds to decoding."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("av", reason="PyAV (the extra `cameras`) is not installed")

from benchmarks.vtest import RATIO, decoding, figures, full_hd, pets_view
from jwo_cli.sensors.models import has_weights
from jwo_cli.sensors.people import people_detector


def test_motion_adds_less_than_half_to_decoding_1080p(tmp_path: Path) -> None:
    """Side by side in one process, the best of three."""
    path = full_hd(tmp_path / "walk.mp4", frames=20)
    ratios = [both / raw for raw, both in (decoding(path) for _ in range(3))]
    assert min(ratios) <= RATIO


@pytest.mark.parametrize("calibrated", [False, True])
def test_without_a_model_people_are_found_and_followed(shared_data: Path, calibrated: bool) -> None:
    """Fourteen seconds that begin with people in the picture, of whom nothing is known."""
    view = pets_view() if calibrated else None
    told = figures(shared_data / "pets2009" / "vtest.avi", people_detector(view, networks=False), 100)
    assert told.mota >= 0.6
    assert told.found == 1.0


def test_the_default_detector_finds_everybody(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four seconds: nearly every person in nearly every frame."""
    monkeypatch.setenv("JWO_MODELS", str(shared_data / "models"))
    if not has_weights():
        pytest.skip("the default detector's weights are not here")
    told = figures(shared_data / "pets2009" / "vtest.avi", people_detector(), 30)
    assert told.recall >= 0.85
    assert told.found == 1.0
