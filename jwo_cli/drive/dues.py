"""What a journal says of payments, as the book of dues wants it: in order, dues only of a store that charges.

What a replay tells again of answers, of how somebody pays, and of disputes, is old: it counts no more, here as in the
books. An answer that a restored journal lacks is asked for again, under its key: the provider says the same.
"""

from __future__ import annotations

from jwo_cli.journal import Intake
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import CHARGED_SOURCE, UNCHARGED_SOURCE, PaymentAnswered, PaymentDisputed, PaymentDue
from jwo_cli.shop.payments import Paying, PaymentBook, Recall

# So many entries of the journal are read at once.
_STRETCH = 20_000


def follow(book: PaymentBook, intake: Intake, seen: int = 0) -> int:
    """Fold the entries after `seen` into a book; the seq up to which it knows the journal now."""
    head, _ = intake.head()
    while seen < head:
        until = min(seen + _STRETCH, head)
        for seq, value in _paying(intake, seen, until):
            book.follow(seq, value)
        seen = until
    return head


def not_behind_their_backs(intake: Intake) -> None:
    """Raises UserError where somebody would be charged who shopped in a run without payments."""
    dues = never_asked(intake)
    if dues:
        raise UserError(
            f"{len(dues)} are due from runs without [payments], whose shoppers were told that nothing is charged",
            fix="--charge-earlier charges them; else begin with a journal of its own (journal = … in jwo.toml).",
        )


def never_asked(intake: Intake) -> list[PaymentDue]:
    """What is due, also by staff since, for receipts of runs without payments, and nobody was asked for yet.

    That must not change by a new line in the settings. A receipt that was asked for once is like any other.
    """
    told = {receipt.receipt_id for _, receipt in intake.observed([ReceiptIssued], source_prefix=UNCHARGED_SOURCE)}
    if not told:
        return []
    told -= {answer.receipt_id or "" for _, answer in intake.observed([PaymentAnswered], without_prefix=REPLAYED)}
    dues = intake.observed([PaymentDue], source_prefix=CHARGED_SOURCE)
    return [due for _, due in dues if due.receipt_id in told]


def recall(intake: Intake) -> Recall:
    """What a journal says of one receipt, or of one hold."""
    return lambda about, until: (
        (seq, value) for seq, value in _paying(intake, 0, until, about=about) if not isinstance(value, PaymentMethodSet)
    )


def _paying(intake: Intake, after: int, until: int, *, about: str = "") -> list[tuple[int, Paying | PaymentMethodSet]]:
    """What entries in (after, until] say of payments, in order; dues only of a running store."""
    told: tuple[type[Paying | PaymentMethodSet], ...] = (PaymentAnswered, PaymentDisputed, PaymentMethodSet)
    found: list[tuple[int, Paying | PaymentMethodSet]] = [
        *intake.observed([PaymentDue], after, until_seq=until, about=about, source_prefix=CHARGED_SOURCE),
        *intake.observed(told, after, until_seq=until, about=about, without_prefix=REPLAYED),
    ]
    return sorted(found, key=lambda pair: pair[0])
