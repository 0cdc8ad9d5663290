"""The demonstration of a running store: everything that it promises, in real time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, verify
from jwo_cli.model.entering import EntryRefused, EntryWay, Refusal
from jwo_cli.model.observations import TagChanged, TagState
from jwo_cli.model.staffing import EntryGranted
from tests.conftest import Jwo


@pytest.mark.slow
def test_ten_shoppers_are_charged_exactly_and_replayed_identically(jwo: Jwo, tmp_path: Path) -> None:
    """Over MQTT, LLRP and HTTP, with codes read from video: one JSON object on stdout, all of it as promised."""
    done = jwo("demo", "--live", "--json", "--keep", str(tmp_path / "kept"), timeout=300)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["visits"], shown["receipts_right"], shown["gates_opened"]) == (10, 10, 10)
    assert shown["ledger_minor"] == shown["provider_minor"] > 0
    assert (shown["reconciled"], shown["replay_identical"], shown["journal_sound"]) == (True, True, True)
    assert shown["exit_to_receipt_p95_s"] < shown["seconds"] / 10
    assert (shown["codes_from_video"], shown["codes_refused"]) == (10, 1)
    assert shown["tag_reads"] > 1_000
    assert shown["tag_changes"] > shown["tags_gone"] > shown["tags_back"] > 0
    _journalled(tmp_path / "kept" / "journal", shown)


@pytest.mark.slow
def test_ctrl_c_again_and_again_ends_it_in_order(tmp_path: Path) -> None:
    """In the middle of the day: it says that it stops, and that it has; no library has a word besides."""
    process = _began("--keep", str(tmp_path / "kept"))
    try:
        assert process.stderr is not None
        said = [process.stderr.readline(), process.stderr.readline()]
        time.sleep(5.0)
        process.send_signal(signal.SIGINT)
        said.append(process.stderr.readline())
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (said[2].startswith("stopping"), rest, out) == (True, "stopped\n", "")
    assert not verify(tmp_path / "kept" / "journal")


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05])
def test_ctrl_c_while_devices_connect_ends_it_in_order(after_s: float) -> None:
    """No device waits for its broker then, nor the broker for a device; and nobody has a word besides."""
    process = _began()
    try:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert [line.split()[0] for line in rest.splitlines() if not line.startswith("the store runs")] == [
        "stopping:",
        "stopped",
    ]


def _began(*options: str) -> subprocess.Popen[str]:
    """The demonstration as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "jwo_cli", "demo", "--live", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def _journalled(journal: Path, shown: dict[str, int]) -> None:
    """The door opened to codes, each its own; the old one was refused as expired; tags that left are in the journal."""
    with Intake.open(journal) as intake:
        found = [seen for _, seen in intake.observed((EntryGranted, EntryRefused, TagChanged))]
    granted = [entry for entry in found if isinstance(entry, EntryGranted)]
    assert {entry.way for entry in granted} == {EntryWay.CODE}
    assert len({entry.code_id for entry in granted}) == shown["codes_from_video"]
    assert [entry.refusal for entry in found if isinstance(entry, EntryRefused)] == [Refusal.EXPIRED]
    gone = [tag for tag in found if isinstance(tag, TagChanged) and tag.state is TagState.GONE]
    assert len(gone) == shown["tags_gone"]
    assert all(tag.reaches for tag in gone)
