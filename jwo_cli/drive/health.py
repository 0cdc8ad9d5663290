"""How the devices are: what is silent, frozen, disconnected or off its clock, told once when it begins and once after.

A fault without an end (`until_ns` equal to `at_ns`) says that it begins, one with an end that it is over: between them
the device's evidence is missing. The front end tells the faults that it sees in the data (plates stuck or dead,
messages twice or out of order); this book adds those of the connections, and remembers all for people.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from jwo_cli.drive.sources import Trouble
from jwo_cli.drive.supervise import SourceState
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S

# Stamps this far from the moment at which they arrive are a clock's fault: half of what the front end waits for.
CLOCK_OFF_NS = 2 * NS_PER_S
# One late message is the network's doing; a clock is off when a second's worth of messages are.
CLOCK_MESSAGES = 10


@dataclass(slots=True)
class Ill:
    """A device in trouble."""

    device_id: str
    kind: FaultKind
    since_ns: int
    note: str = ""


@dataclass(slots=True)
class _Clocks:
    """The latest differences between arrival and stamp of one device (of a source, where signals name none)."""

    ahead_ns: deque[int] = field(default_factory=lambda: deque(maxlen=CLOCK_MESSAGES))

    def off_ns(self) -> int | None:
        """By how much the clock is off, when all of the latest messages agree on that; None while it is not."""
        if len(self.ahead_ns) < CLOCK_MESSAGES:
            return None
        least = min(self.ahead_ns, key=abs)
        same_side = all(item * least > 0 for item in self.ahead_ns)
        return least if same_side and abs(least) > CLOCK_OFF_NS else None


class HealthBook:
    """What is wrong with which device, now. Gives the faults to be journalled."""

    def __init__(self) -> None:
        self.ill: dict[tuple[str, FaultKind], Ill] = {}
        self._clocks: dict[str, _Clocks] = {}
        self._found: set[tuple[str, FaultKind]] = set()  # what `look` began; what a source tells itself, it also ends

    def stamped(self, device_id: str, at_ns: int, now_ns: int) -> None:
        """A message of a device with this stamp arrived now."""
        self._clocks.setdefault(device_id, _Clocks()).ahead_ns.append(at_ns - now_ns)

    def look(self, states: Iterable[SourceState], *, now_ns: int, monotonic_s: float) -> list[DeviceFaulted]:
        """Compare the sources with what was known; what began and what is over."""
        out: list[DeviceFaulted] = []
        for state in states:
            silent_s = monotonic_s - state.heard_s
            down = not state.connected and state.failures > 0
            quiet = silent_s > state.patience_s
            note = state.problem or f"nothing came for {state.patience_s:g} s"
            since_ns = now_ns - round(min(silent_s, 3600.0) * NS_PER_S)
            out += self._see(state.name, FaultKind.GAP, ill=down or quiet, at_ns=since_ns, now_ns=now_ns, note=note)
        for device_id, clock in self._clocks.items():
            off_ns = clock.off_ns()
            note = "" if off_ns is None else f"its stamps are {off_ns / NS_PER_S:+.1f} s from the store's clock"
            out += self._see(device_id, FaultKind.CLOCK, ill=off_ns is not None, at_ns=now_ns, now_ns=now_ns, note=note)
        return out

    def _see(
        self, device_id: str, kind: FaultKind, *, ill: bool, at_ns: int, now_ns: int, note: str
    ) -> list[DeviceFaulted]:
        """Begin what is not known yet, end what was begun here."""
        key = (device_id, kind)
        if not ill and key not in self._found:
            return []
        self._found = self._found | {key} if ill and key not in self.ill else self._found
        if not ill:
            self._found = self._found - {key}
        return self._set(device_id, kind, ill=ill, at_ns=at_ns, now_ns=now_ns, note=note)

    def told(self, trouble: Trouble) -> list[DeviceFaulted]:
        """A source says what is wrong with one of its devices, or no longer."""
        at_ns = trouble.at_ns
        return self._set(
            trouble.device_id, trouble.kind, ill=not trouble.over, at_ns=at_ns, now_ns=at_ns, note=trouble.note
        )

    def saw(self, fault: DeviceFaulted) -> None:
        """A fault that was journalled, by whomever: remember it, or that it is over."""
        key = (fault.device_id, fault.kind)
        if fault.until_ns > fault.at_ns:
            known = self.ill.get(key)
            if known is not None and known.since_ns == fault.at_ns:  # else it tells of another time that is over
                del self.ill[key]
        else:
            self.ill[key] = Ill(fault.device_id, fault.kind, fault.at_ns, fault.note)

    def failing(self, states: Iterable[SourceState]) -> tuple[str, ...]:
        """One sentence for each critical source that is in trouble, or that nothing was heard of yet."""
        out = []
        for state in states:
            if not state.critical:
                continue
            if not state.given:
                out.append(f"{state.name}: nothing was heard of it yet{f' ({state.problem})' if state.problem else ''}")
                continue
            ills = [item for item in self.ill.values() if item.device_id == state.name]
            out += [f"{state.name}: {item.kind.value}{f', {item.note}' if item.note else ''}" for item in ills]
        return tuple(out)

    def _set(
        self, device_id: str, kind: FaultKind, *, ill: bool, at_ns: int, now_ns: int, note: str
    ) -> list[DeviceFaulted]:
        known = self.ill.get((device_id, kind))
        if ill == (known is not None):
            return []
        begins_ns = at_ns if known is None else known.since_ns
        until_ns = begins_ns if known is None else max(now_ns, begins_ns + 1)
        fault = DeviceFaulted(at_ns=begins_ns, device_id=device_id, kind=kind, until_ns=until_ns, note=note)
        self.saw(fault)
        return [fault]
