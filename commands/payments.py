"""`jwo payments`: what is due, what was paid, whether the provider agrees; and a fake provider for rehearsals."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from jwo_cli.drive.outbox import Outbox
    from jwo_cli.drive.paying import Reconciliation
    from jwo_cli.journal import Intake
    from jwo_cli.layouts.settings_money import PaymentSettings
    from jwo_cli.payments.fake.server import FakeProvider
    from jwo_cli.payments.stripe import StripeProvider
    from jwo_cli.shop.bills import Dispute, DueState
    from jwo_cli.shop.payments import PaymentBook

HELP = "Payments: what is due and paid, retries, reconciling with the provider; a fake provider."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
FAKE_PORT = 12_111


@app.callback()
def group() -> None:
    """Payments: what is due and paid, retries, reconciling with the provider; a fake provider."""


@app.command()
def fake(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Where to listen; 0 takes a free one.")] = (
        FAKE_PORT
    ),
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="NAME=SHARE", help="A share of calls that fails so.")
    ] = None,
    webhook: Annotated[str, typer.Option("--webhook", metavar="URL", help="Where its webhooks go.")] = "",
    webhook_key: Annotated[str, typer.Option("--webhook-key", metavar="REF", help="Signs them: env:NAME.")] = "",
    repeat: Annotated[float, typer.Option("--repeat", min=0, max=1, help="Share of webhooks sent twice.")] = 0.0,
    shuffle: Annotated[int, typer.Option("--shuffle", min=1, help="Webhooks that wait and go out of order.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of the faults.")] = 0,
    state: Annotated[Path | None, typer.Option("--state", metavar="FILE", help="Keep its state there.")] = None,
) -> None:
    """Run a provider that speaks like Stripe and moves no money, until you stop it; key: sk_test_fake_provider."""
    from jwo_cli.journal.mark import resolve_key
    from jwo_cli.payments.fake.faults import Faults, read_rates
    from jwo_cli.payments.fake.hooks import Hooks
    from jwo_cli.payments.fake.server import FakeProvider

    if webhook and not webhook_key:
        raise UserError("webhooks are signed, and no key was named", fix="Add --webhook-key env:NAME or file:PATH.")
    hooks = Hooks(webhook, resolve_key(webhook_key), repeat=repeat, shuffle=shuffle, seed=seed) if webhook else None
    faults = Faults(read_rates(fault or []), seed=seed)
    made = FakeProvider(port=port, faults=faults, hooks=hooks, state=state)
    made.load()
    try:
        asyncio.run(_serve(made))
    except OSError as error:
        raise UserError(f"port {port} cannot be had ({error.strerror})", fix="Name another --port.") from None
    except KeyboardInterrupt:
        console.say("stopped")


async def _serve(provider: FakeProvider) -> None:
    async with provider as running:
        console.say(f"a fake provider listens at {running.url}; stop it with Ctrl-C")
        await asyncio.Event().wait()


@app.command("list")
def list_dues(
    unfinished: Annotated[bool, typer.Option("--open", help="Only what is not done.")] = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """List what was due, in order, and what became of it; then disputes. With --open, what is not decided of them."""
    from jwo_cli.drive.standing import DECIDED
    from jwo_cli.model.units import format_minor

    book, _ = _book(journal)
    states = [item for item in book.by_key.values() if not (unfinished and item.outcome == "done")]
    disputes = [item for item in book.disputes() if not (unfinished and item.step.state in DECIDED)]
    if as_json:
        console.print_json([*map(_row, states), *map(_dispute_row, disputes)])
        return
    if not states and not disputes:
        console.say("nothing is open" if unfinished else "nothing was due in a store that charges")
        return
    columns = ("receipt", "account", "what", "amount", "attempt", "state", "why", "reference")
    rows = [
        (
            item.due.receipt_id or item.due.visit_id,
            item.due.account,
            item.due.purpose.value,
            format_minor(item.due.amount_minor, item.due.currency),
            item.due.attempt,
            item.outcome.value if item.outcome else "open",
            item.code,
            item.link or item.reference,
        )
        for item in states
    ]
    for dispute in disputes:
        step, amount = dispute.step, format_minor(dispute.step.amount_minor, dispute.step.currency)
        where = (step.receipt_id, step.account, "dispute", amount, 1, step.state.value, step.reason, step.dispute)
        rows.append(where)
    console.table(columns, rows)


@app.command()
def status(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """Say how many payments are open, refused or waiting, and what is owed. Exit code 1 if a person has to act."""
    from jwo_cli.drive.standing import standing
    from jwo_cli.model.units import format_minor

    book, now_ns = _book(journal)
    found = standing(book, now_ns)
    if as_json:
        told = {
            "unpaid_receipts": found.unpaid,
            "tried_again": found.tried_again,
            "for_a_person": [name for name, _ in found.for_a_person],
        }
        console.print_json({**found.counts, **told, "disputes": [_dispute_row(item) for item in book.disputes()]})
    else:
        console.table(("state", "dues"), list(found.counts.items()))
        console.say(f"{len(found.unpaid)} receipts are not settled; {len(found.tried_again)} dues are tried again.")
        for name, what_to_do in found.for_a_person:
            console.say(f"{name}: {what_to_do}.")
        for step in found.disputes:
            what = f"{step.receipt_id}: dispute {step.dispute} of {format_minor(step.amount_minor, step.currency)}"
            console.say(f"{what} ({step.reason}): answer it at the provider, or it is lost.")
    console.finish(console.FINE if found.well else console.FINDINGS)


@app.command()
def retry(
    receipts: Annotated[
        list[str] | None, typer.Argument(metavar="[RECEIPT]…", help="Try these now, beside what is open.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also try everything that was refused.")] = False,
    charge_earlier: Annotated[
        bool, typer.Option("--charge-earlier", help="Also charge what is due from runs without [payments].")
    ] = False,
    patience: Annotated[float, typer.Option("--patience", min=0.1, help="Seconds to wait for answers.")] = 30.0,
    dry_run: DryRun = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Carry what is open to the provider, try again what it refused, ask it for disputes. Safe while the store runs."""
    from jwo_cli.drive.dues import not_behind_their_backs
    from jwo_cli.journal import Intake
    from jwo_cli.model.units import format_minor

    book, now_ns = _book(journal)
    wanted = list(book.bills) if every else list(receipts or [])
    unknown = [name for name in wanted if name not in book.bills]
    if unknown:
        raise UserError(f"no payment was due for {unknown[0]!r}", fix="`jwo payments list` shows receipts with dues.")
    due = [found for name in wanted if (found := book.missing(name, now_ns)) is not None]
    due += [hold.renewed(now_ns) for hold in book.left()] if every else []
    carried = [item.due for item in book.open() if item.outcome is None] + due
    done, answers = True, {item.key: "open" for item in carried}
    if not dry_run:
        if not charge_earlier:
            with Intake.open(console.journal_or_fail(journal), create=False) as intake:
                not_behind_their_backs(intake)
        done, answers = asyncio.run(
            _with_outbox(journal, lambda outbox: _carry(outbox, wanted, answers, patience, let_go=every))
        )
    if as_json:
        console.print_json({"dry_run": dry_run, "carried": answers, "answered": done})
    else:
        for item in carried:
            amount = format_minor(item.amount_minor, item.currency)
            what = f"{item.purpose.value} {amount} of {item.account}"
            console.say(f"would {what}" if dry_run else f"{what}: {answers[item.key]}")
        if not carried:
            console.say("nothing is open")
    console.finish(console.FINE if done else console.FINDINGS)


async def _carry(
    outbox: Outbox, wanted: list[str], keys: dict[str, str], patience: float, *, let_go: bool
) -> tuple[bool, dict[str, str]]:
    """Whether everything was told and answered, and each key's answer in words."""
    from jwo_cli.payments.provider import RefusedError

    heard = True
    try:
        await outbox.look_for_disputes()  # first, so that no refund is added to what a bank takes back
    except RefusedError as error:  # a key without that right: what is due is carried all the same
        heard = False
        console.say(f"the provider does not tell of disputes: {error}")
    for name in wanted:
        outbox.try_again(name)
    if let_go:
        outbox.let_go()
    done = await outbox.settle(patience_s=patience)
    if outbox.trouble:
        console.say(outbox.trouble)
    states = {key: outbox.book.by_key.get(key) for key in keys}  # none where the store itself asked otherwise meanwhile
    return done and heard, {
        key: " ".join(filter(None, (state.outcome.value, state.code))) if state and state.outcome else "open"
        for key, state in states.items()
    }


@app.command()
def reconcile(
    days: Annotated[
        float, typer.Option("--days", min=0.01, max=console.MOST_DAYS, callback=console.finite, help="How far back.")
    ] = 31.0,
    ours_only: Annotated[
        bool, typer.Option("--ours-only", help="Leave out payments that this program did not make.")
    ] = False,
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
) -> None:
    """Compare the books with the provider's list, to the penny. Exit code 1 if anything differs."""
    from jwo_cli.drive import paying

    until_s = int(time.time()) + 1
    since_s = int(until_s - days * 86_400)

    async def act(intake: Intake, provider: StripeProvider) -> Reconciliation:
        book, _ = _book(journal)
        return await paying.reconcile(intake, provider, book, since_s=since_s, until_s=until_s, strangers=not ours_only)

    found = asyncio.run(_with_provider(journal, act))
    if as_json:
        console.print_json({**_plain(found), "agrees": found.agrees})
    else:
        _tell(found)
    console.finish(console.FINE if found.agrees else console.FINDINGS)


def _tell(found: Reconciliation) -> None:
    """A reconciliation for people."""
    from jwo_cli.model.units import format_minor

    totals = [
        (
            item.currency,
            format_minor(item.ledger_minor, item.currency),
            format_minor(item.provider_minor, item.currency),
        )
        for item in found.totals
    ]
    console.table(("currency", "books", "provider"), totals)
    if found.differences:
        rows = [
            (
                item.kind.value.replace("_", " "),
                item.reference,
                item.receipt_id,
                format_minor(item.ours_minor, item.currency),
                format_minor(item.theirs_minor, item.currency),
            )
            for item in found.differences
        ]
        console.table(("difference", "payment", "receipt", "books", "provider"), rows)
        if any(item.kind == "theirs_without_ours" for item in found.differences):
            console.say("`jwo payments retry` takes in what no answer or webhook told of, disputes among it.")
    waiting = f"; {found.open} dues have no answer yet" if found.open else ""
    verdict = "agree" if found.agrees else f"differ in {len(found.differences)}"
    console.say(f"books and provider {verdict} ({found.payments} payments and refunds){waiting}")


@app.command()
def enrol(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its reference.")],
    method: Annotated[
        str, typer.Option("--method", metavar="REF", help="A payment method there; in test mode pm_card_visa.")
    ] = "",
    as_json: console.AsJson = False,
) -> None:
    """Make an account a customer at the provider, with a payment method, or with a page where they enter a card."""
    from jwo_cli.drive import paying
    from jwo_cli.drive.accounts import find_account, known_accounts
    from jwo_cli.journal import Intake

    settings = _settings()
    provider = paying.provider_of(settings)
    with Intake.open(console.journal_or_fail(None), create=False) as intake:
        known = find_account(known_accounts(intake), account)
    if known.erased:
        raise UserError(f"the account {known.account} was erased", fix="Open another one: `jwo account new`.")
    account, back = known.account, settings.return_url if settings else ""
    made = asyncio.run(_answered(paying.enrol(provider, known, method=method, return_url=back), provider))
    if as_json:
        console.print_json({"provider": provider.name, **made})
        return
    unknown = made.pop("unknown", "")
    for name, value in made.items():
        console.out(f"{name} {value}")
    if unknown:
        console.say(f"The provider knows no customer {unknown}: {made['customer']} takes its place.")
    reference = made.get("method", "pm_…")
    set_it = (
        f"jwo account payment {account} --provider {provider.name} --customer {made['customer']} --method {reference}"
    )
    console.say(f"Then: {set_it}")


def _book(journal: Path | None) -> tuple[PaymentBook, int]:
    """The fold of a journal's dues and answers, and the time."""
    from jwo_cli.drive.dues import follow
    from jwo_cli.journal import Intake
    from jwo_cli.shop.payments import PaymentBook

    book = PaymentBook()
    with Intake.open(console.journal_or_fail(journal), create=False) as intake:
        follow(book, intake)
    return book, time.time_ns()


def _row(item: DueState) -> dict[str, Any]:
    return {
        **_plain(item.due),
        "state": item.outcome.value if item.outcome else "open",
        "reference": item.reference,
        "code": item.code,
        "link": item.link,
    }


def _dispute_row(item: Dispute) -> dict[str, Any]:
    """A dispute as it stands; what the provider holds or keeps back of it, and its fee, by now."""
    step = item.step
    return {
        "purpose": "dispute",
        "receipt_id": step.receipt_id,
        "account": step.account,
        "amount_minor": step.amount_minor,
        "currency": step.currency,
        "state": step.state.value,
        "code": step.reason,
        "reference": step.dispute,
        "payment": step.payment,
        "taken_minor": item.taken_minor,
        "fee_minor": item.fee_minor,
        "at_ns": step.at_ns,
    }


def _plain(value: object) -> dict[str, Any]:
    from jwo_cli.model.codec import encode

    found = encode(value)
    return found if isinstance(found, dict) else {}


def _settings() -> PaymentSettings | None:
    settings = console.store_settings()
    return settings.money.payments if settings is not None else None


async def _with_provider(
    journal: Path | None, act: Callable[[Intake, StripeProvider], Coroutine[Any, Any, Any]]
) -> Any:
    from jwo_cli.drive.paying import provider_of
    from jwo_cli.journal import Intake

    provider = provider_of(_settings())
    try:
        with Intake.open(console.journal_or_fail(journal), create=False) as intake:
            return await _answered(act(intake, provider), provider)
    finally:
        await provider.aclose()


async def _with_outbox(journal: Path | None, act: Callable[[Outbox], Coroutine[Any, Any, Any]]) -> Any:
    from jwo_cli.drive.outbox import Outbox, OutboxSettings

    settings = _settings()
    patient = OutboxSettings(return_url=settings.return_url if settings else "")
    return await _with_provider(journal, lambda intake, provider: act(Outbox(intake, provider, settings=patient)))


async def _answered(call: Coroutine[Any, Any, Any], provider: StripeProvider) -> Any:
    """A call to the provider whose failure is told, not shown."""
    from jwo_cli.drive.paying import no_answer
    from jwo_cli.payments.provider import RefusedError, UnavailableError

    try:
        return await call
    except (UnavailableError, RefusedError) as error:
        raise no_answer(error, provider) from None
