"""What the engine wants done; a driver does it and its result comes back as an observation."""

from __future__ import annotations

from dataclasses import dataclass


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
class Capture:
    """Charge this amount for this receipt, once; `decision` is 0 at the exit and numbers the corrections after it."""

    receipt_id: str
    account: str
    amount_minor: int
    currency: str
    decision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give this amount back for this receipt, once; `decision` numbers the corrections of a receipt from 1."""

    receipt_id: str
    account: str
    amount_minor: int
    currency: str
    decision: int


Effect = SendReceipt | AskStaff | Capture | Refund
