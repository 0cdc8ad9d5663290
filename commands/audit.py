"""`jwo audit`: why a receipt says what it says, what people decide about it, and whether the journal is whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.drive.desk import Decided
    from jwo_cli.insight.audit import ReceiptAudit
    from jwo_cli.insight.reviews import Review
    from jwo_cli.model.layout import Store
    from jwo_cli.shop.desk import Start

HELP = "Explain receipts line by line, decide about them; verify the journal."
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Receipt = Annotated[str, typer.Argument(metavar="RECEIPT", help="Its id, a beginning of it, its shopper or account.")]


@app.callback()
def audit() -> None:
    """Explain receipts line by line, decide about them; verify the journal."""


@app.command()
def show(
    receipt: Receipt,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Explain every line: what was measured, who was near, and what else it may have been, with probabilities."""
    from jwo_cli.insight.audit import audit as explain
    from jwo_cli.journal import open_journal

    with open_journal(console.journal_or_fail(journal)) as session:
        found = explain(session, receipt)
    if as_json:
        console.print_json(found)
    else:
        tell(found)


def tell(found: ReceiptAudit) -> None:
    """An explained receipt for people."""
    from jwo_cli import printing
    from jwo_cli.insight.telling import event_text, line_title

    console.show(printing.receipt(found.receipt))
    for number, line in enumerate(found.lines, start=1):
        console.out(line_title(number, line, found))
        for event in line.events:
            console.out(event_text(event, found))
    if found.others:
        console.out("What else happened that this shopper may have had a part in, and that led to no line:")
        for event in found.others:
            console.out(event_text(event, found, plots=False))
    for item in found.corrections:
        console.show(printing.correction(item.corrected, note=item.note))
    console.out(f"entry {found.seq} of the journal, {found.source}, layout {found.layout_version[:12]}")


@app.command()
def reviews(
    every: Annotated[bool, typer.Option("--all", help="Also those that somebody decided.")] = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """List receipts that wait for a person: what is in doubt, and what is charged meanwhile."""
    from jwo_cli.insight.reviews import reviews as find
    from jwo_cli.journal import open_journal

    with open_journal(console.journal_or_fail(journal)) as session:
        found = find(session, decided=every)
    if as_json:
        console.print_json(list(found))
        return
    for item in found:
        _tell_review(item)
    waiting = sum(item.decided_ns is None for item in found)
    console.say(f"{waiting or 'no'} receipt{' waits' if waiting == 1 else 's wait'} for a person")
    if waiting:
        console.say(
            "Why: jwo audit show RECEIPT. What is right: jwo audit decide RECEIPT --as-charged, or as --help says."
        )


def _tell_review(item: Review) -> None:
    """A receipt in doubt for people: who, when, the money, why."""
    from jwo_cli.model.units import format_minor
    from jwo_cli.printing import amount, percent

    when = dt.datetime.fromtimestamp(item.at_ns // 1_000_000_000, dt.UTC)
    of = "" if item.of == "run" else f" ({item.of}, nobody is charged)"
    now = format_minor(item.final_minor, item.currency)
    console.out(f"{item.receipt_id}  {when:%Y-%m-%d %H:%M} UTC  {item.shopper}{of}")
    if item.decided_ns is not None:
        was = amount(item.charged_minor, item.currency)
        console.out(f"  {now} as decided by {item.staff}, {was} before{f': {item.note}' if item.note else ''}")
        return
    whole = amount(item.estimated_minor, item.currency)
    console.out(f"  charged {now} of {whole}, {percent(item.probability)} sure of the whole")
    for doubt in item.doubts:
        console.out(f"  because {doubt}")


@app.command()
def decide(
    receipt: Receipt,
    items: Annotated[
        list[str] | None,
        typer.Option(
            "--item", metavar="PRODUCT=N", help="There are N of it (its number, or a part of its name); the rest stays."
        ),
    ] = None,
    as_charged: Annotated[bool, typer.Option("--as-charged", help="What is charged now is right.")] = False,
    as_estimated: Annotated[bool, typer.Option("--as-estimated", help="All that it shows was taken.")] = False,
    refund_all: Annotated[bool, typer.Option("--refund-all", help="Nothing is to be paid.")] = False,
    charge_more: Annotated[
        bool, typer.Option("--charge-more", help="The shopper pays it also where it is more than they were told.")
    ] = False,
    account: Annotated[str, typer.Option("--account", metavar="REF", help="Who pays, where nobody does.")] = "",
    staff: Annotated[
        str, typer.Option("--staff", metavar="NAME", help="Who decides; your user name if not said.")
    ] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever asks later.")] = "",
    layout: Annotated[
        str, typer.Option("--layout", metavar="LAYOUT", help="Its prices, for goods whose price of then is not known.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would follow.")] = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Say what is on a receipt, in doubt or disputed; the difference is refunded, or charged, once.

    Give what changes: --item "oat bar=0". Deciding again replaces it. Works while the store runs, on any receipt.
    """
    from jwo_cli.drive.desk import Verdict
    from jwo_cli.drive.desk import decide as take
    from jwo_cli.drive.staff import who

    verdict = Verdict(
        staff=staff or who(),
        start=_start(items or [], account, as_charged=as_charged, as_estimated=as_estimated, refund_all=refund_all),
        changes=tuple(_item(text) for text in items or []),
        note=note,
        charge_more=charge_more,
        account=account,
    )
    decided = take(console.journal_or_fail(journal), receipt, verdict, layout=_layout(layout), dry_run=dry_run)
    if as_json:
        console.print_json({"dry_run": dry_run, "decided": decided})
    else:
        _tell_decided(decided, note=note, dry_run=dry_run)


def _start(items: list[str], account: str, *, as_charged: bool, as_estimated: bool, refund_all: bool) -> Start:
    from jwo_cli.shop.desk import Start

    said = [as_charged, as_estimated, refund_all]
    if sum(said) > 1 or (refund_all and items) or not (any(said) or items or account):
        raise UserError(
            "that says two things" if any(said) else "it does not say what is decided",
            fix='Say one of --as-charged, --as-estimated, --refund-all; or what is wrong: --item "oat bar=0", '
            "also together with the first two; or who pays: --account.",
        )
    return Start.ESTIMATED if as_estimated else Start.NOTHING if refund_all else Start.CHARGED


def _item(text: str) -> tuple[str, int]:
    product, _, number = text.rpartition("=")
    number = number.strip()
    if not product.strip() or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UserError(f"--item {text!r} does not say how many there are", fix='Write it so: --item "oat bar=2".')
    return product.strip(), int(number)


def _layout(named: str) -> Store | None:
    from jwo_cli.synthetic.made import find_store

    return find_store(named) if named else None


def _tell_decided(decided: Decided, *, note: str, dry_run: bool) -> None:
    """A decision for people: the lines, the money, where it goes."""
    from jwo_cli import printing
    from jwo_cli.model.units import format_minor

    corrected = decided.corrected
    console.show(printing.correction(corrected, note=note if decided.new else ""))
    if decided.capped_minor > 0:
        more = format_minor(decided.capped_minor, corrected.currency)
        console.say(f"these goods cost {more} more than the shopper was told; --charge-more charges that, too")
    if not decided.new:
        console.say(f"nothing changes: {corrected.staff} decided so before")
    elif decided.due is None:
        console.say("no money moves" if corrected.account else "no money moves: nobody pays this receipt (--account)")
    else:
        due = decided.due
        amount = format_minor(due.amount_minor, due.currency)
        what = f"{due.account} pays {amount}"
        if due.purpose.value == "refund":
            what = f"{amount} go back to {due.account}"
            if decided.carried and decided.back_minor < due.amount_minor:
                back = printing.amount(decided.back_minor, due.currency)
                what = f"{due.account} owes {amount} less; {back} of it were paid by now and go back"
        if decided.carried:
            console.say(f"{what}; a running store sees to it now, else the next one or `jwo payments retry`")
        else:
            console.say(f"the books say that {what}; no money moves for a receipt of a {decided.of}")
    if dry_run:
        console.say("nothing was written: this was a dry run")


@app.command()
def verify(
    journal: console.JournalDir = None,
    mark: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A signed high-water mark, kept outside of the journal.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="REF", envvar="JWO_MARK_KEY_REF", help="Its key: env:NAME or file:PATH.")
    ] = None,
    renew: Annotated[bool, typer.Option("--renew-mark", help="If all is well, write the mark anew at FILE.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Check the journal: hash chain, mark, telemetry, published copy, books. Exit code 1 if it is not whole."""
    from jwo_cli.journal import verify as check
    from jwo_cli.journal import write_mark
    from jwo_cli.model.findings import Finding, Severity

    place = console.journal_or_fail(journal)
    settings, unsigned = console.store_settings(), None
    if mark is None and key is None and settings is not None and (renew or settings.mark.exists()):
        mark, key = settings.mark, settings.mark_key
    elif mark is None and key is None and settings is not None and settings.mark_key:
        unsigned = Finding(
            file=str(settings.mark),
            problem="there is no mark: an end of the log that was cut off would go unnoticed",
            fix="A running store signs one; so does --renew-mark",
            severity=Severity.WARNING,
        )
    if renew and (mark is None or key is None):
        raise UserError("--renew-mark needs to know where and signed by what", fix="Add --mark FILE --key REF.")
    fresh = renew and mark is not None and not mark.exists()
    found = (*check(place, mark=None if fresh else mark, key=key), *([unsigned] if unsigned is not None else []))
    code = console.findings(found, as_json=as_json)
    if renew and mark is not None and key is not None and code == console.FINE:
        written = write_mark(place, mark, key=key)
        console.say(f"mark written to {mark}: entry {written.seq}, {written.hash[:16]}")
    if not found:
        console.say(f"{place} is whole")
    console.finish(code)
