"""Where everybody inside was seen last, in a file beside the journal: whom a run that goes on looks for.

The cameras' tracker begins anew after a cut and calls everybody by new names. What it had shown in its last second is
given to the front end before anything new is. That then judges as after any gap who of the new bodies is whom, by
place, time and build, and says how sure it is (`IdentityDoubted`); what stays doubtful, a person decides. Joints only,
written over every second, and of no use half a minute later.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Container
from dataclasses import replace
from pathlib import Path

from jwo_cli.estimate.people.identity import RESTART_NS
from jwo_cli.estimate.signals import PoseFrame
from jwo_cli.model.units import NS_PER_MS, NS_PER_S
from jwo_cli.sensors.mqtt import wire

BODIES = ".bodies"
SPAN_NS = NS_PER_S
APART_NS = 150 * NS_PER_MS  # frames nearer in time show the same


class Bodies:
    """The last second of pose messages of one run. A disk that does not take them costs a few reviews, no more."""

    def __init__(self, journal: Path) -> None:
        self._path = journal / BODIES
        self._frames: deque[PoseFrame] = deque()
        self._new = False

    def saw(self, frame: PoseFrame) -> None:
        """A pose message for the front end."""
        if self._frames and abs(frame.at_ns - self._frames[-1].at_ns) < APART_NS:
            return
        self._frames.append(frame)
        self._new = True
        while frame.at_ns - self._frames[0].at_ns > SPAN_NS:
            self._frames.popleft()

    def write(self) -> None:
        """Keep what was seen."""
        if not self._new:
            return
        self._new = False
        aside = self._path.with_name(f"{BODIES}.partial")
        lines = [wire.pack("run", number, frame) for number, frame in enumerate(self._frames)]
        with contextlib.suppress(OSError):
            aside.write_bytes(b"\n".join(lines))
            aside.rename(self._path)

    def read(self, inside: Container[str], *, now_ns: int) -> list[PoseFrame]:
        """What a former run saw of those who are still inside, oldest first; nothing that is too long ago."""
        try:
            lines = self._path.read_bytes().splitlines()
            bodies = [wire.unpack("poses", line).body for line in lines]
        except (OSError, wire.WireError):
            return []
        frames = [body for body in bodies if isinstance(body, PoseFrame) and 0 <= now_ns - body.at_ns <= RESTART_NS]
        known = [(frame, tuple(one for one in frame.people if one.track_id in inside)) for frame in frames]
        return [replace(frame, people=people) for frame, people in known if people]
