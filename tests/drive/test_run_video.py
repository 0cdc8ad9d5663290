"""Video beside a run: what the cameras gave, for as long as is said, and never in the store's way."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from jwo_cli.drive.apart import ApartSource
from jwo_cli.drive.eyes import Models
from jwo_cli.drive.looking import CamerasSource
from jwo_cli.drive.run_video import Videos, forget, old_video
from jwo_cli.drive.running import Plan, run
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.layouts.settings import Settings
from jwo_cli.model.layout import Store
from jwo_cli.recordings import open_recording
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera
from jwo_cli.sensors.frames import Frame
from jwo_cli.sensors.keeping import kept_frames, parts
from jwo_cli.sensors.mqtt.wire import CameraSaw
from tests.drive.conftest import write_scene
from tests.drive.test_looking import SETTINGS, STORE, Nobody, _heard
from tests.sensors import rtsp_server
from tests.sensors.footage import noisy, write_video

RUN = "shop-20260101-120000"


def source(tmp_path: Path, videos: Videos, pictures: int = 40) -> CamerasSource:
    """Camera c1 as a file with a key frame twice a second."""
    file = write_video(tmp_path / "c1.mkv", noisy(72, 128, pictures), g="5", tune="zerolatency")
    return CamerasSource(
        STORE, Models(detector=Nobody()), references={"c1": str(file)}, settings=SETTINGS, videos=videos
    )


def test_what_was_looked_at_is_kept_in_parts_with_its_times(tmp_path: Path) -> None:
    """Four seconds in parts of one, each from a key frame on: all pictures are there, as of when they were taken."""
    heard = asyncio.run(_heard(source(tmp_path, Videos(tmp_path / "run" / "video", part_s=1.0, reserve_bytes=0))))
    seen = [inlet.at_ns for inlet in heard if isinstance(inlet, CameraSaw)]
    assert len(parts(tmp_path / "run" / "video", "c1")) >= 3
    assert [frame.capture_ns for frame in kept_frames(tmp_path / "run" / "video", "c1")] == seen
    assert len(seen) == 40
    assert (tmp_path / "run" / "video").stat().st_mode & 0o077 == 0


def test_a_disk_without_room_is_a_trouble_of_the_video_alone(tmp_path: Path) -> None:
    """Every picture is looked at; the disk's reserve stays."""
    heard = asyncio.run(_heard(source(tmp_path, Videos(tmp_path / "video", reserve_bytes=1 << 62))))
    (trouble,) = [inlet for inlet in heard if isinstance(inlet, Trouble)]
    assert (trouble.device_id, trouble.over) == ("video of c1", False)
    assert "free" in trouble.note
    assert sum(isinstance(inlet, CameraSaw) for inlet in heard) == 40
    assert parts(tmp_path / "video", "c1") == ()


def test_a_folder_that_vanishes_comes_back_with_a_next_part(tmp_path: Path) -> None:
    """It is gone, something lies in its place, and then no more: told once, told to be over; no picture is missed."""
    folder = tmp_path / "video"
    videos = Videos(folder, part_s=1.0, reserve_bytes=1)
    file = write_video(tmp_path / "c1.mkv", noisy(72, 128, 80), g="5", tune="zerolatency")
    seen = 0
    for event in Camera("c1", address_of(str(file)), recorder=videos.recorder("c1")).events():
        seen += isinstance(event, Frame)
        if seen == 15:
            shutil.rmtree(folder)
            folder.write_text("in the way")
        elif seen == 50:
            folder.unlink()
    assert seen == 80
    assert [trouble.over for trouble in videos.troubles()][-1] is True
    assert len(list(kept_frames(folder, "c1"))) >= 15


def filmed(folder: Path, url: str, store: Store) -> CamerasSource:
    """Camera c1 behind an address, looked at and kept."""
    videos = Videos(folder, reserve_bytes=0)
    return CamerasSource(store, Models(detector=Nobody()), references={"c1": url}, settings=SETTINGS, videos=videos)


def test_a_worker_that_is_told_to_stop_keeps_what_it_saw(tmp_path: Path) -> None:
    """From the first key frame up to the last picture that was looked at, long before the next key frame."""
    size = {"width_px": rtsp_server.WIDTH, "height_px": rtsp_server.HEIGHT}
    store = replace(STORE, cameras=tuple(replace(one, **size) for one in STORE.cameras))
    camera = rtsp_server.RtspCamera(keys=40)
    source = ApartSource(
        store, partial(filmed, tmp_path / "video", camera.url()), name="c1", kind="cameras", critical=True,
        patience_s=5.0,
    )  # fmt: skip
    seen: list[int] = []

    async def main() -> None:
        async with aclosing(source.stream()) as stream:
            async for inlet in stream:
                if isinstance(inlet, CameraSaw):
                    seen.append(inlet.at_ns)
                if len(seen) == 30:
                    break

    asyncio.run(asyncio.wait_for(main(), 30))
    camera.stop()
    kept = [frame.capture_ns for frame in kept_frames(tmp_path / "video", "c1")]
    assert kept
    assert {at_ns for at_ns in seen if at_ns >= kept[0]} <= set(kept)
    assert seen[-1] in kept


def test_old_video_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    """By when it was written last, in all runs; streams stay. What follows is numbered on, and still read."""
    folder = tmp_path / RUN / "video"
    asyncio.run(_heard(source(tmp_path, Videos(folder, part_s=1.0, reserve_bytes=0))))
    before = parts(folder, "c1")
    (tmp_path / RUN / "streams").mkdir()
    stream = tmp_path / RUN / "streams" / "weights-000000.parquet"
    for path in (before[0].video, before[0].times, stream):
        path.touch()
        os.utime(path, ns=(5, 5))
    assert forget(tmp_path, "shop", before_ns=6) == []
    assert stream.exists()
    assert parts(folder, "c1") == before[1:]
    asyncio.run(_heard(source(tmp_path, Videos(folder, reserve_bytes=0), 5)))
    after = parts(folder, "c1")
    assert (after[:-1], len(list(kept_frames(folder, "c1")))) == (before[1:], 30 + 5)


def old_part(recording: Path, name: str = "c1.mp4") -> Path:
    """A part of long ago in a recording's folder."""
    path = recording / "video" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(5, 5))
    return path


def test_video_that_is_not_surely_of_a_run_of_this_store_is_not_deleted(tmp_path: Path) -> None:
    """A film of somebody's, another store's run, one that cannot be read, a dataset: they stay, and what is linked.

    A run whose disk was full when it began has no manifest: it goes by its name.
    """
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    kept = [
        old_part(here / name)
        for name in (
            "holiday",
            "shop-2",
            "other-20260101-120000",
            "shop-20260101-20260101-120000",
            "a-shop-20260101-120000",
        )
    ]
    kept += [old_part(here / "shop-20260101-120001"), old_part(here / "shop-20260101-120002")]
    (here / "shop-20260101-120001" / "manifest.json").write_text('{"format": "jwo-recording", "version": 99}')
    shutil.copytree(write_scene(tmp_path / "played"), here / "shop-20260101-120002", dirs_exist_ok=True)
    kept += [old_part(here / "shop-20260101-115959")]
    (here / "shop-20260101-115959" / "manifest.json").write_text("[" * 100_000)
    kept += [old_part(elsewhere / "whole"), old_part(elsewhere / "inner"), old_part(elsewhere / "file")]
    (here / "shop-20260101-120003").symlink_to(elsewhere / "whole")
    (here / "shop-20260101-120004").mkdir()
    (here / "shop-20260101-120004" / "video").symlink_to(elsewhere / "inner" / "video")
    (here / "shop-20260101-120005" / "video").mkdir(parents=True)
    (here / "shop-20260101-120005" / "video" / "c1.mp4").symlink_to(elsewhere / "file" / "video" / "c1.mp4")
    os.utime(here / "shop-20260101-120005" / "video" / "c1.mp4", ns=(5, 5), follow_symlinks=False)
    gone = [old_part(here / RUN), old_part(here / f"{RUN}-2", "c1.2.times.csv")]
    deep, newer = forget(here, "shop", before_ns=6)
    assert ("shop-20260101-115959" in deep, "is damaged" in deep) == (True, True)
    assert ("shop-20260101-120001" in newer, "format 99" in newer) == (True, True)
    assert [path for path in kept if not path.exists()] == []
    assert [path for path in gone if path.exists()] == []
    assert (here / "shop-20260101-120005" / "video" / "c1.mp4").is_symlink()
    assert forget(tmp_path / "nowhere", "shop", before_ns=6) == []


def test_video_that_cannot_be_deleted_is_told_and_keeps_no_other(tmp_path: Path) -> None:
    """A folder of that name is no video: told as a trouble, while what comes after it goes, there and elsewhere."""

    async def first_word() -> Inlet:
        async with aclosing(old_video([tmp_path / "bad", tmp_path / "good"], "shop", days=7).stream()) as said:
            return await anext(said)

    stuck = tmp_path / "bad" / RUN / "video" / "c1.mp4"
    stuck.mkdir(parents=True)
    os.utime(stuck, ns=(5, 5))
    others = [
        old_part(stuck.parent.parent, "c2.mp4"),
        old_part(tmp_path / "bad" / f"{RUN}-2"),
        old_part(tmp_path / "good" / RUN),
    ]
    told = asyncio.run(first_word())
    assert isinstance(told, Trouble)
    assert (told.over, str(stuck) in told.note, "more" in told.note) == (False, True, False)
    assert stuck.exists()
    assert [path for path in others if path.exists()] == []


@pytest.mark.parametrize("video", [True, False])
def test_a_run_keeps_video_only_where_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, video: bool
) -> None:
    """A store of one camera, a file, in a process of its own: its pictures lie in the run's recording, or nowhere."""
    monkeypatch.setenv("JWO_MODELS", str(tmp_path / "no weights"))
    file = write_video(tmp_path / "c1.mkv", noisy(72, 128, 40), g="5", tune="zerolatency")
    (tmp_path / "address").write_text(str(file))
    store = replace(STORE, cameras=(replace(STORE.cameras[0], url_ref=f"file:{tmp_path / 'address'}"),))
    settings = Settings(
        layout=tmp_path, journal=tmp_path / "j", mark=tmp_path / "m", mark_key="", entry_key="", video=video,
        video_days=1,
    )  # fmt: skip
    old = tmp_path / "runs" / f"{store.store_id}-20260101-120000" / "video" / "c1.mp4"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, ns=(5, 5))
    runs = tmp_path / "runs"
    plan = Plan(
        store=store, journal=tmp_path / "j", settings=settings, recordings=runs, videos=(runs,), seconds=8
    )  # fmt: skip
    ran = run(plan, began=lambda _: None)
    assert ran.recording is not None
    kept = parts(Path(ran.recording) / "video", store.cameras[0].camera_id)
    assert bool(kept) is video
    assert not video or len(list(kept_frames(Path(ran.recording) / "video", store.cameras[0].camera_id))) >= 40
    assert not old.exists()
    assert open_recording(Path(ran.recording)).findings == ()
