"""Gone, or only out of view."""

from __future__ import annotations

from collections.abc import Callable

from jwo_cli.estimate.people.history import History
from jwo_cli.estimate.people.leaving import left_store
from jwo_cli.estimate.people.places import Places
from tests.estimate.people import figures


def history(where: Callable[[float], figures.Joints]) -> History:
    """Three seconds of somebody."""
    out = History()
    for i in range(30):
        out.add(figures.at_ns(i / 10), where(i / 10))
    return out


def standing(_: float) -> figures.Joints:
    """Before the shelf."""
    return figures.figure(0.5, -0.6)


def test_last_seen_at_the_exit_has_left() -> None:
    """And the gate is named."""
    leaving = left_store(history(standing), (3.5, -2.8), Places(figures.store(gates=(figures.DOOR,))), closing=False)
    assert leaving.probability > 0.9
    assert leaving.gate_id == "door"


def test_lost_far_from_every_gate_is_still_inside() -> None:
    """The store is a closed world."""
    leaving = left_store(history(standing), (0.5, -0.6), Places(figures.store(gates=(figures.DOOR,))), closing=False)
    assert leaving.probability < 0.1
    assert leaving.gate_id is None


def test_without_gates_walking_people_leave_and_standing_ones_are_hidden() -> None:
    """A layout that knows no gates leaves only how somebody went."""
    places = Places(figures.store())

    def walking(t: float) -> figures.Joints:
        return figures.figure(0.5 - t, -0.6)

    walked = left_store(history(walking), (-2.5, -0.6), places, closing=False).probability
    stood = left_store(history(standing), (0.5, -0.6), places, closing=False).probability
    assert walked > 0.5 > stood


def test_at_the_end_everybody_leaves() -> None:
    """Nothing comes after the end of a stream."""
    places = Places(figures.store(gates=(figures.DOOR,)))
    assert left_store(history(standing), (0.5, -0.6), places, closing=True).probability == 1.0
