"""A camera's password is shown nowhere: not in errors, not in text, not in JSON."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.addresses import Address, SourceKind, address_of
from jwo_cli.sensors.redaction import redact
from jwo_cli.sensors.trouble import CameraError, Trouble, translated

PASSWORDS = st.text(
    st.characters(codec="ascii", exclude_categories=("Cc", "Zs"), exclude_characters="'\"<>"), min_size=5
)
HOSTS = "camera.example:554/stream1"


@given(PASSWORDS)
def test_whatever_the_password_no_text_about_the_camera_shows_it(password: str) -> None:
    """Also with @, : and / in it, which belong percent-encoded and are often typed as they are."""
    url = f"rtsp://admin:{password}@{HOSTS}"
    told = redact(f"[rtsp] Could not open {url}: 401 Unauthorized", url)
    assert password not in told.replace("***", "")
    assert "401 Unauthorized" in told


def test_the_host_stays_readable() -> None:
    """Who reads an error needs to know which camera it is."""
    assert redact(f"rtsp://admin:secret@{HOSTS} is gone") == f"rtsp://admin:***@{HOSTS} is gone"


def test_an_address_that_was_taken_for_a_path_is_hidden_too() -> None:
    """Paths lose the second slash."""
    assert redact(f"rtsp:/admin:secret@{HOSTS} does not exist") == f"rtsp:/admin:***@{HOSTS} does not exist"


@pytest.mark.parametrize("name", ["password", "pwd", "PASS", "token"])
def test_passwords_in_the_path_are_hidden_too(name: str) -> None:
    """Many cameras take them as `/user=admin&password=…`."""
    told = redact(f"rtsp://10.0.0.7:554/user=admin&{name}=hunter2&channel=1")
    assert "hunter2" not in told
    assert told.endswith("&channel=1")


def test_a_password_is_hidden_where_it_stands_alone_and_decoded() -> None:
    """FFmpeg decodes percent signs in some of its messages."""
    told = redact("wrong password p@ss/word for admin", "rtsp://admin:p%40ss%2Fword@camera/1")
    assert "p@ss/word" not in told


def test_text_without_addresses_stays_as_it_is() -> None:
    """Redaction tears no other words apart."""
    words = "camera c1: its stream ended after 3 s at 10:30, mail to shop@example.org"
    assert redact(words) == words


def test_an_address_shows_no_password_by_any_way_of_printing_it() -> None:
    """str, repr and formats are redacted; pickling and JSON are refused."""
    address = address_of(f"rtsp://admin:hunter2@{HOSTS}")
    assert "hunter2" not in f"{address} {address!r} {[address]} {vars(Address).keys()}"
    assert address.reveal() == f"rtsp://admin:hunter2@{HOSTS}"
    with pytest.raises(TypeError):
        pickle.dumps(address)
    with pytest.raises(TypeError):
        json.dumps(address)


def test_errors_about_a_camera_carry_no_password_in_text_or_chain() -> None:
    """FFmpeg's own exception holds the address; it is translated and not chained."""
    url = f"rtsp://admin:hunter2@{HOSTS}"
    error = translated("c1", url, OSError(5, f"cannot open {url}", url))
    assert error.kind is Trouble.UNREACHABLE
    direct = CameraError("c1", Trouble.SILENT, f"nothing from {url}", address=url)
    for each in (error, direct):
        assert "hunter2" not in f"{each} {each!r} {each.problem} {each.fix} {each.args}"
        assert each.__cause__ is None
        assert each.exit_code == 3


def test_references_lead_to_addresses(tmp_path, monkeypatch) -> None:
    """env:NAME and file:PATH hold the address; USB cameras, URLs and files are told apart."""
    monkeypatch.setenv("CAM", "rtsp://a:b@c/d")
    (tmp_path / "cam").write_text("rtsps://a:b@c/d\n")
    kinds = [
        address_of(text).kind
        for text in ("env:CAM", f"file:{tmp_path / 'cam'}", "usb:0", "/dev/video2", "http://c/mjpg", "clips/a.mp4")
    ]
    assert kinds == [SourceKind.RTSP, SourceKind.RTSP, SourceKind.USB, SourceKind.USB, SourceKind.HTTP, SourceKind.FILE]


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/not/there", "ftp://u:hunter2@h/x", ""])
def test_references_that_lead_nowhere_are_refused_with_what_to_do(reference: str) -> None:
    """The value is not shown, only the reference's name."""
    with pytest.raises(UserError) as caught:
        address_of(reference)
    assert caught.value.fix
    assert "hunter2" not in str(caught.value)
