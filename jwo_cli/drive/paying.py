"""Money's odds and ends behind commands and the running store: the provider by the settings, webhooks, reconciling.

Reconciling compares what the books say was taken and given back with what the provider lists, to the penny, payment by
payment; every difference is named. Its time window is the provider's; what lies at its edges is looked up around it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from jwo_cli.drive.outbox import DISPUTES_S, Outbox
from jwo_cli.journal import Intake
from jwo_cli.journal.mark import resolve_key
from jwo_cli.layouts.settings_money import PaymentSettings
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed, PaymentDue, PaymentPurpose
from jwo_cli.model.units import NS_PER_S, minor_digits
from jwo_cli.payments.disputes import taken_minor
from jwo_cli.payments.provider import Movement, Provider, RefusedError, SignatureError, UnavailableError
from jwo_cli.payments.stripe import URL, StripeProvider
from jwo_cli.payments.wire import Request, Response, Server, json_response
from jwo_cli.shop import ledger
from jwo_cli.shop.accounts import Account
from jwo_cli.shop.payments import PaymentBook

# A charge is dated by its authorisation, which may be a week before the capture that the books date.
_BEFORE_S, _AFTER_S = 8 * 86_400, 86_400


def provider_of(settings: PaymentSettings | None, *, timeout_s: float = 20.0) -> StripeProvider:
    """The provider that the settings name. Raises UserError: none named, or a key that cannot be read."""
    if settings is None:
        raise UserError(
            "no payment provider is named",
            fix='Add [payments] to jwo.toml: provider = "stripe" (or "fake"), key = "env:NAME"; see docs/payments.md.',
        )
    secret = _secret(settings.key)
    return StripeProvider(
        secret.decode(),
        webhook_secrets=tuple(_secret(settings.webhook_key).split()) if settings.webhook_key else (),
        base_url=settings.url or URL,
        name=settings.provider,
        timeout_s=timeout_s,
    )


async def enrol(provider: StripeProvider, account: Account, *, method: str, return_url: str) -> dict[str, str]:
    """Make an account a customer with a method, or with a page for its card; references by name. Closes the provider.

    It stays the customer that it is, unless the provider knows none of that name: then `unknown` names it. Raises
    UserError for a method that the provider does not take.
    """
    paid = account.method
    try:
        customer = paid.customer_ref if paid is not None and paid.provider == provider.name else ""
        told: dict[str, str] = {}
        if customer and not await provider.knows(customer):
            told, customer = {"unknown": customer}, ""
        customer = customer or await provider.customer(account.account)
        if method:
            return {"customer": customer, "method": await provider.attach(customer, method), **told}
        return {"customer": customer, "link": await provider.setup_link(customer, return_url=return_url), **told}
    except ValueError as error:
        raise UserError(str(error), fix="Name a payment method that the provider knows.") from error
    finally:
        await provider.aclose()


def no_answer(error: UnavailableError | RefusedError, provider: Provider, what: str = "does not answer") -> UserError:
    """What a person is told: exit code 3 where the provider is away, 2 where it does not let us in."""
    if isinstance(error, RefusedError):
        return UserError(f"the provider {what}: {error}", fix="Check [payments] in jwo.toml.")
    fix = "Check the network, and url in [payments] of jwo.toml; then try again."
    if provider.name == "fake":
        fix = "Start it with `jwo payments fake`, and try again."
    return UserError(f"the provider {what}: {error}", fix=fix, exit_code=3)


def hold_minor(settings: PaymentSettings | None, currency: str) -> int:
    """What the store holds at the entry, in minor units of its currency; 0 where it holds nothing."""
    return 0 if settings is None else round(settings.hold * 10 ** minor_digits(currency))


def _secret(reference: str) -> bytes:
    secret = resolve_key(reference)
    if not secret.isascii():
        raise UserError(f"the key {reference} is not plain text", fix="Copy it again from the provider.")
    return secret


@asynccontextmanager
async def webhooks(outbox: Outbox, listen: str) -> AsyncIterator[Server]:
    """Listen for the provider's webhooks while the block runs; they nudge the outbox."""

    async def handle(request: Request) -> Response:
        if request.method != "POST":
            return json_response(405, {"error": "webhooks are posted"})
        try:
            event = outbox.webhook(request.body, request.headers)
        except SignatureError as error:
            return json_response(400, {"error": str(error)})
        except UserError as error:  # the journal takes nothing just now: the provider sends it again
            return json_response(503, {"error": str(error)})
        outbox.nudge()
        return json_response(200, {"received": event.event_id})

    host, _, port = listen.rpartition(":")
    server = Server(handle, host=host, port=int(port))
    try:
        await server.__aenter__()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UserError(
            f"the provider's webhooks cannot be listened for at {listen} ({why})",
            fix="Name another address and port as listen in [payments], or end what listens there.",
        ) from None
    try:
        yield server
    finally:
        await server.__aexit__()


class DifferenceKind(StrEnum):
    """How books and provider disagree about a payment."""

    NOT_THEIRS = "ours_without_theirs"
    NOT_OURS = "theirs_without_ours"
    AMOUNT = "amount_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One payment or refund on which books and provider disagree; refunds count below zero."""

    kind: DifferenceKind
    reference: str
    receipt_id: str
    currency: str
    ours_minor: int
    theirs_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Sums of one currency over the window: taken less given back."""

    currency: str
    ledger_minor: int
    provider_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What was compared. `open` are dues whose answer nobody knows yet, `owed` receipts that are not paid in full."""

    since_s: int
    until_s: int
    payments: int
    totals: tuple[Total, ...]
    differences: tuple[Difference, ...]
    open: int
    owed: int

    @property
    def agrees(self) -> bool:
        """Whether books and provider say the same of every payment."""
        return not self.differences


@dataclass(slots=True)
class _Side:
    """What one side says of a reference."""

    amount_minor: int
    currency: str
    at_s: int
    begun_s: int = 0  # ours: when it was first asked for
    receipt_id: str = ""


async def reconcile(
    intake: Intake, provider: Provider, book: PaymentBook, *, since_s: int, until_s: int, strangers: bool = True
) -> Reconciliation:
    """Compare [since_s, until_s). Without `strangers`, payments that this store did not ask for are left out.

    Raises UserError where the provider does not answer.
    """
    ours = _ours(intake)
    begun_s = [side.begun_s for side in ours.values() if since_s <= side.at_s < until_s]
    first_s = min([since_s, *begun_s]) - _BEFORE_S  # an answer may be found long after the provider's date
    try:
        found = [item async for item in provider.movements(max(first_s, 0), until_s + _AFTER_S)]
        disputes = [item async for item in provider.disputes(max(since_s - DISPUTES_S, 0), until_s + _AFTER_S)]
    except (UnavailableError, RefusedError) as error:
        raise no_answer(error, provider, "gives no list") from error
    if not strangers:
        found = [item for item in found if item.store_id == intake.journal_store_id or item.reference in ours]
    theirs = _theirs(found)
    for news in disputes:
        if strangers or news.dispute in ours or news.payment in ours:
            theirs[news.dispute] = _Side(-taken_minor(news) - news.fee_minor, news.currency, news.at_s)
    differences, totals, compared = [], dict[str, list[int]](), 0
    for reference in dict.fromkeys((*ours, *theirs)):
        mine, other = ours.get(reference), theirs.get(reference)
        side = mine or other
        if side is None or not since_s <= side.at_s < until_s:
            continue
        compared += 1
        sums = totals.setdefault(side.currency, [0, 0])
        sums[0] += mine.amount_minor if mine else 0
        sums[1] += other.amount_minor if other else 0
        if (kind := _kind(mine, other)) is not None:
            differences.append(_difference(kind, reference, mine, other))
    return Reconciliation(
        since_s=since_s,
        until_s=until_s,
        payments=compared,
        totals=tuple(Total(currency=name, ledger_minor=a, provider_minor=b) for name, (a, b) in sorted(totals.items())),
        differences=tuple(differences),
        open=sum(1 for _ in book.open()),
        owed=sum(not book.settled(receipt_id) for receipt_id in book.bills),
    )


def _ours(intake: Intake) -> dict[str, _Side]:
    """What the ledger posted to clearing, by the provider's reference: of payments, refunds and disputes."""
    sides: dict[str, _Side] = {}
    dues = {due.key: due.at_ns for _, due in intake.observed([PaymentDue])}
    dues |= {due.key: dues[due.held_key] for _, due in intake.observed([PaymentDue]) if due.held_key in dues}
    kinds: tuple[type[PaymentAnswered | PaymentDisputed], ...] = (PaymentAnswered, PaymentDisputed)
    for _, found in intake.observed(kinds, without_prefix=REPLAYED):
        if isinstance(found, PaymentDisputed):
            reference, posted = found.dispute, ledger.disputed(found)
        else:
            reference, posted = found.reference, ledger.paid(found)
        if not reference or (isinstance(found, PaymentAnswered) and not posted):
            continue
        parts = (part for transaction in posted for part in transaction.postings)
        amount = sum(part.amount for part in parts if part.account == ledger.CLEARING)
        begun_ns = found.at_ns if isinstance(found, PaymentDisputed) else dues.get(found.key, found.at_ns)
        at_s, begun_s = found.at_ns // NS_PER_S, begun_ns // NS_PER_S
        side = sides.setdefault(reference, _Side(0, found.currency, at_s, begun_s, found.receipt_id or ""))
        side.amount_minor += amount
    return sides


def _theirs(found: list[Movement]) -> dict[str, _Side]:
    """What the provider lists, by its references."""
    sides: dict[str, _Side] = {}
    for item in found:
        sign = -1 if item.purpose is PaymentPurpose.REFUND else 1
        side = sides.setdefault(item.reference, _Side(0, item.currency, item.at_s))
        side.amount_minor += sign * item.amount_minor
    return sides


def _kind(mine: _Side | None, other: _Side | None) -> DifferenceKind | None:
    if other is None:  # a refund that came back is none on either side
        return DifferenceKind.NOT_THEIRS if mine is not None and mine.amount_minor else None
    if mine is None:
        return DifferenceKind.NOT_OURS
    same = (mine.amount_minor, mine.currency) == (other.amount_minor, other.currency)
    return None if same else DifferenceKind.AMOUNT


def _difference(kind: DifferenceKind, reference: str, mine: _Side | None, other: _Side | None) -> Difference:
    side = mine or other
    return Difference(
        kind=kind,
        reference=reference,
        receipt_id=mine.receipt_id if mine else "",
        currency=side.currency if side else "",
        ours_minor=mine.amount_minor if mine else 0,
        theirs_minor=other.amount_minor if other else 0,
    )
