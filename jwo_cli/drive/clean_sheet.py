"""What somebody told of devices' troubles, for when they begin anew: then they do not know what they had told.

A process that was killed, a camera that is read anew, a machine that was switched off and on: what lasts they tell
again, and what they do not is over. Of a camera that shows as soon as there is a picture of it, no sooner: to open it,
and to load what looks at it, takes a while.
"""

from __future__ import annotations

import time

from jwo_cli.drive.sources import Trouble
from jwo_cli.model.observations import FaultKind


class CleanSheet:
    """One teller's troubles that are not over."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, FaultKind], None] = {}
        self._before: dict[tuple[str, FaultKind], None] = {}  # told before the teller began anew

    def anew(self) -> None:
        """The teller knows nothing any more."""
        self._before |= self._open
        self._open = {}

    def told(self, trouble: Trouble) -> None:
        """The teller says that something begins, or that it is over."""
        key = (trouble.device_id, trouble.kind)
        self._before.pop(key, None)
        if trouble.over:
            self._open.pop(key, None)
        else:
            self._open[key] = None

    def over(self, camera_id: str = "") -> list[Trouble]:
        """What was told before and is over now that the teller began anew, or now that it shows this camera."""
        done = [key for key in self._before if not camera_id or key[0] == camera_id or _is_of(key[0], camera_id)]
        for key in done:
            del self._before[key]
        at_ns = time.time_ns()
        return [Trouble(at_ns=at_ns, device_id=device_id, kind=kind, over=True) for device_id, kind in done]


def of_camera(what: str, camera_id: str) -> str:
    """The name of something of a camera whose trouble is not the camera's: its video, its clock."""
    return f"{what} of {camera_id}"


def _is_of(device_id: str, camera_id: str) -> bool:
    return device_id.endswith(of_camera("", camera_id))
