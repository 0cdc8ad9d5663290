"""Truth as the benchmark writes it, and as a table: the same both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.model.findings import UserError
from jwo_cli.recordings import TrueEvent, TrueItem, TrueReceipt, Truth
from jwo_cli.recordings.truth import read_truth_json
from jwo_cli.recordings.truth_table import truth_of, truth_table

DOCUMENT = {
    "class": "handover",
    "receipts": [
        {"target_id": "8", "all_ids": ["7", "8"], "products": [{"barcode": "012", "quantity": 2, "price": 1}]}
    ],
    "events": [
        {
            "t": 1590000000.5,
            "type": "pick",
            "plates": [{"gondola": 1, "shelf": 5, "plate": 11}],
            "products": ["012"],
            "delta_g": -623.0,
            "target_id": "7",
        },
        {
            "t": 1590000001.0,
            "type": "handover",
            "plates": [],
            "products": ["012"],
            "target_id": "7",
            "to_target_id": "8",
        },
    ],
}
TRUTH = Truth(
    scenario="handover",
    receipts=(TrueReceipt(track_id="8", all_ids=("7", "8"), items=(TrueItem(product_id="012", quantity=2),)),),
    events=(
        TrueEvent(
            at_ns=1_590_000_000_500_000_000,
            kind="pick",
            track_id="7",
            products=("012",),
            plates=("g1.s5.p11",),
            delta_g=-623.0,
        ),
        TrueEvent(
            at_ns=1_590_000_001_000_000_000,
            kind="handover",
            track_id="7",
            products=("012",),
            plates=(),
            to_track_id="8",
        ),
    ),
)


def test_the_benchmarks_truth_is_read(tmp_path: Path) -> None:
    """Plates get their names of the layout, times become nanoseconds."""
    (tmp_path / "truth.json").write_text(json.dumps(DOCUMENT))
    assert read_truth_json(tmp_path / "truth.json") == TRUTH


def test_a_truth_that_is_none_names_the_field(tmp_path: Path) -> None:
    """A score against half a truth would be a lie."""
    document = json.loads(json.dumps(DOCUMENT))
    del document["receipts"][0]["products"][0]["quantity"]
    (tmp_path / "truth.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match="is no truth of a case: missing") as caught:
        read_truth_json(tmp_path / "truth.json")
    assert caught.value.findings[0].field == "receipts[0].products[0].quantity"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
lists = st.lists(texts, max_size=3).map(tuple)
items = st.lists(st.builds(TrueItem, product_id=texts, quantity=st.integers(1, 99)), max_size=3).map(tuple)
receipts = st.builds(TrueReceipt, track_id=texts, all_ids=lists, items=items)
events = st.builds(
    TrueEvent,
    at_ns=st.integers(0, 2**62),
    kind=texts.filter(lambda kind: kind != "receipt"),
    track_id=texts,
    products=lists,
    plates=lists,
    delta_g=st.floats(allow_nan=False),
    to_track_id=st.none() | texts,
)
truths = st.builds(
    Truth,
    scenario=texts,
    receipts=st.lists(receipts, max_size=3).map(tuple),
    events=st.lists(events, max_size=3).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(truths)
def test_a_truth_survives_its_table(truth: Truth) -> None:
    """Nothing is lost between the values and the rows."""
    assert truth_of(truth_table(truth)) == truth
