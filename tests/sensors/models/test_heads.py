"""Raw outputs are decoded to the boxes that were encoded into them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import heads

SIDE = 64
CELLS = sum((SIDE // stride) ** 2 for stride in heads.STRIDES)
COORDINATE = st.floats(min_value=4, max_value=60)
LENGTH = st.floats(min_value=2, max_value=40)


@given(x=COORDINATE, y=COORDINATE, wide=LENGTH, high=LENGTH, cell=st.integers(min_value=0, max_value=CELLS - 1))
def test_yolox_is_undone(x: float, y: float, wide: float, high: float, cell: int) -> None:
    """Offset = centre / stride - cell, log size / stride: the box comes back, its score is objectness × class."""
    places, strides = heads.grid(SIDE, SIDE, heads.STRIDES)
    raw = np.zeros((1, CELLS, 5 + 3), dtype=np.float32)
    stride = strides[cell]
    raw[0, cell, :4] = [*(np.array([x, y]) / stride - places[cell]), np.log(wide / stride), np.log(high / stride)]
    raw[0, cell, 4:] = [0.8, 0.1, 0.5, 0.2]
    corners, scores = heads.yolox([raw], SIDE, SIDE, 1)
    expected = [x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]
    np.testing.assert_allclose(corners[cell], expected, rtol=1e-3, atol=1e-3)
    assert scores[cell] == pytest.approx(0.4)
    assert np.count_nonzero(scores) == 1


def _nanodet(bins: int, classes: int) -> tuple[list[np.ndarray], list[np.ndarray]]:  # type: ignore[type-arg]
    draw = np.random.default_rng(7)
    counts = [(SIDE // stride) ** 2 for stride in heads.STRIDES]
    scores = [draw.uniform(0, 1, (1, count, classes)).astype(np.float32) for count in counts]
    logits = [np.full((1, count, 4 * bins), -30, dtype=np.float32) for count in counts]
    for part in logits:
        part.reshape(1, -1, 4, bins)[..., 2] = 30  # each side is two strides away
    return scores, logits


@pytest.mark.parametrize("mixed", [(0, 1, 2, 3, 4, 5), (5, 0, 4, 1, 3, 2)])
def test_nanodets_outputs_are_known_by_their_shapes(mixed: tuple[int, ...]) -> None:
    """Whatever their order, scores and distances of each stride meet; distances are expectations over bins."""
    scores, logits = _nanodet(11, 80)
    outputs = [[*scores, *logits][index] for index in mixed]
    corners, found = heads.nanodet(outputs, SIDE, SIDE, 7)
    places, strides = heads.grid(SIDE, SIDE, heads.STRIDES)
    points = (places + 0.5) * strides[:, None]
    reach = 2 * strides[:, None]
    np.testing.assert_allclose(corners, np.concatenate([points - reach, points + reach], axis=1), rtol=1e-5)
    np.testing.assert_array_equal(found, np.concatenate([part[0, :, 7] for part in scores]))


def test_nanodet_plus_is_one_output_with_points_at_the_corners_of_cells() -> None:
    """Classes first, then four times eight bins; `middle` 0."""
    scores, logits = _nanodet(8, 80)
    joined = np.concatenate(
        [np.concatenate(pair, axis=2) for pair in zip(scores, logits, strict=True)], axis=1, dtype=np.float32
    )
    corners, found = heads.nanodet([joined], SIDE, SIDE, 7, middle=0.0)
    np.testing.assert_allclose(corners[0], [-16, -16, 16, 16], rtol=1e-5)
    assert found.shape == (CELLS,)


def test_a_class_that_the_network_lacks_is_refused() -> None:
    """`label` in the registry beyond the classes says so."""
    scores, logits = _nanodet(11, 3)
    with pytest.raises(UserError, match="classes"):
        heads.nanodet([*scores, *logits], SIDE, SIDE, 3, classes=3)


def test_an_input_that_does_not_divide_has_cells_up_to_its_edge() -> None:
    """40 × 72 at stride 32 is two rows and three columns."""
    places, strides = heads.grid(40, 72, (32,))
    assert (len(places), int(strides[0]), places[-1].tolist()) == (6, 32, [2.0, 1.0])
