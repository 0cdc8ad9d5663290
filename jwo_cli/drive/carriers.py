"""Whoever carries money and receipts out, as a source of the running store: what does not get through is trouble.

It is journalled, shown and told over like a device's: in the live view, by `jwo store status`, in the recording.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from jwo_cli.drive.chores import Chore

LOOK_S = 1.0


class Carrier(Protocol):
    """Carries something out of the journal."""

    @property
    def trouble(self) -> str:
        """Why it does not get through, for people; empty while it does."""


class CarrierSource(Chore):
    """One carrier's troubles, as they begin and end. It is none that a store could not open without."""

    def __init__(
        self, name: str, carrier: Carrier, *, look_s: float = LOOK_S, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        async def look() -> str:
            return carrier.trouble

        super().__init__(name, look, every_s=look_s, now_ns=now_ns)
