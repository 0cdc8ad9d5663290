"""A camera's stream kept as it came: remuxed into MP4, never encoded again, capture times beside it.

`<camera>.mp4` is fragmented: a crash loses what came since the last key frame, not the file. Beside it,
`<camera>.times.csv` has a line a picture: stream time in ns from the first picture, capture time in ns, clock. Each
connection is a part of its own (`<camera>.mp4`, `<camera>.2.mp4`, …), as its codec may differ; it begins with a key
frame.
"""

from __future__ import annotations

import csv
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
    """The parts of a camera's kept stream, in order."""
    found = []
    number = 1
    while (part := _part(folder, camera_id, number)).video.is_file():
        found.append(part)
        number += 1
    return tuple(found)


def _part(folder: Path, camera_id: str, number: int) -> Part:
    stem = camera_id if number == 1 else f"{camera_id}.{number}"
    return Part(video=folder / f"{stem}.mp4", times=folder / f"{stem}.times.csv")


class Keeper:
    """Keeps the connections of one camera in `folder` (a recording's `video/`); give `keep` to a Camera as recorder.

    Where the disk refuses, `failed` is told once for each part and the camera goes on unkept; without it, that raises.
    """

    def __init__(self, folder: Path, camera_id: str, failed: Callable[[UserError], None] | None = None) -> None:
        if not camera_id or Path(camera_id).name != camera_id or camera_id.startswith("."):
            raise UserError(f"{camera_id!r} is no name for a file", fix="Name cameras by letters, digits, - and _.")
        self._folder = folder
        self._camera_id = camera_id
        self._failed = failed

    @contextmanager
    def keep(self, video: Video) -> Iterator[PacketSink]:
        """A new part, filled by the packets that are given, whole when the block ends; without any, nothing is left."""
        import av

        part = _part(self._folder, self._camera_id, len(parts(self._folder, self._camera_id)) + 1)
        writing: _Writing | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            writing = _Writing(part, video.stream)
        except (av.error.FFmpegError, OSError) as error:
            self._tell(part, error)

        def keep(packet: Packet[VideoStream], capture_ns: int, clock: Clock) -> None:
            nonlocal writing
            if writing is not None:
                try:
                    writing.take(packet, capture_ns, clock)
                except (av.error.FFmpegError, OSError) as error:
                    writing.close()
                    writing = None
                    self._tell(part, error)

        try:
            yield keep
        finally:
            if writing is not None:
                problem = writing.close()
                if not writing.count:
                    part.video.unlink(missing_ok=True)
                    part.times.unlink(missing_ok=True)
                elif problem is not None:
                    self._tell(part, problem)

    def _tell(self, part: Part, error: Exception) -> None:
        """What the disk said, to whoever wants to go on; raised where nobody does."""
        reason = getattr(error, "strerror", None) or type(error).__name__
        fix = "Make room on the disk, or name another folder."
        problem = UserError(f"{part.video} cannot be written: {reason}", fix=fix, exit_code=3)
        if self._failed is None:
            raise problem from None
        self._failed(problem)


class _Writing:
    """Takes packets; the first key frame begins the part."""

    def __init__(self, part: Part, source: VideoStream) -> None:
        import av

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
