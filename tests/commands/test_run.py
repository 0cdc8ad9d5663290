"""`jwo run` and what staff say to it, as processes on one machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jwo_cli.drive.tour import sample
from tests.conftest import Jwo


@pytest.fixture
def kiosk(jwo: Jwo, tmp_path: Path) -> Path:
    """A store directory, in which the commands run."""
    made = jwo("init", "kiosk", "--id", "corner-kiosk", "--name", "Corner Kiosk")
    assert made.returncode == 0, made.stderr
    return tmp_path / "kiosk"


def test_without_a_device_there_is_nothing_to_run(jwo: Jwo, kiosk: Path) -> None:
    """The message says where devices are named, and how to try without any."""
    done = jwo("run", kiosk, "--json")
    assert done.returncode == 2
    assert "--from" in done.stderr


def test_an_empty_directory_is_told_how_to_begin(jwo: Jwo) -> None:
    """A store is more than a layout: the advice is what makes all of it."""
    for command in (("run",), ("run", "--role", "edge"), ("devices", "list")):
        done = jwo(*command)
        assert (done.returncode, "`jwo init DIR` makes one" in done.stderr) == (2, True)


def test_a_store_toml_is_run_with_the_settings_beside_it(jwo: Jwo, kiosk: Path) -> None:
    """With their journal; a layout that they do not name has none."""
    done = jwo("run", kiosk / "store.toml", "--json")
    assert (done.returncode, "there is no device" in done.stderr) == (2, True)
    (kiosk / "other.toml").write_text((kiosk / "store.toml").read_text(encoding="utf-8"), encoding="utf-8")
    done = jwo("run", kiosk / "other.toml", "--json")
    assert (done.returncode, "no journal is named" in done.stderr) == (2, True)


@pytest.mark.parametrize("places", [("--no-recording",), ("--recordings", "elsewhere")])
def test_old_video_is_deleted_wherever_this_run_is_recorded(jwo: Jwo, kiosk: Path, places: tuple[str, ...]) -> None:
    """Also without a word of recordings in the settings any more: pictures of people do not stay for ever."""
    with (kiosk / "jwo.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[[scanner]]\ngate = "entry"\ndevice = "/dev/none"\n')
    video = kiosk / "recordings" / "corner-kiosk-20260101-120000" / "video"
    video.mkdir(parents=True)
    for name in ("c1.mp4", "c1.times.csv"):
        (video / name).touch()
        os.utime(video / name, ns=(5, 5))
    done = jwo("run", kiosk, "--quiet", "--json", "--for", "1", *places)
    assert done.returncode == 0, done.stderr
    assert list(video.iterdir()) == []


def test_staff_commands_need_a_store_that_runs(jwo: Jwo, kiosk: Path) -> None:
    """Exit code 3: nobody runs this store; nothing is applied."""
    jwo("stock", "restock", "2000100000199", "3", "--layout", kiosk, "--journal", kiosk / "journal")
    journal = ("--journal", kiosk / "journal")
    for command in (
        ("stock", "count", "2000100000199", "3", "--layout", kiosk),
        ("store", "up"),
        ("catalog", "apply", kiosk),
        ("catalog", "show"),
    ):
        done = jwo(*command, *journal)
        assert "nothing to apply" not in done.stderr
        assert done.returncode == 3, (command, done.stderr)
    assert not (kiosk / "journal" / "intake.sqlite").exists()


@pytest.mark.slow
def test_a_store_is_opened_priced_and_closed_from_another_terminal(jwo: Jwo, kiosk: Path) -> None:
    """It begins down; up, a new price, down and drained; its recording replays beside its own journal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jwo_cli", "run", kiosk, "--from", sample(), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    journal = ("--journal", kiosk / "journal")
    try:
        answers = [jwo("store", "up", *journal).returncode]
        while answers[-1] != 0 and len(answers) < 40:
            time.sleep(0.5)
            answers.append(jwo("store", "up", *journal).returncode)
        assert answers[-1] == 0
        table = kiosk / "catalogue.csv"
        table.write_text(
            re.sub(r"(Cola 0\.5 l,[^,]*,[^,]*,)[^,]*,", r"\g<1>0.49,", table.read_text(encoding="utf-8")),
            encoding="utf-8",
        )
        applied = jwo("catalog", "apply", kiosk, *journal, "--json")
        assert len(json.loads(applied.stdout)["entries"]) == 1
        status = json.loads(jwo("store", "status", *journal, "--json").stdout)
        assert (status["running"], status["mode"]) == (True, "up")
        closed = jwo("store", "down", *journal)
        assert closed.stdout.strip() in {"down", "draining"}
        process.terminate()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    ran = json.loads(out)
    (recording,) = (kiosk / "recordings").iterdir()
    assert ran["recording"] == str(recording)
    again = jwo("replay", recording, *journal, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["recordings"][0]["head_hash"] == ran["head_hash"]
    assert jwo("audit", "verify", *journal).returncode == 0
