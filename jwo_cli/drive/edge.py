"""Devices at the edge: what a machine beside the cameras publishes, and how a store takes it in over MQTT.

An edge machine runs sources like a store does and publishes what they give; a store that runs takes the broker as one
more source. So a large store spreads over machines without a protocol of its own, and the engine never knows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from jwo_cli.drive.sources import CardSeen, CodeSeen, DoorReport, Inlet, Source, Trouble
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.signals import PoseFrame, TagRead, WeightBatch
from jwo_cli.estimate.vision.eyes import Eyes
from jwo_cli.model.entering import Refusal
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.llrp import ReaderAddress, ReaderState, tag_reads
from jwo_cli.sensors.mqtt.client import (
    Broker,
    BrokerState,
    DeviceState,
    Inbox,
    Item,
    Publisher,
    Received,
    Spoiled,
)
from jwo_cli.sensors.mqtt.sequence import Missing
from jwo_cli.sensors.mqtt.wire import Body, CameraSaw, CodeText, GateState
from jwo_cli.sensors.scanners import Scanner, scanned


class MqttSource:
    """All devices of a store behind its broker, as one source.

    Births and last wills, gaps and spoiled messages are told as trouble of the device that they are about.
    """

    kind = "mqtt"
    critical = True
    patience_s = 5.0

    def __init__(
        self,
        broker: Broker,
        *,
        store_id: str,
        name: str = "broker",
        may: Callable[[str, Body], bool] = lambda _, __: True,
        store: Store | None = None,
    ) -> None:
        self.name = name
        self.inbox = Inbox(broker, store_id=store_id, may=may)
        self._eyes = Eyes(store) if store is not None and store_views(store) else None

    async def stream(self) -> AsyncIterator[Inlet]:
        """What the devices say, each device's in its order."""
        running = asyncio.create_task(self.inbox.run())
        try:
            async for item in self.inbox.items():
                for inlet in inlets(item, broker=self.name):
                    for known in self._fused(inlet) if isinstance(inlet, CameraSaw) else (inlet,):
                        yield known
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def _fused(self, saw: CameraSaw) -> Sequence[Inlet]:
        """Who stands where, from what cameras of all edge machines saw; places need cameras that are calibrated."""
        if self._eyes is None:
            return ()
        try:
            seen = self._eyes.feed(saw.camera_id, saw.at_ns, saw.found)
        except KeyError:
            note = "the layout has no calibration of this camera"
            return (_trouble(saw.camera_id, FaultKind.UNKNOWN_CHANNEL, note=note),)
        self._eyes.news.clear()
        return [one.poses for one in seen]


class ReaderSource:
    """An RFID reader; a shop without tags near it is silent, and that is no fault."""

    kind = "rfid"
    critical = False
    patience_s = float("inf")

    def __init__(self, address: ReaderAddress) -> None:
        self.name = address.reader_id
        self._address = address

    async def stream(self) -> AsyncIterator[Inlet]:
        """Tag reads; the reader's going and coming back as trouble."""
        async with aclosing(tag_reads(self._address)) as reads:
            async for item in reads:
                if isinstance(item, ReaderState):
                    yield _trouble(item.reader_id, FaultKind.GAP, over=item.connected, note=item.problem)
                else:
                    yield item


class ScannerSource:
    """A code scanner on a wire at a gate; nobody scanning is no fault."""

    kind = "codes"
    critical = False
    patience_s = float("inf")

    def __init__(self, scanner: Scanner, *, gate_id: str) -> None:
        self.name = f"scanner at {gate_id}"
        self._scanner, self._gate_id = scanner, gate_id

    async def stream(self) -> AsyncIterator[Inlet]:
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
        self._send(gate_id, {"open": True, "account": account, "at_ns": time.time_ns()})

    def refuse(self, gate_id: str, refusal: Refusal) -> None:
        """Stay shut, and show why."""
        self._send(gate_id, {"open": False, "refusal": refusal.value, "at_ns": time.time_ns()})

    def _send(self, gate_id: str, fields: dict[str, object]) -> None:
        task = asyncio.create_task(self._inbox.command(gate_id, fields))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def inlets(item: Item, *, broker: str) -> Sequence[Inlet]:
    """What an item of the inbox means to a store."""
    match item:
        case Received():
            return _measured(item.body)
        case Missing():
            note = f"{item.count} messages are missing"
            return (
                _trouble(item.device_id, FaultKind.GAP, note=note),
                _trouble(item.device_id, FaultKind.GAP, over=True, note=note),
            )
        case DeviceState():
            return (_trouble(item.device_id, FaultKind.DEAD, over=item.online, note="it went away"),)
        case BrokerState():
            return (_trouble(broker, FaultKind.GAP, over=item.connected, note=item.problem or "the broker is gone"),)
        case Spoiled():
            return (
                _trouble(item.device_id, FaultKind.UNKNOWN_CHANNEL, note=item.problem),
                _trouble(item.device_id, FaultKind.UNKNOWN_CHANNEL, over=True, note=item.problem),
            )


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


async def run_edge(sources: Sequence[Source], publisher: Publisher, stop: asyncio.Event) -> tuple[SourceState, ...]:
    """Publish what the sources give until told to stop; then wait a moment for the store to have all of it."""
    states = tuple(SourceState(item.name, item.kind, item.critical, item.patience_s) for item in sources)

    def offer(arrived: Arrived) -> None:
        body = published(arrived.what)
        if body is not None:
            publisher.offer(body)

    sending = asyncio.create_task(publisher.run())
    flows = [
        asyncio.create_task(keep_flowing(source, state, offer)) for source, state in zip(sources, states, strict=True)
    ]
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


def _trouble(device_id: str, kind: FaultKind, *, over: bool = False, note: str = "") -> Trouble:
    return Trouble(at_ns=time.time_ns(), device_id=device_id, kind=kind, over=over, note=note)
