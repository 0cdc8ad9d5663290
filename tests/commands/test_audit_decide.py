"""`jwo audit reviews` and `jwo audit decide` in a store directory, with a provider: what staff do after a complaint."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.paying import PaymentDue, PaymentPurpose, payment_due
from tests.commands.test_payments import RECEIPT, Run, keep, opened, run, shop, url  # noqa: F401 - its fixtures
from tests.shop.test_receipts_text import bought, perhaps, sure

ANN = replace(RECEIPT, account="ann")
BOB = replace(bought(sure("cola")), account="bob", receipt_id="r-v3", visit_id="v3")
DOUBT = replace(bought(perhaps("cola", 2, 0.70, ("cola", 1, 0.29)), probability=0.70), receipt_id="r-v2", visit_id="v2")


def due_of(receipt: ReceiptIssued) -> PaymentDue:
    return payment_due(
        at_ns=time.time_ns(),
        purpose=PaymentPurpose.CHARGE,
        visit_id=receipt.visit_id,
        receipt_id=receipt.receipt_id,
        account=receipt.account or "",
        amount_minor=receipt.charged_minor,
        currency="EUR",
    )


@pytest.fixture
def charged(shop: Path, run: Run) -> Path:  # noqa: F811
    """A store that charged Ann's bread and cola, could not charge Bob's, and has somebody's second cola in doubt."""
    keep(shop, opened("ann"))
    made = json.loads(run("payments", "enrol", "ann", "--method", "pm_card_visa", "--json").stdout)
    method = PaymentMethodSet(
        at_ns=1, account="ann", provider="fake", customer_ref=made["customer"], method_ref=made["method"]
    )
    keep(shop, method, ANN, due_of(ANN), DOUBT, BOB, due_of(BOB))
    assert run("payments", "retry").returncode == 0
    return shop


@pytest.mark.usefixtures("charged")
def test_a_disputed_line_is_refunded_by_one_sentence(run: Run) -> None:  # noqa: F811
    """Rehearsed, decided, decided again, carried by hand, compared: the bread's money went back once."""
    command = ("audit", "decide", "r-v1", "--item", "bread=0", "--staff", "ada", "--note", "she had none")
    rehearsed = run(*command, "--dry-run")
    assert "this was a dry run" in rehearsed.stderr
    assert json.loads(run("payments", "status", "--json").stdout)["open"] == 0
    decided = run(*command)
    assert decided.returncode == 0
    assert "Decided by ada" in decided.stdout
    assert "2.06 EUR go back to ann" in decided.stderr
    again = run(*command)
    assert (again.returncode, "nothing changes: ada decided so before" in again.stderr) == (0, True)
    assert run("payments", "retry").returncode == 0
    found = json.loads(run("payments", "reconcile", "--json").stdout)
    assert found["totals"] == [{"currency": "EUR", "ledger_minor": 154, "provider_minor": 154}]
    found = json.loads(run("audit", "verify", "--json").stdout)
    assert ["no signed mark" if "mark" in one["problem"] else one for one in found] == ["no signed mark"]
    shown = run("audit", "show", "r-v1").stdout
    assert "she had none" in shown
    assert "now 1.54 EUR, 2.06 less than before" in shown


@pytest.mark.usefixtures("charged")
def test_what_was_never_paid_does_not_come_back(run: Run) -> None:  # noqa: F811
    """Bob has no card: his receipt is forgiven, found by his account, and the sentence says that nothing was paid."""
    decided = run("audit", "decide", "bob", "--refund-all")
    assert "bob owes 1.54 EUR less; 0.00 of it were paid by now" in decided.stderr


@pytest.mark.usefixtures("charged")
def test_what_waits_is_listed_and_settled(run: Run) -> None:  # noqa: F811
    """Why, how sure, how much; --json the same; then nothing waits any more."""
    told = run("audit", "reviews")
    assert "r-v2" in told.stdout
    assert "charged 1.54 EUR of 3.08, 70.0 % sure of the whole" in told.stdout
    assert "it may be 1 × Cola 0.33 l (0.29)" in told.stdout
    assert "1 receipt waits for a person" in told.stderr
    (waiting,) = json.loads(run("audit", "reviews", "--json").stdout)
    assert (waiting["receipt_id"], waiting["decided_ns"]) == ("r-v2", None)
    settled = json.loads(run("audit", "decide", "r-v2", "--as-charged", "--json").stdout)["decided"]
    assert (settled["new"], settled["due"], settled["corrected"]["difference_minor"]) == (True, None, 0)
    assert json.loads(run("audit", "reviews", "--json").stdout) == []
    assert len(json.loads(run("audit", "reviews", "--all", "--json").stdout)) == 1


@pytest.mark.usefixtures("charged")
def test_who_pays_is_all_that_may_be_said(run: Run) -> None:  # noqa: F811
    """Nobody paid this receipt: named, ann is asked for what is charged now."""
    said = run("audit", "decide", "r-v2", "--account", "ann", "--dry-run", "--json")
    due = json.loads(said.stdout)["decided"]["due"]
    assert (due["account"], due["amount_minor"]) == ("ann", 154)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "does not say what is decided"),
        (("--as-charged", "--refund-all"), "says two things"),
        (("--refund-all", "--item", "bread=1"), "says two things"),
        (("--item", "bread"), "does not say how many"),
        (("--item", "bread=-1"), "does not say how many"),
        (("--item", "bread=4001234567890"), "nobody carries out 4001234567890 of"),
        (("--item", "bread=1001", "--dry-run"), "nobody carries out 1001 of"),
        (("--item", f"bread={'9' * 5_000}"), "does not say how many"),
        (("--item", "soap=1"), "no product fits 'soap'"),
        (("--as-charged", "--account", "eve"), "no account 'eve'"),
    ],
)
def test_what_is_not_clear_is_a_question_back(shop: Path, run: Run, args: tuple[str, ...], words: str) -> None:  # noqa: F811
    """Exit code 2, and nothing written."""
    keep(shop, ANN)
    refused = run("audit", "decide", "r-v1", *args)
    assert (refused.returncode, words in refused.stderr) == (2, True)
    assert len(json.loads(run("sql", "SELECT seq FROM entries", "--json").stdout)) == 1
