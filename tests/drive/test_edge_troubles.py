"""What is wrong at an edge machine is known in the store, and said where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

pytest.importorskip("amqtt")

import aiomqtt

from jwo_cli.drive.apart import camera_workers
from jwo_cli.drive.edge import MqttSource, run_edge
from jwo_cli.drive.edge_troubles import EdgeTroubles, ToldByEdges
from jwo_cli.drive.needed import needed
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.client import Publisher
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.sensors.mqtt.wire import DeviceTrouble
from tests.drive import scene
from tests.estimate.tracking.kiosk import kiosk

KIOSK = kiosk()


class Unplugged:
    """A scanner that nobody plugged in."""

    name, kind, critical, patience_s = "scanner at entry", "codes", False, float("inf")

    async def stream(self) -> AsyncGenerator[Inlet]:
        for problem in ("the scanner cannot be opened",):
            raise UserError(problem, fix="Check the plug.")
        yield Trouble(at_ns=0, device_id="never", kind=FaultKind.DEAD)


def test_a_device_that_is_absent_at_the_edge_is_told_to_the_store_and_said_there() -> None:
    """By the machine's name and its own; the store hears it like the trouble of a device of its own."""
    said: list[str] = []

    async def story() -> Trouble | None:
        found = None
        async with loopback_broker() as broker, asyncio.timeout(20):
            publisher = Publisher(broker, store_id="shop", device_id="kitchen", boot="b")
            stop = asyncio.Event()
            edge = asyncio.create_task(run_edge([Unplugged()], publisher, stop, say=said.append))
            async for inlet in MqttSource(broker, store_id="shop").stream():
                if isinstance(inlet, Trouble) and inlet.device_id not in {"broker", "kitchen"}:
                    found = inlet
                    break
            stop.set()
            await edge
        return found

    trouble = asyncio.run(story())
    assert trouble is not None
    assert (trouble.device_id, trouble.kind, trouble.over) == ("kitchen: scanner at entry", FaultKind.GAP, False)
    assert trouble.note == "the scanner cannot be opened"
    assert said[0] == "kitchen: scanner at entry: gap, the scanner cannot be opened"


def test_a_machine_that_sends_no_more_says_so_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending, and watching the devices, meet what nobody thought of: both are said, and what was measured arrives."""
    said: list[str] = []
    sends, looks = Publisher._connected, EdgeTroubles._broker
    failed: list[str] = []

    async def sending(publisher: Publisher, client: aiomqtt.Client) -> None:
        if "sending" not in failed:
            failed.append("sending")
            raise KeyError("a secret")
        await sends(publisher, client)

    def looking(troubles: EdgeTroubles, now_s: float) -> None:
        if "looking" not in failed:
            failed.append("looking")
            raise AttributeError("a secret")
        looks(troubles, now_s)

    monkeypatch.setattr(Publisher, "_connected", sending)
    monkeypatch.setattr(EdgeTroubles, "_broker", looking)

    async def story() -> None:
        async with loopback_broker() as broker, asyncio.timeout(20):
            publisher = Publisher(broker, store_id="shop", device_id="kitchen", boot="b")
            stop = asyncio.Event()
            edge = asyncio.create_task(run_edge([Unplugged()], publisher, stop, say=said.append))
            async for inlet in MqttSource(broker, store_id="shop").stream():
                if isinstance(inlet, Trouble) and inlet.device_id == "kitchen: scanner at entry":
                    break
            stop.set()
            await edge

    asyncio.run(story())
    assert "sending to the broker: KeyError; it is begun again" in said
    assert "watching the devices: AttributeError; it is begun again" in said
    assert "a secret" not in " ".join(said)


def test_what_a_machine_told_before_it_began_anew_is_over() -> None:
    """It cannot know any more what it had told; what lasts it tells again."""
    told = ToldByEdges()
    trouble = DeviceTrouble(at_ns=1, device_id="c1", kind=FaultKind.DEAD)
    assert list(told.began("kitchen", "1")) == []
    told.told("kitchen", trouble)
    told.told("kitchen", replace(trouble, device_id="c2"))
    told.told("kitchen", replace(trouble, device_id="c2", over=True))
    assert list(told.began("kitchen", "1")) == []
    assert [(over.device_id, over.kind, over.over) for over in told.began("kitchen", "2")] == [
        ("c1", FaultKind.DEAD, True)
    ]
    assert list(told.began("kitchen", "2")) == []


def test_a_store_hears_that_a_machine_began_anew() -> None:
    """It told of a camera and was killed: when it is there again, the store hears that this is over."""

    async def story() -> list[bool]:
        heard: list[bool] = []
        async with loopback_broker() as broker, asyncio.timeout(20):
            machine = Publisher(broker, store_id="shop", device_id="kitchen", boot="1")
            machine.offer(DeviceTrouble(at_ns=1, device_id="c1", kind=FaultKind.DEAD))
            running = asyncio.create_task(machine.run())
            async for inlet in MqttSource(broker, store_id="shop").stream():
                if not (isinstance(inlet, Trouble) and inlet.device_id == "c1"):
                    continue
                heard.append(inlet.over)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                if inlet.over:
                    break
                running = asyncio.create_task(Publisher(broker, store_id="shop", device_id="kitchen", boot="2").run())
        return heard

    assert asyncio.run(story()) == [False, True]


def test_machines_share_one_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads the cameras whose addresses it knows; the store still needs to hear all of them."""
    shared = replace(
        KIOSK, cameras=tuple(replace(one, url_ref=f"env:JWO_TEST_{one.camera_id.upper()}") for one in KIOSK.cameras)
    )
    monkeypatch.setenv("JWO_TEST_C2", "rtsp://127.0.0.1:9/none")
    assert [worker.name for worker in camera_workers(shared, 4)] == ["cameras c2"]
    monkeypatch.delenv("JWO_TEST_C2")
    assert camera_workers(shared, 4) == []
    assert set(needed(shared, broker=True).heard) >= {camera.camera_id for camera in KIOSK.cameras}


def test_behind_a_broker_every_scale_is_needed_and_no_door_may_be_gone() -> None:
    """Without one nobody can bring weights."""
    behind, alone = needed(scene.store(), broker=True), needed(scene.store(), broker=False)
    assert (behind.heard, behind.well) == (("a",), ("door",))
    assert (alone.heard, alone.well) == ((), ())
