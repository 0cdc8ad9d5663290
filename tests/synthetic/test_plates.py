"""Plates: levels are kept, steps shake, samples sit on the converter's grid, and chunks do not matter to the books."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.loads import RATE_HZ, Load
from jwo_cli.synthetic.plates import Plates, Step
from jwo_cli.synthetic.wiring import LSB_G


def _load(start: int, column: int, grams: float, samples: int = 12) -> Load:
    ramp = np.linspace(0.0, grams, samples)[:, None]
    return Load(start=start, columns=(column,), wave_g=ramp, after_g=np.array([grams]))


def test_a_load_stays_for_good_whatever_the_chunks(kiosk: Store) -> None:
    """Levels before and after differ by the load, also when it lies across two chunks."""
    for cuts in ((240,), (60, 66, 114), (120, 120)):
        plates = Plates(kiosk, seed=3)
        plates.add([_load(115, 4, -300.0)])
        samples = np.concatenate([plates.render(cut) for cut in cuts])
        change = np.median(samples[150:], axis=0) - np.median(samples[:100], axis=0)
        assert change[4] == pytest.approx(-300.0, abs=2.0)
        assert np.abs(np.delete(change, 4)).max() < 2.0


def test_a_quiet_store_is_quiet_and_steps_shake_it(kiosk: Store) -> None:
    """The restless shelves answer a step with several times their noise, for less than two seconds."""
    still, shaken = Plates(kiosk, seed=3), Plates(kiosk, seed=3)
    shaken.add([], [Step(at_s=2.0, x_m=2.0, y_m=3.0, force=1.0)])
    quiet, loud = still.render(360), shaken.render(360)
    scatter = [np.std(x[120:150] - np.median(x, axis=0), axis=0) for x in (quiet, loud)]
    assert np.median(scatter[1] / np.maximum(scatter[0], 0.1)) > 2.0
    assert np.std(loud[300:], axis=0).max() < 3.0 * np.std(quiet[300:], axis=0).max()


def test_samples_sit_on_the_converters_grid(kiosk: Store) -> None:
    """Differences are multiples of 0.241 g, as in the real recording."""
    samples = Plates(kiosk, seed=5).render(300).astype(float)
    steps = np.diff(samples, axis=0) / LSB_G
    assert np.abs(steps - np.rint(steps)).max() < 0.01


def test_noise_is_a_knob_and_the_seed_decides(kiosk: Store) -> None:
    """Twice the knob, twice the scatter; equal seeds, equal bytes."""
    calm, wild = (Plates(kiosk, seed=5, noise=noise).render(600) for noise in (0.5, 2.0))
    ratio = np.median(np.std(np.diff(wild, axis=0), axis=0) / np.std(np.diff(calm, axis=0), axis=0))
    assert 3.0 < ratio < 5.0
    assert Plates(kiosk, seed=5).render(60).tobytes() == Plates(kiosk, seed=5).render(60).tobytes()
    assert Plates(kiosk, seed=6).render(60).tobytes() != Plates(kiosk, seed=5).render(60).tobytes()


def test_the_past_cannot_be_changed(kiosk: Store) -> None:
    """A load that begins before what is rendered is refused."""
    plates = Plates(kiosk, seed=5)
    plates.render(120)
    with pytest.raises(ValueError, match="120 are rendered"):
        plates.add([_load(60, 0, 10.0)])
    assert RATE_HZ == 60.0
