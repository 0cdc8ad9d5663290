"""A shop may be open for days: what the front end, the engine and the journal hold does not grow with the traffic."""

from __future__ import annotations

from benchmarks.long_day import growth_of, live_growth_of, measured

HOURS = 0.3


def test_memory_is_bounded_over_a_day() -> None:
    """Eighteen minutes of the benchmark's day, somebody of the staff inside all the time: ≤ 5 % after a quarter of it.

    What the beliefs hold follows those who are inside and what lies in wrong places, not those who came.
    """
    samples, result = measured(HOURS)
    assert len(result.receipts) > 5
    assert growth_of(samples, HOURS * 3600) <= 0.05
    assert live_growth_of(samples, HOURS * 3600) <= 0.05
    assert max(sample.held for sample in samples) < 60
