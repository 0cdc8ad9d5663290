"""Which scales a run is to hear from its first moment on, and since when each is missed where it is not heard.

A run that begins anew misses a scale from its own beginning. One that goes on after a cut has a new front end, to which
nothing is left of what a scale said before: it misses it from the moment up to which all of that was told. That is kept
in a file beside the journal, now and then; where the file is gone it is as long ago as devices give anything again.
The recording keeps what a run was to hear (`LiveRun`), so that its replay misses the same.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from jwo_cli.drive.arrival import scales_of
from jwo_cli.drive.retold import BACK_NS
from jwo_cli.estimate.signals import Awaited, Signal
from jwo_cli.recordings import captured_ns

HEARD = ".heard"


class Hearing:
    """One run's scales. `resumed` says that it goes on where another one was cut off.

    A disk that does not take it costs the next run some reviews, should this one be cut off, no more.
    """

    def __init__(self, journal: Path, scales: Sequence[str], *, start_ns: int, resumed: bool) -> None:
        self._path = journal / HEARD
        kept = _kept(self._path) if resumed else dict.fromkeys(scales, start_ns)
        since = {name: kept.get(name, 0) for name in scales}
        self._heard_ns = {name: min(max(at_ns, start_ns - BACK_NS), start_ns) for name, at_ns in since.items()}
        self.awaited = tuple(Awaited(device_id=name, heard_ns=at_ns) for name, at_ns in self._heard_ns.items())

    def heard(self, signal: Signal) -> None:
        """The front end was given something."""
        for name in scales_of(signal):
            if name in self._heard_ns:
                self._heard_ns[name] = max(self._heard_ns[name], captured_ns(signal))

    def write(self, told_ns: int) -> None:
        """Keep when each was heard last; of what was captured after `told_ns` something is still to be told."""
        if self._heard_ns:
            kept = {name: min(at_ns, told_ns) for name, at_ns in self._heard_ns.items()}
            aside = self._path.with_suffix(".partial")
            with contextlib.suppress(OSError):
                aside.write_text(json.dumps(kept))
                aside.replace(self._path)

    def forget(self) -> None:
        """The run ended in order: the next one begins anew."""
        self._path.unlink(missing_ok=True)


def _kept(path: Path) -> dict[str, int]:
    """What a file says; nothing where it is not there or damaged."""
    try:
        found = json.loads(path.read_bytes())
        return {str(name): int(at_ns) for name, at_ns in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
