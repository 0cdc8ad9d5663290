"""What happened on one plate during one look: its rests compared, one after the other.

Between two rests at different levels something changed; between two at the same level it was touched. A short rest on
the way is no rest when it is the top of a press (up, then down by more), the tail of a put (up, then a little back), or
a lift put down again within a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.weight.levels import WINDOW_S, level
from jwo_cli.estimate.weight.segment import Rest

Floats = NDArray[np.float64]

SAME_SIGMAS = 3.0
SAME_G = 1.5  # levels closer than this are the same in any case (slow drift)
PRESS_S = 0.6  # a rest shorter than this on top of a press is none
PRESS_G = 80.0
DIP_S = 1.0  # a lift put back within this is a touch
SETTLE_S = 0.1  # left out after a contact: the last of the overshoot
TOUCH_SIGMAS = 5.0
TOUCH_G = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One plate's change (or touch, when `delta_g` is 0 within its sigma and `touch` is set), times in samples."""

    plate: int
    begin: float
    main: float
    end: float
    delta_g: float
    sigma_g: float
    peak_g: float
    lifts: int
    touch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The trace of one plate under the loupe: samples [n], ticks' noise, and where it lies on the device's grid."""

    plate: int
    first: int  # grid index of samples_g[0]
    per_tick: int
    rate_hz: float
    samples_g: Floats
    ticks_g: Floats
    low_g: float


def steps(look: Look, rests: list[Rest]) -> list[Step]:
    """Changes and touches between the rests of one look, in order of time."""
    kept = _merge(look, rests)
    return [step for before, after in zip(kept, kept[1:], strict=False) if (step := _between(look, before, after))]


def _seconds(look: Look, ticks: float) -> float:
    return ticks * look.per_tick / look.rate_hz


def _merge(look: Look, rests: list[Rest]) -> list[Rest]:
    """Leave out rests that are part of a contact, until none is left out."""
    kept = list(rests)
    index = 1
    while index < len(kept) - 1:
        before, middle, after = kept[index - 1 : index + 2]
        if _is_contact(look, before, middle, after):
            del kept[index]
            index = max(1, index - 1)
        else:
            index += 1
    return kept


def _is_contact(look: Look, before: Rest, middle: Rest, after: Rest) -> bool:
    up, down = middle.level_g - before.level_g, after.level_g - middle.level_g
    length_s = _seconds(look, middle.end - middle.begin)
    if up > 0 and down < 0 and length_s < PRESS_S:
        press = up < PRESS_G and -down > up  # pressed, then something left
        tail = -down < 0.5 * up and length_s < 0.5 * PRESS_S  # put with overshoot
        return press or tail
    if up < 0 and down > 0 and length_s < DIP_S:
        back = abs(up + down) < max(3.0, 0.02 * abs(up), 4 * look.low_g)
        return back
    return False


def rest_level(look: Look, rest: Rest, *, late: bool) -> tuple[float, float]:
    """Level and sigma of a rest, from its end (`late`, before a change) or from its start (after one)."""
    begin, end = rest.begin * look.per_tick, rest.end * look.per_tick
    window = round(WINDOW_S * look.rate_hz)
    if late:
        begin = max(begin, end - window)
    else:
        settle = min(round(SETTLE_S * look.rate_hz), (end - begin) // 3)
        begin, end = begin + settle, min(end, begin + settle + window)
    return level(look.samples_g[begin:end], look.low_g, look.rate_hz)


def _between(look: Look, before: Rest, after: Rest) -> Step | None:
    a, sigma_a = rest_level(look, before, late=True)
    b, sigma_b = rest_level(look, after, late=False)
    delta, sigma = b - a, float(np.hypot(sigma_a, sigma_b))
    begin, end = before.end * look.per_tick, max(after.begin * look.per_tick, before.end * look.per_tick + 1)
    lo, hi = max(0, begin - look.per_tick), min(len(look.samples_g), end + look.per_tick)
    path = look.samples_g[lo:hi]
    off = path - a
    known = ~np.isnan(off)
    peak = float(off[known][np.argmax(np.abs(off[known]))]) if known.any() else 0.0
    same = abs(delta) < max(SAME_SIGMAS * sigma, SAME_G)
    if same:
        inside = look.samples_g[begin:end]
        wide = end - begin >= 2 * look.per_tick
        if not wide or abs(peak) < max(TOUCH_G, TOUCH_SIGMAS * look.low_g) or np.isnan(inside).all():
            return None
        if not _leans(inside - a, abs(peak), look):
            return None
        main = lo + int(np.nanargmax(np.abs(off)))
        return _step(look, begin, main, end, delta, sigma, peak, 0, touch=True)
    return _step(look, begin, _crossing(off, delta, lo), end, delta, sigma, peak, _lifts(off, delta, look), touch=False)


def _step(
    look: Look, begin: float, main: float, end: float, delta: float, sigma: float, peak: float, lifts: int, *, touch: bool
) -> Step:
    return Step(
        plate=look.plate,
        begin=look.first + begin,
        main=look.first + main,
        end=look.first + end,
        delta_g=delta,
        sigma_g=sigma,
        peak_g=peak,
        lifts=lifts,
        touch=touch,
    )


def _leans(off: Floats, peak: float, look: Look) -> bool:
    """A touch pushes one way for a while; vibration swings both ways."""
    known = off[~np.isnan(off)]
    width = max(1, round(0.15 * look.rate_hz))
    if len(known) < width:
        return False
    smooth = np.convolve(known, np.full(width, 1.0 / width), mode="valid")
    return float(np.max(np.abs(smooth))) > 0.5 * peak


def _crossing(off: Floats, delta: float, first: int) -> float:
    """Sample (with fraction) at which the trace crossed half way: the last time for a loss, the first for a gain."""
    half = 0.5 * delta
    known = np.flatnonzero(~np.isnan(off))
    values = off[known]
    beyond = values < half if delta < 0 else values > half
    if delta < 0:
        inside = np.flatnonzero(~beyond)
        k = int(inside[-1]) if inside.size else 0
    else:
        outside = np.flatnonzero(beyond)
        k = max(0, int(outside[0]) - 1) if outside.size else len(values) - 1
    if k + 1 >= len(values):
        return first + float(known[k])
    rise = values[k + 1] - values[k]
    share = (half - values[k]) / rise if rise else 0.0
    return first + float(known[k] + min(max(share, 0.0), 1.0) * (known[k + 1] - known[k]))


def _lifts(off: Floats, delta: float, look: Look) -> int:
    """How many separate steps the way down (or up) has: falls of 15 % at least, with a slower part between them."""
    known = off[~np.isnan(off)]
    if len(known) < 5:
        return 1
    smooth = np.convolve(known, np.full(3, 1 / 3), mode="valid")
    speed = np.diff(smooth) * np.sign(delta)
    fast = speed > 0.35 * speed.max()
    edges = np.diff(np.concatenate(([0], fast.astype(np.int8), [0])))
    count = 0
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        count += abs(smooth[min(stop, len(smooth) - 1)] - smooth[start]) > 0.15 * abs(delta)
    return max(1, int(count))
