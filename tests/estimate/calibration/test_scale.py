"""Scales from two known weights: tare, span, noise and drift come back, swapped wires are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.calibration.loads import Trace
from jwo_cli.estimate.calibration.scale import weigh
from jwo_cli.estimate.calibration.verdict import Verdict

RATE_HZ = 30.0
TURN_S = 28.0  # one plate's turn: 500 g on and off, 1000 g on and off
WEIGHTS = [500.0, 1000.0]


def trace(
    channel: str, turn: int | None, *, plates: int = 3, span: float = 1.0, tare: float = 20.0, drift_g_h: float = 0.0,
    noise: float = 1.0, crosstalk: float = 0.0, seed: int = 0,
) -> Trace:  # fmt: skip
    """A channel whose plate is loaded in its `turn`, with footsteps, touches and a neighbour's crosstalk."""
    rng = np.random.default_rng(seed + 17 * (turn or 0))
    at = np.arange(0, plates * TURN_S + 4, 1 / RATE_HZ)
    true = np.zeros(len(at))
    for number in range(plates):
        for start, weight in ((4.0, 500.0), (16.0, 1000.0)):
            on = (at >= number * TURN_S + start) & (at < number * TURN_S + start + 6)
            true[on] += weight if number == turn else crosstalk * weight
    grams = true / span + tare + drift_g_h * at / 3600 + rng.normal(0, noise, len(at))
    steps = (at % 9.0) < 0.4
    grams[steps] += 40 * np.sin(2 * np.pi * 7 * at[steps])
    return Trace(channel=channel, at_s=at, grams=grams, rate_hz=RATE_HZ)


ORDER = [("p1", "a"), ("p2", "b"), ("p3", "c")]


@settings(max_examples=15, deadline=None)
@given(st.floats(0.7, 1.4), st.floats(-300, 300), st.integers(0, 99))
def test_span_and_tare_come_back(span: float, tare: float, seed: int) -> None:
    """Within what noise leaves, over any tare and span."""
    found = weigh([trace("a", 0, plates=1, span=span, tare=tare, seed=seed)], [("p1", "a")], WEIGHTS)
    assert found.judgement.verdict is Verdict.PASS
    (one,) = found.weighed
    assert one.scale.span == pytest.approx(span, rel=1e-3)
    assert one.scale.tare_g == pytest.approx(tare, abs=0.5)
    assert one.scale.noise_g == pytest.approx(1.0, abs=0.3)


def test_plates_in_order_pass_and_crosstalk_is_nobodys_turn() -> None:
    """Each channel once, in its turn, though its neighbours feel a tenth."""
    found = weigh([trace(name, n, crosstalk=0.1) for n, name in enumerate("abc")], ORDER, WEIGHTS)
    assert found.judgement.verdict is Verdict.PASS
    assert found.answered == ("a", "b", "c")
    assert not found.rewired


def test_swapped_wires_are_told_with_the_right_channels() -> None:
    """The second plate answers on the third's channel and the other way round."""
    found = weigh([trace("a", 0), trace("b", 2), trace("c", 1)], ORDER, WEIGHTS)
    assert found.judgement.verdict is Verdict.MARGINAL
    assert found.rewired == {"p2": "c", "p3": "b"}
    assert "p2 should answer on b, but c did" in found.judgement.reasons[0].text


def test_a_channel_that_never_answers_is_refused_by_name() -> None:
    """And nobody else takes its turn."""
    found = weigh([trace("a", 0), trace("b", None), trace("c", 2)], ORDER, WEIGHTS)
    assert found.judgement.verdict is Verdict.REFUSED
    assert not found.rewired
    assert any("channel b never answered" in reason.text for reason in found.judgement.reasons)


def test_drift_is_told() -> None:
    """Grams an hour of the empty plate."""
    found = weigh([trace("a", 0, drift_g_h=120.0, noise=0.3)], [("p1", "a")], WEIGHTS)
    assert found.weighed[0].drift_g_h == pytest.approx(120, rel=0.15)
    assert found.judgement.verdict is Verdict.MARGINAL


def test_other_weights_than_said_are_refused() -> None:
    """A kilogram and two put on, said to be 500 g and 1 kg of a scale in ounces."""
    found = weigh([trace("a", 0, plates=1, span=0.3)], [("p1", "a")], WEIGHTS)
    assert found.judgement.verdict is Verdict.REFUSED


@pytest.mark.parametrize("grams", [np.zeros(0), np.full(400, np.nan), np.full(400, 3.0)])
def test_an_empty_or_dead_channel_is_refused(grams: np.ndarray) -> None:
    """No crash."""
    dead = Trace(channel="a", at_s=np.arange(len(grams)) / RATE_HZ, grams=grams, rate_hz=RATE_HZ)
    assert weigh([dead], [("p1", "a")], WEIGHTS).judgement.verdict is Verdict.REFUSED
