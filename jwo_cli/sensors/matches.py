"""Places that look alike in two pictures of one camera, for `jwo calibrate check`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.pictures import Grey

Floats = NDArray[np.float64]
FEATURES = 2000
CLEAR = 0.8  # a match counts where the second best is clearly worse (Lowe 2004)


def matches(then: Grey, now: Grey) -> tuple[Floats, Floats]:
    """Matched pixels [N, 2] in both pictures. Raises UserError where their sizes differ."""
    import cv2

    if then.shape != now.shape:
        sizes = " and ".join(f"{item.shape[1]}x{item.shape[0]}" for item in (then, now))
        raise UserError(f"the two pictures are {sizes}", fix="Compare pictures of one camera in one resolution.")
    finder: Any = cv2.SIFT_create(nfeatures=FEATURES)  # type: ignore[attr-defined,unused-ignore]
    (one, first), (two, second) = finder.detectAndCompute(then, None), finder.detectAndCompute(now, None)
    empty = np.zeros((0, 2))
    if first is None or second is None or len(first) < 2 or len(second) < 2:
        return empty, empty
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first, second, k=2)
    clear = [best for best, other in pairs if best.distance < CLEAR * other.distance]
    if not clear:
        return empty, empty
    left = np.array([one[match.queryIdx].pt for match in clear], dtype=np.float64)
    right = np.array([two[match.trainIdx].pt for match in clear], dtype=np.float64)
    return left, right
