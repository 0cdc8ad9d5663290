"""What happened on one plate during one look: its rests compared, one after the other.

Between two rests at different levels something changed; between two at the same level it was touched, or nothing
happened and the two are one. A short rest on the way is no rest when it is the top of a press (up, then down by more),
the tail of a put (up, then a little back), or a lift put down again within a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.weight.levels import WINDOW_S, level
from jwo_cli.estimate.weight.lifts import course, split_lifts
from jwo_cli.estimate.weight.segment import Rest

Floats = NDArray[np.float64]

SAME_SIGMAS = 5.0
SAME_G = 1.5  # levels closer than this are the same in any case (slow drift)
PRESS_S = 0.6  # a rest shorter than this on top of a press is none
PRESS_G = 80.0
STILL_MOMENT_S = 0.8
STILL_SHARE = 0.25  # of the contact beside it
HELD_S = 1.8  # a slow lift with its press is shorter; a hand that holds takes 3-9 s
HOLD_S = 1.0
HOLD_SHARE = 2.0  # contact around a hold, in lengths of its still moment
PAUSE_S = 0.8
LONG_CONTACT_S = 1.3
SLOW_FALL_S = 0.12  # 20 to 80 %; a pick falls in 0.04-0.1 s, a slow lift takes its time in every part
DIP_S = 1.0  # a lift put back within this is a touch
# Unless the plate lay still in between, after a quick fall and before a put: then one thing left and one came, and
# whether these are one thing and one person is for the engine to weigh.
CLEAN_S = 0.25
CLEAN_EDGE_S = 0.45
CLEAN_SETTLE_S = 1.0
CLEAN_G = 20.0
CLEAN_SIGMAS = 10.0
SETTLE_S = 0.1  # left out after a contact: the last of the overshoot
TREMBLE_ROW_S = 0.2
TREMBLE_ROWS = 4
CREST_S = 1.5
CREST_SHARE = 0.35  # of what the hand holds
TREMBLE_LEAK = 0.3  # of fast vibration that 0.2 s means let through
TOUCH_SIGMAS = 5.0
TOUCH_G = 8.0
LEAN_S = 0.15  # a touch pushes one way for longer than half a cycle of vibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One plate's change, or its touch when `touch` is set; times are samples of the device's grid.

    `course` are the times at which the trace passed 20, 50 and 80 % of the way (three times `main` for a touch).
    `press_g` is how far the trace went beyond both levels: a hand's push, what neighbours feel of it included.
    """

    plate: int
    begin: float
    main: float
    end: float
    course: tuple[float, float, float]
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
        found = _between(look, current, after)
        out += found
        changed = any(not step.touch for step in found)
        current = after if changed else _Plateau(current.parts + after.parts)
    return out


def still(look: Look, rests: list[Rest]) -> list[Rest]:
    """Rests in which nobody holds the goods: the first one, and those that neither tremble nor alternate."""
    if len(rests) < 2:
        return rests
    held = _alternating(look, rests)
    return rests[:1] + [rest for rest in rests[1:] if rest not in held and trembling(look, rest) < 1.0]


def _alternating(look: Look, rests: list[Rest]) -> list[Rest]:
    """Short rests that go up and down around one level away from the first: crests of a hand's slow trembling."""
    longest = CREST_S * look.rate_hz / look.per_tick
    held: list[Rest] = []
    for index in range(1, len(rests) - 2):
        three = rests[index : index + 3]
        first, second, third = (rest.level_g for rest in three)
        away = abs(first + second + third - 3 * rests[0].level_g) / 3
        spread = max(first, second, third) - min(first, second, third)
        turns = (second - first) * (third - second) < 0 and min(abs(second - first), abs(third - second)) > look.low_g
        if turns and spread < CREST_SHARE * away and all(rest.end - rest.begin < longest for rest in three):
            held += three
    return held


def trembling(look: Look, rest: Rest) -> float:
    """How much a rest wanders against what this plate does at rest, in units of what chance exceeds once in a thousand.

    A hand that holds still is never as still as a plate. 0 for rests too short to tell.
    """
    samples = look.samples_g[rest.begin * look.per_tick : rest.end * look.per_tick]
    samples = samples[~np.isnan(samples)]
    row = max(1, round(TREMBLE_ROW_S * look.rate_hz))
    rows = len(samples) // row
    if rows < TREMBLE_ROWS:
        return 0.0
    blocks = samples[: rows * row].reshape(rows, row)
    means = blocks.mean(axis=1)
    fast = float(((blocks - means[:, None]) ** 2).mean())
    usual = math.sqrt(look.low_g**2 + TREMBLE_LEAK**2 * fast)
    # Square root of chi-square / (rows - 1) at 99.9 %: 2.15 for 5 rows, 1.7 for 12, 1.4 for 30.
    return float(means.std(ddof=1)) / usual / (1 + 2.3 / math.sqrt(rows - 1))


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
    sides_s = (middle.begin - before.end) * seconds, (after.begin - middle.end) * seconds
    if length_s < min(STILL_MOMENT_S, STILL_SHARE * max(sides_s)) and max(sides_s) > HELD_S:
        return True  # a hand that was still for a moment
    if up > 0 and down < 0:
        back = length_s < DIP_S and abs(up + down) < max(3.0, 0.02 * up, 4 * look.low_g)  # nothing left over
        press = length_s < PRESS_S and up < PRESS_G and -down > up  # pressed, then something left
        tail = length_s < PRESS_S and -down < 0.5 * up  # put with overshoot
        hold = length_s < HOLD_S and sum(sides_s) > max(HOLD_SHARE * length_s, HELD_S)
        return back or press or tail or hold
    if up < 0 and down > 0 and length_s < DIP_S:
        large = -up > max(CLEAN_G, CLEAN_SIGMAS * look.low_g)
        clean = large and length_s >= CLEAN_S and sides_s[0] < CLEAN_EDGE_S and sides_s[1] < CLEAN_SETTLE_S
        return not clean and abs(up + down) < max(3.0, 0.02 * abs(up), 4 * look.low_g)
    if up < 0 and down < 0 and length_s < PAUSE_S:  # a slow lift that pauses; two picks have one quick fall at least
        if _pressed(look, middle, after):
            return False
        falls = (_fall_s(look, before, middle), _fall_s(look, middle, after))
        return min(falls) > SLOW_FALL_S or (max(sides_s) > LONG_CONTACT_S and length_s < 0.5 * max(sides_s))
    return False


def _pressed(look: Look, middle: Rest, after: Rest) -> bool:
    """A hand came anew after `middle`: the trace rose before it fell."""
    inside = look.samples_g[middle.end * look.per_tick : after.begin * look.per_tick]
    inside = inside[~np.isnan(inside)]
    width = max(1, round(0.1 * look.rate_hz))
    if len(inside) < width:
        return False
    smooth = np.convolve(inside, np.full(width, 1.0 / width), mode="valid")
    return float(smooth.max()) > middle.level_g + max(1.5, 3 * look.low_g)


def _fall_s(look: Look, before: Rest, after: Rest) -> float:
    """Seconds from 20 to 80 % of the way between two rests."""
    begin, end = before.end * look.per_tick, after.begin * look.per_tick
    lo, hi = max(0, begin - look.per_tick), min(len(look.samples_g), end + look.per_tick)
    off, delta = look.samples_g[lo:hi] - before.level_g, after.level_g - before.level_g
    early, _, late = course(off, delta)
    return (late - early) / look.rate_hz


def _level(look: Look, plateau: _Plateau, *, late: bool) -> tuple[float, float]:
    """Level and sigma of a plateau from its end (`late`, before a change) or from its start (after one)."""
    wanted = round(WINDOW_S * look.rate_hz)
    pieces: list[Floats] = []
    if late:
        for begin, end in reversed(plateau.parts):
            pieces.insert(0, _known(look, begin, end)[-wanted:])
            wanted -= len(pieces[0])
            if wanted <= 0:
                break
    else:
        known = _known(look, *plateau.parts[0])
        settle = min(round(SETTLE_S * look.rate_hz), len(known) // 3)
        pieces.append(known[settle : settle + wanted])
    return level(np.concatenate(pieces), look.low_g, look.rate_hz)


def _known(look: Look, begin: int, end: int) -> Floats:
    """Samples of a part of the look that are numbers: where a rest has a hole in it, those beyond tell its level."""
    samples = look.samples_g[begin:end]
    return samples[~np.isnan(samples)]


def _between(look: Look, before: _Plateau, after: _Plateau) -> list[Step]:
    """The touch, the change, or the quick changes one after the other between two plateaus."""
    a, sigma_a = _level(look, before, late=True)
    b, sigma_b = _level(look, after, late=False)
    delta, sigma = b - a, math.hypot(sigma_a, sigma_b)
    begin, end = before.end, max(after.begin, before.end + 1)
    if abs(delta) < max(SAME_SIGMAS * sigma, SAME_G):
        off = look.samples_g[begin:end] - a
        if not _is_touch(look, off):
            return []
        main = begin + float(np.nanargmax(np.abs(off)))
        return [_step(look, (begin, end), (main, main, main), (a, delta, sigma), lifts=0, touch=True)]
    parts = split_lifts(look.samples_g, (begin, end), (a, sigma_a), (b, sigma_b), look.rate_hz)
    out: list[Step] = []
    for part in parts:
        lo, hi = max(0, part.begin - look.per_tick), min(len(look.samples_g), part.end + look.per_tick)
        step_g = part.to_g - part.from_g
        off = look.samples_g[lo:hi] - part.from_g
        early, main, late = (lo + at for at in course(off, step_g))
        values = (part.from_g, step_g, part.sigma_g)
        out.append(_step(look, (part.begin, part.end), (early, main, late), values, lifts=part.lifts, touch=False))
    return out


def _step(
    look: Look,
    span: tuple[int, int],
    course: tuple[float, float, float],
    values: tuple[float, float, float],
    *,
    lifts: int,
    touch: bool,
) -> Step:
    begin, end = span
    level_g, delta, sigma = values
    lo, hi = max(0, begin - look.per_tick), min(len(look.samples_g), end + look.per_tick)
    off = look.samples_g[lo:hi] - level_g
    off = off[~np.isnan(off)]
    high, low = (float(off.max()), float(off.min())) if off.size else (0.0, 0.0)
    return Step(
        plate=look.plate,
        begin=look.first + begin,
        main=look.first + course[1],
        end=look.first + end,
        course=(look.first + course[0], look.first + course[1], look.first + course[2]),
        delta_g=delta,
        sigma_g=sigma,
        peak_g=high if high > -low else low,
        press_g=max(high - max(delta, 0.0), min(delta, 0.0) - low, 0.0),
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
