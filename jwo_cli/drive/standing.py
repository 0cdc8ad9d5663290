"""How a store's payments stand, for people: what is open, what is owed, and what nobody but a person can end."""

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.model.paying import DisputeState, PaymentDisputed, PaymentOutcome, PaymentPurpose
from jwo_cli.model.units import NS_PER_S, format_minor
from jwo_cli.shop.payments import PaymentBook

# Whoever made a dispute is right, or is not, or thought better of it.
DECIDED = (DisputeState.WON, DisputeState.LOST, DisputeState.DROPPED)
LONG_NS = 86_400 * NS_PER_S  # nobody is in the store for that long


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`counts` of dues by state; what receipts miss, minor units; what is tried again by itself.

    `for_a_person`: a receipt (or a visit whose money is still held) and what a person has to do about it.
    """

    counts: dict[str, int]
    unpaid: dict[str, int]
    tried_again: tuple[str, ...]
    for_a_person: tuple[tuple[str, str], ...]
    disputes: tuple[PaymentDisputed, ...]

    @property
    def well(self) -> bool:
        """Whether no person has to act."""
        return not self.for_a_person and not self.disputes


def standing(book: PaymentBook, now_ns: int) -> Standing:
    """How everything that a book knows stands."""
    counts = dict.fromkeys(("open", *(outcome.value for outcome in PaymentOutcome)), 0)
    for item in book.by_key.values():
        counts[item.outcome.value if item.outcome else "open"] += 1
    again = [due for due, _, _ in book.again(now_ns)]
    unpaid = {name: bill.missing_minor() for name, bill in book.bills.items() if not bill.settled()}
    stuck = _stuck(book, unpaid, {due.receipt_id for due in again}, now_ns)
    return Standing(
        counts=counts,
        unpaid=unpaid,
        tried_again=tuple(due.receipt_id or due.visit_id for due in again),
        for_a_person=(*stuck, *_asked(book), *_held(book, now_ns)),
        disputes=tuple(item.step for item in book.disputes() if item.step.state not in DECIDED),
    )


def _stuck(book: PaymentBook, unpaid: dict[str, int], again: set[str | None], now_ns: int) -> list[tuple[str, str]]:
    """Receipts whose tries are used up."""
    return [
        (name, f"a person has to decide (`jwo payments retry {name}`, or another card)")
        for name, missing in unpaid.items()
        if missing and name not in again and book.missing(name, now_ns) is not None
    ]


def _asked(book: PaymentBook) -> list[tuple[str, str]]:
    """Charges whose shopper is asked for by their bank: somebody has to tell them."""
    waiting = [
        item
        for item in book.open()
        if item.outcome is PaymentOutcome.ACTION_NEEDED and item.due.purpose is PaymentPurpose.CHARGE
    ]
    no_page = "their bank asks for the shopper, and there is no page for that: look at return_url in jwo.toml"
    return [
        (item.due.receipt_id or "", f"the shopper has to confirm it at {item.link}" if item.link else no_page)
        for item in waiting
    ]


def _held(book: PaymentBook, now_ns: int) -> list[tuple[str, str]]:
    """Money that is still held although its visit is over or forgotten, and that was not let go of."""
    tried = [hold for hold in book.left() if hold.next_ns(book.policy.provider_s) is None]
    out = []
    endless = [hold for hold in book.holds.values() if hold.endless and now_ns - hold.asked.due.at_ns > LONG_NS]
    for hold in (*tried, *endless):
        due = hold.asked.due
        what = f"{format_minor(due.amount_minor, due.currency)} of {due.account} are still held"
        again = "" if hold.endless else ", or `jwo payments retry --all`"
        out.append((due.visit_id, f"{what}: let go of {hold.asked.reference} at the provider{again}"))
    return out
