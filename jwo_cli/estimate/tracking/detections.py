"""What one camera saw at one instant, as the tracker needs it: places in the plane with covariance, sizes, looks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _no_looks() -> Floats:
    return np.zeros((0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """Detections of one camera at `at_s` seconds.

    `place` [m, 2] in the plane's unit with covariance `noise` [m, 2, 2]; `unit` [m] is the plane's units in a metre
    there (1 on the floor, a tall box's pixels over a person's height in an image). `traits` [m, k] are logarithms of
    sizes (box width and height, or the person's height), each with variance `trait_noise` [m]; `look` [m, d] appearance
    vectors of length one, or [m, 0] without. `row` [m] is the caller's number.
    """

    at_s: float
    camera: int
    place: Floats
    noise: Floats
    unit: Floats
    score: Floats
    traits: Floats
    trait_noise: Floats
    row: Ints
    look: Floats = field(default_factory=_no_looks)

    def __len__(self) -> int:
        return len(self.place)

    def take(self, chosen: Ints | NDArray[np.bool_]) -> Glimpse:
        """Some of the detections."""
        return Glimpse(
            at_s=self.at_s,
            camera=self.camera,
            place=self.place[chosen],
            noise=self.noise[chosen],
            unit=self.unit[chosen],
            score=self.score[chosen],
            traits=self.traits[chosen],
            trait_noise=self.trait_noise[chosen],
            row=self.row[chosen],
            look=self.look[chosen] if self.look.size else _no_looks(),
        )
