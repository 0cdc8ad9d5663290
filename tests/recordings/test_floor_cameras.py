"""Cameras for the floor from projection matrices, other tools' files and layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.layouts import bundled
from jwo_cli.model.findings import UserError
from jwo_cli.recordings.floor_cameras import chosen, read_floor_cameras
from tests.estimate.tracking.scenes import corners

OPENCV = """%YAML:1.0
---
camera_name: "door"
image_width: 1280
image_height: 720
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [700.0, 0.0, 640.0, 0.0, 700.0, 360.0, 0.0, 0.0, 1.0]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [-0.2, 0.05, 0.0, 0.0, 0.0]
"""
POSE = """R: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0]
T: !!opencv-matrix
   rows: 3
   cols: 1
   dt: d
   data: [0.0, 0.0, 3.0]
"""


def test_projection_matrices_with_floor_and_doors(tmp_path: Path) -> None:
    """JSON, or the same as TOML."""
    view = corners()[0]
    table = {"projection": view.projection.tolist(), "size": [1280, 720]}
    path = tmp_path / "cameras.json"
    path.write_text(
        json.dumps({"cameras": {"a": table}, "floor": [[0, 0], [1, 0], [1, 1]], "doors": [[[0, 0], [1, 0]]]})
    )
    found = read_floor_cameras(path)
    assert np.array_equal(found.views["a"].projection, view.projection)
    assert found.views["a"].size_px == (1280, 720)
    assert found.area is not None
    assert found.area.shape == (3, 2)
    assert found.doors is not None
    assert found.doors(np.array([[0.5, 2.0]]), np.ones(1)).tolist() == [2.0]
    other = tmp_path / "cameras.toml"
    other.write_text(f"[cameras.a]\nprojection = {view.projection.tolist()}\n")
    assert np.array_equal(read_floor_cameras(other).views["a"].projection, view.projection)


def test_another_tools_file_needs_a_pose_and_its_lens_is_straightened(tmp_path: Path) -> None:
    """A camera three metres up that looks straight down; a bent ray comes back to the floor where it left."""
    pytest.importorskip("yaml")
    path = tmp_path / "door.yaml"
    path.write_text(OPENCV)
    with pytest.raises(UserError, match="where its cameras stand"):
        read_floor_cameras(path)
    path.write_text(OPENCV + POSE)
    view = read_floor_cameras(path).views["door"]
    assert view.centre_m() == pytest.approx([0, 0, 3])
    x = 0.5 / 3
    bent = 700 * x * (1 - 0.2 * x**2 + 0.05 * x**4) + 640
    assert view.onto_plane(view.undistort(np.array([[bent, 360.0]])), 0.0)[0] == pytest.approx([0.5, 0.0], abs=1e-6)


def test_a_layout_gives_its_calibrated_cameras_floor_and_doors() -> None:
    """Cameras that were never calibrated are not there."""
    for path in bundled().values():
        found = read_floor_cameras(path)
        assert found.area is not None
        assert found.doors is not None
        with pytest.raises(UserError, match="no calibrated camera nobody"):
            chosen(found, ["nobody"], path)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"cameras": {"a": {"projection": [[0,0,0,0],[0,0,0,0],[0,0,0,0]]}}}',
        '{"cameras": {"a": {"projection": [[1,2,3,4],[1,2,3,4]]}}}',
        '{"cameras": {"a": {"projection": 3}}}',
    ],
)
def test_wrong_files_are_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    """Whatever it is that is wrong."""
    path = tmp_path / "cameras.json"
    path.write_text(text)
    with pytest.raises(UserError):
        read_floor_cameras(path)
