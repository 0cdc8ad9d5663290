"""One due, one answer: which call it takes, under which key, and how doubt about it is resolved.

A key is asked again until it has an answer. Where asking again cannot help (the provider keeps a failure of its own
under the key) or is not safe (it forgets keys after a day), the provider's lists say whether anything happened.
"""

from __future__ import annotations

from collections.abc import Iterable

from jwo_cli.model.paying import MethodProblem, PaymentOutcome, PaymentPurpose
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.bills import DueState, source_of
from jwo_cli.shop.payments import PaymentBook

from .provider import Answer, Order, Provider, RefusedError, UnavailableError, Wallet

# Stripe forgets keys after 24 hours at the earliest; an older due (or one by a wrong
# clock) is looked for before it is asked for.
KEY_LIFE_S = 20 * 3_600


def order_of(state: DueState, *, store_id: str, key: str = "", amount_minor: int = 0) -> Order:
    """The call's content: from the due and from how its account paid when it was decided, so that it never changes."""
    wallet = state.wallet
    due = state.due
    return Order(
        key=key or due.key,
        amount_minor=amount_minor or due.amount_minor,
        currency=due.currency,
        wallet=Wallet(
            customer_ref=wallet.customer_ref if wallet else "", method_ref=wallet.method_ref if wallet else ""
        ),
        visit_id=due.visit_id,
        receipt_id=due.receipt_id,
        store_id=store_id,
    )


async def carry(provider: Provider, book: PaymentBook, state: DueState, *, store_id: str, now_s: int) -> Answer:
    """Carry a due to the provider, or ask again how it stands. Raises UnavailableError where nobody knows yet."""
    if state.outcome is not None:
        return await _how_it_stands(provider, book, state, store_id)
    order = order_of(state, store_id=store_id)
    match state.due.purpose:
        case PaymentPurpose.AUTHORISE | PaymentPurpose.CHARGE:
            if state.wallet is None or state.wallet.provider != provider.name:
                return _failed(MethodProblem.NO_METHOD)
            return await _resolve(provider, state, order, now_s=now_s)
        case PaymentPurpose.CAPTURE | PaymentPurpose.CANCEL:
            held = book.by_key.get(state.due.held_key)
            if held is None or held.outcome is not PaymentOutcome.DONE:
                return _failed(MethodProblem.NOT_AUTHORISED)
            return await _resolve(provider, state, order, now_s=now_s, reference=held.reference)
        case PaymentPurpose.REFUND:
            return await _refund(provider, book, state, store_id, now_s=now_s)


async def give_up(provider: Provider, book: PaymentBook, state: DueState, *, store_id: str) -> Answer:
    """A due that waits for the shopper is in the way of a later one: end it, unless it was paid meanwhile.

    First its page is closed, then what was asked for without the shopper is cancelled; the last look into the lists is
    after that, so that whoever paid up to the last moment has paid.
    """
    page = state.due.purpose is PaymentPurpose.CHARGE
    closed = not page or await provider.close_pages(order_of(state, store_id=store_id))
    if closed and state.reference:
        order = order_of(state, store_id=store_id, key=f"{state.due.key}-cancel")
        closed = (await provider.cancel(order, state.reference)).outcome is PaymentOutcome.DONE
    found = await _how_it_stands(provider, book, state, store_id)
    if not closed or found.outcome is PaymentOutcome.DONE:
        return found
    return Answer(outcome=PaymentOutcome.FAILED, reference=state.reference, code="canceled")


async def knock(provider: Provider, *, now_s: int) -> None:
    """Whether anybody is there, whatever they say: a question that moves nothing. Raises UnavailableError if not."""
    try:
        async for _ in provider.disputes(now_s, now_s + 1):
            return
    except UnavailableError:
        raise
    except Exception:  # noqa: BLE001 - what it says has no sense, or we are not let in: that is an answer
        return


async def page(
    provider: Provider, state: DueState, answer: Answer, *, store_id: str, return_url: str
) -> tuple[str, str]:
    """Where the shopper answers their bank, asked for once, when they are first needed; or why there is no page.

    What the bank said must be known without one, too: who waits for it is given up in time, or corrected.
    """
    needed = answer.outcome is PaymentOutcome.ACTION_NEEDED and state.outcome is not PaymentOutcome.ACTION_NEEDED
    if not needed or not return_url or state.due.purpose is not PaymentPurpose.CHARGE:
        return "", ""
    try:
        return await provider.payment_link(order_of(state, store_id=store_id), return_url=return_url), ""
    except (RefusedError, UnavailableError) as error:
        if isinstance(error, UnavailableError) and not error.stuck:
            raise
        return "", f"the provider makes no page for a shopper whose bank asks for them: {error}"


async def _refund(provider: Provider, book: PaymentBook, state: DueState, store_id: str, *, now_s: int) -> Answer:
    """A refund comes from one payment: the newest that covers it, else as much as the fullest has; the rest follows.

    One that there is nothing left for may have been made: its answer was lost, and then the bank took the rest.
    """
    left = book.bills[state.due.receipt_id or ""].payments()
    if book.surplus_minor(state) < state.due.amount_minor:
        order = order_of(state, store_id=store_id)
        return await _look(provider, state, order, left) or _failed(MethodProblem.SUPERSEDED)
    reference, amount = source_of(left, state.due.amount_minor)
    order = order_of(state, store_id=store_id, amount_minor=amount)
    return await _resolve(provider, state, order, now_s=now_s, reference=reference, others=tuple(left))


async def _look(provider: Provider, state: DueState, order: Order, places: Iterable[str]) -> Answer | None:
    """What the provider's lists show of a due, at the payments that it may be about."""
    for place in dict.fromkeys(places):
        found = await provider.find(order, state.due.purpose, reference=place)
        if found is not None:
            return found
    return None


async def _resolve(
    provider: Provider,
    state: DueState,
    order: Order,
    *,
    now_s: int,
    reference: str = "",
    others: tuple[str, ...] = (),
) -> Answer:
    places = (reference, *others)
    fresh = 0 <= now_s - state.due.at_ns // NS_PER_S <= KEY_LIFE_S
    if not fresh and (found := await _look(provider, state, order, places)) is not None:
        return found
    try:
        answer = await _call(provider, state.due.purpose, order, reference)
    except UnavailableError as error:
        if not error.stuck:
            raise
        return await _look(provider, state, order, places) or _failed(MethodProblem.PROVIDER_ERROR)
    if answer.code == MethodProblem.KEY_REUSED:
        return await _look(provider, state, order, places) or answer
    return answer


async def _call(provider: Provider, purpose: PaymentPurpose, order: Order, reference: str) -> Answer:
    match purpose:
        case PaymentPurpose.AUTHORISE:
            return await provider.authorise(order)
        case PaymentPurpose.CHARGE:
            return await provider.charge(order)
        case PaymentPurpose.CAPTURE:
            return await provider.capture(order, reference)
        case PaymentPurpose.CANCEL:
            return await provider.cancel(order, reference)
        case PaymentPurpose.REFUND:
            return await provider.refund(order, reference)


async def _how_it_stands(provider: Provider, book: PaymentBook, state: DueState, store_id: str) -> Answer:
    """A due that the provider has, or that waits for the shopper: what its lists say now."""
    places: Iterable[str] = (state.reference,)
    if state.due.purpose is PaymentPurpose.REFUND:
        places = book.bills[state.due.receipt_id or ""].payments()
    pending = Answer(outcome=PaymentOutcome.PENDING, reference=state.reference, code=state.code)
    return await _look(provider, state, order_of(state, store_id=store_id), places) or pending


def _failed(problem: MethodProblem) -> Answer:
    return Answer(outcome=PaymentOutcome.FAILED, code=problem.value)
