"""A little store with a till and no sensors: accounts, and dues as the engine decides them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.paying import PaymentAnswered, PaymentDue, PaymentPurpose, payment_due

SOURCE = "run/test"


@dataclass(slots=True)
class Store:
    """A journal and what a store appends to it."""

    intake: Intake
    at_ns: int = field(default_factory=time.time_ns)
    currency: str = "EUR"
    dues: list[PaymentDue] = field(default_factory=list)

    def append(self, value: object, *, source: str = SOURCE) -> None:
        self.at_ns += 1
        entry = NewEntry(
            key=f"{type(value).__name__}/{self.at_ns}",
            at_ns=self.at_ns,
            source=source,
            kind=kind_of(type(value)),
            payload=encode(value),
        )
        self.intake.append([entry])

    def account(self, account: str, customer_ref: str, method_ref: str) -> None:
        self.append(
            PaymentMethodSet(
                at_ns=self.at_ns, account=account, provider="fake", customer_ref=customer_ref, method_ref=method_ref
            )
        )

    def due(
        self,
        purpose: PaymentPurpose,
        amount_minor: int,
        *,
        visit: str = "v1",
        account: str = "ann",
        receipt: bool = True,
        decision: int = 0,
        held: PaymentDue | None = None,
        source: str = SOURCE,
    ) -> PaymentDue:
        due = payment_due(
            at_ns=self.at_ns,
            purpose=purpose,
            visit_id=visit,
            receipt_id=f"r-{visit}" if receipt else None,
            account=account,
            amount_minor=amount_minor,
            currency=self.currency,
            decision=decision,
            held_key=held.key if held else "",
        )
        self.append(due, source=source)
        self.dues.append(due)
        return due

    def answers(self) -> list[PaymentAnswered]:
        return [answer for _, answer in self.intake.observed([PaymentAnswered])]


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """A fresh store."""
    with Intake.open(folder / "journal", store_id="kiosk", layout_version="v1") as intake:
        yield Store(intake)
