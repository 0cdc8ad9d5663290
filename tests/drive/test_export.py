"""Receipts in the competition's form."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from jwo_cli.drive.export import autocheckout, write_json
from jwo_cli.drive.replay import replay
from jwo_cli.model.decisions import Settlement
from tests.drive import scene


def test_the_export_names_shopper_products_and_how_it_was_settled() -> None:
    """One receipt under the recording's name."""
    assert autocheckout([replay(scene.recording())]) == {
        "one-bottle": [
            {"target_id": "ann", "settled": "automatic", "products": [{"barcode": "4006381333931", "quantity": 1}]}
        ]
    }


def test_a_recording_in_which_nothing_was_taken_has_an_empty_list() -> None:
    """It is named all the same: it was looked at."""
    assert autocheckout([replay(scene.recording(staff=("ann",)))]) == {"one-bottle": []}


def test_lines_that_wait_for_a_person_are_exported_as_the_best_estimate() -> None:
    """Two lines of one product, one charged and one not, are one product with their sum; the receipt says review."""
    result = replay(scene.recording())
    (receipt,) = result.receipts
    doubtful = dataclasses.replace(receipt.lines[0], charged=False, quantity=2)
    review = dataclasses.replace(receipt, lines=(*receipt.lines, doubtful), settled=Settlement.REVIEW)
    exported = autocheckout([dataclasses.replace(result, receipts=(review,))])
    assert exported["one-bottle"][0]["settled"] == "review"
    assert exported["one-bottle"][0]["products"] == [{"barcode": "4006381333931", "quantity": 3}]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be written leaves the old file as it was, and nothing beside it."""
    path = tmp_path / "receipts.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
