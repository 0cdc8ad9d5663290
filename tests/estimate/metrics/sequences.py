"""Seeded little sequences: people who wander, and tracks of them that miss, blur and mix them up."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.metrics.pairing import Rows


def wandering(seed: int, people: int = 4, frames: int = 25) -> tuple[Rows, Rows]:
    """Truth and tracks as boxes; the same numbers for the same seed, with which the oracles were asked."""
    draw = np.random.default_rng(seed)
    start = np.array([[10.0 + 15 * k, 20.0] for k in range(people)])
    centre = start[:, None] + np.cumsum(draw.normal(0, 2, (people, frames, 2)), axis=1)
    return _rows(draw, centre, 0.1, 0.0, 0.0), _rows(draw, centre, 0.15, 3.0, 0.05)


def _rows(draw: np.random.Generator, centre: np.ndarray, drop: float, blur: float, mix: float) -> Rows:
    kept: dict[tuple[int, int], list[float]] = {}
    people, frames, _ = centre.shape
    for person in range(people):
        ident = person
        for frame in range(frames):
            if draw.random() < mix:
                ident = int(draw.integers(0, people + 3))
            if draw.random() >= drop:
                x, y = centre[person, frame] + draw.normal(0, 1, 2) * blur
                kept[frame, ident] = [x, y, 20 + draw.normal(0, 1), 50 + draw.normal(0, 2)]
    keys = np.array(list(kept), np.int64)
    return Rows(frame=keys[:, 0], id=keys[:, 1], place=np.array(list(kept.values())))
