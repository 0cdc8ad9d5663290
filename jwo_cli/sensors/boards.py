"""Corners of calibration boards and markers in images: what OpenCV finds, as plain arrays with the board's own metres.

A board is written `chessboard:COLUMNSxROWS:SQUARE_M` (inner corners), or
`charuco:COLUMNSxROWS:SQUARE_M:MARKER_SHARE:DICTIONARY[:inverted][:legacy]` (squares; inverted: white on black; legacy:
made before OpenCV 4.6). The board's frame: x along its columns, y along its rows, z away from whoever looks at it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.pictures import Grey

Floats = NDArray[np.float64]
WINDOW_PX = 11  # half the side in which a chessboard's corner is refined: the field's usual (OpenCV's samples)
REACH = 0.35  # with window=0, the part of the nearest corner's distance: a wider one takes in other corners
FORMS = "chessboard:9x6:0.025 or charuco:4x5:0.054:0.75:DICT_4X4_1000[:inverted][:legacy]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A printed board; `columns` and `rows` are inner corners of a chessboard, squares of a ChArUco."""

    charuco: bool
    columns: int
    rows: int
    square_m: float
    marker_m: float = 0.0
    dictionary: str = ""
    inverted: bool = False
    legacy: bool = False


def parse_board(text: str) -> Board:
    """A board from its short form. Raises UserError that shows the forms."""
    try:
        board = _parsed(text)
    except (ValueError, IndexError):
        board = None
    if board is None or min(board.columns, board.rows) < 2 or not 0.001 <= board.square_m <= 2:
        raise UserError(f"{text!r} is no board", fix=f"Write {FORMS}; lengths in metres.")
    return board


def _parsed(text: str) -> Board | None:
    kind, size, *rest = text.split(":")
    columns, rows = (int(part) for part in size.split("x"))
    square = float(rest[0])
    if kind == "chessboard" and len(rest) == 1:
        return Board(charuco=False, columns=columns, rows=rows, square_m=square)
    share, dictionary, words = float(rest[1]), rest[2], rest[3:]
    if kind != "charuco" or not 0 < share < 1 or not set(words) <= {"inverted", "legacy"}:
        return None
    return Board(
        charuco=True, columns=columns, rows=rows, square_m=square, marker_m=square * share, dictionary=dictionary,
        inverted="inverted" in words, legacy="legacy" in words,
    )  # fmt: skip


def find_corners(grey: Grey, board: Board, *, window_px: int = WINDOW_PX) -> tuple[Floats, Floats] | None:
    """Corners of a board: their places on it [N, 3] metres and in the image [N, 2] px; None where there is no board.

    `window_px` is half the side of the refinement window of chessboards; 0 lets it follow the squares' size.
    """
    return _charuco(grey, board) if board.charuco else _chessboard(grey, board, window_px)


def squares_px(px: Floats, board: Board) -> float:
    """The least distance of neighbouring chessboard corners in the image, px; inf for other boards."""
    if board.charuco:
        return float("inf")
    grid = px.reshape(board.rows, board.columns, 2)
    sides = [np.linalg.norm(np.diff(grid, axis=axis), axis=2).min() for axis in (0, 1)]
    return float(min(sides))


def _chessboard(grey: Grey, board: Board, window_px: int) -> tuple[Floats, Floats] | None:
    import cv2

    flags = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
    good, corners = cv2.findChessboardCorners(grey, (board.columns, board.rows), flags=flags)
    if not good:
        return None
    px = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    reach = window_px or max(2, min(WINDOW_PX, int(REACH * squares_px(px, board))))
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    start = px.astype(np.float32).reshape(-1, 1, 2)
    fine = cv2.cornerSubPix(grey, start, (reach, reach), (-1, -1), stop)
    y, x = np.divmod(np.arange(len(px)), board.columns)
    places = np.column_stack([x, y, np.zeros(len(px))]) * board.square_m
    return places.astype(np.float64), np.asarray(fine, dtype=np.float64).reshape(-1, 2)


def _charuco(grey: Grey, board: Board) -> tuple[Floats, Floats] | None:
    detector, places = _charuco_detector(board)
    picture = np.asarray(255 - grey, dtype=np.uint8) if board.inverted else grey
    corners, ids, _, _ = detector.detectBoard(picture)
    which = np.array([] if ids is None else ids, dtype=np.int64).ravel()
    if len(which) < 4:
        return None
    order = np.argsort(which, kind="stable")
    px = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    return places[which[order]], px[order]


@functools.cache
def _charuco_detector(board: Board) -> tuple[Any, Floats]:
    import cv2

    made = cv2.aruco.CharucoBoard(
        (board.columns, board.rows), board.square_m, board.marker_m, _dictionary(board.dictionary)
    )
    made.setLegacyPattern(board.legacy)
    places = np.asarray(made.getChessboardCorners(), dtype=np.float64).reshape(-1, 3)
    return cv2.aruco.CharucoDetector(made), places


def _dictionary(name: str) -> Any:
    import cv2

    number = getattr(cv2.aruco, name, None) if name.startswith("DICT_") else None
    if number is None:
        known = ", ".join(item for item in dir(cv2.aruco) if item.startswith("DICT_") and item == item.upper())
        raise UserError(f"{name!r} is no marker dictionary", fix=f"Use one of {known}.")
    return cv2.aruco.getPredefinedDictionary(number)


def draw_board(board: Board, square_px: int) -> Grey:
    """The board as a picture to print or to test with, with a margin of one square."""
    import cv2

    if board.charuco:
        size = (board.columns * square_px, board.rows * square_px)
        made = _charuco_detector(board)[0].getBoard()
        inner = np.asarray(made.generateImage(size), dtype=np.uint8)
        inner = np.asarray(255 - inner if board.inverted else inner, dtype=np.uint8)
    else:
        y, x = np.indices(((board.rows + 1) * square_px, (board.columns + 1) * square_px)) // square_px
        inner = np.where((x + y) % 2 == 0, 0, 255).astype(np.uint8)
    edge = 0 if board.inverted else 255
    framed = cv2.copyMakeBorder(inner, *(square_px,) * 4, cv2.BORDER_CONSTANT, value=(edge, edge, edge))
    return np.asarray(framed, dtype=np.uint8)


def find_markers(grey: Grey, dictionary: str) -> dict[int, Floats]:
    """Marker number -> its corners [4, 2] px, clockwise from its upper left one, in order of the numbers."""
    import cv2

    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector: Any = cv2.aruco.ArucoDetector(_dictionary(dictionary), settings)
    corners, ids, _ = detector.detectMarkers(grey)
    numbers = [] if ids is None else np.asarray(ids).ravel().tolist()
    found = {int(number): px for number, px in zip(numbers, corners, strict=True)}
    return {number: np.asarray(found[number], dtype=np.float64).reshape(4, 2) for number in sorted(found)}
