"""Measures that tell people apart without knowing anybody."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.people.body import measure, same_person_nats
from jwo_cli.estimate.vision.hands import standing_joints
from jwo_cli.estimate.vision.physique import Physique
from tests.estimate.people import figures


def seen(height_m: float, *, noise_m: float = 0.01, n: int = 15, seed: int = 1) -> np.ndarray:
    """Somebody seen n times with noisy keypoints."""
    rng = np.random.default_rng(seed)
    return np.stack([figures.figure(0.0, 0.0, height_m=height_m) for _ in range(n)]) + rng.normal(
        0, noise_m, (n, 10, 3)
    )


def test_the_same_body_is_likelier_than_a_stranger() -> None:
    """Two looks at one person."""
    assert same_person_nats(measure(seen(1.75, seed=1)), measure(seen(1.75, seed=2))) > 1


def test_twenty_centimetres_are_two_people() -> None:
    """As in the recorded exchange of ids: 1.85 m and 1.65 m."""
    assert same_person_nats(measure(seen(1.85)), measure(seen(1.65))) < -3


def test_bending_does_not_make_a_stranger() -> None:
    """Half of the time the head is 50 cm lower, over a low shelf; the upper quartile is the stature."""
    low = seen(1.75, n=20)
    low[:10, 0, 2] -= 0.5
    assert same_person_nats(measure(low), measure(seen(1.75, seed=3))) > 0


def test_unseen_measures_say_nothing() -> None:
    """No sightings, no evidence."""
    assert same_person_nats(measure(np.empty((0, 10, 3))), measure(seen(1.75))) == pytest.approx(0.0)


def test_a_box_tells_hardly_who_it_was() -> None:
    """Who was seen as a box alone has a place and a height that may be a tenth of a metre off, and no shoulders."""
    short, tall = (
        measure(np.stack([standing_joints(np.zeros(2), height_m, Physique())[0]] * 15).astype(float))
        for height_m in (1.58, 1.78)
    )
    assert -2 < same_person_nats(short, tall) < 0.5
    assert np.isnan(short.mean_m[1:]).all()
