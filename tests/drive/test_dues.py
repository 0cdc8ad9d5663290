"""Dues of runs without payments: their shoppers were told that nothing is charged, and are not charged unasked."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.dues import never_asked
from jwo_cli.drive.running import Plan, run
from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import (
    CHARGED_SOURCE,
    UNCHARGED_SOURCE,
    PaymentAnswered,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
    payment_due,
)
from jwo_cli.model.staffing import Mode
from tests.drive import scene
from tests.drive.test_running import PAYMENTS, SCANNER, STORE, nothing, settled
from tests.shop.test_receipts_text import bought, sure

RECEIPT = bought(sure("bread"))


def test_payments_that_are_new_charge_nobody_for_what_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run without says so in its entries; its dues, also those of staff, are asked about, however young they are."""
    monkeypatch.setenv("JWO_TEST_KEY", "sk_test_of_nobody")
    device = tmp_path / "scanner"
    os.mkfifo(device)
    without, charging = (settled(tmp_path, *more, SCANNER.format(device=device)) for more in ((), (PAYMENTS,)))
    plan = Plan(store=STORE, journal=tmp_path / "journal", settings=without, seconds=0.1)
    source = f"{UNCHARGED_SOURCE}{run(plan, began=nothing).run_id[:16]}"
    with Intake.open(plan.journal) as intake:
        assert {entry.source for entry in intake.entries()} == {source}
        due, staffs = owed(RECEIPT.receipt_id), owed(RECEIPT.receipt_id, decision=1)
        append(intake, (RECEIPT, source), (due, source), (staffs, "run/desk"))
        assert never_asked(intake) == [due, staffs]
    plan = replace(plan, settings=charging)
    with pytest.raises(UserError, match="2 are due from runs without"):
        run(plan, began=nothing)
    assert run(replace(plan, shadow=True), began=nothing).mode is Mode.DOWN
    ran = run(replace(plan, charge_earlier=True), began=nothing)
    with Intake.open(plan.journal) as intake:
        assert [entry.key for entry in intake.entries() if entry.source == f"{CHARGED_SOURCE}{ran.run_id[:16]}"]
        append(intake, (answered(due), "run/payments"))
        assert never_asked(intake) == []


def test_what_a_run_with_payments_left_open_is_carried_without_a_question(tmp_path: Path) -> None:
    """It was killed before any answer, days ago; and another run's answers say nothing of a run without."""
    with Intake.open(tmp_path / "journal", store_id=STORE.store_id, layout_version=STORE.version) as intake:
        append(intake, (RECEIPT, "run/0123"), (owed(RECEIPT.receipt_id), "run/0123"))
        assert never_asked(intake) == []
        append(intake, (answered(owed(RECEIPT.receipt_id)), "run/payments"))
        other = replace(RECEIPT, receipt_id="r-v-2")
        append(intake, (other, f"{UNCHARGED_SOURCE}4567"), (owed("r-v-2"), f"{UNCHARGED_SOURCE}4567"))
        assert never_asked(intake) == [owed("r-v-2")]


def owed(receipt_id: str, *, decision: int = 0) -> PaymentDue:
    """What is due for a receipt."""
    return payment_due(
        at_ns=scene.START_NS, purpose=PaymentPurpose.CHARGE, visit_id="v-1", receipt_id=receipt_id, account="ann",
        amount_minor=100, currency="EUR", decision=decision,
    )  # fmt: skip


def answered(due: PaymentDue) -> PaymentAnswered:
    """The provider took it."""
    return PaymentAnswered(
        at_ns=due.at_ns, key=due.key, purpose=due.purpose, receipt_id=due.receipt_id, account=due.account,
        amount_minor=due.amount_minor, currency=due.currency, outcome=PaymentOutcome.DONE, provider="fake",
        reference="pi_1",
    )  # fmt: skip


def append(intake: Intake, *told: tuple[ReceiptIssued | PaymentDue | PaymentAnswered, str]) -> None:
    """Values into a journal, each from its source."""
    for number, (value, source) in enumerate(told, intake.head()[0]):
        kind = kind_of(type(value))
        intake.append(
            [NewEntry(key=f"{kind}/{number}", at_ns=scene.START_NS, source=source, kind=kind, payload=encode(value))]
        )
