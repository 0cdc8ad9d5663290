"""Where everybody inside was seen lately, in a file beside the journal: whom a run that goes on looks for.

The cameras' tracker begins anew after a cut and calls everybody by new names. What it had shown in its last seconds is
given to the front end before anything new is. That then judges as after any gap who of the new bodies is whom, by
place, time and build, and says how sure it is (`IdentityDoubted`); what stays doubtful, a person decides. So it also
knows whose hand was where when scales tell of a pick right before the cut. Joints only, for some seconds: two files
take turns, and what is older is written over.

Devices that give all of it again under the names of before need none of this. Whoever names people anew of pictures
that are given again (`names`) needs it, and what was seen by then is not heard a second time under new names.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

from jwo_cli.drive.backlog import Resending
from jwo_cli.drive.sources import Source
from jwo_cli.estimate.people.identity import RESTART_NS
from jwo_cli.estimate.signals import IdentityTold, PoseFrame, Signal
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt import wire

BODIES = ".bodies"
BEFORE = ".bodies.before"
SPAN_NS = 8 * NS_PER_S  # a pick is told so long after it at most, as long as scales and cameras are not late


TURN_S = 2 * SPAN_NS / NS_PER_S  # a file is full after so long by our own clock, whatever the frames' stamps say


class Bodies:
    """The last seconds of pose messages of one run. A disk that does not take them costs a few reviews, no more.

    `sources` are those of the run. One that gives all of it again (`Resending`) may have `names`: what the names begin
    with that it makes up for people, others in each run.
    """

    def __init__(self, journal: Path, sources: Sequence[Source] = ()) -> None:
        self._path, self._before = journal / BODIES, journal / BEFORE
        self._anew = {item.name: str(getattr(item, "names", "")) for item in sources if isinstance(item, Resending)}
        self._known_ns = -1  # until then the front end was given what a former run saw
        self._turned_s = time.monotonic()
        self._new: list[PoseFrame] = []
        kept = _frames(self._path)
        self._since_ns = kept[0].at_ns if kept else 0  # what the file of now begins with, 0 where it is empty

    def news(self, source: str, signal: Signal) -> bool:
        """Whether a signal is one for the front end; if it is, and a next run cannot hear it again, it is kept."""
        if not isinstance(signal, PoseFrame | IdentityTold):
            return True
        anew = source in self._anew and _called(signal, self._anew[source])
        if anew and signal.at_ns <= self._known_ns:
            return False
        if isinstance(signal, PoseFrame) and (anew or source not in self._anew):
            self.saw(signal)
        return True

    def saw(self, frame: PoseFrame) -> None:
        """A pose message for the front end, which a next run cannot hear again under its names."""
        self._new.append(frame)

    def write(self) -> None:
        """Keep what was seen since the last time."""
        if not self._new:
            return
        frames, self._new = self._new, []
        lines = [wire.pack("run", number, frame) + b"\n" for number, frame in enumerate(frames)]
        with contextlib.suppress(OSError):
            now_s = time.monotonic()
            if abs(frames[0].at_ns - self._since_ns) > SPAN_NS or now_s - self._turned_s > TURN_S:
                if self._path.exists():
                    self._path.rename(self._before)
                self._since_ns, self._turned_s = frames[0].at_ns, now_s
            with self._path.open("ab") as kept:
                kept.writelines(lines)

    def forget(self) -> None:
        """Nobody is inside any more."""
        for path in (self._path, self._before):
            path.unlink(missing_ok=True)

    def read(self, inside: Container[str], *, now_ns: int) -> list[PoseFrame]:
        """What a former run saw of those who are still inside, oldest first; nothing that is too long ago."""
        frames = [frame for path in (self._before, self._path) for frame in _frames(path)]
        last_ns = max((frame.at_ns for frame in frames), default=0)
        if not 0 <= now_ns - last_ns <= RESTART_NS:
            return []
        late = sorted((frame for frame in frames if last_ns - frame.at_ns <= SPAN_NS), key=lambda frame: frame.at_ns)
        known = [(frame, tuple(one for one in frame.people if one.track_id in inside)) for frame in late]
        given = [replace(frame, people=people) for frame, people in known if people]
        self._known_ns = max((frame.at_ns for frame in given), default=-1)
        return given


def _called(signal: PoseFrame | IdentityTold, names: str) -> bool:
    """Whether all people that a signal is about have names that begin so; "" is nobody's."""
    if isinstance(signal, IdentityTold):
        told = [signal.before, signal.after]
    else:
        told = [one.track_id for one in signal.people]
    return bool(names) and all(name.startswith(names) for name in told)


def _frames(path: Path) -> list[PoseFrame]:
    """A file's messages; none where there is no file, and without what a kill cut off."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    found: list[PoseFrame] = []
    for line in lines:
        with contextlib.suppress(wire.WireError):
            body = wire.unpack("poses", line).body
            if isinstance(body, PoseFrame):
                found.append(body)
    return found
