"""What a run does beside its selling never ends without a word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from jwo_cli.drive.chores import Chore
from jwo_cli.drive.live import LiveStore
from jwo_cli.journal import Intake
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from tests.drive.counter import STORE


def test_what_a_chore_does_not_expect_is_told_and_it_goes_on(tmp_path: Path) -> None:
    """The third time it meets what nobody thought of: the journal says so by the error's name, and that it is over."""
    done = 0

    async def work() -> str:
        nonlocal done
        done += 1
        if done == 3:
            raise AttributeError("a secret")
        return ""

    begun, over = asyncio.run(troubles_of(work, tmp_path))
    assert (begun.device_id, begun.kind, begun.note) == ("old video", FaultKind.GAP, "AttributeError")
    assert over.until_ns > over.at_ns == begun.at_ns
    assert done > 3


def test_a_trouble_that_no_journal_can_hold_does_not_end_the_store(tmp_path: Path) -> None:
    """A file's name that is no text, a provider's half of a character: told with what cannot be said written out."""
    troubles = iter(["not deleted: \udcff.mp4: Is a directory", "a \ud800"])

    async def work() -> str:
        return next(troubles, "")

    begun, over = asyncio.run(troubles_of(work, tmp_path))
    assert begun.note == "not deleted: \\udcff.mp4: Is a directory"
    assert over.until_ns > over.at_ns == begun.at_ns


async def troubles_of(work: Callable[[], Awaitable[str]], journal: Path) -> list[DeviceFaulted]:
    """The first two faults of a run that has this chore."""
    with Intake.open(journal, store_id=STORE.store_id, layout_version=STORE.version) as intake:
        run = LiveStore(STORE, intake, sources=[Chore("old video", work, every_s=0.1)], recording=None)
        stop = asyncio.Event()
        running = asyncio.create_task(run.run(stop))
        end_s, found = time.monotonic() + 15.0, list[DeviceFaulted]()
        while len(found) < 2 and not running.done() and time.monotonic() < end_s:
            await asyncio.sleep(0.1)
            found = [fault for _, fault in intake.observed([DeviceFaulted])]
        stop.set()
        await running
        return found
