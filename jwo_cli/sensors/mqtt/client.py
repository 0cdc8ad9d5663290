"""Both ends of the broker: devices that publish, and the store that takes in what they say.

A broker may be killed with what it had accepted. So a device keeps what it published until the *store* acknowledges it
(not the broker), and sends again what stays unacknowledged; the store drops what it has already. With that, 0 are lost
as long as a device's memory holds out, and what it had to drop is known by its numbers.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiomqtt

from . import wire
from .sequence import WAIT_NS, Missing, Place, Sequences
from .wire import Body

KEEPALIVE_S = 5
ACK_EVERY_S = 0.25
RESEND_AFTER_S = 2.0
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
KEEP_BYTES = 64 << 20
DEVICES_MOST = 10_000  # names that are remembered; more are no store's
SPOILED_EVERY_S = 60.0  # a device that speaks nonsense is told of this often


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where a broker is and who we are there. The password is never shown; `ca_file` switches TLS on."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"Broker({self.username or 'anonymous'} at {self.host}:{self.port})"

    @asynccontextmanager
    async def connect(self, identifier: str, *, will: aiomqtt.Will | None = None) -> AsyncIterator[aiomqtt.Client]:
        """A connection with a session that the broker keeps while we are away."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        async with aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            identifier=identifier,
            clean_session=False,
            keepalive=KEEPALIVE_S,
            timeout=10,
            tls_context=context,
            will=will,
        ) as client:
            yield client


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """The connection to the broker came up or went down."""

    connected: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """A device said that it runs (birth), or the broker that it does not (last will)."""

    device_id: str
    online: bool
    boot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A measurement, once and in its device's order; `boot` and `seq` are its place there."""

    device_id: str
    boot: str
    seq: int
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """A message that is none of ours, or not whole; it was dropped."""

    device_id: str
    problem: str


Item = Received | Missing | DeviceState | BrokerState | Spoiled


class Publisher:
    """A device's end: `offer` measurements, `run` beside it; what was offered is kept until the store has it."""

    def __init__(
        self,
        broker: Broker,
        *,
        store_id: str,
        device_id: str,
        boot: str,
        keep_bytes: int = KEEP_BYTES,
        on_command: Callable[[dict[str, object]], None] | None = None,
    ) -> None:
        self._broker = broker
        self._store_id = store_id
        self._device_id = device_id
        self._boot = boot
        self._keep_bytes = keep_bytes
        self._on_command = on_command
        self._kept: deque[tuple[int, str, bytes]] = deque()
        self._bytes = 0
        self._next = 0
        self._sent = 0  # the next sequence number to send on this connection
        self._moved_s = time.monotonic()  # when an acknowledgement last moved on
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.dropped = 0
        self.connected = False

    @property
    def unacknowledged(self) -> int:
        """How many measurements the store has not acknowledged."""
        return len(self._kept)

    def offer(self, body: Body) -> None:
        """Hand over a measurement. The oldest unacknowledged ones are dropped when memory is full; that is counted."""
        payload = wire.pack(self._boot, self._next, body)
        if not self._kept:
            self._moved_s = time.monotonic()
        self._kept.append((self._next, self._topic("data", wire.kind_of(body)), payload))
        self._next += 1
        self._bytes += len(payload)
        while self._bytes > self._keep_bytes and len(self._kept) > 1:
            self._bytes -= len(self._kept.popleft()[2])
            self.dropped += 1
        self._empty.clear()
        self._wake.set()

    async def run(self) -> None:
        """Keep the connection and send, until cancelled; then the device says that it is gone."""
        tries = 0
        while True:
            try:
                async with self._broker.connect(f"jwo-{self._store_id}-{self._device_id}", will=self._will()) as client:
                    tries = 0
                    await self._connected(client)
            except (aiomqtt.MqttError, OSError, TimeoutError):
                self.connected = False
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1

    async def flushed(self) -> None:
        """Wait until the store has acknowledged everything that was offered."""
        await self._empty.wait()

    async def _connected(self, client: aiomqtt.Client) -> None:
        await client.subscribe(self._topic("ack"), qos=0)
        await client.subscribe(self._topic("command"), qos=1)
        await client.publish(self._topic("status"), self._status(online=True), qos=1, retain=True)
        self._sent = self._kept[0][0] if self._kept else self._next
        self._moved_s = time.monotonic()
        self.connected = True
        hearing = asyncio.create_task(self._hear(client))
        try:
            while not hearing.done():
                await self._send(client)
                self._wake.clear()
                waking = asyncio.create_task(self._wake.wait())
                await asyncio.wait({waking, hearing}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                if self._kept and time.monotonic() - self._moved_s > RESEND_AFTER_S:
                    self._sent = self._kept[0][0]
                    self._moved_s = time.monotonic()
            hearing.result()
        except asyncio.CancelledError:
            await client.publish(self._topic("status"), self._status(online=False), qos=1, retain=True)
            raise
        finally:
            self.connected = False
            hearing.cancel()

    async def _send(self, client: aiomqtt.Client) -> None:
        while self._kept:
            place = max(0, self._sent - self._kept[0][0])
            if place >= len(self._kept):
                return
            seq, name, payload = self._kept[place]
            self._sent = seq + 1
            await client.publish(name, wire.with_base(payload, self._kept[0][0]), qos=1)

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                fields = json.loads(message.payload)
            except (ValueError, RecursionError):
                continue
            if not isinstance(fields, dict):
                continue
            if str(message.topic).endswith("/ack"):
                self._acknowledged(fields)
            elif self._on_command is not None:
                self._on_command(fields)

    def _acknowledged(self, fields: dict[str, object]) -> None:
        seq = fields.get("seq")
        if fields.get("boot") != self._boot or type(seq) is not int:
            return
        while self._kept and self._kept[0][0] <= seq:
            self._bytes -= len(self._kept.popleft()[2])
            self._moved_s = time.monotonic()
        if not self._kept:
            self._empty.set()

    def _topic(self, *rest: str) -> str:
        return wire.topic(self._store_id, self._device_id, *rest)

    def _status(self, *, online: bool) -> bytes:
        return json.dumps({"online": online, "boot": self._boot}, separators=(",", ":")).encode()

    def _will(self) -> aiomqtt.Will:
        return aiomqtt.Will(self._topic("status"), self._status(online=False), qos=1, retain=True)


class Inbox:
    """The store's end: all devices' measurements, once and in order, with what is missing told."""

    def __init__(
        self,
        broker: Broker,
        *,
        store_id: str,
        wait_ns: int = WAIT_NS,
        confirm: bool = False,
        may: Callable[[str, Body], bool] = lambda _, __: True,
    ) -> None:
        """With `confirm`, a device is told to forget a measurement only once `handled` was called with it.

        What a device must not say (`may`, of its id and what it says) is dropped and told.
        """
        self._broker = broker
        self._may = may
        self._confirm = confirm
        self._handled: dict[str, tuple[str, int]] = {}
        self._store_id = store_id
        self._sequences: Sequences[Received] = Sequences(wait_ns=wait_ns)
        self._items: asyncio.Queue[Item | Exception] = asyncio.Queue()
        self._spoiled_s: dict[str, float] = {}
        self._client: aiomqtt.Client | None = None

    async def items(self) -> AsyncIterator[Item]:
        """Everything that comes, for as long as one listens; `run` must run beside it."""
        while True:
            item = await self._items.get()
            if isinstance(item, Exception):
                raise item
            yield item

    def handled(self, received: Received) -> None:
        """This and everything before it from its device is safe: the device need not keep it."""
        self._handled[received.device_id] = (received.boot, received.seq)

    async def command(self, device_id: str, fields: dict[str, object]) -> bool:
        """Tell a device something (open a gate). Whether the broker took it."""
        if self._client is None:
            return False
        try:
            await self._client.publish(
                wire.topic(self._store_id, device_id, "command"), json.dumps(fields).encode(), qos=1
            )
        except aiomqtt.MqttError:
            return False
        return True

    async def run(self) -> None:
        """Keep the connection and take in, until cancelled. What ends it otherwise is raised by `items`, too."""
        try:
            await self._run()
        except Exception as error:
            self._items.put_nowait(error)
            raise

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                async with self._broker.connect(f"jwo-{self._store_id}-store") as client:
                    await client.subscribe(f"jwo/{self._store_id}/+/data/+", qos=1)
                    await client.subscribe(f"jwo/{self._store_id}/+/status", qos=1)
                    tries = 0
                    self._client = client
                    self._put(BrokerState(connected=True))
                    await self._connected(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                if self._client is not None or not tries:
                    self._put(BrokerState(connected=False, problem=str(error)))
                self._client = None
                self._advance()
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1

    async def _connected(self, client: aiomqtt.Client) -> None:
        acknowledging = asyncio.create_task(self._acknowledge(client))
        try:
            async for message in client.messages:
                self._take(str(message.topic), message.payload)
                if acknowledging.done():
                    acknowledging.result()
        finally:
            acknowledging.cancel()

    def _take(self, name: str, payload: bytes) -> None:
        device_id = "?"
        try:
            device_id, rest = wire.device_of(name, self._store_id)
            if rest == "status":
                self._status(device_id, payload)
                return
            message = wire.unpack(rest.removeprefix("data/"), payload)
            if not self._may(device_id, message.body):
                raise wire.WireError(f"{device_id} speaks for another device")
            place = Place(device_id=device_id, boot=message.boot, seq=message.seq, base=message.base)
            if not self._sequences.knows(device_id) and len(self._sequences.devices()) >= DEVICES_MOST:
                raise wire.WireError(f"more than {DEVICES_MOST} devices")
            received = Received(device_id=device_id, boot=message.boot, seq=message.seq, body=message.body)
            items = self._sequences.take(place, received, time.monotonic_ns())
        except ValueError as error:
            self._spoil(device_id, str(error))
            return
        for item in items:
            self._put(item)

    def _spoil(self, device_id: str, problem: str) -> None:
        """Tell of what was dropped; of a device that goes on like this once a minute."""
        now_s = time.monotonic()
        if now_s - self._spoiled_s.get(device_id, -SPOILED_EVERY_S) < SPOILED_EVERY_S:
            return
        while len(self._spoiled_s) >= DEVICES_MOST:
            del self._spoiled_s[next(iter(self._spoiled_s))]
        self._spoiled_s[device_id] = now_s
        self._put(Spoiled(device_id=device_id, problem=problem))

    def _status(self, device_id: str, payload: bytes) -> None:
        try:
            fields = json.loads(payload)
            online, boot = fields["online"], fields.get("boot", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise wire.WireError("a status is no JSON object with `online`") from None
        self._put(DeviceState(device_id=device_id, online=online is True, boot=str(boot)[:200]))

    async def _acknowledge(self, client: aiomqtt.Client) -> None:
        """Tell each device how far we are; also again and again while something is missing, so that it sends it."""
        said: dict[str, tuple[str, int]] = {}
        while True:
            await asyncio.sleep(ACK_EVERY_S)
            self._advance()
            for device_id in self._sequences.devices():
                reached = (self._handled.get if self._confirm else self._sequences.acknowledged)(device_id)
                if reached is not None and said.get(device_id) != reached:
                    fields = {"boot": reached[0], "seq": reached[1]}
                    name = wire.topic(self._store_id, device_id, "ack")
                    await client.publish(name, json.dumps(fields, separators=(",", ":")).encode(), qos=0)
                    said[device_id] = reached

    def _advance(self) -> None:
        for item in self._sequences.advance(time.monotonic_ns()):
            self._put(item)

    def _put(self, item: Item) -> None:
        self._items.put_nowait(item)
