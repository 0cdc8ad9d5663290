"""MODA and MODP of places on the floor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.metrics.floor import Points, floor_score
from jwo_cli.recordings.mot import read_points


def _points(*rows: tuple[int, float, float]) -> Points:
    table = np.array(rows, np.float64).reshape(-1, 3)
    return Points(frame=table[:, 0].astype(np.int64), xy_m=table[:, 1:])


def test_counts_and_nearness_by_hand() -> None:
    """One found 0.1 m off, one missed, one invented, and a frame without detections."""
    truth = _points((1, 0, 0), (1, 5, 0), (2, 1, 1))
    score = floor_score(truth, _points((1, 0.1, 0), (1, 9, 9)), gate_m=0.5)
    assert (score.matches, score.misses, score.false_positives) == (1, 2, 1)
    assert score.moda == pytest.approx(0.0)
    assert score.modp == pytest.approx(0.8)
    assert (score.precision, score.recall) == pytest.approx((1 / 2, 1 / 3))


def test_as_many_as_possible_match_before_as_near_as_possible() -> None:
    """The nearest pair would leave the other two alone."""
    score = floor_score(_points((1, 0.0, 0), (1, 0.4, 0)), _points((1, 0.45, 0), (1, 0.8, 0)), gate_m=0.5)
    assert (score.matches, score.misses, score.false_positives) == (2, 0, 0)


def test_only_the_frames_asked_for_count() -> None:
    """Both ends included."""
    every = _points((1, 0, 0), (2, 0, 0), (3, 0, 0))
    assert every.within(2, 3).frame.tolist() == [2, 3]


def test_mvdet_gives_the_published_figures(shared_data: Path) -> None:
    """Both files count grid cells of 2.5 cm, as MVDet's own evaluation does (its gate is 20 cells)."""
    folder = shared_data / "wildtrack"
    truth, found = (read_points(folder / f"mvdet-{name}-demo.txt") for name in ("gt", "test"))
    sides = [Points(frame=rows.frame, xy_m=rows.xy * 0.025) for rows in (truth, found)]
    score = floor_score(sides[0].within(1800, 1995), sides[1], gate_m=0.5)
    figures = [100 * value for value in (score.moda, score.modp, score.precision, score.recall)]
    assert figures == pytest.approx([88.4, 75.6, 93.6, 95.0], abs=0.06)
