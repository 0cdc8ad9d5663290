"""Pictures from files, folders, patterns and videos, in order of their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.pictures import pictures

cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra `cameras`")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, written out of order, and a text."""
    for name, value in (("b.png", 2), ("a.png", 1), ("c.png", 3)):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6), value, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_and_a_pattern_come_in_order_of_names(folder: Path) -> None:
    """And `every` leaves some out."""
    assert [int(item.grey[0, 0]) for item in pictures(str(folder))] == [1, 2, 3]
    assert [item.name for item in pictures(str(folder / "*.png"), every=2)] == ["a.png", "c.png"]
    assert [item.name for item in pictures(str(folder / "b.png"))] == ["b.png"]


def test_a_video_comes_frame_by_frame(tmp_path: Path) -> None:
    """With the frames' numbers."""
    file = tmp_path / "c1.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for value in range(6):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    frames = list(pictures(str(file), every=2))
    assert [frame.number for frame in frames] == [0, 2, 4]
    assert frames[0].grey.shape == (48, 64)
    assert abs(int(frames[2].grey[5, 5]) - 160) < 6


@pytest.mark.parametrize("what", ["nowhere", "*.jpg", "none.mp4", "broken.png", "broken.mp4"])
def test_what_cannot_be_read_is_a_sentence(folder: Path, what: str) -> None:
    """Never a traceback, never nothing."""
    for name in ("broken.png", "broken.mp4"):
        (folder / name).write_bytes(b"this is not it")
    with pytest.raises(UserError):
        list(pictures(str(folder / what)))
