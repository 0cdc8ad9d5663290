"""A recording as the rest of the house sees it: one layout, who was staff, and the signals in the order they arrived.

Where the signals come from (a raw AutoCheckout folder, a recording folder) is behind `signals()`; it can be called any
number of times and gives the same signals each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jwo_cli.estimate.signals import Overheard, Signal, WeightBatch
from jwo_cli.model.findings import Finding
from jwo_cli.model.layout import Store

from .manifest import LiveRun
from .truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One opened recording.

    `recording_id` is the content's hash, the same for a raw folder and its import. `start_ns` is when the recording
    began, `duration_s` the span of its signals' capture times. `staff` are tracker ids that are never billed.
    `findings` are oddities that were kept. `source` are the foreign files that the layout was built from, by name.
    `run` says of which live run it is the recording, if of one.
    """

    name: str
    recording_id: str
    store: Store
    start_ns: int
    duration_s: float
    staff: tuple[str, ...]
    findings: tuple[Finding, ...]
    path: Path
    source: Mapping[str, bytes] = field(repr=False)
    read_signals: Callable[[], Iterator[Signal]] = field(repr=False)
    read_truth: Callable[[], Truth | None] = field(repr=False)
    run: LiveRun | None = None
    read_office: Callable[[], tuple[Overheard, ...]] = field(default=tuple, repr=False)

    def signals(self) -> Iterator[Signal]:
        """Every signal in order of arrival, duplicates and disorder as they were."""
        return self.read_signals()

    def office(self) -> tuple[Overheard, ...]:
        """What a live store's engine heard beside the sensors, in order; they are among the signals, too."""
        return self.read_office()

    def truth(self) -> Truth | None:
        """What really happened, where somebody knows it; never input of a replay."""
        return self.read_truth()


def captured_ns(signal: Signal) -> int:
    """Capture time of a signal; of the last sample for a batch."""
    return signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns
