"""Dues of runs without payments: their shoppers were told that nothing is charged, and are not charged unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from jwo_cli.drive.dues import never_asked, not_behind_their_backs
from jwo_cli.drive.running import Plan, run
from jwo_cli.journal import Intake
from jwo_cli.model.codec import decode, encode, kind_of
from jwo_cli.model.decisions import ReceiptIssued, VisitStarted
from jwo_cli.model.entering import Role
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
from tests.drive.counter import Shop, enters, up
from tests.drive.test_running import PAYMENTS, SCANNER, STORE, nothing, settled
from tests.shop.test_receipts_text import bought, sure

RECEIPT = bought(sure("bread"))


@pytest.fixture
def scanner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scanner that nobody holds a code to, for settings whose provider's key is nobody's."""
    monkeypatch.setenv("JWO_TEST_KEY", "sk_test_of_nobody")
    os.mkfifo(tmp_path / "scanner")
    return SCANNER.format(device=tmp_path / "scanner")


def test_payments_that_are_new_charge_nobody_for_what_was_before(tmp_path: Path, scanner: str) -> None:
    """A run without says so in its entries; its dues, also those of staff, are asked about, however young they are."""
    without, charging = (settled(tmp_path, *more, scanner) for more in ((), (PAYMENTS,)))
    plan = Plan(store=STORE, journal=tmp_path / "journal", settings=without, seconds=0.1)
    source = f"{UNCHARGED_SOURCE}{run(plan, began=nothing).run_id[:16]}"
    with Intake.open(plan.journal) as intake:
        assert {entry.source for entry in intake.entries()} == {source}
        due, staffs = owed(RECEIPT.receipt_id), owed(RECEIPT.receipt_id, decision=1)
        append(intake, (RECEIPT, source), (due, source), (staffs, "run/desk"))
        assert never_asked(intake) == [due.key, staffs.key]
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
        other = replace(RECEIPT, visit_id="v-2", receipt_id="r-v-2")
        append(intake, (other, f"{UNCHARGED_SOURCE}4567"), (owed("r-v-2"), f"{UNCHARGED_SOURCE}4567"))
        assert never_asked(intake) == [owed("r-v-2").key]


def test_who_is_inside_a_run_without_payments_is_not_charged_by_the_one_that_goes_on(
    tmp_path: Path, scanner: str
) -> None:
    """Ann came in when nothing was charged, and it was cut off: a run with payments asks, and says what to do."""
    charging = settled(tmp_path, PAYMENTS, scanner)
    shop = cut_off(tmp_path, 8.0, "acct-ann")
    plan = Plan(store=STORE, journal=tmp_path / "journal", settings=charging, seconds=0.1)
    head = shop.kinds()
    with pytest.raises(UserError, match="1 came into a run without") as refused:
        run(plan, began=nothing)
    assert refused.value.fix.index("everybody has left") < refused.value.fix.index("a journal of its own")
    assert shop.kinds() == head
    with Intake.open(plan.journal) as intake:
        assert never_asked(intake) == []
    assert run(replace(plan, charge_earlier=True), began=nothing).resumed
    assert run(plan, began=nothing).inside == 0


@pytest.mark.parametrize(
    ("account", "until_s", "inside"),
    [("acct-ann", 1.3, 1), ("acct-ann", 2.0, 1), ("acct-ann", 8.0, 1), (None, 8.0, 1), ("tester", 8.0, 0)],
)
def test_who_may_be_billed_is_inside_from_the_door_on(
    tmp_path: Path, account: str | None, until_s: float, inside: int
) -> None:
    """Let in before a camera saw her, seen, or a body whose code nobody knows; a tester is nobody to ask about."""
    cut_off(tmp_path, until_s, account)
    with Intake.open(tmp_path / "journal") as intake, ExitStack() as stack:
        if inside:
            stack.enter_context(pytest.raises(UserError, match=f"{inside} came into a run without"))
        not_behind_their_backs(intake, goes_on=True)


def cut_off(place: Path, until_s: float, account: str | None) -> Shop:
    """A run without payments that is cut off while somebody is inside, or at the door."""
    shop, scanned = Shop(place), account is None
    up(shop)

    def scan(at_s: float) -> None:
        nonlocal scanned
        if at_s > 1.0 and not scanned:
            scanned = True
            enters(shop, at_s, account or "")

    shop.play(until_s=until_s, meanwhile=scan)
    shop.run.commit()
    shop.intake.close()
    return shop


def test_a_due_of_who_came_in_without_payments_is_asked_about_whichever_run_issued_it(tmp_path: Path) -> None:
    """The run that went on with the visit was killed before anybody was asked for the money."""
    came = VisitStarted(at_ns=scene.START_NS, visit_id="v-1", track_id="1", role=Role.SHOPPER, account="ann")
    due = owed("r-v-1")
    with Intake.open(tmp_path / "journal", store_id=STORE.store_id, layout_version=STORE.version) as intake:
        append(intake, (came, f"{UNCHARGED_SOURCE}0123"), (RECEIPT, "run/4567"), (due, "run/4567"))
        assert never_asked(intake) == [due.key]
        append(intake, (answered(due), "run/payments"))
        assert never_asked(intake) == []


def test_what_nobody_was_asked_for_is_found_by_as_many_questions_however_many_there_were(tmp_path: Path) -> None:
    """One receipt of before there were payments, or forty that were paid since: no value is made of any entry."""
    with Intake.open(tmp_path / "journal", store_id=STORE.store_id, layout_version=STORE.version) as intake:
        append(intake, (RECEIPT, f"{UNCHARGED_SOURCE}0123"), (owed(RECEIPT.receipt_id), f"{UNCHARGED_SOURCE}0123"))
        for number in range(2, 40):
            paid, due = replace(RECEIPT, visit_id=f"v-{number}", receipt_id=f"r-v-{number}"), owed(f"r-v-{number}")
            source = "run/4567" if number % 2 else f"{UNCHARGED_SOURCE}0123"
            append(intake, (paid, source), (due, source), (answered(due), "run/payments"))
        read = [calls_of(function, lambda: never_asked(intake)) for function in (Intake.observed, Intake.texts, decode)]
        assert never_asked(intake) == [owed(RECEIPT.receipt_id).key]
        assert read == [0, 4, 0]


def calls_of(function: Callable[..., object], act: Callable[[], object]) -> int:
    """How often a function is called by an act."""
    called = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal called
        called += event == "call" and frame.f_code is function.__code__

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return called


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


def append(intake: Intake, *told: tuple[VisitStarted | ReceiptIssued | PaymentDue | PaymentAnswered, str]) -> None:
    """Values into a journal, each from its source."""
    for number, (value, source) in enumerate(told, intake.head()[0]):
        kind = kind_of(type(value))
        intake.append(
            [NewEntry(key=f"{kind}/{number}", at_ns=scene.START_NS, source=source, kind=kind, payload=encode(value))]
        )
