"""`jwo devices` as a newcomer uses it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytest.importorskip("aiomqtt")

Jwo = Callable[..., "CompletedProcess[str]"]


def test_a_broker_is_configured_for_a_store_directory(jwo: Jwo, tmp_path: Path) -> None:
    """Three files that only their owner reads; every listed device has a user; nothing is written over."""
    assert jwo("init", "shop").returncode == 0
    listed = json.loads(jwo("devices", "list", "shop", "--json").stdout)
    made = json.loads(jwo("devices", "broker-config", "shop", "--out", "broker", "--json").stdout)
    assert set(made["users"]) == {"store", *(row["device"] for row in listed)}
    files = sorted((tmp_path / "broker").iterdir())
    assert [file.name for file in files] == ["acl", "mosquitto.conf", "passwords"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    before = (tmp_path / "broker" / "passwords").read_text()
    again = jwo("devices", "broker-config", "shop", "--out", "broker")
    assert (again.returncode, "not empty" in again.stderr) == (2, True)
    assert (tmp_path / "broker" / "passwords").read_text() == before


def test_a_place_without_a_layout_is_told(jwo: Jwo) -> None:
    """Exit code 2 and a sentence."""
    done = jwo("devices", "list", "nowhere")
    assert (done.returncode, "Traceback" in done.stderr, "nowhere" in done.stderr) == (2, False, True)
