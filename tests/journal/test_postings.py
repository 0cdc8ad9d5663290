"""The books in the journal are the ledger's, row by row, and sum to zero."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, open_journal, postings, projection, verify
from jwo_cli.model import codec
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.shop import ledger
from tests.journal.days import T0, day, receipt


def test_postings_are_what_the_ledger_says(tmp_path: Path) -> None:
    """For every entry, not only for receipts: the kinds that post are exactly those that the table reads."""
    directory = tmp_path / "j"
    with Intake.open(directory, store_id="shop") as intake:
        entries = intake.append(day(8))
    expected = [
        (entry.seq, whole.transaction_id, part.account, part.amount, part.commodity)
        for entry in entries
        if entry.kind in codec.DECISIONS
        for whole in ledger.postings_for(codec.decode(codec.DECISIONS[entry.kind], entry.payload))
        for part in whole.postings
    ]
    with open_journal(directory) as session:
        found = session.rows("SELECT seq, transaction_id, account, amount, commodity FROM postings")
        sums = session.rows("SELECT DISTINCT sum(amount) FROM postings GROUP BY transaction_id, commodity")
        assert session.rows("SELECT sum(amount) FROM postings WHERE account = 'receivable'") == session.rows(
            "SELECT sum(charged_minor) FROM receipts"
        )
    assert found == expected
    assert len(found) > 60
    assert sums == [(0,)]


def test_what_the_provider_did_is_posted_and_what_it_refused_is_not(tmp_path: Path) -> None:
    """Declined, then done, then a part given back: clearing holds the difference, and nothing else moved."""
    answers = [
        PaymentAnswered(
            at_ns=T0 + n,
            key=f"jwo-{n}",
            purpose=purpose,
            receipt_id="r-v",
            account="ann",
            amount_minor=amount,
            currency="EUR",
            outcome=outcome,
            provider="fake",
            reference=f"pi_{n}",
        )
        for n, (purpose, amount, outcome) in enumerate(
            [
                (PaymentPurpose.CHARGE, 500, PaymentOutcome.DECLINED),
                (PaymentPurpose.CHARGE, 500, PaymentOutcome.DONE),
                (PaymentPurpose.REFUND, 120, PaymentOutcome.DONE),
                (PaymentPurpose.AUTHORISE, 900, PaymentOutcome.DONE),
            ]
        )
    ]
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        for answer in answers:
            payload = codec.encode(answer)
            intake.append(
                [NewEntry(key=answer.key, at_ns=T0, source="run/x", kind="payment_answered", payload=payload)]
            )
    with open_journal(tmp_path / "j") as session:
        found = session.rows("SELECT account, sum(amount) FROM postings GROUP BY account ORDER BY account")
    assert found == [("clearing", 380), ("receivable", -380)]
    assert verify(tmp_path / "j") == ()


def test_a_receipt_that_cannot_be_posted_has_no_rows(tmp_path: Path) -> None:
    """It is in the log and in `receipts`; the books stay balanced."""
    whole = receipt("v", "t", [(1, "4006381000000", 1)], T0)
    broken = codec.encode(whole)
    assert isinstance(broken, dict)
    broken["total_minor"] = "much"
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        for key, payload in (("whole", codec.encode(dataclasses.replace(whole, receipt_id="w"))), ("broken", broken)):
            intake.append([NewEntry(key=key, at_ns=T0, source="x", kind="receipt_issued", payload=payload)])
    with open_journal(tmp_path / "j") as session:
        assert session.rows("SELECT count(*) FROM receipts") == [(2,)]
        assert session.rows("SELECT DISTINCT seq FROM postings") == [(1,)]


def test_other_rules_make_other_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the ledger changes, a published copy by the old rules is outdated."""
    before = projection.fingerprint()
    projection.fingerprint.cache_clear()
    monkeypatch.setattr(postings, "rules", lambda: "others")
    assert projection.fingerprint() != before
    monkeypatch.undo()
    projection.fingerprint.cache_clear()
    assert projection.fingerprint() == before
