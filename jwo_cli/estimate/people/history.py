"""What was seen of each track lately: times and joints, kept for a bounded span, found again by time.

Bodies are kept in memory only, and only as long as an event may still ask for them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import JOINTS
from jwo_cli.model.units import NS_PER_S

Floats = NDArray[np.float64]

HEAD, NECK, L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST, L_HAND, R_HAND = range(len(JOINTS))

KEEP_NS = 60 * NS_PER_S  # the longest hold before a lift that was seen is 9 s; a slow scale settles within seconds


class History:
    """Sightings of one track: `at_ns` ascending, joints float32 [10, 3] metres each (NaN not seen)."""

    __slots__ = ("_since_trim", "at_ns", "joints")

    def __init__(self) -> None:
        self.at_ns: list[int] = []
        self.joints: list[NDArray[np.float32]] = []
        self._since_trim = 0

    def add(self, at_ns: int, joints_m: NDArray[np.float32]) -> None:
        """Append a sighting; earlier ones than KEEP_NS before it are forgotten now and then."""
        self.at_ns.append(at_ns)
        self.joints.append(joints_m)
        self._since_trim += 1
        if self._since_trim >= 256:
            self.forget_before(at_ns - KEEP_NS)

    def forget_before(self, at_ns: int) -> None:
        """Drop sightings before `at_ns`."""
        cut = bisect_left(self.at_ns, at_ns)
        del self.at_ns[:cut]
        del self.joints[:cut]
        self._since_trim = 0

    def window(self, from_ns: int, until_ns: int) -> tuple[NDArray[np.int64], Floats]:
        """Times int64 [n] and joints [n, 10, 3] of the sightings in [from_ns, until_ns]."""
        lo, hi = bisect_left(self.at_ns, from_ns), bisect_right(self.at_ns, until_ns)
        if lo >= hi:
            return np.empty(0, np.int64), np.empty((0, len(JOINTS), 3))
        return np.array(self.at_ns[lo:hi], dtype=np.int64), np.array(self.joints[lo:hi], dtype=np.float64)

    def seen_within(self, from_ns: int, until_ns: int) -> bool:
        """Whether there is a sighting in [from_ns, until_ns]."""
        at = bisect_left(self.at_ns, from_ns)
        return at < len(self.at_ns) and self.at_ns[at] <= until_ns


def torso(joints: NDArray[np.float32]) -> tuple[float, float] | None:
    """Where a body stands: mean x, y of neck and shoulders (any joint if need be), metres; None without any."""
    rows = joints.tolist()
    x = y = n = 0.0
    for i in (NECK, L_SHOULDER, R_SHOULDER):
        if rows[i][0] == rows[i][0]:  # not NaN; plain floats are ten times faster here than numpy's small arrays
            x, y, n = x + rows[i][0], y + rows[i][1], n + 1
    if n:
        return x / n, y / n
    return next(((row[0], row[1]) for row in rows if row[0] == row[0]), None)
