"""The weights that are kept around a change."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.drive.replay import replay
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.model.units import NS_PER_S
from tests.drive import scene


def _kept(samples: int = 12) -> list[WeightBatch]:
    found: list[WeightBatch] = []
    replay(scene.recording(samples=samples), traces=TraceKeeper(scene.store(), found.append))
    return found


def test_a_change_leaves_three_seconds_of_its_plate_on_both_sides() -> None:
    """Ten values a second of the plate that changed, and of no other."""
    (trace,) = _kept()
    assert trace.channels == ("a.s1.p1",)
    assert trace.rate_hz == 10
    begin_s = (trace.end_ns - scene.START_NS) / NS_PER_S - (len(trace.grams) - 1) / 10
    assert begin_s == pytest.approx(scene.TAKEN_S - 3, abs=0.3)
    assert (trace.end_ns - scene.START_NS) / NS_PER_S == pytest.approx(scene.TAKEN_S + 3, abs=0.5)


def test_the_trace_shows_the_step() -> None:
    """Its ends differ by what was taken."""
    (trace,) = _kept()
    grams = trace.grams[:, 0]
    assert np.mean(grams[:20]) - np.mean(grams[-20:]) == pytest.approx(520, abs=1)


def test_the_trace_does_not_depend_on_how_the_input_is_cut() -> None:
    """Values are means over tenths of a second of the clock, not of the messages."""
    (whole,), (cut,) = _kept(), _kept(samples=60)
    assert whole.end_ns == cut.end_ns
    np.testing.assert_allclose(whole.grams, cut.grams)
