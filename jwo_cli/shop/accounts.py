"""Accounts as the store knows them: a fold over what was observed about them, personal fields left out.

An account that owes (its charge was declined, or waits for the shopper at their bank) is let in again once that charge
is paid, once staff corrected the receipt so that nothing of it is owed any more, or once another way to pay was named:
the next try may then succeed. An account whose bank held nothing at the entry is not let in again either, until
something is paid or held with its card, or another way to pay was named; a door that waits for the bank asks it again,
unless card networks forbid that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jwo_cli.model.entering import (
    AccountBlocked,
    AccountErased,
    AccountOpened,
    PaymentMethodSet,
    Refusal,
    Role,
)
from jwo_cli.model.observations import Observation
from jwo_cli.model.paying import MethodProblem, PaymentAnswered, PaymentOutcome, PaymentPurpose

from .payments import HARD

_OWING = (PaymentOutcome.DECLINED, PaymentOutcome.ACTION_NEEDED)
_TAKING = (PaymentPurpose.CAPTURE, PaymentPurpose.CHARGE)
_WORKS = (PaymentPurpose.AUTHORISE, *_TAKING)


@dataclass(slots=True)
class Account:
    """One account. `owing`: by receipt, minor units that the provider refused to take and that are not paid since.

    `unheld` is why the bank held nothing the last time; empty while it does.
    """

    account: str
    opened_ns: int
    role: Role
    commitment: str
    blocked: bool = False
    reason: str = ""
    erased: bool = False
    method: PaymentMethodSet | None = None
    owing: dict[str, int] = field(default_factory=dict)
    unheld: str = ""

    def refusal(self, *, needs_payment: bool, asks_bank: bool = False) -> Refusal | None:
        """Why this account is not let in; None when it is. Only shoppers need a way to pay."""
        if self.erased:
            return Refusal.UNKNOWN
        if self.blocked:
            return Refusal.BLOCKED
        if self.owing or (self.unheld and (not asks_bank or self.unheld in HARD)):
            return Refusal.DECLINED
        if needs_payment and self.role is Role.SHOPPER and self.method is None:
            return Refusal.NO_PAYMENT
        return None


class Accounts:
    """All accounts by reference, in the order in which they were opened."""

    def __init__(self) -> None:
        self.by_reference: dict[str, Account] = {}

    def saw(self, observation: Observation) -> None:
        """Fold one observation in; those that are about no account change nothing."""
        match observation:
            case AccountOpened():
                self.by_reference.setdefault(
                    observation.account,
                    Account(
                        account=observation.account,
                        opened_ns=observation.at_ns,
                        role=observation.role,
                        commitment=observation.commitment,
                    ),
                )
            case AccountBlocked():
                if (account := self.by_reference.get(observation.account)) is not None:
                    account.blocked = observation.blocked
                    account.reason = observation.reason
            case AccountErased():
                if (account := self.by_reference.get(observation.account)) is not None:
                    account.erased = True
                    account.method = None
            case PaymentMethodSet():
                if (account := self.by_reference.get(observation.account)) is not None:
                    account.method = observation
                    account.owing.clear()
                    account.unheld = ""
            case PaymentAnswered():
                self._answered(observation)
            case _:
                pass

    def _answered(self, answer: PaymentAnswered) -> None:
        account = self.by_reference.get(answer.account)
        if account is None:
            return
        owed = answer.receipt_id or answer.key
        if answer.purpose is PaymentPurpose.REFUND and answer.code == MethodProblem.SUPERSEDED:
            # Nothing was paid that could go back: so much less is owed.
            left = account.owing.get(owed, 0) - answer.amount_minor
            if left <= 0:
                account.owing.pop(owed, None)
            else:
                account.owing[owed] = left
        if answer.purpose is PaymentPurpose.AUTHORISE and answer.outcome is PaymentOutcome.DECLINED:
            account.unheld = answer.code or "declined"
        elif answer.purpose in _WORKS and answer.outcome is PaymentOutcome.DONE:
            account.unheld = ""
        if answer.purpose not in _TAKING:
            return
        if answer.outcome in _OWING:
            account.owing[owed] = answer.amount_minor
        elif answer.outcome is PaymentOutcome.DONE:
            account.owing.pop(owed, None)
