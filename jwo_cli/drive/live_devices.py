"""The devices of the living demonstration, each speaking the protocol of a real one on the loopback.

A play is what they measure: scales and the tracker of an edge machine publish over MQTT, an RFID reader answers LLRP,
and the gate's camera is an IP camera, Motion JPEG over HTTP, before which shoppers hold the codes of their accounts.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from llrpkit.emulator.core import EmulatedTag, LLRPEmulator

from jwo_cli.drive.edge import run_edge
from jwo_cli.drive.sources import Inlet, ListSource
from jwo_cli.estimate.signals import CodeRead, PoseFrame, WeightBatch
from jwo_cli.layouts.settings_devices import DeviceSettings, ReaderSettings, ScannerSettings
from jwo_cli.model.layout import Store
from jwo_cli.model.units import NS_PER_MS, NS_PER_S
from jwo_cli.recordings import captured_ns
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.synthetic.film.phones import FPS, GateFilm, Showing
from jwo_cli.synthetic.simulate import Simulated
from jwo_cli.synthetic.tags import Moved, Place, Tag, moves, tagged

READER = "shelf-reader"
READS_HZ = 120.0  # what a reader manages with a shelf of tags
HAND_DB, HAND_SHARE = -12.0, 0.2  # how a tag in a hand is heard: so much weaker, so much more seldom
SHOWN_NS = (-250 * NS_PER_MS, 950 * NS_PER_MS)  # a phone is held before the camera, around when its code was made
_PART = "jwo-frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The devices on the wire, as a store's settings name them, and when the last of them has no more to tell."""

    settings: DeviceSettings
    sources: tuple[ListSource, ...]
    stop: Callable[[], Awaitable[None]]  # takes those behind the broker away, as soon as the store has what they gave

    async def done(self) -> None:
        """Wait until the play is over."""
        await asyncio.gather(*(source.done.wait() for source in self.sources))


@asynccontextmanager
async def served(store: Store, made: Simulated, broker: Broker, showings: Sequence[Showing]) -> AsyncIterator[Served]:
    """Every device of the play, running; stopped when the block ends."""
    gone, seed = asyncio.Event(), made.script.seed
    sources = _sources(made)
    edges = [
        asyncio.create_task(
            run_edge([source], Publisher(broker, store_id=store.store_id, device_id=name, boot=_boot()), gone)
        )
        for name, source in sources.items()
    ]

    async def stop() -> None:
        gone.set()
        await asyncio.gather(*edges, return_exceptions=True)

    try:
        async with _camera(GateFilm(showings, seed=seed)) as port, _reader(store, made) as reader:
            gates = sorted({signal.gate_id for signal in made.signals if isinstance(signal, CodeRead)})
            yield Served(
                settings=DeviceSettings(
                    readers=(reader,),
                    scanners=tuple(
                        ScannerSettings(gate_id=gate, device="", baud=None, camera=f"http://127.0.0.1:{port}/{gate}")
                        for gate in gates
                    ),
                ),
                sources=tuple(sources.values()),
                stop=stop,
            )
    finally:
        await stop()


def _boot() -> str:
    return secrets.token_hex(4)


def _sources(made: Simulated) -> dict[str, ListSource]:
    """What is published over MQTT, by the device that sends it."""
    sent: dict[str, list[tuple[int, Inlet]]] = {}
    for signal in made.signals:
        match signal:
            case WeightBatch():
                sent.setdefault(f"scales-{signal.device_id}", []).append((captured_ns(signal), signal))
            case PoseFrame():
                sent.setdefault("cameras", []).append((captured_ns(signal), signal))
            case _:
                continue
    return {
        name: ListSource(name, name.partition("-")[0], sorted(inlets, key=lambda item: item[0]))
        for name, inlets in sent.items()
    }


@asynccontextmanager
async def _camera(film: GateFilm) -> AsyncIterator[int]:
    """The gate's camera, as many IP cameras serve their picture; the port it listens on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=" + _PART.encode() + b"\r\n\r\n"
            )
            due_s = time.monotonic()
            while True:
                picture = await asyncio.to_thread(film.jpeg, time.time_ns())
                head = f"--{_PART}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                writer.write(head.encode() + picture + b"\r\n")
                await writer.drain()
                due_s = max(due_s + 1 / FPS, time.monotonic())
                await asyncio.sleep(due_s - time.monotonic())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def _reader(store: Store, made: Simulated) -> AsyncIterator[ReaderSettings]:
    """An RFID reader with all of the store's antennas; tags leave its fields and come back as the play has it."""
    ports = {antenna.antenna_id: port for port, antenna in enumerate(store.antennas, start=1)}
    tags = tagged(store, seed=made.script.seed)
    emulator = LLRPEmulator(
        tags=[_heard(tag, Place.SHELF, ports) for tag in tags],
        reads_per_sec=READS_HZ,
        antenna_count=len(ports),
        seed=made.script.seed,
    )
    async with emulator:
        story = asyncio.create_task(_follow(emulator, moves(store, made.stage, tags), tags, ports, made))
        try:
            yield ReaderSettings(
                reader_id=READER,
                host="127.0.0.1",
                port=emulator.port,
                antennas=tuple((port, antenna_id) for antenna_id, port in ports.items()),
                session=0,
            )
        finally:
            story.cancel()
            await asyncio.gather(story, return_exceptions=True)


async def _follow(
    emulator: LLRPEmulator, story: Sequence[Moved], tags: Sequence[Tag], ports: dict[str, int], made: Simulated
) -> None:
    """Moves the tags at their times."""
    places = {tag.tag_id: Place.SHELF for tag in tags}
    for moved in story:
        due_ns = made.script.start_ns + round(moved.at_s * NS_PER_S)
        await asyncio.sleep(max((due_ns - time.time_ns()) / NS_PER_S, 0.0))
        places[moved.tag_id] = moved.place
        emulator.tags = [_heard(tag, places[tag.tag_id], ports) for tag in tags if places[tag.tag_id] is not Place.AWAY]


def _heard(tag: Tag, place: Place, ports: dict[str, int]) -> EmulatedTag:
    on_shelf = EmulatedTag(epc=bytes.fromhex(tag.tag_id), antennas=(ports[tag.antenna_id],), rssi_dbm=tag.rssi_dbm)
    if place is Place.SHELF:
        return on_shelf
    return replace(on_shelf, rssi_dbm=tag.rssi_dbm + HAND_DB, weight=HAND_SHARE)
