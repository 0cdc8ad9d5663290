"""`jwo store`: who is let in, how the store is, and what only staff can do: let somebody in, confirm an age."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError
from jwo_cli.model.staffing import Mode

if TYPE_CHECKING:
    from jwo_cli.drive.state import Inside, StoreState
    from jwo_cli.layouts.settings import Settings

HELP = "The running store: up, down, staff only, status, let somebody in, confirm an age."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

Staff = Annotated[str, typer.Option("--staff", metavar="NAME", help="Who says so; your user name when left out.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the journal.")]


@app.callback()
def group() -> None:
    """The running store: up, down, staff only, status, let somebody in, confirm an age."""


@app.command()
def up(
    journal: console.JournalDir = None, staff: Staff = "", reason: Reason = "", as_json: console.AsJson = False
) -> None:
    """Let shoppers in. Refused (exit code 1) while a device that is needed fails: the answer names it."""
    _ask(Mode.UP, journal, staff, reason, as_json=as_json)


@app.command()
def down(
    journal: console.JournalDir = None, staff: Staff = "", reason: Reason = "", as_json: console.AsJson = False
) -> None:
    """Let nobody in; who is inside finishes and is charged, then the store is down."""
    _ask(Mode.DOWN, journal, staff, reason, as_json=as_json)


@app.command("staff-only")
def staff_only(
    journal: console.JournalDir = None, staff: Staff = "", reason: Reason = "", as_json: console.AsJson = False
) -> None:
    """Let staff and testers in, and no shopper."""
    _ask(Mode.STAFF_ONLY, journal, staff, reason, as_json=as_json)


def _ask(mode: Mode, journal: Path | None, staff: str, reason: str, *, as_json: bool) -> None:
    from jwo_cli.drive.staff import request_mode, who

    answer = request_mode(console.journal_or_fail(journal), mode, staff=staff or who(), reason=reason)
    if as_json:
        console.print_json(answer)
    elif answer.refused:
        for sentence in answer.refused:
            console.out(sentence)
        now, wanted = (one.value.replace("_", " ") for one in (answer.mode, answer.asked))
        console.say(f"the store stays {now}: it cannot be {wanted} now")
    else:
        console.out(answer.mode.value.replace("_", " "))
    console.finish(console.FINDINGS if answer.refused else console.FINE)


@app.command()
def status(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """How the store is: mode, who is inside, receipts since it opened, prices, doors, devices in trouble."""
    from jwo_cli.drive.state import state_of

    state = state_of(console.journal_or_fail(journal))
    if as_json:
        console.print_json(state)
        return
    rows = [
        ("runs", f"{'yes' if state.running else 'no'}{_free(state)}"),
        ("mode", state.mode.value.replace("_", " ")),
        ("inside", "; ".join([f"{len(state.inside)}", *map(_who, state.inside)]) if state.inside else "nobody"),
        ("since it opened", _sold(state)),
        (
            "prices as of",
            _minute(dt.datetime.fromisoformat(state.catalogue_at)) if state.catalogue_at else "the layout",
        ),
        ("doors that stand open", ", ".join(state.released) or "none"),
        ("devices in trouble", "; ".join(state.ill) or "none"),
        ("entries", f"{state.head_seq}"),
    ]
    console.table(("store", ""), rows)


def _who(inside: Inside) -> str:
    came = _minute(dt.datetime.fromtimestamp(inside.at_ns // 1_000_000_000, dt.UTC))
    return f"{inside.visit_id} since {came}"


def _free(state: StoreState) -> str:
    why = "a shadow" if state.shadow else "without [payments]"
    return "" if state.charges else f", {why}: nobody is charged"


def _sold(state: StoreState) -> str:
    from jwo_cli.model.units import format_minor

    if not state.receipts:
        return "nothing"
    came = "charged" if state.charges else "would have been charged"
    receipts = f"{state.receipts} receipt{'' if state.receipts == 1 else 's'}"
    return f"{receipts}, {format_minor(state.charged_minor, state.currency)} {came}"


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


@app.command()
def admit(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, or a beginning of it.")],
    gate: Annotated[str, typer.Option("--gate", help="The door; the only entry when left out.")] = "",
    party: Annotated[int, typer.Option("--party", min=1, help="How many come in together.")] = 1,
    staff: Staff = "",
    as_json: console.AsJson = False,
) -> None:
    """Let somebody in without a code, as a member of staff. Run it in the store's directory.

    Blocked and unknown accounts stay outside (exit code 1), and so does everybody while the store is not up. Exit code
    3: no store runs that would open the door.
    """
    from jwo_cli.drive.staff import admit as let_in
    from jwo_cli.drive.staff import who
    from jwo_cli.model.staffing import EntryGranted

    decided = let_in(_settings(), account, gate_id=gate, party_size=party, staff=staff or who())
    granted = isinstance(decided, EntryGranted)
    if as_json:
        console.print_json(decided)
    elif isinstance(decided, EntryGranted):
        console.out(f"{decided.account} is let in at {decided.gate_id}")
    else:
        console.out(f"{decided.account or account} stays outside: {decided.refusal.value}")
    console.finish(console.FINE if granted else console.FINDINGS)


@app.command()
def age(
    years: Annotated[int, typer.Argument(min=1, max=120, help="At least this old.")],
    account: Annotated[str, typer.Option("--account", help="Of this account (or its beginning), from now on.")] = "",
    visit: Annotated[str, typer.Option("--visit", help="Of who is on this open visit (or its beginning), once.")] = "",
    journal: console.JournalDir = None,
    staff: Staff = "",
    as_json: console.AsJson = False,
) -> None:
    """Say that you saw somebody's age, so that goods with an age limit need no second look."""
    from jwo_cli.drive.staff import confirm_age, who

    journal = console.journal_or_fail(journal)
    entry = confirm_age(journal, age=years, account=account, visit=visit, staff=staff or who())
    if as_json:
        console.print_json({"entry": entry.seq, **(entry.payload if isinstance(entry.payload, dict) else {})})
        return
    whose = entry.payload["account"] or entry.payload["visit_id"] if isinstance(entry.payload, dict) else ""
    console.out(f"{whose} is at least {years}: entry {entry.seq}")


def _settings() -> Settings:
    settings = console.store_settings()
    if settings is None:
        raise UserError("this is no store directory", fix="Go to one (`jwo init` makes one) and run it there.")
    return settings
