"""What is remembered of a track, and for how long."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.people.history import KEEP_NS, History, torso
from tests.estimate.people import figures


def test_a_window_holds_its_ends() -> None:
    """Both bounds belong to it."""
    history = History()
    for i in range(5):
        history.add(i, figures.figure(float(i), 0.0))
    times, joints = history.window(1, 3)
    assert times.tolist() == [1, 2, 3]
    assert joints.shape == (3, 10, 3)
    assert history.window(7, 9)[1].shape == (0, 10, 3)


def test_bodies_are_forgotten() -> None:
    """A day of sightings keeps a minute or so of them."""
    history = History()
    for i in range(20_000):
        history.add(i * 100_000_000, figures.figure(0.0, 0.0))
    assert len(history.at_ns) <= KEEP_NS / 100_000_000 + 257


def test_a_body_without_torso_stands_where_anything_was_seen() -> None:
    """One wrist is better than nothing, and nothing is None."""
    wrist_only = np.full((10, 3), np.nan, np.float32)
    wrist_only[6] = (1.0, 2.0, 1.0)
    assert torso(wrist_only) == (1.0, 2.0)
    assert torso(np.full((10, 3), np.nan, np.float32)) is None
