"""Pictures into a video file, each with its time: what a camera would have kept.

MPEG-4 part 2, which every build of FFmpeg can write and read; B frames are left out, so that the order is that of the
pictures.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from jwo_cli.estimate.pixels import Image

_TICKS = 10_000  # a second; MPEG-4 counts in 16 bits


class FilmWriter:
    """Writes one camera's pictures to an MP4 file. Use as a context manager."""

    def __init__(self, path: Path, *, width_px: int, height_px: int, start_ns: int, fps: float = 10.0) -> None:
        self._start_ns = start_ns
        self._output = av.open(str(path), "w", format="mp4")
        self._stream = self._output.add_stream("mpeg4", rate=Fraction(fps).limit_denominator(1_000))
        self._stream.width, self._stream.height, self._stream.pix_fmt = width_px, height_px, "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream.codec_context.options = {"qscale": "3", "bf": "0"}
        self._stream.bit_rate = 4_000_000

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self._output.mux(self._stream.encode(None))
        self._output.close()

    def write(self, image: Image, at_ns: int) -> None:
        """The next picture, later than the one before."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = round((at_ns - self._start_ns) * _TICKS / 1e9)
        frame.time_base = Fraction(1, _TICKS)
        self._output.mux(self._stream.encode(frame))
