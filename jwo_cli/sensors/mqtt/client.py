"""A device's end of the broker: what it measured is published, and kept until the store needs it no more.

A broker may be killed with what it had accepted, and so may a store. So a device keeps what it published until the
*store* acknowledges it as safe (not the broker), and sends again what did not arrive; the store (`inbox`) drops what it
has already. With that, 0 are lost as long as a device's memory holds out; what it had to drop is known by its numbers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import aiomqtt

from jwo_cli.sensors.cancelled import unless_cancelled

from . import wire
from .wire import Body

KEEPALIVE_S = 5
RESEND_AFTER_S = 2.0
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
KEEP_BYTES = 64 << 20


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
    async def connect(
        self,
        identifier: str,
        *,
        will: aiomqtt.Will | None = None,
        queue: type[asyncio.Queue[aiomqtt.Message]] | None = None,
        queued: int = 0,
    ) -> AsyncIterator[aiomqtt.Client]:
        """A connection with a session that the broker keeps while we are away.

        `queue` keeps what came and was not read yet, at most `queued` messages (0: any number).
        """
        logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # it logs answers that nobody awaits any more as faults
        context = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        client = aiomqtt.Client(
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
            queue_type=queue,
            max_queued_incoming_messages=queued,
        )
        await _enter(client)
        async with AsyncExitStack() as stack:
            stack.push_async_exit(client)
            stack.callback(lambda: _read(_end(client)))
            yield client


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
        self._arrived = -1  # what the store said that it has, safe or not
        self._moved_s = time.monotonic()  # when that last moved on
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.dropped = 0
        self.connected = False

    @property
    def device_id(self) -> str:
        """Who it is on the broker."""
        return self._device_id

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
        """Wait until everything that was offered has arrived at the store, safe or not."""
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
                unless_cancelled()
                self._wake.clear()
                waking = asyncio.create_task(self._wake.wait())
                try:
                    await asyncio.wait({waking, hearing}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
                if time.monotonic() - self._moved_s > RESEND_AFTER_S:
                    self._again()
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
            elif self._on_command is not None and not _late(fields):
                self._on_command(fields)

    def _again(self) -> None:
        """Send again what did not arrive, as far as it was sent at all."""
        self._moved_s = time.monotonic()
        if self._kept:
            self._sent = min(self._sent, max(self._arrived + 1, self._kept[0][0]))

    def _acknowledged(self, fields: dict[str, object]) -> None:
        seq = fields.get("seq")
        arrived = fields.get("arrived", seq)
        if fields.get("boot") != self._boot or type(seq) is not int or type(arrived) is not int:
            return
        while self._kept and self._kept[0][0] <= seq:
            self._bytes -= len(self._kept.popleft()[2])
        if arrived > self._arrived:
            self._moved_s = time.monotonic()
        # A store that has less than it had is a new process: it gets at once what is not safe.
        back, self._arrived = arrived < self._arrived, arrived
        if back:
            self._again()
            self._wake.set()
        if self._arrived + 1 >= self._next:
            self._empty.set()

    def _topic(self, *rest: str) -> str:
        return wire.topic(self._store_id, self._device_id, *rest)

    def _status(self, *, online: bool) -> bytes:
        return json.dumps({"online": online, "boot": self._boot}, separators=(",", ":")).encode()

    def _will(self) -> aiomqtt.Will:
        return aiomqtt.Will(self._topic("status"), self._status(online=False), qos=1, retain=True)


async def _enter(client: aiomqtt.Client) -> None:
    """Connect. Whoever gives that up leaves as if the broker had answered: cancelled itself, it would stay open.

    A broker then waits for who is at the other end, and what comes from it is told to a future that was cancelled.
    """
    entering = asyncio.create_task(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        answered = client._connected  # noqa: SLF001 - there is no other way to end its waiting in order
        if not answered.done():
            answered.set_result(None)
        ended = _end(client)
        with suppress(aiomqtt.MqttError):
            await entering  # and the client begins a new one, where it ended before that
            await client.__aexit__(None, None, None)
        _read(ended)
        _read(_end(client))
        raise


def _end(client: aiomqtt.Client) -> asyncio.Future[None]:
    """How a connection will have ended."""
    return client._disconnected  # noqa: SLF001 - there is no other way to it but to use the connection again


def _read(ended: asyncio.Future[None]) -> None:
    """Take note of it: what nobody reads asyncio tells on stderr, long after anybody listens."""
    if ended.done() and not ended.cancelled():
        ended.exception()


def _late(fields: dict[str, object]) -> bool:
    """Whether a command waited at the broker for longer than it is good for."""
    until_ns = fields.get("until_ns")
    return isinstance(until_ns, int) and time.time_ns() > until_ns
