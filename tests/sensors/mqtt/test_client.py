"""Devices and the store over a real broker (mosquitto, as a child process), also one that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("aiomqtt")

import aiomqtt

from jwo_cli.estimate.signals import PoseFrame, WeightBatch
from jwo_cli.sensors.mqtt import wire
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.inbox import (
    BrokerState,
    DeviceSilent,
    DeviceState,
    Inbox,
    Item,
    Overrun,
    Received,
    Spoiled,
)
from jwo_cli.sensors.mqtt.sequence import WAIT_NS, Missing
from jwo_cli.sensors.mqtt.wire import CodeText

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
if MOSQUITTO is None:
    pytest.skip("mosquitto is not installed (Debian: apt install mosquitto)", allow_module_level=True)


class Mosquitto:
    """A broker with the configuration that we ship, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\nmax_queued_bytes 0\nmax_inflight_messages 0\n"
            "user root\n"
        )
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=0.5):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("mosquitto did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def broker(self) -> Broker:
        return Broker(host="127.0.0.1", port=self.port)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    yield broker
    broker.kill()


@contextlib.asynccontextmanager
async def running(*parts: Publisher | Inbox) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def text(number: int) -> CodeText:
    return CodeText(at_ns=number, gate_id="in", text=f"t{number}")


async def gather(inbox: Inbox, enough: Callable[[list[Item]], bool], *, within_s: float) -> list[Item]:
    got: list[Item] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            async for item in inbox.items():
                got.append(item)
                if enough(got):
                    break
    return got


def texts(items: list[Item]) -> list[str]:
    return [item.body.text for item in items if isinstance(item, Received) and isinstance(item.body, CodeText)]


def test_what_devices_say_arrives_in_order_with_births_and_deaths(mosquitto: Mosquitto) -> None:
    """Two devices, one that goes in order and one whose connection breaks: the broker tells its last will."""

    async def story() -> list[Item]:
        inbox = Inbox(mosquitto.broker, store_id="shop")
        one = Publisher(mosquitto.broker, store_id="shop", device_id="one", boot="b1")
        two = Publisher(mosquitto.broker, store_id="shop", device_id="two", boot="b2")
        async with running(inbox):
            async with running(one, two):
                for number in range(50):
                    one.offer(text(number))
                    two.offer(text(1_000 + number))
                await asyncio.wait_for(asyncio.gather(one.flushed(), two.flushed()), 10)
            return await gather(
                inbox, lambda got: sum(isinstance(i, DeviceState) and not i.online for i in got) == 2, within_s=10
            )

    items = asyncio.run(story())
    seen = texts(items)
    assert [name for name in seen if len(name) < 5] == [f"t{n}" for n in range(50)]
    assert [name for name in seen if len(name) == 5] == [f"t{n}" for n in range(1_000, 1_050)]
    births = [item.device_id for item in items if isinstance(item, DeviceState) and item.online]
    assert sorted(set(births)) == ["one", "two"]


def test_a_burst_over_two_killed_brokers_loses_nothing(mosquitto: Mosquitto) -> None:
    """5,000 messages, the broker killed twice in the middle of them: all arrive, once, in order; both gaps are told."""

    async def story() -> tuple[list[Item], int]:
        inbox = Inbox(mosquitto.broker, store_id="shop", wait_ns=30_000_000_000)
        device = Publisher(mosquitto.broker, store_id="shop", device_id="one", boot="b1")
        got: list[Item] = []

        async def listen() -> None:
            async for item in inbox.items():
                got.append(item)  # noqa: PERF401 - the story looks at the list while it grows

        async def arrived(count: int) -> None:
            async with asyncio.timeout(40):
                while len(texts(got)) < count:  # noqa: ASYNC110 - the inbox has no event for a count
                    await asyncio.sleep(0.01)

        listening = asyncio.create_task(listen())
        async with running(inbox, device):
            for number in range(5_000):
                device.offer(text(number))
            for killed_at in (1_000, 3_000):
                await arrived(killed_at)
                mosquitto.kill()
                await asyncio.sleep(0.3)
                mosquitto.start()
            await asyncio.wait_for(device.flushed(), 60)
        listening.cancel()
        return got, device.dropped

    items, dropped = asyncio.run(story())
    assert texts(items) == [f"t{n}" for n in range(5_000)]
    assert (dropped, [item for item in items if isinstance(item, Missing)]) == (0, [])
    assert [item.connected for item in items if isinstance(item, BrokerState)] == [True, False, True, False, True]


def test_a_store_that_restarts_gets_what_it_had_not_confirmed(mosquitto: Mosquitto) -> None:
    """A device forgets only what was confirmed: the next process of the store takes up where the first one was sure."""

    async def story() -> tuple[list[str], list[str]]:
        device = Publisher(mosquitto.broker, store_id="shop", device_id="one", boot="b1")
        async with running(device):
            first = Inbox(mosquitto.broker, store_id="shop", confirm=True)
            async with running(first):
                for number in range(20):
                    device.offer(text(number))
                before = await gather(first, lambda got: len(texts(got)) == 20, within_s=10)
                sure = [item for item in before if isinstance(item, Received)][7]
                first.handled(sure.device_id, sure.boot, sure.seq)
                async with asyncio.timeout(10):
                    while device.unacknowledged > 12:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
            second = Inbox(mosquitto.broker, store_id="shop", confirm=True)
            async with running(second):
                after = await gather(second, lambda got: len(texts(got)) == 12, within_s=15)
            return texts(before), texts(after)

    before, after = asyncio.run(story())
    assert before == [f"t{n}" for n in range(20)]
    assert after == [f"t{n}" for n in range(8, 20)]


def test_a_device_whose_memory_ran_over_is_known_to_have_lost_something(mosquitto: Mosquitto) -> None:
    """What it dropped is counted on both sides."""

    async def story() -> tuple[int, list[Item]]:
        device = Publisher(mosquitto.broker, store_id="shop", device_id="one", boot="b1", keep_bytes=2_000)
        inbox = Inbox(mosquitto.broker, store_id="shop", wait_ns=500_000_000)
        async with running(inbox, device):
            device.offer(text(0))
            await asyncio.wait_for(device.flushed(), 10)
            mosquitto.kill()
            for number in range(1, 101):
                device.offer(text(number))
            mosquitto.start()
            await asyncio.wait_for(device.flushed(), 20)
            items = await gather(inbox, lambda got: "t100" in texts(got), within_s=10)
        return device.dropped, items

    dropped, items = asyncio.run(story())
    assert dropped > 0
    assert [item.count for item in items if isinstance(item, Missing)] == [dropped]
    assert texts(items)[-1] == "t100"


def test_what_others_publish_is_told_and_dropped(mosquitto: Mosquitto) -> None:
    """Garbage on our topics harms nobody."""

    async def story() -> list[Item]:
        inbox = Inbox(mosquitto.broker, store_id="shop", may=lambda device, _: device != "scale")
        async with running(inbox):
            await gather(inbox, bool, within_s=10)
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
                await client.publish("jwo/shop/scale/data/text", wire.pack("b", 0, text(0)), qos=1)
                await client.publish("jwo/shop/x/data/weights", b"\xff{", qos=1)
                await client.publish("jwo/shop/y/status", b"[" * 100_000, qos=1)
                await client.publish("jwo/shop/$evil/data/text", wire.pack("b", 0, text(0)), qos=1)
                for number in range(50):  # a scale that speaks nonsense sixty times a second is told of once
                    await client.publish("jwo/shop/x/data/weights", b"%d" % number, qos=1)
                await client.publish("jwo/shop/z/data/text", wire.pack("b", 0, text(0)), qos=1)
            return await gather(inbox, lambda got: len(got) == 5, within_s=10)

    items = asyncio.run(story())
    assert [type(item) for item in items] == [Spoiled, Spoiled, Spoiled, Spoiled, Received]
    assert [item.device_id for item in items if isinstance(item, Spoiled)] == ["scale", "x", "y", "?"]


def test_weights_are_the_senders_unless_they_say_whose_they_are(mosquitto: Mosquitto) -> None:
    """A gateway is no scale though it tells of one: what the scale says itself is not taken for the gateway's."""

    async def story() -> list[Item]:
        inbox = Inbox(mosquitto.broker, store_id="shop")
        async with running(inbox), aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await gather(inbox, bool, within_s=10)
            for seq, named in enumerate(({}, {"device": "g1"})):
                fields = {"boot": "b", "seq": seq, "end_ns": 1, "rate_hz": 60, "channels": ["g1:1:1"], "grams": [[1]]}
                await client.publish("jwo/shop/edge/data/weights", json.dumps({**fields, **named}), qos=1)
            return await gather(inbox, lambda got: len(got) == 2, within_s=10)

    bodies = [item.body for item in asyncio.run(story()) if isinstance(item, Received)]
    assert [body.device_id for body in bodies if isinstance(body, WeightBatch)] == ["edge", "g1"]


def test_a_spoiled_message_is_no_gap(mosquitto: Mosquitto) -> None:
    """Its number could be read: it stands in its place, is told once, holds nobody up, and is acknowledged."""

    async def story() -> tuple[list[Item], float, dict[str, int]]:
        inbox = Inbox(mosquitto.broker, store_id="shop")
        async with running(inbox):
            await gather(inbox, bool, within_s=10)
            began_s = time.monotonic()
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
                await client.subscribe("jwo/shop/x/ack")
                await client.publish("jwo/shop/x/data/text", wire.pack("b", 0, text(0)), qos=1)
                for seq in (1, 2):
                    await client.publish("jwo/shop/x/data/text", b'{"boot":"b","seq":%d,"at_ns":"noon"}' % seq, qos=1)
                await client.publish("jwo/shop/x/data/text", wire.pack("b", 3, text(3)), qos=1)
                items = await gather(inbox, lambda got: len(texts(got)) == 2, within_s=10)
                took_s = time.monotonic() - began_s
                async for message in client.messages:
                    ack = json.loads(message.payload)
                    if ack["seq"] == 3:
                        return items, took_s, ack
        raise AssertionError("no acknowledgement")

    items, took_s, ack = asyncio.run(asyncio.wait_for(story(), 20))
    assert texts(items) == ["t0", "t3"]
    told = [(item.seq, bool(item.problem)) for item in items if isinstance(item, Spoiled)]
    assert told == [(1, True), (2, False)]
    assert not [item for item in items if isinstance(item, Missing)]
    assert took_s < WAIT_NS / 1e9
    assert ack["arrived"] == 3


def test_a_device_that_falls_silent_is_told_and_told_well_again(mosquitto: Mosquitto) -> None:
    """It measures all the time, the broker is well, and nothing comes: within five seconds it is known."""

    async def story() -> tuple[list[Item], float]:
        inbox = Inbox(mosquitto.broker, store_id="shop")
        async with running(inbox), aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await gather(inbox, bool, within_s=10)
            body = PoseFrame(at_ns=1, people=())
            await client.publish("jwo/shop/cam/data/poses", wire.pack("b", 0, body), qos=1)
            await client.publish("jwo/shop/door/data/text", wire.pack("b", 0, text(0)), qos=1)  # may be silent
            began_s = time.monotonic()
            items = await gather(inbox, lambda got: isinstance(got[-1], DeviceSilent), within_s=10)
            took_s = time.monotonic() - began_s
            await client.publish("jwo/shop/cam/data/poses", wire.pack("b", 1, body), qos=1)
            items += await gather(inbox, lambda got: isinstance(got[-1], Received), within_s=10)
        return items, took_s

    items, took_s = asyncio.run(story())
    silent = [(item.device_id, item.silent) for item in items if isinstance(item, DeviceSilent)]
    assert silent == [("cam", True), ("cam", False)]
    assert took_s < 5.0


def test_a_flood_that_nobody_takes_is_bounded_and_nothing_of_it_is_lost(mosquitto: Mosquitto) -> None:
    """Whoever handles is stuck: little is read, the rest is counted; then all comes, once, from the device's memory."""

    async def story() -> tuple[list[Item], int]:
        inbox = Inbox(mosquitto.broker, store_id="shop", waiting_bytes=50_000, unread=100)
        device = Publisher(mosquitto.broker, store_id="shop", device_id="one", boot="b1")
        async with running(inbox, device):
            for number in range(3_000):
                device.offer(text(number))
            await asyncio.sleep(1.5)
            most = len(inbox._items) + inbox._unread.qsize()
            return await gather(inbox, lambda got: len(texts(got)) == 3_000, within_s=30), most

    items, most = asyncio.run(story())
    assert texts(items) == [f"t{n}" for n in range(3_000)]
    assert most < 200
    assert sum(item.count for item in items if isinstance(item, Overrun)) > 1_000
    assert not [item for item in items if isinstance(item, Missing)]


def test_a_strange_name_does_not_end_the_acknowledgements(mosquitto: Mosquitto) -> None:
    """Somebody publishes under a name that MQTT keeps for itself; a device is still told what arrived."""

    async def story() -> int:
        inbox = Inbox(mosquitto.broker, store_id="shop")
        publisher = Publisher(mosquitto.broker, store_id="shop", device_id="g1", boot="b")
        async with running(inbox):
            await gather(inbox, bool, within_s=10)
            async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
                await client.publish("jwo/shop/$evil/data/text", wire.pack("b", 0, text(0)), qos=1)
            async with running(publisher):
                publisher.offer(text(1))
                await asyncio.wait_for(publisher.flushed(), 10)
                return publisher.unacknowledged

    assert asyncio.run(story()) == 0


def test_what_ends_the_listening_is_raised_to_whoever_listens(mosquitto: Mosquitto) -> None:
    """An end without a beginning anew would be a store that is deaf and does not know it."""

    async def story() -> None:
        inbox = Inbox(mosquitto.broker, store_id="#")  # no topic can be made of it
        async with running(inbox):
            async for _ in inbox.items():
                pass

    with pytest.raises(ValueError, match="filter"):
        asyncio.run(asyncio.wait_for(story(), 10))


def test_a_password_is_not_shown() -> None:
    """Not in a log of objects."""
    assert "secret" not in repr(Broker(host="h", username="u", password="secret"))  # noqa: S106
