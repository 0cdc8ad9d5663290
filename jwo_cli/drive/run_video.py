"""Video beside a run's recording: kept as the cameras gave it, for the days that the settings say, then deleted.

Off unless [recordings] says `video = true`: pictures show people, unblurred. They are deleted whatever is said by then:
a run that keeps none, or keeps it elsewhere, looks after what lies in the store's usual place, too. What the disk
refuses is told as a trouble of the video, never of the camera: the store sells on, and the next part tries again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from jwo_cli.drive.chores import Chore
from jwo_cli.drive.clean_sheet import of_camera
from jwo_cli.drive.sources import Trouble
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings.manifest import read_manifest
from jwo_cli.sensors.cameras import Recorder
from jwo_cli.sensors.keeping import Keeper

FOLDER = "video"
PART_S = 600.0  # a part is deleted as a whole
# Video gives way long before the journal has to: a store closes at 64 MB.
RESERVE_BYTES = 1 << 30
HOUR_S, DAY_NS = 3600.0, 86_400 * NS_PER_S


class Videos:
    """Keeps some cameras' video in a folder; `troubles` is what is to be told of it."""

    def __init__(self, folder: Path, *, part_s: float = PART_S, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder, self._part_s, self._reserve_bytes = folder, part_s, reserve_bytes
        self._keepers: dict[str, Keeper] = {}
        self._troubles: deque[Trouble] = deque()  # cameras' threads add, one other takes

    def recorder(self, camera_id: str) -> Recorder:
        """Where a camera's packets go, whenever it is begun."""

        def told(error: UserError | None) -> None:
            note, device_id = "" if error is None else f"{error}. {error.fix}", of_camera("video", camera_id)
            over = error is None
            self._troubles.append(
                Trouble(at_ns=time.time_ns(), device_id=device_id, kind=FaultKind.GAP, over=over, note=note)
            )

        if camera_id not in self._keepers:
            self._keepers[camera_id] = Keeper(
                self._folder, camera_id, told, part_s=self._part_s, reserve_bytes=self._reserve_bytes
            )
        return self._keepers[camera_id].keep

    def troubles(self) -> list[Trouble]:
        """What happened since it was asked last."""
        return [self._troubles.popleft() for _ in range(len(self._troubles))]


def forget(recordings: Path, *, before_ns: int) -> int:
    """Delete the videos of all runs that were written to the last before a time; how many files.

    Other recordings (imported, invented) stay; one that does not say what it is counts as a run that was cut off.
    """
    gone = 0
    for path in sorted(recordings.glob(f"*/{FOLDER}/*")):
        old = path.name.endswith((".mp4", ".times.csv")) and path.stat().st_mtime_ns < before_ns
        if old and _of_run(path.parent.parent):
            path.unlink()
            gone += 1
    return gone


def _of_run(recording: Path) -> bool:
    try:
        return read_manifest(recording).run is not None
    except UserError:
        return True


def old_video(places: Sequence[Path], days: int) -> Chore:
    """Deletes hourly what is older."""

    async def delete() -> str:
        problems = []
        for recordings in places:
            try:
                await asyncio.to_thread(forget, recordings, before_ns=time.time_ns() - days * DAY_NS)
            except OSError as error:
                problems.append(f"old video in {recordings} is not deleted: {error}")
        return "; ".join(problems)

    return Chore("old video", delete, every_s=HOUR_S)
