"""Which detector finds people when nobody says: a network without the furniture, else the backdrop alone."""

from __future__ import annotations

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Detector

from .background import BackgroundDetector
from .furniture import FurnitureFilter

TILES = 2  # people are a sixth of the picture's height or less in most rooms: half pictures show them twice as large


def people_detector(
    view: View | None = None, *, name: str = "", tiles: int = TILES, threads: int = 1, networks: bool = True
) -> Detector:
    """A detector for the pictures of one fixed camera, in order.

    `name` is a model of the registry (the default detector when empty), `tiles` as in `NetworkDetector`. Where its
    weights are not here, or with `networks` off, people are told from the backdrop by `view`, the camera's calibration,
    or by what is learnt from those who walk. Raises UserError where a named model's weights are absent or wrong.
    """
    from .models import has_weights, open_detector

    if networks and (name or has_weights()):
        return FurnitureFilter(open_detector(name, tiles=tiles, threads=threads))
    return BackgroundDetector(view)
