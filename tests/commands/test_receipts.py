"""`jwo receipts` at the command line."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jwo_cli.drive.state import alone
from jwo_cli.journal import Intake
from jwo_cli.layouts.template import write_template
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entry import NewEntry
from jwo_cli.shop.receipts_document import NOBODY_PAYS
from tests.conftest import ROOT, Jwo
from tests.shop.test_receipts_text import bought, sure


def receipts(jwo: Jwo, kept: Path) -> list[str]:
    rows = json.loads(jwo("sql", "SELECT receipt_id FROM receipts ORDER BY seq", "--journal", kept, "--json").stdout)
    return [row["receipt_id"] for row in rows]


def test_a_recording_s_receipt_says_that_nobody_pays_it(jwo: Jwo, kept: Path) -> None:
    """In words and in JSON, found by a beginning of its id; nothing is open."""
    name = receipts(jwo, kept)[0]
    shown = jwo("receipts", "show", name[:-1] if len(name) > 40 else name, "--journal", kept)
    assert shown.returncode == 0, shown.stderr
    assert NOBODY_PAYS in shown.stdout
    assert "CHARGED" not in shown.stdout
    document = json.loads(jwo("receipts", "show", name, "--journal", kept, "--json").stdout)
    assert (document["receipt_id"], document["rehearsal"], document["open_minor"]) == (name, True, 0)


def test_a_receipt_s_head_and_clock_are_the_journal_s_wherever_it_is_read(jwo: Jwo, tmp_path: Path) -> None:
    """Name and time zone of the layout that it was made by; that nobody is named as the seller is said."""
    journal = tmp_path / "journal"
    assert jwo("replay", ROOT / "sample_data" / "corner_kiosk_morning", "--journal", journal).returncode == 0
    (layout,) = (json.loads(path.read_bytes()) for path in (journal / "layouts").iterdir())
    shown = jwo("receipts", "show", receipts(jwo, journal)[0], "--journal", journal, "--json")
    document = json.loads(shown.stdout)
    assert (document["store_name"], document["timezone"]) == (layout["name"], layout["timezone"])
    assert layout["name"]
    assert shown.stderr.startswith("Nobody stands at the head of these receipts as the seller")


def test_a_receipt_that_is_not_there(jwo: Jwo, kept: Path) -> None:
    """The latest are named."""
    done = jwo("receipts", "show", "zzz", "--journal", kept)
    assert done.returncode == 2
    assert receipts(jwo, kept)[-1] in done.stderr
    assert "`jwo receipts export DIR` writes all." in done.stderr


@pytest.mark.parametrize("place", [".", ".."])
def test_a_folder_is_no_file(jwo: Jwo, kept: Path, place: str) -> None:
    """A sentence, no traceback, and nothing is left there."""
    for command in (
        ("show", receipts(jwo, kept)[0], "--out", place),
        ("export", place, "--form", "epcis"),
    ):
        done = jwo("receipts", *command, "--journal", kept)
        assert (done.returncode, "is a folder" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_all_receipts_of_a_journal_without_a_store_are_written(jwo: Jwo, kept: Path, tmp_path: Path) -> None:
    """A file each; sales of both in one EPCIS document."""
    done = jwo("receipts", "export", "out", "--journal", kept, "--json")
    assert json.loads(done.stdout)["receipts"] == 2
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == sorted(receipts(jwo, kept))
    done = jwo("receipts", "export", "epcis.json", "--form", "epcis", "--journal", kept, "--json")
    told = json.loads((tmp_path / "epcis.json").read_text())["epcisBody"]["eventList"]
    assert [event["bizStep"] for event in told].count("retail_selling") == 2
    assert json.loads(done.stdout)["events"] == len(told)


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Path]:
    """A store directory whose webhook takes connections and never answers; its journal holds one receipt."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        write_template("corner_kiosk", tmp_path, store_id="kiosk", name="Kiosk")
        (tmp_path / "key").write_text("sixteen bytes or more")
        (tmp_path / "jwo.toml").write_text(
            'journal = "journal"\n[mark]\nfile = "mark.json"\nkey = "file:key"\n[entry]\nkey = "file:key"\n'
            f'[receipts]\nwebhook = "http://127.0.0.1:{silent.getsockname()[1]}/"\nwebhook_key = "file:key"\n'
        )
        with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
            receipt = bought(sure("bread"))
            kind = kind_of(type(receipt))
            intake.append([NewEntry(key="1", at_ns=9, source="run/x", kind=kind, payload=encode(receipt))])
        yield tmp_path


@pytest.mark.usefixtures("hooked")
def test_sending_ends_when_patience_does(jwo: Jwo) -> None:
    """Also in the middle of an answer that does not come: exit code 1, and what is left."""
    began_s = time.monotonic()
    done = jwo("receipts", "send", "--patience", "0.2", "--json")
    assert (done.returncode, json.loads(done.stdout)["undelivered"]) == (1, 1)
    idle_s = time.monotonic() - began_s
    assert jwo("receipts", "send", "r-none").returncode == 2
    assert idle_s < 9  # the answer alone is waited for for ten seconds


def test_what_a_running_store_sends_is_left_to_it(jwo: Jwo, hooked: Path) -> None:
    """Nobody gets a document from both."""
    with alone(hooked / "journal"):
        done = jwo("receipts", "send")
    assert (done.returncode, "by itself" in done.stderr) == (2, True)
