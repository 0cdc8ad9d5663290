"""A camera's stream kept as it came: remuxed into MP4, never encoded again, capture times beside it.

`<camera>.mp4` is fragmented: a crash loses what came since the last key frame, not the file. Beside it,
`<camera>.times.csv` has a line a picture: stream time in ns from the first picture, capture time in ns, clock. Each
connection is a part of its own (`<camera>.mp4`, `<camera>.2.mp4`, …), as its codec may differ, or several, so that old
ones can go; each begins with a key frame.
"""

from __future__ import annotations

import csv
import errno
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jwo_cli.model.findings import UserError
from jwo_cli.model.units import NS_PER_S

from .addresses import Address, SourceKind
from .frames import Clock, Frame
from .video import PacketSink, Video, VideoSettings

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

HEADER = ("stream_ns", "capture_ns", "clock")
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
_AGAIN = "Copy the recording again, or record it anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A kept part of a camera's stream and the times beside it."""

    video: Path
    times: Path


def parts(folder: Path, camera_id: str) -> tuple[Part, ...]:
    """The parts of a camera's kept stream, in order; the first of them may be deleted by now."""
    return tuple(_part(folder, camera_id, number) for number in _numbers(folder, camera_id))


def _numbers(folder: Path, camera_id: str) -> list[int]:
    named = re.compile(rf"{re.escape(camera_id)}(\.(?P<number>[1-9]\d*))?\.mp4")
    found = [match for path in folder.glob("*.mp4") if (match := named.fullmatch(path.name)) is not None]
    return sorted(int(match["number"] or 1) for match in found)


def _part(folder: Path, camera_id: str, number: int) -> Part:
    stem = camera_id if number == 1 else f"{camera_id}.{number}"
    return Part(video=folder / f"{stem}.mp4", times=folder / f"{stem}.times.csv")


class Keeper:
    """Keeps the connections of one camera in `folder` (a recording's `video/`); give `keep` to a Camera as recorder.

    With `part_s` a part ends at the first key frame after so many seconds, and another begins. Where the disk refuses,
    or has less than `reserve_bytes` left, `failed` is told once for each part and the camera goes on unkept until the
    next one, of which it is told None; without `failed` that raises.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        failed: Callable[[UserError | None], None] | None = None,
        *,
        part_s: float | None = None,
        reserve_bytes: int = 0,
    ) -> None:
        if not camera_id or Path(camera_id).name != camera_id or camera_id.startswith("."):
            raise UserError(f"{camera_id!r} is no name for a file", fix="Name cameras by letters, digits, - and _.")
        self._folder = folder
        self._camera_id = camera_id
        self._failed = failed
        self._part_ns = None if part_s is None else round(part_s * NS_PER_S)
        self._reserve_bytes = reserve_bytes
        self._ill = False

    @contextmanager
    def keep(self, video: Video) -> Iterator[PacketSink]:
        """A new part, filled by the packets that are given, whole when the block ends; without any, nothing is left."""
        import av

        writing = self._begin(video)
        due_ns: int | None = None

        def keep(packet: Packet[VideoStream], capture_ns: int, clock: Clock) -> None:
            nonlocal writing, due_ns
            if self._part_ns is not None and (due_ns is None or (packet.is_keyframe and capture_ns >= due_ns)):
                if due_ns is not None:
                    self._end(writing)
                    writing = self._begin(video)
                due_ns = capture_ns + self._part_ns
            if writing is None:
                return
            try:
                if packet.is_keyframe:
                    self._check_room()
                writing.take(packet, capture_ns, clock)
            except (av.error.FFmpegError, OSError) as error:
                writing.close()
                part, writing = writing.part, None
                self._tell(part, error)

        try:
            yield keep
        finally:
            self._end(writing)

    def _begin(self, video: Video) -> _Writing | None:
        """The next part; None where the disk takes none."""
        import av

        number = max(_numbers(self._folder, self._camera_id), default=0) + 1
        part = _part(self._folder, self._camera_id, number)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_room()
            writing = _Writing(part, video.stream)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self._tell(part, error)
            return None
        if self._ill and self._failed is not None:
            self._failed(None)
        self._ill = False
        return writing

    def _end(self, writing: _Writing | None) -> None:
        """Complete a part; one without a picture is removed."""
        if writing is None:
            return
        problem = writing.close()
        if not writing.count:
            writing.part.video.unlink(missing_ok=True)
            writing.part.times.unlink(missing_ok=True)
        elif problem is not None:
            self._tell(writing.part, problem)

    def _check_room(self) -> None:
        if self._reserve_bytes and shutil.disk_usage(self._folder).free < self._reserve_bytes:
            raise OSError(errno.ENOSPC, f"less than {self._reserve_bytes / 1e9:.1f} GB of the disk are free")

    def _tell(self, part: Part, error: Exception) -> None:
        """What the disk said, to whoever wants to go on; raised where nobody does."""
        reason = getattr(error, "strerror", None) or type(error).__name__
        fix = "Make room on the disk, or name another folder."
        problem = UserError(f"{part.video} cannot be written: {reason}", fix=fix, exit_code=3)
        if self._failed is None:
            raise problem from None
        self._ill = True
        self._failed(problem)


class _Writing:
    """Takes packets; the first key frame begins the part."""

    def __init__(self, part: Part, source: VideoStream) -> None:
        import av

        self.part = part
        self._times = part.times.open("w", encoding="ascii", newline="")
        self._rows = csv.writer(self._times, lineterminator="\n")
        self._rows.writerow(HEADER)
        try:
            self._output = av.open(str(part.video), "w", format="mp4", options=_FRAGMENTED)
            self._stream = self._output.add_stream_from_template(source)
        except (av.error.FFmpegError, OSError):
            self._times.close()
            raise
        self._first: int | None = None  # pts of the first packet
        self._last: int | None = None  # dts of the packet before
        self.count = 0

    def take(self, packet: Packet[VideoStream], capture_ns: int, clock: Clock) -> None:
        if packet.pts is None:
            return
        if self._first is None:
            if not packet.is_keyframe:
                return
            self._first = packet.pts
        stream_ns = int((packet.pts - self._first) * packet.time_base * NS_PER_S)
        self._rows.writerow((stream_ns, capture_ns, clock.value))
        if packet.is_keyframe:
            self._times.flush()
        # The packet goes on to the decoder afterwards: what the container changes is put back.
        stream, times = packet.stream, (packet.pts, packet.dts, packet.time_base)
        packet.pts, packet.dts = packet.pts - self._first, self._decoding(packet) - self._first
        packet.stream = self._stream
        try:
            self._output.mux(packet)
        finally:
            packet.stream = stream
            packet.pts, packet.dts, packet.time_base = times
        self.count += 1

    def close(self) -> Exception | None:
        """Ends both files as well as it goes; what was in the way, if anything."""
        problem: Exception | None = None
        for end in (self._output.close, self._times.close):
            try:
                end()
            except (ValueError, OSError, RuntimeError) as error:  # FFmpeg's errors are these
                problem = error
        return problem

    def _decoding(self, packet: Packet[VideoStream]) -> int:
        """When the packet is decoded, ticks: some containers do not tell it for the first ones; it must ascend."""
        shown = packet.pts or 0
        if packet.dts is not None:
            told = packet.dts
        elif self._last is not None:
            told = self._last + 1
        else:
            told = shown - int(1 / packet.time_base)
        self._last = told if self._last is None else max(told, self._last + 1)
        return self._last


def read_times(path: Path) -> dict[int, int]:
    """Stream time -> capture time, ns; a last line that a crash cut off is left out.

    Raises UserError naming the line that is wrong.
    """
    try:
        lines = path.read_text(encoding="ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", fix=_AGAIN) from None
    if lines[0].split(",") != list(HEADER):
        raise UserError(f"{path}:1: the columns are not {', '.join(HEADER)}", fix=_AGAIN)
    kept = {}
    for number, line in enumerate(lines[1:-1], start=2):
        try:
            stream, capture, _ = line.split(",")
            kept[int(stream)] = int(capture)
        except ValueError:
            raise UserError(f"{path}:{number}: this is no time of a picture", fix=_AGAIN) from None
    return kept


def kept_frames(folder: Path, camera_id: str, settings: VideoSettings | None = None) -> Iterator[Frame]:
    """Every picture that was kept of a camera, with the times that were kept beside it, through all parts.

    Raises UserError where there is none, or one is damaged.
    """
    found = parts(folder, camera_id)
    if not found:
        problem = f"{folder} holds no video of camera {camera_id}"
        raise UserError(problem, fix="Check the recording and the name of the camera.")
    for part in found:
        address = Address(str(part.video), SourceKind.FILE)
        with Video(camera_id, address, settings, kept=read_times(part.times)) as video:
            yield from video.frames()
