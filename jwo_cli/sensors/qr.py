"""QR codes drawn: entry codes as pictures, for terminals and as modules for whoever draws them elsewhere.

Level M: a version-2 code of 38 characters then mends 15 % of itself, and its modules stay as large as they can be.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import segno

BORDER = 4  # modules of quiet zone, as ISO/IEC 18004 asks


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m", boost_error=False)


def version(text: str) -> int:
    """The QR version (size) that a text needs: 2 has 25 modules a side."""
    return int(_code(text).version)


def terminal(text: str) -> str:
    """A QR code of half blocks, two modules a character, readable on dark and light terminals alike."""
    out = StringIO()
    _code(text).terminal(out=out, border=BORDER, compact=True)
    return out.getvalue()


def write_png(text: str, path: Path, *, module_px: int = 10) -> None:
    """A QR code as a PNG file, `module_px` pixels a module. Raises OSError where it cannot be written."""
    _code(text).save(str(path), kind="png", scale=module_px, border=BORDER)


def modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """The modules with their quiet zone, rows of dark (True) and light."""
    return tuple(tuple(bool(module) for module in row) for row in _code(text).matrix_iter(border=BORDER))
