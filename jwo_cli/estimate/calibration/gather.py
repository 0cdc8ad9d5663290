"""What scales and clocks are calibrated from, out of a recording's signals: traces, hands, and weight changes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import JOINTS, PoseFrame, Signal, WeightBatch
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import WeightChanged

from .clock import Change
from .loads import Trace

Floats = NDArray[np.float64]
HANDS = tuple(index for index, name in enumerate(JOINTS) if name.endswith(("_hand", "_wrist")))
SURE = 0.9  # a change that may be drift says nothing about hands


def traces(signals: Iterable[Signal]) -> tuple[Trace, ...]:
    """Every channel's samples in order of time (duplicates once), channels in order of appearance."""
    parts: dict[str, list[tuple[int, float, Floats]]] = {}
    for signal in signals:
        if isinstance(signal, WeightBatch):
            for column, channel in enumerate(signal.channels):
                grams = signal.grams[:, column].astype(np.float64)
                parts.setdefault(channel, []).append((signal.end_ns, signal.rate_hz, grams))
    start_ns = min((end_ns for batches in parts.values() for end_ns, _, _ in batches), default=0)
    return tuple(_trace(channel, batches, start_ns) for channel, batches in parts.items())


def _trace(channel: str, batches: list[tuple[int, float, Floats]], start_ns: int) -> Trace:
    rate = float(np.median([rate for _, rate, _ in batches]))
    at = np.concatenate([(end - start_ns) / 1e9 - np.arange(len(g))[::-1] / hz for end, hz, g in batches])
    grams = np.concatenate([g for _, _, g in batches])
    at, first = np.unique(np.round(at, 6), return_index=True)
    return Trace(channel=channel, at_s=at, grams=grams[first], rate_hz=rate)


def hands(signals: Iterable[Signal], start_ns: int) -> tuple[Floats, Floats]:
    """Every hand seen: times [M], s since `start_ns` by the cameras' clock, in order, and places [M, 3] metres."""
    at: list[float] = []
    places: list[Floats] = []
    for signal in signals:
        if isinstance(signal, PoseFrame):
            for person in signal.people:
                joints = person.joints_m[list(HANDS)].astype(np.float64)
                seen = joints[np.isfinite(joints).all(axis=1)]
                at += [(signal.at_ns - start_ns) / 1e9] * len(seen)
                places.append(seen)
    if not at:
        return np.zeros(0), np.zeros((0, 3))
    order = np.argsort(at, kind="stable")
    return np.array(at)[order], np.concatenate(places)[order]


def changes(store: Store, signals: Iterable[Signal], start_ns: int) -> tuple[Change, ...]:
    """Weight changes that were surely real, by the scales alone, each at its heaviest plate; in the scales' time."""
    perception = Perception(store, recording_id="clock")
    seen = [item for signal in signals if isinstance(signal, WeightBatch) for item in perception.feed(signal)]
    out = []
    for item in [*seen, *perception.close()]:
        if isinstance(item, WeightChanged) and item.real >= SURE and item.plates:
            plate = max(item.plates, key=lambda delta: abs(delta.delta_g)).plate_id
            middle_s = ((item.begin_ns + item.end_ns) / 2 - start_ns) / 1e9
            out.append(Change(at_s=middle_s, place_m=store.plate_centre(plate)))
    return tuple(out)
