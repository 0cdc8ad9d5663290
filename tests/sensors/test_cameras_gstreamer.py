"""The camera reader against GStreamer's RTSP server, a program of its own; skipped where that is not installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("av", reason="PyAV (the extra `cameras`) is not installed")

from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera, CameraBack, CameraLost, CameraSettings
from jwo_cli.sensors.frames import Clock, Frame
from jwo_cli.sensors.keeping import Keeper, kept_frames
from jwo_cli.sensors.trouble import Trouble
from jwo_cli.sensors.video import VideoSettings

SERVER = Path(__file__).with_name("gst_rtsp_server.py")
PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None);"
    "import sys; sys.exit(not all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'videotestsrc'))))"
)


def _python() -> str | None:
    """A Python that has GStreamer's RTSP server: the system's."""
    for name in ("/usr/bin/python3", shutil.which("python3")):
        if name and Path(name).exists():
            probe = subprocess.run([name, "-c", PROBE], capture_output=True, check=False, timeout=60)
            if probe.returncode == 0:
                return name
    return None


class Served:
    """The server's process; it may be killed and started again at the same port."""

    def __init__(self, python: str) -> None:
        self._python = python
        self.port = "0"
        self.start()

    def start(self) -> None:
        command = [self._python, str(SERVER), self.port]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.port = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def served() -> Iterator[Served]:
    python = _python()
    if python is None:
        pytest.skip("GStreamer's RTSP server is not here (Debian: python3-gi gir1.2-gst-rtsp-server-1.0 and plugins)")
    server = Served(python)
    yield server
    server.kill()


def test_frames_carry_the_server_s_clock_and_a_killed_server_is_noticed_and_found_again(
    served: Served, tmp_path: Path
) -> None:
    """Capture times by RTCP within three seconds of now, the stream kept; then SIGKILL, a restart, and frames again."""
    settings = CameraSettings(video=VideoSettings(connect_s=5.0, silent_s=2.0), first_pause_s=0.2, longest_pause_s=0.5)
    address = address_of(f"rtsp://operator:hunter2@127.0.0.1:{served.port}/cam")
    camera = Camera("c1", address, settings, recorder=Keeper(tmp_path, "c1").keep)
    ages_s, events, killed = [], [], False
    for event in camera.events():
        if isinstance(event, Frame):
            if event.clock is Clock.RTCP:
                ages_s.append((time.time_ns() - event.capture_ns) / 1e9)
            if len(ages_s) == 10 and not killed:
                killed = True
                served.kill()
        else:
            events.append(event)
            if len(events) == 1:
                served.start()
            if isinstance(event, CameraBack):
                break
    assert -0.05 < min(ages_s) <= max(ages_s[:10]) < 3.0
    assert isinstance(events[0], CameraLost)
    assert events[0].kind in {Trouble.ENDED, Trouble.UNREACHABLE}
    assert "hunter2" not in repr(events)
    assert len(list(kept_frames(tmp_path, "c1"))) >= 10
