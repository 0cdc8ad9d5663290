"""Export and import are inverse: what is written as AutoCheckout's documents is read as the same recording."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jwo_cli.estimate.signals import PersonPose, PoseFrame, Signal, WeightBatch
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import Recording, export_autocheckout, open_recording, write_recording
from jwo_cli.recordings.importing import import_recording
from tests.recordings.cases import assert_same, batch, case_documents, frame, little_store, some_signals, write_case
from tests.recordings.test_truth import DOCUMENT

US = 1_000
START_NS = 1_590_000_000_000_000_000


@pytest.fixture
def raw(tmp_path: Path) -> Recording:
    folder = write_case(tmp_path / "raw", {**case_documents(), "case_info": [{"staff_target_ids": ["77"]}]})
    (folder / "truth.json").write_text(json.dumps(DOCUMENT))
    return open_recording(folder)


def test_export_and_import_give_the_same_recording(tmp_path: Path, raw: Recording) -> None:
    """Raw folder, recording, export, and the recording of that: one id, one truth, one start."""
    import_recording(raw, tmp_path / "recording")
    kept = open_recording(tmp_path / "recording")
    export_autocheckout(replace(kept, read_truth=lambda: None), tmp_path / "again")
    again = open_recording(tmp_path / "again")
    import_recording(again, tmp_path / "second")
    second = open_recording(tmp_path / "second")
    assert len({item.recording_id for item in (raw, kept, again, second)}) == 1
    assert len({(item.start_ns, item.duration_s, item.staff) for item in (raw, kept, again, second)}) == 1
    assert kept.truth() == raw.truth()
    assert_same(second.signals(), raw.signals())


def test_two_exports_are_equal_byte_for_byte(tmp_path: Path, raw: Recording) -> None:
    """No clock and no counter of this run gets into a document or a gzip header."""
    without = replace(raw, read_truth=lambda: None)
    for name in ("one", "two"):
        export_autocheckout(without, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["case_info.json", "full_targets.json.gz", "planogram.json", "plate_data.json.gz", "products.json"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_planogram_and_products_can_be_written_from_the_layout(tmp_path: Path, raw: Recording) -> None:
    """For recordings that were never AutoCheckout's: the layout that is read again is the same."""
    export_autocheckout(replace(raw, source={}, read_truth=lambda: None), tmp_path / "made")
    assert open_recording(tmp_path / "made").store == raw.store


def test_truth_is_written_with_plates_of_the_layout(tmp_path: Path, raw: Recording) -> None:
    """Plates go back to gondola, shelf and plate; times to seconds."""
    truth = raw.truth()
    assert truth is not None
    known = replace(truth, events=(replace(truth.events[0], plates=("g1.s2.p3",)), *truth.events[1:]))
    export_autocheckout(replace(raw, read_truth=lambda: known), tmp_path / "made")
    assert open_recording(tmp_path / "made").truth() == known


def recording_of(path: Path, signals: list[Signal]) -> Recording:
    write_recording(path, name="made", store=little_store(), start_ns=START_NS, signals=signals)
    return open_recording(path)


floats = st.floats(-1000, 1000, width=32)
times = st.integers(0, 10**9).map(lambda us: START_NS + us * US)


@st.composite
def people(draw: st.DrawFn) -> PersonPose:
    joints: Any = draw(hnp.arrays(np.float32, (10, 3), elements=floats | st.just(np.nan)))
    scores: Any = draw(hnp.arrays(np.float32, (10,), elements=st.floats(0, 1, width=32)))
    joints[8:], scores[8:] = joints[6:8], scores[6:8]  # in these documents a hand is its wrist
    unseen = np.isnan(joints).all(axis=1)
    scores[unseen] = 0.0
    name = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5))
    return PersonPose(track_id=name, joints_m=joints, scores=scores, state=draw(st.sampled_from(["", "VALID"])))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(times, st.lists(people(), max_size=2).map(tuple)), min_size=1, max_size=5))
def test_poses_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, drawn: list[Any]) -> None:
    """Metres to inches and back is the same float32; a joint seen in part stays seen in part."""
    folder = tmp_path_factory.mktemp("law")
    signals: list[Signal] = [batch(START_NS), *(PoseFrame(at_ns=at_ns, people=seen) for at_ns, seen in drawn)]
    export_autocheckout(recording_of(folder / "recording", signals), folder / "raw")
    got = [signal for signal in open_recording(folder / "raw").signals() if isinstance(signal, PoseFrame)]
    assert_same(canonical_nan(got), canonical_nan(signals[1:]))


def canonical_nan(signals: list[Any]) -> list[Signal]:
    """JSON knows one NaN only."""
    return [
        replace(
            item,
            people=tuple(
                replace(person, joints_m=np.where(np.isnan(person.joints_m), np.float32(np.nan), person.joints_m))
                for person in item.people
            ),
        )
        for item in signals
    ]


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint32, (4, 2), elements=st.integers(0, 2**32 - 1)), times)
def test_weights_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, words: Any, at_ns: int) -> None:
    """Any NaN included, for weights are sent as bits."""
    folder = tmp_path_factory.mktemp("law")
    signal = replace(batch(at_ns), grams=words.view(np.float32))
    export_autocheckout(recording_of(folder / "recording", [signal, frame(at_ns)]), folder / "raw")
    assert_same(list(open_recording(folder / "raw").signals())[:1], [signal])


def test_what_has_no_place_in_these_documents_is_told(tmp_path: Path) -> None:
    """Tag reads and entry codes are left out, and counted."""
    recording = recording_of(tmp_path / "recording", some_signals(16, start_ns=START_NS))
    told = [finding.problem for finding in export_autocheckout(recording, tmp_path / "raw")]
    assert told == [
        "2 tag reads have no place in AutoCheckout's documents and were left out",
        "2 entry codes have no place in AutoCheckout's documents and were left out",
    ]


def test_plates_of_another_wiring_cannot_be_exported(tmp_path: Path) -> None:
    """The documents know gondola, shelf and plate, and nothing is written."""
    grams = np.zeros((12, 1), dtype=np.float32)
    strange = WeightBatch(device_id="till", end_ns=START_NS, rate_hz=60.0, channels=("till",), grams=grams)
    with pytest.raises(UserError, match="channel 'till' has no place"):
        export_autocheckout(recording_of(tmp_path / "recording", [strange]), tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
