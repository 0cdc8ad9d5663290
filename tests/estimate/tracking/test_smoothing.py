"""Filter and smoother over many tracks at once, held against one track at a time and against straight walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.tracking import kalman
from jwo_cli.estimate.tracking.smoothing import Grid, Sights, forward, fuse, reverse, smooth


def _sights(rows: list[tuple[int, int, float, float]], sigma: float = 0.1) -> Sights:
    table = np.array(rows, np.float64).reshape(-1, 4)
    noise = np.broadcast_to(sigma**2 * np.eye(2), (len(rows), 2, 2)).copy()
    return Sights(
        track=table[:, 0].astype(np.int64), step=table[:, 1].astype(np.int64), place=table[:, 2:], noise=noise
    )


def _random(seed: int) -> Sights:
    draw = np.random.default_rng(seed)
    rows = [(k, s, *draw.normal(k, 1, 2)) for k in range(3) for s in range(12) if draw.random() < 0.7]
    return _sights(rows)


def test_prediction_adds_what_white_acceleration_adds() -> None:
    """Position variance q·t³/3, velocity variance q·t, covariance q·t²/2 (Bar-Shalom 6.2.2)."""
    mean, spread = kalman.predict(np.array([[0.0, 0, 1, 2]]), np.zeros((1, 4, 4)), np.array([2.0]), np.array([3.0]))
    assert mean.tolist() == [[2, 4, 1, 2]]
    assert spread[0, 0, 0] == pytest.approx(8.0)
    assert (spread[0, 0, 2], spread[0, 2, 2], spread[0, 0, 1]) == pytest.approx((6.0, 6.0, 0.0))


def test_two_cameras_at_one_instant_count_by_their_information() -> None:
    """Twice as certain, four times the weight."""
    sights = _sights([(0, 3, 0.0, 0.0), (0, 3, 1.0, 0.0)])
    sights.noise[1] /= 4
    fused = fuse(sights)
    assert fused.place == pytest.approx(np.array([[0.8, 0.0]]))
    assert fused.noise[0, 0, 0] == pytest.approx(0.01 / 5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_tracks_do_not_feel_each_other_and_order_does_not_matter(seed: int) -> None:
    """All together, in any order of rows, as one by one."""
    sights, times = _random(seed), np.arange(12) * 0.3
    order = np.random.default_rng(seed).permutation(len(sights.track))
    mixed = Sights(
        track=sights.track[order], step=sights.step[order], place=sights.place[order], noise=sights.noise[order]
    )
    whole = smooth(mixed, times, np.full(3, 0.5), np.ones(3))
    for track in range(3):
        own = sights.track == track
        alone = smooth(
            Sights(
                track=np.zeros(int(own.sum()), np.int64),
                step=sights.step[own],
                place=sights.place[own],
                noise=sights.noise[own],
            ),
            times,
            np.full(1, 0.5),
            np.ones(1),
        )
        here = whole.track == track
        assert whole.step[here].tolist() == alone.step.tolist()
        assert whole.mean[here] == pytest.approx(alone.mean, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_past_and_future_filters_meet_in_the_smoother(seed: int) -> None:
    """At the last step the forward filter knows all, at the first the reverse one does, but for its prior on speed."""
    sights, times = fuse(_random(seed)), np.arange(12) * 0.3
    density, speed = np.full(3, 0.5), np.full(3, 1e3)
    grid = Grid.over(sights, 3, 12)
    path = smooth(sights, times, density, speed)
    past, future = forward(grid, sights, times, density, speed), reverse(grid, sights, times, density, speed)
    for track in range(3):
        slots = np.flatnonzero(grid.track == track)
        if len(slots) > 3:
            assert past[0][slots[-1]] == pytest.approx(path.mean[slots[-1]], abs=1e-6)
            assert future[0][slots[0]] == pytest.approx(path.mean[slots[0]], abs=2e-3)


def test_a_gap_is_bridged_along_the_walk() -> None:
    """A straight walk with a hole: in the middle of it the place is right and its doubt largest."""
    steps = [s for s in range(40) if not 15 <= s < 25]
    path = smooth(_sights([(0, s, 0.1 * s, 2.0) for s in steps]), np.arange(40) * 0.1, np.full(1, 0.5), np.ones(1))
    assert path.step.tolist() == list(range(40))
    assert path.mean[20, :2] == pytest.approx([2.0, 2.0], abs=0.05)
    assert int(np.argmax(path.covariance[5:35, 0, 0])) + 5 in range(18, 22)


def test_no_sights_make_no_paths() -> None:
    """Nothing in, nothing out."""
    path = smooth(_sights([]), np.arange(3) * 0.1, np.zeros(0), np.zeros(0))
    assert len(path.track) == 0
