"""Signed webhooks: over the raw bytes, by any of our secrets, within five minutes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.payments.provider import SignatureError
from jwo_cli.payments.signature import TOLERANCE_S, sign, verify

OLD, NEW = b"whsec_old", b"whsec_new"


@given(st.binary(max_size=200), st.integers(0, 2**33))
def test_what_is_signed_verifies(body: bytes, at_s: int) -> None:
    """Any body at any time, seen at once."""
    assert verify(body, sign(body, NEW, at_s), (NEW,), now_s=at_s + 0.5) == at_s


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_changed_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    """In the body, in the signature, or in the time."""
    header = sign(body, NEW, 1_700_000_000)
    place = data.draw(st.integers(0, len(body) - 1))
    forged = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    with pytest.raises(SignatureError):
        verify(forged, header, (NEW,), now_s=1_700_000_000)
    with pytest.raises(SignatureError):
        verify(body, header.replace("t=1700000000", "t=1700000001"), (NEW,), now_s=1_700_000_000)
    with pytest.raises(SignatureError):
        verify(body, header[:-1] + ("0" if header[-1] != "0" else "1"), (NEW,), now_s=1_700_000_000)


def test_three_hundred_seconds_are_allowed_either_way() -> None:
    """A late webhook may be a recorded one; a clock that is ahead is as bad."""
    header = sign(b"{}", NEW, 1_000)
    assert verify(b"{}", header, (NEW,), now_s=1_000 + TOLERANCE_S) == 1_000
    assert verify(b"{}", header, (NEW,), now_s=1_000 - TOLERANCE_S) == 1_000
    for now_s in (1_000 + TOLERANCE_S + 1, 1_000 - TOLERANCE_S - 1):
        with pytest.raises(SignatureError, match="300 s are allowed"):
            verify(b"{}", header, (NEW,), now_s=now_s)


def test_while_secrets_change_either_is_good() -> None:
    """Two of ours, and two signatures on one webhook; other schemes on it count for nothing."""
    both = sign(b"{}", OLD, 9) + "," + sign(b"{}", NEW, 9).partition(",")[2] + ",v0=ffff"
    assert verify(b"{}", both, (NEW,), now_s=9) == 9
    assert verify(b"{}", sign(b"{}", OLD, 9), (NEW, OLD), now_s=9) == 9
    with pytest.raises(SignatureError):
        verify(b"{}", sign(b"{}", OLD, 9).replace("v1=", "v0="), (OLD,), now_s=9)


@pytest.mark.parametrize(
    "header",
    ["", "t=9", "v1=ab", "t=,v1=ab", "t=9,t=9,v1=ab", "t=٩,v1=ab", "t=-9,v1=ab", "t=9,v1=äöü", "t=" + "9" * 40],
)
def test_headers_that_are_none_are_refused(header: str) -> None:
    """Missing, doubled and odd parts; never an error of another kind."""
    with pytest.raises(SignatureError):
        verify(b"{}", header, (NEW,), now_s=9)
    with pytest.raises(SignatureError):
        verify(b"{}", sign(b"{}", NEW, 9), (), now_s=9)
