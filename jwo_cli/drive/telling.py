"""What a person at the terminal is told while recordings are replayed: a bar, receipts as they come, the floor live."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from jwo_cli import console, printing
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.replay import ReplayResult
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.recordings import Recording

# What a device's trouble means to somebody who reads receipts.
TROUBLE = {
    FaultKind.DEAD: "weighed nothing",
    FaultKind.STUCK: "did not move",
    FaultKind.SPIKING: "spiked",
    FaultKind.NAN: "sent no numbers",
    FaultKind.GAP: "fell silent",
    FaultKind.DUPLICATE: "sent messages twice",
    FaultKind.DISORDER: "sent messages out of order",
    FaultKind.CLOCK: "had a clock that jumped or differed",
    FaultKind.UNKNOWN_CHANNEL: "is not in the layout",
    FaultKind.STALLED: "did not get through",
}
# Devices named one by one in a sentence of trouble.
NAMED = 4
# Oddities of a recording that are shown one by one; the rest is counted.
SHOWN_FINDINGS = 3


class Teller:
    """A listener of `replay_all` that talks on stderr and prints receipts on stdout. Use as a context manager.

    Of `several` recordings one that is refused is left out; a single one is what the command was about.
    """

    def __init__(self, *, receipts: bool = True, watch: bool = False, several: bool = True) -> None:
        self._receipts = receipts
        self._several = several
        self._watch = watch
        self._stack = ExitStack()
        self._bar: console.Bar | None = None
        self._live: FloorWatch | None = None
        self._said: set[tuple[str, int | None, str | None, str]] = set()

    def __enter__(self) -> Self:
        if not self._watch:
            self._bar = self._stack.enter_context(console.progress("reading"))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._end_watch()
        self._stack.close()

    def opening(self, path: Path) -> None:
        """Say which folder is being read."""
        if self._bar is not None:
            self._bar.describe(f"reading {path.name}")

    def begins(self, recording: Recording) -> Watcher | None:
        """Show the recording's oddities, start the bar or the floor."""
        self._show(recording)
        if self._bar is not None:
            self._bar.restart(f"replaying {recording.name}", recording.duration_s)
        if self._watch:
            self._live = FloorWatch(recording.store, name=recording.name)
            self._live.start()
        return self._live

    def advance(self, seconds: float) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.advance(seconds)

    def finished(self, recording: Recording, result: ReplayResult) -> None:
        """Print the receipts of this recording."""
        self._end_watch()
        for sentence in troubles(result.faults):
            console.say(f"{result.name}: {sentence}")
        if not self._receipts:
            return
        rate = f", {result.duration_s / result.wall_s:.0f}× real time" if result.wall_s > 0 else ""
        console.out(f"{result.name}: {result.duration_s:.1f} s at {recording.store.name or result.store_id}{rate}\n")
        for issued in result.receipts:
            console.show(printing.receipt(issued))
        if not result.receipts:
            console.out("  nobody took anything\n")

    def refused(self, path: Path, error: UserError) -> None:
        """Say why a recording was left out."""
        console.error(error)
        if self._several:
            console.say(f"{path} was left out")

    def _show(self, recording: Recording) -> None:
        """What is odd about a recording and was not said of one before: cases of one store share their tables."""
        fresh = {}
        for finding in recording.findings:
            place = (Path(finding.file).name, finding.line, finding.field, finding.problem)
            if place not in self._said:
                fresh[place] = finding
        self._said |= fresh.keys()
        console.findings(tuple(fresh.values())[:SHOWN_FINDINGS])
        if len(fresh) > SHOWN_FINDINGS:
            console.say(f"{recording.path}: {len(fresh) - SHOWN_FINDINGS} more like these; --json lists all")

    def _end_watch(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def troubles(faults: Sequence[DeviceFaulted]) -> list[str]:
    """One sentence for each kind of device trouble in a recording, in the order of their first appearance.

    Evidence of a device in trouble counts as missing, so that receipts may be less sure than usual.
    """
    devices: dict[FaultKind, dict[str, None]] = {}
    for fault in (fault for fault in faults if fault.kind in TROUBLE):  # money that stalled is no evidence
        devices.setdefault(fault.kind, {})[fault.device_id] = None
    sentences = []
    for kind, names in devices.items():
        listed = ", ".join(list(names)[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        sentences.append(f"{listed} {TROUBLE[kind]}; what could not be measured counts as missing")
    return sentences
