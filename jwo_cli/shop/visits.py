"""The life of a visit and of its order. Everything about transitions lives in this file.

A visit is where a person is; an order is where their money is. Each is a small machine: a table says which events are
legal in which state, and nothing else changes a state. Two machines, because they move apart: the visit is settled the
moment its receipt is issued, while the order may be contested weeks later.

    visit:  outside → entering → shopping → leaving → settled
    order:  draft → final → charged → contested → reviewed → refunded, or cancelled when there is nothing to pay

Every event leads to one state, whatever it starts from, so an illegal one can name both ends of the step that was
asked for. Being asked for one is a fault in our own code, never in the world: the world's odd events (a track that
ends without having entered) are sorted out by the engine before they get here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class VisitState(StrEnum):
    """Where a person is. `settled` is the end."""

    OUTSIDE = "outside"
    ENTERING = "entering"  # in the door: a code was read or a person seen, not both yet
    SHOPPING = "shopping"
    LEAVING = "leaving"  # out of sight at an exit; may turn round
    SETTLED = "settled"


class VisitEvent(StrEnum):
    """What can happen to a visit."""

    ARRIVE = "arrive"  # a code was read at the gate, or somebody stands in it
    TURN_AWAY = "turn_away"  # did not come in after all, or the code was refused
    ENTER = "enter"  # is on the floor and tracked; also when somebody turns round in the exit
    LEAVE = "leave"  # went out, or the stream ended
    SETTLE = "settle"  # the receipt was issued, or there was nothing to issue one for


class OrderState(StrEnum):
    """Where the money of a visit is. `refunded` and `cancelled` are the ends."""

    DRAFT = "draft"  # a virtual cart: belief, nothing owed
    FINAL = "final"  # the receipt is issued
    CHARGED = "charged"  # what is beyond doubt was captured
    CONTESTED = "contested"  # in doubt: by the store (review) or by the shopper (dispute)
    REVIEWED = "reviewed"  # a person decided
    REFUNDED = "refunded"
    CANCELLED = "cancelled"  # nothing was taken, or a review found that nothing is owed


class OrderEvent(StrEnum):
    """What can happen to an order."""

    ISSUE = "issue"
    CHARGE = "charge"  # the first capture, or the rest after a review
    CONTEST = "contest"
    REVIEW = "review"
    REFUND = "refund"
    CANCEL = "cancel"


VISIT_TRANSITIONS: Mapping[VisitState, Mapping[VisitEvent, VisitState]] = {
    VisitState.OUTSIDE: {VisitEvent.ARRIVE: VisitState.ENTERING},
    VisitState.ENTERING: {
        VisitEvent.ARRIVE: VisitState.ENTERING,
        VisitEvent.ENTER: VisitState.SHOPPING,
        VisitEvent.TURN_AWAY: VisitState.OUTSIDE,
    },
    VisitState.SHOPPING: {VisitEvent.LEAVE: VisitState.LEAVING},
    VisitState.LEAVING: {VisitEvent.ENTER: VisitState.SHOPPING, VisitEvent.SETTLE: VisitState.SETTLED},
    VisitState.SETTLED: {},
}

ORDER_TRANSITIONS: Mapping[OrderState, Mapping[OrderEvent, OrderState]] = {
    OrderState.DRAFT: {OrderEvent.ISSUE: OrderState.FINAL, OrderEvent.CANCEL: OrderState.CANCELLED},
    OrderState.FINAL: {OrderEvent.CHARGE: OrderState.CHARGED, OrderEvent.CONTEST: OrderState.CONTESTED},
    OrderState.CHARGED: {OrderEvent.CONTEST: OrderState.CONTESTED},
    OrderState.CONTESTED: {OrderEvent.CONTEST: OrderState.CONTESTED, OrderEvent.REVIEW: OrderState.REVIEWED},
    OrderState.REVIEWED: {
        OrderEvent.CHARGE: OrderState.CHARGED,
        OrderEvent.REFUND: OrderState.REFUNDED,
        OrderEvent.CANCEL: OrderState.CANCELLED,
        OrderEvent.CONTEST: OrderState.CONTESTED,
    },
    OrderState.REFUNDED: {},
    OrderState.CANCELLED: {},
}


class LocalError(Exception):
    """Our own code asked for a step that the table does not have; the message names both ends of it."""


def next_visit_state(state: VisitState, event: VisitEvent) -> VisitState:
    """The state after `event`. Raises LocalError where the table has no such step."""
    return _step("a visit", VISIT_TRANSITIONS, state, event)


def next_order_state(state: OrderState, event: OrderEvent) -> OrderState:
    """The state after `event`. Raises LocalError where the table has no such step."""
    return _step("an order", ORDER_TRANSITIONS, state, event)


_State = TypeVar("_State", VisitState, OrderState)
_Event = TypeVar("_Event", VisitEvent, OrderEvent)


def _step(what: str, table: Mapping[_State, Mapping[_Event, _State]], state: _State, event: _Event) -> _State:
    if (following := table[state].get(event)) is not None:
        return following
    target = next(row[event] for row in table.values() if event in row)
    legal = ", ".join(origin.value for origin, row in table.items() if event in row)
    raise LocalError(
        f"{what} cannot go from {state.value!r} to {target.value!r}: {event.value!r} is for one that is {legal}"
    )
