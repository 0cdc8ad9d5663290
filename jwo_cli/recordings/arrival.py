"""In which order messages of several streams reached the store, when each stream only tells its own order.

Within a stream the order is that of its file, with its disorder kept. Across streams messages are merged by capture
time, smoothed so that order within each stream is never touched: a stream's key is the running maximum of the running
median of its timestamps. The median keeps a single absurd stamp from holding back everything that follows it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WINDOW = 9  # messages; the four gondolas of the nanostore send one each in 200 ms, so this spans about two rounds


def arrival_keys(at_ns: Sequence[int]) -> NDArray[np.int64]:
    """Non-decreasing int64 [n] by which one stream is merged with others."""
    stamps = np.asarray(at_ns, dtype=np.int64)
    if stamps.size == 0:
        return stamps
    padded = np.pad(stamps, WINDOW // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    smoothed = np.partition(windows, WINDOW // 2, axis=1)[:, WINDOW // 2]
    # On a stream in order the median is the stamp itself.
    return np.maximum.accumulate(smoothed)


def merge_streams(streams: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """(stream, index) in order of arrival; at equal keys earlier streams come first."""
    keys = [arrival_keys(stream) for stream in streams]
    stream = np.repeat(np.arange(len(keys)), [len(key) for key in keys])
    index = np.concatenate([np.arange(len(key)) for key in keys])
    order = np.lexsort((index, stream, np.concatenate(keys)))
    return [(int(stream[i]), int(index[i])) for i in order]
