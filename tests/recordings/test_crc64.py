"""The dump's checksum against its published check value, and its fast form against the plain one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.recordings import crc64 as module
from jwo_cli.recordings.crc64 import crc64


def test_it_is_the_published_crc() -> None:
    """CRC-64/XZ, which Go calls crc64.ECMA: the check value of '123456789'; nothing gives nothing."""
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert crc64(b"") == 0


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=200, max_size=700), st.integers(0, 2**20))
def test_lanes_and_chunks_do_not_change_it(block: bytes, extra: int) -> None:
    """Side by side, in chunks, or byte by byte: one checksum."""
    data = block * (1 + extra // 2**16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LANES", len(data) + 1)
        plain = crc64(data)
        patch.setattr(module, "_LANES", 3)
        patch.setattr(module, "_CHUNK", 1009)
        assert crc64(data) == plain
