"""`jwo receipts`: show a receipt in any form, write them to files, and send them to a webhook."""

from __future__ import annotations

import asyncio
import contextlib
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.drive.receipt_hook import ReceiptHook
    from jwo_cli.drive.receipts import Filed, Store
    from jwo_cli.journal import Intake

HELP = "Receipts: show as text, page or JSON; export, also as EPCIS; send to a webhook."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)


class Form(StrEnum):
    """How a receipt is written."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"


class Kind(StrEnum):
    """What is exported."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"
    EPCIS = "epcis"


@app.callback()
def group() -> None:
    """Receipts: show as text, page or JSON; export, also as EPCIS; send to a webhook."""


@app.command()
def show(
    receipt: Annotated[
        str, typer.Argument(metavar="RECEIPT", help="Its id, a beginning of it, its visit, shopper or account.")
    ],
    form: Annotated[Form, typer.Option("--form", help="text, html (prints as a receipt) or json.")] = Form.TEXT,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Show a receipt (or its latest correction) with all legally usual fields and how it was paid."""
    from jwo_cli.journal import Intake

    place = console.journal_or_fail(journal)
    with Intake.open(place, create=False) as intake:
        found = _found(intake, place, receipt)
        text = _written(found, _store(intake, place), Form.JSON if as_json else form)
    if out is None:
        console.out(text.rstrip("\n"))
        return
    _write(out, text)
    console.say(f"wrote {out}")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="PLACE", help="A folder; for epcis a file.")],
    form: Annotated[Kind, typer.Option("--form", help="text, html, json, or epcis for one EPCIS 2.0 document.")] = (
        Kind.JSON
    ),
    gln: Annotated[str, typer.Option("--gln", help="The store's GS1 location number, for epcis.")] = "",
    rehearsals: console.Rehearsals = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Write all receipts, a file each, or picks, sales and corrections as one EPCIS 2.0 document (JSON-LD)."""
    import json

    from jwo_cli.drive import epcis
    from jwo_cli.drive.receipts import all_filed
    from jwo_cli.journal import Intake
    from jwo_cli.model.gtin import check_digit

    if gln and not (len(gln) == 13 and gln.isascii() and gln.isdigit() and int(gln[-1]) == check_digit(gln[:-1])):
        raise UserError(f"{gln!r} is no GLN", fix="Give 13 digits; the last is a check digit.")
    place = console.journal_or_fail(journal)
    with Intake.open(place, create=False) as intake:
        if form is Kind.EPCIS:
            document = epcis.export(
                intake, store_id=intake.store_id, gln=gln, created_ns=time.time_ns(), rehearsals=rehearsals
            )
            _write(out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
            count, what = len(document["epcisBody"]["eventList"]), "events"
        else:
            filed, store = all_filed(intake, rehearsals=rehearsals), _store(intake, place)
            for name, item in filed.items():
                suffix = "txt" if form is Kind.TEXT else form.value
                _write(out / f"{name}.{suffix}", _written(item, store, Form(form.value)))
            count, what = len(filed), "receipts"
    if as_json:
        console.print_json({"place": str(out), "form": form.value, what: count})
    else:
        console.say(f"wrote {count} {what} to {out}")


@app.command()
def send(
    receipts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECEIPT]…", help="These once more; what is undelivered when left out."),
    ] = None,
    patience: Annotated[float, typer.Option("--patience", min=0.1, help="Seconds to try.")] = 30.0,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Send receipts to the webhook that [receipts] in jwo.toml names, signed. Exit code 1 if any is undelivered.

    What is undelivered is left to a store that runs: it sends by itself.
    """
    from jwo_cli.drive.receipt_hook import ReceiptHook, hook_settings
    from jwo_cli.drive.state import is_running
    from jwo_cli.journal import Intake

    settings = console.store_settings()
    hook_to = hook_settings(settings.money if settings is not None else None)

    place = console.journal_or_fail(journal)
    if not receipts and is_running(place):
        raise UserError(
            "a store runs on this journal, and sends what is undelivered by itself",
            fix="Name the receipts that you want sent once more.",
        )
    with Intake.open(place, create=False) as intake:
        hook = ReceiptHook(intake, _store(intake, place), hook_to)
        if receipts:
            hook.again({_named(place, name) for name in receipts})
        left = asyncio.run(_deliver(hook, patience))
    if as_json:
        console.print_json({"target": hook.target, "delivered": hook.delivered, "undelivered": left})
    else:
        console.say(f"{hook.delivered} documents delivered to {hook.target}, {left} not")
    console.finish(console.FINDINGS if left else console.FINE)


async def _deliver(hook: ReceiptHook, patience: float) -> int:
    """How many are left when all are delivered or given up, or after so many seconds."""
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                left = await hook.deliver()
                while left:
                    await asyncio.sleep(0.2)
                    left = await hook.deliver()
    finally:
        await hook.aclose()
    return hook.held()


def _found(intake: Intake, place: Path, wanted: str) -> Filed:
    """The receipt that a person means. Raises UserError where none or several fit."""
    from jwo_cli.drive.receipts import filed
    from jwo_cli.insight.receipts import find, issued
    from jwo_cli.journal import open_journal

    with open_journal(place) as session:
        entry = find(session, wanted)
    name, origin = issued(entry).receipt_id, entry.source.partition("/")
    found = filed(intake, name, source_prefix="".join(origin[:2]))
    if found is None:
        raise LookupError(name)  # it was just found there, and nothing leaves a journal
    return found


def _named(place: Path, wanted: str) -> str:
    """The id of the receipt that a person means."""
    from jwo_cli.insight.receipts import find, issued
    from jwo_cli.journal import open_journal

    with open_journal(place) as session:
        return issued(find(session, wanted)).receipt_id


def _store(intake: Intake, place: Path) -> Store:
    """What receipts say of the store: by its directory, where the command runs there, else by the journal's layout."""
    from jwo_cli.drive.receipts import Store
    from jwo_cli.drive.state import latest_layout
    from jwo_cli.layouts.load import load
    from jwo_cli.layouts.settings_money import SellerSettings

    settings = console.store_settings()
    layout = None if settings is None else load(settings.layout)[0]
    own = settings is not None and settings.journal.resolve() == place.resolve()
    own = own or (layout is not None and layout.store_id == intake.store_id)
    seller = settings.money.seller if settings is not None and own else SellerSettings()
    if not seller.name:
        fix = "add [seller] to jwo.toml" if own else "run it in the store's directory, whose jwo.toml names it"
        console.say(f"Nobody stands at the head of these receipts as the seller: {fix}.")
    if layout is None or not own or layout.store_id != intake.store_id:
        layout = latest_layout(place, intake.store_id)
    if layout is None:
        return Store(store_id=intake.store_id, seller=seller)
    return Store(store_id=intake.store_id, name=layout.name, timezone=layout.timezone, seller=seller)


def _written(found: Filed, store: Store, form: Form) -> str:
    """A receipt in one of its forms."""
    import json

    from jwo_cli.drive.receipts import describe
    from jwo_cli.model.codec import encode
    from jwo_cli.shop.receipts_html import receipt_html
    from jwo_cli.shop.receipts_text import receipt_text

    document = describe(found, store)
    if form is Form.HTML:
        return receipt_html(document)
    if form is Form.JSON:
        return json.dumps(encode(document), ensure_ascii=False, indent=2) + "\n"
    return receipt_text(document)


def _write(path: Path, text: str) -> None:
    """A file, whole or not at all."""
    if not path.name or path.is_dir():
        raise UserError(f"{path} is a folder", fix="Name a file in it.")
    aside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})", fix="Name another place.") from None
    finally:
        aside.unlink(missing_ok=True)
