"""Troubles of devices that an edge machine looks after, on their way to the store.

The machine tells when one begins and when it is over, and from time to time what is not over, so that a store that
began meanwhile knows it, too. A machine that began anew starts with a clean sheet: what it had told before is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from jwo_cli.drive.clean_sheet import CleanSheet
from jwo_cli.drive.health import HealthBook
from jwo_cli.drive.sources import Trouble
from jwo_cli.drive.supervise import SourceState
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.client import Publisher
from jwo_cli.sensors.mqtt.wire import DeviceTrouble

LOOK_S = 0.5
AGAIN_S = 10.0
PATIENCE_S = 2.0


class EdgeTroubles:
    """The machine's end: its devices' own word, and what is seen of their connections."""

    def __init__(self, publisher: Publisher, say: Callable[[str], None]) -> None:
        self._publisher, self._say, self._book = publisher, say, HealthBook()
        self._there_s, self._gone = time.monotonic(), False

    def told(self, trouble: Trouble) -> None:
        """A source says what is wrong with one of its devices, or no longer.

        That one is well that never was ill is no news here; to the store it says who looks after it.
        """
        if self._book.told(trouble):
            self._tell(trouble.device_id, trouble.kind, trouble.at_ns, over=trouble.over, note=trouble.note)
        elif trouble.over:
            self._offer(trouble.device_id, trouble.kind, trouble.at_ns, over=True, note=trouble.note)

    async def watch(self, states: Sequence[SourceState]) -> None:
        """Look at the sources' connections until cancelled; they are named after the machine."""
        ours = {state.name: f"{self._publisher.device_id}: {state.name}" for state in states}
        said_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            self._broker(now_s)
            for fault in self._book.look(states, now_ns=time.time_ns(), monotonic_s=now_s):
                over = fault.until_ns > fault.at_ns
                at_ns = fault.until_ns if over else fault.at_ns
                self._tell(ours.get(fault.device_id, fault.device_id), fault.kind, at_ns, over=over, note=fault.note)
            if now_s - said_s >= AGAIN_S:
                said_s = now_s
                for ill in self._book.ill.values():
                    self._offer(ours.get(ill.device_id, ill.device_id), ill.kind, ill.since_ns, note=ill.note)
            await asyncio.sleep(LOOK_S)

    def _broker(self, now_s: float) -> None:
        """Say that the broker is gone, after a moment in which it may come back, and that it is there again."""
        if self._publisher.connected:
            if self._gone:
                self._say("the broker is there")
            self._gone, self._there_s = False, now_s
        elif not self._gone and now_s - self._there_s >= PATIENCE_S:
            self._gone = True
            self._say("the broker cannot be reached; what is measured is kept and sent when it is there")

    def _tell(self, device_id: str, kind: FaultKind, at_ns: int, *, over: bool, note: str) -> None:
        self._offer(device_id, kind, at_ns, over=over, note=note)
        self._say(f"{device_id}: {kind.value} is over" if over else f"{device_id}: {kind.value}{note and f', {note}'}")

    def _offer(self, device_id: str, kind: FaultKind, at_ns: int, *, over: bool = False, note: str = "") -> None:
        self._publisher.offer(DeviceTrouble(at_ns=at_ns, device_id=device_id, kind=kind, over=over, note=note))


class ToldByEdges:
    """The store's end: what each machine told since it began."""

    def __init__(self) -> None:
        self._boots: dict[str, str] = {}
        self._sheets: dict[str, CleanSheet] = {}

    def began(self, machine: str, boot: str) -> Iterable[Trouble]:
        """A machine speaks in this run of its own; what it told in another one is over."""
        if not boot or self._boots.get(machine, boot) == boot:
            self._boots.setdefault(machine, boot)
            return ()
        self._boots[machine] = boot
        sheet = self._sheets.setdefault(machine, CleanSheet())
        sheet.anew()
        return sheet.over()

    def told(self, machine: str, body: DeviceTrouble) -> Trouble:
        """What a machine says of a device; its clock may be ahead of ours."""
        at_ns = min(body.at_ns, time.time_ns())
        trouble = Trouble(at_ns=at_ns, device_id=body.device_id, kind=body.kind, over=body.over, note=body.note)
        self._sheets.setdefault(machine, CleanSheet()).told(trouble)
        return trouble
