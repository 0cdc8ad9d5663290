"""A raw AutoCheckout folder gives signals in metres, grams and nanoseconds, with its dirt, or it gives every reason."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.signals import JOINTS, PoseFrame, WeightBatch
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.recordings import Recording, open_recording
from tests.recordings.cases import (
    START_S,
    Document,
    Files,
    case_documents,
    change,
    person_document,
    plate_document,
    target_document,
    write_case,
)

MS = 1_000_000


@pytest.fixture
def files() -> Files:
    return case_documents()


def batches(recording: Recording) -> list[WeightBatch]:
    return [signal for signal in recording.signals() if isinstance(signal, WeightBatch)]


def frames(recording: Recording) -> list[PoseFrame]:
    return [signal for signal in recording.signals() if isinstance(signal, PoseFrame)]


def refused(folder: Path) -> tuple[Finding, ...]:
    with pytest.raises(UserError) as caught:
        open_recording(folder)
    return caught.value.findings


def test_a_batch_is_one_gondola_without_row_and_column_zero(tmp_path: Path, files: Files) -> None:
    """Channels are named device:row:column, samples keep their order, the stamp is the last sample's."""
    first = batches(open_recording(write_case(tmp_path / "case", files)))[0]
    assert (first.device_id, first.rate_hz, first.end_ns) == ("g1", 60.0, round(START_S) * 1_000 * MS)
    assert first.channels == ("g1:1:1", "g1:1:2", "g1:1:3", "g1:2:1", "g1:2:2", "g1:2:3")
    assert first.grams.shape == (12, 6)
    assert first.grams[0].tolist() == [0, 100, 200, 300, 400, 500]


def test_inches_become_metres_and_missing_joints_nan(tmp_path: Path, files: Files) -> None:
    """A joint without coordinates is not seen; one that lacks some has zeros there, as protobuf leaves zeros out."""
    neck = {"point": {"x": 10.0, "y": -4.0}, "score": 0.25}
    files["full_targets"] = [target_document(0.1, [person_document(neck=neck)])]
    person = frames(open_recording(write_case(tmp_path / "case", files)))[0].people[0]
    joints = dict(zip(JOINTS, person.joints_m, strict=True))
    assert joints["head"] == pytest.approx([2.54, 0.508, 1.651])
    assert joints["neck"] == pytest.approx([0.254, -0.1016, 0.0])
    assert np.isnan(joints["l_wrist"]).all()
    assert np.isnan(joints["r_elbow"]).all()
    assert person.scores[JOINTS.index("neck")] == 0.25
    assert person.state == "TARGETSTATE_VALID_ENTRANCE"


@pytest.mark.parametrize("order", [("l", "r"), ("r", "l")])
def test_hands_go_to_their_wrists_in_any_order(tmp_path: Path, files: Files, order: tuple[str, str]) -> None:
    """The two unnamed hands are sided by the wrists, not by their place in the list."""
    wrists = {side: {"point": {"x": x, "y": 5.0, "z": 40.0}, "score": 0.5} for side, x in (("l", 80.0), ("r", 110.0))}
    person = person_document(l_wrist=wrists["l"], r_wrist=wrists["r"], hands=[wrists[side] for side in order])  # type: ignore[arg-type]
    files["full_targets"] = [target_document(0.1, [person])]
    joints = frames(open_recording(write_case(tmp_path / "case", files)))[0].people[0].joints_m
    assert joints[JOINTS.index("l_hand")] == pytest.approx(joints[JOINTS.index("l_wrist")])
    assert joints[JOINTS.index("r_hand")] == pytest.approx(joints[JOINTS.index("r_wrist")])


def test_one_hand_leaves_the_other_unseen(tmp_path: Path, files: Files) -> None:
    """A single hand belongs to the wrist it is nearest to."""
    joints = frames(open_recording(write_case(tmp_path / "case", files)))[-1].people[0].joints_m
    assert np.isnan(joints[JOINTS.index("l_hand")]).all()
    assert joints[JOINTS.index("r_hand")] == pytest.approx(joints[JOINTS.index("r_wrist")])


def test_nobody_in_view_is_an_empty_frame(tmp_path: Path, files: Files) -> None:
    """`"targets": {}` says that nobody is there, which is not the same as no message."""
    seen = [len(frame.people) for frame in frames(open_recording(write_case(tmp_path / "case", files)))]
    assert seen == [0, 0, 0, 1, 1, 1]


def test_dirt_goes_through(tmp_path: Path, files: Files) -> None:
    """NaN samples, a message sent twice, one that came late and a gap reach the front end as they were."""
    plates = files["plate_data"]
    plates[1] = plate_document(0.2, np.full((12, 2, 3), np.nan, dtype=np.float32))
    files["plate_data"] = [plates[0], plates[1], plates[1], plates[5], plates[2]]
    got = batches(open_recording(write_case(tmp_path / "case", files)))
    assert [round((batch.end_ns / 1e9 - START_S) / 0.2) for batch in got] == [0, 1, 1, 5, 2]
    assert np.isnan(got[1].grams).all()


def test_case_info_names_staff_and_start(tmp_path: Path, files: Files) -> None:
    """case_info.json is optional; without it there is no staff and the first signal is the start."""
    bare = open_recording(write_case(tmp_path / "bare", files))
    assert (bare.staff, bare.start_ns) == ((), round(START_S * 1e9))
    info = {"staff_target_ids": ["77"], "recording_start": START_S + 0.25}
    told = open_recording(write_case(tmp_path / "told", {**files, "case_info": [info]}))
    assert (told.staff, told.start_ns) == (("77",), round(START_S) * 1_000 * MS + 250 * MS)
    assert told.recording_id != bare.recording_id


def test_what_the_layout_does_not_know_is_a_warning(tmp_path: Path, files: Files) -> None:
    """Loose channels, silent plates and unseen staff are told, and nothing is refused."""
    files["plate_data"] = [plate_document(0.0, np.ones((12, 1, 4), dtype=np.float32))]
    info = {"staff_target_ids": ["99"]}
    recording = open_recording(write_case(tmp_path / "case", {**files, "case_info": [info]}))
    told = " | ".join(finding.problem for finding in recording.findings)
    assert "channels without a plate in the layout: g1:1:4" in told
    assert "plates that never send a weight: g1.s2.p1, g1.s2.p2, g1.s2.p3" in told
    assert "staff id 99 is never seen" in told
    assert {finding.severity for finding in recording.findings} == {Severity.WARNING}


def test_the_truth_is_read_only_when_asked_for(tmp_path: Path, files: Files) -> None:
    """A broken truth.json does not matter to a replay."""
    folder = write_case(tmp_path / "case", files)
    (folder / "truth.json").write_text("{")
    recording = open_recording(folder)
    with pytest.raises(UserError, match="cannot be read as JSON"):
        recording.truth()


def plate(edit: Callable[[Document], object]) -> Callable[[Files], Files]:
    return lambda files: change(files, "plate_data", 3, lambda doc: edit(doc["document"]["plate_data"]))


def plate_root(edit: Callable[[Document], object]) -> Callable[[Files], Files]:
    return lambda files: change(files, "plate_data", 3, edit)


def target(edit: Callable[[Document], object]) -> Callable[[Files], Files]:
    return lambda files: change(files, "full_targets", 5, lambda doc: edit(doc["document"]["targets"]))


def person(edit: Callable[[Document], object]) -> Callable[[Files], Files]:
    return target(lambda targets: edit(targets["targets"][0]))


PLATES, TARGETS = "document.plate_data", "document.targets"
MALFORMED = {
    "no timestamp": (plate_root(lambda d: d.pop("timestamp")), 3, "timestamp", "missing"),
    "timestamp as text": (plate_root(lambda d: d.update(timestamp="soon")), 3, "timestamp", "finite number"),
    "infinite timestamp": (plate_root(lambda d: d.update(timestamp=float("inf"))), 3, "timestamp", "finite number"),
    "timestamp in ms": (plate_root(lambda d: d.update(timestamp=1.59e12)), 3, "timestamp", "1990 and 2200"),
    "no document": (plate_root(lambda d: d.pop("document")), 3, "document", "missing"),
    "document is a list": (plate_root(lambda d: d.update(document=[])), 3, "document", "expected an object"),
    "no plate_data": (plate_root(lambda d: d["document"].pop("plate_data")), 3, PLATES, "missing"),
    "no rate": (plate(lambda d: d.pop("freq_samp")), 3, f"{PLATES}.freq_samp", "missing"),
    "zero rate": (plate(lambda d: d.update(freq_samp=0)), 3, f"{PLATES}.freq_samp", "no sampling rate"),
    "bad gondola": (
        plate(lambda d: d["plate_id"]["shelf_id"].update(gondola_id=7)),
        3,
        f"{PLATES}.plate_id.shelf_id.gondola_id",
        "expected an object, got a number",
    ),
    "two axes": (plate(lambda d: d["values"].update(shape=[12, 12])), 3, f"{PLATES}.values.shape", "2 axes"),
    "no plates": (plate(lambda d: d["values"].update(shape=[12, 1, 4])), 3, f"{PLATES}.values.shape", "no grid"),
    "wrong shape": (
        plate(lambda d: d["values"].update(shape=[12, 3, 5])),
        3,
        f"{PLATES}.values.shape",
        "needs 720 bytes, data holds 576",
    ),
    "bad base64": (plate(lambda d: d["values"].update(data="AAA*")), 3, f"{PLATES}.values.data", "bad base64"),
    "data is no text": (plate(lambda d: d["values"].update(data=1)), 3, f"{PLATES}.values.data", "base64 text"),
    "other type": (
        plate(lambda d: d["values"].update(type="DATATYPE_FLOAT64")),
        3,
        f"{PLATES}.values.type",
        "DATATYPE_FLOAT32",
    ),
    "targets a list": (target(lambda d: d.update(targets={})), 5, f"{TARGETS}.targets", "expected a list"),
    "no id": (person(lambda d: d.pop("target_id")), 5, f"{TARGETS}.targets[0].target_id", "missing"),
    "empty id": (person(lambda d: d.update(target_id={"id": ""})), 5, f"{TARGETS}.targets[0].target_id.id", "a text"),
    "state": (person(lambda d: d.update(target_state=3)), 5, f"{TARGETS}.targets[0].target_state", "a text"),
    "joint a number": (person(lambda d: d.update(head=4)), 5, f"{TARGETS}.targets[0].head", "expected an object"),
    "point a list": (
        person(lambda d: d["head"].update(point=[1, 2, 3])),
        5,
        f"{TARGETS}.targets[0].head.point",
        "expected an object, got a list",
    ),
    "coordinate a text": (
        person(lambda d: d["head"]["point"].update(y="left")),
        5,
        f"{TARGETS}.targets[0].head.point.y",
        "finite number",
    ),
    "joint on the moon": (
        person(lambda d: d["head"]["point"].update(y=1.5e10)),
        5,
        f"{TARGETS}.targets[0]",
        "25 km",
    ),
    "hands a point": (person(lambda d: d.update(hands={})), 5, f"{TARGETS}.targets[0].hands", "expected a list"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_documents_are_named_by_line_and_field(tmp_path: Path, files: Files, name: str) -> None:
    """One document that cannot be read refuses the folder, with its place and what is wrong there."""
    edit, line, field, problem = MALFORMED[name]
    (found,) = refused(write_case(tmp_path / "case", edit(files)))
    assert (found.line, found.field) == (line, field)
    assert problem in found.problem
    assert found.file.endswith("plate_data.json.gz" if line == 3 else "full_targets.json")


def test_everything_wrong_is_told_at_once(tmp_path: Path, files: Files) -> None:
    """Faults in several files and lines come together, in the order in which they stand."""
    files["plate_data"][1].pop("timestamp")
    files["plate_data"][4].pop("document")
    files["full_targets"][0]["timestamp"] = None
    files["planogram"][0].pop("plate_ids")
    found = refused(write_case(tmp_path / "case", files, packed=()))
    places = [(Path(item.file).name, item.line) for item in found]
    assert places[:3] == [("plate_data.json", 2), ("plate_data.json", 5), ("full_targets.json", 1)]
    assert ("planogram.json", 1) in places


def test_a_flood_of_faults_is_counted(tmp_path: Path) -> None:
    """Fifty places are shown, all are counted."""
    files = case_documents(batches=80)
    for document in files["plate_data"]:
        document.pop("timestamp")
    with pytest.raises(UserError, match=r"80 problems \(the first 50 are shown\)") as caught:
        open_recording(write_case(tmp_path / "case", files))
    assert len(caught.value.findings) == 50


def test_invalid_json_names_its_line(tmp_path: Path, files: Files) -> None:
    """Broken syntax, text that is no UTF-8, a number without end and a line that is no object: each with its line."""
    folder = write_case(tmp_path / "case", files, packed=())
    lines = (folder / "plate_data.json").read_bytes().splitlines()
    lines[1] = lines[1][:-5]
    lines[2] = b'{"timestamp": "\xff"}'
    lines[3] = b"[1]"
    lines[4] = b"[" * 100_000
    (folder / "plate_data.json").write_bytes(b"\n".join(lines))
    found = refused(folder)
    assert [item.line for item in found] == [2, 3, 4, 5]
    assert "invalid JSON: Unterminated string starting at column" in found[0].problem
    assert "not UTF-8" in found[1].problem
    assert "expected a JSON object" in found[2].problem


def test_a_truncated_gz_is_refused(tmp_path: Path, files: Files) -> None:
    """A download that broke off says so, and does not pass for a shorter recording."""
    folder = write_case(tmp_path / "case", files)
    packed = (folder / "plate_data.json.gz").read_bytes()
    (folder / "plate_data.json.gz").write_bytes(packed[: len(packed) // 2])
    (found,) = refused(folder)
    assert "truncated" in found.problem


def test_a_damaged_gz_is_refused(tmp_path: Path, files: Files) -> None:
    """So does one with a wrong byte in it, or one that is no gzip at all."""
    folder = write_case(tmp_path / "case", files)
    packed = bytearray((folder / "plate_data.json.gz").read_bytes())
    packed[len(packed) // 2] ^= 0x55
    (folder / "plate_data.json.gz").write_bytes(bytes(packed))
    assert any("damaged gzip" in item.problem or "invalid JSON" in item.problem for item in refused(folder))
    (folder / "plate_data.json.gz").write_bytes(b"plain text\n")
    assert "damaged gzip" in refused(folder)[0].problem


def test_empty_and_missing_files_are_told(tmp_path: Path, files: Files) -> None:
    """Each by name, together."""
    folder = write_case(tmp_path / "case", files, packed=())
    (folder / "plate_data.json").write_bytes(b"")
    (folder / "full_targets.json").unlink()
    found = {Path(item.file).name: item.problem for item in refused(folder)}
    assert found == {"plate_data.json": "the file is empty", "full_targets.json": "no such file"}


@pytest.mark.parametrize("second", ["planogram.json.gz", "planogram-old.json", "planogram_2.json.gz"])
def test_two_planograms_are_refused(tmp_path: Path, files: Files, second: str) -> None:
    """Nobody can tell which one was in force."""
    folder = write_case(tmp_path / "case", files)
    content = (folder / "planogram.json").read_bytes()
    (folder / second).write_bytes(gzip.compress(content) if second.endswith("gz") else content)
    (found,) = refused(folder)
    assert f"more than one planogram: planogram.json, {second}" in found.problem


def test_a_case_info_that_is_none_is_told(tmp_path: Path, files: Files) -> None:
    """Wrong staff would be billed: it is not guessed."""
    folder = write_case(tmp_path / "case", {**files, "case_info": [{"staff_target_ids": "77"}]})
    (found,) = refused(folder)
    assert (found.field, found.problem) == ("staff_target_ids", "expected a list, got a text")
    (folder / "case_info.json").write_text('{"recording_start": 1e300}')
    assert "1990 and 2200" in refused(folder)[0].problem
    (folder / "case_info.json").write_text("{,}")
    assert refused(folder)[0].line == 1


def test_a_path_without_a_recording_says_what_is_missing(tmp_path: Path) -> None:
    """A folder of something else, a file, nothing at all: one sentence each, with what to do."""
    for path, problem in (
        (tmp_path, "holds no recording"),
        (tmp_path / "nowhere", "no such folder"),
        (Path(__file__), "is a file"),
    ):
        with pytest.raises(UserError, match=problem):
            open_recording(path)


def test_base64_that_is_right_but_short_names_both_sizes(tmp_path: Path, files: Files) -> None:
    """Half the bytes of a batch are no batch."""
    half = plate(lambda d: d["values"].update(data=base64.b64encode(bytes(288)).decode()))
    (found,) = refused(write_case(tmp_path / "case", half(files)))
    assert "needs 576 bytes, data holds 288" in found.problem
