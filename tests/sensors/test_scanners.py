"""Scanners on a wire: the texts they read, from a pseudo terminal and from a keyboard's events."""

from __future__ import annotations

import asyncio
import os
import struct
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("serial")

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.scanners import _PLAIN, _SHIFTED, Scanner, _Keys, _Lines, scanned

CODE = "FB2Q:O0E6HZOKJ0$G0284VY39H6NYMTXD.54V0"


async def _texts(scanner: Scanner, count: int) -> list[str]:
    got: list[str] = []
    async with asyncio.timeout(10), aclosing(scanned(scanner)) as texts:
        async for text in texts:
            got.append(text)
            if len(got) == count:
                break
    return got


def test_a_serial_line_gives_a_text_a_line() -> None:
    """Whatever ends its lines, also in pieces."""
    wire, device = os.openpty()

    async def story() -> list[str]:
        reading = asyncio.create_task(_texts(Scanner(device=os.ttyname(device)), 3))
        await asyncio.sleep(0.3)
        for piece in (CODE[:9], CODE[9:] + "\r", "\n\x02second\x03\r\n", "third\n"):
            os.write(wire, piece.encode())
            await asyncio.sleep(0.02)
        return await reading

    assert asyncio.run(story()) == [CODE, "second", "third"]


def typed(text: str) -> bytes:
    """What a keyboard sends for a text and Enter."""
    event = struct.Struct("llHHi")
    out = b""
    for character in text:
        shift = character not in _PLAIN.values()
        code = next(key for key, value in (_SHIFTED if shift else _PLAIN).items() if value == character)
        presses = [(42, 1), (code, 1), (code, 2), (code, 0), (42, 0)] if shift else [(code, 1), (code, 0)]
        out += b"".join(event.pack(1, 2, 4, 4, 458) + event.pack(1, 2, 1, key, value) for key, value in presses)
    return out + event.pack(1, 2, 1, 28, 1) + event.pack(1, 2, 1, 28, 0)


@given(
    st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:abc", min_size=1, max_size=40), st.integers(1, 40)
)
def test_a_keyboard_types_what_it_read(text: str, size: int) -> None:
    """Capitals and signs by shift, repetitions left out, whatever the pieces of the stream."""
    keys, data = _Keys(), typed(text)
    got = [line for start in range(0, len(data), size) for line in keys.take(data[start : start + size])]
    assert got == [text]


def test_a_keyboard_is_read_from_its_device(tmp_path: Path) -> None:
    """A device that goes away ends the stream."""
    pipe = tmp_path / "event0"
    os.mkfifo(pipe)

    async def story() -> list[str]:
        reading = asyncio.create_task(_texts(Scanner(device=str(pipe), baud=None), 9))
        await asyncio.sleep(0.2)
        with pipe.open("wb") as wire:
            wire.write(typed(CODE) + typed("two"))
        return await reading

    assert asyncio.run(story()) == [CODE, "two"]


class Common(ThreadPoolExecutor):
    """An event loop's common threads, which count what they are asked."""

    asked = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        self.asked += 1
        return super().submit(*args, **kwargs)


def test_scanners_that_nobody_uses_hold_no_common_thread(tmp_path: Path) -> None:
    """Ten of them wait; whoever needs one of the few common threads gets it at once."""
    pipes = [tmp_path / f"event{number}" for number in range(10)]
    for pipe in pipes:
        os.mkfifo(pipe)

    async def story() -> int:
        common = Common(1)
        asyncio.get_running_loop().set_default_executor(common)
        reading = [asyncio.create_task(_texts(Scanner(device=str(pipe), baud=None), 1)) for pipe in pipes]
        await asyncio.sleep(0.2)
        for number, pipe in enumerate(pipes):
            with pipe.open("wb") as wire:
                wire.write(typed(f"code {number}"))
        assert [texts for (texts,) in await asyncio.gather(*reading)] == [f"code {number}" for number in range(10)]
        return common.asked

    assert asyncio.run(story()) == 0


@given(st.binary(max_size=200))
def test_noise_on_the_line_is_no_error(data: bytes) -> None:
    """Whatever comes, texts come out."""
    assert all(isinstance(text, str) for text in [*_Lines().take(data), *_Keys().take(data)])


def test_a_scanner_that_is_not_there_is_told() -> None:
    """With what to do."""
    with pytest.raises(UserError, match="cannot be opened"):
        asyncio.run(_texts(Scanner(device="/dev/none"), 1))
