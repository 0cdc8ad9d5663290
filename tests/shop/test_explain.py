"""The ways in which one weight change can have come about, and what makes one weigh more than another."""

from __future__ import annotations

import math

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.observations import PlateDelta, WeightChanged
from jwo_cli.shop.beliefs import Lot, Move, plate_owner, track_owner
from jwo_cli.shop.explain import Actor, WeightExplainer, in_hand_weights
from jwo_cli.shop.masses import MassBook
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import PRODUCTS, little_store

ANN = Actor("ann", 0.0, staff=False)
SAM = Actor("sam", 0.0, staff=True)


def change(*deltas: tuple[str, float], real: float = 0.999) -> WeightChanged:
    plates = tuple(PlateDelta(plate_id=plate, delta_g=delta, sigma_g=0.8) for plate, delta in deltas)
    return WeightChanged(at_ns=0, begin_ns=0, end_ns=0, shelf_id="s", plates=plates, real=real, reaches=())


def moves(event: WeightChanged, *actors: Actor, state: tuple = ()) -> list[Move]:  # type: ignore[type-arg]
    settings = EngineSettings()
    explainer = WeightExplainer(little_store(), MassBook(PRODUCTS), settings)
    return explainer.moves(event, 1, actors)(state)


def best(event: WeightChanged, *actors: Actor, state: tuple = ()) -> Move:  # type: ignore[type-arg]
    return moves(event, *actors, state=state)[0]


def test_moves_come_heaviest_first_and_are_finite() -> None:
    """The beam stops at the first move that is too light."""
    weights = [move.log_weight for move in moves(change(("s.p1", -350.0)), ANN)]
    assert weights == sorted(weights, reverse=True)
    assert all(math.isfinite(weight) for weight in weights)


def test_place_tells_lookalikes_apart() -> None:
    """Cola weighs 350 g, soda 352 g: 351 g from the soda's plate is a soda."""
    assert best(change(("s.p3", -351.0)), ANN).story == ("ann", ActionKind.PICK, (("soda", 1),))


def test_two_neighbours_at_once() -> None:
    """Cola and tea leave from their own plates in one change."""
    story = best(change(("s.p1", -350.0), ("s.p2", -120.0)), ANN).story
    assert story == ("ann", ActionKind.PICK, (("cola", 1), ("tea", 1)))


def test_a_unit_that_straddles_two_plates_is_one_unit() -> None:
    """A tea that leaned on the cola's plate."""
    story = best(change(("s.p1", -35.0), ("s.p2", -85.0)), ANN).story
    assert story == ("ann", ActionKind.PICK, (("tea", 1),))


def test_nobody_puts_back_what_they_do_not_hold() -> None:
    """350 g arrive: with a cola in hand it is the cola's return, without one it stays a mystery of small weight."""
    event = change(("s.p1", 350.2))
    cola = Lot("cola", 1, 350.0, 0.7, 1, 0)
    held = best(event, ANN, state=((track_owner("ann"), (cola,)),))
    empty = best(event, ANN)
    assert held.story == ("ann", ActionKind.PUT, (("cola", 1),))
    assert held.takes
    assert held.log_weight > empty.log_weight + 3


def test_staff_bring_goods_from_nowhere() -> None:
    """Four teas by a member of staff are a restock."""
    assert best(change(("s.p2", 480.0)), SAM).story == ("sam", ActionKind.RESTOCK, (("tea", 4),))


def test_what_stands_misplaced_may_be_taken() -> None:
    """A cola was put on the tea's plate; 350 g leaving there are that cola, taken out of the plate's lots."""
    lot = Lot("cola", 1, 350.3, 0.6, 1, 0, (("s.p2", 1.0),))
    move = best(change(("s.p2", -350.0)), ANN, state=((plate_owner("s.p2"), (lot,)),))
    assert move.story == ("ann", ActionKind.PICK, (("cola", 1),))
    assert move.takes[0][0] == plate_owner("s.p2")


def test_hardly_real_changes_are_nothing() -> None:
    """A small wobble that the scale itself doubts."""
    assert best(change(("s.p2", -14.0), real=0.02), ANN).story == (None, ActionKind.NONE, ())


def test_the_last_thing_picked_is_in_the_hand() -> None:
    """Chances add up to one and favour what was picked a moment ago."""
    lots = [Lot("cola", 1, 350, 1, 1, 0), Lot("tea", 1, 120, 1, 2, 20_000_000_000)]
    weights = in_hand_weights(lots, 21_000_000_000, EngineSettings())
    assert math.isclose(sum(weights), 1.0)
    assert weights[1] > 5 * weights[0]
