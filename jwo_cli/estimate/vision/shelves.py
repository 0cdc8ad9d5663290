"""Shelf volumes of a store, and how probably a hand of known uncertainty is in each.

The volume over a plate reaches from its board to the next, from its back to half a hand before its front: there the
fingertips touch what stands at the edge. A hand is Gaussian; its probability in a volume is taken axis by axis in the
fixture's frame, which is exact where the axes of its covariance are the fixture's and errs little where they are not.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from jwo_cli.model.layout import Store

from .hands import Hand

Floats = NDArray[np.float64]

BEFORE_M = 0.09  # half a hand's length
ABOVE_M = 0.06  # goods are taken from above, too


class Shelves:
    """All plates of a store (shelves without plates count as one) as boxes in the frames of their fixtures."""

    def __init__(self, store: Store) -> None:
        ids, fixtures, low, high = [], [], [], []
        for number, fixture in enumerate(store.fixtures):
            for bay in fixture.bays:
                for shelf in bay.shelves:
                    parts = [(plate.plate_id, plate.box) for plate in shelf.plates] or [(shelf.shelf_id, shelf.box)]
                    for name, box in parts:
                        ids.append(name)
                        fixtures.append(number)
                        low.append((box.x_m, box.y_m - BEFORE_M, box.z_m))
                        high.append((box.x_m + box.dx_m, box.y_m + box.dy_m, box.z_m + box.dz_m + ABOVE_M))
        self.plate_ids: tuple[str, ...] = tuple(ids)
        self.fixture = np.array(fixtures, dtype=np.int64)
        self.fixture_ids: tuple[str, ...] = tuple(fixture.fixture_id for fixture in store.fixtures)
        self._low = np.array(low, dtype=np.float64).reshape(-1, 3)
        self._high = np.array(high, dtype=np.float64).reshape(-1, 3)
        poses = [fixture.pose for fixture in store.fixtures]
        self._origin = np.array([(pose.x_m, pose.y_m, pose.z_m) for pose in poses], dtype=np.float64).reshape(-1, 3)
        turns = [math.radians(pose.rotation_deg) for pose in poses]
        self._turn = np.array(
            [((math.cos(a), math.sin(a), 0.0), (-math.sin(a), math.cos(a), 0.0), (0.0, 0.0, 1.0)) for a in turns]
        ).reshape(-1, 3, 3)

    def inside(self, hand: Hand) -> Floats:
        """Probability [plates] that the hand is in the volume over each plate."""
        if not len(self.plate_ids):
            return np.zeros(0)
        local = np.einsum("fij,fj->fi", self._turn, hand.place_m - self._origin)
        spread = np.einsum("fij,jk,fik->fi", self._turn, hand.covariance, self._turn)
        place, sigma = local[self.fixture], np.sqrt(np.maximum(spread, 1e-8))[self.fixture]
        parts = ndtr((self._high - place) / sigma) - ndtr((self._low - place) / sigma)
        found: Floats = np.prod(np.maximum(parts, 0.0), axis=1)
        return found

    def at_fixture(self, inside: Floats) -> Floats:
        """Probability [fixtures] that the hand is in a volume of each fixture, whose volumes barely overlap."""
        total = np.bincount(self.fixture, weights=inside, minlength=len(self.fixture_ids))
        found: Floats = np.minimum(total, 1.0)
        return found
