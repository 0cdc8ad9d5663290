"""The tables for people say what happened, in units, and lead back to the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from jwo_cli.insight.receipts import kept
from jwo_cli.journal import Intake, Session, open_journal, verify
from jwo_cli.model import codec
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import ReviewDecided
from tests.journal.days import T0, S, day


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A day of eight visits (the fourth and the eighth under review), and one review decided."""
    directory = tmp_path_factory.mktemp("j")
    with Intake.open(directory, store_id="shop", layout_version="layout-1") as intake:
        entries = day(8)
        intake.append(entries)
        issued = next(entry for entry in entries if "r-day-v3" in str(entry.payload) and entry.kind == "receipt_issued")
        receipt = codec.decode(ReceiptIssued, issued.payload)
        final = tuple(dataclasses.replace(line, charged=True) for line in receipt.lines)
        decided = ReviewDecided(
            at_ns=T0 + 900 * S, receipt_id="r-day-v3", staff="kim", lines=(("4006381000001", 1),), note="seen on camera"
        )
        corrected = ReceiptCorrected(
            at_ns=decided.at_ns,
            receipt_id=receipt.receipt_id,
            visit_id=receipt.visit_id,
            currency="EUR",
            lines=final,
            total_minor=receipt.total_minor,
            tax_minor=receipt.tax_minor,
            difference_minor=receipt.total_minor - receipt.charged_minor,
            staff="kim",
            replaces=receipt.lines,
        )
        for value, source in ((decided, "staff/kim"), (corrected, "day/desk")):
            _keep(intake, value, source)
    with open_journal(directory) as session:
        yield session


def _keep(intake: Intake, value: object, source: str) -> None:
    kind = codec.kind_of(type(value))
    intake.append([NewEntry(key=f"{source}/{kind}", at_ns=T0, source=source, kind=kind, payload=codec.encode(value))])


def test_a_decision_concerns_the_receipt_that_it_was_about(opened: Session, tmp_path: Path) -> None:
    """A rehearsal's, and not the same receipt of the recording that was replayed beside it; nor its review."""
    (seq,) = (seq for (seq,) in opened.rows("SELECT seq FROM receipts WHERE receipt_id = 'r-day-v3'"))
    found = [value.value for value in kept(opened, range(seq, seq + 2))]
    (corrected,) = (
        item.value for item in kept(opened, [seq for (seq,) in opened.rows("SELECT seq FROM receipt_corrected")])
    )
    decided = ReviewDecided(at_ns=corrected.at_ns, receipt_id="r-day-v3", staff="kim", lines=())
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        for value in found:
            _keep(intake, value, "shadow/x")
            _keep(intake, value, "recording/x")
        _keep(intake, decided, "staff/kim")
        _keep(intake, corrected, "shadow/desk")
    with open_journal(tmp_path / "j") as session:
        rows = session.rows("SELECT source, final_minor, corrected_seq IS NOT NULL FROM receipts")
        assert rows == [("shadow/x", 432, True), ("recording/x", 144, False)]
        assert session.rows("SELECT source, open FROM reviews") == [("shadow/x", False), ("recording/x", True)]
    assert verify(tmp_path / "j") == ()


def test_visits_have_a_beginning_an_end_and_a_receipt(opened: Session) -> None:
    """One row per visit, in order, with its receipt's totals."""
    sql = "SELECT visit_id, role, duration_s, receipt_id, settled, charged_minor, currency FROM visits LIMIT 2"
    assert opened.rows(sql) == [
        ("day-v0", "shopper", 20.0, "r-day-v0", "automatic", 432, "EUR"),
        ("day-v1", "shopper", 20.0, "r-day-v1", "automatic", 432, "EUR"),
    ]


def test_receipts_show_what_was_charged_and_what_a_review_changed(opened: Session) -> None:
    """`charged_minor` is what was charged at the exit, `final_minor` what is charged after all corrections."""
    sql = "SELECT total_minor, charged_minor, final_minor, corrected_seq IS NOT NULL FROM receipts WHERE receipt_id = ?"
    assert opened.rows(sql, ["r-day-v3"]) == [(432, 144, 432, True)]
    assert opened.rows(sql, ["r-day-v7"]) == [(432, 144, 144, False)]
    assert opened.rows(sql, ["r-day-v0"]) == [(432, 432, 432, False)]


def test_lines_have_their_alternatives_and_causes(opened: Session) -> None:
    """Each line leads to the weight change that caused it."""
    rows = opened.rows(
        "SELECT l.line_no, l.quantity, l.charged, w.kind, a.other_quantity, a.probability FROM lines l "
        "JOIN alternatives a USING (seq, line_no) JOIN entries w ON w.seq = l.caused_by[1] "
        "WHERE l.receipt_id = 'r-day-v3' ORDER BY l.line_no"
    )
    assert rows == [(1, 1, True, "weight_changed", 2, 0.0625), (2, 2, False, "weight_changed", 3, 0.0625)]
    assert opened.rows("SELECT line_no, charged, staff FROM corrected_lines") == [(1, True, "kim"), (2, True, "kim")]


def test_explanations_are_one_row_per_alternative(opened: Session) -> None:
    """Best first; items as products and quantities; the probabilities of an event sum to one."""
    first = opened.rows('SELECT rank, visit_id, "action", items, probability FROM explanations LIMIT 2')
    assert first == [
        (1, "day-v0", "pick", [{"product_id": "4006381000000", "quantity": 1}], 0.9375),
        (2, None, "none", [], 0.0625),
    ]
    assert opened.rows(
        "SELECT count(*) FROM (SELECT 1 FROM explanations GROUP BY event_seq HAVING sum(probability) <> 1)"
    ) == [(0,)]


def test_events_are_plates_in_grams_and_reaches_name_who_was_near(opened: Session) -> None:
    """One row per plate that changed; reaches of weight changes and of touches."""
    assert opened.rows("SELECT count(*), count(DISTINCT seq), max(delta_g) <= 0 FROM events") == [(32, 16, True)]
    assert opened.rows(
        "SELECT kind, count(*), count(hand_m), count(body_m) FROM reaches GROUP BY kind ORDER BY kind"
    ) == [
        ("shelf_touched", 16, 16, 0),
        ("weight_changed", 16, 16, 0),
    ]


def test_reviews_are_open_until_a_person_decides(opened: Session) -> None:
    """The decided one names who, what was noted and what it changed."""
    assert opened.rows("SELECT receipt_id, open, staff, note, difference_minor FROM reviews") == [
        ("r-day-v3", False, "kim", "seen on camera", 288),
        ("r-day-v7", True, None, None, None),
    ]


def test_faults_masses_carts_and_places(opened: Session) -> None:
    """The rest of the day."""
    assert opened.rows("SELECT device_id, kind, duration_s FROM faults") == [("g1.s5.p11", "stuck", 9.0)]
    assert opened.rows("SELECT listed_g, measured_g, difference_g FROM masses") == [(351.5, 340.25, -11.25)]
    assert opened.rows("SELECT count(*), sum(quantity) FROM carts") == [(16, 16)]
    assert opened.rows("SELECT recording_id, duration_s FROM recordings") == [("day", 700.0)]
    assert opened.rows("SELECT store_id, layout_version, first_seq FROM layouts") == [("shop", "layout-1", 1)]
    assert opened.rows("SELECT store_id, source_count FROM stores") == [("shop", 3)]


def test_causes_lead_from_receipts_to_what_was_seen(opened: Session) -> None:
    """The explanation machinery: every cause exists."""
    assert opened.rows("SELECT DISTINCT cause_kind FROM causes WHERE kind = 'receipt_issued' ORDER BY 1") == [
        ("visit_ended",),
        ("weight_changed",),
    ]
    assert opened.rows("SELECT count(*) FROM causes WHERE cause_kind IS NULL") == [(0,)]


def test_times_are_nanoseconds_and_readable(opened: Session) -> None:
    """`at_utc` is `at_ns` for people."""
    assert opened.rows("SELECT strftime(at_utc, '%Y-%m-%d %H:%M:%S') FROM recordings") == [("2023-11-14 22:13:20",)]
