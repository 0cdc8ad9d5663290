"""What the engine wants done; a driver does it and its result comes back as an observation."""

from __future__ import annotations

from dataclasses import dataclass

from .entering import Refusal
from .paying import PaymentDue


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReceipt:
    """Give the shopper the receipt."""

    receipt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStaff:
    """Ask a member of staff to look at a receipt."""

    receipt_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay:
    """Carry a due to the payment provider; it is in the journal already, so that this is only a nudge."""

    due: PaymentDue


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGate:
    """Let one person, or one party, through this door."""

    gate_id: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseEntry:
    """Keep this door shut, and show why."""

    gate_id: str
    refusal: Refusal


Effect = SendReceipt | AskStaff | Pay | OpenGate | RefuseEntry
