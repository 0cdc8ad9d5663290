"""A recording's boxes joined all at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.tracking.runs import Detections, join_image
from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.estimate.tracking.tracklets import ALONE, join_boxes

SETTINGS = TrackSettings()
RATE = 10.0
Walk = tuple[np.ndarray, np.ndarray]


def _walks(*walks: Walk, tall: float = 100.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, box and person of people who are at `x`, `y` [steps] each; nan is unseen."""
    rows = []
    for person, (x, y) in enumerate(walks):
        rows += [
            (step, x[step] - 0.2 * tall, y[step] - tall / 2, 0.4 * tall, tall, person)
            for step in range(len(x))
            if np.isfinite(x[step])
        ]
    table = np.array(rows).reshape(-1, 6)
    return table[:, 0].astype(np.int64), table[:, 1:5], table[:, 5].astype(np.int64)


def _joined(step: np.ndarray, boxes: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    times = np.arange(step.max(initial=-1) + 1) / RATE
    return join_boxes(step, boxes, np.full(len(step), 0.9) if score is None else score, times, SETTINGS)


def _same(owner: np.ndarray, person: np.ndarray) -> bool:
    """Whether owners and people are one to one."""
    pairs = {(int(a), int(b)) for a, b in zip(owner, person, strict=True)}
    return len(pairs) == len(set(owner.tolist())) == len(set(person.tolist()))


def _crossing(apart: float) -> tuple[Walk, Walk]:
    """Two who walk towards and past each other, `apart` pixels from path to path."""
    steps = np.arange(40)
    return (100.0 + 8 * steps, np.full(40, 200.0)), (412.0 - 8 * steps, np.full(40, 200.0 + apart))


def test_two_people_pass_each_other_without_exchanging_names() -> None:
    """A tenth of their height apart at the nearest."""
    step, boxes, person = _walks(*_crossing(10.0))
    assert _same(_joined(step, boxes), person)


def test_a_walk_is_taken_up_after_a_gap_where_it_led() -> None:
    """A second unseen, while somebody else stands near the place where it ended."""
    x = 100.0 + 8 * np.arange(40)
    x[15:25] = np.nan
    stands = np.full(40, 260.0)
    step, boxes, person = _walks((x, np.full(40, 200.0)), (stands, np.full(40, 150.0)))
    assert _same(_joined(step, boxes), person)


def test_nobody_is_taken_up_after_longer_than_a_track_outlives_its_last_sight() -> None:
    """Then it is somebody new."""
    x = np.full(60, 100.0)
    x[20 : 20 + int(RATE * SETTINGS.lost_s) + 1] = np.nan
    step, boxes, _ = _walks((x, np.full(60, 200.0)))
    assert len(set(_joined(step, boxes).tolist())) == 2


def test_faint_boxes_carry_on_and_begin_nothing() -> None:
    """A hole filled by faint boxes is one person; faint boxes alone are nobody."""
    step, boxes, person = _walks((np.full(30, 100.0), np.full(30, 200.0)), (np.full(30, 600.0), np.full(30, 200.0)))
    score = np.where((person == 1) | ((step >= 10) & (step < 20)), 0.2, 0.9)
    owner = _joined(step, boxes, score)
    assert set(owner[person == 1].tolist()) == {ALONE}
    assert len(set(owner[person == 0].tolist())) == 1
    assert ALONE not in owner[person == 0]


def test_boxes_that_come_and_go_at_once_are_nobody() -> None:
    """Fewer than a track needs to be confirmed."""
    x = np.full(20, 100.0)
    x[SETTINGS.confirm_hits - 1 :] = np.nan
    step, boxes, _ = _walks((x, np.full(20, 200.0)), (np.full(20, 700.0), np.full(20, 200.0)))
    assert np.sum(_joined(step, boxes) == ALONE) == SETTINGS.confirm_hits - 1


@given(st.integers(0, 2**32 - 1))
def test_nobody_is_twice_in_a_step_and_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Whatever the boxes are, crowded or few."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(0, 60))
    step = draw.integers(0, 8, count)
    boxes = np.column_stack(
        (draw.uniform(0, 200, (count, 2)), draw.uniform(30, 50, count), draw.uniform(70, 140, count))
    )
    score = draw.uniform(0, 1, count)
    times = np.arange(9) / RATE
    owner = join_boxes(step, boxes, score, times, SETTINGS)
    told = owner != ALONE
    assert len(set(zip(owner[told].tolist(), step[told].tolist(), strict=True))) == int(told.sum())
    turn = draw.permutation(count)
    assert np.array_equal(join_boxes(step[turn], boxes[turn], score[turn], times, SETTINGS), owner[turn])


def test_a_recording_is_told_as_it_is_with_ids_from_one() -> None:
    """Boxes and frame numbers as given; the rate is found where nobody says it; nothing in, nothing out."""
    step, boxes, person = _walks(*_crossing(120.0))
    seen = Detections(frame=1000 + 5 * step, box_px=boxes, score=np.ones(len(step)), look=np.zeros((len(step), 0)))
    found = join_image(seen, SETTINGS, RATE)
    order = np.lexsort((person, seen.frame))
    assert found.frame.tolist() == seen.frame[order].tolist()
    assert found.id.tolist() == (person[order] + 1).tolist()
    assert found.place == pytest.approx(boxes[order])
    assert set(join_image(seen, SETTINGS).id.tolist()) == {1, 2}
    assert len(join_image(seen.take(seen.frame < 0), SETTINGS, RATE).frame) == 0
