"""Bodies: a motion on the floor, hands that reach, and the skeleton that follows from both.

Rest posture relative to the neck, measured while people stand: head 22 cm above and 6.5 cm forward, shoulders 18.5 cm
aside, wrists 21.5 cm aside, 4 cm forward and 56 cm below; head height 1.71 m ± 8.5 cm. Hands need 0.5-0.9 s to a plate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .draws import Floats, between
from .loads import smooth
from .places import Point, stoop_m
from .plates import Step

NECK_BELOW_HEAD_M = 0.22
ARM_M = 0.56  # shoulder to wrist, two links of half that
STRIDE_S = (0.5, 0.68)  # between steps while walking: the bursts on the shelves come 0.53-0.7 s apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A hand's way: leaves rest at `begin_s`, is at the point from `there_s` to `leave_s`, back at `end_s`."""

    hand: int  # 0 left, 1 right
    begin_s: float
    there_s: float
    leave_s: float
    end_s: float
    point: tuple[float, float, float]


@dataclass(slots=True)
class Motion:
    """A person's plan: positions over time, headings, reaches. Grows at its end only."""

    head_m: float
    t: list[float] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    heading: list[float] = field(default_factory=list)
    reaches: list[Reach] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    begin_s: float = 0.0
    end_s: float = math.inf

    @property
    def here(self) -> Point:
        """Where the plan ends."""
        return (self.x[-1], self.y[-1])

    @property
    def free_s(self) -> float:
        """When the plan ends."""
        return self.t[-1]

    def place(self, at_s: float, point: Point, heading: float) -> None:
        """Stand at `point` at `at_s`; turns as fast as people turn."""
        if self.t and at_s < self.t[-1]:
            raise ValueError(f"a motion goes back from {self.t[-1]:.3f} to {at_s:.3f} s")
        if self.heading:
            turn = (heading - self.heading[-1] + math.pi) % (2 * math.pi) - math.pi
            heading = self.heading[-1] + turn
        self.t.append(at_s)
        self.x.append(point[0])
        self.y.append(point[1])
        self.heading.append(heading)

    def wait(self, until_s: float) -> None:
        """Stand where the plan ends until then."""
        if until_s > self.free_s:
            self.place(until_s, self.here, self.heading[-1])

    def walk(self, way: Floats, rng: np.random.Generator, *, speed: float, facing: float | None = None) -> float:
        """Along `way` [n, 2] at about `speed` m/s with soft start and stop; returns the time of arrival."""
        lengths = np.hypot(*np.diff(way, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        total = float(along[-1])
        if total < 0.02:
            return self.free_s
        begin = self.free_s
        duration = total / speed + 0.45
        u = np.linspace(0.0, 1.0, max(int(duration / 0.1) + 1, 3))
        where = total * (0.35 * u + 0.65 * smooth(u))
        xs, ys = np.interp(where, along, way[:, 0]), np.interp(where, along, way[:, 1])
        for k in range(1, len(u)):
            heading = math.atan2(ys[k] - ys[k - 1], xs[k] - xs[k - 1]) if facing is None else facing
            if facing is not None and total > 0.8 and u[k] < 0.75:
                heading = math.atan2(ys[k] - ys[k - 1], xs[k] - xs[k - 1])
            self.place(begin + float(u[k]) * duration, (float(xs[k]), float(ys[k])), heading)
        at = begin + between(rng, 0.05, 0.3)
        while at < begin + duration:
            x, y = float(np.interp(at, self.t, self.x)), float(np.interp(at, self.t, self.y))
            self.steps.append(Step(at_s=at, x_m=x, y_m=y, force=float(np.exp(rng.normal(0.0, 0.3)))))
            at += between(rng, *STRIDE_S)
        return self.free_s

    def shuffle(self, at_s: float, rng: np.random.Generator) -> None:
        """Shift one's weight while standing: a weaker step."""
        x, y = self.position(at_s)
        self.steps.append(Step(at_s=at_s, x_m=x, y_m=y, force=0.45 * float(np.exp(rng.normal(0.0, 0.5)))))

    def position(self, at_s: float) -> Point:
        """Where the plan has the neck at a time (its last place afterwards)."""
        return (float(np.interp(at_s, self.t, self.x)), float(np.interp(at_s, self.t, self.y)))

    def joints(self, t: Floats) -> Floats:
        """Skeleton at times t: [n, 8, 3] metres, in the order of the first eight of signals.JOINTS."""
        x, y, heading = (np.interp(t, self.t, values) for values in (self.x, self.y, self.heading))
        sway = 0.006 * np.sin(2 * math.pi * (0.31 * t + self.head_m * 7.0))
        forward = np.stack([np.cos(heading), np.sin(heading)], axis=1)
        left = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
        blends, stoop = self._blends(t)
        neck_z = self.head_m - NECK_BELOW_HEAD_M - stoop
        neck = np.stack([x + sway * left[:, 0], y + sway * left[:, 1], neck_z], axis=1)
        lean = np.clip(stoop, 0.0, 0.3)
        head = neck + _offset(forward, left, 0.065 + 0.15 * lean, 0.0, NECK_BELOW_HEAD_M - 0.3 * lean)
        speed = np.hypot(np.gradient(x, t), np.gradient(y, t)) if len(t) > 1 else np.zeros(len(t))
        swing = 0.05 * np.clip(speed, 0.0, 1.0) * np.sin(2 * math.pi * 0.85 * t)
        out = np.empty((len(t), 8, 3))
        out[:, 0], out[:, 1] = head, neck
        for hand, side in ((0, 1.0), (1, -1.0)):
            shoulder = neck + _offset(forward, left, 0.007, side * 0.185, -0.047)
            rest = neck + _offset(forward, left, 0.04 + side * swing, side * 0.215, -0.56 + 0.45 * stoop)
            wrist = rest
            for weight, point in blends[hand]:
                wrist = wrist + weight[:, None] * (np.asarray(point) - wrist)
                shoulder = shoulder + (0.12 * weight[:, None] * (np.asarray(point) - shoulder)) * [1.0, 1.0, 0.3]
            out[:, 2 + hand], out[:, 6 + hand] = shoulder, wrist
            out[:, 4 + hand] = _elbow(shoulder, wrist, left * side)
        return out

    def _blends(self, t: Floats) -> tuple[tuple[list[tuple[Floats, tuple[float, float, float]]], ...], Floats]:
        """For each hand its (weight [n], point) reaches in order, and how far the body stoops [n]."""
        blends: tuple[list[tuple[Floats, tuple[float, float, float]]], ...] = ([], [])
        stoop = np.zeros(len(t))
        if not len(t):
            return blends, stoop
        for reach in self.reaches:
            if reach.end_s < t[0] or reach.begin_s > t[-1]:
                continue
            out = smooth((t - reach.begin_s) / (reach.there_s - reach.begin_s))
            weight = out * (1.0 - smooth((t - reach.leave_s) / (reach.end_s - reach.leave_s)))
            blends[reach.hand].append((weight, reach.point))
            stoop = np.maximum(stoop, stoop_m(reach.point[2]) * weight)
        return blends, stoop


def _offset(forward: Floats, left: Floats, ahead: float | Floats, aside: float, up: float | Floats) -> Floats:
    """A vector in the body's frame as [n, 3] in the store's."""
    flat = np.reshape(ahead, (-1, 1)) * forward + aside * left
    return np.concatenate([flat, np.broadcast_to(np.reshape(up, (-1, 1)), (len(forward), 1))], axis=1)


def _elbow(shoulder: Floats, wrist: Floats, outward: Floats) -> Floats:
    """Two links of equal length: the elbow hangs down and outwards of the middle; a stretched arm is straight."""
    middle = (shoulder + wrist) / 2
    apart = np.linalg.norm(wrist - shoulder, axis=1)
    slack = np.sqrt(np.clip((ARM_M / 2) ** 2 - (apart / 2) ** 2, 0.0, None))
    hang = np.concatenate([0.35 * outward, np.full((len(outward), 1), -0.8)], axis=1)
    axis = (wrist - shoulder) / np.maximum(apart, 1e-6)[:, None]
    across = hang - np.sum(hang * axis, axis=1, keepdims=True) * axis
    across /= np.maximum(np.linalg.norm(across, axis=1), 1e-6)[:, None]
    result: Floats = middle + slack[:, None] * across
    return result


def new_motion(rng: np.random.Generator, at_s: float, point: Point, heading: float) -> Motion:
    """A person of some height who appears there."""
    motion = Motion(head_m=float(np.clip(rng.normal(1.71, 0.085), 1.5, 1.95)), begin_s=at_s)
    motion.place(at_s, point, heading)
    return motion
