"""Still stretches of one channel, and the loads among them: what a weight that is put on and taken off looks like.

A still stretch is where the running median does not step; its level is a median, its noise a median deviation, so that
a touch or a footstep moves neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Floats = NDArray[np.float64]
MEDIAN_S = 0.5  # longer than a footstep's swing, shorter than anybody holds a weight
SETTLE_S = 0.5  # cut off both ends of a still stretch
STILL_S = 1.0  # the least that counts as still
PIECE_S = (
    2.5  # longer stretches are cut into such pieces, so that a load is compared with what was just before and after
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One channel: `at_s` [N] seconds, evenly `rate_hz` but for gaps, and `grams` [N] (NaN where there was nothing)."""

    channel: str
    at_s: Floats
    grams: Floats
    rate_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A still stretch, from `start_s` to `end_s`: its level and the noise of its samples (σ), grams."""

    start_s: float
    end_s: float
    level_g: float
    noise_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A weight that stood on the plate: by how much the level rose against the empty plate around it."""

    start_s: float
    end_s: float
    rise_g: float


def still_stretches(trace: Trace, *, step_g: float) -> tuple[Still, ...]:
    """Where the level holds, between steps of more than `step_g`; long stretches in pieces."""
    good = np.isfinite(trace.grams)
    at, grams = trace.at_s[good], trace.grams[good]
    width = max(3, int(MEDIAN_S * trace.rate_hz) | 1)
    if len(grams) < 2 * width:
        return ()
    level = median_filter(grams, size=width, mode="nearest")
    apart = np.abs(level[width:] - level[:-width]) > step_g
    moving = np.zeros(len(grams), dtype=bool)
    half = width // 2
    moving[half : half + len(apart)] = apart
    moving |= np.concatenate([[False], np.diff(at) > max(1.0, 3 / trace.rate_hz)])
    edges = np.flatnonzero(np.diff(np.concatenate([[True], moving, [True]]).astype(np.int8)))
    out = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        own = np.flatnonzero((at >= at[start] + SETTLE_S) & (at <= at[end - 1] - SETTLE_S))
        least = max(4, int(STILL_S * trace.rate_hz))
        pieces = max(1, min(len(own) // least, round(len(own) / (PIECE_S * trace.rate_hz))))
        parts = np.array_split(own, pieces)
        out += [_still(at[part], grams[part]) for part in parts if len(part) >= least]
    return tuple(out)


def _still(at: Floats, grams: Floats) -> Still:
    middle = float(np.median(grams))
    noise = float(1.4826 * np.median(np.abs(grams - middle)))
    return Still(start_s=float(at[0]), end_s=float(at[-1]), level_g=middle, noise_g=noise)


def loads(stretches: tuple[Still, ...], *, step_g: float) -> tuple[tuple[Still, ...], tuple[Load, ...]]:
    """The stretches in which the plate was empty, and the loads between them.

    The plate begins empty; a level belongs to the empty plate when it is within `step_g` of the empty level before it,
    so that the empty level may drift.
    """
    if not stretches:
        return (), ()
    empty: list[Still] = [stretches[0]]
    loaded: list[tuple[Still, Still]] = []
    for item in stretches[1:]:
        if abs(item.level_g - empty[-1].level_g) <= step_g:
            empty.append(item)
        else:
            loaded.append((empty[-1], item))
    out = []
    for before, item in loaded:
        after = next((one for one in empty if one.start_s > item.end_s), before)
        base = (before.level_g + after.level_g) / 2
        out.append(Load(start_s=item.start_s, end_s=item.end_s, rise_g=item.level_g - base))
    return tuple(empty), tuple(out)
