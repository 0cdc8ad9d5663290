"""What a run does again and again beside its selling, as a source: what goes wrong with it is trouble, told and over.

So nothing of a run ends without a word. Trouble that a chore knows it gives back; what nobody thought of ends its
stream, which is told by the error's name, and begun again (`supervise`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from jwo_cli.drive.accounts import entry_keys
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.layouts.settings import Settings
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.shop.gatekeeper import Gatekeeper

KEYS_S = 0.5  # the key for entry codes is read this often: it may be rotated while the store runs


class Chore:
    """`work` is done every so many seconds, and says why it could not be done; empty where it was."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[str]],
        *,
        every_s: float,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name, self.kind, self.critical, self.patience_s = name, name, False, float("inf")
        self._work, self._every_s, self._now_ns = work, every_s, now_ns

    async def stream(self) -> AsyncGenerator[Inlet]:
        """Word of each change; at the beginning, that all is well or not."""
        told: bool | None = None
        while True:
            trouble = await self._work()
            if bool(trouble) is not told:
                told = bool(trouble)
                yield Trouble(
                    at_ns=self._now_ns(), device_id=self.name, kind=FaultKind.STALLED, over=not told, note=trouble
                )
            await asyncio.sleep(self._every_s)


def follow_keys(settings: Settings, gatekeeper: Gatekeeper) -> Chore:
    """Takes up keys for entry codes that are rotated; with a key that cannot be read the known ones stay."""

    async def read() -> str:
        try:
            gatekeeper.keys = entry_keys(settings)
        except UserError as error:
            return f"{error.problem}; codes are good by the key of before"
        return ""

    return Chore("entry keys", read, every_s=KEYS_S)
