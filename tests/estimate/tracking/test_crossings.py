"""Encounters judged from both sides."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.tracking.crossings import Marks, resolve
from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.estimate.tracking.smoothing import Sights

STEPS = 40
TIMES = np.arange(STEPS) * 0.2


def _sights(first: np.ndarray, second: np.ndarray, swapped_from: int | None) -> tuple[Sights, np.ndarray]:
    """Two walks given to tracks 0 and 1, exchanged from a step on; and who each sight truly is."""
    person = np.repeat([0, 1], STEPS)
    step = np.tile(np.arange(STEPS), 2)
    track = person.copy()
    if swapped_from is not None:
        track[step >= swapped_from] = 1 - track[step >= swapped_from]
    noise = np.broadcast_to(0.05**2 * np.eye(2), (2 * STEPS, 2, 2)).copy()
    return Sights(track=track, step=step, place=np.concatenate((first, second)), noise=noise), person


def _resolve(sights: Sights, traits: np.ndarray) -> tuple[np.ndarray, int]:
    marks = Marks(traits=traits, noise=np.full(len(traits), 0.03**2))
    ones = np.ones(2)
    track, doubts = resolve(sights, marks, TIMES, 0.3 * ones, ones, ones, TrackSettings(trait_link_sigma=0.0))
    return track, len(doubts)


def test_an_exchange_that_makes_both_turn_on_the_spot_is_undone() -> None:
    """Straight walks that cross at a right angle."""
    way = 0.2 * np.arange(STEPS) - 4.0
    sights, person = _sights(np.column_stack((way, 0 * way)), np.column_stack((0 * way, way + 0.2)), 20)
    track, doubts = _resolve(sights, np.zeros((2 * STEPS, 0)))
    assert np.array_equal(track, person) or np.array_equal(track, 1 - person)
    assert doubts == 0


def test_right_names_are_left_alone() -> None:
    """The same crossing, rightly told."""
    way = 0.2 * np.arange(STEPS) - 4.0
    sights, person = _sights(np.column_stack((way, 0 * way)), np.column_stack((0 * way, way + 0.2)), None)
    assert np.array_equal(_resolve(sights, np.zeros((2 * STEPS, 0)))[0], person)


def test_people_who_meet_and_part_stay_ambiguous_unless_their_heights_differ() -> None:
    """Both come to one place, stand, and go back: paths cannot tell, 1.6 m and 1.8 m can."""
    out = np.concatenate((np.linspace(-2, -0.05, 15), np.full(10, -0.05), np.linspace(-0.05, -2, 15)))
    first, second = np.column_stack((out, 0 * out)), np.column_stack((-out, 0 * out))
    sights, person = _sights(first, second, None)
    assert _resolve(sights, np.zeros((2 * STEPS, 0)))[1] >= 1
    swapped, _ = _sights(first, second, 20)
    heights = np.log(np.where(person == 0, 1.6, 1.8))[:, None]
    track, doubts = _resolve(swapped, heights)
    assert np.array_equal(track, person) or np.array_equal(track, 1 - person)
    assert doubts == 0
