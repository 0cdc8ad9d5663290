"""Troubles of a running store's devices: when each is noticed, shown and journalled, and when it is over.

A small store in real time over real protocols: scales over MQTT (mosquitto where it is installed), a gate's camera
over RTSP, a reader over LLRP. One thing after the other is broken and mended; the journal's own times say what the
store knew when. Whether it was shown is asked of `jwo store status` and of the live view while it lasted.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiomqtt
import numpy as np
from llrpkit.emulator.core import EmulatedTag, LLRPEmulator

from benchmarks.__main__ import MISSED
from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.edge import MqttSource, ReaderSource
from jwo_cli.drive.gate_camera import GateCameraSource
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.state import alone, state_of
from jwo_cli.drive.watch_live import LiveWatch
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.llrp import ReaderAddress
from jwo_cli.sensors.mqtt import wire
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from tests.drive import scene
from tests.sensors.rtsp_server import RtspCamera

Change = Callable[[], Awaitable[None]]

TITLE = "Troubles of devices, noticed and mended"
CAMERA_S, GAP_S, OTHER_S, BACK_S = 10.0, 5.0, 10.0, 15.0
EVERY_S, RATE_HZ = 0.2, 60.0
BATCH = round(EVERY_S * RATE_HZ)
SETTLE_S = 16.0  # plates are known to be lively, and what is usual in a picture
PATIENCE_S = 30.0


def store() -> Store:
    """The tests' shop with a second scale like its first."""
    shop = scene.store()
    (first,) = shop.fixtures
    ((bay,),) = (first.bays,)
    (shelf,) = bay.shelves
    plates = tuple(
        replace(plate, plate_id=f"b.s1.p{number}", channel=f"b:1:{number}")
        for number, plate in enumerate(shelf.plates, 1)
    )
    other = replace(bay, bay_id="b.b1", shelves=(replace(shelf, shelf_id="b.s1", plates=plates),))
    second = replace(first, fixture_id="b", pose=replace(first.pose, x_m=2.5), bays=(other,))
    return replace(shop, fixtures=(first, second))


@dataclass
class Scale:
    """A converter with three plates, and what is wrong with it."""

    device_id: str
    stuck: bool = False  # the first plate stands still
    mute: bool = False  # the second plate gives no numbers
    silent: bool = False
    off_s: float = 0.0
    lost: int = 0  # messages that are numbered and not sent
    seq: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def batch(self) -> WeightBatch:
        """What it measured last."""
        grams = (np.array([5200.0, 8400.0, 1200.0]) + self.rng.normal(0, 1.5, (BATCH, 3))).astype(np.float32)
        if self.stuck:
            grams[:, 0] = 5200.0
        if self.mute:
            grams[:, 1] = np.nan
        return WeightBatch(
            device_id=self.device_id,
            end_ns=time.time_ns() + round(self.off_s * NS_PER_S),
            rate_hz=RATE_HZ,
            channels=tuple(f"{self.device_id}:1:{number}" for number in (1, 2, 3)),
            grams=grams,
        )

    async def keeps(self, publisher: Publisher) -> None:
        """A device that keeps what it sent."""
        while True:
            publisher.offer(self.batch())
            await asyncio.sleep(EVERY_S)

    async def forgets(self, broker: Broker, store_id: str) -> None:
        """A small one that publishes and keeps nothing."""
        boot = f"{time.time_ns():x}"
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(broker.host, broker.port) as client:
                    while True:
                        if not self.silent:
                            payload = wire.pack(boot, self.seq, self.batch())
                            self.seq += 1
                            if self.lost:
                                self.lost -= 1
                            else:
                                await client.publish(f"jwo/{store_id}/{self.device_id}/data/weights", payload, qos=1)
                        await asyncio.sleep(EVERY_S)
            await asyncio.sleep(0.5)


class Mosquitto:
    """A broker in a process of its own, to be killed."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.broker = Broker(host="127.0.0.1", port=int(free.getsockname()[1]))
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        (folder / "mosquitto.conf").write_text(
            f"listener {self.broker.port} 127.0.0.1\nallow_anonymous true\npersistence true\nuser root\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\nmax_queued_bytes 0\n"
        )
        self.start()

    def start(self) -> None:
        """Also after it was killed."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """At once, with what it had not saved."""
        self._process.kill()
        self._process.wait()

    async def dies(self) -> None:
        """The same, as a change."""
        await asyncio.to_thread(self.kill)

    async def lives(self) -> None:
        """It is started again."""
        self.start()


@contextlib.asynccontextmanager
async def some_broker(folder: Path) -> AsyncIterator[tuple[Broker, Mosquitto | None]]:
    """A mosquitto where it is installed, else one in this process, which nobody can kill."""
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        async with loopback_broker() as broker:
            yield broker, None
        return
    mosquitto = Mosquitto(program, folder)
    await asyncio.sleep(0.5)
    try:
        yield mosquitto.broker, mosquitto
    finally:
        mosquitto.kill()


@dataclass(frozen=True)
class Trouble:
    """What is broken and mended, and how it stands in the journal; `lasts_s` between the two."""

    name: str
    device_id: str
    kind: FaultKind
    within_s: float
    breaks: Change
    mends: Change
    lasts_s: float = 12.0


@dataclass(frozen=True)
class Noted:
    """How it went: seconds from the break to the entry, from the mending to the end's entry; where it was shown."""

    trouble: Trouble
    noticed_s: float | None
    recovered_s: float | None
    status: bool
    view: bool

    def row(self) -> str:
        """A line of the table."""
        trouble = self.trouble
        noticed = self.noticed_s is not None and self.noticed_s <= trouble.within_s
        over = self.recovered_s is not None and self.recovered_s <= BACK_S
        shown = [name for name, seen in (("status", self.status), ("live view", self.view)) if seen]
        good = noticed and over and (len(shown) == 2 or not trouble.lasts_s)
        return (
            f"| {trouble.name} | {_seconds(self.noticed_s)} (≤ {trouble.within_s:.0f}) "
            f"| {' and '.join(shown) or ('nowhere' if trouble.lasts_s else 'is over when told')} "
            f"| {_seconds(self.recovered_s)} (≤ {BACK_S:.0f}) | `{trouble.device_id}: {trouble.kind.value}` "
            f"| {'met' if good else MISSED} |"
        )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


class Bench:
    """The journal that says what the store knew, and the view that shows it."""

    def __init__(self, view: LiveWatch, journal: Path) -> None:
        self._view, self._journal = view, journal

    async def suffer(self, trouble: Trouble) -> Noted:
        """Break it, look, mend it, look."""
        after_ns = time.time_ns()
        await trouble.breaks()
        begun_ns = await self._entry(trouble, after_ns, over=False)
        await asyncio.sleep(max(0.0, trouble.lasts_s - (time.time_ns() - after_ns) / NS_PER_S))
        ill = await asyncio.to_thread(lambda: state_of(self._journal).ill)
        status = any(sentence.startswith(f"{trouble.device_id}: {trouble.kind.value}") for sentence in ill)
        view = f"{trouble.device_id}: {trouble.kind.value}" in str(self._view.state_text())
        mended_ns = time.time_ns() if trouble.lasts_s else after_ns
        await trouble.mends()
        over_ns = await self._entry(trouble, after_ns if not trouble.lasts_s else mended_ns, over=True)
        noticed_s = None if begun_ns is None else (begun_ns - after_ns) / NS_PER_S
        recovered_s = None if over_ns is None else (over_ns - mended_ns) / NS_PER_S
        return Noted(trouble, noticed_s, recovered_s, status, view)

    async def _entry(self, trouble: Trouble, after_ns: int, *, over: bool) -> int | None:
        """When the journal had it; None when it never did."""
        for _ in range(math.ceil(PATIENCE_S / 0.1)):
            for entry in await asyncio.to_thread(self._faults):
                fault, recorded_ns = entry
                same = (fault.device_id, fault.kind) == (trouble.device_id, trouble.kind)
                if same and recorded_ns >= after_ns and (fault.until_ns > fault.at_ns) is over:
                    return recorded_ns
            await asyncio.sleep(0.1)
        return None

    def _faults(self) -> Iterator[tuple[DeviceFaulted, int]]:
        with Intake.open(self._journal, create=False) as intake:
            found = dict(intake.observed([DeviceFaulted]))
            return iter([(found[entry.seq], entry.recorded_ns) for entry in intake.entries() if entry.seq in found])


@dataclass
class Devices:
    """What stands around the store, to be broken."""

    first: Scale
    second: Scale
    camera: RtspCamera
    reader: LLRPEmulator
    mosquitto: Mosquitto | None

    async def reader_dies(self) -> None:
        """Its plug is pulled."""
        await self.reader.stop()

    async def reader_lives(self) -> None:
        """At the same address."""
        self.reader = LLRPEmulator(port=self.reader.port, tags=self.reader.tags, antenna_count=1)
        await self.reader.start()

    async def camera_dies(self) -> None:
        """No connection, and none to be had."""
        await asyncio.to_thread(self.camera.stop)

    async def camera_lives(self) -> None:
        """At the same address."""
        self.camera = RtspCamera(port=self.camera.port)

    def switch(self, of: Scale | RtspCamera, name: str, bad: object, good: object = False) -> tuple[Change, Change]:
        """Something is set, and set back."""

        async def breaks() -> None:
            setattr(of, name, bad)

        async def mends() -> None:
            setattr(of, name, good)

        return breaks, mends

    def troubles(self) -> list[list[Trouble]]:
        """Those of one group come beside each other."""
        door, first, second = "camera at door", self.first, self.second
        frozen, stuck = self.switch(self.camera, "frozen", bad=True), self.switch(first, "stuck", bad=True)
        mute, silent = self.switch(first, "mute", bad=True), self.switch(second, "silent", bad=True)
        groups = [
            [
                Trouble("a camera is frozen", door, FaultKind.DEAD, CAMERA_S, *frozen),
                Trouble("a plate is stuck", "a.s1.p1", FaultKind.STUCK, OTHER_S, *stuck),
                Trouble("a plate gives no numbers", "a.s1.p2", FaultKind.NAN, OTHER_S, *mute),
                Trouble("messages are missing", "b", FaultKind.GAP, GAP_S, *self.switch(second, "lost", 7, 0), 0.0),
                Trouble("a reader is gone", "reader", FaultKind.GAP, OTHER_S, self.reader_dies, self.reader_lives),
            ],
            [
                Trouble("a camera is gone", door, FaultKind.DEAD, CAMERA_S, self.camera_dies, self.camera_lives),
                Trouble("a clock is 3 s off", "b", FaultKind.CLOCK, OTHER_S, *self.switch(second, "off_s", -3.0, 0.0)),
            ],
            [Trouble("a device is silent", "b", FaultKind.GAP, GAP_S, *silent, 8.0)],
        ]
        if self.mosquitto is not None:
            dies, lives = self.mosquitto.dies, self.mosquitto.lives
            groups.append([Trouble("the broker is killed", "broker", FaultKind.GAP, GAP_S, dies, lives, 8.0)])
        return groups


async def measure(folder: Path) -> list[Noted]:
    """All troubles, group by group."""
    shop, journal, view = store(), folder / "journal", LiveWatch(store())
    reader = LLRPEmulator(tags=[EmulatedTag(epc=b"\x30" * 12)], antenna_count=1)
    await reader.start()
    async with contextlib.AsyncExitStack() as stack:
        broker, mosquitto = await stack.enter_async_context(some_broker(folder))
        devices = Devices(Scale("a"), Scale("b"), RtspCamera(), reader, mosquitto)
        intake = stack.enter_context(Intake.open(journal, store_id=shop.store_id, layout_version=shop.version))
        stack.enter_context(alone(journal))
        publisher = Publisher(broker, store_id=shop.store_id, device_id="a", boot=f"{time.time_ns():x}")
        address = ReaderAddress(reader_id="reader", host="127.0.0.1", port=reader.port, antennas={1: "shelf"})
        live = LiveStore(
            shop, intake, recording=None, rules=Rules(), watcher=view,
            sources=[
                MqttSource(broker, store_id=shop.store_id), ReaderSource(address),
                GateCameraSource(devices.camera.url(), gate_id="door"),
            ],
        )  # fmt: skip
        view.attach(live)
        stop = asyncio.Event()
        running = asyncio.create_task(live.run(stop))
        measuring = (publisher.run(), devices.first.keeps(publisher), devices.second.forgets(broker, shop.store_id))
        tasks = [asyncio.create_task(one) for one in measuring]
        await asyncio.wait({running}, timeout=SETTLE_S)
        if running.done():
            running.result()
        bench, noted = Bench(view, journal), list[Noted]()
        for group in devices.troubles():
            noted += await asyncio.gather(*(bench.suffer(trouble) for trouble in group))
        stop.set()
        await running
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        devices.camera.stop()
        await devices.reader.stop()
    return noted


def run() -> str:
    """The table."""
    with tempfile.TemporaryDirectory() as folder:
        noted = asyncio.run(measure(Path(folder)))
    killed = any(one.trouble.device_id == "broker" for one in noted)
    broker = "" if killed else "\nmosquitto is not installed: no broker was killed.\n"
    rows = "\n".join(one.row() for one in noted)
    head = "| trouble | noticed | shown | over, after mending | in the journal | |\n|---|---|---|---|---|---|\n"
    return f"{head}{rows}\n{broker}"
