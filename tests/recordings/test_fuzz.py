"""Whatever stands in a document or a manifest, the answer is a signal or a sentence, never a traceback."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.model.findings import UserError
from jwo_cli.recordings import open_recording, write_recording
from jwo_cli.recordings.autocheckout import pose_frame, weight_batch
from jwo_cli.recordings.problems import MalformedError
from tests.recordings.cases import case_documents, little_store, some_signals

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["NaN", "AAAA", 10**400, {"$numberLong": "7"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "id"]), inner, max_size=3),
    max_leaves=4,
)
CASE = case_documents()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value inside a document."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(deeper for key, item in inside for deeper in places(item, (*path, key)))]


def with_change(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    if not path:
        return value
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


@pytest.mark.filterwarnings("error")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_a_document_gives_a_signal_or_a_reason(data: st.DataObject) -> None:
    """Every place of a batch and of a message of targets, replaced by anything."""
    document, parse = data.draw(
        st.sampled_from([(CASE["plate_data"][0], weight_batch), (CASE["full_targets"][-1], pose_frame)])
    )
    path = data.draw(st.sampled_from(places(document)[1:]))
    with suppress(MalformedError):
        parse(with_change(document, path, data.draw(json_values)))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "recording"
    write_recording(path, name="fuzz", store=little_store(), start_ns=5, signals=some_signals(8), segment_s=0.5)
    return path


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_a_manifest_gives_a_recording_or_a_reason(recording: Path, data: st.DataObject) -> None:
    """Files, counts, flags and names, replaced by anything; reading to the end included."""
    manifest = recording / "manifest.json"
    whole = manifest.read_text()
    document = json.loads(whole)
    path = data.draw(st.sampled_from(places(document)))
    try:
        manifest.write_text(json.dumps(with_change(document, path, data.draw(json_values))))
        with suppress(UserError):
            list(open_recording(recording).signals())
    finally:
        manifest.write_text(whole)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_of_a_live_segment_is_told(recording: Path, data: st.DataObject) -> None:
    """Without checksums a torn or changed file still gives signals or a sentence."""
    manifest = recording / "manifest.json"
    whole = manifest.read_text()
    file = data.draw(st.sampled_from(sorted((recording / "streams").iterdir())))
    content = file.read_bytes()
    start = data.draw(st.integers(0, len(content) - 1))
    junk = data.draw(st.binary(max_size=20))
    try:
        manifest.write_text(json.dumps({**json.loads(whole), "complete": False, "streams": []}))
        file.write_bytes(content[:start] + junk + content[start + len(junk) :])
        with suppress(UserError):
            list(open_recording(recording).signals())
    finally:
        file.write_bytes(content)
        manifest.write_text(whole)
