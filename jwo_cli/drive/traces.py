"""The weights around each change, kept small: what `jwo audit show` plots so that a person can judge a line.

Raw samples stay in the recording. Ten values a second, from three seconds before a change to three after it, go to the
journal's segments for the plates that changed, under the plates' names, so that a reader needs no layout; what two
changes share is written once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import Signal, WeightBatch
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import WeightChanged
from jwo_cli.model.units import NS_PER_S

AROUND_NS = 3 * NS_PER_S
RATE_HZ = 10
STEP_NS = NS_PER_S // RATE_HZ
# A change is told some seconds after it began; two minutes of one store's plates are a few megabytes.
REMEMBER_NS = 120 * NS_PER_S
# A long hold would make a long trace: its middle says nothing that its ends do not.
LONGEST_NS = 60 * NS_PER_S
# Batches of other devices and late messages are waited for this long after a window has passed.
PATIENCE_NS = NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time in whole steps, [from_bin, until_bin), and the plates whose weights are wanted in it."""

    from_bin: int
    until_bin: int
    plates: tuple[str, ...]


class TraceKeeper:
    """Remembers the last batches of every device; gives the samples of a window to `write` once it has passed."""

    def __init__(self, store: Store, write: Callable[[WeightBatch], None]) -> None:
        self._wire = {plate_id: plate.channel for plate_id, (_, _, plate) in store.plates().items()}
        self._write = write
        self._batches: dict[str, deque[WeightBatch]] = {}
        self._open: list[Window] = []
        self._written: dict[str, set[int]] = {}

    def saw(self, signal: Signal) -> None:
        """A signal on its way into the front end; only weights are remembered."""
        if not isinstance(signal, WeightBatch):
            return
        kept = self._batches.setdefault(signal.device_id, deque())
        kept.append(signal)
        if abs(kept[0].end_ns - signal.end_ns) > REMEMBER_NS:  # a lone stamp far ahead must not keep all behind it
            kept.popleft()
        passed = (signal.end_ns - PATIENCE_NS) // STEP_NS
        if self._open and any(window.until_bin <= passed for window in self._open):
            due = [window for window in self._open if window.until_bin <= passed]
            self._open = [window for window in self._open if window.until_bin > passed]
            self._close(due)

    def changed(self, change: WeightChanged) -> None:
        """A change was observed: its window is due."""
        until_ns = min(change.end_ns, change.begin_ns + LONGEST_NS) + AROUND_NS
        plates = tuple(plate.plate_id for plate in change.plates if plate.plate_id in self._wire)
        begin, end = (change.begin_ns - AROUND_NS) // STEP_NS, until_ns // STEP_NS + 1
        self._open.append(Window(from_bin=begin, until_bin=end, plates=plates))

    def close(self) -> None:
        """The recording has ended: write what is still open."""
        due, self._open = self._open, []
        self._close(due)

    def held(self) -> int:
        """Batches remembered, windows open, steps known to be written: a measure of memory."""
        batches = sum(len(kept) for kept in self._batches.values())
        return batches + len(self._open) + sum(len(written) for written in self._written.values())

    def _close(self, windows: list[Window]) -> None:
        for window in sorted(windows, key=lambda item: item.from_bin):
            for plate_id in window.plates:
                self._cut(window, plate_id)
        self._forget()

    def _forget(self) -> None:
        """What was written of samples that are no longer remembered, of whichever plate: it cannot be cut again."""
        oldest = {device_id: min(map(_first_bin, kept)) for device_id, kept in self._batches.items()}
        for plate_id, written in list(self._written.items()):
            since = oldest.get(self._wire[plate_id].partition(":")[0], 0)
            kept = {item for item in written if item >= since}
            if kept:
                self._written[plate_id] = kept
            else:
                del self._written[plate_id]

    def _cut(self, window: Window, plate_id: str) -> None:
        channel = self._wire[plate_id]
        bins, grams = self._samples(window, channel)
        written = self._written.setdefault(plate_id, set())
        fresh = np.array([item not in written for item in bins.tolist()], dtype=bool)
        bins, grams = bins[fresh], grams[fresh]
        for run in np.split(np.arange(len(bins)), np.flatnonzero(np.diff(bins) != 1) + 1):
            if len(run):
                # The middle of a step stands for it.
                end_ns = int(bins[run[-1]]) * STEP_NS + STEP_NS // 2
                column = grams[run].reshape(-1, 1)
                device = channel.partition(":")[0]
                batch = WeightBatch(
                    device_id=device, end_ns=end_ns, rate_hz=RATE_HZ, channels=(plate_id,), grams=column
                )
                self._write(batch)
        oldest = window.from_bin - REMEMBER_NS // STEP_NS
        self._written[plate_id] = {item for item in written if item >= oldest} | set(bins.tolist())

    def _samples(self, window: Window, channel: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Means over the steps of a window that have any sample; NaN where every sample of a step was."""
        times, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for batch in self._batches.get(channel.partition(":")[0], ()):
            if channel in batch.channels and batch.end_ns // STEP_NS >= window.from_bin:
                back = np.arange(len(batch.grams) - 1, -1, -1) / batch.rate_hz * NS_PER_S
                times.append((batch.end_ns - np.round(back).astype(np.int64)) // STEP_NS)
                values.append(batch.grams[:, batch.channels.index(channel)])
        steps, grams = np.concatenate(times), np.concatenate(values).astype(np.float64)
        inside = (steps >= window.from_bin) & (steps < window.until_bin)
        bins, where = np.unique(steps[inside], return_inverse=True)
        grams = grams[inside]
        good = np.isfinite(grams)
        sums = np.bincount(where[good], weights=grams[good], minlength=len(bins))
        counts = np.bincount(where[good], minlength=len(bins))
        means = np.full(len(bins), np.nan, dtype=np.float32)
        means[counts > 0] = (sums[counts > 0] / counts[counts > 0]).astype(np.float32)
        return bins, means


def _first_bin(batch: WeightBatch) -> int:
    """The step of a batch's first sample, or one before it."""
    return (batch.end_ns - round(len(batch.grams) / batch.rate_hz * NS_PER_S)) // STEP_NS
