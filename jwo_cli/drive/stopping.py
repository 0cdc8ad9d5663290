"""How a run ends: told to, at its time, with the end of what is played, or because nobody carries its money any more.

The first SIGINT closes the store as staff would: nobody comes in, who is inside finishes. A second one, or SIGTERM,
stops at once; who is inside then is still inside when the next run begins. Whoever is inside when what is played is
over will never leave: they are settled for a person to look at.
"""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.sources import ListSource, Source, Trouble
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.staffing import Mode, ModeChanged

PLAYED_S = 1.0  # what is played is looked at for so long after its end
LEFT_S = 15.0  # and whoever left by then is told so much later at the most


class Carrier(Protocol):
    """Whoever carries what the journal holds to somebody else, until `stop`."""

    name: str

    async def run(self, stop: asyncio.Event) -> None:
        """Carry; errors that are to be expected are its own business."""


@dataclass(slots=True)
class _Wish:
    """That the run ends in order, and why."""

    told: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = "told to stop"

    def close(self, reason: str) -> None:
        if not self.told.is_set():
            self.reason = reason
        self.told.set()


async def until_stopped(
    live: LiveStore, carriers: Sequence[Carrier], *, seconds: float | None = None, played: Sequence[Source] = ()
) -> None:
    """Run beside the carriers until signals, time or the end of what is played say to stop.

    Raises UserError, once the store is closed, where a carrier died: what it left is in the journal for the next start.
    """
    stop, wish = asyncio.Event(), _Wish()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        if wish.told.is_set() or live.live.mode is Mode.DOWN:
            stop.set()
        wish.close("told to stop")

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(_close(live, wish, stop)), asyncio.create_task(_enough(wish, seconds))]
    if played:
        tasks.append(asyncio.create_task(_played(live, wish, stop, played)))
    for task in tasks:  # without them nobody would end the run in order
        task.add_done_callback(lambda done: None if done.cancelled() or done.exception() is None else stop.set())
    carrying = [asyncio.create_task(_carry(live, carrier, stop, wish)) for carrier in carriers]
    try:
        await live.run(stop)
    finally:
        stop.set()
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, *carrying, return_exceptions=True)
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
    for end in ends:
        if isinstance(end, Exception):  # who was cancelled had nothing more to do
            raise end


async def _carry(live: LiveStore, carrier: Carrier, stop: asyncio.Event, wish: _Wish) -> None:
    """Carry until `stop`. A carrier that dies closes the store: it would go on selling, and nobody would be charged."""
    try:
        await carrier.run(stop)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        # Never the error's own text, which may hold an address or a key.
        note = f"{type(error).__name__} in {place.filename.rpartition('/')[-1]}:{place.lineno}"
        if not stop.is_set():
            for fault in live.health.told(
                Trouble(at_ns=time.time_ns(), device_id=carrier.name, kind=FaultKind.DEAD, note=note)
            ):
                live.note(fault)
            wish.close(f"{carrier.name} are carried no longer")
        raise UserError(
            f"{carrier.name} were carried no longer: {note}",
            fix="Start the store again: what is open is in the journal, and is carried then. Please report this error.",
            exit_code=3,
        ) from error


async def _close(live: LiveStore, wish: _Wish, stop: asyncio.Event) -> None:
    """When it is wanted: let nobody in, wait until everybody has left, stop."""
    await wish.told.wait()
    if stop.is_set():  # it ends already: what is noted now would be in no recording
        return
    live.caretaker.stopping = True
    if live.live.mode is not Mode.DOWN:
        live.note(ModeChanged(at_ns=time.time_ns(), mode=Mode.DRAINING, staff="run", reason=wish.reason))
    await live.down.wait()
    stop.set()


async def _enough(wish: _Wish, seconds: float | None) -> None:
    """So many seconds close the store."""
    if seconds is not None:
        await asyncio.sleep(seconds)
        wish.close("told to stop")


async def _played(live: LiveStore, wish: _Wish, stop: asyncio.Event, played: Sequence[Source]) -> None:
    """The end of what is played closes the store over whoever is inside: nothing will be heard of them any more."""
    await asyncio.gather(*(source.done.wait() for source in played if isinstance(source, ListSource)))
    await asyncio.sleep(PLAYED_S)
    live.settles = True
    wish.close("told to stop")
    with suppress(TimeoutError):
        await asyncio.wait_for(live.down.wait(), LEFT_S)
    stop.set()
