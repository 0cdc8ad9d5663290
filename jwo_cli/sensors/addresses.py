"""Where a camera is: a reference (env:NAME, file:PATH that holds the address), a URL, a USB camera, or a video file.

An `Address` never shows its password: not in repr, not in str, not in JSON (its fields are not data).
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path

from jwo_cli.model.findings import UserError

from .redaction import redact

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_USB = re.compile(r"usb:(?P<number>\d+)")
_SCHEMES = ("rtsp", "rtsps", "http", "https")


class SourceKind(StrEnum):
    """How pictures come."""

    RTSP = "rtsp"
    HTTP = "http"
    USB = "usb"
    FILE = "file"


class Address:
    """An address that can be opened; `str()` shows it without its password. `live` streams never end by themselves."""

    __slots__ = ("_open", "kind")

    def __init__(self, plain: str, kind: SourceKind) -> None:
        self._open = plain
        self.kind = kind

    @property
    def live(self) -> bool:
        """Whether this is a camera rather than a file."""
        return self.kind is not SourceKind.FILE

    def reveal(self) -> str:
        """The address with its password: for opening it, and for nothing else."""
        return self._open

    def __str__(self) -> str:
        return redact(self._open, self._open)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __reduce__(self) -> str:
        raise TypeError("an address holds a password and is not stored")


def address_of(reference: str) -> Address:
    """The address behind `env:NAME`, `file:PATH`, a URL, `usb:0`, a device or a video file.

    Raises UserError, which never shows a value, where a reference leads nowhere or the scheme is unknown.
    """
    plain = _resolved(reference.strip())
    usb = _USB.fullmatch(plain)
    if usb is not None:
        return Address(f"/dev/video{usb['number']}", SourceKind.USB)
    if plain.startswith("/dev/"):
        return Address(plain, SourceKind.USB)
    url = _URL.match(plain)
    if url is None:
        return Address(plain, SourceKind.FILE)
    scheme = url["scheme"].lower()
    if scheme not in _SCHEMES:
        known = ", ".join(f"{name}://" for name in _SCHEMES)
        raise UserError(f"a camera's address begins with {scheme}://", fix=f"Known are {known}, usb:0 and files.")
    return Address(plain, SourceKind.RTSP if scheme.startswith("rtsp") else SourceKind.HTTP)


def absent(reference: str) -> str:
    """Why a reference leads nowhere on this machine, which may be another one's to follow; empty where it leads."""
    try:
        _resolved(reference.strip())
    except UserError as error:
        return error.problem
    return ""


def _resolved(reference: str) -> str:
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(name, "").strip()
        if not value:
            raise UserError(f"the variable {name} that holds a camera's address is not set", fix=f"Set {name}.")
        return value
    if scheme == "file" and not name.startswith("//"):
        try:
            value = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            problem = f"the file {name} that holds a camera's address cannot be read ({reason})"
            raise UserError(problem, fix="Write the address, and nothing else, into it.") from None
        if not value or "\n" in value:
            raise UserError(f"the file {name} holds no address", fix="Write the address, and nothing else, into it.")
        return value
    if not reference:
        raise UserError("a camera has no address", fix="Write env:NAME, file:PATH, usb:0, or a video file.")
    return reference
