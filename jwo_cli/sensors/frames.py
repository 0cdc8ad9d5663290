"""One picture of one camera with the time it was taken, and how well that time is known.

A frame keeps the decoder's own picture and converts only what is asked for: the grey plane costs nothing (it is the
luma that the decoder wrote), colours cost a conversion. Whoever keeps frames for long keeps the decoder's buffers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Image
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Grey = NDArray[np.uint8]  # [height, width]

# Pixel formats whose first plane is the luma, a byte a pixel.
_LUMA = frozenset(
    ("gray", "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "yuv411p", "yuv410p")
)


# A camera's own clock is believed so far from when its pictures come: nothing comes before it was taken, and some take
# a second to come (an encoder that looks ahead, a relay, a weak Wi-Fi). Few do: from `DOUBT_NS` on it is to be told.
AHEAD_NS, DOUBT_NS, BEHIND_NS = 750 * NS_PER_MS, 750 * NS_PER_MS, 1250 * NS_PER_MS
_WELL_NS = 100 * NS_PER_MS
BACK_NS = 2 * NS_PER_S  # stamps that fall back further begin anew: a clock was set


class Clock(StrEnum):
    """What a capture time rests on."""

    RTCP = "rtcp"  # the camera's own wall clock, by its sender reports
    ARRIVAL = "arrival"  # when it came here, less the least delay; the stream's own spacing
    DEVICE = "device"  # the kernel's stamp on a camera of this machine
    BESIDE = "beside"  # kept beside the recording when it was made
    START = "start"  # a file's own timestamps from a start that was given (or zero)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of `camera_id`, the `number`-th (from 0) since it was opened, taken at `capture_ns`."""

    camera_id: str
    number: int
    capture_ns: int
    clock: Clock
    width_px: int
    height_px: int
    picture: VideoFrame = field(repr=False, compare=False)

    def grey(self) -> Grey:
        """Luma [height, width], a view of the decoder's buffer where its format allows: read it, do not keep it."""
        picture = self.picture
        if picture.format.name not in _LUMA:
            return np.asarray(picture.to_ndarray(format="gray"), np.uint8)
        plane = picture.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        view: Grey = rows[: self.height_px, : self.width_px]
        return view

    def image(self) -> Image:
        """BGR [height, width, 3], an own copy."""
        return np.asarray(self.picture.to_ndarray(format="bgr24"), np.uint8)


class ArrivalClock:
    """Capture times for a stream whose sender tells none: its own spacing, placed by the last minute's least delay.

    Networks only add delay, so the smallest difference between arrival and stream time is nearest to the truth; a
    window lets slow drift through (a camera's crystal is off by some 50 ppm: 3 ms in a minute). Differences are taken
    by a clock that nobody sets: where the machine's is, what a picture took to come stays what it was.
    """

    def __init__(self, window_ns: int = 60 * NS_PER_S) -> None:
        self._window_ns = window_ns
        self._least: deque[tuple[int, int]] = deque()  # (arrival, difference), both ascending

    def capture_ns(self, stream_ns: int, arrival_ns: int, steady_ns: int) -> int:
        """When the picture of stream time `stream_ns` was taken, which came at `arrival_ns`, steadily `steady_ns`."""
        gap = steady_ns - stream_ns
        while self._least and self._least[-1][1] >= gap:
            self._least.pop()
        self._least.append((steady_ns, gap))
        while self._least[0][0] < steady_ns - self._window_ns:
            self._least.popleft()
        return stream_ns + self._least[0][1] + arrival_ns - steady_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnClock:
    """A camera's own clock: by how much it is off, 0 where nothing says so, and whether it is believed all the same."""

    off_ns: int = 0
    believed: bool = True


class LiveClock:
    """Capture times of a live stream: by its sender reports where it has any that can be believed, else by arrival.

    A camera whose own clock is further from the least delayed arrival than `AHEAD_NS` or `BEHIND_NS` (no NTP server
    set, a wrong time zone, minutes lost in a month) is not believed; `own` tells by how much it is off. To believe
    it would show everybody twice, to the cameras beside it, where they are and where they were. Below zero it may be
    the way from the camera as well, and so more is allowed there: to stamp what is right by arrival would do the same.
    """

    def __init__(self) -> None:
        self._arrival = ArrivalClock()
        self.own: OwnClock | None = None  # until the camera tells the time

    def stamp(
        self, stream_ns: int, arrival_ns: int, sender_ns: int | None, *, steady_ns: int | None = None
    ) -> tuple[int, Clock]:
        """Capture time and what it rests on, in any order (codecs send some before those shown earlier).

        `steady_ns` is the arrival by a clock that nobody sets; left out where that of `arrival_ns` is one.
        """
        steady_ns = arrival_ns if steady_ns is None else steady_ns
        capture_ns = self._arrival.capture_ns(stream_ns, arrival_ns, steady_ns)
        if sender_ns is None:
            return capture_ns, Clock.ARRIVAL
        before, off_ns = self.own or OwnClock(), sender_ns - capture_ns
        # Once off it has to be well within: stamps that go back and forth between two clocks cost pictures.
        well_ns = 0 if before.believed else _WELL_NS
        if not well_ns - BEHIND_NS <= off_ns <= AHEAD_NS - well_ns:
            self.own = OwnClock(off_ns=off_ns, believed=False)
            return capture_ns, Clock.ARRIVAL
        doubt_ns = DOUBT_NS - (_WELL_NS if before.off_ns else 0)
        self.own = OwnClock(off_ns=off_ns if off_ns < -doubt_ns else 0)
        return sender_ns, Clock.RTCP


class KeptClock:
    """Capture times kept beside a recording: stream time from the first picture -> capture time, the nearest one."""

    def __init__(self, kept: Mapping[int, int]) -> None:
        self._stream_ns = np.array(sorted(kept), np.int64)
        self._capture_ns = np.array([kept[stream] for stream in sorted(kept)], np.int64)

    def capture_ns(self, stream_ns: int) -> int:
        """The time of the nearest kept picture, moved by what is between them (a container rounds)."""
        after = int(np.searchsorted(self._stream_ns, stream_ns).clip(0, len(self._stream_ns) - 1))
        before = max(after - 1, 0)
        gaps = abs(self._stream_ns[[before, after]] - stream_ns)
        nearest = before if gaps[0] <= gaps[1] else after
        return int(self._capture_ns[nearest] + stream_ns - self._stream_ns[nearest])
