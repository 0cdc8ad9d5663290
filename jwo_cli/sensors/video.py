"""Pictures from one opened video: a file, a USB camera, a stream. Reads to its end; says why it ended; never retries.

A file that ends is done. A camera has no end: when its stream closes cleanly, it is gone (`Trouble.ENDED`). `cameras`
connects again. Capture times come from where they are known best (`frames.Clock`).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from jwo_cli.model.units import NS_PER_S

from .addresses import Address, SourceKind
from .frames import BACK_NS, Clock, Frame, KeptClock, LiveClock, OwnClock
from .trouble import CameraError, Trouble, translated

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

PacketSink = Callable[["Packet[VideoStream]", int, Clock], None]
_PRFT = struct.Struct("=q")  # AVProducerReferenceTime: wallclock in µs since 1970, then flags
_BACKLOG = 0.25  # of a picture's spacing: who waits less for the next one reads what has piled up
_BACKLOG_S = 2.0
_DAMAGED_RUN = 100  # packets without one whole picture
_KEPT_STAMPS = 256  # between a packet and its picture; codecs reorder 16 at most


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSettings:
    """How a video is opened. `threads` 0 is one a core; a live camera takes one, as each more delays it by a frame."""

    connect_s: float = 8.0
    silent_s: float = 5.0  # a live camera from which nothing comes that long is silent
    threads: int = 0
    live_threads: int = 1
    transport: str = "tcp"  # for RTSP: lost UDP packets are torn pictures
    size: tuple[int, int] | None = None  # asked of a USB camera
    rate_hz: float | None = None  # asked of a USB camera
    wall_ns: Callable[[], int] = time.time_ns


class Video:
    """An opened video; a context manager. `start_ns` is when a file's first picture was taken, `kept` its own times."""

    def __init__(
        self,
        camera_id: str,
        address: Address,
        settings: VideoSettings | None = None,
        *,
        start_ns: int = 0,
        kept: Mapping[int, int] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self._address = address
        self._settings = settings or VideoSettings()
        self._start_ns = start_ns
        self._kept = KeptClock(kept) if kept else None
        self._live = LiveClock()
        self._container, self.stream = self._open()
        # Motion JPEG over HTTP tells no times: the demuxer numbers the pictures as if there were 25 a second.
        self._timeless = self._container.format.name == "mpjpeg"

    @property
    def own_clock(self) -> OwnClock | None:
        """What is known of a live camera's own clock; None where it did not tell the time yet."""
        return self._live.own

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the device or connection."""
        self._container.close()

    def frames(self, sink: PacketSink | None = None) -> Iterator[Frame]:
        """Every picture in the order of showing. `sink` gets each packet, as it came, with its capture time.

        Raises CameraError: for a live source always in the end, for a file only when it is damaged.
        """
        first: int | None = None
        now = not self._address.live
        stamps: dict[int, tuple[int, Clock]] = {}
        number = failed = 0
        last_ns = -1
        for packet, piled in self._packets():
            now = now or not piled
            if packet.pts is not None and now:
                first = packet.pts if first is None else first
                stamp = stamps[packet.pts] = self._stamp(packet, packet.pts - first)
                if sink is not None and packet.size:
                    sink(packet, *stamp)
            pictures = self._decoded(packet)
            failed = 0 if pictures else failed + 1
            if pictures is None and failed > _DAMAGED_RUN:
                raise self._error(Trouble.DAMAGED, f"{failed} packets in a row hold no picture")
            for picture in pictures if pictures and now else ():
                shown = self._shown(picture.pts, stamps)
                if shown is None or (self._address.live and last_ns - BACK_NS < shown[0] <= last_ns):
                    continue  # from before the live edge, or before one whose clock was known less well
                last_ns = shown[0]
                yield Frame(
                    camera_id=self.camera_id,
                    number=number,
                    capture_ns=shown[0],
                    clock=shown[1],
                    width_px=picture.width,
                    height_px=picture.height,
                    picture=picture,
                )
                number += 1
            while len(stamps) > _KEPT_STAMPS:
                stamps.pop(next(iter(stamps)))
        if self._address.live:
            raise self._error(Trouble.ENDED, "its stream ended")
        if number == 0:
            raise self._error(Trouble.NO_VIDEO, "no picture in it can be decoded")

    def _packets(self) -> Iterator[tuple[Packet[VideoStream], bool]]:
        """Packets, and whether each had piled up while a live stream was being opened: such come too late."""
        import av

        begun = asked = time.monotonic()
        before: int | None = None
        try:
            for packet in self._container.demux(self.stream):
                came = time.monotonic()
                spacing_s = float((packet.pts - before) * packet.time_base) if packet.pts and before else 0.0
                piled = came - asked < max(_BACKLOG * spacing_s, 1e-3) and came - begun < _BACKLOG_S
                before = packet.pts
                yield packet, piled
                asked = time.monotonic()
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, OSError) as error:
            raise translated(self.camera_id, self._address.reveal(), error) from None

    def _decoded(self, packet: Packet[VideoStream]) -> list[Any] | None:
        """Pictures that are ready; None where the packet is damaged (the decoder goes on with the next)."""
        import av

        try:
            return list(packet.decode())
        except av.error.FFmpegError:
            return None

    def _stamp(self, packet: Packet[VideoStream], ticks: int) -> tuple[int, Clock]:
        stream_ns = int(ticks * packet.time_base * NS_PER_S)
        if self._address.kind is SourceKind.USB and packet.pts is not None:
            return int(packet.pts * packet.time_base * NS_PER_S), Clock.DEVICE
        if self._timeless:
            return self._settings.wall_ns(), Clock.ARRIVAL
        if self._address.live:
            steady_ns = time.monotonic_ns()
            return self._live.stamp(stream_ns, self._settings.wall_ns(), _sender_ns(packet), steady_ns=steady_ns)
        if self._kept is not None:
            return self._kept.capture_ns(stream_ns), Clock.BESIDE
        return self._start_ns + stream_ns, Clock.START

    def _shown(self, pts: int | None, stamps: dict[int, tuple[int, Clock]]) -> tuple[int, Clock] | None:
        """A picture's stamp: its packet's; without a time of its own, the oldest packet's that gave none, else now.

        None for a picture whose packet came before a live stream's present.
        """
        if pts is not None and pts in stamps:
            return stamps.pop(pts)
        if pts is not None and self._address.live:
            return None
        if stamps:
            return stamps.pop(next(iter(stamps)))
        if self._address.live:
            return self._settings.wall_ns(), Clock.ARRIVAL
        return self._start_ns, Clock.START

    def _open(self) -> tuple[InputContainer, VideoStream]:
        import av

        settings, kind = self._settings, self._address.kind
        timeout = (settings.connect_s, settings.silent_s if self._address.live else None)
        form = "video4linux2,v4l2" if kind is SourceKind.USB else None
        plain = self._address.reveal()
        if kind is SourceKind.FILE and not Path(plain).is_file():
            raise self._error(Trouble.NOT_FOUND, f"there is no file {plain}")
        try:
            container = av.open(plain, "r", format=form, options=_options(kind, settings), timeout=timeout)
        except (av.error.FFmpegError, OSError) as error:
            raise translated(self.camera_id, plain, error) from None
        if not container.streams.video:
            container.close()
            raise self._error(Trouble.NO_VIDEO, "there is no video in it")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = settings.live_threads if self._address.live else settings.threads
        return container, stream

    def _error(self, kind: Trouble, problem: str) -> CameraError:
        return CameraError(self.camera_id, kind, problem, address=self._address.reveal())


def _options(kind: SourceKind, settings: VideoSettings) -> dict[str, str]:
    match kind:
        case SourceKind.RTSP:
            # Measuring the rate would delay the first picture by 20 pictures, and nobody asks for it.
            wait = str(round(settings.silent_s * 1e6))
            return {"rtsp_transport": settings.transport, "timeout": wait, "fpsprobesize": "0"}
        case SourceKind.USB:
            options = {"timestamps": "abs"}  # the kernel's stamps, as wall clock
            if settings.size is not None:
                options["video_size"] = f"{settings.size[0]}x{settings.size[1]}"
            if settings.rate_hz is not None:
                options["framerate"] = f"{settings.rate_hz:g}"
            return options
        case SourceKind.HTTP:
            return {"rw_timeout": str(round(settings.silent_s * 1e6))}
        case SourceKind.FILE:
            return {}


def _sender_ns(packet: Packet[VideoStream]) -> int | None:
    """When the sender took the picture by its own wall clock, from its reports; None before the first report."""
    if not packet.has_sidedata("prft"):
        return None
    return int(_PRFT.unpack_from(bytes(packet.get_sidedata("prft")))[0]) * 1_000
