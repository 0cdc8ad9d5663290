"""What a journal says of payments, as the book of dues wants it: in order, dues only of a store that charges.

What a replay tells again of answers, of how somebody pays, and of disputes, is old: it counts no more, here as in the
books. An answer that a restored journal lacks is asked for again, under its key: the provider says the same.
"""

from __future__ import annotations

from jwo_cli.drive.resume import last_end
from jwo_cli.journal import Intake
from jwo_cli.model.decisions import ReceiptIssued, VisitEnded, VisitStarted
from jwo_cli.model.entering import PaymentMethodSet, Role
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import CodeScanned
from jwo_cli.model.paying import CHARGED_SOURCE, UNCHARGED_SOURCE, PaymentAnswered, PaymentDisputed, PaymentDue
from jwo_cli.model.staffing import EntryGranted, VisitJoined
from jwo_cli.shop.payments import Paying, PaymentBook, Recall
from jwo_cli.shop.receipts import receipt_id_of

# So many entries of the journal are read at once.
_STRETCH = 20_000
_ASKED = "--charge-earlier charges them; else begin with a journal of its own (journal = … in jwo.toml)."
_OVER: tuple[type[VisitEnded | VisitJoined], ...] = (VisitEnded, VisitJoined)


def follow(book: PaymentBook, intake: Intake, seen: int = 0) -> int:
    """Fold the entries after `seen` into a book; the seq up to which it knows the journal now."""
    head, _ = intake.head()
    while seen < head:
        until = min(seen + _STRETCH, head)
        for seq, value in _paying(intake, seen, until):
            book.follow(seq, value)
        seen = until
    return head


def not_behind_their_backs(intake: Intake, *, goes_on: bool = False) -> None:
    """Raises UserError where somebody would be charged who shopped in a run without payments, or shops still.

    The latter where a run `goes_on` with the visits of one that was cut off: what they take is due at their exit.
    """
    inside = _inside(intake) if goes_on else 0
    if inside:
        raise UserError(
            f"{inside} came into a run without [payments] that was cut off, where nothing was to be charged",
            fix=f"Run without [payments] until everybody has left, then {_ASKED}",
        )
    dues = never_asked(intake)
    if dues:
        raise UserError(
            f"{len(dues)} are due from runs without [payments], whose shoppers were told that nothing is charged",
            fix=_ASKED,
        )


def never_asked(intake: Intake) -> list[str]:
    """The keys of what is due, also by staff since, of visits to runs without payments, and nobody was asked for yet.

    A visit counts that began in one, and one whose receipt was issued in one: its shopper was told. That must not
    change by a new line in the settings. A receipt that was asked for once is like any other.
    """
    told = dict.fromkeys(intake.texts(ReceiptIssued, "receipt_id", source_prefix=UNCHARGED_SOURCE))
    began = intake.texts(VisitStarted, "visit_id", source_prefix=UNCHARGED_SOURCE)
    told |= dict.fromkeys(receipt_id_of(visit_id) for visit_id in began)
    asked = set(intake.texts(PaymentAnswered, "receipt_id", about=[*told], without_prefix=REPLAYED))
    left = [receipt_id for receipt_id in told if receipt_id not in asked]
    return intake.texts(PaymentDue, "key", about=left, source_prefix=CHARGED_SOURCE)


def _inside(intake: Intake) -> int:
    """How many came in as shoppers without payments, and no run ended their visit.

    Whose code was that of staff or of a tester is never charged. Who was let in and not seen yet by the cut is inside:
    one of the bodies that no code is known of may be theirs.
    """
    ended = last_end(intake)
    began = [visit for _, visit in intake.observed([VisitStarted], ended, source_prefix=UNCHARGED_SOURCE)]
    over = {visit.visit_id for _, visit in intake.observed(_OVER, ended, source_prefix=CHARGED_SOURCE)}
    scans = [scan for _, scan in intake.observed([CodeScanned], ended, source_prefix=CHARGED_SOURCE)]
    shoppers = {scan.track_id for scan in scans if scan.role is Role.SHOPPER}
    others = {scan.track_id for scan in scans} - shoppers
    here = [visit.track_id for visit in began if visit.role is Role.SHOPPER and visit.visit_id not in over]
    known = [track_id for track_id in here if track_id in shoppers]
    unknown = [track_id for track_id in here if track_id not in shoppers | others]
    granted = intake.observed([EntryGranted], ended, source_prefix=UNCHARGED_SOURCE)
    let_in = {_at_door(grant) for _, grant in granted if grant.role is Role.SHOPPER}
    return len(known) + max(len(unknown), len(let_in - {_at_door(scan) for scan in scans}))


def _at_door(entry: EntryGranted | CodeScanned) -> tuple[int, str, str]:
    """What a grant and the scan that the front end makes of it have in common."""
    return entry.at_ns, entry.gate_id, entry.account


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
