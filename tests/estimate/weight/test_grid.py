"""Messages on the sample grid: order, doubles, holes, clocks."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.weight.faults import Episodes
from jwo_cli.estimate.weight.grid import Grid

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
CHANNELS = ("d:1:1", "d:1:2")


def message(index: int, late_ns: int = 0) -> WeightBatch:
    """The index-th message of 12 samples; its samples carry their own number."""
    first = 12 * index
    grams = np.repeat(np.arange(first, first + 12, dtype=np.float32)[:, None], 2, axis=1)
    end_ns = T0 + round((first + 11) / 60 * SECOND) + late_ns
    return WeightBatch(device_id="d", end_ns=end_ns, rate_hz=60.0, channels=CHANNELS, grams=grams)


def lay_out(messages: list[WeightBatch]) -> tuple[np.ndarray, Grid]:
    """First column of everything laid out at the end of the stream."""
    grid = Grid("d", CHANNELS, 60.0, Episodes())
    parts = [part for m in messages for part in grid.push(m, rounds=math.inf)]
    parts += grid.flush(grid.newest_ns + 10 * SECOND)
    return np.concatenate(parts)[:, 0], grid


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-15, 15), min_size=20, max_size=20), st.permutations(range(3)), st.sets(st.integers(0, 19)))
def test_jitter_local_disorder_and_doubles_leave_no_trace(late_ms: list[int], turn: list[int], again: set[int]) -> None:
    """Stamps off by 15 ms, three neighbours in any order, any of them sent twice: all samples, once, in order."""
    sent = [message(index, 1_000_000 * late) for index, late in enumerate(late_ms)]
    mixed = sent[:8] + [sent[8 + k] for k in turn] + sent[11:]
    doubled = [m for index, m in enumerate(mixed) for m in ([m, m] if index in again else [m])]
    numbers, _ = lay_out(doubled)
    assert np.array_equal(numbers, np.arange(240))


def test_a_hole_is_as_long_as_what_is_missing() -> None:
    """Five messages lost: sixty unknown samples, and times that go on."""
    numbers, grid = lay_out([message(index) for index in (*range(10), *range(15, 25))])
    assert np.isnan(numbers[120:180]).all()
    assert np.array_equal(numbers[180:], np.arange(180, 300))
    assert abs(grid.time_ns(299) - message(24).end_ns) < 0.02 * SECOND


def test_columns_are_found_by_name() -> None:
    """A device that reorders or drops its columns is still understood."""
    grid = Grid("d", CHANNELS, 60.0, Episodes())
    grid.push(message(0), rounds=math.inf)
    other = WeightBatch(
        device_id="d", end_ns=message(1).end_ns, rate_hz=60.0, channels=("d:1:2",), grams=message(1).grams[:, 1:]
    )
    (part,) = grid.push(other, rounds=math.inf)
    assert np.isnan(part[:, 0]).all()
    assert np.array_equal(part[:, 1], np.arange(12, 24))
