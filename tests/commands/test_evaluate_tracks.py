"""`jwo evaluate tracks` and `jwo evaluate floor` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Jwo


def test_tracks_are_scored_as_boxes(jwo: Jwo, tmp_path: Path) -> None:
    """One of two frames found, under one id."""
    (tmp_path / "truth.txt").write_text("1,1,0,0,10,20,1,-1,-1,-1\n2,1,0,0,10,20,1,-1,-1,-1\n")
    (tmp_path / "tracks.txt").write_text("1,5,0,0,10,20,1,-1,-1,-1\n")
    done = jwo("evaluate", "tracks", "--truth", "truth.txt", "--tracks", "tracks.txt", "--json")
    found = json.loads(done.stdout)
    assert (found["mota"], found["misses"], found["motp"]) == (0.5, 1, 0.0)
    assert found["idf1"] == pytest.approx(2 / 3)
    assert "hota" in jwo("evaluate", "tracks", "--truth", "truth.txt", "--tracks", "tracks.txt").stdout


def test_tracks_are_scored_on_the_floor_within_a_gate(jwo: Jwo, tmp_path: Path) -> None:
    """Thirty centimetres off: inside half a metre, outside a quarter; the distance is told in metres."""
    (tmp_path / "truth.txt").write_text("1 1 0 0 0\n")
    (tmp_path / "tracks.txt").write_text("1 1 0.3 0 0\n")
    args = ("evaluate", "tracks", "--floor", "--truth", "truth.txt", "--tracks", "tracks.txt", "--json")
    near = json.loads(jwo(*args).stdout)
    assert near["mota"] == 1.0
    assert near["motp"] == pytest.approx(0.3)
    far = json.loads(jwo(*args, "--gate", "0.25").stdout)
    assert (far["mota"], far["motp"]) == (-1.0, None)


def test_floor_points_are_scored_in_percent(jwo: Jwo, shared_data: Path) -> None:
    """MVDet's published output, in its cells of 2.5 cm."""
    folder = shared_data / "wildtrack"
    args = ("--truth", folder / "mvdet-gt-demo.txt", "--detections", folder / "mvdet-test-demo.txt")
    done = jwo("evaluate", "floor", *args, "--units", "2.5cm", "--gate", "0.5", "--frames", "1800:1995", "--json")
    found = json.loads(done.stdout)
    figures = [found[key] for key in ("moda", "modp", "precision", "recall")]
    assert figures == pytest.approx([88.4, 75.6, 93.6, 95.0], abs=0.06)


def test_undetected_frames_count_as_missed_unless_frames_are_named(jwo: Jwo, tmp_path: Path) -> None:
    """Truth in frames 1 and 2, detections in frame 1."""
    (tmp_path / "truth.txt").write_text("1 100 100\n2 100 100\n")
    (tmp_path / "found.txt").write_text("1 110 100\n")
    args = ("evaluate", "floor", "--truth", "truth.txt", "--detections", "found.txt", "--units", "cm", "--json")
    whole = json.loads(jwo(*args).stdout)
    assert (whole["moda"], whole["recall"]) == (50.0, 50.0)
    assert whole["modp"] == pytest.approx(80.0)
    assert json.loads(jwo(*args, "--frames", "1:1").stdout)["moda"] == 100.0
    (tmp_path / "found.txt").write_text("")
    nothing = json.loads(jwo(*args).stdout)
    assert (nothing["moda"], nothing["recall"], nothing["misses"]) == (0.0, 0.0, 2)


@pytest.mark.parametrize(
    "args",
    [
        ("--truth", "absent.txt", "--detections", "rows.txt"),
        ("--truth", "bad.txt", "--detections", "rows.txt"),
        ("--truth", "rows.txt", "--detections", "rows.txt", "--units", "inch"),
        ("--truth", "rows.txt", "--detections", "rows.txt", "--frames", "9-3"),
    ],
)
def test_bad_input_is_said_in_a_sentence(jwo: Jwo, tmp_path: Path, args: tuple[str, ...]) -> None:
    """Exit code 2, no traceback."""
    (tmp_path / "rows.txt").write_text("1 1 1\n")
    (tmp_path / "bad.txt").write_text("1 1 1\n1 one 1\n")
    done = jwo("evaluate", "floor", *args)
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr
