"""Loads: what hands do to plates obeys the books: what leaves is gone, what is touched is as before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.synthetic import loads
from jwo_cli.synthetic.draws import named

STYLES = ("normal", "fast", "float", "slow")


@given(seed=st.integers(0, 10_000), grams=st.floats(15.0, 2000.0), style=st.sampled_from(STYLES))
def test_what_is_taken_is_gone_when_it_is_taken(seed: int, grams: float, style: str) -> None:
    """A single unit: untouched before the hand comes, at -m after the true time, and for good."""
    start, wave, after = loads.pick(named(seed, "t"), 20.0, np.array([[grams]]), style=style)
    t = (start + np.arange(len(wave))) / loads.RATE_HZ
    assert after == pytest.approx([-grams])
    assert abs(wave[0, 0]) < 0.05 * grams + 5.0
    assert wave[-1, 0] == pytest.approx(-grams, abs=0.02 * grams)
    assert t[-1] <= 20.1
    assert t[0] >= 20.0 - (6.5 if style in {"float", "slow"} else 0.8)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 5))
def test_a_handful_leaves_at_once_or_in_steps(seed: int, count: int) -> None:
    """Between steps the level stands at whole numbers of units."""
    start, wave, after = loads.pick(named(seed, "t"), 20.0, np.full((count, 1), 100.0), style="normal")
    t = (start + np.arange(len(wave))) / loads.RATE_HZ
    assert after == pytest.approx([-100.0 * count])
    assert np.diff(wave[t > 20.0, 0]).max(initial=0.0) < 1e-9
    assert t[-1] < 20.0 + 0.2 * count + 0.2


@given(seed=st.integers(0, 10_000), grams=st.floats(15.0, 2000.0))
def test_what_is_put_down_overshoots_and_stays(seed: int, grams: float) -> None:
    """The peak comes within a tenth of a second and lies above the mass; the end is the mass."""
    start, wave, after = loads.put(named(seed, "t"), 20.0, np.array([grams]))
    t = (start + np.arange(len(wave))) / loads.RATE_HZ
    assert after == pytest.approx([grams])
    assert wave[-1, 0] == pytest.approx(grams, rel=0.01)
    assert wave[:, 0].max() > grams + 10.0
    assert 20.0 < t[wave[:, 0].argmax()] < 20.13
    assert np.abs(wave[t < 20.0]).max() == 0.0


@given(seed=st.integers(0, 10_000))
def test_touches_leave_nothing_behind(seed: int) -> None:
    """Tap and lean end where they began; a unit lifted and set down too; a push moves grams to the neighbour."""
    for touch in (loads.tap, loads.lean):
        _, wave, seconds = touch(named(seed, "t"), 20.0)
        assert abs(wave[-1]) < 1.0
        assert wave.max() > 25.0  # the lightest finger, whose edges meet before its top
        assert 0.2 < seconds < 4.0
    _, lifted, _ = loads.lift(named(seed, "t"), 20.0, np.array([250.0]))
    assert lifted[-1, 0] == pytest.approx(0.0, abs=2.5)
    assert lifted.min() == pytest.approx(-250.0, abs=1.0)
    _, press, progress, moved = loads.push(named(seed, "t"), 20.0)
    assert abs(press[-1]) < 1.0
    assert progress[-1] == pytest.approx(1.0)
    assert 3.0 <= abs(moved) <= 18.0
