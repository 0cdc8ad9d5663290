"""`jwo audit`: why a receipt says what it says, and whether the journal is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.insight.audit import ReceiptAudit

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Explain a receipt line by line; verify the journal."
)


@app.callback()
def audit() -> None:
    """Explain a receipt line by line; verify the journal."""


@app.command()
def show(
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="Its id, a beginning of it, or its shopper's id.")],
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
    console.out(f"entry {found.seq} of the journal, {found.source}, layout {found.layout_version[:12]}")


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

    place = console.journal_or_fail(journal)
    settings = console.store_settings()
    if mark is None and key is None and settings is not None and (renew or settings.mark.exists()):
        mark, key = settings.mark, settings.mark_key
    elif mark is None and key is None and settings is not None:
        console.say(f"there is no mark at {settings.mark}: a cut-off end would go unnoticed; --renew-mark signs one")
    if renew and (mark is None or key is None):
        raise UserError("--renew-mark needs to know where and signed by what", fix="Add --mark FILE --key REF.")
    fresh = renew and mark is not None and not mark.exists()
    found = check(place, mark=None if fresh else mark, key=key)
    code = console.findings(found, as_json=as_json)
    if renew and mark is not None and key is not None and code == console.FINE:
        written = write_mark(place, mark, key=key)
        console.say(f"mark written to {mark}: entry {written.seq}, {written.hash[:16]}")
    if not found:
        console.say(f"{place} is whole")
    console.finish(code)
