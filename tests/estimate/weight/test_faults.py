"""Faults are told as episodes."""

from __future__ import annotations

from jwo_cli.estimate.weight.faults import QUIET_NS, Episodes
from jwo_cli.model.observations import FaultKind


def test_a_thousand_lost_messages_are_two_reports() -> None:
    """The first at once, the rest in one summary when it is over."""
    episodes = Episodes()
    told = []
    for index in range(1000):
        episodes.add(index * 1_000_000_000, "d", FaultKind.GAP, at_once=True)
        told += episodes.take(index * 1_000_000_000)
    told += episodes.take(1000 * 1_000_000_000 + QUIET_NS)
    assert [(fault.count, fault.until_ns) for fault in told] == [(1, 0), (1000, 999_000_000_000)]


def test_a_fault_that_comes_back_later_is_another_episode() -> None:
    """Two minutes of quiet end an episode."""
    episodes = Episodes()
    episodes.add(0, "d", FaultKind.CLOCK)
    episodes.add(120_000_000_000, "d", FaultKind.CLOCK)
    assert [fault.at_ns for fault in episodes.take(0, all_of_them=True)] == [0, 120_000_000_000]
