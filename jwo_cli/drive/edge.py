"""Devices at the edge: what a machine beside the cameras publishes, and how a store takes it in over MQTT.

An edge machine runs sources like a store does and publishes what they give; a store that runs takes the broker as one
more source. So a large store spreads over machines without a protocol of its own, and the engine never knows.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from jwo_cli.drive.backlog import AWAY_S, CATCH_UP_S
from jwo_cli.drive.edge_antennas import EdgeAntennas
from jwo_cli.drive.edge_troubles import EdgeTroubles, ToldByEdges
from jwo_cli.drive.fusing import Fusion
from jwo_cli.drive.sources import Behind, CardSeen, CodeSeen, DoorReport, Inlet, Source, Trouble, at_gate
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing, keep_running
from jwo_cli.estimate.signals import PoseFrame, TagRead, WeightBatch
from jwo_cli.model.entering import Refusal
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.llrp import ReaderAddress, ReaderState, tag_reads
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
    Unsaid,
)
from jwo_cli.sensors.mqtt.sequence import Missing
from jwo_cli.sensors.mqtt.wire import Body, CameraSaw, CodeText, DeviceTrouble, GateState
from jwo_cli.sensors.scanners import Scanner, scanned

FRESH_NS = NS_PER_S  # a device that measured so shortly before the connection was back has come up to the present
OLD_S = 30.0  # all that was kept has come by then; stamps that are older still are a clock's fault, and told as that
COMMAND_NS = 5 * NS_PER_S  # whoever showed a code stands at the door for so long
SETTLE_S = 1.5  # every device that runs has spoken by then, and been asked for its past


class MqttSource:
    """All devices of a store behind its broker, as one source that gives again what is not safe (`Resending`).

    Births and last wills, silence, gaps and spoiled messages are told as trouble of the device that they are about. A
    device is told to forget a measurement when what came of it is in the journal; after a break its past comes first.
    """

    kind = "mqtt"
    critical = True
    patience_s = float("inf")  # doors may have nothing to say; who measures and falls silent is told by name

    def __init__(
        self,
        broker: Broker,
        *,
        store_id: str,
        name: str = "broker",
        may: Callable[[str, Body], bool] = lambda _, __: True,
        fusion: Fusion | None = None,
        antennas: EdgeAntennas | None = None,
    ) -> None:
        self.name = name
        self.inbox = Inbox(broker, store_id=store_id, may=may, confirm=True)
        self._fusion, self._told, self._antennas = fusion, ToldByEdges(), antennas or EdgeAntennas()
        self.names = "" if fusion is None else fusion.names  # of people in pictures that are given again (`Bodies`)
        self._given = 0
        self._unsafe: dict[str, deque[_Unsafe]] = {}
        self._since_ns = 0
        self._old_until_s = math.inf  # until then, monotonic, what is older than the run is left out
        self._left_out: set[str] = set()
        self._behind: set[str] | None = None  # devices that have not come up to the present; None: nobody is awaited
        self._waited: set[str] = set()  # each is awaited once a connection: a clock that is behind stays behind
        self._away = False
        self._back_ns = 0  # when the connection was there again
        self._settled_s = 0.0

    def begin(self, *, since_ns: int, resumed: bool) -> None:
        """A run begins: what was captured before `since_ns` is none of its business. Resumed: the past comes first."""
        self._since_ns, self._away = since_ns, resumed

    def safe(self, taken: int, until_ns: int) -> None:
        """Of the first `taken` things that were given, all that was captured until then is safe."""
        for device_id, unsafe in self._unsafe.items():
            last = None
            while unsafe and unsafe[0].number <= taken and unsafe[0].at_ns <= until_ns:
                last = unsafe.popleft()
            if last is not None:
                self.inbox.handled(device_id, last.boot, last.seq)

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What the devices say, each device's in its order."""
        running = asyncio.create_task(self.inbox.run())
        try:
            for trouble in self._antennas.began():
                self._given += 1
                yield trouble
            async for item in self.inbox.items():
                given = self._given_by(item)
                self._keep(item, self._given + len(given))
                for inlet in given:
                    self._given += 1
                    yield inlet
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def _given_by(self, item: Item) -> list[Inlet]:
        """What an item means to the store, and to its antennas, and whether its source lags behind."""
        return self._antennas.of(item, self._meant(item))

    def _meant(self, item: Item) -> list[Inlet]:
        if isinstance(item, BrokerState) and item.connected:
            self._old_until_s = min(self._old_until_s, time.monotonic() + OLD_S)
        ended: Iterable[Inlet] = ()
        if isinstance(item, Received) or (isinstance(item, DeviceState) and item.online):
            ended = self._told.began(item.device_id, item.boot)
        if isinstance(item, Received) and isinstance(item.body, DeviceTrouble):
            return [*ended, self._told.told(item.device_id, item.body), *self._lags(item)]
        if isinstance(item, Received) and self._old(item):
            known = item.device_id in self._left_out
            self._left_out.add(item.device_id)
            note = "what it kept of before this run is left out"
            return [*ended, *(() if known else _passed(item.device_id, FaultKind.GAP, note)), *self._lags(item)]
        found = inlets(item, broker=self.name)
        late = self._away or self._behind is not None
        fused = (
            found if self._fusion is None else [known for one in found for known in self._fusion.heard(one, late=late)]
        )
        return [*ended, *fused, *self._lags(item)]

    def _old(self, item: Received) -> bool:
        """Whether it was measured before this run and none of its business; a door that stands open always is."""
        if _at_ns(item) >= self._since_ns or isinstance(item.body, GateState):
            return False
        return time.monotonic() < self._old_until_s

    def _lags(self, item: Item) -> Sequence[Inlet]:
        """After a break: until everybody who measures all the time has come up to the present."""
        if isinstance(item, BrokerState) and not item.connected:
            self._away = True
            return (Behind(seconds=AWAY_S),)
        if isinstance(item, BrokerState):
            if not self._away:
                return ()
            self._away, self._back_ns, self._settled_s = False, time.time_ns(), time.monotonic() + SETTLE_S
            self._behind = set(self.inbox.steady())
            self._waited = set(self._behind)
            return (Behind(seconds=CATCH_UP_S if self._behind else SETTLE_S),)
        if self._behind is None:
            return ()
        if isinstance(item, Received) and _at_ns(item) < self._back_ns - FRESH_NS:
            if item.device_id not in self._waited:
                self._waited.add(item.device_id)
                self._behind.add(item.device_id)
                return (Behind(seconds=CATCH_UP_S),)
        elif isinstance(item, Received | DeviceSilent) or (isinstance(item, DeviceState) and not item.online):
            self._behind.discard(item.device_id)  # its birth does not: what it kept follows
        if self._behind or time.monotonic() < self._settled_s:
            return ()
        self._behind = None
        return (Behind(seconds=0.0),)

    def _keep(self, item: Item, number: int) -> None:
        """Remember what this item was, to be told safe when all it gave is."""
        match item:
            case Received():
                unsafe = _Unsafe(number, item.boot, item.seq, min(_at_ns(item), time.time_ns()))
            case Missing():
                unsafe = _Unsafe(number, item.boot, item.first_seq + item.count - 1, 0)
            case Spoiled() if item.seq >= 0:
                unsafe = _Unsafe(number, item.boot, item.seq, 0)
            case _:
                return
        self._unsafe.setdefault(item.device_id, deque()).append(unsafe)


@dataclass(frozen=True, slots=True)
class _Unsafe:
    """Up to `seq` of a device's run all was captured until `at_ns`; with it `number` things were given to the store."""

    number: int
    boot: str
    seq: int
    at_ns: int


def _at_ns(received: Received) -> int:
    """When it was captured, as the device has it."""
    body = received.body
    return body.end_ns if isinstance(body, WeightBatch) else body.at_ns


class ReaderSource:
    """An RFID reader; a shop without tags near it is silent, and that is no fault.

    While it is away its antennas are dead, each by its name in the layout.
    """

    kind = "rfid"
    critical = False
    patience_s = float("inf")

    def __init__(self, address: ReaderAddress) -> None:
        self.name = address.reader_id
        self._antennas = tuple(dict.fromkeys(address.antennas.values()))
        self._address = address

    async def stream(self) -> AsyncGenerator[Inlet]:
        """Tag reads; the reader's going and coming back as trouble."""
        async with aclosing(tag_reads(self._address)) as reads:
            async for item in reads:
                if isinstance(item, ReaderState):
                    yield _trouble(item.reader_id, FaultKind.GAP, over=item.connected, note=item.problem)
                    for antenna_id in self._antennas:
                        yield _trouble(antenna_id, FaultKind.DEAD, over=item.connected, note="its reader is away")
                else:
                    yield item


class ScannerSource:
    """A code scanner on a wire at a gate; nobody scanning is no fault."""

    kind = "codes"
    critical = False
    patience_s = float("inf")

    def __init__(self, scanner: Scanner, *, gate_id: str, number: int = 1) -> None:
        self.name = at_gate("scanner", gate_id, number)
        self._scanner, self._gate_id = scanner, gate_id

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What it reads, as codes that were seen at its gate."""
        async with aclosing(scanned(self._scanner)) as texts:
            async for text in texts:
                yield CodeSeen(at_ns=time.time_ns(), gate_id=self._gate_id, text=text)


class MqttDoors:
    """Doors that listen to commands over the broker; a door without a broker stays as it is."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._sending: set[asyncio.Task[bool]] = set()

    def open(self, gate_id: str, account: str) -> None:
        """Let one person or party through."""
        self._send(gate_id, {"open": True, "account": account})

    def refuse(self, gate_id: str, refusal: Refusal) -> None:
        """Stay shut, and show why."""
        self._send(gate_id, {"open": False, "refusal": refusal.value})

    def _send(self, gate_id: str, fields: dict[str, object]) -> None:
        """A door that was away must not open for somebody who has gone: a command is good for a moment."""
        now_ns = time.time_ns()
        task = asyncio.create_task(
            self._inbox.command(gate_id, {**fields, "at_ns": now_ns, "until_ns": now_ns + COMMAND_NS})
        )
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def inlets(item: Item, *, broker: str) -> Sequence[Inlet]:
    """What an item of the inbox means to a store."""
    match item:
        case Received():
            return _measured(item.body)
        case Unsaid():
            return _passed(item.device_id, FaultKind.GAP, "a command did not reach it: the broker is gone")
        case Missing():
            return _passed(item.device_id, FaultKind.GAP, f"{item.count} messages are missing")
        case DeviceState():
            return (_trouble(item.device_id, FaultKind.DEAD, over=item.online, note="it went away"),)
        case DeviceSilent():
            began_ns = time.time_ns() - round(item.for_s * NS_PER_S)
            note = "nothing comes from it"
            return (_trouble(item.device_id, FaultKind.GAP, over=not item.silent, note=note, at_ns=began_ns),)
        case Overrun():
            note = f"{item.count} messages came faster than they were taken; they are asked for again"
            return _passed(broker, FaultKind.GAP, note)
        case BrokerState():
            return (_trouble(broker, FaultKind.GAP, over=item.connected, note=item.problem or "the broker is gone"),)
        case Spoiled():
            return _passed(item.device_id, FaultKind.UNKNOWN_CHANNEL, item.problem) if item.problem else ()


def _measured(body: Body) -> Sequence[Inlet]:
    match body:
        case WeightBatch() | PoseFrame() | TagRead():
            return (body,)
        case CodeText():
            if body.way == "card":
                return (CardSeen(at_ns=body.at_ns, gate_id=body.gate_id, account=body.text),)
            return (CodeSeen(at_ns=body.at_ns, gate_id=body.gate_id, text=body.text),)
        case GateState():
            if body.state in {"released", "restored"}:
                released = body.state == "released"
                return (DoorReport(at_ns=body.at_ns, gate_id=body.gate_id, released=released, reason=body.reason),)
            return ()
        case CameraSaw():
            return (body,)
        case DeviceTrouble():  # of which machine matters: `MqttSource` tells it
            return ()


def published(inlet: Inlet) -> Body | None:
    """What an edge machine publishes of something that a source gave; None for what stays with it."""
    match inlet:
        case WeightBatch() | PoseFrame() | TagRead() | CameraSaw():
            return inlet
        case CodeSeen():
            return CodeText(at_ns=inlet.at_ns, gate_id=inlet.gate_id, text=inlet.text)
        case CardSeen():
            return CodeText(at_ns=inlet.at_ns, gate_id=inlet.gate_id, text=inlet.account, way="card")
        case DoorReport():
            state = "released" if inlet.released else "restored"
            return GateState(at_ns=inlet.at_ns, gate_id=inlet.gate_id, state=state, reason=inlet.reason)
        case _:
            return None


async def run_edge(
    sources: Sequence[Source], publisher: Publisher, stop: asyncio.Event, *, say: Callable[[str], None] = lambda _: None
) -> tuple[SourceState, ...]:
    """Publish what the sources give until told to stop; then wait a moment for the store to have all of it.

    Troubles are published, too, and said.
    """
    states = tuple(SourceState(item.name, item.kind, item.critical, item.patience_s) for item in sources)

    troubles = EdgeTroubles(publisher, say)

    async def offer(arrived: Arrived) -> None:
        if isinstance(arrived.what, Trouble):
            troubles.told(arrived.what)
        body = published(arrived.what)
        if body is not None:
            publisher.offer(body)

    def kept(what: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """A task that is said to have ended, and is begun again."""
        return asyncio.create_task(keep_running(work, lambda problem: say(f"{what}: {problem}; it is begun again")))

    sending = kept("sending to the broker", publisher.run)
    flows = [
        asyncio.create_task(keep_flowing(source, state, offer)) for source, state in zip(sources, states, strict=True)
    ]
    flows.append(kept("watching the devices", lambda: troubles.watch(states)))
    try:
        await stop.wait()
    finally:
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)
        try:
            await asyncio.wait_for(publisher.flushed(), 5.0)
        except TimeoutError:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    return states


def _trouble(
    device_id: str, kind: FaultKind, *, over: bool = False, note: str = "", at_ns: int | None = None
) -> Trouble:
    when_ns = time.time_ns() if at_ns is None else at_ns
    return Trouble(at_ns=when_ns, device_id=device_id, kind=kind, over=over, note=note)


def _passed(device_id: str, kind: FaultKind, note: str) -> tuple[Trouble, Trouble]:
    """Trouble that is over when it is told."""
    return _trouble(device_id, kind, note=note), _trouble(device_id, kind, over=True, note=note)
