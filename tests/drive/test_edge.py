"""From an edge machine over a broker into a store: the same signals, and word of what went wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("amqtt")
pytest.importorskip("llrpkit")

from llrpkit.emulator.core import LLRPEmulator

from jwo_cli.drive.edge import MqttDoors, MqttSource, ReaderSource, inlets, run_edge
from jwo_cli.drive.fusing import Fusion
from jwo_cli.drive.health import HealthBook, Needed
from jwo_cli.drive.sources import Behind, CardSeen, CodeSeen, DoorReport, Inlet, ListSource, Trouble
from jwo_cli.drive.supervise import SourceState
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import PersonPose, PoseFrame, TagRead, WeightBatch
from jwo_cli.layouts.settings import read_settings
from jwo_cli.model.entering import Refusal
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.llrp import ReaderAddress
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
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.sensors.mqtt.sequence import Missing
from jwo_cli.sensors.mqtt.wire import CameraSaw, GateState
from tests.estimate.tracking.kiosk import kiosk

AT = time.time_ns()
PERSON = PersonPose(track_id="p", joints_m=np.ones((10, 3), np.float32), scores=np.ones(10, np.float32))
GIVEN: tuple[Inlet, ...] = (
    WeightBatch(
        device_id="g1", end_ns=AT, rate_hz=60.0, channels=("g1:1:1",), grams=np.full((4, 1), 500.25, dtype=np.float32)
    ),
    PoseFrame(at_ns=AT + 1, people=(PERSON,)),
    TagRead(at_ns=AT + 2, antenna_id="door", tag_id="30ab", rssi_dbm=-60.0),
    CodeSeen(at_ns=AT + 3, gate_id="in", text="A CODE"),
    CardSeen(at_ns=AT + 4, gate_id="in", account="a-1"),
    DoorReport(at_ns=AT + 5, gate_id="in", released=True, reason="fire"),
    Trouble(at_ns=AT + 6, device_id="c1", kind=FaultKind.DEAD, note="unreachable"),
    Trouble(at_ns=AT + 7, device_id="c1", kind=FaultKind.DEAD, over=True),
)
KIOSK = kiosk()


def same(a: Inlet, b: Inlet) -> bool:
    if isinstance(a, WeightBatch) and isinstance(b, WeightBatch):
        return (a.device_id, a.end_ns, a.channels) == (b.device_id, b.end_ns, b.channels) and bool(
            (a.grams == b.grams).all()
        )
    if isinstance(a, PoseFrame) and isinstance(b, PoseFrame):
        return a.at_ns == b.at_ns and bool((a.people[0].joints_m == b.people[0].joints_m).all())
    return a == b


async def _through(given: Sequence[Inlet]) -> tuple[list[Inlet], list[dict[str, object]]]:
    commands: list[dict[str, object]] = []
    async with loopback_broker() as broker:
        source = MqttSource(broker, store_id="shop")
        publisher = Publisher(broker, store_id="shop", device_id="edge-1", boot="b", on_command=commands.append)
        stop, got = asyncio.Event(), []
        edge = asyncio.create_task(
            run_edge([ListSource("all", "scales", [(0, inlet) for inlet in given])], publisher, stop)
        )
        async with asyncio.timeout(20):
            async for inlet in source.stream():
                if not (isinstance(inlet, Trouble) and inlet.device_id in {"broker", "edge-1"}):
                    got.append(inlet)
                if len(got) == len(given):
                    doors = MqttDoors(source.inbox)
                    doors.open("edge-1", "a-1")
                    doors.refuse("edge-1", Refusal.USED)
                    while len(commands) < 2:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                    break
        stop.set()
        await edge
    return got, commands


def test_a_store_hears_what_an_edge_machine_hears() -> None:
    """Every kind of signal and each trouble arrives as it was given, in order; the doors hear the store."""
    got, commands = asyncio.run(_through(GIVEN))
    assert len(got) == len(GIVEN)
    assert all(same(a, b) for a, b in zip(got, GIVEN, strict=True))
    assert [(command["open"], command.get("refusal")) for command in commands] == [(True, None), (False, "used")]
    assert all(int(str(command["until_ns"])) > int(str(command["at_ns"])) for command in commands)


@pytest.mark.parametrize(
    ("item", "device", "kind", "over"),
    [
        (BrokerState(connected=False, problem="gone"), "broker", FaultKind.GAP, [False]),
        (BrokerState(connected=True), "broker", FaultKind.GAP, [True]),
        (DeviceState(device_id="g1", online=False), "g1", FaultKind.DEAD, [False]),
        (DeviceState(device_id="g1", online=True), "g1", FaultKind.DEAD, [True]),
        (Missing(device_id="g1", boot="b", first_seq=3, count=2), "g1", FaultKind.GAP, [False, True]),
        (Spoiled(device_id="g1", problem="?"), "g1", FaultKind.UNKNOWN_CHANNEL, [False, True]),
        (Spoiled(device_id="g1", problem="", boot="b", seq=3), "g1", FaultKind.UNKNOWN_CHANNEL, []),
        (DeviceSilent(device_id="g1", silent=True, for_s=4.0), "g1", FaultKind.GAP, [False]),
        (DeviceSilent(device_id="g1", silent=False), "g1", FaultKind.GAP, [True]),
        (Unsaid(device_id="in"), "in", FaultKind.GAP, [False, True]),
        (Overrun(count=3), "broker", FaultKind.GAP, [False, True]),
    ],
)
def test_what_goes_wrong_is_trouble_of_whom_it_is_about(
    item: Item, device: str, kind: FaultKind, over: list[bool]
) -> None:
    """A broker or device that is away stays ill until it is back; a gap is begun and over."""
    found = inlets(item, broker="broker")
    assert [(one.device_id, one.kind, one.over) for one in found if isinstance(one, Trouble)] == [
        (device, kind, gone) for gone in over
    ]


BASE = (
    'journal = "journal"\n[mark]\nfile = "marks/m.json"\nkey = "file:keys/mark.key"\n'
    '[entry]\nkey = "file:keys/entry.key"\n'
)


def test_a_reader_that_is_away_says_so_for_each_of_its_antennas() -> None:
    """Nobody could read there; it is over when the reader is back."""

    async def story() -> list[tuple[str, FaultKind, bool]]:
        emulator = LLRPEmulator(antenna_count=2)
        await emulator.start()
        antennas = {1: "rail", 2: "door"}
        address = ReaderAddress(reader_id="r1", host="127.0.0.1", port=emulator.port, antennas=antennas)
        told: list[tuple[str, FaultKind, bool]] = []
        again = LLRPEmulator(antenna_count=2, port=emulator.port)
        async with asyncio.timeout(20), aclosing(ReaderSource(address).stream()) as stream:
            async for inlet in stream:
                if isinstance(inlet, Trouble):
                    told.append((inlet.device_id, inlet.kind, inlet.over))
                if len(told) == 3:
                    await emulator.stop()
                if len(told) == 6:
                    await again.start()
                if len(told) == 9:
                    break
        await again.stop()
        return told

    gap, dead = FaultKind.GAP, FaultKind.DEAD
    assert asyncio.run(story()) == [
        (name, kind, over)
        for over in (True, False, True)
        for name, kind in (("r1", gap), ("rail", dead), ("door", dead))
    ]


def test_broker_and_readers_are_named_in_the_settings(tmp_path: Path) -> None:
    """Paths from the file's folder, secrets by reference, antennas by port."""
    (tmp_path / "jwo.toml").write_text(
        BASE + '[mqtt]\nhost = "broker.local"\nuser = "store"\npassword = "file:keys/mqtt"\nca = "ca.crt"\n'
        '[[rfid]]\nid = "r1"\nhost = "10.0.0.9"\nantennas = ["door", "", "shelf"]\n'
    )
    devices = read_settings(tmp_path).devices
    assert devices.broker is not None
    assert (devices.broker.port, devices.broker.ca) == (8883, tmp_path / "ca.crt")
    assert devices.broker.password == f"file:{tmp_path}/keys/mqtt"
    assert devices.readers[0].antennas == ((1, "door"), (3, "shelf"))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('[mqtt]\nhost = "broker.local"\n', "needs TLS"),
        ('[mqtt]\nhost = "localhost"\nport = 99999\n', "is no port"),
        ('[mqtt]\nhost = "localhost"\npassword = "hunter2hunter2"\n', "no reference"),
        ('[[rfid]]\nid = "r1"\nhost = "h"\nantennas = []\n', "no antenna"),
        ('[[rfid]]\nid = "r1"\nhost = "h"\nantennas = ["a"]\nsession = 7\n', "Gen2 session"),
        ('[[scanner]]\ngate = "in"\n', "a device or a camera"),
        ('[[scanner]]\ngate = "in"\ncamera = "rtsp://u:hunter2@h/1"\n', "must not stand here"),
    ],
)
def test_wrong_settings_are_told_and_secrets_not_shown(tmp_path: Path, lines: str, says: str) -> None:
    """Where, what, and what to do."""
    (tmp_path / "jwo.toml").write_text(BASE + lines)
    with pytest.raises(UserError) as told:
        read_settings(tmp_path)
    text = " ".join(map(str, told.value.findings))
    assert says in text
    assert "hunter2" not in text


def _weights(at_ns: int) -> Received:
    first = GIVEN[0]
    assert isinstance(first, WeightBatch)
    body = replace(first, end_ns=at_ns)
    return Received(device_id="g1", boot="b", seq=0, body=body)


def test_a_broker_that_carries_doors_only_may_be_silent() -> None:
    """Nobody enters for an hour: the connection is there, and the store opens; when it is gone, it says so itself."""
    source, book = MqttSource(Broker(host="broker"), store_id="shop"), HealthBook(Needed(well=("door",)))
    state = SourceState(
        source.name, source.kind, source.critical, source.patience_s, connected=True, heard_s=100.0, given=2
    )
    assert book.look([state], now_ns=3700 * NS_PER_S, monotonic_s=3700.0) == []
    assert book.failing([state]) == ()
    for gone in source._given_by(BrokerState(connected=False, problem="no answer")):
        if isinstance(gone, Trouble):
            book.told(gone)
    assert book.failing([state]) == ("broker: gap, no answer",)


def test_what_was_kept_of_a_night_is_left_out_and_a_slow_clock_is_not() -> None:
    """A run begins anew: hours of the past are no business of its own, told once; whose clock is behind is heard."""
    source = MqttSource(Broker(host="broker"), store_id="shop")
    source.begin(since_ns=AT, resumed=False)
    source._given_by(BrokerState(connected=True))
    assert [type(one) for one in source._given_by(_weights(AT - 1))] == [Trouble, Trouble]
    assert source._given_by(_weights(AT - 1)) == []
    assert [type(one) for one in source._given_by(_weights(AT + 1))] == [WeightBatch]
    fire = GateState(at_ns=AT - 1, gate_id="in", state="released", reason="fire")
    assert len(source._given_by(Received(device_id="in", boot="b", seq=0, body=fire))) == 1
    source._old_until_s = time.monotonic()
    assert [type(one) for one in source._given_by(_weights(AT - 1))] == [WeightBatch]


def test_after_a_break_the_store_is_told_that_the_past_comes_and_when_it_has_come() -> None:
    """Both scales have come up to the present: no longer; a device that died is not waited for."""
    source = MqttSource(Broker(host="broker"), store_id="shop")
    source.inbox._heard_s = dict.fromkeys(("g1", "g2"), time.monotonic())
    gone = source._given_by(BrokerState(connected=False))
    back = source._given_by(BrokerState(connected=True))
    assert [one.seconds for one in (*gone, *back) if isinstance(one, Behind)] == [15.0, 6.0]
    source._settled_s = 0.0
    assert not [one for one in source._given_by(_weights(time.time_ns() - 9 * NS_PER_S)) if isinstance(one, Behind)]
    assert not [one for one in source._given_by(_weights(time.time_ns())) if isinstance(one, Behind)]
    died = source._given_by(DeviceState(device_id="g2", online=False))
    assert [one.seconds for one in died if isinstance(one, Behind)] == [0.0]


def test_a_store_knows_which_names_are_made_up_anew_of_pictures() -> None:
    """Those of its own floor; nobody's where there is no floor of cameras."""
    broker = Broker(host="broker")
    eyes = [Fusion(KIOSK, names="p7-"), Fusion(replace(KIOSK, cameras=()), names="p7-"), None]
    assert [MqttSource(broker, store_id="shop", fusion=one).names for one in eyes] == ["p7-", "", ""]


def test_a_device_whose_clock_is_behind_is_awaited_once_a_connection() -> None:
    """It is born again and again, and another one is behind, too: the store is not kept waiting for either."""
    source = MqttSource(Broker(host="broker"), store_id="shop")
    source.begin(since_ns=0, resumed=True)
    source._given_by(BrokerState(connected=True))

    def said() -> list[float]:
        hour = 3600 * NS_PER_S
        late = [replace(_weights(time.time_ns() - hour), device_id=name) for name in ("g1", "g2")]
        items = (*late, DeviceState(device_id="g1", online=True), late[0])
        return [one.seconds for item in items for one in source._given_by(item) if isinstance(one, Behind)]

    assert said() == [6.0, 6.0]
    assert [said() for _ in range(20)] == [[]] * 20
    source._given_by(BrokerState(connected=False))
    source._given_by(BrokerState(connected=True))
    assert said() == [6.0, 6.0]


def test_a_device_that_is_born_with_a_past_is_awaited() -> None:
    """Its birth says nothing of what it kept: the wait ends when it has come up to the present."""
    source = MqttSource(Broker(host="broker"), store_id="shop")
    source.inbox._heard_s = {"g1": time.monotonic()}
    source._given_by(BrokerState(connected=False))
    source._given_by(BrokerState(connected=True))
    source._settled_s = 0.0
    past = (DeviceState(device_id="g1", online=True), _weights(time.time_ns() - 9 * NS_PER_S))
    assert not [one for item in past for one in source._given_by(item) if isinstance(one, Behind)]
    present = source._given_by(_weights(time.time_ns()))
    assert [one.seconds for one in present if isinstance(one, Behind)] == [0.0]


def test_a_device_is_told_safe_what_was_taken_and_is_old_enough() -> None:
    """Neither what still waits in the store, nor what the front end may need again."""
    source = MqttSource(Broker(host="broker"), store_id="shop")
    for seq in range(5):
        source._keep(replace(_weights(AT + seq), seq=seq), seq + 1)
    source.safe(taken=3, until_ns=AT + 10)
    assert source.inbox._handled == {"g1": ("b", 2)}
    source.safe(taken=5, until_ns=AT + 3)
    assert source.inbox._handled == {"g1": ("b", 3)}
    source._keep(Missing(device_id="g1", boot="b", first_seq=5, count=2), 5)
    source.safe(taken=5, until_ns=AT + 10)
    assert source.inbox._handled == {"g1": ("b", 6)}


def test_a_door_that_was_away_does_not_open_for_somebody_who_has_gone() -> None:
    """The broker keeps a command while its door is away; it says until when it is good. Without a broker it is told."""

    async def story() -> tuple[bool, list[dict[str, object]], list[Item]]:
        heard: list[dict[str, object]] = []
        async with loopback_broker() as broker, asyncio.timeout(20):
            inbox, items = Inbox(broker, store_id="shop"), list[Item]()

            async def listen() -> None:
                async for item in inbox.items():
                    items.append(item)

            nobody = await inbox.command("in", {"open": True})
            door = Publisher(broker, store_id="shop", device_id="in", boot="b", on_command=heard.append)
            tasks = [asyncio.create_task(one) for one in (inbox.run(), listen(), door.run())]
            while not door.connected or not any(isinstance(item, DeviceState) for item in items):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            now_ns = time.time_ns()
            await inbox.command("in", {"open": True, "account": "late", "until_ns": now_ns - NS_PER_S})
            await inbox.command("in", {"open": True, "account": "in time", "until_ns": now_ns + 5 * NS_PER_S})
            while not heard:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return nobody, heard, items

    nobody, heard, items = asyncio.run(story())
    assert not nobody
    assert Unsaid(device_id="in") in items
    assert [command["account"] for command in heard] == ["in time"]


def test_an_edge_machine_whose_clock_is_off_is_told() -> None:
    """A second and a half behind: each of its cameras is; not so where looking at pictures takes a second."""
    off_ns, slow_ns = 3 * NS_PER_S // 2, NS_PER_S

    async def story() -> list[Inlet]:
        heard: list[Inlet] = []
        async with loopback_broker() as broker, asyncio.timeout(20):
            publisher = Publisher(broker, store_id="shop", device_id="kitchen", boot="b")
            sending = asyncio.create_task(publisher.run())

            async def film() -> None:
                nobody = Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))
                while True:
                    now_ns = time.time_ns()
                    for name, sent_ns in (("c1", now_ns - off_ns), ("c2", now_ns)):
                        seen = CameraSaw(at_ns=sent_ns - slow_ns, camera_id=name, found=nobody, sent_ns=sent_ns)
                        publisher.offer(seen)
                    await asyncio.sleep(0.1)

            filming = asyncio.create_task(film())
            async for inlet in MqttSource(broker, store_id="shop", fusion=Fusion(KIOSK)).stream():
                heard.append(inlet)
                if isinstance(inlet, Trouble) and inlet.kind is FaultKind.CLOCK:
                    break
            filming.cancel()
            sending.cancel()
            await asyncio.gather(filming, sending, return_exceptions=True)
        return heard

    heard = asyncio.run(story())
    clocks = [one.device_id for one in heard if isinstance(one, Trouble) and one.kind is FaultKind.CLOCK]
    assert clocks == ["c1"]
    assert {one.camera_id for one in heard if isinstance(one, CameraSaw)} == {"c1", "c2"}
