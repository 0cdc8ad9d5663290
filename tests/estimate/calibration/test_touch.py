"""Plates that are touched in order tell whose wire is whose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from jwo_cli.estimate.calibration.loads import Trace
from jwo_cli.estimate.calibration.touch import touched, touches
from jwo_cli.estimate.calibration.verdict import Verdict

ORDER = [("p1", "a"), ("p2", "b"), ("p3", "c")]


def traces(answers: Sequence[int | None], *, crosstalk: float = 0.3, seed: int = 1) -> list[Trace]:
    """Channels a, b, c with goods on them: turn n is answered by channel `answers[n]`, neighbours shake along."""
    draw = np.random.default_rng(seed)
    at = np.arange(0, 5 + 4 * len(answers), 1 / 30)
    out = []
    for channel, name in enumerate("abc"):
        grams = 2000.0 * (channel + 1) + draw.normal(0, 2, len(at))
        for turn, answer in enumerate(answers):
            own = (at > 4 + 4 * turn) & (at < 5 + 4 * turn)
            push = 600 * np.sin(np.pi * (at[own] - 4 - 4 * turn))
            if answer is not None:
                grams[own] += push if answer == channel else crosstalk * push
        grams[int(30 * 2.5)] += 900  # one sample's spike is no hand
        out.append(Trace(channel=name, at_s=at, grams=grams, rate_hz=30.0))
    return out


def test_plates_in_order_pass() -> None:
    """Each channel in its turn, though goods stand on the plates and the neighbours shake along."""
    found, pressed = touched(traces([0, 1, 2]), ORDER)
    assert found.judgement.verdict is Verdict.PASS
    assert [item.channel for item in pressed] == ["a", "b", "c"]
    assert all(item.most_g == pytest.approx(600, rel=0.1) for item in pressed)


def test_swapped_wires_are_told() -> None:
    """The first plate answers on the second's channel."""
    found, _ = touched(traces([1, 0, 2]), ORDER)
    assert found.judgement.verdict is Verdict.MARGINAL
    assert found.rewired == {"p1": "b", "p2": "a"}


def test_a_silent_plate_is_refused_by_name() -> None:
    """Nobody else takes its turn."""
    found, _ = touched(traces([0, None, 2]), ORDER)
    assert found.judgement.verdict is Verdict.REFUSED
    assert any("p2: channel b never answered" in reason.text for reason in found.judgement.reasons)


def test_nothing_is_read_into_noise_and_silence() -> None:
    """No presses, no channels."""
    assert touches(traces([None, None])) == ()
    empty = Trace(channel="a", at_s=np.arange(10.0), grams=np.full(10, np.nan), rate_hz=1.0)
    assert touches([empty]) == ()
    assert touched([empty], ORDER)[0].judgement.verdict is Verdict.REFUSED
