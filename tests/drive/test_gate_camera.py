"""A gate's camera: phones that are held before it are codes that were seen at its gate."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("zxingcpp")

from jwo_cli.drive.gate_camera import GateCameraSource
from jwo_cli.drive.sources import CodeSeen, Inlet, Trouble
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.cameras import CameraSettings
from jwo_cli.sensors.filming import FilmWriter
from jwo_cli.sensors.qr import modules
from jwo_cli.sensors.video import VideoSettings
from jwo_cli.synthetic.film.phones import show_phone
from tests.sensors import rtsp_server

S = 1_000_000_000
CODES = ("FB2Q:O0E6HZOKJ0$G0284VY39H6NYMTXD.54V0", "FB2Q:O0E6HZOKJ0$G0XF4M4SHH6N1WO7G0ROQ3")


async def _seen(source: GateCameraSource) -> list[Inlet]:
    async with asyncio.timeout(30):
        return [inlet async for inlet in source.stream()]


def test_each_phone_is_seen_in_order(tmp_path: Path) -> None:
    """Two shoppers one after the other, some frames each; every text is one of theirs, and no camera is in trouble."""
    film = tmp_path / "gate.mp4"
    with FilmWriter(film, width_px=640, height_px=480, start_ns=0) as writer:
        for number in range(12):
            code = CODES[number // 6]
            writer.write(show_phone(modules(code), seed=number), number * S // 10)
    inlets = asyncio.run(_seen(GateCameraSource(str(film), gate_id="entry")))
    assert not [inlet for inlet in inlets if isinstance(inlet, Trouble)]
    codes = [inlet for inlet in inlets if isinstance(inlet, CodeSeen)]
    assert {code.gate_id for code in codes} == {"entry"}
    texts = [code.text for code in codes]
    assert sorted(set(texts)) == sorted(CODES)
    assert texts == sorted(texts, key=CODES.index)


def test_a_camera_that_is_not_there_is_told() -> None:
    """An address that leads nowhere says so, and what to do."""
    with pytest.raises(UserError, match="JWO_NO_SUCH"):
        asyncio.run(_seen(GateCameraSource("env:JWO_NO_SUCH_CAMERA", gate_id="entry")))


def test_a_lost_camera_that_is_read_anew_is_over_when_it_shows_something() -> None:
    """Its first reading ended while it was lost: the next one has nothing to take back."""
    camera = rtsp_server.RtspCamera()
    camera.silent = True
    quick = CameraSettings(video=VideoSettings(connect_s=1.0, silent_s=0.5), first_pause_s=0.05, longest_pause_s=0.1)
    source = GateCameraSource(camera.url(), gate_id="entry", settings=quick)

    async def next_trouble() -> Trouble:
        async with asyncio.timeout(20), aclosing(source.stream()) as stream:
            async for inlet in stream:
                if isinstance(inlet, Trouble):
                    return inlet
        raise AssertionError

    lost = asyncio.run(next_trouble())
    camera.silent = False
    back = asyncio.run(next_trouble())
    camera.stop()
    assert [(one.device_id, one.kind, one.over) for one in (lost, back)] == [
        ("camera at entry", FaultKind.DEAD, False),
        ("camera at entry", FaultKind.DEAD, True),
    ]
