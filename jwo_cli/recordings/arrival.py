"""In which order messages of several streams reached the store, when each stream only tells its own order.

Within a stream the order is that of its file, with its disorder kept. Across streams messages are merged by capture
time, smoothed so that order within each stream is never touched: a stream's key is the running maximum of the running
median of its timestamps. The median keeps a single absurd stamp from holding back everything that follows it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WINDOW = 9  # messages; the four gondolas of the nanostore send one each in 200 ms, so this spans about two rounds


def steadied(at_ns: Sequence[int]) -> NDArray[np.int64]:
    """Running median of capture times, int64 [n]: the stamps themselves where they are in order, no lone outliers."""
    stamps = np.asarray(at_ns, dtype=np.int64)
    if stamps.size == 0:
        return stamps
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(stamps, WINDOW // 2, mode="edge"), WINDOW)
    middle: NDArray[np.int64] = np.partition(windows, WINDOW // 2, axis=1)[:, WINDOW // 2]
    return middle


def span_ns(at_ns: Sequence[int]) -> tuple[int, int]:
    """First and last capture time of a recording, lone outliers left aside; (0, 0) when there is no signal."""
    stamps = steadied(at_ns)
    return (int(stamps.min()), int(stamps.max())) if stamps.size else (0, 0)


class Span:
    """`span_ns` of stamps that come one by one, of a recording that goes on for days: only the latest are kept."""

    def __init__(self) -> None:
        self.count = 0
        self._window: deque[int] = deque(maxlen=WINDOW)
        self._span_ns: tuple[int, int] | None = None

    def add(self, at_ns: int) -> None:
        """The next stamp in order of arrival."""
        if not self.count:
            self._window.extend([at_ns] * (WINDOW // 2))
        self.count += 1
        self._push(at_ns)

    def close(self) -> tuple[int, int]:
        """First and last capture time of all that were added; (0, 0) when there was none."""
        for at_ns in [self._window[-1]] * (WINDOW // 2) if self.count else []:
            self._push(at_ns)
        return self._span_ns or (0, 0)

    def _push(self, at_ns: int) -> None:
        self._window.append(at_ns)
        if len(self._window) == WINDOW:
            middle_ns = sorted(self._window)[WINDOW // 2]
            first_ns, last_ns = self._span_ns or (middle_ns, middle_ns)
            self._span_ns = min(first_ns, middle_ns), max(last_ns, middle_ns)


def merge_streams(streams: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """(stream, index) in order of arrival; at equal keys earlier streams come first."""
    keys = [np.maximum.accumulate(steadied(stream)) for stream in streams]
    stream = np.repeat(np.arange(len(keys)), [len(key) for key in keys])
    index = np.concatenate([np.arange(len(key)) for key in keys])
    order = np.lexsort((index, stream, np.concatenate(keys)))
    return [(int(stream[i]), int(index[i])) for i in order]
