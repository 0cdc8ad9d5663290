"""Video beside a run's recording: kept as the cameras gave it, for the days that the settings say, then deleted.

Off unless [recordings] says `video = true`: pictures show people, unblurred. They are deleted whatever is said by then:
a run that keeps none, or keeps it elsewhere, looks after what lies in the store's usual place, too. What the disk
refuses is told as a trouble of the video, never of the camera: the store sells on, and the next part tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import stat
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
from jwo_cli.recordings.manifest import FILE_NAME, read_manifest
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


def forget(recordings: Path, store_id: str, *, before_ns: int) -> list[str]:
    """Delete the videos of a store's runs that were written to the last before a time; why any of them stays.

    Only what is surely such a run's: its folder is named as they are, and its manifest tells of a run, or there is
    none. Other recordings (imported, invented, renamed) are somebody's own, and so is what lies behind a link.
    """
    named = re.compile(rf"{re.escape(store_id)}-\d{{8}}-\d{{6}}(-\d+)?")
    problems: list[str] = []
    try:
        runs = [path for path in _listed(recordings) if named.fullmatch(path.name)]
    except OSError as error:
        return [f"{recordings}: {error.strerror}"]
    for recording in runs:
        try:
            old = _old(recording, before_ns)
            ours = bool(old) and _of_run(recording)
        except OSError as error:
            problems.append(f"{recording}: {error.strerror}")
            continue
        except UserError as error:
            problems.append(error.problem)
            continue
        for path in old if ours else ():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                problems.append(f"{path}: {error.strerror}")
    return problems


def _old(recording: Path, before_ns: int) -> list[Path]:
    """Its parts of before then, none of them behind a link. Raises OSError."""
    out: list[Path] = []
    if recording.is_symlink() or (recording / FOLDER).is_symlink():
        return out
    for path in _listed(recording / FOLDER):
        if path.name.endswith((".mp4", ".times.csv")):
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile: another store cleans here, too
                found = path.lstat()
                if found.st_mtime_ns < before_ns and not stat.S_ISLNK(found.st_mode):
                    out.append(path)
    return out


def _listed(folder: Path) -> list[Path]:
    """What lies there; nothing where there is no folder. Raises OSError."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _of_run(recording: Path) -> bool:
    """Raises UserError and OSError for a manifest that cannot be read.

    A run has none whose disk was full when it began.
    """
    try:
        (recording / FILE_NAME).lstat()
    except FileNotFoundError:
        return True
    return read_manifest(recording).run is not None


def old_video(places: Sequence[Path], store_id: str, days: int) -> Chore:
    """Deletes hourly what is older of this store's runs."""

    async def delete() -> str:
        before_ns = time.time_ns() - days * DAY_NS
        problems = [
            problem
            for recordings in places
            for problem in await asyncio.to_thread(forget, recordings, store_id, before_ns=before_ns)
        ]
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        return f"not deleted: {problems[0]}{more}" if problems else ""

    return Chore("old video", delete, every_s=HOUR_S)
