"""What happened on one plate during one look: its rests compared, one after the other.

Between two rests at different levels something changed; between two at the same level it was touched, or nothing
happened and the two are one. A short rest on the way is no rest when it is the top of a press (up, then down by more),
the tail of a put (up, then a little back), or a lift put down again within a second.
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
HOLD_S = 1.0
HOLD_SHARE = 2.0  # contact around a hold, in lengths of its still moment
DIP_S = 1.0  # a lift put back within this is a touch
SETTLE_S = 0.1  # left out after a contact: the last of the overshoot
TOUCH_SIGMAS = 5.0
TOUCH_G = 8.0
LEAN_S = 0.15  # a touch pushes one way for longer than half a cycle of vibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One plate's change, or its touch when `touch` is set; times are samples of the device's grid.

    `press_g` is how far the trace went beyond both levels: a hand's push, what neighbours feel of it included.
    """

    plate: int
    begin: float
    main: float
    end: float
    delta_g: float
    sigma_g: float
    peak_g: float
    press_g: float
    lifts: int
    touch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The trace of one plate under the loupe: samples [n] from `first` on, `per_tick` of them a tick."""

    plate: int
    first: int
    per_tick: int
    rate_hz: float
    samples_g: Floats
    low_g: float


@dataclass(frozen=True, slots=True)
class _Plateau:
    """Rests at one level, as sample ranges of the look, with nothing but touches between them."""

    parts: tuple[tuple[int, int], ...]

    @property
    def begin(self) -> int:
        return self.parts[0][0]

    @property
    def end(self) -> int:
        return self.parts[-1][1]


def steps(look: Look, rests: list[Rest]) -> list[Step]:
    """Changes and touches between the rests of one look, in order of time."""
    k = look.per_tick
    kept = [_Plateau(((rest.begin * k, rest.end * k),)) for rest in _merge(look, rests)]
    out: list[Step] = []
    if not kept:
        return out
    current = kept[0]
    for after in kept[1:]:
        step = _between(look, current, after)
        if step is not None:
            out.append(step)
        current = after if step is not None and not step.touch else _Plateau(current.parts + after.parts)
    return out


def _merge(look: Look, rests: list[Rest]) -> list[Rest]:
    """Leave out rests that are part of a contact, until none is left out."""
    kept = list(rests)
    index = 1
    while index < len(kept) - 1:
        if _is_contact(look, *kept[index - 1 : index + 2]):
            del kept[index]
            index = max(1, index - 1)
        else:
            index += 1
    return kept


def _is_contact(look: Look, before: Rest, middle: Rest, after: Rest) -> bool:
    up, down = middle.level_g - before.level_g, after.level_g - middle.level_g
    seconds = look.per_tick / look.rate_hz
    length_s = (middle.end - middle.begin) * seconds
    around_s = (middle.begin - before.end + after.begin - middle.end) * seconds
    if up > 0 and down < 0:
        press = length_s < PRESS_S and up < PRESS_G and -down > up  # pressed, then something left
        tail = length_s < 0.5 * PRESS_S and -down < 0.5 * up  # put with overshoot
        hold = length_s < HOLD_S and around_s > HOLD_SHARE * length_s  # a hand that was still for a moment
        return press or tail or hold
    if up < 0 and down > 0 and length_s < DIP_S:
        return abs(up + down) < max(3.0, 0.02 * abs(up), 4 * look.low_g)
    return False


def _level(look: Look, plateau: _Plateau, *, late: bool) -> tuple[float, float]:
    """Level and sigma of a plateau from its end (`late`, before a change) or from its start (after one)."""
    wanted = round(WINDOW_S * look.rate_hz)
    pieces: list[Floats] = []
    if late:
        for begin, end in reversed(plateau.parts):
            pieces.insert(0, look.samples_g[max(begin, end - wanted) : end])
            wanted -= len(pieces[0])
            if wanted <= 0:
                break
    else:
        begin, end = plateau.parts[0]
        settle = min(round(SETTLE_S * look.rate_hz), (end - begin) // 3)
        pieces.append(look.samples_g[begin + settle : min(end, begin + settle + wanted)])
    return level(np.concatenate(pieces), look.low_g, look.rate_hz)


def _between(look: Look, before: _Plateau, after: _Plateau) -> Step | None:
    a, sigma_a = _level(look, before, late=True)
    b, sigma_b = _level(look, after, late=False)
    delta, sigma = b - a, float(np.hypot(sigma_a, sigma_b))
    begin, end = before.end, max(after.begin, before.end + 1)
    lo, hi = max(0, begin - look.per_tick), min(len(look.samples_g), end + look.per_tick)
    off = look.samples_g[lo:hi] - a
    known = np.flatnonzero(~np.isnan(off))
    if not known.size:
        return None
    top = int(known[int(np.argmax(np.abs(off[known])))])
    touch = abs(delta) < max(SAME_SIGMAS * sigma, SAME_G)
    if touch:
        if not _is_touch(look, look.samples_g[begin:end] - a):
            return None
        main, lifts = lo + float(top), 0
    else:
        main, lifts = lo + _crossing(off, delta), _lifts(off, delta)
    return Step(
        plate=look.plate,
        begin=look.first + begin,
        main=look.first + main,
        end=look.first + end,
        delta_g=delta,
        sigma_g=sigma,
        peak_g=float(off[top]),
        press_g=float(max(np.max(off[known]) - max(delta, 0.0), min(delta, 0.0) - np.min(off[known]), 0.0)),
        lifts=lifts,
        touch=touch,
    )


def _is_touch(look: Look, off: Floats) -> bool:
    """True when a contact pushed one way for a while; vibration swings both ways."""
    known = off[~np.isnan(off)]
    width = max(2, round(LEAN_S * look.rate_hz))
    if len(known) < width:
        return False
    peak = float(np.max(np.abs(known)))
    smooth = np.convolve(known, np.full(width, 1.0 / width), mode="valid")
    leaning = float(np.max(np.abs(smooth)))
    return leaning > max(0.5 * peak, TOUCH_G, TOUCH_SIGMAS * look.low_g)


def _crossing(off: Floats, delta: float) -> float:
    """Where (in samples, with fraction) the trace crossed half way: the last time for a loss, the first for a gain."""
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
        return float(known[k])
    rise = values[k + 1] - values[k]
    share = (half - values[k]) / rise if rise else 0.0
    return float(known[k] + min(max(share, 0.0), 1.0) * (known[k + 1] - known[k]))


def _lifts(off: Floats, delta: float) -> int:
    """How many separate steps the way down (or up) has: 15 % of it each at least, with a slower part between them."""
    known = off[~np.isnan(off)]
    if len(known) < 5:
        return 1
    smooth = np.convolve(known, np.full(3, 1 / 3), mode="valid")
    speed = np.diff(smooth) * np.sign(delta)
    fast = speed > 0.35 * speed.max()
    edges = np.diff(np.concatenate(([0], fast.astype(np.int8), [0])))
    count = 0
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        count += bool(abs(smooth[min(stop, len(smooth) - 1)] - smooth[start]) > 0.15 * abs(delta))
    return max(1, count)
