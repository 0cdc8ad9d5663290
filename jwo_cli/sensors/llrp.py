"""RFID readers over LLRP: tag reads with the reader's own times, for as long as one listens.

A reader that goes away is retried with back-off; that it is away is told, because its evidence is then missing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from llrpkit import LLRPError, Reader, TagReport

from jwo_cli.estimate.signals import TagRead

PORT = 5084
BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
# RSSI where a reader tells none: the weakest that readers decode.
NO_RSSI_DBM = -80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderState:
    """The connection to a reader came up or went down."""

    reader_id: str
    connected: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAddress:
    """A reader on the network and what its antenna ports are called in the layout (port -> antenna id).

    `session` is the Gen2 session: 1 lets a tag rest for up to five seconds after a read, which keeps hundreds of tags
    apart; 0 reads each as often as it can. `power_dbm` None is the reader's own setting.
    """

    reader_id: str
    host: str
    antennas: Mapping[int, str]
    port: int = PORT
    session: int = 1
    power_dbm: float | None = None


async def tag_reads(address: ReaderAddress) -> AsyncGenerator[TagRead | ReaderState]:
    """Everything that a reader reads at the antennas that the layout knows, until the generator is closed."""
    logging.getLogger("llrpkit").setLevel(logging.ERROR)
    tries = 0
    while True:
        try:
            async with Reader(address.host, address.port) as reader:
                tries = 0
                yield ReaderState(reader_id=address.reader_id, connected=True)
                async with aclosing(
                    reader.inventory(
                        antennas=sorted(address.antennas),
                        session=address.session,
                        tx_power_dbm=address.power_dbm,
                        include_phase=reader.is_impinj,
                    )
                ) as reports:
                    async for report in reports:
                        read = _read(report, address.antennas)
                        if read is not None:
                            yield read
            problem = "the reader ended the inventory"
        except (LLRPError, OSError, TimeoutError) as error:
            problem = f"{type(error).__name__}: {error}"
        if not tries:
            yield ReaderState(reader_id=address.reader_id, connected=False, problem=problem)
        await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
        tries += 1


def _read(report: TagReport, antennas: Mapping[int, str]) -> TagRead | None:
    antenna = antennas.get(report.antenna or 0)
    if antenna is None:
        return None
    seen_us = report.last_seen_us or report.first_seen_us
    phase = report.phase_deg
    return TagRead(
        at_ns=time.time_ns() if seen_us is None else seen_us * 1_000,
        antenna_id=antenna,
        tag_id=report.epc_hex,
        rssi_dbm=NO_RSSI_DBM if report.rssi_dbm is None else report.rssi_dbm,
        phase_rad=None if phase is None else math.radians(phase) % (2 * math.pi),
    )
