"""Accounts as the store knows them: a fold over what was observed about them, personal fields left out.

An account that owes (its charge was refused, could not be made, or waits for the shopper at their bank) is let in again
once all of that is paid, once staff corrected the receipt so that nothing of it is owed any more, or once another way
to pay was named: the next try may then succeed. An amount below what the provider takes keeps nobody out. An account
whose bank held nothing at the entry is not let in again either, until something is paid or held with its card, or
another way to pay was named (the same one will do, unless it is lost or the like); a door that waits for the bank asks
it again, unless card networks forbid that.
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
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose

from .bills import TAKING
from .payments import HARD, TOO_SMALL, same_card

_REFUSED = (PaymentOutcome.DECLINED, PaymentOutcome.FAILED)
_WORKS = (PaymentPurpose.AUTHORISE, *TAKING)


@dataclass(slots=True)
class Account:
    """One account. `unheld` is why the bank held nothing the last time; empty while it does.

    `unpaid`: by receipt and due, minor units that were refused; below zero what made up for other dues.
    """

    account: str
    opened_ns: int
    role: Role
    commitment: str
    blocked: bool = False
    reason: str = ""
    erased: bool = False
    method: PaymentMethodSet | None = None
    unpaid: dict[str, dict[str, int]] = field(default_factory=dict)
    unheld: str = ""

    @property
    def owing(self) -> dict[str, int]:
        """By receipt, minor units that the provider did not take and that are not paid since."""
        sums = {receipt: sum(dues.values()) for receipt, dues in self.unpaid.items()}
        return {receipt: amount for receipt, amount in sums.items() if amount > 0}

    def refusal(self, *, needs_payment: bool, asks_bank: bool = False, provider: str = "") -> Refusal | None:
        """Why this account is not let in; None when it is. Only shoppers need a way to pay: at `provider`, if any."""
        if self.erased:
            return Refusal.UNKNOWN
        if self.blocked:
            return Refusal.BLOCKED
        if self.owing or (self.unheld and (not asks_bank or self.unheld in HARD)):
            return Refusal.DECLINED
        pays = self.method is not None and provider in ("", self.method.provider)
        if needs_payment and self.role is Role.SHOPPER and not pays:
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
                    known, account.method = account.method, observation
                    if not same_card(observation, known):
                        account.unpaid = {name: dict.fromkeys(dues, 0) for name, dues in account.unpaid.items()}
                        account.unheld = ""
                    elif account.unheld not in HARD:
                        account.unheld = ""
            case PaymentAnswered():
                self._answered(observation)
            case _:
                pass

    def _answered(self, answer: PaymentAnswered) -> None:
        account = self.by_reference.get(answer.account)
        if account is None:
            return
        if answer.purpose is PaymentPurpose.AUTHORISE and answer.outcome is PaymentOutcome.DECLINED:
            account.unheld = answer.code or "declined"
        elif answer.purpose in _WORKS and answer.outcome is PaymentOutcome.DONE:
            account.unheld = ""
        receipt = answer.receipt_id or ""
        if answer.purpose in TAKING:
            _take(account.unpaid, receipt, answer)
        elif answer.purpose is PaymentPurpose.REFUND and answer.attempt > 1 and answer.outcome is PaymentOutcome.DONE:
            account.unpaid.pop(receipt, None)  # what was paid too much went back: nothing makes up for later dues
        elif answer.purpose is PaymentPurpose.REFUND and answer.attempt == 1 and receipt in account.unpaid:
            # Nothing was paid that could go back: so much less is owed.
            account.unpaid[receipt][answer.key] = -answer.amount_minor if answer.outcome in _REFUSED else 0
        if receipt in account.unpaid and not any(account.unpaid[receipt].values()):
            del account.unpaid[receipt]


def _take(unpaid: dict[str, dict[str, int]], receipt: str, answer: PaymentAnswered) -> None:
    """What was to be taken was, or was not. A later attempt asks for all that its receipt misses by then."""
    dues = unpaid.get(receipt, {})
    if answer.outcome is PaymentOutcome.DONE:
        if answer.attempt > 1 and answer.key not in dues:
            dues.update(dict.fromkeys(dues, 0))
        elif answer.key in dues:
            dues[answer.key] -= answer.amount_minor
    elif answer.outcome is PaymentOutcome.ACTION_NEEDED or answer.outcome in _REFUSED:
        if answer.code == TOO_SMALL and not dues:
            return
        if answer.attempt > 1:
            dues.update(dict.fromkeys(dues, 0))
        unpaid.setdefault(receipt, dues)[answer.key] = answer.amount_minor
