"""Trying a camera tells an installer what he needs to know, without its password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("av", reason="PyAV (the extra `cameras`) is not installed")

from tests.conftest import Jwo
from tests.sensors.footage import noisy, write_video
from tests.sensors.rtsp_server import RtspCamera


def test_a_camera_is_tried_by_reference_and_kept(jwo: Jwo, tmp_path: Path) -> None:
    """Size, rate, clock, delay; what it sent lies in the folder with its times."""
    served = RtspCamera(password="hunter2")  # noqa: S106 - nobody's
    try:
        done = jwo(
            "cameras", "test", "env:CAM", "--seconds", "4", "--keep", "kept", "--json", env={"CAM": served.url()}
        )
    finally:
        served.stop()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["width_px"], told["height_px"], told["clock"], told["troubles"]) == (192, 144, "rtcp", [])
    assert told["rate_hz"] == pytest.approx(20, rel=0.1)
    assert told["late_ms"] is not None
    assert told["kept"] == ["camera.mp4"]
    assert (tmp_path / "kept" / "camera.times.csv").is_file()
    assert "hunter2" not in done.stdout + done.stderr


def test_a_camera_that_refuses_is_a_finding_without_its_password(jwo: Jwo) -> None:
    """Exit code 1, the reason and what to do."""
    served = RtspCamera(password="hunter2")  # noqa: S106 - nobody's
    try:
        done = jwo("cameras", "test", "env:CAM", "--seconds", "1", env={"CAM": served.url(password="wrong-secret")})  # noqa: S106
    finally:
        served.stop()
    assert done.returncode == 1
    assert "refuses user or password" in done.stderr
    assert "wrong-secret" not in done.stdout + done.stderr


def test_a_video_file_is_tried_too(jwo: Jwo, tmp_path: Path) -> None:
    """And what is none is said in a sentence."""
    write_video(tmp_path / "a.mp4", noisy(48, 64, 30))
    done = jwo("cameras", "test", "a.mp4", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 30
    assert jwo("cameras", "test", "a.mp4", "--seconds", "nan").returncode == 2
    missing = jwo("cameras", "test", "b.mp4")
    assert (missing.returncode, "Traceback" in missing.stderr) == (2, False)
