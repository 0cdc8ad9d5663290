"""Payloads: what a device says comes back whole; what does not fit is refused whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jwo_cli.estimate.pixels import Boxes, Poses
from jwo_cli.estimate.signals import PersonPose, PoseFrame, TagRead, WeightBatch
from jwo_cli.sensors.mqtt import wire

AT = 1_790_000_000_000_000_000
names = st.text(min_size=1, max_size=20)
floats = st.floats(-5e5, 5e5, width=32) | st.just(float("nan"))
BATCH = WeightBatch(
    device_id="g1", end_ns=AT, rate_hz=60.0, channels=("g1:1:1", "g1:1:2"), grams=np.ones((3, 2), dtype=np.float32)
)


def there_and_back(body: wire.Body) -> wire.Body:
    message = wire.unpack(wire.kind_of(body), wire.with_base(wire.pack("boot", 7, body), 3))
    assert (message.boot, message.seq, message.base) == ("boot", 7, 3)
    return message.body


@given(grams=hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(2)), elements=floats))
def test_weights_keep_a_hundredth_of_a_gram(grams: np.ndarray) -> None:
    """NaN included."""
    batch = WeightBatch(device_id="g1", end_ns=AT, rate_hz=60.0, channels=("g1:1:1", "g1:1:2"), grams=grams)
    back = there_and_back(batch)
    assert isinstance(back, WeightBatch)
    assert (back.device_id, back.end_ns, back.rate_hz, back.channels) == ("g1", AT, 60.0, ("g1:1:1", "g1:1:2"))
    np.testing.assert_allclose(back.grams, grams, atol=0.006, rtol=1e-6)


@given(
    joints=hnp.arrays(np.float32, (10, 3), elements=st.floats(-50, 50, width=32) | st.just(float("nan"))), name=names
)
def test_poses_keep_a_millimetre(joints: np.ndarray, name: str) -> None:
    """Joints that were not seen stay unseen."""
    person = PersonPose(track_id=name, joints_m=joints, scores=np.full(10, 0.5, dtype=np.float32))
    back = there_and_back(PoseFrame(at_ns=AT, people=(person, person)))
    assert isinstance(back, PoseFrame)
    assert [person.track_id for person in back.people] == [name, name]
    np.testing.assert_allclose(back.people[1].joints_m, joints, atol=6e-4)


@pytest.mark.parametrize("people", [0, 3])
def test_key_points_of_a_camera(people: int) -> None:
    """Also when it sees nobody."""
    poses = Poses(
        corners_px=np.full((people, 4), 1.25, dtype=np.float32),
        scores=np.full(people, 0.5, dtype=np.float32),
        keypoints_px=np.full((people, 17, 3), 0.75, dtype=np.float32),
    )
    back = there_and_back(wire.CameraSaw(at_ns=AT, camera_id="c1", found=poses))
    assert isinstance(back, wire.CameraSaw)
    np.testing.assert_array_equal(back.found.corners_px, poses.corners_px)
    assert isinstance(back.found, Poses) == bool(people)
    if isinstance(back.found, Poses):
        np.testing.assert_array_equal(back.found.keypoints_px, poses.keypoints_px)


def test_boxes_of_a_camera() -> None:
    """A machine without a model of key points tells boxes."""
    boxes = Boxes(corners_px=np.full((2, 4), 1.25, dtype=np.float32), scores=np.full(2, 0.5, dtype=np.float32))
    back = there_and_back(wire.CameraSaw(at_ns=AT, camera_id="c1", found=boxes, sent_ns=AT + 7))
    assert isinstance(back, wire.CameraSaw)
    assert (back.at_ns, back.sent_ns) == (AT, AT + 7)
    assert isinstance(back.found, Boxes)
    np.testing.assert_array_equal(back.found.corners_px, boxes.corners_px)


@given(tag=names, text=st.text(max_size=60), phase=st.none() | st.floats(0, 6.3))
def test_tags_texts_and_gates(tag: str, text: str, phase: float | None) -> None:
    """Small things come back as they were."""
    for body in (
        TagRead(at_ns=AT, antenna_id="a", tag_id=tag, rssi_dbm=-61.5, phase_rad=phase),
        wire.CodeText(at_ns=AT, gate_id="in", text=text),
        wire.GateState(at_ns=AT, gate_id="in", state="released", reason="fire"),
    ):
        assert there_and_back(body) == body


@given(kind=st.sampled_from(["weights", "poses", "seen", "tags", "text", "gate", "?"]), payload=st.binary(max_size=60))
def test_any_bytes_are_refused_with_a_sentence(kind: str, payload: bytes) -> None:
    """Never with another error."""
    with pytest.raises(wire.WireError):
        wire.unpack(kind, payload)


@pytest.mark.parametrize("spoiled", [b'"at_ns":4611686018427387904', b'"gate":"\\ud800"', b'"text":"\\udcff"'])
def test_what_no_journal_can_hold_comes_from_no_device(spoiled: bytes) -> None:
    """Numbers and texts that JSON can spell all the same."""
    payload = wire.pack("boot", 1, wire.CodeText(at_ns=AT, gate_id="in", text="hello"))
    assert wire.unpack("text", payload)
    field = spoiled.split(b":")[0]
    (kept,) = [part for part in payload.strip(b"{}").split(b",") if part.startswith(field)]
    with pytest.raises(wire.WireError):
        wire.unpack("text", payload.replace(kept, spoiled))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    field=st.sampled_from(["boot", "seq", "base", "device", "end_ns", "rate_hz", "channels", "grams"]), value=_VALUES
)
def test_a_field_of_any_other_form_is_refused_or_understood(field: str, value: object) -> None:
    """A spoiled message is a WireError; one that is taken has samples of its channels."""
    fields = json.loads(wire.pack("boot", 7, BATCH))
    fields[field] = value
    try:
        message = wire.unpack("weights", json.dumps(fields).encode())
    except wire.WireError:
        return
    assert isinstance(message.body, WeightBatch)
    assert message.body.grams.shape[1] == len(message.body.channels)
    assert not np.isinf(message.body.grams).any()


@pytest.mark.parametrize("level", ["", "a/b", "+", "#", "$SYS", "a\0"])
def test_names_that_mqtt_gives_a_meaning_are_no_levels(level: str) -> None:
    """A device cannot speak for another by its name."""
    with pytest.raises(wire.WireError):
        wire.topic("shop", level, "data")


def test_topics_belong_to_one_store() -> None:
    """Device and rest come back; another store's are refused."""
    assert wire.device_of(wire.topic("shop", "g1", "data", "weights"), "shop") == ("g1", "data/weights")
    with pytest.raises(wire.WireError):
        wire.device_of("jwo/other/g1/status", "shop")
