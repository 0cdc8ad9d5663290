"""Boards and markers in pictures, as OpenCV finds them; everything here needs the extra `cameras`."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.boards import draw_board, find_corners, find_markers, parse_board, squares_px

cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra `cameras`")


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ("chessboard:6x5:0.03", 30),
        ("charuco:5x6:0.04:0.7:DICT_4X4_50", 20),
        ("charuco:5x6:0.04:0.7:DICT_4X4_50:inverted", 20),
        ("charuco:5x6:0.04:0.7:DICT_4X4_50:legacy", 20),
    ],
)
def test_a_drawn_board_is_found_with_its_own_metres(form: str, count: int) -> None:
    """All corners, and their places grow with their pixels: no shear, no turn."""
    board = parse_board(form)
    found = find_corners(draw_board(board, 40), board)
    assert found is not None
    places, px = found
    assert len(px) == count
    scale = board.square_m / 40
    grown = (px - px[0]) * scale
    assert np.allclose(np.abs(grown), np.abs((places - places[0])[:, :2]), atol=0.02 * board.square_m)


def test_a_picture_without_the_board_gives_nothing() -> None:
    """Neither board in a grey picture; an inverted board is not an upright one."""
    grey = np.full((240, 320), 128, dtype=np.uint8)
    plain, inverted = (parse_board(f"charuco:5x6:0.04:0.7:DICT_4X4_50{word}") for word in ("", ":inverted"))
    assert find_corners(grey, parse_board("chessboard:6x5:0.03")) is None
    assert find_corners(grey, plain) is None
    assert find_corners(draw_board(inverted, 40), plain) is None


@pytest.mark.parametrize(
    "form",
    ["", "chessboard", "chessboard:9:0.1", "chessboard:1x5:0.1", "chessboard:9x6:25", "charuco:4x5:0.05",
     "charuco:4x5:0.05:1.5:DICT_4X4_50", "charuco:4x5:0.05:0.5:DICT_4X4_50:upside", "circles:4x5:0.05"],
)  # fmt: skip
def test_a_malformed_board_is_a_sentence_with_the_forms(form: str) -> None:
    """And a length of 25 is millimetres, not metres."""
    with pytest.raises(UserError, match="is no board") as told:
        parse_board(form)
    assert "chessboard:9x6:0.025" in told.value.fix


def test_an_unknown_dictionary_names_the_known_ones() -> None:
    """At the first picture."""
    with pytest.raises(UserError, match="dictionary") as told:
        find_corners(np.zeros((50, 50), np.uint8), parse_board("charuco:4x5:0.05:0.5:DICT_9X9"))
    assert "DICT_4X4_50" in told.value.fix


def test_markers_come_with_four_corners_in_order_of_their_numbers() -> None:
    """Clockwise from the upper left."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    page = np.full((200, 420), 255, dtype=np.uint8)
    for place, number in ((30, 9), (230, 3)):
        page[40:160, place : place + 120] = cv2.aruco.generateImageMarker(dictionary, number, 120)
    found = find_markers(page, "DICT_4X4_50")
    assert list(found) == [3, 9]
    assert np.allclose(found[9], [[30, 40], [149, 40], [149, 159], [30, 159]], atol=1.5)


def test_the_window_can_follow_the_squares() -> None:
    """A small board: with window=0 the corners stay where they are drawn."""
    board = parse_board("chessboard:6x5:0.03")
    picture = cv2.GaussianBlur(draw_board(board, 12), (3, 3), 0.8)
    found = find_corners(picture, board, window_px=0)
    assert found is not None
    assert squares_px(found[1], board) == pytest.approx(12, abs=0.3)
