"""What hands do to plates, as grams over time at 60 Hz: presses, lifts, put-downs, touches.

Shapes and constants were measured on the 70 true picks and puts of nanostore-dev and the one real pick:
* the true time of a pick is the end of its ramp; 10-90 % of the ramp takes 0.05-0.13 s, 0.03-0.07 s in a hurry;
* before it a press of 4-22 g plus 3-10 % of the mass for 0.15-0.3 s;
* the true time of a put is its beginning; the peak comes 0.04-0.1 s later, 20-60 g plus 5-35 % of the mass too high,
  decays within 0.1 s, and a resting hand lets go after 0.3-0.6 s;
* several units leave at once, or one after the other 0.08-0.2 s apart;
* neighbours follow by |N(0, 0.45 %)| of the change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Floats, between, chance, pick_one

RATE_HZ = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A change on some plates: `wave_g` [samples, plates] from sample `start`, then `after_g` [plates] for good."""

    start: int
    columns: tuple[int, ...]
    wave_g: Floats
    after_g: Floats

    @property
    def stop(self) -> int:
        """First sample after the wave."""
        return self.start + len(self.wave_g)


def _grid(begin_s: float, end_s: float) -> tuple[int, Floats]:
    """Sample numbers from just before `begin_s` to just after `end_s`, as (first, times in s)."""
    first, last = int(np.floor(begin_s * RATE_HZ)), int(np.ceil(end_s * RATE_HZ)) + 1
    return first, np.arange(first, last) / RATE_HZ


def smooth(u: Floats) -> Floats:
    """0 below 0, 1 above 1, with a level start and end between (3u² - 2u³)."""
    clipped = np.clip(u, 0.0, 1.0)
    result: Floats = clipped * clipped * (3.0 - 2.0 * clipped)
    return result


def _bump(t: Floats, begin: float, end: float) -> Floats:
    """A hump of height 1 from `begin` to `end`."""
    middle = begin + 0.62 * (end - begin)
    result: Floats = smooth((t - begin) / (middle - begin)) * (1.0 - smooth((t - middle) / (end - middle)))
    return result


def _wobble(rng: np.random.Generator, n: int, hz: float = 1.2) -> Floats:
    """Smooth noise of unit scatter: a hand that cannot keep still."""
    raw = rng.standard_normal(n + 120)
    width = int(RATE_HZ / hz / 2)
    soft = np.convolve(raw, np.hanning(width + 2)[1:-1], "same")[60 : 60 + n]
    result: Floats = soft / np.sqrt(np.sum(np.hanning(width + 2) ** 2))
    return result


def pick(rng: np.random.Generator, at_s: float, masses_g: Floats, *, style: str) -> tuple[int, Floats, Floats]:
    """Units leave: `masses_g` [units, plates]. Returns (first sample, wave [samples, plates], after [plates])."""
    total = masses_g.sum(axis=0)
    if style in {"float", "slow"}:
        return _held_pick(rng, at_s, total, slow=style == "slow")
    ramp = between(rng, 0.045, 0.085) if style == "fast" else between(rng, 0.07, 0.16)
    press_s = between(rng, 0.14, 0.22) if style == "fast" else between(rng, 0.16, 0.3)
    staircase = len(masses_g) > 1 and chance(rng, 0.5)
    starts = [at_s + 0.012 - ramp]  # the true time is where nine tenths are gone
    for _ in range(len(masses_g) - 1 if staircase else 0):
        starts.append(starts[-1] + between(rng, 0.08, 0.2))
    first, t = _grid(at_s - ramp - press_s - 0.05, starts[-1] + ramp + 0.02)
    wave = np.zeros((len(t), len(total)))
    steps = masses_g if staircase else total[None, :]
    for begin, mass in zip(starts, steps, strict=True):
        wave -= smooth((t - begin) / ramp)[:, None] * mass
    press = between(rng, 4.0, 22.0) + between(rng, 0.03, 0.1) * float(total.sum())
    share = total / total.sum()
    wave += (press * _bump(t, at_s - ramp - press_s, at_s - 0.4 * ramp))[:, None] * share
    return first, wave, -total


def held_s(rng: np.random.Generator, style: str) -> float:
    """How long the hand is at the plate before the load is gone, seconds."""
    if style == "float":
        return between(rng, 2.0, 5.5)
    return between(rng, 1.0, 2.5)


def _held_pick(rng: np.random.Generator, at_s: float, total: Floats, *, slow: bool) -> tuple[int, Floats, Floats]:
    """A press or a half-lift held for seconds before the units go, or one very slow lift."""
    mass = float(total.sum())
    span = held_s(rng, "slow" if slow else "float")
    first, t = _grid(at_s - span - 0.3, at_s + 0.02)
    u = (t - (at_s - span)) / span
    inside = np.clip(np.minimum(u * 6.0, (1.0 - u) * 6.0), 0.0, 1.0)
    sway = _wobble(rng, len(t)) * inside
    if slow:
        level = -mass * smooth(u) + 0.03 * mass * sway
    elif chance(rng, 0.45):  # leans on it first
        press = between(rng, 40.0, 180.0) + 0.15 * mass
        level = press * (0.8 + 0.25 * sway) * inside - (mass + press * 0.1) * smooth((u - 0.9) / 0.1)
        level = np.where(u >= 1.0, -mass, level)
    else:  # half lifted, and again
        halves = np.sort(rng.uniform(0.15, 0.9, size=int(rng.integers(2, 5))))
        rungs = np.sort(rng.uniform(0.1, 0.85, size=len(halves)))
        level = np.zeros(len(t))
        previous = 0.0
        for begin, rung in zip(halves, rungs, strict=True):
            level -= mass * (rung - previous) * smooth((u - begin) / min(between(rng, 0.05, 0.2), 0.99 - begin))
            previous = rung
        level -= mass * (1.0 - previous) * smooth((u - 0.93) / 0.07)
        level += 0.03 * mass * sway
    share = total / mass
    return first, level[:, None] * share, -total


def put(rng: np.random.Generator, at_s: float, total: Floats) -> tuple[int, Floats, Floats]:
    """Units arrive, `total` [plates]: quick rise from `at_s`, overshoot, a hand that rests and lets go."""
    mass = float(total.sum())
    rise, let_go = between(rng, 0.05, 0.1), between(rng, 0.28, 0.55)
    over = between(rng, 20.0, 60.0) + between(rng, 0.05, 0.45) * mass * min(1.0, 400.0 / mass)
    rest = over * between(rng, 0.05, 0.45)
    first, t = _grid(at_s - 0.03, at_s + let_go + 0.3)
    late = np.clip(t - at_s - rise, 0.0, None)
    hand = (over - rest) * np.exp(-late / between(rng, 0.04, 0.09)) + rest
    hand = hand * (1.0 - smooth((t - at_s - let_go) / 0.2))
    level = (mass + hand) * smooth((t - at_s) / rise)
    share = total / mass
    return first, level[:, None] * share, total


def tap(rng: np.random.Generator, at_s: float) -> tuple[int, Floats, float]:
    """A finger on a plate: (first sample, wave [samples], seconds it lasts)."""
    span = between(rng, 0.25, 0.7)
    first, t = _grid(at_s, at_s + span)
    top = between(rng, 40.0, 250.0)
    edge = between(rng, 0.06, 0.18)
    return first, top * smooth((t - at_s) / edge) * (1.0 - smooth((t - at_s - span + edge) / edge)), span


def lean(rng: np.random.Generator, at_s: float) -> tuple[int, Floats, float]:
    """An arm that leans on the goods for some seconds: (first sample, wave [samples], seconds)."""
    span = between(rng, 1.2, 3.6)
    first, t = _grid(at_s, at_s + span)
    top = between(rng, 300.0, 1600.0)
    inside = smooth((t - at_s) / 0.35) * (1.0 - smooth((t - at_s - span + 0.35) / 0.35))
    return first, top * inside * (1.0 + 0.08 * _wobble(rng, len(t))), span


def lift(rng: np.random.Generator, at_s: float, total: Floats) -> tuple[int, Floats, float]:
    """A unit is lifted, looked at and set down at the same place: (first sample, wave [samples, plates], seconds)."""
    away = between(rng, 0.8, 3.0)
    first, up, _ = pick(rng, at_s + 0.3, total[None, :], style=pick_one(rng, ("normal", "fast")))
    second, down, _ = put(rng, at_s + 0.3 + away, total)
    stop = second + len(down)
    wave = np.zeros((stop - first, len(total)))
    wave[: len(up)] += up
    wave[len(up) :] -= total
    wave[second - first :] += down
    return first, wave, (stop - first) / RATE_HZ


def push(rng: np.random.Generator, at_s: float) -> tuple[int, Floats, Floats, float]:
    """Goods straightened along the shelf: (first, press [samples], progress 0..1 [samples], grams that moved over)."""
    span = between(rng, 0.5, 1.4)
    first, t = _grid(at_s, at_s + span)
    top = between(rng, 60.0, 260.0)
    press = top * smooth((t - at_s) / (0.3 * span)) * (1.0 - smooth((t - at_s - 0.7 * span) / (0.3 * span)))
    moved = between(rng, 3.0, 18.0) * (1.0 if chance(rng, 0.5) else -1.0)
    return first, press, smooth((t - at_s) / span), moved


def crosstalk(rng: np.random.Generator, knob: float) -> float:
    """Share of a change that shows on a neighbour (0.45 % at knob 1)."""
    return abs(float(rng.normal(0.0, 0.0045))) * knob
