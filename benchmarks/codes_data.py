"""Photographed codes with their texts, read in place, and what each decoder by itself makes of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.codes import gtin_of
from jwo_cli.sensors.codes_files import read_picture
from jwo_cli.sensors.decoders import Reading, Symbology, read_zbar, read_zxing

Grey = NDArray[np.uint8]
ROOT = Path(__file__).resolve().parent.parent
KINDS = tuple(Symbology)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture and what is to be read in it; None where nothing is there."""

    folder: str
    name: str
    grey: Grey
    text: str | None

    def right(self, text: str) -> bool:
        """Whether this is what the picture shows: add-ons of books aside, as one part of a message in several codes."""
        if self.text is None:
            return False
        if self.folder.startswith(("ean", "upc")):
            return text == self.text.strip()[:13]
        wanted, read = (each.replace("\r\n", "\n").replace("\x1d", "").strip() for each in (self.text, text))
        return wanted == read or (self.folder == "qrcode-7" and bool(read) and read in wanted)


def folder() -> Path:
    """Where the photographs lie."""
    return Path(os.environ.get("JWO_SHARED_DATA") or ROOT.parent / "shared" / "data") / "codes"


def photos() -> Iterator[Photo]:
    """Every photograph, by folder and name."""
    for place in sorted(path for path in folder().iterdir() if path.is_dir()):
        whole = [place / "01.txt"] if place.name == "qrcode-7" else []  # one message in four codes
        for path in sorted(place.iterdir()):
            if path.suffix in {".txt", ".bin"}:
                continue
            told = next(
                (each.read_text(encoding="utf-8") for each in (path.with_suffix(".txt"), *whole) if each.is_file()),
                None,
            )
            try:
                grey = read_picture(path)
            except UserError:  # two of the false positives are too small for OpenCV's reader
                grey = np.zeros((1, 1), np.uint8)
            yield Photo(folder=place.name, name=path.name, grey=grey, text=told)


def texts(readings: Sequence[Reading]) -> set[str]:
    """What was read: GTINs for barcodes, the text for QR codes."""
    return {gtin_of(reading) or reading.text for reading in readings}


def alone(read: Callable[..., list[Reading]], photo: Photo) -> set[str]:
    """What one decoder reads in the picture as it is."""
    return texts(read(photo.grey, KINDS))


def zxing(photo: Photo) -> set[str]:
    """What zxing-cpp reads by itself."""
    return alone(read_zxing, photo)


def zbar(photo: Photo) -> set[str]:
    """What zbar reads by itself."""
    return alone(read_zbar, photo)
