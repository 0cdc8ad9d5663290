"""RFID over LLRP, against an emulated reader on a socket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

pytest.importorskip("llrpkit")

from llrpkit.emulator.core import EmulatedTag, LLRPEmulator

from jwo_cli.estimate.signals import TagRead
from jwo_cli.sensors.llrp import ReaderAddress, ReaderState, tag_reads

MILK = bytes.fromhex("302dad00000000000000000a")
BREAD = bytes.fromhex("302dad00000000000000000b")
TAGS = [EmulatedTag(epc=MILK, antennas=(1,), rssi_dbm=-50.0), EmulatedTag(epc=BREAD, antennas=(2, 3), rssi_dbm=-60.0)]


def address(port: int) -> ReaderAddress:
    return ReaderAddress(reader_id="r1", host="127.0.0.1", port=port, antennas={1: "door", 2: "shelf"})


async def _take(port: int, reads: int) -> list[TagRead | ReaderState]:
    got: list[TagRead | ReaderState] = []
    async with asyncio.timeout(20), aclosing(tag_reads(address(port))) as stream:
        async for item in stream:
            got.append(item)
            if sum(isinstance(one, TagRead) for one in got) >= reads:
                break
    return got


def test_tags_are_read_at_the_antennas_that_the_layout_knows() -> None:
    """With its names for them, strength, phase and the reader's times; other ports are left out."""

    async def story() -> list[TagRead | ReaderState]:
        async with LLRPEmulator(tags=TAGS) as reader:
            return await _take(reader.port, 60)

    items = asyncio.run(story())
    assert items[0] == ReaderState(reader_id="r1", connected=True)
    reads = [item for item in items if isinstance(item, TagRead)]
    assert {(read.tag_id, read.antenna_id) for read in reads} == {(MILK.hex(), "door"), (BREAD.hex(), "shelf")}
    milk = [read for read in reads if read.tag_id == MILK.hex()]
    assert -54 < sum(read.rssi_dbm for read in milk) / len(milk) < -46
    assert all(read.phase_rad is not None and 0 <= read.phase_rad < 6.2832 for read in reads)
    assert [read.at_ns for read in reads] == sorted(read.at_ns for read in reads)


def test_a_reader_that_goes_away_is_told_and_found_again() -> None:
    """On the same address, within seconds."""

    async def story() -> list[TagRead | ReaderState]:
        first = LLRPEmulator(tags=TAGS)
        await first.start()
        got: list[TagRead | ReaderState] = []
        again: LLRPEmulator | None = None
        async with asyncio.timeout(30), aclosing(tag_reads(address(first.port))) as stream:
            async for item in stream:
                got.append(item)
                if again is None and sum(isinstance(one, TagRead) for one in got) == 10:
                    await first.stop()
                    again = LLRPEmulator(tags=TAGS, port=first.port)
                elif again is not None and isinstance(item, ReaderState) and not item.connected:
                    await again.start()
                elif again is not None and isinstance(item, TagRead) and isinstance(got[-2], TagRead):
                    break
        assert again is not None
        await again.stop()
        return got

    states = [item.connected for item in asyncio.run(story()) if isinstance(item, ReaderState)]
    assert states == [True, False, True]
