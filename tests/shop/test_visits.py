"""The two transition tables, walked as people and money go, and refused where they cannot."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from jwo_cli.shop.visits import (
    ORDER_TRANSITIONS,
    VISIT_TRANSITIONS,
    LocalError,
    OrderEvent,
    OrderState,
    VisitEvent,
    VisitState,
    next_order_state,
    next_visit_state,
)


def visit(*events: str) -> VisitState:
    state = VisitState.OUTSIDE
    for event in events:
        state = next_visit_state(state, VisitEvent(event))
    return state


def order(*events: str) -> OrderState:
    state = OrderState.DRAFT
    for event in events:
        state = next_order_state(state, OrderEvent(event))
    return state


@pytest.mark.parametrize(
    ("events", "ends"),
    [
        ("arrive enter leave settle", "settled"),
        ("arrive arrive enter", "shopping"),  # code read, then seen in the door
        ("arrive turn_away", "outside"),
        ("arrive turn_away arrive enter", "shopping"),
        ("arrive enter leave enter leave settle", "settled"),  # turned round in the exit
    ],
)
def test_visits_end_where_people_do(events: str, ends: str) -> None:
    """Each walk through the store is legal and ends in the state named."""
    assert visit(*events.split()) == VisitState(ends)


@pytest.mark.parametrize(
    ("events", "ends"),
    [
        ("cancel", "cancelled"),  # empty basket
        ("issue charge", "charged"),
        ("issue charge contest review refund", "refunded"),
        ("issue charge contest review charge", "charged"),  # the rest, after a review
        ("issue contest contest review cancel", "cancelled"),  # two doubts, nothing owed in the end
        ("issue charge contest review contest review refund", "refunded"),  # asked twice
    ],
)
def test_orders_end_where_the_money_does(events: str, ends: str) -> None:
    """Each way of an order is legal and ends in the state named."""
    assert order(*events.split()) == OrderState(ends)


def test_an_illegal_step_of_a_visit_names_both_states() -> None:
    """Nobody is settled who has not left."""
    with pytest.raises(LocalError, match="a visit cannot go from 'outside' to 'settled': 'settle' is for one that is"):
        visit("settle")


def test_an_illegal_step_of_an_order_names_both_states() -> None:
    """Nothing is refunded that nobody reviewed."""
    with pytest.raises(
        LocalError, match="an order cannot go from 'charged' to 'refunded': 'refund' is for one that is reviewed"
    ):
        order("issue", "charge", "refund")


def test_exactly_the_tables_steps_are_legal() -> None:
    """Every pair of state and event either moves as its table says or is refused."""
    for state, event in itertools.product(VisitState, VisitEvent):
        if event in VISIT_TRANSITIONS[state]:
            assert next_visit_state(state, event) == VISIT_TRANSITIONS[state][event]
        else:
            with pytest.raises(LocalError):
                next_visit_state(state, event)
    for money, step in itertools.product(OrderState, OrderEvent):
        if step in ORDER_TRANSITIONS[money]:
            assert next_order_state(money, step) == ORDER_TRANSITIONS[money][step]
        else:
            with pytest.raises(LocalError):
                next_order_state(money, step)


@pytest.mark.parametrize(
    ("table", "start"), [(VISIT_TRANSITIONS, VisitState.OUTSIDE), (ORDER_TRANSITIONS, OrderState.DRAFT)]
)
def test_tables_are_whole(table: Mapping[str, Mapping[str, str]], start: str) -> None:
    """Every state has a row and can be reached, every event leads to one state only, and some states are ends."""
    reached = [start]
    for state in reached:
        reached += [target for target in table[state].values() if target not in reached]
    assert sorted(reached) == sorted(table) == sorted(type(start))
    for event in {event for row in table.values() for event in row}:
        assert len({row[event] for row in table.values() if event in row}) == 1
    assert any(not row for row in table.values())
