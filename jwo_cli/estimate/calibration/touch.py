"""Wires by touching: each plate is pressed by hand in turn, and the channel that answers most is the plate's.

No weights are needed, and goods may stand on the plates: what counts is by how much a channel leaves the level that it
had just before and after. A neighbour that shakes along answers less than the plate that is pressed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from .loads import Trace
from .scale import Weighing, wiring
from .verdict import Reason, Verdict, judge

Floats = NDArray[np.float64]

GRID_HZ = 10.0
AROUND_S = 12.0  # the level around: a press is far shorter than half of this
LEAST_G, LEAST_SIGMAS = 30.0, 10.0  # a finger weighs more, footsteps on the floor less
LEAST_S, PAUSE_S = 0.3, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One press: which channel answered most, when, and by how much (grams)."""

    channel: str
    start_s: float
    end_s: float
    most_g: float


def touches(traces: Sequence[Trace]) -> tuple[Touch, ...]:
    """All presses in their order."""
    known = [trace for trace in traces if np.isfinite(trace.grams).sum() >= 2]
    if not known:
        return ()
    start = min(float(trace.at_s[0]) for trace in known)
    end = max(float(trace.at_s[-1]) for trace in known)
    at = np.arange(start, end, 1 / GRID_HZ)
    if len(at) < 2:
        return ()
    off = np.stack([_off(trace, at) for trace in known])
    most = off.argmax(axis=0)
    who = np.where(off.max(axis=0) > 0, most, -1)
    out: list[Touch] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[-2], who, [-2]])))
    for first, last in itertools.pairwise(edges):
        if who[first] < 0:
            continue
        channel, peak = known[int(who[first])].channel, float(off[who[first], first:last].max())
        begin, finish = float(at[first]), float(at[last - 1]) + 1 / GRID_HZ
        if out and out[-1].channel == channel and begin - out[-1].end_s <= PAUSE_S:
            begin, peak = out[-1].start_s, max(peak, out[-1].most_g)
            out.pop()
        out.append(Touch(channel=channel, start_s=begin, end_s=finish, most_g=peak))
    return tuple(item for item in out if item.end_s - item.start_s >= LEAST_S)


def _off(trace: Trace, at: Floats) -> Floats:
    """By how much a channel is off its level around, grams; 0 where that is noise, or nothing was there."""
    good = np.isfinite(trace.grams)
    grams = np.interp(at, trace.at_s[good], trace.grams[good])
    smooth = median_filter(grams, size=3, mode="nearest")  # a spike of one sample is no hand
    level = median_filter(smooth, size=int(AROUND_S * GRID_HZ) | 1, mode="nearest")
    noise = 1.4826 * float(np.median(np.abs(np.diff(smooth)))) + 1e-9
    gone = np.abs(smooth - level)
    return np.asarray(np.where(gone > max(LEAST_G, LEAST_SIGMAS * noise), gone, 0.0))


def touched(traces: Sequence[Trace], order: Sequence[tuple[str, str]]) -> tuple[Weighing, tuple[Touch, ...]]:
    """Which channel answered for each plate of `order` [(plate, channel)]; nothing is weighed."""
    found = touches(traces)
    answered = tuple(dict.fromkeys(item.channel for item in found))
    wired, reasons = wiring(order, answered)
    for plate, channel in order:
        if channel not in answered and not wired:
            text, fix = (
                f"{plate}: channel {channel} never answered",
                "Look for a loose plug, then touch all plates again.",
            )
            reasons.append(Reason(verdict=Verdict.REFUSED, text=text, fix=fix))
    if all(reason.verdict is Verdict.PASS for reason in reasons):
        reasons.append(Reason(verdict=Verdict.PASS, text=f"{len(answered)} channels answered in order"))
    return Weighing(weighed=(), rewired=wired, answered=answered, judgement=judge(reasons)), found
