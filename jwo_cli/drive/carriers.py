"""Whoever carries money and receipts out, as a source of the running store: what does not get through is trouble.

It is journalled, shown and told over like a device's: in the live view, by `jwo store status`, in the recording.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.model.observations import FaultKind

LOOK_S = 1.0


class Carrier(Protocol):
    """Carries something out of the journal."""

    @property
    def trouble(self) -> str:
        """Why it does not get through, for people; empty while it does."""


class CarrierSource:
    """One carrier's troubles, as they begin and end. It is none that a store could not open without."""

    def __init__(
        self, name: str, carrier: Carrier, *, look_s: float = LOOK_S, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.name, self.kind, self.critical, self.patience_s = name, name, False, float("inf")
        self._carrier, self._look_s, self._now_ns = carrier, look_s, now_ns

    async def stream(self) -> AsyncIterator[Inlet]:
        """Word of each change; at the beginning, that all is well or not."""
        told: bool | None = None
        while True:
            trouble = self._carrier.trouble
            if bool(trouble) is not told:
                told = bool(trouble)
                yield Trouble(
                    at_ns=self._now_ns(), device_id=self.name, kind=FaultKind.STALLED, over=not told, note=trouble
                )
            await asyncio.sleep(self._look_s)
