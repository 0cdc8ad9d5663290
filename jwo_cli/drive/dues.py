"""What a journal says of payments, as the book of dues wants it: in order, dues only of a store that charges.

What a replay tells again of how somebody pays, and of disputes, is old: it counts no more. Answers say the same however
often they are told, and a restored journal gets those that its backup lacks from the recordings.
"""

from __future__ import annotations

from jwo_cli.journal import Intake
from jwo_cli.model.entering import PaymentMethodSet
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import CHARGED_SOURCE, PaymentAnswered, PaymentDisputed, PaymentDue
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.payments import Paying, PaymentBook, Recall

EARLIER_NS = 3_600 * NS_PER_S  # a due as old as that was not left open by a crash
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


def not_behind_their_backs(intake: Intake, now_ns: int) -> None:
    """Raises UserError where payments are new, and would charge whoever shopped before there were any."""
    dues = never_asked(intake, now_ns - EARLIER_NS)
    if dues:
        raise UserError(
            f"this store never asked for a payment yet, and {len(dues)} are due from before: they would be charged now",
            fix="--charge-earlier charges them; else begin with a journal of its own (journal = … in jwo.toml).",
        )


def never_asked(intake: Intake, before_ns: int) -> list[PaymentDue]:
    """Dues from before a moment in a journal whose store never asked for any: it ran without payments then.

    Whoever shopped there was told that nothing is charged; that must not change by a new line in the settings.
    """
    if any(intake.observed([PaymentAnswered], without_prefix=REPLAYED)):
        return []
    return [due for _, due in intake.observed([PaymentDue], source_prefix=CHARGED_SOURCE) if due.at_ns < before_ns]


def recall(intake: Intake) -> Recall:
    """What a journal says of one receipt, or of one hold."""
    return lambda about, until: (
        (seq, value) for seq, value in _paying(intake, 0, until, about=about) if not isinstance(value, PaymentMethodSet)
    )


def _paying(intake: Intake, after: int, until: int, *, about: str = "") -> list[tuple[int, Paying | PaymentMethodSet]]:
    """What entries in (after, until] say of payments, in order; dues only of a running store."""
    told: tuple[type[Paying | PaymentMethodSet], ...] = (PaymentDisputed, PaymentMethodSet)
    found: list[tuple[int, Paying | PaymentMethodSet]] = [
        *intake.observed([PaymentDue], after, until_seq=until, about=about, source_prefix=CHARGED_SOURCE),
        *intake.observed([PaymentAnswered], after, until_seq=until, about=about),
        *intake.observed(told, after, until_seq=until, about=about, without_prefix=REPLAYED),
    ]
    return sorted(found, key=lambda pair: pair[0])
