"""`jwo track` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.recordings.mot import Boxes, read_boxes, read_detections, read_places, write_boxes
from tests.conftest import Jwo
from tests.estimate.tracking.scenes import SIZE, corners, seen, walks

FRAMES, RATE = 60, 8.0


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Detections of three people by two cameras, and the cameras' projection matrices."""
    paths, cameras = walks(3, FRAMES, RATE, seed=2), {}
    for name, view in zip(("north", "south"), corners()[::2], strict=True):
        rows = seen(view, paths, seed=len(name))
        unknown = np.full(len(rows.frame), -1)
        write_boxes(
            tmp_path / f"{name}.txt",
            Boxes(frame=rows.frame, id=unknown, box_px=rows.box_px, score=rows.score, look=rows.look),
        )
        cameras[name] = {"projection": view.projection.tolist(), "size": list(SIZE)}
    floor = [[0, 0], [8, 0], [8, 6], [0, 6]]
    (tmp_path / "cameras.json").write_text(json.dumps({"cameras": cameras, "floor": floor}))
    return tmp_path


def test_boxes_become_tracks_with_the_frame_numbers_as_given(jwo: Jwo, room: Path) -> None:
    """MOTChallenge rows in, MOTChallenge rows out."""
    done = jwo("track", "mot", "north.txt", "--out", "tracks.txt", "--fps", "8", "--json")
    assert done.returncode == 0, done.stderr
    tracks = read_boxes(room / "tracks.txt")
    assert set(tracks.frame.tolist()) <= set(range(1, FRAMES + 1))
    assert json.loads(done.stdout)["rows"] == len(tracks)


def test_quick_gives_the_boxes_ids_and_leaves_them_as_they_are(jwo: Jwo, room: Path) -> None:
    """Every row written was a row read."""
    done = jwo("track", "mot", "north.txt", "--out", "tracks.txt", "--fps", "8", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    given, tracks = read_detections(room / "north.txt"), read_boxes(room / "tracks.txt")
    known = {(frame, *box) for frame, box in zip(given.frame.tolist(), given.box_px.tolist(), strict=True)}
    told = {(frame, *box) for frame, box in zip(tracks.frame.tolist(), tracks.box_px.tolist(), strict=True)}
    assert told <= known
    assert len(told) == len(tracks) > 0.9 * len(given)
    assert json.loads(done.stdout)["tracks"] == int(tracks.id.max())


def test_people_are_followed_on_the_floor(jwo: Jwo, room: Path) -> None:
    """Three people, rows `frame id x y z` in metres; a second run writes the same bytes."""
    args = ("track", "floor", "--detections", "north=north.txt", "south=south.txt", "--calibration", "cameras.json")
    done = jwo(*args, "--out", "tracks.txt")
    assert done.returncode == 0, done.stderr
    assert "--fps says it exactly" in done.stderr
    first = (room / "tracks.txt").read_bytes()
    assert len(first.splitlines()[0].split()) == 5
    tracks = read_places(room / "tracks.txt")
    assert set(tracks.id.tolist()) == {1, 2, 3}
    jwo(*args, "--out", "again.txt", env={"PYTHONHASHSEED": "7"})
    assert (room / "again.txt").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--calibration": "absent.json"}, "does not exist"),
        ({"--calibration": "broken.json"}, "cannot be read"),
        ({"--calibration": "short.json"}, "3 × 4 numbers"),
        ({"--detections": "east=north.txt"}, "no calibrated camera east"),
        ({"--detections": "north.txt"}, "names no camera"),
        ({"--detections": "north=absent.txt"}, "absent.txt"),
        ({"--out": "nowhere/tracks.txt"}, "cannot be written"),
    ],
)
def test_bad_input_is_said_in_a_sentence(jwo: Jwo, room: Path, change: dict[str, str], said: str) -> None:
    """Exit code 2, and nothing written."""
    (room / "broken.json").write_text("{")
    (room / "short.json").write_text('{"cameras": {"north": {"projection": [1, 2, 3]}}}')
    options = {"--detections": "north=north.txt", "--calibration": "cameras.json", "--out": "tracks.txt", **change}
    done = jwo("track", "floor", *(item for pair in options.items() for item in pair))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (room / "tracks.txt").exists()


def test_a_camera_cannot_be_given_twice(jwo: Jwo, room: Path) -> None:
    """Nor can vectors of two lengths be compared."""
    both = ("--detections", "north=north.txt", "--detections", "north=south.txt")
    done = jwo("track", "floor", *both, "--calibration", "cameras.json", "--out", "tracks.txt")
    assert (done.returncode, "given twice" in done.stderr) == (2, True)
    row = (room / "south.txt").read_text().splitlines()[0]
    (room / "looks.txt").write_text(row + ",1,2,3\n")
    both = ("--detections", "north=north.txt", "--detections", "south=looks.txt")
    done = jwo("track", "floor", *both, "--calibration", "cameras.json", "--out", "tracks.txt")
    assert (done.returncode, "differ in length" in done.stderr) == (2, True)


@pytest.mark.parametrize("rows", ["1,-1,10,10,20,40,0.9\n", "1,-1,10,10,20,40,0.1\n900,-1,300,10,20,40,0.1\n"])
def test_boxes_that_make_no_track_make_an_empty_file(jwo: Jwo, tmp_path: Path, rows: str) -> None:
    """One box, or two far apart: nobody can be followed, and nothing breaks."""
    (tmp_path / "few.txt").write_text(rows)
    done = jwo("track", "mot", "few.txt", "--out", "tracks.txt")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert len((tmp_path / "tracks.txt").read_text().splitlines()) <= 2
