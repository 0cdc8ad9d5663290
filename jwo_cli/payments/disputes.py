"""What a provider says of a dispute, as steps that each happen once, in order.

Webhooks of a dispute come twice, late and out of order, and its list tells only how it stands now. A state never goes
back; a dispute that is heard of only at its end has its beginning made up for, so that the books took the money out
before it came back or was lost.
"""

from __future__ import annotations

from jwo_cli.model.paying import DisputeState, PaymentAnswered, PaymentDisputed
from jwo_cli.shop.bills import Dispute

from .provider import DisputeNews

_RANK = {
    DisputeState.ASKED: 0,
    DisputeState.OPEN: 1,
    DisputeState.WON: 2,
    DisputeState.LOST: 2,
    DisputeState.DROPPED: 2,
}
_HELD = (DisputeState.OPEN, DisputeState.LOST)
_AFTER_OPEN = (DisputeState.WON, DisputeState.LOST)


def taken_minor(news: DisputeNews) -> int:
    """What the provider holds or keeps back of the payment, by how the dispute stands."""
    return news.amount_minor if news.state in _HELD else 0


def new_steps(
    news: DisputeNews, known: Dispute | None, paid: PaymentAnswered, now_ns: int
) -> tuple[PaymentDisputed, ...]:
    """The steps from what is known to the news; none where it is known, or older than that."""
    step = known.step if known is not None else None
    taken, fee = (known.taken_minor, known.fee_minor) if known is not None else (0, 0)
    if step is not None and not _newer(news, step.state, fee):
        return ()
    states = [news.state]
    if news.state in _AFTER_OPEN and (step is None or step.state is DisputeState.ASKED):
        states.insert(0, DisputeState.OPEN)
    steps = []
    for state in states:
        last = state is news.state
        held = news.amount_minor if state in _HELD else 0
        steps.append(
            PaymentDisputed(
                at_ns=now_ns,
                dispute=news.dispute,
                payment=news.payment,
                receipt_id=paid.receipt_id or "",
                account=paid.account,
                state=state,
                amount_minor=news.amount_minor,
                currency=news.currency,
                taken_minor=held - taken,
                fee_minor=news.fee_minor - fee if last else 0,
                lost_minor=held if state is DisputeState.LOST and (step is None or step.state is not state) else 0,
                provider=paid.provider,
                reason=news.reason,
            )
        )
        taken = held
    return tuple(steps)


def _newer(news: DisputeNews, state: DisputeState, fee_minor: int) -> bool:
    """Whether news goes on from a state. Within one only the fee moves: it is added, and given back where it is won."""
    if news.state is not state:
        return _RANK[news.state] > _RANK[state]
    return news.fee_minor < fee_minor if state is DisputeState.WON else news.fee_minor > fee_minor
