"""The two decoders of codes, alike from outside: zxing-cpp, and zbar where the system's library is installed.

They are asked for QR codes and GTIN barcodes only: every other symbology is a way to read what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


class Symbology(StrEnum):
    """What kinds of codes are read."""

    QR = "qr"
    EAN_13 = "ean13"
    EAN_8 = "ean8"
    UPC_A = "upca"
    UPC_E = "upce"


LINEAR = frozenset((Symbology.EAN_13, Symbology.EAN_8, Symbology.UPC_A, Symbology.UPC_E))
WEAK = frozenset((Symbology.EAN_8, Symbology.UPC_E))  # so few bars that a shadow may pass for one

_ZXING = {
    Symbology.QR: "QRCode",
    Symbology.EAN_13: "EAN13",
    Symbology.EAN_8: "EAN8",
    Symbology.UPC_A: "UPCA",
    Symbology.UPC_E: "UPCE",
}
_ZBAR = {
    Symbology.QR: "QRCODE",
    Symbology.EAN_13: "EAN13",
    Symbology.EAN_8: "EAN8",
    Symbology.UPC_A: "UPCA",
    Symbology.UPC_E: "UPCE",
}


class Reader(StrEnum):
    """A decoder."""

    ZXING = "zxing"
    ZBAR = "zbar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one decoder read in one rendering; `corners_px` are four (x, y) in the picture before it was rendered."""

    symbology: Symbology
    text: str
    reader: Reader
    rendering: int
    corners_px: tuple[tuple[float, float], ...]

    @property
    def centre_px(self) -> tuple[float, float]:
        """The mean of the corners."""
        return (
            sum(x for x, _ in self.corners_px) / len(self.corners_px),
            sum(y for _, y in self.corners_px) / len(self.corners_px),
        )

    @property
    def span_px(self) -> float:
        """The longest distance between corners."""
        corners = np.array(self.corners_px)
        return float(np.linalg.norm(corners[:, None] - corners[None], axis=2).max())


@cache
def _zbar() -> ModuleType | None:
    """zbar, None where the system's library is missing."""
    try:
        from pyzbar import pyzbar
    except ImportError:
        return None
    found: ModuleType = pyzbar
    return found


def has_zbar() -> bool:
    """Whether the second decoder is here."""
    return _zbar() is not None


def read_zxing(
    grey: Grey,
    symbologies: Sequence[Symbology],
    *,
    scale: float = 1.0,
    rendering: int = 0,
    downscale: bool = True,
    globally: bool = False,
) -> list[Reading]:
    """What zxing-cpp reads. `downscale` lets it look at smaller copies too; `globally` sets one threshold for all."""
    import zxingcpp

    formats = zxingcpp.BarcodeFormats([getattr(zxingcpp.BarcodeFormat, _ZXING[each]) for each in symbologies])
    binarizer = zxingcpp.Binarizer.GlobalHistogram if globally else zxingcpp.Binarizer.LocalAverage
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(grey),
        formats=formats,
        text_mode=zxingcpp.TextMode.Plain,
        try_downscale=downscale,
        binarizer=binarizer,
    )
    names = {_ZXING[each]: each for each in symbologies}
    out = []
    for each in found:
        place = each.position
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        symbology = names.get(each.format.name)
        if symbology is not None and each.text:
            out.append(
                Reading(
                    symbology=symbology,
                    text=each.text,
                    reader=Reader.ZXING,
                    rendering=rendering,
                    corners_px=tuple((corner.x / scale, corner.y / scale) for corner in corners),
                )
            )
    return out


def read_zbar(grey: Grey, symbologies: Sequence[Symbology], *, scale: float = 1.0, rendering: int = 0) -> list[Reading]:
    """What zbar reads; none where it is not installed."""
    zbar = _zbar()
    if zbar is None:
        return []
    wanted = [getattr(zbar.ZBarSymbol, _ZBAR[each]) for each in symbologies]
    try:
        found = zbar.decode(np.ascontiguousarray(grey), symbols=wanted)
    except ValueError:  # pyzbar 0.1.9 knows no orientation of a code that is one of several
        return []
    names = {_ZBAR[each]: each for each in symbologies}
    return [
        Reading(
            symbology=names[each.type],
            text=each.data.decode("utf-8", errors="replace"),
            reader=Reader.ZBAR,
            rendering=rendering,
            corners_px=tuple((x / scale, y / scale) for x, y in _box(each)),
        )
        for each in found
        if each.type in names and each.data
    ]


def _box(found: Any) -> tuple[tuple[int, int], ...]:
    left, top, width, height = found.rect
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
