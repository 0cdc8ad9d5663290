"""How the devices are: what is silent, frozen, disconnected or off its clock, told once when it begins and once after.

A fault without an end (`until_ns` equal to `at_ns`) says that it begins, one with an end that it is over: between them
the device's evidence is missing. The front end tells the faults that it sees in the data (plates stuck or dead,
messages twice or out of order); this book adds those of the connections, and remembers all for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jwo_cli.drive.clocks import CLOCK_OFF_NS, Clocks
from jwo_cli.drive.sources import Trouble
from jwo_cli.drive.supervise import SourceState
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S

STORE_CLOCK = "clock of the store"
AGAIN_NS = 60 * NS_PER_S  # what goes on coming and cannot be used is told this often
WEIGHED_S = 2.0  # somebody tells what a scale weighs: whether the scale itself is there does not matter
SILENT_S = 10.0  # a needed device that measured nothing for so long is in trouble, whoever brings what it measures


@dataclass(slots=True)
class Ill:
    """A device in trouble."""

    device_id: str
    kind: FaultKind
    since_ns: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Devices of the layout without which a store does not open: which must have been heard, and which be well.

    `scales` are missed by the front end itself, which tells of them like of any that fell silent.
    """

    heard: tuple[str, ...] = ()
    well: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()


class HealthBook:
    """What is wrong with which device, now. Gives the faults to be journalled."""

    def __init__(self, needed: Needed | None = None) -> None:
        self.ill: dict[tuple[str, FaultKind], Ill] = {}
        self.clocks = Clocks()
        self._needed = needed or Needed()
        self._heard_s: dict[str, float] = {}  # as of the last look
        self._fresh: dict[str, None] = {}  # heard since then
        self._looked_s = 0.0
        self._began_s: float | None = None  # the first look
        self._latest_ns = 0  # the store's clock was there
        self._passed_ns: dict[tuple[str, FaultKind], int] = {}
        self._found: set[tuple[str, FaultKind]] = set()  # what `look` began; what a source tells itself, it also ends

    def heard(self, *names: str) -> None:
        """Devices, or sources, measured something."""
        self._fresh |= dict.fromkeys(names)

    def look(self, states: Iterable[SourceState], *, now_ns: int, monotonic_s: float) -> list[DeviceFaulted]:
        """Compare the sources with what was known; what began and what is over."""
        out: list[DeviceFaulted] = []
        self._looked_s = monotonic_s
        self._began_s = monotonic_s if self._began_s is None else self._began_s
        self._heard_s |= dict.fromkeys(self._fresh, monotonic_s)
        self._fresh.clear()
        for state in states:
            silent_s = monotonic_s - state.heard_s
            down = not state.connected and state.failures > 0
            quiet = silent_s > state.patience_s
            note = state.problem or f"nothing came for {state.patience_s:g} s"
            since_ns = now_ns - round(min(silent_s, 3600.0) * NS_PER_S)
            out += self._see(state.name, FaultKind.GAP, ill=down or quiet, at_ns=since_ns, now_ns=now_ns, note=note)
        for name in self._needed.heard:
            if name not in self._needed.scales:
                silent_s = monotonic_s - self._heard_s.get(name, self._began_s)
                # Who tells what is wrong with it need not say besides that it is silent.
                known = any(device_id == name and kind is not FaultKind.GAP for device_id, kind in self.ill)
                quiet, since_ns = silent_s > SILENT_S and not known, now_ns - round(silent_s * NS_PER_S)
                note = "nothing comes from it"
                out += self._see(name, FaultKind.GAP, ill=quiet, at_ns=since_ns, now_ns=now_ns, note=note)
        for device_id, since_ns, off_ns in self.clocks.apart():
            note = "" if off_ns is None else f"its stamps are {off_ns / NS_PER_S:+.1f} s from the store's clock"
            off = off_ns is not None
            out += self._see(device_id, FaultKind.CLOCK, ill=off, at_ns=since_ns, now_ns=now_ns, note=note)
        return out

    def timed(self, now_ns: int) -> list[DeviceFaulted]:
        """The store's own clock, at each look of a run: where it was set back, what comes is old until it is there."""
        self._latest_ns = max(self._latest_ns, now_ns)
        back_ns = self._latest_ns - now_ns
        note = f"it was set back by {back_ns / NS_PER_S:.0f} s: what comes is old to this run. Begin it anew"
        return self._see(
            STORE_CLOCK, FaultKind.CLOCK, ill=back_ns > CLOCK_OFF_NS, at_ns=now_ns, now_ns=now_ns, note=note
        )

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

    def judged(self, device_id: str, kind: FaultKind, problem: str, *, now_ns: int) -> list[DeviceFaulted]:
        """What came from a device cannot be used (`problem`), until it can again (empty)."""
        return self._see(device_id, kind, ill=bool(problem), at_ns=now_ns, now_ns=now_ns, note=problem)

    def passed(self, device_id: str, kind: FaultKind, note: str, *, now_ns: int) -> list[DeviceFaulted]:
        """One thing that came could not be used: begun and over; of those that go on once a minute is told."""
        key, recent = (device_id, kind), self._passed_ns
        self._passed_ns = {known: at_ns for known, at_ns in recent.items() if 0 <= now_ns - at_ns < AGAIN_NS}
        if key in self.ill or key in self._passed_ns:
            return []
        self._passed_ns[key] = now_ns
        trouble = Trouble(at_ns=now_ns, device_id=device_id, kind=kind, note=note)
        return [*self.told(trouble), *self.told(replace(trouble, over=True))]

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
        """One sentence for each source and device that the store needs and that is in trouble, or was not heard yet."""
        out = []
        watched = [STORE_CLOCK, *self._needed.heard, *self._needed.well]
        for state in states:
            if not state.critical:
                continue
            watched.append(state.name)
            # A broker that is there has nothing to say itself; of a camera, word of its troubles is not enough.
            if not (state.given if state.kind == "mqtt" else self._silent(state.name) is not None):
                why = f" ({_writable(state.problem)})" if state.problem else ""
                out.append(f"{state.name}: nothing was heard of it yet{why}")
        mute = set()
        for name in self._needed.heard:
            silent_s = self._silent(name)
            if name in self._needed.scales and silent_s is not None and silent_s < WEIGHED_S:
                mute |= {(name, FaultKind.GAP), (name, FaultKind.DEAD)}  # others tell of its plates, or it is back
            if silent_s is None or silent_s > SILENT_S:
                mute.add((name, FaultKind.GAP))
                when = "yet" if silent_s is None else f"for {silent_s:.0f} s"
                out.append(f"{name}: nothing was heard of it {when}")
        for name in dict.fromkeys(watched):
            # A door may have nothing more to say for months: its clock, which is not believed, keeps nobody out.
            left_out = mute | {(name, FaultKind.CLOCK)} if name in self._needed.well else mute
            ills = [item for key, item in self.ill.items() if item.device_id == name and key not in left_out]
            out += [f"{name}: {item.kind.value}{f', {item.note}' if item.note else ''}" for item in ills]
        return tuple(out)

    def _silent(self, name: str) -> float | None:
        """For how many seconds a device or source has measured nothing; None where it never did."""
        if name in self._fresh:
            return 0.0
        return self._looked_s - self._heard_s[name] if name in self._heard_s else None

    def _set(
        self, device_id: str, kind: FaultKind, *, ill: bool, at_ns: int, now_ns: int, note: str
    ) -> list[DeviceFaulted]:
        known = self.ill.get((device_id, kind))
        if ill == (known is not None):
            return []
        begins_ns = at_ns if known is None else known.since_ns
        until_ns = begins_ns if known is None else max(now_ns, begins_ns + 1)
        fault = DeviceFaulted(at_ns=begins_ns, device_id=device_id, kind=kind, until_ns=until_ns, note=_writable(note))
        self.saw(fault)
        return [fault]


def _writable(note: str) -> str:
    """What no journal can hold written out: a file's name is bytes, a provider's words may be half a character."""
    return note.encode(errors="backslashreplace").decode()
