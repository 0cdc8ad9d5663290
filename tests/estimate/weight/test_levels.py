"""How well a level is known."""

from __future__ import annotations

import math

import numpy as np

from jwo_cli.estimate.weight.levels import level

RATE = 60.0


def test_nothing_known_has_no_level() -> None:
    """Missing evidence is infinitely wide, not zero."""
    value, sigma = level(np.full(60, np.nan), 0.3, RATE)
    assert math.isnan(value)
    assert sigma == math.inf


def test_more_rest_and_less_shaking_make_a_level_surer() -> None:
    """Sigma falls with time and grows with vibration."""
    rng = np.random.default_rng(1)
    t = np.arange(96) / RATE
    calm = 0.4 * rng.standard_normal(96)
    shaken = calm + 30 * np.sin(2 * np.pi * 7 * t)
    assert level(calm, 0.3, RATE)[1] < level(calm[:24], 0.3, RATE)[1]
    assert level(calm, 0.3, RATE)[1] < level(shaken, 0.3, RATE)[1]


def test_vibration_of_7_hz_hardly_moves_a_level() -> None:
    """30 g of swinging move the mean of 1.6 s by less than half a gram, whatever its phase."""
    t = np.arange(96) / RATE
    for phase in np.linspace(0, 6, 9):
        assert abs(level(30 * np.sin(2 * np.pi * 7 * t + phase), 0.3, RATE)[0]) < 0.5


def test_a_converter_step_is_the_least_doubt() -> None:
    """A trace that stands still is not known to better than its last digit."""
    assert level(np.full(96, 1234.5), 0.0, RATE)[1] > 0.03
