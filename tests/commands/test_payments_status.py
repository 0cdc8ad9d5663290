"""`jwo payments` where a journal is enough: what only a person can end, and windows of time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jwo_cli.model.paying import PaymentAnswered, PaymentDue, PaymentOutcome, PaymentPurpose, payment_due
from tests.commands.test_payments import keep
from tests.conftest import Jwo


def test_what_only_a_person_can_end_is_named(jwo: Jwo, tmp_path: Path) -> None:
    """A charge whose shopper is asked for, with and without a page; holds that nobody let go of; exit code 1."""
    charges = [due(PaymentPurpose.CHARGE, f"v{number}", receipt_id=f"r-v{number}") for number in (1, 2)]
    hold, forgotten = due(PaymentPurpose.AUTHORISE, "v3"), due(PaymentPurpose.AUTHORISE, "v4")
    cancels = [due(PaymentPurpose.CANCEL, "v3", held_key=hold.key, attempt=number) for number in (1, 2, 3, 4)]
    keep(
        tmp_path, *charges, hold, said(hold, PaymentOutcome.DONE), forgotten, said(forgotten, PaymentOutcome.DONE),
        said(charges[0], PaymentOutcome.ACTION_NEEDED, link="https://pay.example/1"),
        said(charges[1], PaymentOutcome.ACTION_NEEDED),
    )  # fmt: skip
    keep(tmp_path, *(value for item in cancels for value in (item, said(item, PaymentOutcome.FAILED, code="x"))))
    journal = ("--journal", tmp_path / "journal")
    told = jwo("payments", "status", *journal)
    assert told.returncode == 1
    for words in (
        "r-v1: the shopper has to confirm it at https://pay.example/1.",
        "r-v2: their bank asks for the shopper, and there is no page for that",
        "v3: 3.00 EUR of ann are still held: let go of pi_1 at the provider",
    ):
        assert words in " ".join(told.stderr.split())
    assert json.loads(jwo("payments", "status", *journal, "--json").stdout)["for_a_person"] == [
        "r-v1",
        "r-v2",
        "v3",
        "v4",
    ]
    rehearsed = json.loads(jwo("payments", "retry", "--all", "--dry-run", *journal, "--json").stdout)
    assert list(rehearsed["carried"].values()) == ["open"]


def due(
    purpose: PaymentPurpose, visit_id: str, *, receipt_id: str | None = None, held_key: str = "", attempt: int = 1
) -> PaymentDue:
    return payment_due(
        at_ns=1, purpose=purpose, visit_id=visit_id, receipt_id=receipt_id, account="ann", amount_minor=300,
        currency="EUR", held_key=held_key, attempt=attempt,
    )  # fmt: skip


def said(of: PaymentDue, outcome: PaymentOutcome, *, code: str = "", link: str = "") -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=2, key=of.key, purpose=of.purpose, receipt_id=of.receipt_id, account=of.account, code=code, link=link,
        amount_minor=of.amount_minor, currency="EUR", outcome=outcome, provider="fake", reference="pi_1",
    )  # fmt: skip


@pytest.mark.parametrize("days", ["nan", "inf", "1e300"])
def test_a_window_that_no_clock_knows_is_refused(jwo: Jwo, days: str) -> None:
    """A sentence, no traceback."""
    done = jwo("payments", "reconcile", "--days", days)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--days" in done.stderr
