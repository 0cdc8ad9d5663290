"""Where a running store's signals come from: whatever gives them one by one as they arrive, and may fail.

A source is asked for its stream once; when that ends in an error, or ends at all, it is asked again after a pause
(`supervise`). What it gives is a signal for the front end, something that was shown to a door's reader, a door's own
report, or word of a device's trouble. Stamps are capture times, UTC; the driver notes when each arrived.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jwo_cli.estimate.signals import CodeRead, IdentityTold, Overheard, Signal, WeightBatch
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording, captured_ns
from jwo_cli.sensors.mqtt.wire import CameraSaw


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSeen:
    """A reader at a door saw a text that may be an entry code."""

    at_ns: int
    gate_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSeen:
    """A card was held to a door's reader: the account that it stands for."""

    at_ns: int
    gate_id: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorReport:
    """A door says that it stands open for everybody (fire alarm, no power), or that it locks again."""

    at_ns: int
    gate_id: str
    released: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A device's trouble as its source knows it: begun, or over (`over`)."""

    at_ns: int
    device_id: str
    kind: FaultKind
    over: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What a source gives in the next `seconds` may be of the past, of one device after the other; 0: no longer."""

    seconds: float


Inlet = Signal | CodeSeen | CardSeen | DoorReport | Trouble | CameraSaw | Behind


class Source(Protocol):
    """A device, or a bundle of devices behind one connection."""

    @property
    def name(self) -> str:
        """How people call it."""

    @property
    def kind(self) -> str:
        """What it is: scales, cameras, gates, codes, rfid, recording."""

    @property
    def critical(self) -> bool:
        """Whether the store must not open without it."""

    @property
    def patience_s(self) -> float:
        """After how long a silence it is in trouble; infinite for readers that nobody may come to."""

    def stream(self) -> AsyncGenerator[Inlet]:
        """What it gives, as it arrives. Raises anything when the connection fails."""


def at_gate(what: str, gate_id: str, number: int) -> str:
    """The name of a reader at a gate; of several of a kind each is a source of its own, and has a name of its own."""
    return f"{what} at {gate_id}" if number == 1 else f"{what} {number} at {gate_id}"


class ListSource:
    """Plays signals at the pace of their stamps: simulated devices, and recordings played as if live.

    `shift_ns` is added to no stamp: the signals must be stamped for the time at which they are to be played. What was
    due before the stream began is skipped, as a real device's past would be.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        inlets: Sequence[tuple[int, Inlet]],
        *,
        critical: bool = True,
        patience_s: float = 5.0,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name, self.kind, self.critical, self.patience_s = name, kind, critical, patience_s
        self._inlets = inlets
        self._now_ns = now_ns
        self._next = 0
        self.done = asyncio.Event()

    async def stream(self) -> AsyncGenerator[Inlet]:
        """Each at its time; after the last it stays connected and silent, as devices at night do."""
        while self._next < len(self._inlets):
            due_ns, inlet = self._inlets[self._next]
            ahead_s = (due_ns - self._now_ns()) / NS_PER_S
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            self._next += 1
            yield inlet
        self.done.set()
        await asyncio.Event().wait()


def recorded(recording: Recording, *, start_ns: int) -> list[tuple[int, Signal]]:
    """A recording's signals in order of arrival, stamped as if it had begun at `start_ns`, each with its time to play.

    What the recorded store's clock and office said is left out: the store that it is played to has its own.
    """
    shift_ns = start_ns - recording.start_ns
    played: list[tuple[int, Signal]] = []
    latest_ns = start_ns
    for signal in recording.signals():
        if isinstance(signal, Overheard):
            continue
        moved = shifted(signal, shift_ns)
        # A stamp that ran ahead does not hold back what came after it.
        at_ns = captured_ns(moved)
        latest_ns = max(latest_ns, at_ns) if at_ns - latest_ns < 5 * NS_PER_S else latest_ns
        played.append((latest_ns, moved))
    return played


def shifted(signal: Signal, by_ns: int) -> Signal:
    """The signal as of another time."""
    from dataclasses import replace

    if isinstance(signal, WeightBatch):
        return replace(signal, end_ns=signal.end_ns + by_ns)
    if isinstance(signal, IdentityTold):
        return replace(signal, at_ns=signal.at_ns + by_ns, since_ns=signal.since_ns + by_ns)
    return replace(signal, at_ns=signal.at_ns + by_ns)


_KINDS = {"PoseFrame": "cameras", "IdentityTold": "cameras", "TagRead": "rfid"}


def by_device(signals: Iterable[tuple[int, Signal]], *, now_ns: Callable[[], int] = time.time_ns) -> list[ListSource]:
    """Played signals taken apart into the sources they would come from: scales, cameras, rfid, codes."""
    kinds = {WeightBatch: "scales", CodeRead: "codes"}
    apart: dict[str, list[tuple[int, Inlet]]] = {}
    for due_ns, signal in signals:
        name = type(signal).__name__
        kind = kinds.get(type(signal), _KINDS.get(name, "clock"))
        if kind != "clock":
            apart.setdefault(kind, []).append((due_ns, signal))
    return [
        ListSource(
            kind,
            kind,
            inlets,
            critical=kind in {"scales", "cameras"},
            patience_s=5.0 if kind in {"scales", "cameras"} else float("inf"),
            now_ns=now_ns,
        )
        for kind, inlets in apart.items()
    ]
