"""QR codes and GTIN barcodes in pictures, by two decoders that check each other.

A QR code carries Reed-Solomon words: one decoder that reads it is enough. A GTIN barcode carries one check digit, which
one misreading in ten passes: both decoders must agree, or one must read the same thing in several renderings of the
picture (zxing-cpp, which asks for several lines that agree, in two), and nothing else may be read at the same place
nearly as often. EAN-8 and UPC-E are shorter still: zxing-cpp must be among their readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.gtin import gtin_problem, upc_e_expand

from .decoders import LINEAR, WEAK, Reader, Reading, Symbology, read_zbar, read_zxing

Grey = NDArray[np.uint8]

_LARGEST_PX = 1_600  # longer pictures are looked at smaller first: a code that needs more is very far away
_SMALL_PX = 1_200  # and only smaller ones are enlarged as well
_TILED_PX = 40  # smaller pictures have no parts to be evened, and nothing to lose
_SHARPEN = 1.5
_AGREED = 2  # readings by both decoders together
_ALONE = {Reader.ZXING: 2, Reader.ZBAR: 3}  # or by one
_CLEAR = 2  # times as often as anything else at its place


class Settled(StrEnum):
    """Why a reading is believed."""

    CORRECTED = "corrected"  # its own error correction
    AGREED = "agreed"  # both decoders
    REPEATED = "repeated"  # one decoder, in several renderings


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was read: `corners_px` are four (x, y); `gtin` is 8 or 13 digits, None for QR codes."""

    symbology: Symbology
    text: str
    gtin: str | None
    corners_px: tuple[tuple[float, float], ...]
    readers: tuple[Reader, ...]
    settled: Settled


def read_codes(image: NDArray[np.uint8], *, symbologies: Sequence[Symbology] = tuple(Symbology)) -> tuple[Code, ...]:
    """Every code in a picture (grey [h, w] or BGR [h, w, 3]), from top to bottom.

    Renderings are tried until something is read and nothing is left in doubt.
    """
    grey = as_grey(image)
    readings: list[Reading] = []
    found: tuple[Code, ...] = ()
    for number, (rendering, scale) in enumerate(renderings(grey)):
        readings += read_zxing(rendering, symbologies, scale=scale, rendering=number)
        readings += read_zbar(rendering, symbologies, scale=scale, rendering=number)
        found, doubtful = settle(readings)
        if found and not doubtful:
            break
    return found


def as_grey(image: NDArray[np.uint8]) -> Grey:
    """Luma of a BGR picture; a grey one as it is."""
    if image.ndim == 2:
        return image
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def renderings(grey: Grey) -> Iterator[tuple[Grey, float]]:
    """The picture in other renderings with their scale: as it is, enlarged, evened, sharpened, and smaller."""
    import cv2

    longest = max(grey.shape)
    if longest > _LARGEST_PX:
        scale = _LARGEST_PX / longest
        yield resized(grey, scale), scale
        yield grey, 1.0
    else:
        yield grey, 1.0
    if longest <= _SMALL_PX:
        yield resized(grey, 2.0), 2.0
    if min(grey.shape) >= _TILED_PX:
        yield np.asarray(cv2.createCLAHE(3.0, (8, 8)).apply(grey), np.uint8), 1.0
    yield sharpened(grey, 2.0), 1.0
    if min(grey.shape) >= _TILED_PX:
        yield resized(grey, 0.5), 0.5


def resized(grey: Grey, scale: float) -> Grey:
    """Cubic when enlarged, by area when made smaller."""
    import cv2

    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    size = (max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1))
    return np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)


def sharpened(grey: Grey, sigma_px: float) -> Grey:
    """What is finer than `sigma_px`, stronger: undoes some blur."""
    import cv2

    soft = cv2.GaussianBlur(grey, (0, 0), sigma_px)
    return np.asarray(cv2.addWeighted(grey, 1 + _SHARPEN, soft, -_SHARPEN, 0), np.uint8)


def settle(readings: Sequence[Reading]) -> tuple[tuple[Code, ...], bool]:
    """Codes that are believed, from top to bottom, and whether any reading is left in doubt.

    Each reading votes once for every decoder and rendering; readings at one place compete.
    """
    found: list[Code] = []
    doubtful = False
    for place in _places(readings):
        codes = _corrected(place) if place[0].symbology is Symbology.QR else _agreed(place)
        doubtful = doubtful or not codes
        found += codes
    found.sort(key=lambda code: (min(y for _, y in code.corners_px), min(x for x, _ in code.corners_px)))
    return tuple(found), doubtful


def _places(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Readings grouped by where they are: a barcode's height is not known, so that its middle counts."""
    places: list[list[Reading]] = []
    for reading in readings:
        for place in places:
            if _together(place[0], reading):
                place.append(reading)
                break
        else:
            places.append([reading])
    return places


def _together(one: Reading, other: Reading) -> bool:
    if (one.symbology is Symbology.QR) != (other.symbology is Symbology.QR):
        return False
    reach = max(one.span_px, other.span_px) / 2
    return float(np.hypot(one.centre_px[0] - other.centre_px[0], one.centre_px[1] - other.centre_px[1])) <= reach


def _corrected(place: list[Reading]) -> list[Code]:
    """QR codes at one place, usually one: zxing-cpp knows more alphabets, so that its texts go first."""
    texts: dict[str, Reading] = {}
    for reading in sorted(place, key=lambda each: each.reader is not Reader.ZXING):
        if reading.reader is Reader.ZXING or not texts:
            texts.setdefault(reading.text, reading)
    return [_code(best, place, Settled.CORRECTED) for best in texts.values()]


def _agreed(place: list[Reading]) -> list[Code]:
    """The barcode of one place that is believed, if any is."""
    votes: dict[str, list[Reading]] = {}
    for reading in place:
        gtin = gtin_of(reading)
        if gtin is not None:
            votes.setdefault(gtin, []).append(reading)
    ranked = sorted(votes.values(), key=lambda own: -_count(own))
    if not ranked or (len(ranked) > 1 and _count(ranked[0]) < _CLEAR * _count(ranked[1])):
        return []
    own = ranked[0]
    readers = {reading.reader for reading in own}
    if any(reading.symbology in WEAK for reading in own) and Reader.ZXING not in readers:
        return []
    agreed = len(readers) > 1
    if _count(own) < (_AGREED if agreed else _ALONE[own[0].reader]):
        return []
    return [_code(own[0], own, Settled.AGREED if agreed else Settled.REPEATED)]


def _count(readings: Sequence[Reading]) -> int:
    return len({(reading.reader, reading.rendering) for reading in readings})


def _code(best: Reading, own: Sequence[Reading], settled: Settled) -> Code:
    readers = tuple(reader for reader in Reader if any(reading.reader is reader for reading in own))
    return Code(
        symbology=best.symbology,
        text=best.text,
        gtin=gtin_of(best),
        corners_px=best.corners_px,
        readers=readers,
        settled=settled,
    )


def gtin_of(reading: Reading) -> str | None:
    """The GTIN of a barcode's reading, 8 digits for EAN-8 and 13 else; None where its check digit does not fit."""
    if reading.symbology not in LINEAR:
        return None
    digits = reading.text.strip()
    if reading.symbology is Symbology.UPC_E and len(digits) < 12:
        digits = upc_e_expand(digits) or digits
    if gtin_problem(digits) is not None:
        return None
    return digits if len(digits) == 8 else digits.zfill(13)
