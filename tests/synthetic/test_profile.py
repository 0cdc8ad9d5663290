"""Profiles: each shelf's own restlessness, the same every day but for the day's scatter."""

from __future__ import annotations

import numpy as np

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.profile import profiles


def test_a_shelf_keeps_its_character(kiosk: Store) -> None:
    """Another day differs by a fifth, resonances not at all."""
    one, other = profiles(kiosk, 1), profiles(kiosk, 2)
    assert [p.modes for p in one] == [p.modes for p in other]
    ratio = np.concatenate([a.white_g / b.white_g for a, b in zip(one, other, strict=True)])
    assert 0.1 < np.log(ratio).std() < 0.4


def test_every_plate_belongs_to_one_shelf(kiosk: Store) -> None:
    """Columns cover the store's plates once; noise and answers are positive and of the measured size."""
    found = profiles(kiosk, 1)
    assert sorted(c for p in found for c in p.columns) == list(range(len(kiosk.plates())))
    for shelf in found:
        assert 0.05 < shelf.white_g.min() <= shelf.white_g.max() < 6.0
        assert 0.2 < shelf.answer_g.min() <= shelf.answer_g.max() < 120.0
        assert 4.0 < shelf.modes[0].hz < 9.5
