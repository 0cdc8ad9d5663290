"""From an image to a network's input, and back from its coordinates to the image's.

A network's coordinates count edges (0 is the left edge of its first column), the image's count middles (see
`estimate.pixels`): going back takes half a pixel off. `Fit` keeps the two scales apart, because a resized side is a
whole number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Image

Floats = NDArray[np.float32]


class Fitting(StrEnum):
    """How an image is brought to the input's size: `corner` and `centre` keep its shape and fill the rest."""

    CORNER = "corner"
    CENTRE = "centre"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """What a network wants to be given; `height_px` and `width_px` 0 mean: the image's own, up to `multiple`.

    `mean` and `std` are in the order of `colours`, on the scale 0 to 255.
    """

    height_px: int
    width_px: int
    fitting: Fitting = Fitting.CORNER
    fill: int = 0
    colours: str = "bgr"
    channels_first: bool = True
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    whole_numbers: bool = False
    multiple: int = 32
    longest_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Where an image lies in the network's input: input = image · scale + offset, both counting edges."""

    scale_x: float
    scale_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0

    def back(self, points: Floats) -> Floats:
        """Points [..., 2] x, y of the input as pixels of the image."""
        shift = np.array([self.offset_x, self.offset_y], dtype=np.float32)
        scale = np.array([self.scale_x, self.scale_y], dtype=np.float32)
        return np.asarray((points - shift) / scale - np.float32(0.5), dtype=np.float32)

    def back_boxes(self, corners: Floats) -> Floats:
        """Boxes [n, 4] left, top, right, bottom of the input as pixels of the image."""
        return self.back(corners.reshape(-1, 2, 2)).reshape(-1, 4)


def fit(image: Image, form: InputForm) -> tuple[Image, Fit]:
    """The image in the input's size [height, width, 3], and where it lies there."""
    high, wide = input_size(image.shape[0], image.shape[1], form)
    rows, columns = image.shape[:2]
    if form.fitting is Fitting.STRETCH:
        return _resized(image, high, wide), Fit(scale_x=wide / columns, scale_y=high / rows)
    scale = min(high / rows, wide / columns)
    inner_high, inner_wide = max(1, min(high, round(rows * scale))), max(1, min(wide, round(columns * scale)))
    top, left = 0, 0
    if form.fitting is Fitting.CENTRE:
        top, left = (high - inner_high) // 2, (wide - inner_wide) // 2
    canvas = np.full((high, wide, 3), form.fill, dtype=np.uint8)
    canvas[top : top + inner_high, left : left + inner_wide] = _resized(image, inner_high, inner_wide)
    where = Fit(scale_x=inner_wide / columns, scale_y=inner_high / rows, offset_x=float(left), offset_y=float(top))
    return canvas, where


def input_size(rows: int, columns: int, form: InputForm) -> tuple[int, int]:
    """Height and width of the input for an image of `rows` × `columns`."""
    if form.height_px and form.width_px:
        return form.height_px, form.width_px
    scale = min(1.0, form.longest_px / max(rows, columns)) if form.longest_px else 1.0
    step = form.multiple
    high, wide = (-(-max(1, round(side * scale)) // step) * step for side in (rows, columns))
    return high, wide


def normalised(canvas: Image, form: InputForm) -> NDArray[np.float32] | NDArray[np.int32]:
    """The input tensor [1, 3, height, width], or [1, height, width, 3], from a canvas in BGR."""
    ordered = canvas[:, :, ::-1] if form.colours == "rgb" else canvas
    if form.whole_numbers:
        return np.ascontiguousarray(ordered[None], dtype=np.int32)
    # A multiplication and an addition a channel: half the time of (x - mean) / std over the whole array.
    gain = np.array([1.0 / std for std in form.std], dtype=np.float32)
    shift = np.array([-mean / std for mean, std in zip(form.mean, form.std, strict=True)], dtype=np.float32)
    if form.channels_first:
        tensor = np.ascontiguousarray(ordered.transpose(2, 0, 1), dtype=np.float32)
        tensor *= gain[:, None, None]
        tensor += shift[:, None, None]
    else:
        tensor = np.ascontiguousarray(ordered, dtype=np.float32)
        tensor *= gain
        tensor += shift
    return np.asarray(tensor[None], dtype=np.float32)


def cut(image: Image, corners_px: NDArray[np.float32], form: InputForm) -> tuple[Image, Fit]:
    """A box of the image (it may reach beyond it: what lies outside is `fill`) in the input's size, and its place."""
    import cv2

    left, top, right, bottom = (float(value) + 0.5 for value in corners_px)  # edges
    high, wide = form.height_px, form.width_px
    scale_x, scale_y = wide / max(right - left, 1e-3), high / max(bottom - top, 1e-3)
    where = Fit(scale_x=scale_x, scale_y=scale_y, offset_x=-left * scale_x, offset_y=-top * scale_y)
    # warpAffine counts middles: x' = (x + 0.5 - left) · scale - 0.5.
    affine = np.array(
        [[scale_x, 0, (0.5 - left) * scale_x - 0.5], [0, scale_y, (0.5 - top) * scale_y - 0.5]], dtype=np.float64
    )
    edge = (float(form.fill),) * 3
    made = cv2.warpAffine(image, affine, (wide, high), flags=cv2.INTER_LINEAR, borderValue=edge)
    return np.asarray(made, dtype=np.uint8), where


def _resized(image: Image, high: int, wide: int) -> Image:
    import cv2

    if image.shape[:2] == (high, wide):
        return image
    return np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
