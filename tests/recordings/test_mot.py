"""MOTChallenge rows and floor rows: what is read, what is refused with its line, what is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.recordings.mot import (
    Boxes,
    Places,
    length_m,
    read_boxes,
    read_detections,
    read_places,
    read_points,
    write_boxes,
    write_places,
)


def _file(folder: Path, text: str, name: str = "rows.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_mot_rows_are_read_with_commas_or_blanks_and_appearance_behind(tmp_path: Path) -> None:
    """Columns beyond the tenth are appearance, brought to length one."""
    rows = read_detections(
        _file(tmp_path, "# head\n1,-1,10,20,30,60,0.9,-1,-1,-1,3,4\n\n2,-1,1,2,3,4,0.5,-1,-1,-1,0,2\n")
    )
    assert rows.frame.tolist() == [1, 2]
    assert rows.box_px.tolist() == [[10, 20, 30, 60], [1, 2, 3, 4]]
    assert rows.look == pytest.approx(np.array([[0.6, 0.8], [0, 1]]))
    assert read_detections(_file(tmp_path, "1 -1 10 20 30 60 0.9")).score.tolist() == [0.9]


def test_six_columns_with_scores_are_corners_and_without_are_boxes(tmp_path: Path) -> None:
    """A sixth column that is always in 0…1 cannot be a height in pixels."""
    corners = read_detections(_file(tmp_path, "0, 10, 20, 40, 80, 0.7\n"))
    assert (corners.box_px.tolist(), corners.score.tolist(), corners.frame.tolist()) == ([[10, 20, 30, 60]], [0.7], [0])
    boxes = read_detections(_file(tmp_path, "1,-1,10,20,30,60\n"))
    assert (boxes.box_px.tolist(), boxes.score.tolist()) == ([[10, 20, 30, 60]], [1.0])


def test_a_file_without_confidence_or_on_another_scale_is_all_sure(tmp_path: Path) -> None:
    """-1 stands for unknown; 57.3 is no probability."""
    assert read_detections(_file(tmp_path, "1,-1,1,2,3,4,-1\n")).score.tolist() == [1.0]
    assert read_detections(_file(tmp_path, "1,-1,1,2,3,4,57.3\n1,-1,1,2,3,4,0.2\n")).score.tolist() == [1.0, 1.0]


def test_arrays_of_a_detector_are_read_by_frame(tmp_path: Path) -> None:
    """Keys are frame numbers, in any order."""
    path = tmp_path / "cam.npz"
    np.savez(path, **{"10": np.array([[1.0, 2, 4, 8, 0.5, 3, 4]]), "2": np.array([[0.0, 0, 2, 3, 0.25, 0, 1]])})
    rows = read_detections(path)
    assert rows.frame.tolist() == [2, 10]
    assert rows.box_px.tolist() == [[0, 0, 2, 3], [1, 2, 3, 6]]
    assert rows.look.tolist() == [[0, 1], [0.6, 0.8]]


def test_rows_that_ask_not_to_be_considered_are_left_out_of_the_truth(tmp_path: Path) -> None:
    """The seventh column of a truth file is 0 for them."""
    path = _file(tmp_path, "1,1,1,2,3,4,1,-1,-1,-1\n1,2,1,2,3,4,0,-1,-1,-1\n")
    assert read_boxes(path, considered=True).id.tolist() == [1]
    assert read_boxes(path).id.tolist() == [1, 2]


def test_places_come_from_short_rows_and_from_world_columns(tmp_path: Path) -> None:
    """`frame id x y [z]`, or MOTChallenge rows whose columns 8 to 10 are metres."""
    assert read_places(_file(tmp_path, "1 7 0.5 1.5\n")).xy.tolist() == [[0.5, 1.5]]
    assert read_places(_file(tmp_path, "1 7 0.5 1.5 0\n")).id.tolist() == [7]
    assert read_places(_file(tmp_path, "1 7 -1 -1 -1 -1 -1 2.5 3.5 0.9\n")).xy.tolist() == [[2.5, 3.5]]
    assert read_points(_file(tmp_path, "3 10 20\n")).xy.tolist() == [[10, 20]]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("1,-1,1,2,3,4,0.5\n1,-1,1,x,3,4,0.5\n", 2, "no number"),
        ("1,-1,1,2,3,4,0.5\n1,-1,1,2\n", 2, "4 columns"),
        ("1,-1,1,2,nan,4,0.5\n", 1, "not finite"),
        ("1.5,-1,1,2,3,4,0.5\n", 1, "no whole number"),
        ("-3,-1,1,2,3,4,0.5\n", 1, "no whole number"),
        ("1,-1,1,2,0,4,0.5\n", 1, "without width"),
        ("1\n", 1, "1 columns"),
    ],
)
def test_wrong_rows_are_refused_with_their_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    """Nothing of the file is taken."""
    with pytest.raises(UserError) as refused:
        read_detections(_file(tmp_path, text))
    (finding,) = refused.value.findings
    assert finding.line == line
    assert problem in finding.problem


def test_every_wrong_row_is_named_at_once(tmp_path: Path) -> None:
    """Two of three."""
    with pytest.raises(UserError) as refused:
        read_detections(_file(tmp_path, "a,-1,1,2,3,4,1\n1,-1,1,2,3,4,1\n1,-1,1,2,3,b,1\n"))
    assert [finding.line for finding in refused.value.findings] == [1, 3]


def test_an_id_twice_in_a_frame_is_refused_in_tracks_but_not_in_detections(tmp_path: Path) -> None:
    """Detections carry no identity; a track cannot be in two places."""
    path = _file(tmp_path, "1,4,1,2,3,4,1\n1,4,9,9,3,4,1\n")
    assert len(read_detections(path)) == 2
    with pytest.raises(UserError) as refused:
        read_boxes(path)
    assert refused.value.findings[0].line == 2


def test_a_file_without_rows_is_nobody_in_every_form(tmp_path: Path) -> None:
    """A detector that found nobody is no mistake; the metrics count all as missed."""
    path = _file(tmp_path, "# nobody\n")
    assert [len(read(path)) for read in (read_detections, read_boxes, read_places, read_points)] == [0, 0, 0, 0]
    np.savez(tmp_path / "some.npz", **{"1": np.zeros(0), "2": np.array([[1.0, 2, 3, 4, 0.5]])})
    assert read_detections(tmp_path / "some.npz").frame.tolist() == [2]


@pytest.mark.parametrize(
    "arrays",
    [
        {"1": np.array(3.0)},
        {"1": np.ones(5)},
        {"1": np.ones((2, 4))},
        {"1": np.ones((2, 5)), "2": np.ones((2, 6))},
        {"-1": np.array([[1.0, 2, 3, 4, 0.5]])},
        {"boxes": np.ones((2, 5))},
    ],
)
def test_arrays_of_another_form_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
    """One array a frame, rows of one width with a score; anything else is said in a sentence."""
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UserError, match="cannot be used"):
        read_detections(tmp_path / "bad.npz")


def test_missing_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    """A sentence, not a traceback."""
    with pytest.raises(UserError):
        read_detections(tmp_path / "absent.txt")
    packed = gzip.compress(b"1,-1,1,2,3,4,0.5\n" * 1000)
    cut = tmp_path / "cut.txt.gz"
    cut.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError):
        read_detections(cut)
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"nothing")
    with pytest.raises(UserError):
        read_detections(bad)
    with pytest.raises(UserError):
        read_places(_file(tmp_path, "1,-1,1,2,3,4\n"))
    with pytest.raises(UserError):
        read_points(_file(tmp_path, "1 2 3 4\n"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """In order of frame, then id."""
    path = tmp_path / "out.txt"
    boxes = Boxes(
        frame=np.array([5, 3]),
        id=np.array([1, 2]),
        box_px=np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]),
        score=np.ones(2),
        look=np.zeros((2, 0)),
    )
    write_boxes(path, boxes)
    again = read_boxes(path)
    assert (again.frame.tolist(), again.id.tolist()) == ([3, 5], [2, 1])
    assert again.box_px.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    write_places(path, Places(frame=np.array([2]), id=np.array([1]), xy=np.array([[0.25, -1.5]])))
    assert path.read_text() == "2 1 0.2500 -1.5000 0.0000\n"
    with pytest.raises(UserError, match="cannot be written"):
        write_places(tmp_path / "no" / "where.txt", read_places(path))


def test_units_are_metres_or_refused() -> None:
    """Cells of a grid are a multiple of a unit."""
    assert [length_m(unit) for unit in ("m", "cm", "mm", "2.5cm")] == pytest.approx([1, 0.01, 0.001, 0.025])
    for wrong in ("inch", "", "0cm", "-1m"):
        with pytest.raises(UserError):
            length_m(wrong)
