"""The desk: where a person's word on a receipt becomes a correction and money that is due, whether or not a store runs.

1. What was decided before is read from the journal, and what is decided now is written to it, in one transaction: two
   people who decide at the same moment do it one after the other, the second knowing the first.
2. What a decision comes to is worked out before that, and again only where somebody decided meanwhile: the log is held
   for a moment, however long that takes.
3. What follows belongs where the receipt does. Dues of a store that charged it are carried by the outbox of the store
   that runs, or of the next one, or by `jwo payments retry`; those of shadows and recordings are nobody's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from jwo_cli.drive.resume import LIVE_SOURCES
from jwo_cli.drive.staff import SOURCE
from jwo_cli.drive.state import kept_layout
from jwo_cli.insight.receipts import Kept, find, issued, kept
from jwo_cli.journal import Intake, Session, open_journal
from jwo_cli.journal.upcast import current
from jwo_cli.model import codec
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.entering import Role
from jwo_cli.model.entry import REPLAYED, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import CHARGED_SOURCE, PaymentAnswered, PaymentDue
from jwo_cli.model.staffing import CatalogueChanged
from jwo_cli.shop import desk, ledger
from jwo_cli.shop.bills import Bill, DueState
from jwo_cli.shop.desk import Case, Prices, Start
from jwo_cli.shop.house import changed_catalogue
from jwo_cli.shop.receipts import charged_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person says of a receipt. `changes` are (product, how many), products as people name them."""

    staff: str
    start: Start = Start.CHARGED
    changes: tuple[tuple[str, int], ...] = ()
    note: str = ""
    charge_more: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What came of it. `new` is false where it was decided so before; `carried` is whether money moves for it: receipts
    that are `of` a "run" only.

    `capped_minor` is what the goods would cost beyond what the shopper was told, and pays; `back_minor` what was paid
    by now beyond what is decided.
    """

    receipt_id: str
    corrected: ReceiptCorrected
    before_minor: int
    capped_minor: int
    back_minor: int
    due: PaymentDue | None
    new: bool
    carried: bool
    of: str
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Docket:
    """A receipt and what it was priced with; None where that is not known, then `beside` has what is not on it."""

    entry: Kept
    receipt: ReceiptIssued
    prices: Prices | None
    beside: Catalogue | None

    @property
    def origin(self) -> str:
        """How sources begin of whatever belongs to this receipt: "run", "shadow", "recording"."""
        return self.entry.source.partition("/")[0]


def decide(
    journal: Path, wanted: str, verdict: Verdict, *, layout: Store | None = None, dry_run: bool = False
) -> Decided:
    """Take a decision on the receipt that `wanted` names; durable on return, unless it is a dry run.

    `layout` prices what is added where the journal does not know the layout of then. Raises UserError: no such receipt,
    product or account, more than one, or a decision that cannot be.
    """
    with open_journal(journal) as session:
        entry = find(session, wanted)
        receipt = issued(entry)
        beside = layout.catalogue if layout is not None else None
        docket = _Docket(entry, receipt, _prices(session, entry, receipt), beside)
        account = _account(session, verdict.account, entry)
    with Intake.open(journal, create=False) as intake:
        while True:
            case = _case(intake, docket)
            decided, said = _decide(docket, case, verdict, account)
            with intake.transaction():
                if _case(intake, docket) != case:
                    continue
                decided = replace(decided, back_minor=max(0, _paid(intake, docket) - decided.corrected.total_minor))
                if dry_run or not decided.new:
                    return decided
                return replace(decided, entries=_append(intake, docket, decided, said))


def _case(intake: Intake, docket: _Docket) -> Case:
    """The receipt as it stands by now."""
    about, source = docket.receipt.receipt_id, f"{docket.origin}/"
    corrections = intake.observed([ReceiptCorrected], about=about, source_prefix=source)
    bill = Bill(about)
    for seq, due in intake.observed([PaymentDue], about=about, source_prefix=source):
        bill.dues.append(DueState(seq=seq, due=due, wallet=None))
    return Case(
        receipt=docket.receipt,
        corrections=tuple(value for _, value in corrections),
        asked_minor=bill.owed_minor(),
    )


def _paid(intake: Intake, docket: _Docket) -> int:
    """What was paid for a receipt by now, by the provider's word; a replay's word counts for a replay's receipts."""
    about, replayed = docket.receipt.receipt_id, docket.entry.source.startswith(REPLAYED)
    only, without = (REPLAYED, "") if replayed else ("", REPLAYED)
    found = intake.observed([PaymentAnswered], about=about, source_prefix=only, without_prefix=without)
    moved = (item for _, answer in found for item in ledger.paid(answer))
    return ledger.balance(moved).get((ledger.CLEARING, docket.receipt.currency), 0)


def _decide(docket: _Docket, case: Case, verdict: Verdict, account: str | None) -> tuple[Decided, ReviewDecided]:
    """The decision, and what it came to."""
    prices = docket.prices or desk.own_prices(case, docket.beside)
    catalogue = prices.everything()
    changes = {_product(text, case, prices): quantity for text, quantity in verdict.changes}
    said = ReviewDecided(
        # Later than the one before, whatever the clocks of two machines say: the books tell corrections by their time.
        at_ns=max(time.time_ns(), case.previous.at_ns + 1 if case.previous is not None else 0),
        receipt_id=docket.receipt.receipt_id,
        staff=verdict.staff,
        lines=desk.meant(case, verdict.start, changes, catalogue),
        note=verdict.note,
        charge_more=verdict.charge_more,
        account=account,
    )
    ruling = desk.decide(case, said, prices)
    uncapped = ruling
    if not verdict.charge_more and ruling.new:
        uncapped = desk.decide(case, replace(said, charge_more=True), prices)
    decided = Decided(
        receipt_id=docket.receipt.receipt_id,
        corrected=ruling.corrected if ruling.new or case.previous is None else case.previous,
        before_minor=charged_minor(case.lines),
        capped_minor=uncapped.corrected.total_minor - ruling.corrected.total_minor,
        back_minor=0,
        due=ruling.due,
        new=ruling.new,
        carried=docket.entry.source.startswith(CHARGED_SOURCE),
        of=docket.origin,
    )
    return decided, said


def _append(intake: Intake, docket: _Docket, decided: Decided, said: ReviewDecided) -> tuple[int, ...]:
    def append(value: ReviewDecided | ReceiptCorrected | PaymentDue, source: str, cause: int) -> int:
        kind = codec.kind_of(type(value))
        entry = NewEntry(
            key=f"{docket.origin}/desk/{decided.receipt_id}/{said.at_ns}/{kind}",
            at_ns=value.at_ns,
            source=source,
            kind=kind,
            payload=codec.encode(value),
            caused_by=(cause,),
            version=current(kind),
            store_id=docket.entry.store_id,
            layout_version=docket.entry.layout_version,
        )
        return intake.append([entry])[0].seq

    seq = append(said, f"{SOURCE}/{said.staff}", docket.entry.seq)
    values = (decided.corrected,) if decided.due is None else (decided.corrected, decided.due)
    return (seq, *(append(value, f"{docket.origin}/desk", seq) for value in values))


def _prices(session: Session, entry: Kept, receipt: ReceiptIssued) -> Prices | None:
    """What the receipt was priced with: the layout of its run, and what was changed before its shopper came and left.

    None where that was not kept, or does not give the receipt's own prices.
    """
    store = kept_layout(session.directory, entry.layout_version)
    prices = None if store is None else _then(session, entry, receipt, store.catalogue)
    return prices if prices is not None and prices.agree(receipt) else None


def _then(session: Session, entry: Kept, receipt: ReceiptIssued, catalogue: Catalogue) -> Prices:
    """The catalogues that the receipt's shopper came in and left under, as its engine had them."""
    origin, live = entry.source.partition("/")[0], entry.source.startswith(LIVE_SOURCES)
    began = session.rows(
        "SELECT seq, at_ns FROM visit_started WHERE visit_id = ? AND starts_with(source, ?) ORDER BY seq LIMIT 1",
        [receipt.visit_id, f"{origin}/"],
    )
    came_seq, started_ns = began[0] if began else (entry.seq, receipt.at_ns)
    if live:
        # A run begins with its files, and with what was changed since the last one ended in order (`resume`).
        ((ended,),) = session.rows(
            "SELECT coalesce(max(seq), 0) FROM store_closed WHERE seq < ? AND (starts_with(source, ?) "
            "OR starts_with(source, ?))",
            [came_seq, *LIVE_SOURCES],
        )
        rows = session.rows(
            "SELECT seq FROM catalogue_changed WHERE seq BETWEEN ? AND ? AND NOT starts_with(source, 'recording/')",
            [ended, entry.seq],
        )
    else:
        rows = session.rows("SELECT seq FROM catalogue_changed WHERE source = ? AND seq < ?", [entry.source, entry.seq])
    came = left = catalogue
    for item in kept(session, [seq for (seq,) in rows]):
        if isinstance(item.value, CatalogueChanged):
            left = changed_catalogue(left, item.value)
            came = left if item.seq < came_seq else came
    return Prices(came=came, left=left, started_ns=int(started_ns))


def _product(text: str, case: Case, prices: Prices) -> str:
    try:
        return desk.find_product(text, case, prices.everything())
    except UserError as error:
        if prices.adds:
            raise
        raise UserError(
            str(error),
            fix=f"{error.fix} The prices of then are not in this journal: to add something else, name the store's "
            "layout with --layout.",
        ) from None


def _account(session: Session, wanted: str, receipt: Kept) -> str | None:
    """The account that a person names, by a beginning of its reference. Raises UserError.

    What a replayed recording says of accounts makes nobody pay but in a replay.
    """
    if not wanted:
        return None
    rows = session.rows(
        "SELECT account, arg_min(role, seq) FROM account_opened WHERE starts_with(account, $1) "
        "AND ($2 OR NOT starts_with(source, $3)) AND account NOT IN "
        "(SELECT account FROM account_erased WHERE $2 OR NOT starts_with(source, $3)) GROUP BY ALL ORDER BY account",
        [wanted, receipt.source.startswith(REPLAYED), REPLAYED],
    )
    roles = {str(account): str(role) for account, role in rows}
    if wanted not in roles and len(roles) != 1:
        problem = f"{len(roles)} accounts begin with {wanted!r}" if roles else f"there is no account {wanted!r}"
        raise UserError(problem, fix="`jwo account list` shows all of them.")
    account = wanted if wanted in roles else next(iter(roles))
    if roles[account] != Role.SHOPPER.value:
        raise UserError(f"{account} is {roles[account]}, and is never billed", fix="Name the account of a shopper.")
    return account
