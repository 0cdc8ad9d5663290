"""`jwo simulate`, as people type it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Jwo


def test_a_simulated_recording_replays_and_is_scored(jwo: Jwo, tmp_path: Path) -> None:
    """simulate, replay, evaluate: the truth lies beside the recording."""
    made = jwo("simulate", "corner_kiosk", "--out", "rec", "--seed", "4", "--shoppers", "3", "--minutes", "1")
    assert made.returncode == 0, made.stderr
    assert "leaves with" in made.stdout
    assert (tmp_path / "rec" / "truth.parquet").is_file()
    replayed = jwo("replay", "rec", "--json")
    assert replayed.returncode == 0, replayed.stderr
    receipts = json.loads(replayed.stdout)["recordings"][0]["receipts"]
    assert sum(line["quantity"] for receipt in receipts for line in receipt["lines"]) > 0


def test_the_same_seed_makes_the_same_recording(jwo: Jwo, tmp_path: Path) -> None:
    """Byte for byte but for the name; another seed, another recording."""
    for out, seed in (("a/rec", "4"), ("b/rec", "4"), ("c/rec", "5")):
        (tmp_path / out).parent.mkdir()
        assert (
            jwo("simulate", "l_market", "--out", out, "--seed", seed, "--shoppers", "1", "--minutes", "0.6").returncode
            == 0
        )
    ids = [json.loads((tmp_path / name / "rec" / "manifest.json").read_text())["recording_id"] for name in "abc"]
    assert ids[0] == ids[1] != ids[2]


def test_trouble_is_survived(jwo: Jwo) -> None:
    """A recording with all kinds of faults still replays."""
    kinds = [
        word for kind in ("drop", "drop_poses", "dead", "spikes", "disorder", "jump") for word in ("--fault", kind)
    ]
    made = jwo("simulate", "corner_kiosk", "--out", "rec", "--shoppers", "1", "--minutes", "0.7", *kinds, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["visits"] == 1
    assert jwo("replay", "rec").returncode == 0


def test_wrong_requests_get_a_sentence(jwo: Jwo) -> None:
    """No such store; a folder that is there; nothing half-written."""
    missing = jwo("simulate", "nowhere", "--out", "rec")
    assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)
    assert jwo("simulate", "corner_kiosk", "--out", "rec", "--shoppers", "0", "--minutes", "0.1").returncode == 0
    again = jwo("simulate", "corner_kiosk", "--out", "rec")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert jwo("simulate", "corner_kiosk", "--out", "r2", "--fault", "earthquake").returncode == 2
