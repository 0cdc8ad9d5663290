"""Pose messages in order of capture: duplicates dropped, disorder mended within a bound, gaps and bad clocks reported.

A frame waits REORDER_NS of pose time for earlier ones; what comes later than that is dropped and counted, never used
out of order. A stamp that leaps ahead by more than LEAP_NS is believed only when the next frame confirms it.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np

from jwo_cli.estimate.signals import PersonPose, PoseFrame
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

DEVICE_ID = "poses"
REORDER_NS = 300 * NS_PER_MS  # a clock that steps back by 200 ms is mended by this too
GAP_NS = 1 * NS_PER_S  # the stream sends every 0.1 s, an empty frame when nobody is there
LEAP_NS = 30 * NS_PER_S
EPISODE_NS = 2 * NS_PER_S  # disorder and duplicates closer than this are one fault


@dataclass(slots=True)
class _Episode:
    """Consecutive faults of one kind."""

    at_ns: int
    until_ns: int
    count: int


class PoseStream:
    """Pose frames in, ordered frames and faults out."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, PoseFrame]] = []
        self._arrived = 0
        self._newest_ns: int | None = None
        self._suspect: PoseFrame | None = None
        self._released_ns: int | None = None
        self._last: PoseFrame | None = None
        self._recent: deque[int] = deque(maxlen=64)
        self._episodes: dict[FaultKind, _Episode] = {}
        self.faults: list[tuple[int, DeviceFaulted]] = []

    @property
    def progress_ns(self) -> int | None:
        """Frames up to here have been released: no earlier one will come out any more."""
        return self._released_ns

    def feed(self, frame: PoseFrame) -> list[PoseFrame]:
        """Frames that are now certain to be next, in order of capture."""
        if self._leaps(frame):
            return []
        if self._released_ns is not None and frame.at_ns <= self._released_ns:
            kind = FaultKind.DUPLICATE if frame.at_ns in self._recent else FaultKind.DISORDER
            self._count(kind, frame.at_ns)
            return []
        if self._newest_ns is not None and frame.at_ns < self._newest_ns:
            self._count(FaultKind.DISORDER, frame.at_ns)
        self._arrived += 1
        heapq.heappush(self._heap, (frame.at_ns, self._arrived, frame))
        self._newest_ns = frame.at_ns if self._newest_ns is None else max(self._newest_ns, frame.at_ns)
        return self.release(self._newest_ns - REORDER_NS)

    def release(self, until_ns: int) -> list[PoseFrame]:
        """Frames up to `until_ns` in order; used by `feed`, and when the stream has fallen silent."""
        out: list[PoseFrame] = []
        while self._heap and self._heap[0][0] <= until_ns:
            at_ns, _, frame = heapq.heappop(self._heap)
            if self._last is not None and at_ns == self._last.at_ns:
                added = _added(self._last, frame)
                if not added:
                    self._count(FaultKind.DUPLICATE, at_ns)
                    continue
                self._last = PoseFrame(at_ns=at_ns, people=(*self._last.people, *added))
                out.append(PoseFrame(at_ns=at_ns, people=added))
                continue
            if self._last is not None and at_ns - self._last.at_ns > GAP_NS:
                self._fault(FaultKind.GAP, self._last.at_ns, at_ns, 1)
            self._last = frame
            self._recent.append(at_ns)
            out.append(frame)
        self._released_ns = until_ns if self._released_ns is None else max(self._released_ns, until_ns)
        for kind in (FaultKind.DISORDER, FaultKind.DUPLICATE):
            episode = self._episodes.get(kind)
            if episode is not None and self._released_ns - episode.until_ns > EPISODE_NS:
                self._end_episode(kind)
        return out

    def close(self) -> list[PoseFrame]:
        """The rest, at the end of the stream."""
        if self._suspect is not None:
            self._count(FaultKind.CLOCK, self._suspect.at_ns)
            self._suspect = None
        out = self.release(self._newest_ns) if self._newest_ns is not None else []
        for kind in list(self._episodes):
            self._end_episode(kind)
        return out

    def _leaps(self, frame: PoseFrame) -> bool:
        """Hold back a frame far ahead of all others until its successor agrees; a lone one is a bad stamp."""
        suspect, self._suspect = self._suspect, None
        if self._newest_ns is None or frame.at_ns - self._newest_ns <= LEAP_NS:
            if suspect is not None:
                self._fault(FaultKind.CLOCK, frame.at_ns, frame.at_ns, 1, note="one stamp far ahead was ignored")
            return False
        if suspect is not None and abs(frame.at_ns - suspect.at_ns) <= LEAP_NS:
            return False
        self._suspect = frame
        return True

    def _count(self, kind: FaultKind, at_ns: int) -> None:
        episode = self._episodes.get(kind)
        if episode is None:
            self._episodes[kind] = _Episode(at_ns, at_ns, 1)
            return
        episode.at_ns, episode.until_ns = min(episode.at_ns, at_ns), max(episode.until_ns, at_ns)
        episode.count += 1

    def _end_episode(self, kind: FaultKind) -> None:
        episode = self._episodes.pop(kind)
        self._fault(kind, episode.at_ns, episode.until_ns, episode.count)

    def _fault(self, kind: FaultKind, at_ns: int, until_ns: int, count: int, note: str = "") -> None:
        fault = DeviceFaulted(at_ns=at_ns, device_id=DEVICE_ID, kind=kind, until_ns=until_ns, count=count, note=note)
        self.faults.append((until_ns, fault))


def _added(first: PoseFrame, second: PoseFrame) -> tuple[PersonPose, ...]:
    """Whom the second frame of one moment shows beyond the first."""
    known = {person.track_id for person in first.people}
    return tuple(person for person in second.people if person.track_id not in known)


def usable(person: PersonPose) -> bool:
    """Whether anything of this person was seen at all."""
    return bool(np.isfinite(person.joints_m[:, 0]).any())
