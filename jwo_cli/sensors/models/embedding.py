"""Appearance of people and of goods as vectors of length 1. Nothing here is kept: embeddings live in memory only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jwo_cli.estimate.pixels import Image
from jwo_cli.sensors.models.entry import Entry
from jwo_cli.sensors.models.fitting import Floats, fit, normalised
from jwo_cli.sensors.models.session import Session


class NetworkEmbedder:
    """An embedder (`estimate.pixels.Embedder`).

    `mean` [dimensions] is what all the store's goods have in common: the mean of their embeddings. Taking it off before
    comparing is what tells packages in one light from one another.
    """

    def __init__(self, session: Session, entry: Entry, *, mean: Floats | None = None) -> None:
        self.entry = entry
        self.mean = mean
        self._session = session

    def embed(self, crops: Sequence[Image]) -> Floats:
        """Float32 [n, dimensions], each row of length 1; [0, 0] without crops."""
        rows = [self._session.run_one(normalised(fit(crop, self.entry.form)[0], self.entry.form))[0] for crop in crops]
        if not rows:
            return np.zeros((0, 0), dtype=np.float32)
        return centred(np.concatenate([row.reshape(1, -1) for row in rows]), self.mean)


def unit(rows: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def centred(rows: Floats, mean: Floats | None) -> Floats:
    """Rows of length 1, less the mean, of length 1 again."""
    rows = unit(np.asarray(rows, dtype=np.float32))
    return rows if mean is None else unit(rows - mean)


def mean_of(rows: Floats) -> Floats:
    """What the rows (of length 1, of one store's goods) have in common [dimensions]."""
    return np.asarray(rows.mean(axis=0), dtype=np.float32)
