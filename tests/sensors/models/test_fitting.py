"""An image goes into a network's input and its boxes come back to where they were."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.sensors.models.fitting import Fitting, InputForm, cut, fit, input_size, normalised

SIDES = st.integers(min_value=3, max_value=900)


@given(rows=SIDES, columns=SIDES, fitting=st.sampled_from(Fitting))
def test_the_whole_image_comes_back_as_the_whole_image(rows: int, columns: int, fitting: Fitting) -> None:
    """The corners of the image in the input go back to its corners, half a pixel outside of its outermost middles."""
    form = InputForm(height_px=96, width_px=160, fitting=fitting, fill=7)
    canvas, where = fit(np.zeros((rows, columns, 3), dtype=np.uint8), form)
    assert canvas.shape == (96, 160, 3)
    left, top = where.offset_x, where.offset_y
    box = np.array([[left, top, left + columns * where.scale_x, top + rows * where.scale_y]], dtype=np.float32)
    np.testing.assert_allclose(where.back_boxes(box), [[-0.5, -0.5, columns - 0.5, rows - 0.5]], rtol=1e-4, atol=1e-3)
    inside = canvas[: round(rows * where.scale_y), : round(columns * where.scale_x)] if fitting is Fitting.CORNER else 0
    assert np.all(inside == 0)


def test_what_is_not_covered_is_filled() -> None:
    """A wide image in the corner leaves the rows below, in the middle those above and below."""
    image = np.zeros((50, 100, 3), dtype=np.uint8)
    corner, _ = fit(image, InputForm(height_px=64, width_px=64, fill=114))
    centre, where = fit(image, InputForm(height_px=64, width_px=64, fill=114, fitting=Fitting.CENTRE))
    assert (corner[:32].max(), corner[32:].min()) == (0, 114)
    assert (centre[:16].min(), centre[16:48].max(), centre[48:].min(), where.offset_y) == (114, 0, 114, 16)


def test_a_free_input_follows_the_image_in_whole_steps() -> None:
    """Sides are multiples of 32, the longer one at most what the form allows; small images are not blown up."""
    form = InputForm(height_px=0, width_px=0, longest_px=384)
    assert input_size(1080, 1920, form) == (224, 384)
    assert input_size(100, 200, form) == (128, 224)


def test_colours_mean_and_deviation_are_applied_in_the_networks_order() -> None:
    """A blue pixel is the last channel of an RGB network, whose mean and deviation are the last ones."""
    image = np.zeros((1, 1, 3), dtype=np.uint8)
    image[0, 0] = (200, 0, 0)
    form = InputForm(height_px=1, width_px=1, colours="rgb", mean=(1, 2, 100), std=(1, 2, 50))
    np.testing.assert_allclose(normalised(image, form)[0, :, 0, 0], [-1, -1, 2], atol=1e-6)
    last = InputForm(height_px=1, width_px=1, colours="bgr", channels_first=False)
    np.testing.assert_array_equal(normalised(image, last), [[[[200, 0, 0]]]])
    whole = normalised(image, InputForm(height_px=1, width_px=1, whole_numbers=True, channels_first=False))
    assert whole.dtype == np.int32


def test_a_crop_may_reach_beyond_the_image() -> None:
    """What lies outside is fill, and points of the crop come back to the image's pixels."""
    image = np.full((20, 20, 3), 200, dtype=np.uint8)
    form = InputForm(height_px=40, width_px=40, fill=9)
    crop, where = cut(image, np.array([-10.5, -10.5, 9.5, 9.5], dtype=np.float32), form)
    assert (crop[:18, :18].max(), crop[22:, 22:].min()) == (9, 200)
    np.testing.assert_allclose(where.back(np.array([[0, 0], [40, 40]], np.float32)), [[-10.5, -10.5], [9.5, 9.5]])
