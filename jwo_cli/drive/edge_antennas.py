"""Antennas whose readers hang on edge machines: missed, by name, while the machine that brings their reads is away.

A reader says when it is away, on the store's own network itself (`ReaderSource`), at an edge machine through that; but
a machine without power says nothing, and one that was off when the run began was not heard to go. So it is kept in a
file beside the journal which antenna comes by which machine, from the first word of it on: a read, or that its reader
is there. Such an antenna is dead from a run's beginning until its machine is there, and whenever that goes away.

One of which no machine ever told may not be installed yet. To ask about everybody who passes where it is to hang would
be no help to anybody: it is told as a gap, which shows in the live view and in the journal, and which is no doubt.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.signals import TagRead
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.inbox import DeviceState, Item, Received

BROUGHT = ".antennas"
MOVED_S = 60.0
_NEVER = "no machine ever told of it: what is taken there is missed by nobody"


class EdgeAntennas:
    """The layout's `antennas` that no reader on the store's own network has; `journal` is where it is kept whose.

    A disk that does not take it costs the next run the word of a machine that is away then, no more.
    """

    def __init__(self, antennas: Sequence[str] = (), journal: Path | None = None) -> None:
        self._path = None if journal is None else journal / BROUGHT
        kept = {} if self._path is None else _kept(self._path)
        self._machines = {name: kept.get(name, "") for name in antennas}
        self._here: set[str] = set()
        self._gone: set[str] = set()  # by their last will: what a broker kept of them brings none back
        self._words: dict[str, str] = {}  # antennas that their machine says are dead -> its note
        self._told: dict[str, FaultKind] = {}
        self._moved_s: dict[str, float] = {}

    def began(self) -> list[Trouble]:
        """A run begins, and nobody was heard yet."""
        return self._changes(time.time_ns())

    def of(self, item: Item, found: Sequence[Inlet]) -> list[Inlet]:
        """What an item gave; of a machine's word on an antenna, what follows from it and from all that is known."""
        if not self._machines or not isinstance(item, Received | DeviceState):
            return list(found)
        self._saw(item)
        out: list[Inlet] = []
        at_ns = time.time_ns()
        for one in found:
            if isinstance(one, TagRead) and one.antenna_id in self._machines:
                self._brought(one.antenna_id, item.device_id, read=True)
            if not (isinstance(one, Trouble) and one.kind is FaultKind.DEAD and one.device_id in self._machines):
                out.append(one)
                continue
            self._brought(one.device_id, item.device_id)
            if self._machines[one.device_id] != item.device_id:
                continue  # a spare, or settings that were left behind: it has no say
            self._words.pop(one.device_id, None)
            if not one.over:
                self._words[one.device_id] = one.note
                at_ns = min(at_ns, one.at_ns)
        return [*self._changes(at_ns), *out]

    def _saw(self, item: Received | DeviceState) -> None:
        """Whether a machine is there: by its births and last wills; one that has none is there when it speaks."""
        machine = item.device_id
        if isinstance(item, DeviceState) and not item.online:
            self._here.discard(machine)
            self._gone.add(machine)
        elif isinstance(item, DeviceState) or machine not in self._gone:
            self._gone.discard(machine)
            self._here.add(machine)

    def _brought(self, name: str, machine: str, *, read: bool = False) -> None:
        """An antenna comes by a machine, until another one reads it, or has a word of it while the first is away.

        Were both to read it, it would change hands each minute: nobody writes a file more often than that.
        """
        known, now_s = self._machines[name], time.monotonic()
        moved = read and machine in self._here and now_s - self._moved_s.get(name, -math.inf) >= MOVED_S
        if known == machine or (known in self._here and not moved):
            return
        self._moved_s[name] = now_s
        self._machines[name] = machine
        self._words.pop(name, None)
        if self._path is not None:
            aside = self._path.with_suffix(".partial")
            with contextlib.suppress(OSError):
                aside.write_text(json.dumps({name: known for name, known in self._machines.items() if known}))
                aside.replace(self._path)

    def _changes(self, at_ns: int) -> list[Trouble]:
        """What begins, or is over, since the last time."""
        out = []
        for name in self._machines:
            kind, note = self._ails(name)
            before = self._told.get(name)
            if kind is before:
                continue
            if before is not None:
                out.append(Trouble(at_ns=at_ns, device_id=name, kind=before, over=True))
                del self._told[name]
            if kind is not None:
                out.append(Trouble(at_ns=at_ns, device_id=name, kind=kind, note=note))
                self._told[name] = kind
        return out

    def _ails(self, name: str) -> tuple[FaultKind | None, str]:
        """What is wrong with an antenna, and why."""
        machine = self._machines[name]
        if not machine:
            return FaultKind.GAP, _NEVER
        if name in self._words:
            return FaultKind.DEAD, self._words[name]
        return (None, "") if machine in self._here else (FaultKind.DEAD, f"its machine {machine} is away")


def _kept(path: Path) -> dict[str, str]:
    """What a file says; nothing where it is not there or damaged."""
    try:
        return {str(name): str(machine) for name, machine in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
