"""mongodump's archive and folder give the recording that the raw folder gives, or say where they are broken."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bson
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.recordings import Recording, open_recording
from jwo_cli.recordings.importing import foreign_recordings
from tests.recordings.cases import Document, Files, case_documents, write_case
from tests.recordings.dumps import archive


def frames_of_a_camera() -> list[Document]:
    return [{"timestamp": float(n), "frame": bytes(1000)} for n in range(5)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def read(path: Path) -> list[Recording]:
    return list(foreign_recordings(path))


def refused(path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        read(path)
    return caught.value


@pytest.fixture
def files() -> Files:
    return case_documents()


@pytest.fixture
def raw(tmp_path: Path, files: Files) -> Recording:
    return open_recording(write_case(tmp_path / "raw", files))


@pytest.mark.parametrize("piece", [1, 2, 100])
@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_is_the_raw_folder(tmp_path: Path, files: Files, raw: Recording, piece: int, packed: bool) -> None:
    """Interleaved in any way, compressed or not, frames passed over: the same recording, named by its database."""
    content = archive({"cps-test-01": {"frame_message": frames_of_a_camera(), **files}}, piece=piece)
    path = write(tmp_path / "dump.archive", gzip.compress(content) if packed else content)
    (recording,) = read(path)
    assert (recording.name, recording.recording_id) == ("cps-test-01", raw.recording_id)


def test_numbers_and_bytes_may_be_mongodbs_own(tmp_path: Path, files: Files, raw: Recording) -> None:
    """64-bit integers and binary data say the same as plain numbers and base64."""
    for document in files["plate_data"]:
        values = document["document"]["plate_data"]["values"]
        values["shape"] = [bson.Int64(size) for size in values["shape"]]
        values["data"] = base64.b64decode(values["data"])
    (recording,) = read(write(tmp_path / "dump", archive({"case": files})))
    assert recording.recording_id == raw.recording_id


def test_an_archive_may_hold_several_cases(tmp_path: Path, files: Files) -> None:
    """Each database is a recording."""
    content = archive({"one": files, "two": case_documents(batches=4)})
    assert [recording.name for recording in read(write(tmp_path / "dump", content))] == ["one", "two"]


@pytest.mark.parametrize("suffix", ["bson", "bson.gz"])
@pytest.mark.parametrize("level", [".", "case"])
def test_a_dump_folder_is_the_raw_folder(tmp_path: Path, files: Files, raw: Recording, suffix: str, level: str) -> None:
    """`dump/` or `dump/case/`, with .bson or .bson.gz; case_info may lie there as a collection."""
    folder = tmp_path / "dump" / level
    folder.mkdir(parents=True)
    for name, documents in {**files, "case_info": [{"staff_target_ids": []}]}.items():
        content = b"".join(bson.encode(document) for document in documents)
        (folder / f"{name}.{suffix}").write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    (recording,) = read(tmp_path / "dump")
    assert recording.recording_id == raw.recording_id
    assert recording.name == ("dump" if level == "." else "case")


def test_an_archive_that_breaks_off_is_refused(tmp_path: Path, files: Files) -> None:
    """At any byte: nothing passes for a shorter recording."""
    content = archive({"case": files})
    for length in range(100, len(content) - 4, 977):
        assert read_fails(write(tmp_path / "dump", content[:length]))
    problem = refused(write(tmp_path / "dump", archive({"case": files}, close=False))).findings[0].problem
    assert problem == "truncated: the end of this collection is missing"


def read_fails(path: Path) -> bool:
    try:
        read(path)
    except UserError:
        return True
    return False


def test_a_changed_byte_is_found_by_the_checksum(tmp_path: Path, files: Files) -> None:
    """Not only where it breaks the documents' form: a weight that changed on the way is no weight."""
    content = archive({"case": files})
    weights = files["plate_data"][0]["document"]["plate_data"]["values"]["data"].encode()
    place = content.index(weights) + 40
    other = b"B" if content[place : place + 1] == b"A" else b"A"
    path = write(tmp_path / "dump", content[:place] + other + content[place + 1 :])
    assert "does not have the checksum" in refused(path).findings[0].problem


def test_what_is_no_dump_is_told(tmp_path: Path, files: Files) -> None:
    """Another file, an archive of a newer form, a header without a name, a dump without a case."""
    assert "neither an AutoCheckout case nor a mongodump" in str(refused(write(tmp_path / "a", b"PK\x03\x04")))
    assert "neither an AutoCheckout case nor a mongodump" in str(refused(tmp_path))
    newer = archive({"case": files}).replace(b"0.1\x00", b"0.2\x00", 1)
    assert "archive format '0.2'" in refused(write(tmp_path / "b", newer)).findings[0].problem
    nameless = archive({"case": files}).replace(b"collection\x00", b"kollection\x00")
    assert "namespace header lacks" in refused(write(tmp_path / "c", nameless)).findings[0].problem
    other = archive({"library": {"books": [{"title": "Dune"}]}})
    assert "holds no collection of an AutoCheckout case" in str(refused(write(tmp_path / "d", other)))
    garbage = archive({"case": files})[:400] + b"\x01\x00\x00\x00" * 9
    assert read_fails(write(tmp_path / "e", garbage))


def test_missing_and_empty_collections_are_told_together(tmp_path: Path, files: Files) -> None:
    """By database and collection."""
    del files["products"]
    files["full_targets"] = []
    problems = [item.problem for item in refused(write(tmp_path / "dump", archive({"case": files}))).findings]
    assert problems == ["the collection is empty", "no collection products"]


def test_malformed_documents_are_named_by_their_number(tmp_path: Path, files: Files) -> None:
    """As lines are in a raw folder; the file's name carries database and collection."""
    del files["plate_data"][3]["timestamp"]
    files["planogram"][1]["plate_ids"] = []
    found = refused(write(tmp_path / "dump", archive({"case": files}))).findings
    places = [(Path(item.file).name, item.line, item.field) for item in found]
    assert places == [("dump:case.plate_data", 4, "timestamp"), ("dump:case.planogram", 2, "plate_ids")]


def test_a_document_that_is_no_bson_is_named(tmp_path: Path, files: Files) -> None:
    """In a folder there is no checksum: the document's own form must do."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for name, documents in files.items():
        parts: Sequence[Any] = [bytearray(bson.encode(document)) for document in documents]
        if name == "plate_data":
            parts[1][4] = 0x7E  # no such type
        (folder / f"{name}.bson").write_bytes(b"".join(parts))
    (found,) = refused(folder).findings
    assert (Path(found.file).name, found.line) == ("plate_data.bson", 2)
    (folder / "plate_data.bson").write_bytes(b"".join(parts)[:-3])
    assert "truncated" in refused(folder).findings[0].problem


def test_what_was_dumped_is_what_is_exported_again(tmp_path: Path, files: Files) -> None:
    """The layout's documents come back as JSON lines."""
    (recording,) = read(write(tmp_path / "dump", archive({"case": files})))
    lines = recording.source["products.json"].decode().splitlines()
    assert [json.loads(line)["product_id"]["id"] for line in lines] == ["012000181139", "718604971397", "048014009909"]
