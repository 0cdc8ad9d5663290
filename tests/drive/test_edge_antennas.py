"""Antennas whose readers hang on edge machines are missed while their machine is away, and not before it is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("amqtt")

from jwo_cli.drive.edge import MqttSource, run_edge
from jwo_cli.drive.edge_antennas import BROUGHT, EdgeAntennas
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.signals import TagRead
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.inbox import DeviceState, Item, Received
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.sensors.mqtt.wire import DeviceTrouble
from tests.drive.counter import Shop
from tests.drive.test_live_unread import BEGINS_S, SHIRTS, WATER, ends, plays, store, told

AT = 1_700_000_000_000_000_000
DEAD, GAP = FaultKind.DEAD, FaultKind.GAP


def read(machine: str, antenna: str = "rail") -> Received:
    """A machine brings what an antenna read."""
    body = TagRead(at_ns=AT, antenna_id=antenna, tag_id=SHIRTS[0], rssi_dbm=-55.0)
    return Received(device_id=machine, boot="b", seq=0, body=body)


def word(machine: str, *, over: bool) -> Received:
    """A machine says that the rail's reader is away, or there."""
    body = DeviceTrouble(at_ns=AT, device_id="rail", kind=DEAD, over=over, note="its reader is away")
    return Received(device_id=machine, boot="b", seq=0, body=body)


def there(machine: str, *, online: bool = True) -> DeviceState:
    """A machine's birth, or its last will."""
    return DeviceState(device_id=machine, online=online, boot="b")


def source(journal: Path | None = None) -> MqttSource:
    """The broker of a shop whose rail no reader on its own network has."""
    return MqttSource(Broker(host="broker"), store_id="shop", antennas=EdgeAntennas(["rail"], journal))


def known(journal: Path) -> None:
    """A run in which the rail was brought by a machine."""
    journal.mkdir(exist_ok=True)
    source(journal)._given_by(read("edge1"))


def rails(given: list[Inlet]) -> list[tuple[FaultKind, bool]]:
    """What is told of the rail."""
    return [(one.kind, one.over) for one in given if isinstance(one, Trouble) and one.device_id == "rail"]


def gives(shop: Shop, given: Sequence[Inlet]) -> None:
    """A shop is given what its broker tells, by the clock of the play."""
    for one in given:
        shop.give(replace(one, at_ns=shop.clock()) if isinstance(one, Trouble) else one)


def begins(shop: Shop, broker: MqttSource, *items: Item) -> None:
    """A run begins at a broker, and what it hears there first."""
    gives(shop, broker._antennas.began())
    for item in items:
        gives(shop, broker._given_by(item))


# -- in the shop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [None, there("edge1", online=False), word("edge1", over=False), there("edge1")])
def test_who_is_near_an_antenna_whose_machine_is_away_when_the_run_begins_goes_to_a_person(
    tmp_path: Path, first: Item | None
) -> None:
    """It was brought by that machine in another run, and is not heard in this one: as with a reader of one's own."""
    known(tmp_path / "journal")
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    begins(shop, source(tmp_path / "journal"), *([] if first is None else [first]))
    plays(shop, lambda _: False)
    well = first == there("edge1")
    assert told(shop) == [("automatic", WATER, False) if well else ("review", WATER, True)]
    ends(shop)


def test_an_antenna_of_which_no_machine_ever_told_sends_nobody_to_a_person_and_shows(tmp_path: Path) -> None:
    """It may not be installed yet: whoever passes where it is to hang is nobody's business."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    begins(shop, source(tmp_path / "journal"), there("edge1"))
    plays(shop, lambda _: False)
    assert told(shop) == [("automatic", WATER, False)]
    assert "no machine ever told of it" in shop.run.health.ill["rail", GAP].note
    ends(shop)


def test_a_machine_that_goes_away_takes_its_antennas_with_it(tmp_path: Path) -> None:
    """The rail is sold out, so that it falls silent unheard; the machine is switched off while she walks in."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    broker = source(tmp_path / "journal")
    begins(shop, broker, there("edge1"), word("edge1", over=True))
    plays(shop, lambda _: False, until_s=3.0)
    gives(shop, broker._given_by(there("edge1", online=False)))
    plays(shop, lambda _: False, from_s=3.0)
    assert told(shop) == [("review", WATER, True)]
    assert "its machine edge1 is away" in shop.run.health.ill["rail", DEAD].note
    ends(shop)


# -- whose it is -------------------------------------------------------------------------------------------------------


def test_an_antenna_is_dead_until_its_machine_is_there_and_whenever_that_goes(tmp_path: Path) -> None:
    """Its first birth, or what it says; each is told once."""
    known(tmp_path)
    for first in (there("edge1"), read("edge1")):
        broker = source(tmp_path)
        assert rails(list(broker._antennas.began())) == [(DEAD, False)]
        assert rails(broker._given_by(there("edge2"))) == []
        assert rails(broker._given_by(first)) == [(DEAD, True)]
        assert rails(broker._given_by(read("edge1"))) == []
        assert rails(broker._given_by(there("edge1", online=False))) == [(DEAD, False)]
        assert rails(broker._given_by(there("edge1"))) == [(DEAD, True)]


def test_what_a_broker_kept_of_a_machine_that_is_gone_does_not_bring_it_back(tmp_path: Path) -> None:
    """Its last will is told first, and its reads after that."""
    known(tmp_path)
    broker = source(tmp_path)
    broker._antennas.began()
    assert rails(broker._given_by(there("edge1", online=False))) == []
    assert rails(broker._given_by(read("edge1"))) == []
    assert rails(broker._given_by(there("edge1"))) == [(DEAD, True)]


def test_a_reader_that_is_away_stays_so_over_its_machines_going(tmp_path: Path) -> None:
    """The machine is there again at once; that its reader was away is over when it says so, or began anew."""
    known(tmp_path)
    for over in (word("edge1", over=True), DeviceState(device_id="edge1", online=True, boot="c")):
        broker = source(tmp_path)
        broker._antennas.began()
        broker._given_by(there("edge1"))
        assert rails(broker._given_by(word("edge1", over=False))) == [(DEAD, False)]
        assert rails(broker._given_by(there("edge1", online=False))) == []
        assert rails(broker._given_by(there("edge1"))) == []
        assert rails(broker._given_by(over)) == [(DEAD, True)]


def test_an_antenna_that_another_machine_brings_while_the_first_is_away_is_that_ones(tmp_path: Path) -> None:
    """A cable is plugged in elsewhere; while both are there nothing changes hands."""
    known(tmp_path)
    broker = source(tmp_path)
    broker._antennas.began()
    assert rails(broker._given_by(read("edge2"))) == [(DEAD, True)]
    broker._given_by(there("edge1"))
    broker._given_by(read("edge1"))
    assert (tmp_path / BROUGHT).read_text() == '{"rail": "edge2"}'
    assert rails(broker._given_by(there("edge1", online=False))) == []
    assert rails(broker._given_by(there("edge2", online=False))) == [(DEAD, False)]


def test_an_antenna_that_speaks_for_itself_is_its_own_machine(tmp_path: Path) -> None:
    """Its births and last wills are told once, whoever tells them."""
    broker = source(tmp_path)
    assert rails(list(broker._antennas.began())) == [(GAP, False)]
    assert rails(broker._given_by(there("rail"))) == [(GAP, True)]
    assert rails(broker._given_by(there("rail", online=False))) == [(DEAD, False)]
    assert rails(broker._given_by(there("rail"))) == [(DEAD, True)]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"door": "edge1"}'])
def test_a_file_that_is_damaged_or_of_another_layout_tells_of_no_machine(tmp_path: Path, text: str) -> None:
    """The antenna counts as one of which nobody told yet."""
    (tmp_path / BROUGHT).write_text(text)
    assert rails(list(source(tmp_path)._antennas.began())) == [(GAP, False)]


class Sold:
    """A reader over a rail that is sold out."""

    name, kind, critical, patience_s = "r1", "rfid", False, float("inf")

    async def stream(self) -> AsyncGenerator[Inlet]:
        yield Trouble(at_ns=AT, device_id="rail", kind=DEAD, over=True)
        await asyncio.Event().wait()


def test_a_store_learns_whose_an_antenna_is_of_which_nothing_is_read(tmp_path: Path) -> None:
    """The machine says that its reader is there."""

    async def story() -> None:
        async with loopback_broker() as broker, asyncio.timeout(20):
            publisher = Publisher(broker, store_id="shop", device_id="edge1", boot="b")
            stop = asyncio.Event()
            edge = asyncio.create_task(run_edge([Sold()], publisher, stop))
            antennas = EdgeAntennas(["rail"], tmp_path)
            async for inlet in MqttSource(broker, store_id="shop", antennas=antennas).stream():
                if isinstance(inlet, Trouble) and (inlet.device_id, inlet.over) == ("rail", True):
                    break
            stop.set()
            await edge

    asyncio.run(story())
    assert rails(list(source(tmp_path)._antennas.began())) == [(DEAD, False)]


def test_an_antenna_that_moved_to_another_machine_is_missed_with_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first machine is still on: what the other one reads is proof, what it says is not."""
    now_s = [0.0]
    monkeypatch.setattr("jwo_cli.drive.edge_antennas.time.monotonic", lambda: now_s[0])
    known(tmp_path)
    broker = source(tmp_path)
    broker._antennas.began()
    for item in (there("edge1"), there("edge2"), read("edge1"), word("edge2", over=True)):
        broker._given_by(item)
    assert rails(broker._given_by(there("edge1", online=False))) == [(DEAD, False)]
    assert rails(broker._given_by(there("edge1"))) == [(DEAD, True)]
    now_s[0] = 100.0
    assert rails(broker._given_by(read("edge2"))) == []
    assert rails(broker._given_by(read("edge1"))) == []  # not to and fro with each read
    assert rails(broker._given_by(there("edge1", online=False))) == []
    assert rails(broker._given_by(there("edge2", online=False))) == [(DEAD, False)]


def test_a_machine_that_does_not_bring_an_antenna_has_no_say_about_it(tmp_path: Path) -> None:
    """A spare with the same reader in its settings says that it is away; the rail is read by the other one."""
    known(tmp_path)
    broker = source(tmp_path)
    broker._antennas.began()
    broker._given_by(read("edge1"))
    assert rails(broker._given_by(word("edge2", over=False))) == []
