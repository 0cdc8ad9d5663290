"""`jwo account`: who may come in and how they pay; their entry codes as QR, PNG or JSON."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.entering import Role
from jwo_cli.model.findings import UserError
from jwo_cli.model.units import NS_PER_S

if TYPE_CHECKING:
    from jwo_cli.drive.accounts import AccountBook, ShownCode
    from jwo_cli.layouts.settings import Settings
    from jwo_cli.layouts.settings_money import PaymentSettings
    from jwo_cli.model.layout import Store
    from jwo_cli.shop.accounts import Account

HELP = "Accounts: open, show, block, pay with, erase; their entry codes. Run it in a store directory."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

Reference = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its reference, or a beginning of it.")]


@app.callback()
def group() -> None:
    """Accounts: open, show, block, pay with, erase; their entry codes. Run it in a store directory."""


@app.command()
def new(
    name: Annotated[str, typer.Option("--name", help="The person's name; sealed, never in the journal.")] = "",
    email: Annotated[str, typer.Option("--email", help="Where receipts go; sealed, never in the journal.")] = "",
    role: Annotated[Role, typer.Option("--role", help="Only shoppers are billed.")] = Role.SHOPPER,
    as_json: console.AsJson = False,
) -> None:
    """Open an account."""
    fields = {key: value for key, value in (("name", name.strip()), ("email", email.strip())) if value}
    if email and ("@" not in email.strip("@ ") or any(character.isspace() for character in email.strip())):
        raise UserError(f"{email!r} is no e-mail address", fix="Write it as name@example.org.")
    with _book(personal=bool(fields)) as book:
        account = book.new(role=role, fields=fields)
    if as_json:
        console.print_json(_row(account))
        return
    console.out(account.account)
    if account.role is Role.SHOPPER:
        money = _settings().money.payments
        through = "stripe" if money is None else money.provider
        first = "" if money is None else f"`jwo payments enrol {account.account}`, then "
        way = f"--provider {through} --customer cus_… --method pm_…"
        console.say(
            f"It cannot pay yet: {first}`jwo account payment {account.account} {way}`; then `jwo account code`."
        )


@app.command("list")
def list_accounts(as_json: console.AsJson = False) -> None:
    """List all accounts, without anything personal."""
    with _book() as book:
        rows = [_row(account) for account in book.all().by_reference.values()]
    if as_json:
        console.print_json(rows)
        return
    console.table(("account", "opened", "role", "pays through", "state"), [tuple(row.values())[:5] for row in rows])


@app.command()
def show(reference: Reference, as_json: console.AsJson = False) -> None:
    """Show one account with its personal fields, opened with the store's key."""
    with _book(personal=True) as book:
        account = book.account(reference)
        personal = book.personal(account)
    row = {**_row(account), "personal": personal}
    if as_json:
        console.print_json(row)
        return
    fields = [(f"personal: {name}", value) for name, value in (personal or {}).items()]
    console.table(("", account.account), [*((name, _text(value)) for name, value in _row(account).items()), *fields])


@app.command()
def code(
    reference: Reference,
    party: Annotated[int, typer.Option("--party", min=1, help="How many come in on it; the account pays.")] = 1,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Write the QR code as a picture.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it until you stop, a new one every half minute.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Show an entry code: good once, for a minute, at this store. With --watch and --json, a line for each code."""
    if png is not None and png.suffix.casefold() != ".png":
        raise UserError(f"{png} does not end in .png", fix="The picture is a PNG: name the file so.")
    with _book() as book:
        account = book.account(reference)
        settings = _settings()
        payments = settings.money.payments
        waits = payments is not None and payments.hold_wait_s > 0
        refusal = account.refusal(
            needs_payment=settings.needs_payment, asks_bank=waits, provider=settings.money.provider
        )
        if refusal is not None:
            console.say(f"The gate will refuse {account.account} now: {refusal.value.replace('_', ' ')}.")
        zone = _layout(settings).timezone
        if watch:
            _watch(book, account, party, png, zone, as_json=as_json)
            return
        _show_code(book.code(account, party_size=party), png, zone, as_json=as_json)


@app.command()
def block(
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept for ever: no names.")] = "",
    staff: Annotated[str, typer.Option("--staff", envvar="JWO_STAFF", help="Who does it.")] = "staff",
    undo: Annotated[bool, typer.Option("--undo", help="Let it in again.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Keep an account out, from now on and while the store runs; who is inside is not affected."""
    with _book() as book:
        account = book.block(book.account(reference), blocked=not undo, reason=reason, staff=staff)
    _tell(account, as_json=as_json)


@app.command()
def payment(
    reference: Reference,
    provider: Annotated[str, typer.Option("--provider", help="stripe, or fake for trials.")],
    customer: Annotated[str, typer.Option("--customer", metavar="REF", help="The customer there (cus_…).")],
    method: Annotated[str, typer.Option("--method", metavar="REF", help="The payment method there (pm_…).")],
    as_json: console.AsJson = False,
) -> None:
    """Set how an account pays: references at the provider, never card data."""
    with _book() as book:
        account = book.pay_with(book.account(reference), provider=provider, customer_ref=customer, method_ref=method)
    _tell(account, as_json=as_json)


@app.command()
def erase(
    reference: Reference,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be taken back.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Erase a person: destroy their personal fields' key, delete them at the provider. Receipts and totals stay."""
    from jwo_cli.drive.state import unsettled

    settings = _settings()
    payments = settings.money.payments
    with _book() as book:
        account = book.account(reference)
        known, name = book.customers(account), "" if payments is None else payments.provider
        customers = tuple(customer for provider, customer in known if provider == name)
        if dry_run:
            there = f", and at the provider {', '.join(customers)}" if customers else ""
            console.say(f"The personal fields of {account.account} would be gone for good{there}.")
        elif not yes:
            raise UserError("erasing cannot be taken back", fix="Say --yes to do it, or --dry-run to look.")
        elif (came_ns := unsettled(settings.journal, account.account)) is not None:
            when = dt.datetime.fromtimestamp(came_ns / NS_PER_S).astimezone().isoformat(sep=" ", timespec="minutes")
            raise UserError(
                f"they came in at {when} and have no receipt yet, so nobody could be charged for it",
                fix="Say it again after their receipt, or when the store closed for the day.",
                exit_code=console.FINDINGS,
            )
        else:
            account = book.erase(account)
    for provider, customer in known:
        if provider != name:
            console.say(f"{customer} at {provider} stays: [payments] in jwo.toml does not name it. Delete it there.")
    if yes and not dry_run and payments is not None and customers:
        _forget(account, payments, customers)
    _tell(account, as_json=as_json)


def _forget(account: Account, payments: PaymentSettings, customers: tuple[str, ...]) -> None:
    """Delete customers at the provider. Raises UserError where that has to be done later."""
    import asyncio

    from jwo_cli.drive.paying import provider_of
    from jwo_cli.payments.provider import RefusedError, UnavailableError

    again = f"Say `jwo account erase {account.account} --yes` again then; the personal fields are gone already."
    if account.owing:
        raise UserError("they still owe, so the provider has to know them until it is paid", fix=again, exit_code=1)

    async def act() -> None:
        provider = provider_of(payments)
        try:
            for customer in customers:
                await provider.forget(customer)
        finally:
            await provider.aclose()

    try:
        asyncio.run(act())
    except (UnavailableError, RefusedError) as error:
        raise UserError(f"the provider still knows them: {error}", fix=again, exit_code=1) from None


@app.command()
def key(
    retire: Annotated[bool, typer.Option("--retire", help="Also refuse codes made with the keys before.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Rotate the store's key for entry codes; codes of the keys before it are accepted until you say --retire."""
    from jwo_cli.drive.accounts import rotate_entry_key

    count = rotate_entry_key(_settings(), retire=retire)
    if as_json:
        console.print_json({"keys_accepted": count})
    else:
        console.say(f"A fresh key is current; {count} keys are accepted. A running store takes it up by itself.")


def _watch(book: AccountBook, account: Account, party: int, png: Path | None, zone: str, *, as_json: bool) -> None:
    try:
        while True:
            shown = book.code(account, party_size=party)
            if not as_json:
                console.rich_console().clear()
            _show_code(shown, png, zone, as_json=as_json, line=True)
            time.sleep(max(0.5, shown.next_s - time.time()))
    except KeyboardInterrupt:
        return


def _show_code(shown: ShownCode, png: Path | None, zone: str, *, as_json: bool, line: bool = False) -> None:
    """The code as JSON, as a picture's file, or drawn in the terminal; it ends by the store's clock."""
    from jwo_cli.sensors import qr
    from jwo_cli.shop.receipts_document import zone_of

    if png is not None:
        try:
            qr.write_png(shown.text, png)
        except OSError as error:
            raise UserError(f"{png} cannot be written ({error.strerror})", fix="Name another file.") from None
    if as_json and line:
        console.print_json_line(shown)
    elif as_json:
        console.print_json(shown)
    else:
        if png is None:
            console.out(qr.terminal(shown.text))
        else:
            console.say(f"wrote {png}")
        until = dt.datetime.fromtimestamp(shown.expires_s, zone_of(zone)[0]).strftime("%H:%M:%S %Z")
        party = "" if shown.party_size == 1 else f", for {shown.party_size} people"
        console.say(f"{shown.account}{party}: good once, until {until}")


def _book(*, personal: bool = False) -> AccountBook:
    """The store's accounts. What does not open personal fields is told of a wrong key for them, and goes on."""
    from jwo_cli.drive.accounts import AccountBook, vault_trouble

    settings = _settings()
    store = _layout(settings)
    if not personal and (trouble := vault_trouble(settings)) is not None:
        console.say(f"{trouble.problem}. {trouble.fix}")
    return AccountBook.open(settings, store_id=store.store_id)


def _layout(settings: Settings) -> Store:
    from jwo_cli.layouts.load import load

    store, findings = load(settings.layout)
    if store is None:
        raise UserError(f"{settings.layout} has faults", fix="`jwo layout validate` lists them.", findings=findings)
    return store


def _settings() -> Settings:
    settings = console.store_settings()
    if settings is None:
        raise UserError("this is no store directory", fix="Go to one, or make one: `jwo init DIR`.")
    return settings


def _row(account: Account) -> dict[str, str | None]:
    from datetime import UTC, datetime

    opened = datetime.fromtimestamp(account.opened_ns / 1e9, tz=UTC)
    states = {"erased": account.erased, "blocked": account.blocked, "owes": account.owing, "declined": account.unheld}
    state = next((name for name, holds in states.items() if holds), "open")
    return {
        "account": account.account,
        "opened": opened.strftime("%Y-%m-%d %H:%M:%SZ"),
        "role": account.role.value,
        "provider": account.method.provider if account.method is not None else None,
        "state": state,
        "reason": account.reason if account.blocked else "",
        "customer": account.method.customer_ref if account.method is not None else None,
        "method": account.method.method_ref if account.method is not None else None,
    }


def _text(value: str | None) -> str:
    return value or "–"


def _tell(account: Account, *, as_json: bool) -> None:
    row = _row(account)
    if as_json:
        console.print_json(row)
    else:
        console.table(("", account.account), [(name, _text(value)) for name, value in row.items()])
