"""Lost tracks found again, in a closed world."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.tracking.linking import Ends, Kinds, Overlaps, chained, link, wander
from jwo_cli.estimate.tracking.settings import TrackSettings

SETTINGS = TrackSettings()


def _ends(*rows: tuple[float, float, float, float, float], outside: float = 0.05) -> Ends:
    table = np.array(rows)
    return Ends(
        at_s=table[:, 0],
        mean=table[:, 1:],
        covariance=np.broadcast_to(0.05**2 * np.eye(4), (len(rows), 4, 4)).copy(),
        unit=np.ones(len(rows)),
        outside=np.full(len(rows), outside),
    )


def _kinds(count: int, *looks: tuple[float, float]) -> Kinds:
    look = np.array(looks, np.float64) if looks else np.zeros((count, 0))
    return Kinds(traits=np.zeros((count, 0)), variance=np.ones(count), look=look, look_other=1.0)


def _beside(*rows: tuple[int, int, float, float, float, float], both: int = 0, either: int = 0) -> Overlaps:
    """Pairs (before, after) with the place and velocity of the second when the first ends."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    count = len(table)
    return Overlaps(
        before=table[:, 0].astype(np.int64),
        after=table[:, 1].astype(np.int64),
        mean=table[:, 2:],
        covariance=np.broadcast_to(0.05**2 * np.eye(4), (count, 4, 4)).copy(),
        both=np.full(count, both),
        either=np.full(count, either),
    )


def test_a_walk_is_taken_up_where_it_led() -> None:
    """Track 0 ends walking right, track 1 begins a second later where that leads; both are old by then."""
    starts = _ends((0, 0, 0, 1, 0), (6, 3.8, 0, 1, 0))
    ends = _ends((5, 3, 0, 1, 0), (9, 7, 0, 1, 0))
    assert link(starts, ends, _beside(), _kinds(2), _kinds(2), SETTINGS).tolist() == [1, -1]


def test_who_was_lost_at_a_door_has_left() -> None:
    """The same two, but both at a door."""
    starts = _ends((0, 0, 0, 1, 0), (11, 3.8, 0.5, -1, 0), outside=0.95)
    ends = _ends((5, 3, 0, 1, 0), (19, 7, 0, 1, 0), outside=0.95)
    assert link(starts, ends, _beside(), _kinds(2), _kinds(2), SETTINGS).tolist() == [-1, -1]


def test_links_are_decided_together() -> None:
    """Two ends and two beginnings: each takes its own, although one of them is nearer to both."""
    starts = _ends((0, 0, 0, 1, 0), (0, 0, 1, 1, 0), (6, 4.0, 0.2, 1, 0), (6, 4.0, 1.2, 1, 0))
    ends = _ends((5, 3, 0, 1, 0), (5, 3, 1, 1, 0), (9, 7, 0, 1, 0), (9, 7, 1, 1, 0))
    assert link(starts, ends, _beside(), _kinds(4), _kinds(4), SETTINGS).tolist() == [2, 3, -1, -1]


def test_looks_decide_where_places_cannot() -> None:
    """Both ends at one place; who looks alike goes on."""
    starts = _ends((0, 0, 0, 1, 0), (0, 0, 0.1, 1, 0), (6, 4.0, 0.0, 1, 0), (6, 4.0, 0.1, 1, 0))
    ends = _ends((5, 3, 0, 1, 0), (5, 3, 0.1, 1, 0), (9, 7, 0, 1, 0), (9, 7, 0.1, 1, 0))
    looks = _kinds(4, (1, 0), (0, 1), (0, 1), (1, 0))
    assert link(starts, ends, _beside(), looks, looks, SETTINGS).tolist() == [3, 2, -1, -1]


def test_a_track_that_began_long_before_the_other_ended_is_somebody_else() -> None:
    """Nobody is in two places."""
    starts, ends = _ends((0, 0, 0, 1, 0), (4, 2.5, 0, 1, 0)), _ends((5, 3, 0, 1, 0), (9, 7, 0, 1, 0))
    assert link(starts, ends, _beside(), _kinds(2), _kinds(2), SETTINGS).tolist() == [-1, -1]


def test_a_track_beside_another_takes_over_unless_a_camera_gave_both() -> None:
    """A second track of one person begins shortly before the first one ends, at the same place."""
    starts, ends = _ends((0, 0, 0, 1, 0), (4.5, 2.5, 0, 1, 0)), _ends((5, 3, 0, 1, 0), (9, 7, 0, 1, 0))
    shared = (0, 1, 3.0, 0.05, 1.0, 0.0)
    kinds = (_kinds(2), _kinds(2))
    assert link(starts, ends, _beside(shared, either=6), *kinds, SETTINGS).tolist() == [1, -1]
    assert link(starts, ends, _beside(shared, both=12), *kinds, SETTINGS).tolist() == [-1, -1]


def test_wandering_forgets_the_direction_and_never_runs_away() -> None:
    """After long the velocity is anybody's, and the mean place has not gone farther than speed times its memory."""
    mean, spread = wander(np.array([[0.0, 0, 1, 0]]), np.zeros((1, 4, 4)), np.array([60.0]), SETTINGS)
    assert mean[0, 0] == pytest.approx(SETTINGS.turn_s, rel=1e-6)
    assert mean[0, 2] == pytest.approx(0.0, abs=1e-6)
    assert spread[0, 2, 2] == pytest.approx(SETTINGS.speed_sigma_m_s**2, rel=1e-6)
    near, small = wander(np.array([[0.0, 0, 1, 0]]), np.zeros((1, 4, 4)), np.array([0.01]), SETTINGS)
    assert near[0, 0] == pytest.approx(0.01, rel=0.01)
    assert small[0, 0, 0] < 1e-5


def test_chains_of_links_have_one_root() -> None:
    """0 → 2 → 3 and 1 alone."""
    assert chained(np.array([2, -1, 3, -1])).tolist() == [0, 1, 0, 0]
