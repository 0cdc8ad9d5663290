"""The store's end of the broker: all devices' measurements, once and in order, with what is missing told.

What is waiting here is bounded. When it is full, nothing more is read from the broker; what comes all the same is left
out, counted, and shows in its device's numbers: a device that keeps what it sent sends it again, any other has a gap.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import cast

import aiomqtt

from jwo_cli.sensors.cancelled import unless_cancelled

from . import wire
from .client import BACK_OFF_S, Broker
from .sequence import ITEM_BYTES, WAIT_NS, Missing, Place, Sequences
from .wire import Body

ACK_EVERY_S = 0.25
DEVICES_MOST = 10_000  # names that are remembered; more are no store's
SPOILED_EVERY_S = 60.0  # a device that speaks nonsense is told of this often
SILENT_S = 4.0  # a device that measures all the time and says nothing for so long is told: within five
UNREAD_MOST = 2_000  # messages that came and were not looked at: twice what a broker has in flight
WAITING_BYTES = 64 << 20  # of what was looked at and not taken
STEADY = frozenset({"weights", "poses", "seen"})  # kinds that come all the time


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
class DeviceSilent:
    """A device that measures all the time fell silent `for_s` ago, or speaks again; the broker is well."""

    device_id: str
    silent: bool
    for_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A measurement, once and in its device's order; `boot` and `seq` are its place there."""

    device_id: str
    boot: str
    seq: int
    body: Body
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """A message that is none of ours, or not whole; it was dropped.

    Where its number could be read it stands in its place (`boot`, `seq`), and is no gap. `problem` is empty where the
    same device was told of within the last minute.
    """

    device_id: str
    problem: str
    boot: str = ""
    seq: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """So many messages came faster than they were taken, and were left out; their devices' numbers show which."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A device was to be told something, and the broker was not there to take it."""

    device_id: str


Item = Unsaid | Received | Missing | DeviceState | DeviceSilent | BrokerState | Spoiled | Overrun


class _Unread(asyncio.Queue[aiomqtt.Message]):
    """What the connection took and nobody looked at; what does not fit is counted."""

    left_out = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Keep it, or count it."""
        if self.full():
            self.left_out += 1
        else:
            super().put_nowait(item)


class Inbox:
    """All devices' measurements; `run` beside `items`."""

    def __init__(
        self,
        broker: Broker,
        *,
        store_id: str,
        wait_ns: int = WAIT_NS,
        confirm: bool = False,
        may: Callable[[str, Body], bool] = lambda _, __: True,
        waiting_bytes: int = WAITING_BYTES,
        unread: int = UNREAD_MOST,
    ) -> None:
        """With `confirm`, a device is told to forget a measurement only once `handled` was called with it.

        What a device must not say (`may`, of its id and what it says) is dropped and told.
        """
        self._broker = broker
        self._may = may
        self._confirm = confirm
        self._handled: dict[str, tuple[str, int]] = {}
        self._store_id = store_id
        self._sequences: Sequences[Received | Spoiled] = Sequences(wait_ns=wait_ns)
        self._items: deque[Item | Exception] = deque()
        self._bytes, self._waiting_bytes = 0, waiting_bytes
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._unread_most = unread
        self._unread = _Unread()
        self._spoiled_s: dict[str, float] = {}
        self._heard_s: dict[str, float] = {}  # devices that measure all the time
        self._silent: set[str] = set()
        self._strangers: dict[str, str] = {}  # devices that run, by their births, and gave us nothing yet: their boots
        self._client: aiomqtt.Client | None = None

    async def items(self) -> AsyncIterator[Item]:
        """Everything that comes, for as long as one listens; `run` must run beside it."""
        while True:
            while not self._items:
                self._some.clear()
                await self._some.wait()
            item = self._items.popleft()
            if isinstance(item, Exception):
                raise item
            self._bytes -= _bytes(item)
            if self._bytes <= self._waiting_bytes:
                self._room.set()
            yield item

    def steady(self) -> tuple[str, ...]:
        """Devices that measure all the time, as far as they were heard and did not fall silent."""
        return tuple(device_id for device_id in self._heard_s if device_id not in self._silent)

    def handled(self, device_id: str, boot: str, seq: int) -> None:
        """This and everything before it from its device is safe: the device need not keep it."""
        self._handled[device_id] = (boot, seq)

    async def command(self, device_id: str, fields: dict[str, object]) -> bool:
        """Tell a device something (open a gate). Whether the broker took it; that it did not is among the items."""
        payload = json.dumps(fields).encode()
        try:
            if self._client is not None:
                await self._client.publish(wire.topic(self._store_id, device_id, "command"), payload, qos=1)
                return True
        except aiomqtt.MqttError:
            pass
        self._put(Unsaid(device_id=device_id))
        return False

    async def run(self) -> None:
        """Keep the connection and take in, until cancelled. What ends it otherwise is raised by `items`, too."""
        try:
            await self._run()
        except Exception as error:
            self._items.append(error)
            self._some.set()
            raise

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                queue = cast("type[asyncio.Queue[aiomqtt.Message]]", self._new_unread)
                async with self._broker.connect(
                    f"jwo-{self._store_id}-store", queue=queue, queued=self._unread_most
                ) as client:
                    await client.subscribe(f"jwo/{self._store_id}/+/data/+", qos=1)
                    await client.subscribe(f"jwo/{self._store_id}/+/status", qos=1)
                    unless_cancelled()
                    tries = 0
                    self._client = client
                    self._begin()
                    await self._connected(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                if self._client is not None or not tries:
                    self._put(BrokerState(connected=False, problem=str(error)))
                self._client = None
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1

    def _new_unread(self, maxsize: int) -> _Unread:
        self._unread = _Unread(maxsize)
        return self._unread

    def _begin(self) -> None:
        """The broker is there: what was missing, and who was silent, has its time from now on."""
        self._sequences.resume(time.monotonic_ns())
        self._heard_s = dict.fromkeys(self._heard_s, time.monotonic())
        self._put(BrokerState(connected=True))

    async def _connected(self, client: aiomqtt.Client) -> None:
        acknowledging = asyncio.create_task(self._acknowledge(client))
        try:
            async for message in client.messages:
                if not self._room.is_set():
                    await self._room.wait()
                    self._sequences.resume(time.monotonic_ns())  # what is missing may be among what was not read
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
            message = self._message(device_id, rest.removeprefix("data/"), payload)
            self._speaks(device_id, rest.removeprefix("data/"))
            self._place(device_id, message, message.body, len(payload))
        except wire.WireError as error:
            problem = str(error) if self._tells(device_id) else ""
            if error.head is not None and self._sequences.knows(device_id):
                self._place(device_id, error.head, problem, 0)
            elif problem:
                self._put(Spoiled(device_id=device_id, problem=problem))

    def _message(self, device_id: str, kind: str, payload: bytes) -> wire.Message:
        """A measurement that this device may tell. Raises WireError."""
        if not self._sequences.knows(device_id) and len(self._sequences.devices()) >= DEVICES_MOST:
            raise wire.WireError(f"more than {DEVICES_MOST} devices")
        message = wire.unpack(kind, payload, sender=device_id)
        if not self._may(device_id, message.body):
            raise wire.WireError(f"{device_id} speaks for another device", message)
        return message

    def _place(self, device_id: str, head: wire.Head, what: Body | str, size: int) -> None:
        """Something with a number: it, and what waited for it, comes out in order; a text is what was wrong with it."""
        boot, seq = head.boot, head.seq
        item: Received | Spoiled
        if isinstance(what, str):
            item = Spoiled(device_id=device_id, problem=what, boot=boot, seq=seq)
        else:
            item = Received(device_id=device_id, boot=boot, seq=seq, body=what, size=size)
        place = Place(device_id=device_id, boot=boot, seq=seq, base=head.base, bits=head.bits)
        try:
            for known in self._sequences.take(place, item, time.monotonic_ns(), size=size):
                self._put(known)
        except ValueError as error:
            if self._tells(device_id):
                self._put(Spoiled(device_id=device_id, problem=str(error)))

    def _tells(self, device_id: str) -> bool:
        """Whether what was dropped is told: of a device that goes on like this once a minute."""
        now_s = time.monotonic()
        if now_s - self._spoiled_s.get(device_id, -SPOILED_EVERY_S) < SPOILED_EVERY_S:
            return False
        while len(self._spoiled_s) >= DEVICES_MOST:
            del self._spoiled_s[next(iter(self._spoiled_s))]
        self._spoiled_s[device_id] = now_s
        return True

    def _status(self, device_id: str, payload: bytes) -> None:
        try:
            fields = json.loads(payload)
            online, boot = fields["online"], fields.get("boot", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise wire.WireError("a status is no JSON object with `online`") from None
        if online is not True:  # whoever said that they go, or the broker for them, is not silent besides
            self._heard_s.pop(device_id, None)
            self._speaks(device_id)
        if online is True and not self._sequences.knows(device_id) and len(self._strangers) < DEVICES_MOST:
            self._strangers[device_id] = str(boot)[:200]
        self._put(DeviceState(device_id=device_id, online=online is True, boot=str(boot)[:200]))

    def _speaks(self, device_id: str, kind: str = "") -> None:
        if kind in STEADY:
            self._heard_s[device_id] = time.monotonic()
        if device_id in self._silent:
            self._silent.remove(device_id)
            self._put(DeviceSilent(device_id=device_id, silent=False))

    async def _acknowledge(self, client: aiomqtt.Client) -> None:
        """Tell each device how far we are; also again and again while something is missing, so that it sends it."""
        said: dict[str, tuple[str, int, int]] = {}
        while True:
            await asyncio.sleep(ACK_EVERY_S)
            self._look()
            while self._strangers:  # what they keep may have been sent to a process that is no more
                device_id, boot = self._strangers.popitem()
                await self._acknowledged(client, device_id, (boot, -1, -1))
            for device_id in self._sequences.devices():
                arrived = self._sequences.acknowledged(device_id)
                if arrived is None:
                    continue
                boot, seq = arrived
                safe = self._handled.get(device_id, (boot, -1)) if self._confirm else arrived
                reached = (boot, safe[1] if safe[0] == boot else -1, seq)
                if said.get(device_id) != reached:
                    await self._acknowledged(client, device_id, reached)
                    said[device_id] = reached

    async def _acknowledged(self, client: aiomqtt.Client, device_id: str, reached: tuple[str, int, int]) -> None:
        boot, safe, arrived = reached
        fields = {
            "boot": boot,
            "seq": self._sequences.counted(device_id, safe),
            "arrived": self._sequences.counted(device_id, arrived),
        }
        name = wire.topic(self._store_id, device_id, "ack")
        await client.publish(name, json.dumps(fields, separators=(",", ":")).encode(), qos=0)

    def _look(self) -> None:
        """What the passing of time tells: gaps, devices that fell silent, what was left out."""
        if self._unread.left_out:
            self._put(Overrun(count=self._unread.left_out))
            self._unread.left_out = 0
        if not self._room.is_set():
            return
        now_s = time.monotonic()
        for item in self._sequences.advance(time.monotonic_ns()):
            self._put(item)
        for device_id, heard_s in self._heard_s.items():
            if now_s - heard_s > SILENT_S and device_id not in self._silent:
                self._silent.add(device_id)
                self._put(DeviceSilent(device_id=device_id, silent=True, for_s=now_s - heard_s))

    def _put(self, item: Item) -> None:
        self._bytes += _bytes(item)
        if self._bytes > self._waiting_bytes:
            self._room.clear()
        self._items.append(item)
        self._some.set()


def _bytes(item: Item) -> int:
    return ITEM_BYTES + (item.size if isinstance(item, Received) else 0)
