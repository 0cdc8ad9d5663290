"""Receipts that a person should look at, and those that people decided about, from all runs and recordings."""

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.journal import Session

# Where a recording of a run was replayed into the run's own journal, a receipt is the run's.
_SQL = """
SELECT r.receipt_id, r.at_ns, coalesce(r.account, r.track_id), r.currency, r.probability, r.charged_minor,
       r.total_minor, r.final_minor, r.reasons, r.source, coalesce(c.staff, ''), coalesce(c.note, ''), c.at_ns
FROM receipts r LEFT JOIN corrections c ON c.seq = r.corrected_seq
WHERE c.at_ns IS NOT NULL OR r.settled = 'review'
QUALIFY row_number() OVER (PARTITION BY r.receipt_id ORDER BY NOT starts_with(r.source, 'run/'), r.seq) = 1
ORDER BY r.at_ns, r.receipt_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A receipt in doubt, or decided. `shopper` is the account, else the track; `of` is "run", "shadow" or "recording".

    `charged_minor` is what was charged at the exit, `estimated_minor` what everything on it comes to, `final_minor`
    what is charged now. `decided_ns` is None while nobody decided.
    """

    receipt_id: str
    at_ns: int
    shopper: str
    currency: str
    probability: float
    charged_minor: int
    estimated_minor: int
    final_minor: int
    doubts: tuple[str, ...]
    of: str
    staff: str
    note: str
    decided_ns: int | None


def reviews(session: Session, *, decided: bool = False) -> tuple[Review, ...]:
    """What waits for a person, oldest first; with `decided` also what people decided."""
    found = (
        Review(
            receipt_id=receipt_id,
            at_ns=at_ns,
            shopper=shopper,
            currency=currency,
            probability=probability,
            charged_minor=charged_minor,
            estimated_minor=total_minor,
            final_minor=final_minor,
            doubts=tuple(reasons or ()),
            of=source.partition("/")[0],
            staff=staff,
            note=note,
            decided_ns=decided_ns,
        )
        for (
            receipt_id, at_ns, shopper, currency, probability, charged_minor, total_minor, final_minor, reasons,
            source, staff, note, decided_ns,
        ) in session.rows(_SQL)
    )  # fmt: skip
    return tuple(item for item in found if decided or item.decided_ns is None)
