"""Double entry: what is posted sums to zero in every commodity, or it cannot be built.

A posting moves an amount of one commodity into an account (positive, debit) or out of it (negative, credit).
Commodities are currencies in minor units, and goods: "unit:<product>" in pieces, "gram:<product>" in whole grams.
So stock is kept in the same books as money, without pretending to know what the goods cost.

Accounts
    receivable         what shoppers owe; below zero it is what the store owes them
    clearing           captured by the payment provider, not yet on the bank account
    sales:<class>      goods sold, without tax, by tax class
    tax:<class>        tax collected for the state
    deposits           deposits held until the containers come back, without their tax
    stock              goods in the store
    sold               goods that left and are charged
    unsettled          goods that left and wait for a review
    shrink             goods that a count did not find
    disputed           what banks took back until a dispute is decided
    dispute_losses     what stayed with the shopper's bank
    dispute_fees       what the provider takes for a dispute
    supplied           goods that were brought in, from outside of these books

Decisions post whole receipts; beliefs about single events are not posted, because they may still change. A correction
takes back the lines it replaces and posts its own, netted, so the books never hold more than one truth of a receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import (
    CartChanged,
    Decision,
    EventExplained,
    MassDoubted,
    ReceiptCorrected,
    ReceiptIssued,
    ReceiptLine,
    ReviewNeeded,
    VisitEnded,
    VisitStarted,
)
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed, PaymentDue, PaymentOutcome, PaymentPurpose
from jwo_cli.model.staffing import StockCounted, StockRestocked, VisitJoined, VisitUnclaimed

RECEIVABLE = "receivable"
CLEARING = "clearing"
DEPOSITS = "deposits"
STOCK = "stock"
SOLD = "sold"
UNSETTLED = "unsettled"
SHRINK = "shrink"
SUPPLIED = "supplied"
DISPUTED = "disputed"
DISPUTE_LOSSES = "dispute_losses"
DISPUTE_FEES = "dispute_fees"

# An authorisation holds money, and cancelling lets go of it: neither moves any.
_MOVES_MONEY = (PaymentPurpose.CAPTURE, PaymentPurpose.CHARGE, PaymentPurpose.REFUND)

_Key = tuple[str, str]  # account, commodity


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """An amount of one commodity into an account (positive) or out of it (negative)."""

    account: str
    amount: int
    commodity: str

    def __post_init__(self) -> None:
        if not self.account or not self.commodity:
            raise ValueError("a posting needs an account and a commodity")
        if self.amount == 0:
            raise ValueError(f"a posting of nothing to {self.account}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Postings that belong together and sum to zero in each commodity. `transaction_id` comes from content."""

    transaction_id: str
    at_ns: int
    receipt_id: str | None
    purpose: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if not self.postings:
            raise ValueError(f"{self.transaction_id}: a transaction without postings")
        sums: dict[str, int] = {}
        for posting in self.postings:
            sums[posting.commodity] = sums.get(posting.commodity, 0) + posting.amount
        for commodity, amount in sums.items():
            if amount:
                raise ValueError(f"{self.transaction_id}: {commodity} is off by {amount}: postings must sum to zero")


def postings_for(decision: Decision) -> tuple[Transaction, ...]:
    """The transactions that a decision means: one for a receipt or correction that moves anything, else none."""
    match decision:
        case ReceiptIssued():
            moves = _moves(decision.lines, decision.currency, inside=decision.prices_include_tax)
            return _transaction(f"{decision.receipt_id}:issued", decision.at_ns, decision.receipt_id, "receipt", moves)
        case ReceiptCorrected():
            moves = _moves(decision.lines, decision.currency, inside=decision.prices_include_tax)
            before = _moves(decision.replaces, decision.currency, inside=decision.prices_include_tax)
            net = _net(moves, {key: -amount for key, amount in before.items()})
            name = f"{decision.receipt_id}:corrected:{decision.at_ns}"
            return _transaction(name, decision.at_ns, decision.receipt_id, "correction", net)
        case VisitStarted() | EventExplained() | CartChanged() | VisitEnded() | ReviewNeeded() | MassDoubted():
            return ()
        case VisitJoined() | VisitUnclaimed():
            return ()
        case PaymentDue():
            return ()  # what is due stands in the receipt's own postings; money moves when the provider says so
        case _:
            assert_never(decision)


def paid(answer: PaymentAnswered) -> tuple[Transaction, ...]:
    """The transaction that a provider's answer means: money in the clearing account, or back out of it, once done.

    A refund that comes back is taken back in the books.
    """
    returned = answer.outcome is PaymentOutcome.RETURNED
    if not (returned or answer.outcome is PaymentOutcome.DONE) or answer.purpose not in _MOVES_MONEY:
        return ()
    sign = -1 if answer.purpose is PaymentPurpose.REFUND and not returned else 1
    return (
        Transaction(
            transaction_id=f"payment:{answer.key}{':returned' if returned else ''}",
            at_ns=answer.at_ns,
            receipt_id=answer.receipt_id,
            purpose=answer.purpose.value,
            postings=(
                Posting(account=CLEARING, amount=sign * answer.amount_minor, commodity=answer.currency),
                Posting(account=RECEIVABLE, amount=-sign * answer.amount_minor, commodity=answer.currency),
            ),
        ),
    )


def disputed(step: PaymentDisputed) -> tuple[Transaction, ...]:
    """What a step of a dispute moves: money out of clearing or back into it, its fee, and what is lost for good."""
    money = step.currency
    moves = {
        (CLEARING, money): -step.taken_minor - step.fee_minor,
        (DISPUTED, money): step.taken_minor - step.lost_minor,
        (DISPUTE_LOSSES, money): step.lost_minor,
        (DISPUTE_FEES, money): step.fee_minor,
    }
    name = f"dispute:{step.dispute}:{step.state.value}:{step.at_ns}"
    return _transaction(name, step.at_ns, step.receipt_id, "dispute", moves)


def counted(count: StockCounted) -> tuple[Transaction, ...]:
    """A stock count that found other than the books say: the difference is shrink (or was never booked in)."""
    goods, off = _goods(count.product_id, count.sold_by), count.found - count.booked
    moves = {(STOCK, goods): off, (SHRINK, goods): -off}
    return _transaction(f"count:{count.product_id}:{count.at_ns}", count.at_ns, None, "count", moves)


def restocked(delivery: StockRestocked) -> tuple[Transaction, ...]:
    """Goods that came into the store, from whoever supplied them."""
    goods = _goods(delivery.product_id, delivery.sold_by)
    moves = {(STOCK, goods): delivery.quantity, (SUPPLIED, goods): -delivery.quantity}
    return _transaction(f"restock:{delivery.product_id}:{delivery.at_ns}", delivery.at_ns, None, "restock", moves)


def balance(transactions: Iterable[Transaction]) -> dict[tuple[str, str], int]:
    """(account, commodity) -> amount, sorted, accounts at zero left out. Sums to zero per commodity."""
    sums: dict[_Key, int] = {}
    for transaction in transactions:
        for posting in transaction.postings:
            key = (posting.account, posting.commodity)
            sums[key] = sums.get(key, 0) + posting.amount
    return {key: sums[key] for key in sorted(sums) if sums[key]}


def _goods(product_id: str, sold_by: SoldBy) -> str:
    return f"gram:{product_id}" if sold_by is SoldBy.WEIGHT else f"unit:{product_id}"


def _moves(lines: Sequence[ReceiptLine], currency: str, *, inside: bool) -> dict[_Key, int]:
    """What the lines of a receipt move, by account and commodity."""
    moves: dict[_Key, int] = {}

    def move(account: str, amount: int, commodity: str) -> None:
        moves[account, commodity] = moves.get((account, commodity), 0) + amount

    for line in lines:
        goods = _goods(line.product_id, line.sold_by)
        amount = line.quantity
        if line.sold_by is SoldBy.WEIGHT:
            amount = 0 if line.mass_g is None else int(line.mass_g)
        move(STOCK, -amount, goods)
        move(SOLD if line.charged else UNSETTLED, amount, goods)
        if line.charged:
            deposit = line.deposit_minor - (line.deposit_tax_minor if inside else 0)
            move(RECEIVABLE, line.total_minor, currency)
            move(DEPOSITS, -deposit, currency)
            move(f"tax:{line.tax_class}", -line.tax_minor, currency)
            move(f"sales:{line.tax_class}", deposit + line.tax_minor - line.total_minor, currency)
    return moves


def _net(*parts: Mapping[_Key, int]) -> dict[_Key, int]:
    net: dict[_Key, int] = {}
    for part in parts:
        for key, amount in part.items():
            net[key] = net.get(key, 0) + amount
    return net


def _transaction(
    transaction_id: str, at_ns: int, receipt_id: str | None, purpose: str, moves: Mapping[_Key, int]
) -> tuple[Transaction, ...]:
    """One transaction of everything that moved, or none."""
    postings = tuple(
        Posting(account=account, amount=amount, commodity=commodity)
        for (account, commodity), amount in moves.items()
        if amount
    )
    if not postings:
        return ()
    return (
        Transaction(
            transaction_id=transaction_id, at_ns=at_ns, receipt_id=receipt_id, purpose=purpose, postings=postings
        ),
    )
