"""Pictures for calibration from files, folders, patterns and videos, in one order that depends on names alone."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

from .redaction import redact

Grey = NDArray[np.uint8]
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm")
VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm", ".ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One grey picture [height, width]; `number` counts from 0 in its source (a video's frame number)."""

    name: str
    number: int
    grey: Grey


def pictures(source: str, *, every: int = 1) -> Iterator[Picture]:
    """All pictures of a file, a folder, a pattern such as 'left*.jpg', or a video (each `every`-th frame).

    Raises UserError where there are none, or one cannot be read.
    """
    path = Path(source)
    if path.suffix.lower() in VIDEOS:
        yield from _frames(path, every)
        return
    for number, file in enumerate(_files(source)):
        if number % every == 0:
            yield Picture(name=file.name, number=number, grey=read_grey(file))


def _files(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        found = [item for item in path.iterdir() if item.suffix.lower() in IMAGES]
    elif path.is_file():
        found = [path]
    else:
        found = [Path(item) for item in glob.glob(source)]  # noqa: PTH207 - the pattern may be absolute
    if not found:
        fix = "Name an image, a video, a folder of images, or a pattern in quotes ('left*.jpg')."
        raise UserError(f"there are no pictures at {redact(source)}", fix=fix)
    return sorted(found)


def read_grey(file: Path) -> Grey:
    """One image as grey values. Raises UserError where it is none."""
    import cv2

    if not file.is_file():
        raise UserError(f"{redact(str(file))} does not exist", fix="Check the path.")
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise UserError(f"{file} is no image that can be read", fix="Use whole JPEG or PNG files.")
    return np.asarray(grey, dtype=np.uint8)


def read_colours(file: Path) -> NDArray[np.uint8]:
    """One image in BGR [height, width, 3]. Raises UserError where it is none."""
    import cv2

    if not file.is_file():
        raise UserError(f"{redact(str(file))} does not exist", fix="Check the path.")
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise UserError(f"{file} is no image that can be read", fix="Use whole JPEG or PNG files.")
    return np.asarray(image, dtype=np.uint8)


def _frames(path: Path, every: int) -> Iterator[Picture]:
    import cv2

    if not path.is_file():
        raise UserError(f"{redact(str(path))} does not exist", fix="Check the path.")
    capture = cv2.VideoCapture(str(path))
    number = 0
    try:
        while True:
            good, frame = capture.read()
            if not good:
                break
            if number % every == 0:
                grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
                yield Picture(name=f"{path.name}#{number}", number=number, grey=np.asarray(grey, dtype=np.uint8))
            number += 1
    finally:
        capture.release()
    if number == 0:
        raise UserError(f"{path} holds no frame that can be decoded", fix="Convert it to H.264 in MP4, or check it.")
