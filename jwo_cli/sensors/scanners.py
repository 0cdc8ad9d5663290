"""Code scanners on a wire: a serial line that gives a text a line, or a USB scanner that types like a keyboard.

A keyboard's events are read from the device itself, so that no window needs the focus and nobody types into the store;
the layout is the scanners' usual one, US English. Reading blocks, so it is done in a thread of its own.
"""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.model.findings import UserError

from .own_thread import OwnThread

LONGEST = 4_096
# struct input_event of Linux on 64 bit: seconds, microseconds, type, code, value
_EVENT = struct.Struct("llHHi")
_KEY, _DOWN = 1, 1
_ENTER = (28, 96)
_SHIFT = (42, 54)
# Linux's key codes in order, and what they give without and with shift.
_CODES = (*range(2, 14), *range(16, 28), *range(30, 42), 43, *range(44, 54), 57)
_PLAIN = dict(zip(_CODES, "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./ ", strict=True))
_SHIFTED = dict(zip(_CODES, '!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"~|ZXCVBNM<>? ', strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """A scanner's device file; `baud` for serial lines, None for keyboards (`/dev/input/…`)."""

    device: str
    baud: int | None = 9_600


async def scanned(scanner: Scanner) -> AsyncGenerator[str]:
    """The texts that a scanner reads, until its device goes away. Raises UserError where it cannot be opened."""
    thread = OwnThread(scanner.device)
    opened: _File | _Serial | None = None
    try:
        opened = await thread.do(_open, scanner)
        decoder = _Lines() if scanner.baud is not None else _Keys()
        while True:
            data = await thread.do(opened.read)
            if data is None:
                return
            for text in decoder.take(data):
                yield text
    finally:
        thread.close(None if opened is None else opened.close)


class _Lines:
    """Bytes to lines; what is longer than any code is thrown away."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = self._rest[-LONGEST:]
        for line in lines:
            text = line.decode("utf-8", errors="replace").strip(" \0\2\3")
            if text and len(text) <= LONGEST:
                yield text


class _Keys:
    """A keyboard's events to lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._held: set[int] = set()
        self._text = ""

    def take(self, data: bytes) -> Iterator[str]:
        data = self._rest + data
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole]):
            if kind != _KEY:
                continue
            if code in _SHIFT:
                (self._held.add if value else self._held.discard)(code)
            elif value == _DOWN and code in _ENTER:
                if self._text:
                    yield self._text
                self._text = ""
            elif value == _DOWN:
                self._text = (self._text + (_SHIFTED if self._held else _PLAIN).get(code, ""))[-LONGEST:]


class _File:
    """An opened device: `read` waits up to half a second, and gives None when the device is gone."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self) -> bytes | None:
        import select

        try:
            ready, _, _ = select.select([self._handle], [], [], 0.5)
            if not ready:
                return b""
            return os.read(self._handle, 4_096) or None
        except OSError:
            return None

    def close(self) -> None:
        os.close(self._handle)


class _Serial:
    """An opened serial line."""

    def __init__(self, device: str, baud: int) -> None:
        import serial

        self._gone: type[Exception] = serial.SerialException
        self._line = serial.Serial(device, baud, timeout=0.5)

    def read(self) -> bytes | None:
        try:
            return bytes(self._line.read(max(1, self._line.in_waiting)))
        except (self._gone, OSError, TypeError):
            return None

    def close(self) -> None:
        self._line.close()


def _open(scanner: Scanner) -> _File | _Serial:
    try:
        if scanner.baud is None:
            return _File(os.open(scanner.device, os.O_RDONLY | os.O_NONBLOCK))
        return _Serial(scanner.device, scanner.baud)
    except (OSError, ValueError) as error:
        there = Path(scanner.device).exists()
        fix = (
            "Give this user the right to read it (group dialout or input)." if there else "Check the plug and the name."
        )
        raise UserError(f"the scanner {scanner.device} cannot be opened ({type(error).__name__})", fix=fix) from None
