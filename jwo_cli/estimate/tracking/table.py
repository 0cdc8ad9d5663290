"""The living tracks as parallel arrays: rows are born together, kept by a mask, changed in batches."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .detections import Glimpse
from .settings import TrackSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Table:
    """One row a track. `mean` [n, 4], `covariance` [n, 4, 4]; `looks` and `seen` are fading counts of chances and
    hits, `all_*` those over its whole life.
    """

    key: Ints
    mean: Floats
    covariance: Floats
    unit: Floats
    traits: Floats
    trait_variance: Floats
    look: Floats
    born_s: Floats
    hit_s: Floats
    hits: Ints
    looks: Floats
    seen: Floats
    all_looks: Floats
    all_seen: Floats

    def __len__(self) -> int:
        return len(self.key)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forgets the rows outside the mask."""
        if not mask.all():
            for each in fields(self):
                setattr(self, each.name, getattr(self, each.name)[mask])

    def extend(self, other: Table) -> None:
        """Adds another table's rows behind."""
        for each in fields(self):
            setattr(self, each.name, np.concatenate((getattr(self, each.name), getattr(other, each.name))))

    @classmethod
    def born(cls, seen: Glimpse, first_key: int, settings: TrackSettings, *, look_width: int) -> Table:
        """A new track for each detection, at rest as far as is known."""
        count = len(seen)
        covariance = np.zeros((count, 4, 4))
        covariance[:, :2, :2] = seen.noise
        covariance[:, 2:, 2:] = (settings.speed_sigma_m_s * seen.unit[:, None, None]) ** 2 * np.eye(2)
        return cls(
            key=np.arange(first_key, first_key + count),
            mean=np.concatenate((seen.place, np.zeros((count, 2))), axis=1),
            covariance=covariance,
            unit=seen.unit.copy(),
            traits=seen.traits.copy(),
            trait_variance=seen.trait_noise.copy(),
            look=seen.look.copy() if seen.look.size else np.zeros((count, look_width)),
            born_s=np.full(count, seen.at_s),
            hit_s=np.full(count, seen.at_s),
            hits=np.ones(count, np.int64),
            looks=np.ones(count),
            seen=np.ones(count),
            all_looks=np.ones(count),
            all_seen=np.ones(count),
        )
