"""Clocks from hands at plates: any offset within half a minute comes back; hands elsewhere say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.calibration.clock import Change, Clocked, clock_offset
from jwo_cli.estimate.calibration.verdict import Judgement, Verdict


def scene(offset_s: float, *, takes: int = 12, seed: int = 3) -> tuple[list[Change], np.ndarray, np.ndarray]:
    """A hand that goes to a plate at each take and rests elsewhere, at 15 Hz of the cameras' clock."""
    rng = np.random.default_rng(seed)
    when = np.cumsum(rng.uniform(3.0, 9.0, takes)) + 35
    plates = rng.uniform((0, 0, 0.4), (3, 0.4, 1.6), (takes, 3))
    at = np.arange(0, when[-1] + 40, 1 / 15)
    places = np.full((len(at), 3), (1.5, 1.5, 1.0)) + rng.normal(0, 0.03, (len(at), 3))
    for moment, plate in zip(when, plates, strict=True):
        near = np.clip(1 - np.abs(at - moment) / 0.7, 0, 1)[:, None]
        places = places * (1 - near) + plate * near
    changes = [Change(at_s=float(t), place_m=tuple(p)) for t, p in zip(when, plates, strict=True)]
    return changes, at + offset_s, places


@settings(max_examples=12, deadline=None)
@given(st.floats(-25, 25))
def test_the_offset_comes_back(offset_s: float) -> None:
    """Within a tenth of a second and three of its σ, ahead or behind."""
    found = clock_offset(*scene(offset_s))
    assert isinstance(found, Clocked)
    assert found.offset_s == pytest.approx(offset_s, abs=0.1)
    assert found.judgement.verdict is not Verdict.REFUSED


def test_equal_clocks_pass() -> None:
    """Nothing to correct."""
    found = clock_offset(*scene(0.0, takes=20))
    assert isinstance(found, Clocked)
    assert abs(found.offset_s) < 0.06
    assert found.judgement.verdict is Verdict.PASS


def test_hands_that_are_never_at_a_plate_are_refused() -> None:
    """No offset is likelier than another."""
    changes, at, places = scene(0.0)
    found = clock_offset(changes, at, places * 0 + 9.0)
    assert isinstance(found, Clocked)
    assert found.judgement.verdict is Verdict.REFUSED


def test_few_changes_are_refused() -> None:
    """With what to do."""
    changes, at, places = scene(0.0)
    found = clock_offset(changes[:3], at, places)
    assert isinstance(found, Judgement)
    assert "dozen" in found.reasons[0].fix
