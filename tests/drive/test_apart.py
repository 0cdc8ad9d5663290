"""A source in a process of its own gives what it would give here, and its death is a failure like any other."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator

import pytest

from jwo_cli.drive.apart import ApartSource
from jwo_cli.drive.sources import Inlet, Source
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from tests.drive import scene


class Three:
    """Three ticks, and the end that its store's name asks for."""

    name, kind, critical, patience_s = "three", "test", False, 5.0

    def __init__(self, store: Store) -> None:
        self.end = store.name

    async def stream(self) -> AsyncIterator[Inlet]:
        for number in range(3):
            yield ClockTick(at_ns=number)
        if self.end == "silent":
            await asyncio.Event().wait()
        if self.end == "broken":
            raise ValueError("rtsp://user:secret@camera")


def three(store: Store) -> Source:
    return Three(store)


def given(name: str, *, kill: bool = False) -> tuple[list[Inlet], str]:
    """What comes from the other process, and how it ended."""
    from dataclasses import replace

    store = replace(scene.store(), name=name)
    source = ApartSource(store, three, name="three", kind="test", critical=False, patience_s=5.0)
    kept: list[Inlet] = []

    async def main() -> str:
        try:
            async for inlet in source.stream():
                kept.append(inlet)
                if kill and len(kept) == 3:
                    (child,) = multiprocessing.active_children()
                    assert child.pid is not None
                    os.kill(child.pid, signal.SIGKILL)
        except UserError as error:
            return error.problem
        return ""

    return kept, asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "ended"), [("whole", "its stream ended"), ("broken", "ValueError"), ("silent", "its process ended")]
)
def test_what_it_gives_comes_and_its_end_is_told(name: str, ended: str) -> None:
    """All three ticks in order; an end, an error (by its name: no secret), and a kill are failures of the source."""
    kept, problem = given(name, kill=name == "silent")
    assert kept == [ClockTick(at_ns=number) for number in range(3)]
    assert problem == ended
    assert not multiprocessing.active_children()
