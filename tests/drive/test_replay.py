"""A replay: the same recording gives the same journal, however it is cut, interrupted or repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jwo_cli import journal
from jwo_cli.drive.log import MemoryLog
from jwo_cli.drive.replay import ReplayResult, replay
from jwo_cli.estimate.signals import Signal
from jwo_cli.model.decisions import Settlement
from jwo_cli.model.entry import Entry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import Observation
from jwo_cli.shop.step import Step
from tests.drive import scene

# Batches that divide the scene's samples, so that no sample is left over at the end; up to two seconds, because a
# message is told when its last sample is taken and the front end waits four seconds for late ones.
CUTS = [1, 2, 3, 5, 6, 10, 12, 24, 60, 120]


def test_who_takes_a_bottle_gets_a_receipt_for_it() -> None:
    """One shopper, one lift of 520 g from the water's plate: one bottle of water, settled without a person."""
    result = replay(scene.recording())
    (receipt,) = result.receipts
    assert [(line.name, line.quantity, line.total_minor) for line in receipt.lines] == [("Spring water", 1, 100)]
    assert receipt.settled is Settlement.AUTOMATIC
    assert receipt.track_id == "ann"
    assert receipt.probability > 0.9


def test_staff_are_never_billed() -> None:
    """The same lift by a member of staff leaves no receipt."""
    assert replay(scene.recording(staff=("ann",))).receipts == ()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(samples=st.sampled_from(CUTS))
def test_the_final_hash_does_not_depend_on_how_the_input_is_cut(samples: int) -> None:
    """Messages of one sample or of two seconds: the same entries in the same order."""
    assert replay(scene.recording(samples=samples)).head_hash == replay(scene.recording()).head_hash


def test_another_weight_gives_another_hash() -> None:
    """The hash is over the content: what the test above compares is no constant."""
    assert replay(scene.recording(taken_g=1040.0)).head_hash != replay(scene.recording()).head_hash


def test_two_hash_seeds_give_one_hash() -> None:
    """No set or hash order reaches a result."""
    script = (
        "from tests.drive import scene; from jwo_cli.drive.replay import replay; "
        "print(replay(scene.recording()).head_hash)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    }
    assert len(found) == 1


def test_the_memory_log_and_the_journal_agree_to_the_hash(tmp_path: Path) -> None:
    """Where entries are kept changes nothing about them."""
    kept = _into(tmp_path / "journal")
    assert kept.head_hash == replay(scene.recording()).head_hash
    assert kept.added == kept.head_seq == kept.observations + kept.decisions


def test_a_recording_replayed_twice_changes_nothing(tmp_path: Path) -> None:
    """Keys are the recording's id and a counter: the second replay finds its own entries."""
    first, second = _into(tmp_path / "journal"), _into(tmp_path / "journal")
    assert (second.head_seq, second.head_hash) == (first.head_seq, first.head_hash)
    assert second.added == 0
    assert second.receipts == first.receipts


def test_a_recording_under_another_name_is_the_same_recording(tmp_path: Path) -> None:
    """The folder's name is no content."""
    first = _into(tmp_path / "journal")
    assert _into(tmp_path / "journal", name="copy-of-it").head_hash == first.head_hash


def test_two_recordings_share_a_journal_and_neither_disturbs_the_other(tmp_path: Path) -> None:
    """Each keeps its receipts; replaying the first again after the second still adds nothing."""
    first = _into(tmp_path / "journal")
    other = _into(tmp_path / "journal", taken_g=1040.0)
    again = _into(tmp_path / "journal")
    assert other.receipts[0].lines[0].quantity == 2
    assert (again.added, again.receipts) == (0, first.receipts)


def test_every_decision_follows_the_observation_that_led_to_it(tmp_path: Path) -> None:
    """Append before handling: causes stand before their effects, and an observation's decisions right behind it."""
    _into(tmp_path / "journal")
    with journal.Intake.open(tmp_path / "journal") as intake:
        entries = list(intake.entries())
    assert all(cause < entry.seq for entry in entries for cause in entry.caused_by)
    kinds = [entry.kind for entry in entries]
    assert kinds[:3] == ["store_opened", "track_started", "visit_started"]
    assert kinds[kinds.index("weight_changed") + 1] == "cart_changed"


def test_a_replay_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What was committed before a crash is found again; the journal ends as if nothing had happened."""
    whole = replay(scene.recording())

    class CutOffError(Exception):
        pass

    class Crasher:
        def signal(self, signal: Signal) -> None:
            pass

        def step(self, entry: Entry, observation: Observation, step: Step) -> None:
            if step.decisions and entry.seq > 2:
                raise CutOffError

    with pytest.raises(CutOffError), _intake(tmp_path / "journal") as intake:
        replay(scene.recording(), intake=intake, watcher=Crasher())
    with _intake(tmp_path / "journal") as intake:
        assert 0 < intake.head()[0] < whole.head_seq
    assert _into(tmp_path / "journal").head_hash == whole.head_hash


def test_content_that_was_changed_under_the_same_id_is_refused(tmp_path: Path) -> None:
    """An id that stands for two contents would make one of them unprovable."""
    first = scene.recording()
    _into(tmp_path / "journal")
    other = scene.recording(taken_g=1040.0)
    object.__setattr__(other, "recording_id", first.recording_id)
    with pytest.raises(UserError, match="other content"), _intake(tmp_path / "journal") as intake:
        replay(other, intake=intake)


def test_recorded_time_is_told_as_it_passes() -> None:
    """A progress bar gets to the end of the recording, give or take its last second."""
    passed: list[float] = []
    result = replay(scene.recording(), advance=passed.append)
    assert result.duration_s - 1.5 < sum(passed) <= result.duration_s


def test_speed_holds_a_replay_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 50 times recorded time, 20 s take 0.4 s; the pause is not counted as work."""
    result = replay(scene.recording(), speed=50.0)
    assert result.wall_s < 0.4


def test_json_of_a_result_is_whole() -> None:
    """What `--json` prints is the result itself."""
    from jwo_cli.model.codec import encode

    result = replay(scene.recording())
    document = json.loads(json.dumps(encode(result)))
    assert document["receipts"][0]["lines"][0]["product_id"] == "4006381333931"
    assert document["head_hash"] == result.head_hash


def test_the_memory_log_refuses_other_content_under_a_key() -> None:
    """As the journal does."""
    log = MemoryLog(store_id="corner")
    replay(scene.recording(), intake=log)
    other = scene.recording(taken_g=1040.0)
    object.__setattr__(other, "recording_id", scene.recording().recording_id)
    with pytest.raises(ValueError, match="other content"):
        replay(other, intake=log)


def _intake(directory: Path) -> journal.Intake:
    return journal.Intake.open(directory, store_id="corner", layout_version="1")


def _into(directory: Path, *, name: str = "one-bottle", taken_g: float = 520.0) -> ReplayResult:
    with _intake(directory) as intake:
        return replay(scene.recording(name=name, taken_g=taken_g), intake=intake)
