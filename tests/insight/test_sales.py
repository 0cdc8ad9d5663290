"""Totals: charged is sold, what waits is not, a correction replaces what was issued."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.insight.sales import by_day, by_product
from jwo_cli.journal import Intake, open_journal
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued, ReceiptLine, Settlement
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import StoreOpened
from jwo_cli.model.units import NS_PER_S

DAY_NS = 86_400 * NS_PER_S


def _line(product: str, quantity: int, each: int, *, charged: bool = True, mass_g: float | None = None) -> ReceiptLine:
    return ReceiptLine(
        product_id=product,
        name=product.title(),
        quantity=quantity,
        unit_price_minor=each,
        discount_minor=0,
        deposit_minor=0,
        tax_class="standard",
        tax_rate_bp=1000,
        tax_minor=quantity * each // 11,
        total_minor=quantity * each,
        probability=0.99 if charged else 0.6,
        charged=charged,
        caused_by=(),
        mass_g=mass_g,
    )


def _receipt(
    number: int, *lines: ReceiptLine, day: int = 0, settled: Settlement = Settlement.AUTOMATIC
) -> ReceiptIssued:
    charged = [line for line in lines if line.charged]
    return ReceiptIssued(
        at_ns=day * DAY_NS + number,
        receipt_id=f"r{number}",
        visit_id=f"v{number}",
        track_id=f"t{number}",
        currency="EUR",
        lines=lines,
        total_minor=sum(line.total_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        charged_minor=sum(line.total_minor for line in charged),
        settled=settled,
        probability=0.9,
    )


def _corrected(issued: ReceiptIssued, line: ReceiptLine) -> ReceiptCorrected:
    return ReceiptCorrected(
        at_ns=30 * DAY_NS,
        receipt_id=issued.receipt_id,
        visit_id=issued.visit_id,
        currency="EUR",
        lines=(line,),
        total_minor=line.total_minor,
        tax_minor=line.tax_minor,
        difference_minor=line.total_minor - issued.charged_minor,
        staff="eve",
        replaces=issued.lines,
    )


def _journal(place: Path, *decisions: ReceiptIssued | ReceiptCorrected | StoreOpened, source: str = "test") -> Path:
    with Intake.open(place, store_id="corner", layout_version="1") as intake:
        intake.append(
            [
                NewEntry(
                    key=f"{source}{number}",
                    at_ns=item.at_ns,
                    source=source,
                    kind=kind_of(type(item)),
                    payload=encode(item),
                )
                for number, item in enumerate(decisions)
            ]
        )
    return place


def test_what_is_charged_is_sold_and_what_waits_stands_beside_it(tmp_path: Path) -> None:
    """Of three waters one is in doubt: two are sold."""
    first = _receipt(1, _line("water", 2, 110), _line("water", 1, 110, charged=False), settled=Settlement.REVIEW)
    with open_journal(_journal(tmp_path / "j", first, _receipt(2, _line("juice", 1, 330)))) as session:
        juice, water = by_product(session)
    assert (juice.name, juice.units, juice.total_minor, juice.tax_minor) == ("Juice", 1, 330, 30)
    assert (water.units, water.waiting_units, water.total_minor) == (2, 1, 220)


def test_days_are_in_order_and_count_receipts_that_wait(tmp_path: Path) -> None:
    """A receipt under review counts as a receipt; its doubtful line not as sales."""
    waiting = _receipt(3, _line("water", 1, 110, charged=False), day=1, settled=Settlement.REVIEW)
    with open_journal(_journal(tmp_path / "j", waiting, _receipt(1, _line("water", 1, 110)))) as session:
        first, second = by_day(session)
    assert (first.day, first.receipts, first.waiting, first.total_minor) == ("1970-01-01", 1, 0, 110)
    assert (second.day, second.receipts, second.waiting, second.total_minor) == ("1970-01-02", 1, 1, 0)


def test_a_correction_replaces_the_lines_as_issued(tmp_path: Path) -> None:
    """A person found a month later that it was one water, not two: that day's; the receipt no longer waits."""
    issued = _receipt(1, _line("water", 2, 110), settled=Settlement.REVIEW)
    corrected = _corrected(issued, _line("water", 1, 110))
    elsewhere = replace(corrected, receipt_id="r9")
    with open_journal(_journal(tmp_path / "j", issued, corrected, elsewhere)) as session:
        ((water,), (day,)) = by_product(session), by_day(session)
    assert (water.units, water.total_minor) == (1, 110)
    assert (day.receipts, day.waiting, day.total_minor) == (1, 0, 110)


@pytest.mark.parametrize(("sources", "total"), [(("shadow/x", "recording/x"), 110), (("recording/x", "run/x"), 220)])
def test_a_receipt_that_is_there_twice_was_sold_once(tmp_path: Path, sources: tuple[str, str], total: int) -> None:
    """A shadow's, and its replay's in the same journal: the first, as it was decided; a run's own before any other."""
    issued = _receipt(1, _line("water", 2, 110))
    decided = _corrected(issued, _line("water", 1, 110))
    for source in sources:
        _journal(tmp_path / "j", issued, _receipt(2, _line("juice", 1, 330)), source=source)
    _journal(tmp_path / "j", decided, source=f"{sources[0].partition('/')[0]}/desk")
    with open_journal(tmp_path / "j") as session:
        for rehearsals in (False, True):
            (day,), (_, water) = by_day(session, rehearsals=rehearsals), by_product(session, rehearsals=rehearsals)
            assert (day.receipts, day.total_minor, water.total_minor) == (2, 330 + total, total)


def test_goods_sold_by_weight_are_totalled_in_grams(tmp_path: Path) -> None:
    """Two bags of nuts."""
    bags = [_receipt(n, _line("nuts", 1, 400, mass_g=250.5)) for n in (1, 2)]
    with open_journal(_journal(tmp_path / "j", *bags)) as session:
        (nuts,) = by_product(session)
    assert nuts.mass_g == pytest.approx(501.0)


def test_a_journal_without_receipts_has_no_sales(tmp_path: Path) -> None:
    """Not an error."""
    with open_journal(_journal(tmp_path / "j")) as session:
        assert by_product(session) == ()
        assert by_day(session) == ()


def test_beside_a_store_that_charges_nothing_else_is_a_sale(tmp_path: Path) -> None:
    """A shadow of the same day and a foreign recording, before and after: neither in totals nor in the books."""
    place = tmp_path / "j"
    opened = StoreOpened(at_ns=0, recording_id="r", layout_version="1")
    _journal(place, opened, _receipt(1, _line("water", 2, 110)), source="shadow/a")
    with open_journal(place) as session:
        assert [row.total_minor for row in by_product(session)] == [220]
    _journal(place, opened, _receipt(2, _line("water", 1, 110)), source="run/b")
    _journal(place, opened, _receipt(3, _line("water", 7, 110)), source="recording/c")
    books = "SELECT sum(amount) FROM {} WHERE account = 'receivable'"
    with open_journal(place) as session:
        ((water,), (day,)) = by_product(session), by_day(session)
        assert (water.total_minor, day.total_minor, day.receipts) == (110, 110, 1)
        assert [row.total_minor for row in by_product(session, rehearsals=True)] == [1100]
        assert session.rows(books.format("postings")) == [(110,)]
        assert session.rows(books.format("all_postings")) == [(1100,)]
