"""Cameras as a running store's source: what they show, and what is said when one does not."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from jwo_cli.drive.apart import JOIN_S
from jwo_cli.drive.eyes import Models
from jwo_cli.drive.looking import CamerasSource, LookSettings, _State
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.pixels import Boxes, Image
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.cameras import CameraSettings
from jwo_cli.sensors.frames import Clock, Frame, OwnClock
from jwo_cli.sensors.mqtt.wire import CameraSaw
from jwo_cli.sensors.video import VideoSettings
from tests.estimate.tracking.kiosk import kiosk
from tests.sensors import rtsp_server
from tests.sensors.footage import noisy, write_video

SMALL = 0.1  # of the kiosk's pictures: 128 × 72
KIOSK = kiosk()
STORE = replace(
    KIOSK,
    cameras=tuple(
        replace(
            camera,
            width_px=round(camera.width_px * SMALL),
            height_px=round(camera.height_px * SMALL),
            intrinsics=(*(value * SMALL for value in camera.intrinsics[:4]), *camera.intrinsics[4:]),
        )
        for camera in KIOSK.cameras
    ),
)
SETTINGS = LookSettings(
    waiting=100, camera=CameraSettings(video=VideoSettings(connect_s=1.0, silent_s=0.5), first_pause_s=0.05)
)


class Nobody:
    """A detector that counts pictures."""

    def __init__(self) -> None:
        self.pictures = 0

    def detect(self, image: Image) -> Boxes:
        self.pictures += 1
        return Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))


async def _heard(source: CamerasSource, *, most: int = 1000) -> list[Inlet]:
    out: list[Inlet] = []
    async for inlet in source.stream():
        out.append(inlet)
        if len(out) >= most:
            break
    return out


def test_every_picture_is_looked_at(tmp_path: Path) -> None:
    """Two cameras of ten pictures: what was found in each, of each camera in order."""
    files = {name: str(write_video(tmp_path / f"{name}.mp4", noisy(72, 128, 10))) for name in ("c1", "c2")}
    detector = Nobody()
    source = CamerasSource(STORE, Models(detector=detector), references=files, settings=SETTINGS)
    heard = asyncio.run(_heard(source))
    for camera_id in files:
        times = [seen.at_ns for seen in heard if isinstance(seen, CameraSaw) and seen.camera_id == camera_id]
        assert times == sorted(times)
        assert len(times) == 10
    assert detector.pictures == 20


def test_fewer_pictures_are_looked_at_when_asked(tmp_path: Path) -> None:
    """At five a second half of the pictures are left alone."""
    files = {"c1": str(write_video(tmp_path / "c1.mp4", noisy(72, 128, 10)))}
    detector = Nobody()
    settings = replace(SETTINGS, every_ns=200_000_000)
    asyncio.run(_heard(CamerasSource(STORE, Models(detector=detector), references=files, settings=settings)))
    assert detector.pictures == 5


def test_pictures_are_looked_at_when_the_clock_that_stamps_them_was_set_back() -> None:
    """By an hour: all pictures before and all after."""
    source = CamerasSource(STORE, Models(detector=Nobody()), references={"c1": "rtsp://c1"}, settings=SETTINGS)
    picture, state = av.VideoFrame(128, 72, "gray"), _State()
    shown = Frame(
        camera_id="c1", number=0, capture_ns=0, clock=Clock.ARRIVAL, width_px=128, height_px=72, picture=picture
    )
    seen = [
        inlet
        for begin_s in (7200, 3600)
        for number in range(10)
        for inlet in source._look(
            Models(detector=Nobody()),
            [replace(shown, capture_ns=begin_s * NS_PER_S + number * LookSettings().every_ns)],
            state,
        )
    ]
    assert len(seen) == 20


def test_a_camera_of_another_size_than_its_calibration_is_left_alone(tmp_path: Path) -> None:
    """A camera's second stream is smaller: people would be placed wrongly. It is said once, and the others go on."""
    files = {
        "c1": str(write_video(tmp_path / "c1.mp4", noisy(72, 128, 10))),
        "c2": str(write_video(tmp_path / "c2.mp4", noisy(144, 256, 10))),
    }
    heard = asyncio.run(_heard(CamerasSource(STORE, Models(detector=Nobody()), references=files, settings=SETTINGS)))
    (trouble,) = [inlet for inlet in heard if isinstance(inlet, Trouble)]
    assert (trouble.device_id, trouble.over) == ("c2", False)
    assert "calibrated at 128x72" in trouble.note
    assert [inlet.camera_id for inlet in heard if isinstance(inlet, CameraSaw)] == ["c1"] * 10


def test_a_camera_whose_reading_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """At once, not when the last of the others has ended; then the source's end says why, too."""
    files = {"c1": str(write_video(tmp_path / "c1.mp4", noisy(72, 128, 10))), "c2": str(tmp_path / "absent.mp4")}
    source = CamerasSource(STORE, Models(detector=Nobody()), references=files, settings=SETTINGS)
    heard: list[Inlet] = []

    async def story() -> None:
        async for inlet in source.stream():
            heard.append(inlet)  # noqa: PERF401 - kept, also when the next one raises

    with pytest.raises(UserError, match=r"absent\.mp4"):
        asyncio.run(story())
    (trouble,) = [inlet for inlet in heard if isinstance(inlet, Trouble)]
    assert (trouble.device_id, trouble.kind, trouble.over) == ("c2", FaultKind.DEAD, False)
    assert "absent.mp4" in trouble.note
    assert len([inlet for inlet in heard if isinstance(inlet, CameraSaw)]) == 10


def test_a_camera_that_nobody_answers_for_is_a_trouble() -> None:
    """It is said at once, with what to do, and the stream goes on."""
    lost = {"c1": "rtsp://127.0.0.1:9/none"}
    source = CamerasSource(STORE, Models(detector=Nobody()), references=lost, settings=SETTINGS)
    (first,) = asyncio.run(_heard(source, most=1))
    assert isinstance(first, Trouble)
    assert (first.device_id, first.over) == ("c1", False)
    assert "Check" in first.note


@pytest.mark.parametrize(("off_s", "most_s"), [(-1.5, 0.75), (-1.0, 1.25)])
def test_a_camera_s_own_clock_that_is_off_is_told_and_its_pictures_are_used(off_s: float, most_s: float) -> None:
    """A second and a half behind they are stamped as they come; a second, by it, and told as well; over when right."""
    size = {"width_px": rtsp_server.WIDTH, "height_px": rtsp_server.HEIGHT}
    store = replace(STORE, cameras=tuple(replace(one, **size) for one in STORE.cameras))
    camera = rtsp_server.RtspCamera()
    camera.clock_off_s = off_s
    source = CamerasSource(store, Models(detector=Nobody()), references={"c1": camera.url()}, settings=SETTINGS)
    troubles: list[Trouble] = []
    behind_s: list[float] = []

    async def story() -> None:
        async with asyncio.timeout(30), aclosing(source.stream()) as stream:
            async for inlet in stream:
                if isinstance(inlet, Trouble):
                    troubles.append(inlet)
                    camera.clock_off_s = 0.0
                elif isinstance(inlet, CameraSaw):
                    behind_s.append((inlet.sent_ns - inlet.at_ns) / 1e9)
                if len(troubles) == 2:
                    break

    asyncio.run(story())
    camera.stop()
    assert [(one.device_id, one.kind, one.over) for one in troubles] == [
        ("clock of c1", FaultKind.CLOCK, False),
        ("clock of c1", FaultKind.CLOCK, True),
    ]
    assert f"it is {off_s:+.1f}"[:-1] in troubles[0].note
    assert "or its pictures take so long to come" in troubles[0].note
    assert float(np.median(behind_s)) < most_s


def test_silent_cameras_are_left_together() -> None:
    """Each would be waited for a second: a worker with four of them is through before it is killed."""
    size = {"width_px": rtsp_server.WIDTH, "height_px": rtsp_server.HEIGHT}
    store = replace(STORE, cameras=tuple(replace(one, **size) for one in STORE.cameras))
    camera, names = rtsp_server.RtspCamera(), [one.camera_id for one in STORE.cameras][:4]
    patient = replace(SETTINGS, camera=CameraSettings(video=VideoSettings(silent_s=20.0)))
    references = dict.fromkeys(names, camera.url())
    source = CamerasSource(store, Models(detector=Nobody()), references=references, settings=patient)

    async def story() -> float:
        shown: set[str] = set()
        async with aclosing(source.stream()) as stream:
            async for inlet in stream:
                shown |= {inlet.camera_id} if isinstance(inlet, CameraSaw) else set()
                if len(shown) == len(names):
                    camera.silent = True
                    await asyncio.sleep(0.5)
                    break
            begun_s = time.monotonic()
        return time.monotonic() - begun_s

    assert len(names) == 4
    took_s = asyncio.run(story())
    camera.stop()
    assert took_s < JOIN_S


def test_a_clock_that_is_off_for_a_moment_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection's first pictures may be late; what lasts is told once, and once that it is over."""
    now_s, state = [100.0], _State()
    monkeypatch.setattr("jwo_cli.drive.looking.time.monotonic", lambda: now_s[0])
    told = []
    for at_s, off_ns in ((0.0, 9), (1.9, 9), (2.0, 0), (3.0, 9), (4.9, 9), (5.1, 9), (9.0, 9), (9.1, 0), (9.2, 0)):
        now_s[0] = 100.0 + at_s
        told += [(at_s, one.over) for one in state.clocks({"c1": OwnClock(off_ns=off_ns)})]
    assert told == [(5.1, False), (9.1, True)]


def test_a_missing_file_ends_the_stream_with_its_reason(tmp_path: Path) -> None:
    """Whoever supervises says it and tries again."""
    source = CamerasSource(
        STORE, Models(detector=Nobody()), references={"c1": str(tmp_path / "absent.mp4")}, settings=SETTINGS
    )
    with pytest.raises(UserError, match=r"absent\.mp4"):
        asyncio.run(_heard(source))


def test_cameras_without_an_address_are_refused() -> None:
    """Calibrated, and nobody knows where: what to write is said."""
    bare = replace(STORE, cameras=tuple(replace(camera, url_ref="") for camera in STORE.cameras))
    with pytest.raises(UserError, match="has an address"):
        CamerasSource(bare)
