"""Greedy suppression: fast, and equal to the loop that everybody knows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jwo_cli.sensors.models.suppression import best_first, overlaps

SEEDS = st.integers(min_value=0, max_value=10_000)


def _boxes(seed: int, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    draw = np.random.default_rng(seed)
    low = draw.uniform(0, 60, (count, 2))
    corners = np.concatenate([low, low + draw.uniform(5, 60, (count, 2))], axis=1).astype(np.float32)
    return corners, draw.uniform(0, 1, count).astype(np.float32)


@given(seed=SEEDS, count=st.integers(min_value=0, max_value=60), overlap=st.sampled_from((0.3, 0.5, 0.7)))
def test_it_keeps_what_the_plain_loop_keeps(seed: int, count: int, overlap: float) -> None:
    """Best first; each box goes that overlaps one that stayed."""
    corners, scores = _boxes(seed, count)
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] >= 0.2 and all(
            overlaps(corners[[index]], corners[[other]])[0, 0] <= overlap for other in kept
        ):
            kept.append(int(index))
    found = best_first(corners, scores, at_least=0.2, overlap=overlap)
    np.testing.assert_array_equal(found.corners_px, corners[kept])
    np.testing.assert_array_equal(found.scores, scores[kept])


@given(seed=SEEDS)
def test_a_second_round_changes_nothing(seed: int) -> None:
    """What stayed does not overlap: suppressing again is for nothing."""
    once = best_first(*_boxes(seed, 40), at_least=0.1, overlap=0.4)
    twice = best_first(once.corners_px, once.scores, at_least=0.1, overlap=0.4)
    np.testing.assert_array_equal(once.corners_px, twice.corners_px)


def test_overlap_is_the_shared_share() -> None:
    """Half a box beside itself: one third; apart: nothing; itself: all."""
    one = np.array([[0, 0, 10, 10]], dtype=np.float32)
    two = np.array([[5, 0, 15, 10], [20, 0, 30, 10], [0, 0, 10, 10]], dtype=np.float32)
    np.testing.assert_allclose(overlaps(one, two), [[1 / 3, 0, 1]], rtol=1e-6)


def test_what_is_no_box_is_left_out() -> None:
    """Turned-over boxes and numbers that are none never come out."""
    corners = np.array([[0, 0, 5, 5], [5, 5, 0, 0], [0, np.nan, 5, 5], [0, 0, np.inf, 5]], dtype=np.float32)
    found = best_first(corners, np.array([0.3, 0.9, 0.9, 0.9], dtype=np.float32), at_least=0.1, overlap=0.5)
    np.testing.assert_array_equal(found.corners_px, corners[:1])
