"""The offset between two machines' clocks, learnt from what people do."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.people.clock import ClockOffset
from jwo_cli.estimate.people.reach import OFFSETS_S
from jwo_cli.model.observations import FaultKind
from tests.estimate.people import figures


def clear(offset_s: float) -> np.ndarray:
    """A change that somebody clearly made at an offset."""
    return 6.0 - 0.5 * ((OFFSETS_S - offset_s) / 0.05) ** 2


def learnt(offsets_s: list[float]) -> ClockOffset:
    """A belief after changes two seconds apart."""
    clock = ClockOffset()
    for i, offset_s in enumerate(offsets_s):
        clock.learn(figures.at_ns(2.0 * i), [clear(offset_s)])
    return clock


@pytest.mark.parametrize("offset_s", [-0.2, -0.05, 0.0, 0.1, 0.2])
def test_clear_changes_show_the_offset(offset_s: float) -> None:
    """Five takes are enough for three hundredths of a second."""
    assert learnt([offset_s] * 5).mean_s == pytest.approx(offset_s, abs=0.04)


def test_a_jump_is_followed() -> None:
    """After 200 ms more, five further takes bring the belief over."""
    assert learnt([0.0] * 10 + [0.2] * 5).mean_s == pytest.approx(0.2, abs=0.05)


def test_a_change_that_nobody_made_teaches_nothing() -> None:
    """Everybody was far away: the belief stays about as it was."""
    clock = ClockOffset()
    before = clock.weights()
    clock.learn(figures.at_ns(0.0), [clear(0.3) - 25.0])
    assert np.allclose(clock.weights(), before, atol=0.02)


def test_clocks_apart_are_told_once() -> None:
    """A fault for the operator, not one at every take."""
    clock, told = ClockOffset(), []
    for i in range(12):
        clock.learn(figures.at_ns(2.0 * i), [clear(0.25)])
        told.append(clock.fault(figures.at_ns(2.0 * i)))
    (fault,) = [fault for fault in told if fault is not None]
    assert fault.kind is FaultKind.CLOCK
    assert "ahead" in fault.note


def test_clocks_that_agree_are_not_told() -> None:
    """Thirty milliseconds are nothing."""
    clock = learnt([0.03] * 10)
    assert clock.fault(figures.at_ns(99.0)) is None
