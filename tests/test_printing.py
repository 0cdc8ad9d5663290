"""How a receipt looks."""

from __future__ import annotations

import dataclasses

import pytest

from jwo_cli import console, printing
from jwo_cli.drive.replay import replay
from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from tests.drive import scene


@pytest.fixture(scope="module")
def issued() -> ReceiptIssued:
    """One bottle of water."""
    return replay(scene.recording()).receipts[0]


def _shown(receipt: ReceiptIssued, capsys: pytest.CaptureFixture[str]) -> str:
    console.show(printing.receipt(receipt))
    return capsys.readouterr().out


def test_a_plain_receipt_has_only_the_columns_it_needs(
    issued: ReceiptIssued, capsys: pytest.CaptureFixture[str]
) -> None:
    """No discounts, no deposits, no doubts."""
    text = _shown(issued, capsys)
    assert "settled by itself" in text
    assert all(word in text for word in ("product", "each", "total", "sure"))
    assert not any(word in text for word in ("off", "deposit", "not charged"))


def test_discounts_deposits_and_promotions_stand_on_their_line(
    issued: ReceiptIssued, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each in a column of its own."""
    line = dataclasses.replace(
        issued.lines[0], discount_minor=-20, deposit_minor=25, total_minor=105, promotions=("Summer",)
    )
    text = _shown(dataclasses.replace(issued, lines=(line,), total_minor=105, charged_minor=105), capsys)
    assert "-0.20" in text
    assert "0.25" in text
    assert "Spring water (Summer)" in text
    assert "total 1.05 EUR" in text


def test_a_line_in_doubt_says_so_and_the_receipt_says_why(
    issued: ReceiptIssued, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is charged differs from the total."""
    line = dataclasses.replace(issued.lines[0], charged=False, probability=0.6)
    review = dataclasses.replace(
        issued, lines=(line,), charged_minor=0, settled=Settlement.REVIEW, reasons=("the water is in doubt",)
    )
    text = _shown(review, capsys)
    assert "for a person to look at" in text
    assert "not charged" in text
    assert "because the water is in doubt" in text
    assert "charged 0.00 EUR" in text


def test_goods_sold_by_weight_show_their_weight(issued: ReceiptIssued, capsys: pytest.CaptureFixture[str]) -> None:
    """Kilograms, to the gram."""
    line = dataclasses.replace(issued.lines[0], sold_by=SoldBy.WEIGHT, mass_g=412.4)
    assert "0.412 kg" in _shown(dataclasses.replace(issued, lines=(line,)), capsys)


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, ">99.9 %"), (0.9995, ">99.9 %"), (0.9994, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")],
)
def test_nothing_is_called_a_hundred_percent(probability: float, text: str) -> None:
    """Rounding must not promise what is not known."""
    assert printing.percent(probability) == text
