"""Small videos for tests, encoded here: noise, a picture number, people-sized blocks that walk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path, pictures: Iterable[np.ndarray], *, rate_hz: int = 10, codec: str = "libx264", **options: str
) -> Path:
    """Grey [height, width] or BGR [height, width, 3] pictures as a video file."""
    with av.open(str(path), "w") as output:
        stream = None
        for number, picture in enumerate(pictures):
            if stream is None:
                stream = output.add_stream(codec, rate=rate_hz, options=options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            form = "gray" if picture.ndim == 2 else "bgr24"
            frame = av.VideoFrame.from_ndarray(picture, format=form).reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, rate_hz)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def noisy(height: int, width: int, count: int, draw: Callable[[int, np.ndarray], None] | None = None) -> Iterable:
    """Grey pictures with a sensor's noise; `draw` paints into each before the noise comes."""
    random = np.random.default_rng(0)
    for number in range(count):
        picture = np.full((height, width), 110.0)
        if draw is not None:
            draw(number, picture)
        yield np.clip(picture + random.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
