"""Types to JSON and back: nothing is lost, what does not fit is refused by its field's name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model import codec
from jwo_cli.model.decisions import ActionKind, EventExplained, Explanation
from jwo_cli.model.observations import PlateDelta, Reach, Role, TrackStarted, WeightChanged

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
TIMES = st.integers(0, codec.MOST)
REACHES = st.builds(
    Reach, track_id=st.text(), log_likelihood=FINITE, hand_m=FINITE | st.none(), body_m=FINITE | st.none()
)
PLATES = st.builds(PlateDelta, plate_id=st.text(), delta_g=FINITE, sigma_g=FINITE.map(abs))
CHANGES = st.builds(
    WeightChanged,
    at_ns=TIMES,
    begin_ns=TIMES,
    end_ns=TIMES,
    shelf_id=st.text(),
    plates=st.lists(PLATES, max_size=3).map(tuple),
    real=FINITE,
    reaches=st.lists(REACHES, max_size=3).map(tuple),
    poses_known=st.booleans(),
    steps=st.integers(1, 9),
)


@given(CHANGES)
def test_what_is_encoded_decodes_to_the_same(change: WeightChanged) -> None:
    """Through real JSON text, as the journal keeps it."""
    assert codec.decode(WeightChanged, json.loads(codec.canonical(codec.encode(change)))) == change


def test_nested_pairs_and_enums_survive() -> None:
    """A tuple of fixed length stays one."""
    way = Explanation(visit_id=None, action=ActionKind.PICK, items=(("water", 2), ("bar", 1)), probability=0.5)
    explained = EventExplained(at_ns=1, event_seq=2, explanations=(way,))
    assert codec.decode(EventExplained, codec.encode(explained)) == explained


def test_every_kind_is_the_snake_case_of_its_class() -> None:
    """And no two classes share one."""
    assert codec.kind_of(WeightChanged) == "weight_changed"
    assert not codec.OBSERVATIONS.keys() & codec.DECISIONS.keys()
    assert "receipt_issued" in codec.DECISIONS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": "king"}, "king"),
        ({"x_m": "near"}, "TrackStarted.x_m"),
        ({"at_ns": True}, "TrackStarted.at_ns"),
        ({"at_ns": 1.5}, "TrackStarted.at_ns"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused_by_its_fields_name(change: dict[str, object], words: str) -> None:
    """A wrong type, an unknown word, a field too many."""
    payload = {**_started(), **change}
    with pytest.raises(ValueError, match=words):
        codec.decode(TrackStarted, payload)  # type: ignore[arg-type]


def test_a_missing_field_is_refused_and_a_missing_default_is_not() -> None:
    """Older payloads may lack what was added with a default."""
    payload = _started()
    del payload["role"]
    assert codec.decode(TrackStarted, payload).role is Role.SHOPPER  # type: ignore[arg-type]
    del payload["x_m"]
    with pytest.raises(ValueError, match="x_m"):
        codec.decode(TrackStarted, payload)  # type: ignore[arg-type]


def test_canonical_bytes_do_not_depend_on_the_order_of_keys() -> None:
    """Sorted, without spaces, in UTF-8."""
    assert codec.canonical({"b": 1, "a": "ü"}) == codec.canonical({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_refused(value: float) -> None:
    """A hash over NaN would depend on who wrote it."""
    with pytest.raises(ValueError, match="JSON"):
        codec.canonical(value)


@pytest.mark.parametrize("value", [codec.MOST + 1, [{"a": -codec.MOST - 1}], 10**400, "\udcff"])
def test_what_no_table_can_hold_has_no_canonical_form(value: codec.JsonValue) -> None:
    """Numbers of more than 62 bits, wherever they stand, and halves of characters; nor is one a float."""
    with pytest.raises(ValueError, match=r"too large|UTF-8"):
        codec.canonical(value)
    with pytest.raises(ValueError, match=r"x_m: expected float"):
        codec.decode(TrackStarted, {"at_ns": 1, "track_id": "t", "x_m": value, "y_m": 0.0})


def _started() -> dict[str, object]:
    started = TrackStarted(at_ns=5, track_id="ann", x_m=1.0, y_m=2.0)
    encoded = codec.encode(started)
    assert isinstance(encoded, dict)
    return dict(encoded)


@pytest.mark.parametrize(("delta_g", "sigma_g"), [(float("nan"), 1.0), (1.0, float("inf")), (1.0, -1.0)])
def test_a_change_that_was_not_measured_cannot_be_built(delta_g: float, sigma_g: float) -> None:
    """Grams that are no numbers never reach the journal."""
    with pytest.raises(ValueError, match="not a measured change"):
        PlateDelta(plate_id="p", delta_g=delta_g, sigma_g=sigma_g)
