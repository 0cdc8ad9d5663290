"""How a connection to a broker is left, also one that was cut and one that never was: nothing of it stays behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from contextlib import AsyncExitStack, suppress

import pytest

pytest.importorskip("aiomqtt")

import aiomqtt

from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.inbox import Inbox
from jwo_cli.sensors.mqtt.loopback import loopback_broker


def test_a_connection_that_was_cut_leaves_nothing_to_be_told_later() -> None:
    """Whoever leaves a connection whose broker is gone has left it: asyncio has nothing to say of it any more."""
    told: list[object] = []

    async def cut() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
        async with AsyncExitStack() as stack:
            async with loopback_broker() as broker:
                await stack.enter_async_context(broker.connect("device"))
            await asyncio.sleep(0.2)
        del stack
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(cut())
    assert not told


@pytest.mark.parametrize("heard", [False, True], ids=["before it is there", "before the broker answers"])
def test_a_connection_that_is_given_up_is_closed(*, heard: bool) -> None:
    """Whoever stops waiting for a broker leaves no socket and no task behind, and asyncio has nothing to say of it."""
    told: list[object] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
        came, ended = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.set()
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            ended.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            running = asyncio.create_task(_device(int(server.sockets[0].getsockname()[1])).run())
            await (asyncio.wait_for(came.wait(), 5) if heard else asyncio.sleep(0))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await asyncio.wait_for(asyncio.gather(came.wait(), ended.wait()), 2)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())
    assert not told


def test_giving_up_where_no_broker_is_ends_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to leave then, and nothing to say of it."""

    async def story() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        running = asyncio.create_task(_device(port).run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running], timeout=2)
        assert running.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())
    assert not caplog.messages


def test_devices_that_are_given_up_at_any_moment_leave_nothing_to_be_told_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Four are connecting, or just have: their broker ends with them, and nobody has anything to say of it."""
    told: list[object] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
        for moment in range(12):
            async with loopback_broker() as broker:
                running = [asyncio.create_task(_device(broker.port, f"d{number}").run()) for number in range(4)]
                await asyncio.sleep(moment * 0.004)
                for device in running:
                    device.cancel()
                await asyncio.gather(*running, return_exceptions=True)
            await asyncio.sleep(0.05)
        del running
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(story(), 60))
    assert (told, caplog.messages) == ([], [])


def test_a_loopback_broker_ends_with_somebody_connected_who_speaks_at_that_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is said to it meanwhile: it has its time to end, and no more."""
    monkeypatch.setattr("jwo_cli.sensors.mqtt.loopback.SHUTDOWN_S", 0.2)

    async def story(turns: int) -> None:
        async with loopback_broker() as broker:
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
            writer.write(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03one")  # CONNECT
            await reader.readexactly(4)
            await asyncio.sleep(0.05)
            writer.write(b"\xc0\x00")  # PINGREQ
            for _ in range(turns):
                await asyncio.sleep(0)

    for turns in range(6):
        asyncio.run(asyncio.wait_for(story(turns), 5))


def _device(port: int, device_id: str = "one") -> Publisher:
    return Publisher(Broker(host="127.0.0.1", port=port), store_id="shop", device_id=device_id, boot="b")


def test_a_connection_that_takes_longer_than_a_broker_waits_is_given_up_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is looked up for longer than the keep-alive: the client ends before it begins, and nobody is told."""
    monkeypatch.setattr("jwo_cli.sensors.mqtt.client.KEEPALIVE_S", 1)
    told: list[object] = []
    found = socket.getaddrinfo

    def slowly(*args: object, **kwargs: object) -> object:
        time.sleep(3.0)
        return found(*args, **kwargs)  # type: ignore[arg-type]

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
        with socket.create_server(("127.0.0.1", 0)) as server:
            monkeypatch.setattr(socket, "getaddrinfo", slowly)
            running = asyncio.create_task(_device(int(server.getsockname()[1])).run())
            await asyncio.sleep(0.2)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(story())
    gc.collect()
    assert not told


def test_an_inbox_that_is_left_just_as_the_broker_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11's wait_for swallows a cancellation that meets its result: nobody would end it any more."""
    answered = aiomqtt.Client._on_subscribe

    async def story() -> bool:
        async with loopback_broker() as broker:
            inbox = Inbox(broker, store_id="shop")
            running = asyncio.create_task(inbox.run())

            def on_subscribe(self: aiomqtt.Client, *args: object) -> None:
                answered(self, *args)  # type: ignore[arg-type]
                running.cancel()

            monkeypatch.setattr(aiomqtt.Client, "_on_subscribe", on_subscribe)
            await asyncio.wait([running], timeout=3)
            monkeypatch.undo()
            ended = running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return ended

    assert asyncio.run(story())
