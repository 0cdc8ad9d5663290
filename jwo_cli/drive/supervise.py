"""Keeps sources flowing: a stream that fails is begun again after a pause that doubles, and each turn is told.

Nothing a device does may stop the store; what is unexpected is told as trouble of that source, by the name of the error
alone where its text may hold an address with a password. Whoever takes what a source gives may keep it waiting (`put`):
then nothing more is asked of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from jwo_cli.drive.sources import Inlet, Source
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.cancelled import unless_cancelled

FIRST_S, LONGEST_S = 0.5, 8.0  # with what a connection takes itself, back within fifteen seconds


@dataclass(frozen=True, slots=True)
class Arrived:
    """Something that a source gave, and when it came (the monotonic clock, ns)."""

    source: str
    what: Inlet
    arrived_ns: int


@dataclass(slots=True)
class SourceState:
    """How a source is doing, for the health book and for people."""

    name: str
    kind: str
    critical: bool
    patience_s: float
    connected: bool = False
    problem: str = ""
    heard_s: float = 0.0  # when it last gave anything, monotonic
    given: int = 0
    failures: int = 0


async def keep_running(work: Callable[[], Awaitable[None]], told: Callable[[str], None]) -> None:
    """Do what has no end; where it ends all the same, that is told, and it is begun again. Cancel to stop."""
    wait_s = FIRST_S
    while True:
        try:
            await work()
            told("it ended")
        except Exception as error:  # noqa: BLE001 - whatever it was, it must not end without a word
            told(type(error).__name__)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_S)


async def keep_flowing(
    source: Source,
    state: SourceState,
    put: Callable[[Arrived], Awaitable[None]],
    *,
    jitter: random.Random | None = None,
) -> None:
    """Read a source for ever; cancel to stop."""
    spread = jitter or random.Random()  # noqa: S311 - spreads connections, protects nothing
    wait_s = FIRST_S
    state.heard_s = time.monotonic()
    while True:
        given = state.given
        try:
            async with aclosing(source.stream()) as stream:  # left in the middle, it ends at once
                async for inlet in stream:
                    state.connected, state.problem = True, ""
                    state.heard_s = time.monotonic()
                    state.given += 1
                    await put(Arrived(source.name, inlet, time.monotonic_ns()))
                    state.heard_s = time.monotonic()  # who was kept waiting was not silent
                    await asyncio.sleep(0)  # a source that always has something does not keep the others from speaking
            problem = "its stream ended"
        except asyncio.CancelledError:
            raise
        except UserError as error:
            problem = error.problem
        except Exception as error:  # noqa: BLE001 - a device's fault must not end the store
            problem = type(error).__name__
        unless_cancelled()  # its end may have failed, and that was raised instead
        state.connected, state.problem = False, problem
        state.failures += 1
        wait_s = FIRST_S if state.given > given else min(wait_s * 2, LONGEST_S)
        await asyncio.sleep(wait_s * spread.uniform(0.8, 1.2))
