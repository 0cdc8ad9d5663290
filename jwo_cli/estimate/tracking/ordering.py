"""Late and unordered frames: held back for a moment, given out in order of time, in whole instants.

Cameras send when they can. A glimpse waits until the newest one of any camera is `delay_s` ahead of it; by then what
belongs before it has come or will be called late. Glimpses within `together_s` are one instant. A camera that
drops out holds nobody up, and one that sends more often than another has instants of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .detections import Glimpse

Instant = tuple[Glimpse, ...]


class Ordering:
    """Glimpses in, instants out. `late` counts those that came after their time had been given out."""

    def __init__(self, *, delay_s: float = 0.5, together_s: float = 0.02) -> None:
        self._delay_s = delay_s
        self._together_s = together_s
        self._waiting: list[Glimpse] = []
        self._newest_s = float("-inf")
        self._given_s = float("-inf")
        self.late = 0

    def push(self, glimpse: Glimpse) -> list[Instant]:
        """Takes one in, whenever it comes; returns the instants that are complete now, in order."""
        if glimpse.at_s <= self._given_s:
            self.late += 1
            return []
        self._waiting.append(glimpse)
        self._newest_s = max(self._newest_s, glimpse.at_s)
        return self._give(self._newest_s - self._delay_s)

    def until(self, at_s: float) -> list[Instant]:
        """What waits and is older: the cameras had time enough, by another clock."""
        return self._give(at_s)

    def flush(self) -> list[Instant]:
        """Everything that still waits: nothing more will come."""
        return self._give(float("inf"))

    def _give(self, until_s: float) -> list[Instant]:
        self._waiting.sort(key=lambda each: (each.at_s, each.camera))
        given: list[Instant] = []
        while self._waiting:
            first_s = self._waiting[0].at_s
            if first_s + self._together_s > until_s:
                break
            count = sum(1 for each in self._waiting if each.at_s <= first_s + self._together_s)
            given.append(_instant(self._waiting[:count]))
            self._given_s = self._waiting[count - 1].at_s
            del self._waiting[:count]
        return given


def _instant(glimpses: Iterable[Glimpse]) -> Instant:
    """One glimpse a camera (its newest) at the time of the first, in order of the cameras."""
    newest = {each.camera: each for each in glimpses}
    at_s = min(each.at_s for each in newest.values())
    return tuple(replace(newest[camera], at_s=at_s) for camera in sorted(newest))
