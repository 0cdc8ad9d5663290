"""The weights that are kept around a change."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.drive.replay import replay
from jwo_cli.drive.traces import TraceKeeper
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.model.observations import PlateDelta, WeightChanged
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


def _batch(at_s: float) -> WeightBatch:
    """A fifth of a second of three plates that nobody touches."""
    end_ns = scene.START_NS + round(at_s * NS_PER_S)
    grams = np.full((12, 3), 500.0, np.float32)
    return WeightBatch(device_id="a", end_ns=end_ns, rate_hz=60.0, channels=scene.CHANNELS, grams=grams)


def _change(plate_id: str, at_s: float) -> WeightChanged:
    at_ns = scene.START_NS + round(at_s * NS_PER_S)
    plate = PlateDelta(plate_id=plate_id, delta_g=-520.0, sigma_g=1.0)
    return WeightChanged(
        at_ns=at_ns, begin_ns=at_ns, end_ns=at_ns, shelf_id="a.s1", plates=(plate,), real=1.0, reaches=(),
        poses_known=False,
    )  # fmt: skip


def _held(plates: tuple[str, ...], *, stray_s: float | None = None) -> int:
    """What is held after ten minutes in which these plates changed in the second one, and another one in the sixth."""
    keeper = TraceKeeper(scene.store(), lambda _: None)
    changes = {300 + 5 * place: plate for place, plate in enumerate(plates)} | {1_800: "a.s1.p3"}
    for number in range(3_000):
        keeper.saw(_batch(number / 5))
        if stray_s is not None and number == 900:
            keeper.saw(_batch(stray_s))
        if number in changes:
            keeper.changed(_change(changes[number], number / 5))
    return keeper.held()


def test_what_is_remembered_does_not_grow_with_the_plates_that_changed() -> None:
    """A plate that nobody has touched for minutes holds nothing: a shop has thousands of them."""
    assert _held(("a.s1.p1", "a.s1.p2")) == _held(())


@pytest.mark.parametrize("stray_s", [86_400.0, -86_400.0])
def test_a_stamp_far_off_keeps_nothing_behind_it(stray_s: float) -> None:
    """A device whose clock is a day off for one message costs no more memory afterwards than any other."""
    assert _held((), stray_s=stray_s) <= _held(()) + 1
