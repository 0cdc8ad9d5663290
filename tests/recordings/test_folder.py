"""A recording folder gives back what was put in, bit for bit and in order, or says what is wrong with it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jwo_cli.estimate.signals import CodeRead, PersonPose, PoseFrame, Signal, TagRead, WeightBatch
from jwo_cli.model.findings import Severity, UserError
from jwo_cli.recordings import RecordingWriter, Truth, open_recording, require_layout, write_recording
from tests.recordings.cases import assert_same, batch, little_store, some_signals

# Any bits at all: quiet and signalling NaN, infinities, denormals, negative zero.
words = st.integers(0, 2**32 - 1)
times = st.integers(-(2**62), 2**62)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
floats = st.floats(allow_nan=False)


def any_float32(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    return hnp.arrays(np.uint32, shape, elements=words).map(lambda array: array.view(np.float32))


@st.composite
def batches(draw: st.DrawFn) -> WeightBatch:
    count = draw(st.integers(1, 4))
    channels = draw(
        st.lists(st.sampled_from([f"g{d}:1:{c}" for d in "12" for c in "1234"]), min_size=1, max_size=4, unique=True)
    )
    return WeightBatch(
        device_id=draw(st.sampled_from(["g1", "g2", "scale ünder the tills"])),
        end_ns=draw(times),
        rate_hz=draw(floats),
        channels=tuple(channels),
        grams=draw(any_float32((count, len(channels)))),
    )


people = st.builds(PersonPose, track_id=names, joints_m=any_float32((10, 3)), scores=any_float32((10,)), state=names)
frames = st.builds(PoseFrame, at_ns=times, people=st.lists(people, max_size=3).map(tuple))
tags = st.builds(TagRead, at_ns=times, antenna_id=names, tag_id=names, rssi_dbm=floats, phase_rad=st.none() | floats)
codes = st.builds(
    CodeRead,
    at_ns=times,
    gate_id=names,
    account=names,
    party_size=st.integers(1, 99),
    role=names,
    code_id=names,
    way=names,
)
signals_of_any_kind = st.lists(st.one_of(batches(), frames, tags, codes), max_size=12)


@settings(max_examples=60, deadline=None)
@given(signals_of_any_kind, st.sampled_from([1e-9, 0.3, 60.0]))
def test_what_is_written_is_read_bit_for_bit(signals: list[Signal], segment_s: float) -> None:
    """The law of this room: any signals, in any order of times, in any segments."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        manifest = write_recording(
            path, name="any", store=little_store(), start_ns=7, signals=signals, segment_s=segment_s
        )
        recording = open_recording(path)
        assert_same(recording.signals(), signals)
        assert_same(recording.signals(), signals)  # as often as one likes
        assert recording.recording_id == manifest.recording_id
        assert manifest.signals == len(signals)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recs" / "monday"


def write(path: Path, signals: list[Signal] | Iterator[Signal] | None = None, **more: Any) -> Path:
    write_recording(
        path,
        name=path.name,
        store=little_store(),
        start_ns=5,
        staff=("7",),
        signals=some_signals(40) if signals is None else signals,
        segment_s=2.0,
        **more,
    )
    return path


def test_a_recording_says_what_it_is(path: Path) -> None:
    """Name, layout, staff, start and span come back with it."""
    recording = open_recording(write(path))
    assert (recording.name, recording.start_ns, recording.staff, recording.duration_s) == ("monday", 5, ("7",), 7.8)
    assert recording.store == little_store()
    assert recording.findings == ()
    assert recording.truth() is None


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the clock, the machine or the run gets into a recording."""
    one, two = write(tmp_path / "a" / "monday"), write(tmp_path / "b" / "monday")
    files = sorted(item.relative_to(one) for item in one.rglob("*") if item.is_file())
    assert files == sorted(item.relative_to(two) for item in two.rglob("*") if item.is_file())
    assert [str(file) for file in files if (one / file).read_bytes() != (two / file).read_bytes()] == []


def test_the_streams_are_plain_tables(path: Path) -> None:
    """Anybody's Parquet reader finds a column a plate, and the order of arrival."""
    table = pq.read_table(write(path) / "streams" / "weights-000001.parquet")
    assert table.column_names == ["arrival", "channels", "device_id", "end_ns", "rate_hz", "g1:1:1", "g1:1:2"]
    assert table["arrival"].to_pylist()[::12] == [0, 1, 4, 5, 8, 9]


def test_a_failed_write_leaves_nothing_behind(path: Path) -> None:
    """A source that breaks off in the middle is no recording, not even a part of one."""

    def breaking() -> Iterator[Signal]:
        yield from some_signals(25)
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        write(path, breaking())
    assert list(path.parent.iterdir()) == []


def test_a_recording_is_never_overwritten(path: Path) -> None:
    """Another one under the same name is refused, and the first stays."""
    write(path)
    with pytest.raises(UserError, match="exists already"):
        write(path, some_signals(3))
    assert len(list(open_recording(path).signals())) == 40


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The reason is the system's, the sentence ours, and the exit code that of a store out of reach."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written") as caught:
        write(tmp_path / "file" / "monday")
    assert caught.value.exit_code == 3


def test_arrays_of_a_wrong_kind_are_the_callers_fault(path: Path) -> None:
    """float64 weights would not come back as they were: they do not get in."""
    wrong = WeightBatch(device_id="g1", end_ns=0, rate_hz=60.0, channels=("c",), grams=np.zeros((3, 1)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="float32"):
        write(path, [wrong])


def test_truth_travels_along(path: Path) -> None:
    """It is kept beside the streams and is no part of what the recording is."""
    truth = Truth(scenario="quiet", receipts=())
    told = open_recording(write(path, truth=truth))
    assert told.truth() == truth
    assert told.recording_id == open_recording(write(path.with_name("untold"))).recording_id


def test_a_newer_format_is_refused_by_name(path: Path) -> None:
    """The sentence says which versions there are and what to do."""
    edit(write(path), version=2)
    with pytest.raises(UserError, match="format 2; this jwo knows formats up to 1") as caught:
        open_recording(path)
    assert "Update jwo" in caught.value.fix


def test_another_manifest_is_refused(path: Path) -> None:
    """A manifest of something else, a broken one, one with a wrong field: each says so."""
    manifest = write(path) / "manifest.json"
    whole = manifest.read_text()
    for text, problem in (
        ('{"format": "mp4"}', "does not describe a jwo recording"),
        (whole[:-40], "is damaged"),
        (whole.replace('"start_ns": 5', '"start_ns": "5"'), "Manifest.start_ns: expected int, got str"),
    ):
        manifest.write_text(text)
        with pytest.raises(UserError, match=problem):
            open_recording(path)


def test_a_recording_of_another_layout_is_refused(path: Path) -> None:
    """Neither a swapped layout inside it nor a store that it was not made in passes."""
    recording = open_recording(write(path))
    require_layout(recording, little_store())
    with pytest.raises(UserError, match="recorded with layout v1 of little, this is v2 of little"):
        require_layout(recording, little_store("v2"))
    other = write_other_layout(path)
    shutil.copy(other / "layout.json", path / "layout.json")
    entry = json.loads((other / "manifest.json").read_text())["layout"]
    edit(path, layout=entry)
    with pytest.raises(UserError, match="is layout v2, the recording was made with v1"):
        open_recording(path)


@pytest.mark.parametrize("file", ["layout.json", "streams/weights-000002.parquet", "source/planogram.json"])
def test_a_changed_or_missing_file_is_found_by_its_checksum(path: Path, file: str) -> None:
    """One flipped byte anywhere refuses the recording and names the file."""
    target = write(path, source={"planogram.json": b"{}\n"}) / file
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(bytes(content))
    with pytest.raises(UserError) as caught:
        open_recording(path)
    assert [(item.file, "checksum" in item.problem) for item in caught.value.findings] == [(str(target), True)]
    target.unlink()
    with pytest.raises(UserError) as caught:
        open_recording(path)
    assert "No such file" in caught.value.findings[0].problem


def test_a_manifest_cannot_reach_outside(path: Path) -> None:
    """A recording from elsewhere does not name files of this machine."""
    entry = {"file": "../../secret", "bytes": 0, "sha256": ""}
    edit(write(path), source=[entry])
    with pytest.raises(UserError) as caught:
        open_recording(path)
    assert caught.value.findings[0].problem == "lies outside the recording"


def live(path: Path, signals: list[Signal]) -> RecordingWriter:
    """A writer that was never closed, as after a power cut."""
    writer = RecordingWriter(path, name="live", store=little_store(), start_ns=5, segment_s=2.0)
    for signal in signals:
        writer.append(signal)
    return writer


def test_a_cut_off_recording_is_read_up_to_its_last_whole_segment(path: Path) -> None:
    """Ten signals a segment: of 37 thirty are there, and a finding says that the rest is lost."""
    signals = some_signals(37)
    live(path, signals)
    recording = open_recording(path)
    assert_same(recording.signals(), signals[:30])
    (found,) = recording.findings
    assert (found.severity, "cut off" in found.problem, "30 signals" in found.problem) == (Severity.WARNING, True, True)
    assert recording.duration_s == pytest.approx(5.8)


def test_what_is_left_of_it_has_the_id_of_its_content(path: Path) -> None:
    """The same thirty signals written as a whole are the same recording."""
    live(path, some_signals(37))
    whole = path.with_name("whole")
    write_recording(whole, name="whole", store=little_store(), start_ns=5, signals=some_signals(30))
    assert open_recording(path).recording_id == open_recording(whole).recording_id


@pytest.mark.parametrize("damage", ["torn", "empty", "one stream missing"])
def test_a_torn_last_segment_is_left_out(path: Path, damage: str) -> None:
    """A disk that lied about its sync costs the last segment, not the recording."""
    signals = some_signals(37)
    live(path, signals)
    last = path / "streams" / "weights-000003.parquet"
    content = last.read_bytes()
    if damage == "one stream missing":
        last.unlink()
    else:
        last.write_bytes(content[: len(content) // 2] if damage == "torn" else b"")
    recording = open_recording(path)
    assert_same(recording.signals(), signals[:20])
    assert "torn" in recording.findings[0].problem


def test_a_hole_in_the_middle_is_refused(path: Path) -> None:
    """Later segments do not follow on what is left: a replay would not know what it missed."""
    live(path, some_signals(37))
    for file in path.glob("streams/*-000002.parquet"):
        file.unlink()
    recording = open_recording(path)  # the last segment goes with it
    assert len(list(recording.signals())) == 10
    live(path.with_name("longer"), some_signals(57))
    for file in path.with_name("longer").glob("streams/*-000002.parquet"):
        file.unlink()
    with pytest.raises(UserError, match="do not follow on signal 9"):
        open_recording(path.with_name("longer"))


def test_a_live_recording_ends_complete(path: Path) -> None:
    """Leaving the writer without an error completes it; staff may be learnt meanwhile."""
    with RecordingWriter(path, name="live", store=little_store(), start_ns=5) as writer:
        for signal in some_signals(12):
            writer.append(signal)
        writer.close(staff=("7",))
    assert open_recording(path).findings == ()
    assert open_recording(path).staff == ("7",)


def test_a_stopped_clock_does_not_fill_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments end by count, too."""
    monkeypatch.setattr("jwo_cli.recordings.writer.MOST_SIGNALS", 10)
    write(path, [batch(1_000) for _ in range(35)])
    assert len(list(path.glob("streams/weights-*.parquet"))) == 4
    assert len(list(open_recording(path).signals())) == 35


def edit(path: Path, **fields: object) -> None:
    """Writes some fields of the manifest anew."""
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **fields}))


def write_other_layout(path: Path) -> Path:
    other = path.with_name("other")
    write_recording(other, name="other", store=little_store("v2"), start_ns=5, signals=some_signals(3))
    return other
