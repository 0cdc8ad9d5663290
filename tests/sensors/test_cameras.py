"""A camera over RTSP: its capture times, and what happens when it dies, freezes, falls silent or refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.model.observations import FaultKind

pytest.importorskip("av", reason="PyAV (the extra `cameras`) is not installed")

from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera, CameraBack, CameraLost, CameraSettings, CameraThread, Event
from jwo_cli.sensors.frames import Clock, Frame
from jwo_cli.sensors.frozen import FreezeWatch
from jwo_cli.sensors.keeping import Keeper, kept_frames
from jwo_cli.sensors.trouble import Trouble
from jwo_cli.sensors.video import Video, VideoSettings
from tests.sensors.footage import noisy, write_video
from tests.sensors.rtsp_server import RtspCamera, shown_ms

QUICK = CameraSettings(
    video=VideoSettings(connect_s=3.0, silent_s=1.0), first_pause_s=0.05, longest_pause_s=0.1, refused_pause_s=0.05
)


@pytest.fixture
def served() -> Iterator[RtspCamera]:
    """A camera that serves."""
    camera = RtspCamera(password="hunter2/@")  # noqa: S106 - nobody's
    yield camera
    camera.stop()


def _camera(served: RtspCamera, **more: object) -> Camera:
    return Camera("c1", address_of(served.url(password="hunter2%2F%40")), QUICK, **more)  # noqa: S106


@pytest.mark.parametrize("reordered", [0, 2])
def test_capture_times_are_those_of_the_camera_s_own_clock(served: RtspCamera, reordered: int) -> None:
    """By RTCP sender reports the time told is the time shown in the picture, however late or reordered it comes."""
    served.delay_s, served.reordered = 0.3, reordered
    off_ms = []
    for event in _camera(served).events():
        assert isinstance(event, Frame)
        if event.clock is Clock.RTCP:
            off_ms.append(event.capture_ns / 1e6 - shown_ms(event.grey()))
        if len(off_ms) == 10:
            break
    assert np.abs(off_ms).max() < 2


def test_without_reports_the_least_delay_is_what_is_off(served: RtspCamera) -> None:
    """By arrival alone, times keep the spacing and are late by the way from camera to here."""
    served.reports, served.rate_hz = False, 10.0
    off_ms = []
    for event in _camera(served).events():
        assert isinstance(event, Frame)
        assert event.clock is Clock.ARRIVAL
        off_ms.append(event.capture_ns / 1e6 - shown_ms(event.grey()))
        if len(off_ms) == 20:
            break
    assert 0 < np.min(off_ms) < 500
    assert np.ptp(off_ms) < 95  # less than a picture's spacing


def test_a_killed_camera_is_noticed_and_found_again(served: RtspCamera) -> None:
    """It looks like a clean end of a file; it is a loss, told at once, with the gap afterwards."""
    seen = _until_back(_camera(served), served.kill)
    lost, back = seen
    assert lost.kind is Trouble.ENDED
    assert back.since_ns == lost.since_ns < back.at_ns
    assert back.observation().kind is FaultKind.DEAD
    assert served.connections == 2


def test_a_new_connection_makes_no_clock_right(served: RtspCamera) -> None:
    """Until the camera tells the time again it is as far off as it was: a camera that flaps is not told each time."""
    served.clock_off_s = -1.5
    camera = _camera(served)
    told = back = 0
    for event in camera.events():
        told += not camera.own_clock.believed
        if told == 5:
            served.reports = False
            served.kill()
        back += served.connections == 2 and isinstance(event, Frame)
        if back == 5:
            break
    assert not camera.own_clock.believed


def test_what_a_clock_said_is_forgotten_where_a_new_connection_tells_no_time(
    served: RtspCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New firmware, a relay, another camera at that address: nobody is sent to a clock that nothing tells of."""
    monkeypatch.setattr("jwo_cli.sensors.cameras.TELLS_S", 0.5)
    served.clock_off_s = -1.5
    camera = _camera(served)
    begun_s, told = time.monotonic(), False
    for _ in camera.events():
        if not told and not camera.own_clock.believed:
            told, served.reports = True, False
            served.kill()
        if (told and camera.own_clock.believed) or time.monotonic() - begun_s > 20:
            break
    assert told
    assert camera.own_clock.believed


def test_a_silent_camera_is_noticed_within_its_time(served: RtspCamera) -> None:
    """The connection stands and nothing comes."""
    begun = []

    def fall_silent() -> None:
        begun.append(time.monotonic())
        served.silent = True

    for event in _after(_camera(served), 10, fall_silent):
        if isinstance(event, CameraLost):
            assert event.kind is Trouble.SILENT
            assert time.monotonic() - begun[0] < 5 * QUICK.video.silent_s
            return


def test_whatever_was_wrong_a_camera_is_back_within_fifteen_seconds() -> None:
    """At worst a pause has just begun, or an attempt that hangs; a picture that was frozen is watched after that."""
    usual = CameraSettings()
    opens_s = 2.0
    assert usual.longest_pause_s + opens_s + usual.frozen_s <= 15
    assert usual.video.connect_s + usual.longest_pause_s + opens_s <= 15
    assert usual.video.silent_s + usual.longest_pause_s + opens_s <= 15
    assert usual.refused_pause_s + opens_s <= 15


def test_a_refused_password_is_said_without_showing_it(served: RtspCamera) -> None:
    """Neither the right password nor the wrong one is in the event."""
    camera = Camera("c1", address_of(served.url(password="wrong-secret")), QUICK)  # noqa: S106
    event = next(iter(camera.events()))
    assert isinstance(event, CameraLost)
    assert event.kind is Trouble.REFUSED
    assert "wrong-secret" not in repr(event)


def test_a_wrong_path_and_a_dead_host_are_told_apart(served: RtspCamera) -> None:
    """Who stands on a ladder wants to know which it is."""
    wrong = Camera("c1", address_of(served.url(password="hunter2%2F%40", path="other")), QUICK)  # noqa: S106
    served_port = served.port
    assert next(iter(wrong.events())).kind is Trouble.NOT_FOUND
    served.stop()
    dead = Camera("c1", address_of(f"rtsp://127.0.0.1:{served_port}/cam"), QUICK)
    assert next(iter(dead.events())).kind is Trouble.UNREACHABLE


def test_a_live_stream_is_kept_with_its_times_through_a_reconnection(served: RtspCamera, tmp_path: Path) -> None:
    """What is read back shows the times that were kept."""
    camera = _camera(served, recorder=Keeper(tmp_path / "video", "c1").keep)
    frames = 0
    for event in _after(camera, 15, served.kill):
        frames += isinstance(event, Frame)
        if frames == 45:
            camera.stop()
    kept = list(kept_frames(tmp_path / "video", "c1"))
    assert len(kept) >= 20
    off_ms = [frame.capture_ns / 1e6 - shown_ms(frame.grey()) for frame in kept]
    assert np.median(np.abs(off_ms)) < 2


def test_a_slow_taker_gets_the_newest_frames_and_every_trouble(served: RtspCamera) -> None:
    """Old frames are dropped and counted, so that nobody works on the past."""
    thread = CameraThread(_camera(served), waiting=2)
    thread.start()
    try:
        assert thread.take(5.0)
        time.sleep(1.0)
        served.kill()
        time.sleep(0.3)
        taken = thread.take(5.0)
    finally:
        thread.stop()
    frames = [event for event in taken if isinstance(event, Frame)]
    assert len(frames) <= 2
    assert thread.dropped >= 3
    assert any(isinstance(event, CameraLost) for event in taken)


def test_a_file_ends_and_is_no_loss(tmp_path: Path) -> None:
    """Recorded video runs through the same door."""
    path = write_video(tmp_path / "a.mp4", noisy(48, 64, 12))
    events = list(Camera("c1", address_of(str(path)), QUICK).events())
    assert [type(event) for event in events] == [Frame] * 12


def _noise(count: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.clip(110 + draw.normal(0, 3, (count, 96, 128)), 0, 255).astype(np.uint8)


def _noticed_s(pictures: list[np.ndarray], rate_hz: float = 10.0) -> float | None:
    watch = FreezeWatch(8.0)
    for number, picture in enumerate(pictures):
        at_ns = round(number / rate_hz * 1e9)
        watch.feed(picture, at_ns)
        if watch.frozen_since(at_ns) is not None:
            return at_ns / 1e9
    return None


def test_a_frozen_picture_is_noticed_within_ten_seconds() -> None:
    """The same picture again and again, as a hanging camera sends it."""
    pictures = list(_noise(200))
    noticed = _noticed_s([*pictures, *[pictures[-1]] * 100])
    assert noticed is not None
    assert 20 < noticed <= 30


def test_a_loop_of_old_pictures_is_frozen_too() -> None:
    """Pictures that change and repeat what was sent before."""
    pictures = list(_noise(200))
    noticed = _noticed_s([*pictures, *pictures[100:200]])
    assert noticed is not None
    assert 20 < noticed <= 30


def test_a_still_room_is_not_frozen() -> None:
    """Nothing moves for minutes; the sensor's noise is new in every picture."""
    assert _noticed_s(list(_noise(600))) is None


def test_a_slow_shutter_that_doubles_pictures_is_not_frozen() -> None:
    """At night some cameras send every picture several times."""
    assert _noticed_s([picture for picture in _noise(200) for _ in range(4)]) is None


@pytest.mark.parametrize("keys", [5, 20])
def test_a_picture_that_freezes_before_its_encoder_is_noticed(tmp_path: Path, keys: int) -> None:
    """The encoder draws it a little differently after each key frame, until it settles."""
    pictures = list(noisy(96, 128, 200))
    path = write_video(tmp_path / "a.mkv", [*pictures, *[pictures[-1]] * 100], g=str(keys), tune="zerolatency")
    with Video("c1", address_of(str(path))) as video:
        noticed = _noticed_s([frame.grey() for frame in video.frames()])
    assert noticed is not None
    assert 20 < noticed <= 30


def test_a_frozen_camera_is_lost_and_comes_back_when_it_lives(served: RtspCamera) -> None:
    """Told as stuck; connecting again alone does not make it alive. The clock runs ten times as fast here."""
    begun = time.time_ns()
    video = VideoSettings(connect_s=3.0, silent_s=1.0, wall_ns=lambda: begun + 10 * (time.time_ns() - begun))
    settings = CameraSettings(video=video, first_pause_s=0.05, longest_pause_s=0.1)
    events: list[Event] = []

    def freeze() -> None:
        served.frozen = True

    for event in _after(Camera("c1", address_of(served.url(password="hunter2%2F%40")), settings), 60, freeze):  # noqa: S106
        if not isinstance(event, Frame):
            events.append(event)
            served.frozen = False
            if isinstance(event, CameraBack):
                break
    lost, back = events
    assert isinstance(lost, CameraLost)
    assert lost.kind is Trouble.FROZEN
    assert 0 < lost.at_ns - lost.since_ns <= 20e9  # two seconds here
    assert isinstance(back, CameraBack)
    assert back.observation().kind is FaultKind.STUCK
    assert served.connections == 2


def _after(camera: Camera, frames: int, act: object) -> Iterator[Event]:
    """The camera's events; `act()` after so many frames."""
    count = 0
    for event in camera.events():
        yield event
        count += isinstance(event, Frame)
        if count == frames:
            count += 1
            act()  # type: ignore[operator]


def _until_back(camera: Camera, act: object) -> tuple[CameraLost, CameraBack]:
    lost: CameraLost | None = None
    for event in _after(camera, 10, act):
        if isinstance(event, CameraLost):
            lost = lost or event
        if isinstance(event, CameraBack):
            assert lost is not None
            return lost, event
    raise AssertionError("it never came back")
