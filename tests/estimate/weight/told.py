"""What the weight front end tells of one shelf, and a shelf with two picks and a put."""

from __future__ import annotations

from collections.abc import Iterable

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.weight import Change, WeightFront
from jwo_cli.estimate.weight.events import Event
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from tests.estimate.weight.traces import START_NS, ShelfTrace, store_of


def observe(batches: Iterable[WeightBatch], plates: int = 8) -> list[Event]:
    """Everything the front end says about one shelf."""
    front = WeightFront(store_of(plates))
    return [event for batch in batches for event in front.feed(batch)] + list(front.close())


def changes(events: Iterable[Event]) -> list[Change]:
    """The changes among events."""
    return [event for event in events if isinstance(event, Change)]


def faults(events: Iterable[Event], kind: FaultKind) -> list[DeviceFaulted]:
    """The faults of one kind among events."""
    return [event for event in events if isinstance(event, DeviceFaulted) and event.kind is kind]


def seconds(ns: int) -> float:
    """Seconds since the trace began."""
    return (ns - START_NS) / 1e9


def shelf(seed: int = 3, seconds_: float = 16.0) -> ShelfTrace:
    """Eight plates of one board."""
    return ShelfTrace(seconds=seconds_, seed=seed)


def two_picks() -> list[WeightBatch]:
    """A shelf with two picks and a put."""
    trace = shelf(seconds_=20.0)
    trace.pick(8.0, {2: 1.0}, 120.0)
    trace.pick(12.0, {5: 0.6, 6: 0.4}, 300.0)
    trace.put(15.0, {2: 1.0}, 120.0)
    trace.noise()
    return trace.batches()


def sums(events: Iterable[Event]) -> list[float]:
    """Grams of the changes, rounded to 4 g."""
    return [4 * round(change.sum_g / 4) for change in changes(events)]
