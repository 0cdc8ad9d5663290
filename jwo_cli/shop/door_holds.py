"""Money that is held while somebody stands before the door, where the store waits for the bank before it opens.

The hold is asked for before there is a visit, and belongs to the visit that begins with that entry. Who is not let in
after all, or never comes, has it let go of. What the provider answers is nothing to this: the driver turns that into
an entry that is granted or refused, and those are observations like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.model.effects import Pay
from jwo_cli.model.entering import EntryRefused, Refusal
from jwo_cli.model.paying import PaymentDue, PaymentPurpose, payment_due
from jwo_cli.model.staffing import EntryGranted, EntryPending

from .step import Caused, Step

# Why somebody who waited at the door is not let in.
_AFTER_WAITING = (Refusal.DECLINED, Refusal.NO_ANSWER, Refusal.CLOSED)


@dataclass(slots=True)
class _Held:
    """What is held for an account at the door."""

    pending: EntryPending
    due: PaymentDue
    granted: bool = False


class DoorHolds:
    """One store's, by account. An account's second phone waits for the same hold: they are one visit."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def asked(self, pending: EntryPending, amount_minor: int, currency: str, seq: int) -> Step:
        """Somebody waits at the door: hold the amount, unless that is being done."""
        if pending.account in self._held:
            return Step()
        due = payment_due(
            at_ns=pending.at_ns,
            purpose=PaymentPurpose.AUTHORISE,
            visit_id=f"{pending.gate_id}@{pending.at_ns}",
            receipt_id=None,
            account=pending.account,
            amount_minor=amount_minor,
            currency=currency,
        )
        self._held[pending.account] = _Held(pending, due)
        return Step((Caused(due, (seq,)),), (Pay(due=due),))

    def decided(self, word: EntryGranted | EntryRefused, seq: int) -> Step:
        """Somebody was let in, or not: whoever waited and stays outside has their money let go of."""
        held = self._held.get(word.account or "")
        if held is None or isinstance(word, EntryGranted):
            if held is not None:
                held.granted = True
            return Step()
        theirs = (word.gate_id, word.code_id) == (held.pending.gate_id, held.pending.code_id)
        if held.granted or not theirs or word.refusal not in _AFTER_WAITING:
            return Step()  # another code of theirs, or the same one shown again
        del self._held[held.pending.account]
        return _gone(held, word.at_ns, seq)

    def taken(self, account: str) -> PaymentDue | None:
        """A visit of this account begins: what is held for it."""
        held = self._held.pop(account, None)
        return held.due if held is not None else None

    def due_of(self, account: str) -> PaymentDue | None:
        """What is being held for an account at the door."""
        held = self._held.get(account)
        return held.due if held is not None else None

    def waiting(self) -> tuple[EntryPending, ...]:
        """Who waits at the door."""
        return tuple(held.pending for held in self._held.values() if not held.granted)

    def close(self, at_ns: int, seq: int) -> Step:
        """The day is over: let go of what nobody came in for."""
        steps = [_gone(held, at_ns, seq) for held in self._held.values()]
        self._held.clear()
        return Step(
            tuple(caused for step in steps for caused in step.decisions),
            tuple(effect for step in steps for effect in step.effects),
        )


def let_go(held: PaymentDue, at_ns: int, *, attempt: int = 1) -> PaymentDue:
    """Cancel what an authorisation holds."""
    return payment_due(
        at_ns=at_ns,
        purpose=PaymentPurpose.CANCEL,
        visit_id=held.visit_id,
        receipt_id=None,
        account=held.account,
        amount_minor=held.amount_minor,
        currency=held.currency,
        attempt=attempt,
        held_key=held.key,
    )


def _gone(held: _Held, at_ns: int, seq: int) -> Step:
    due = let_go(held.due, at_ns)
    return Step((Caused(due, (seq,)),), (Pay(due=due),))
