"""Late and unordered frames: held back for a moment, given out in order of time, in whole instants.

Cameras send when they can. A glimpse waits until the cameras are `delay_s` past it; by then what belongs before it has
come or will be called late. Glimpses within `together_s` are one instant. A camera that drops out holds nobody up, and
one that sends more often than another has instants of its own.

How far the cameras are is said by the (lower) median of them: one whose clock is ahead blinds nobody, its glimpses wait
until the others are there; one whose clock is far behind is called late and holds nobody up. One that is steadily a
little behind (a slow machine, a long way) is waited for, within `most_s`, as long as that is so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from .detections import Glimpse

Instant = tuple[Glimpse, ...]

_MARGIN_S = 0.1  # waited for beyond what the latest was late by
_WINDOW_S = 30.0  # a delay that nobody needed for so long is given up
_SILENT = 25  # frames of the others, each, after which a camera is no longer asked how far it is


class Ordering:
    """Glimpses in, instants out. `late` counts those that came after their time had been given out."""

    def __init__(self, *, delay_s: float = 0.5, together_s: float = 0.02, most_s: float = 1.5) -> None:
        self._least_s = self._delay_s = delay_s
        self._most_s = max(most_s, delay_s)
        self._together_s = together_s
        self._waiting: list[Glimpse] = []
        self._reached: dict[int, tuple[float, int]] = {}  # camera -> its newest, and how many frames had come then
        self._frames = 0
        self._given_s = -math.inf
        self._window_s, self._worst_s = -math.inf, 0.0
        self.late = 0

    @property
    def delay_s(self) -> float:
        """How long glimpses are held back now."""
        return self._delay_s

    def push(self, glimpse: Glimpse) -> list[Instant]:
        """Takes one in, whenever it comes; returns the instants that are complete now, in order."""
        self._frames += 1
        newest_s, _ = self._reached.get(glimpse.camera, (-math.inf, 0))
        self._reached[glimpse.camera] = (max(newest_s, glimpse.at_s), self._frames)
        far_s = self._far_s()
        self._adapt(far_s, far_s - glimpse.at_s)
        if glimpse.at_s <= self._given_s:
            self.late += 1
            return []
        self._waiting.append(glimpse)
        return self._give(far_s - self._delay_s)

    def until(self, at_s: float) -> list[Instant]:
        """What waits and is older: the cameras had time enough, by another clock."""
        return self._give(at_s)

    def flush(self) -> list[Instant]:
        """Everything that still waits: nothing more will come."""
        return self._give(math.inf)

    def _far_s(self) -> float:
        """How far the cameras are that still send."""
        silent = _SILENT * len(self._reached)
        reached = sorted(newest_s for newest_s, frame in self._reached.values() if self._frames - frame <= silent)
        return reached[(len(reached) - 1) // 2]

    def _adapt(self, far_s: float, behind_s: float) -> None:
        """Waits for who is behind, if not for ever, and no longer than is needed."""
        if behind_s <= self._most_s - _MARGIN_S:
            self._worst_s = max(self._worst_s, behind_s)
        self._delay_s = max(self._delay_s, self._worst_s + _MARGIN_S)
        if far_s - self._window_s > _WINDOW_S:
            needed_s = self._worst_s + _MARGIN_S if self._window_s > -math.inf else self._delay_s
            self._delay_s = min(self._delay_s, max(self._least_s, needed_s))
            self._window_s, self._worst_s = far_s, 0.0

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
