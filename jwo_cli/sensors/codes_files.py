"""Codes in picture files and videos: the same reader, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

from .addresses import address_of
from .codes import Code, read_codes
from .pictures import VIDEOS
from .redaction import redact
from .video import Video

_VIDEO_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read in one picture; `at_s` is its time in a video, None for a picture file."""

    file: Path
    at_s: float | None
    codes: tuple[Code, ...]


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as grey [h, w]; JPEG, PNG, WebP and others. Raises UserError where it is none."""
    import cv2

    if not path.is_file():
        problem = f"{path} is a folder" if path.is_dir() else f"{redact(str(path))} does not exist"
        raise UserError(problem, fix="Name picture files or videos.")
    if path.suffix.lower() in VIDEOS:
        raise UserError(f"{path} is a video", fix="Name a picture file.")
    # Read by ourselves: OpenCV opens no paths with letters that the system's code page has not.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it would print is told below
    grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) if path.stat().st_size else None
    if grey is None:
        raise UserError(f"{path} is no picture that can be read", fix="Use whole JPEG, PNG or WebP files.")
    return np.asarray(grey, np.uint8)


def read_files(paths: list[Path]) -> Iterator[Seen]:
    """The codes in each picture, and in two frames a second of each video (those in which any is).

    Raises UserError at the first file that cannot be read.
    """
    for path in paths:
        if path.suffix.lower() not in VIDEOS:
            yield Seen(file=path, at_s=None, codes=read_codes(read_picture(path)))
            continue
        due_s = 0.0
        with Video(path.name, address_of(str(path))) as video:
            for frame in video.frames():
                at_s = frame.capture_ns / 1e9
                if at_s >= due_s:
                    due_s = at_s + _VIDEO_EVERY_S
                    codes = read_codes(np.ascontiguousarray(frame.grey()))
                    if codes:
                        yield Seen(file=path, at_s=at_s, codes=codes)
