"""Laws of the cut into rests and contacts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.weight.segment import segment

LEVELS = st.lists(st.integers(-40, 40).map(lambda n: 25.0 * n), min_size=1, max_size=5)


def stairs(levels: list[float], seed: int) -> np.ndarray:
    """Twenty ticks at each level, with a noise of 0.5 g."""
    z = np.repeat(np.asarray(levels), 20)
    return z + 0.5 * np.random.default_rng(seed).standard_normal(len(z))


@settings(max_examples=40, deadline=None)
@given(LEVELS, st.integers(0, 1000), st.floats(-5000, 5000))
def test_a_cut_does_not_depend_on_the_absolute_weight(levels: list[float], seed: int, offset: float) -> None:
    """Absolute weight is never trusted: an offset moves the levels and nothing else."""
    z = stairs(levels, seed)
    sigma = np.full(len(z), 0.5)
    here, there = segment(z, sigma), segment(z + offset, sigma)
    assert [(r.begin, r.end) for r in here] == [(r.begin, r.end) for r in there]
    assert np.allclose([r.level_g + offset for r in here], [r.level_g for r in there])


@settings(max_examples=40, deadline=None)
@given(LEVELS, st.integers(0, 1000))
def test_clear_steps_become_rests_at_their_levels(levels: list[float], seed: int) -> None:
    """Steps of 25 g and more between seconds of rest are found, each where it is."""
    distinct = [level for index, level in enumerate(levels) if index == 0 or level != levels[index - 1]]
    rests = segment(stairs(distinct, seed), np.full(20 * len(distinct), 0.5))
    assert len(rests) == len(distinct)
    assert np.allclose([rest.level_g for rest in rests], distinct, atol=0.6)
    assert [rest.begin for rest in rests] == [20 * index for index in range(len(distinct))]


def test_ticks_without_data_belong_to_no_rest() -> None:
    """A rest ends at its last known tick; a level change inside a hole is found."""
    z = stairs([0.0, -100.0], 1)
    z[15:25] = np.nan
    first, second = segment(z, np.full(40, 0.5))
    assert (first.end, second.begin) == (15, 25)


def test_nothing_known_has_no_rests() -> None:
    """An empty or unknown trace is no error."""
    assert segment(np.full(30, np.nan), np.full(30, 1.0)) == []


def test_a_hand_is_a_contact() -> None:
    """What wanders by several grams a tick is no rest."""
    z = np.concatenate([np.zeros(20), 80 + 30 * np.sin(np.arange(30) / 2.5), np.zeros(20)])
    rests = segment(z, np.full(len(z), 0.5))
    assert [abs(rest.level_g) < 1 for rest in rests] == [True] * len(rests)
    assert (rests[0].end, rests[-1].begin) == (20, 50)
