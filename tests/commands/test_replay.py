"""`jwo replay` at the command line."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Jwo


def test_receipts_are_printed_with_the_probability_of_every_line(jwo: Jwo, scenes: Path) -> None:
    """Data on stdout, talk on stderr, exit code 0."""
    done = jwo("replay", scenes / "one", scenes / "two")
    assert done.returncode == 0
    assert "Spring water" in done.stdout
    assert "total 1.00 EUR (tax 0.16), charged" in done.stdout
    assert "total 2.00 EUR" in done.stdout
    assert done.stdout.count(" % ") >= 2
    assert "final hash" in done.stderr
    assert "Nothing was kept" in done.stderr


def test_json_holds_receipts_and_the_final_hash(jwo: Jwo, scenes: Path) -> None:
    """One document, and nothing else on stdout."""
    document = json.loads(jwo("replay", scenes, "--json").stdout)
    assert [recording["name"] for recording in document["recordings"]] == ["one", "two"]
    assert document["recordings"][1]["receipts"][0]["lines"][0]["quantity"] == 2
    assert len(document["head_hash"]) == 64
    assert document["refused"] == []


def test_the_same_recording_twice_changes_nothing(jwo: Jwo, scenes: Path, tmp_path: Path) -> None:
    """The journal of the environment is used; the second replay says that all was here."""
    env = {"JWO_JOURNAL": str(tmp_path / "journal")}
    first = jwo("replay", scenes / "one", "--json", env=env)
    second = jwo("replay", scenes / "one", "--json", env=env)
    assert json.loads(first.stdout)["head_hash"] == json.loads(second.stdout)["head_hash"]
    assert "nothing new" in second.stderr


def test_the_competitions_form_goes_to_a_file_and_receipts_to_the_screen(
    jwo: Jwo, scenes: Path, tmp_path: Path
) -> None:
    """Folder name -> receipts with target_id, settled and products."""
    done = jwo("replay", scenes, "--export", "autocheckout", "--output", "out.json")
    water = "4006381333931"
    assert json.loads((tmp_path / "out.json").read_text()) == {
        "one": [{"target_id": "ann", "settled": "automatic", "products": [{"barcode": water, "quantity": 1}]}],
        "two": [{"target_id": "ann", "settled": "automatic", "products": [{"barcode": water, "quantity": 2}]}],
    }
    assert "Spring water" in done.stdout


def test_without_a_file_the_export_is_all_of_stdout(jwo: Jwo, scenes: Path) -> None:
    """So that it can be piped."""
    assert list(json.loads(jwo("replay", scenes, "--export", "autocheckout").stdout)) == ["one", "two"]


def test_watching_through_a_pipe_tells_the_story_in_lines(jwo: Jwo, scenes: Path) -> None:
    """No terminal, no picture: what happens comes as lines on stderr."""
    done = jwo("replay", scenes / "one", "--watch", "--speed", "0")
    assert "A appears: a shopper" in done.stderr
    assert "A's receipt: 1.00 EUR, settled" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere"], "no such folder"),
        (["--output", "x.json", "."], "--export"),
        (["--json", "--export", "autocheckout", "."], "both write to stdout"),
        (["--speed", "-1", "."], "--speed"),
        ([], "PATH"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_two(jwo: Jwo, args: list[str], words: str) -> None:
    """Where, why and what to do; never a traceback."""
    done = jwo("replay", *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_broken_recording_among_good_ones_is_told_and_the_exit_code_says_so(
    jwo: Jwo, scenes: Path, tmp_path: Path
) -> None:
    """The good ones are replayed; exit code 1."""
    broken = tmp_path / "broken"
    shutil.copytree(scenes / "one", broken)
    victim = next(broken.rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-20])
    done = jwo("replay", broken, scenes / "two")
    assert done.returncode == 1
    assert victim.name in done.stderr
    assert "was left out" in done.stderr
    assert "total 2.00 EUR" in done.stdout


def test_a_truncated_archive_is_named_with_its_file(jwo: Jwo, tmp_path: Path) -> None:
    """A download that broke off is no crash."""
    case = tmp_path / "case"
    case.mkdir()
    for name in ("plate_data", "full_targets", "planogram", "products"):
        whole = gzip.compress(b'{"a": 1}\n' * 1000)
        (case / f"{name}.json.gz").write_bytes(whole[: len(whole) // 2])
    done = jwo("replay", case)
    assert done.returncode == 2
    assert ".json.gz is cut off or damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_that_is_not_ours_is_left_alone(jwo: Jwo, scenes: Path, tmp_path: Path) -> None:
    """Exit code 3, and not a byte written."""
    place = tmp_path / "photos"
    place.mkdir()
    (place / "holiday.jpg").write_bytes(b"\xff\xd8")
    done = jwo("replay", scenes / "one", "--journal", place)
    assert done.returncode == 3
    assert "not a jwo journal" in done.stderr
    assert [path.name for path in place.iterdir()] == ["holiday.jpg"]


def test_an_unwritable_output_is_a_sentence(jwo: Jwo, scenes: Path) -> None:
    """The folder of --output must exist."""
    done = jwo("replay", scenes / "one", "--export", "autocheckout", "--output", "no/such/folder/x.json")
    assert done.returncode == 3
    assert "no/such/folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_real_visit_gives_the_receipt_in_its_truth(jwo: Jwo, shared_data: Path) -> None:
    """AiFi nanostore, 2020: one shopper takes one bottle of spring water."""
    case = shared_data / "nanostore-real" / "BENCHMARK-1"
    (truth,) = json.loads((case / "truth.json").read_text())["receipts"]
    exported = json.loads(jwo("replay", case, "--export", "autocheckout").stdout)
    wanted = [{"barcode": item["barcode"], "quantity": item["quantity"]} for item in truth["products"]]
    ((name, (receipt,)),) = exported.items()
    assert (name, receipt["target_id"], receipt["products"]) == ("BENCHMARK-1", truth["target_id"], wanted)


def test_a_single_recording_that_is_refused_is_said_once(jwo: Jwo, tmp_path: Path) -> None:
    """One sentence, exit code 2; of several, each is said and left out."""
    (tmp_path / "empty").mkdir()
    one = jwo("replay", "empty")
    assert one.returncode == 2
    assert one.stderr.count("holds no recording") == 1
    assert "left out" not in one.stderr
    two = jwo("replay", "empty", "nowhere")
    assert two.returncode == 2
    assert two.stderr.count("was left out") == 2
    assert two.stderr.count("error: ") == 2


@pytest.mark.parametrize("speed", ["nan", "inf", "-1"])
def test_a_speed_is_a_number(jwo: Jwo, scenes: Path, speed: str) -> None:
    """What is none is refused before anything is read."""
    done = jwo("replay", scenes / "one", "--speed", speed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--speed" in done.stderr
