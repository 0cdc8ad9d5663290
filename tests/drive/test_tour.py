"""The guided tour, on the scene and on what is bundled."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.drive.tour import Score, sample, tour
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import TrueItem, TrueReceipt, Truth, open_recording, write_recording
from tests.drive import scene


def _recorded(path: Path, *, taken_g: float = 520.0) -> Path:
    water = TrueReceipt(track_id="ann", all_ids=("ann",), items=(TrueItem(product_id="4006381333931", quantity=1),))
    write_recording(
        path,
        name=path.name,
        store=scene.store(),
        start_ns=scene.START_NS,
        signals=scene.signals(taken_g=taken_g),
        truth=Truth(scenario="one bottle", receipts=(water,)),
    )
    return path


def test_the_tour_shows_receipt_reason_sales_and_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five stations, each with what it shows, and the truth compared."""
    assert tour(tmp_path / "journal", _recorded(tmp_path / "one")) == Score(
        shoppers=1, right=1, settled=1, settled_right=1
    )
    text = capsys.readouterr().out
    assert "1. A store" in text
    assert "Corner shop: fixtures 1, scale plates 3, products 3" in text
    assert "1 × Spring water" in text
    assert "this shopper took 1 × Spring water" in text
    assert "the same, nothing added" in text
    assert "the journal is whole" in text
    assert "1 receipts were settled by themselves: 1 of them are exactly right. 0 wait" in text


def test_a_wrong_receipt_is_counted_as_wrong(tmp_path: Path) -> None:
    """The truth says one bottle, two left the shelf."""
    assert tour(tmp_path / "journal", _recorded(tmp_path / "two", taken_g=1040.0)) == Score(
        shoppers=1, right=0, settled=1, settled_right=0
    )


def test_a_recording_without_receipts_has_no_tour(tmp_path: Path) -> None:
    """A sentence, not an empty page."""
    with pytest.raises(UserError, match="nobody took anything"):
        tour(tmp_path / "journal", _recorded(tmp_path / "none", taken_g=0.0))


def test_the_bundled_sample_is_a_recording_with_its_truth() -> None:
    """Small enough to ship, long enough to show something."""
    folder = sample()
    recording = open_recording(folder)
    assert recording.truth() is not None
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 3_000_000
