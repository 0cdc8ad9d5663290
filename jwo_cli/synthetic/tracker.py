"""What the cameras' tracker makes of bodies: late, noisy, with gaps, lost joints and sometimes the wrong name.

Measured on nanostore-real and nanostore-dev: a message about every 0.1 s (± 8 ms), in half of the cases a second one
5-8 ms later, one in thirty left out; a still joint scatters by 7 mm (elbows 10, wrists 11), most of it slow (messages
7 ms apart differ by 1 mm, wrists 2 mm, in one of a hundred by 2 cm); 1 % of joints and 2 % of wrists are missing; a
wrist in a thousand is 0.1-0.3 m off; people vanish about once in 22 s for 0.3-1.1 s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import PersonPose, PoseFrame
from jwo_cli.model.units import METRES_PER_INCH, NS_PER_S

from .bodies import Motion
from .draws import Floats, between, chance, named

STATE = "TARGETSTATE_VALID_ENTRANCE"
SLOW_M = np.array([0.009, 0.0094, 0.0083, 0.0088, 0.0122, 0.0122, 0.0122, 0.0122])
FAST_M = np.array([0.0004, 0.0004, 0.0004, 0.0004, 0.0008, 0.0008, 0.0012, 0.0012])
WRISTS = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
LOST = np.array([0.010, 0.010, 0.011, 0.012, 0.008, 0.009, 0.013, 0.013])


@dataclass(slots=True)
class Seen:
    """A person as tracked: a motion, and the ids carried, each from a time on."""

    key: str
    motion: Motion
    ids: list[tuple[float, str]]
    gaps: list[tuple[float, float]] = field(default_factory=list)

    def id_at(self, at_s: float) -> str:
        """The id carried at a time."""
        current = self.ids[0][1]
        for since, name in self.ids:
            if at_s >= since:
                current = name
        return current


class FrameClock:
    """When messages are captured: a tick of 98.5 ms with jitter, some left out, half of them followed by a second."""

    def __init__(self, begin_s: float, rng: np.random.Generator) -> None:
        self._tick_s, self._rng = begin_s, rng
        self._waiting: list[float] = []

    def until(self, end_s: float) -> Floats:
        """The times before `end_s` that were not given yet, rising, seconds."""
        while self._tick_s < end_s + 0.05:  # a tick's jitter stays within 20 ms
            if not chance(self._rng, 0.035):
                first = self._tick_s + float(np.clip(self._rng.normal(0.0, 0.005), -0.02, 0.02))
                self._waiting.append(first)
                if chance(self._rng, 0.5):
                    self._waiting.append(first + between(self._rng, 0.005, 0.009))
            self._tick_s += 0.0985
        due = [at for at in self._waiting if at < end_s]
        self._waiting = self._waiting[len(due) :]
        return np.asarray(due, dtype=np.float64)


def gaps(begin_s: float, end_s: float, rng: np.random.Generator, knob: float) -> list[tuple[float, float]]:
    """When a person is lost from view."""
    found = []
    at = begin_s + float(rng.exponential(22.0 / max(knob, 1e-3)))
    while at < end_s:
        length = between(rng, 0.3, 1.1)
        found.append((at, at + length))
        at += length + float(rng.exponential(22.0 / max(knob, 1e-3)))
    return found


class Tracker:
    """Turns motions into pose frames, piece after piece."""

    def __init__(self, *, seed: int, begin_s: float = 0.0, kp_noise: float = 1.0, dropouts: float = 1.0) -> None:
        self._seed, self._noise, self._dropouts = seed, kp_noise, dropouts
        self._clock = FrameClock(begin_s, named(seed, "frames"))

    def frames(
        self, people: Sequence[Seen], until_s: float, *, start_ns: int, offset_s: float = 0.0
    ) -> list[PoseFrame]:
        """The next messages captured before `until_s`, everybody in view in each, stamped with the tracker's clock."""
        times = self._clock.until(until_s)
        shown: list[list[PersonPose]] = [[] for _ in times]
        positions = {
            seen.key: np.array([np.interp(times, seen.motion.t, axis) for axis in (seen.motion.x, seen.motion.y)])
            for seen in people
        }
        for seen in people:
            motion = seen.motion
            inside = np.flatnonzero((times >= motion.begin_s) & (times < motion.end_s))
            if not len(inside):
                continue
            crowd = np.zeros(len(inside))
            for other in people:
                if other is not seen:
                    apart = np.hypot(*(positions[other.key] - positions[seen.key])[:, inside])
                    present = (times[inside] >= other.motion.begin_s) & (times[inside] < other.motion.end_s)
                    crowd = np.maximum(crowd, np.where(present, np.clip(1.0 - apart / 0.9, 0.0, 1.0), 0.0))
            self._show(seen, times, inside, crowd, shown)
        stamps = [start_ns + round((t + offset_s) * 1e6) * 1_000 for t in times]
        return [PoseFrame(at_ns=stamp, people=tuple(group)) for stamp, group in zip(stamps, shown, strict=True)]

    def _show(
        self, seen: Seen, times: Floats, inside: NDArray[np.intp], crowd: Floats, shown: list[list[PersonPose]]
    ) -> None:
        t = times[inside]
        rng = named(self._seed, "seen", seen.key, round(float(t[0]) * 1e6))
        noisy = seen.motion.joints(t) + self._error(t, crowd, rng)
        lost = _in_runs(rng, len(t), LOST * self._dropouts) | (rng.random((len(t), 8)) < 0.04 * crowd[:, None] * WRISTS)
        wild = rng.random((len(t), 8)) < 0.0012 * WRISTS
        noisy += wild[:, :, None] * rng.normal(0.0, 0.15, size=(len(t), 8, 3))
        loose = rng.random((len(t), 8)) < 0.03 * WRISTS
        noisy += loose[:, :, None] * rng.normal(0.0, 0.014, size=(len(t), 8, 3))
        noisy[lost] = np.nan
        hidden = np.zeros(len(t), dtype=bool)
        for a, b in seen.gaps:
            hidden |= (t >= a) & (t < b)
        scores = np.round(rng.uniform(0.88, 0.995, size=(len(t), 8)), 4)
        # the documents hold float32 inches; rounding to a tenth of a millimetre first makes bytes independent of libm
        inches = (np.round(noisy, 4) / METRES_PER_INCH).astype(np.float32).astype(np.float64)
        metres = (inches * METRES_PER_INCH).astype(np.float32)
        joints = metres[:, [0, 1, 2, 3, 4, 5, 6, 7, 6, 7]]
        score = np.where(lost, 0.0, scores).astype(np.float32)[:, [0, 1, 2, 3, 4, 5, 6, 7, 6, 7]]
        for k, index in enumerate(inside):
            if not hidden[k]:
                pose = PersonPose(track_id=seen.id_at(float(t[k])), joints_m=joints[k], scores=score[k], state=STATE)
                shown[index].append(pose)

    def _error(self, t: Floats, crowd: Floats, rng: np.random.Generator) -> Floats:
        """Slow (0.9 s) and fast error of each joint, [n, 8, 3] metres; one and a half times as much in a throng."""
        n = len(t)
        keep = np.exp(-np.diff(t, prepend=t[0] - 0.1) / 0.9)
        fresh = rng.standard_normal((n, 8, 3)) * np.sqrt(1.0 - keep**2)[:, None, None]
        slow = np.empty((n, 8, 3))
        state = rng.standard_normal((8, 3))
        for k in range(n):
            state = keep[k] * state + fresh[k]
            slow[k] = state
        drift = np.array([1.0, 1.0, 0.6])
        error = slow * SLOW_M[:, None] * drift + rng.standard_normal((n, 8, 3)) * FAST_M[:, None]
        result: Floats = error * self._noise * (1.0 + 0.6 * crowd)[:, None, None]
        return result


def _in_runs(rng: np.random.Generator, n: int, share: Floats) -> NDArray[np.bool_]:
    """True for about `share` of the time, in runs of 1-6 messages; [n, len(share)]."""
    starts = rng.random((n, len(share))) < share / 3.0
    lengths = rng.integers(1, 6, size=(n, len(share)))
    result = np.zeros((n, len(share)), dtype=bool)
    for k, joint in np.argwhere(starts):
        result[k : k + lengths[k, joint], joint] = True
    return result


def closest(a: Motion, b: Motion, begin_s: float, end_s: float) -> tuple[float, float]:
    """When two people are nearest to each other, and how near: (s, m)."""
    t = np.arange(begin_s, end_s, 0.05)
    if not len(t):
        return begin_s, math.inf
    apart = np.hypot(np.interp(t, a.t, a.x) - np.interp(t, b.t, b.x), np.interp(t, a.t, a.y) - np.interp(t, b.t, b.y))
    k = int(np.argmin(apart))
    return float(t[k]), float(apart[k])


def stamp_ns(start_ns: int, at_s: float) -> int:
    """A time of the recording as nanoseconds, whole microseconds."""
    return start_ns + round(at_s * 1e6) * (NS_PER_S // 1_000_000)
