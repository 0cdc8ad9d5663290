"""What a camera saw in a hand: it decides where mass cannot, and does not decide where mass can."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from jwo_cli.model.codec import decode, encode
from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.layout import Facing
from jwo_cli.model.observations import PlateDelta, Reach, WeightChanged
from jwo_cli.shop.beliefs import Lot, track_owner
from jwo_cli.shop.explain import Actor, WeightExplainer
from jwo_cli.shop.looks import BOUND, look_nats
from jwo_cli.shop.masses import MassBook
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import NEAR, PRODUCTS, Day, items, little_store

ANN = Actor("ann", 0.0, staff=False)
# Two drinks of equal mass share one wide facing.
TWINS = tuple(replace(item, unit_mass_g=351.0) if item.product_id in {"cola", "soda"} else item for item in PRODUCTS)
STORE = replace(
    little_store(),
    facings=(Facing(product_id="cola", plates=("s.p1", "s.p2")), Facing(product_id="soda", plates=("s.p1", "s.p2"))),
    catalogue=replace(little_store().catalogue, products=TWINS),
)
REACH = (Reach(track_id="ann", log_likelihood=NEAR, hand_m=0.05, body_m=0.5),)


def took(grams: float, *seen: tuple[str, float]) -> WeightChanged:
    return WeightChanged(
        at_ns=5_000_000_000, begin_ns=4_900_000_000, end_ns=5_100_000_000, shelf_id="s",
        plates=(PlateDelta(plate_id="s.p1", delta_g=grams, sigma_g=0.8),), real=0.999, reaches=REACH, appearance=seen,
    )  # fmt: skip


def best(event: WeightChanged, state: tuple = ()) -> tuple:  # type: ignore[type-arg]
    explainer = WeightExplainer(STORE, MassBook(TWINS), EngineSettings())
    return explainer.moves(event, 1, [ANN])(state)[0].story


@pytest.mark.parametrize("product_id", ["cola", "soda"])
def test_appearance_decides_between_lookalikes_of_equal_mass(product_id: str) -> None:
    """351 g leave a plate where two drinks of 351 g stand: it is the one that was seen in the hand."""
    other = "soda" if product_id == "cola" else "cola"
    assert best(took(-351.0, (product_id, 1.5), (other, -1.5))) == ("ann", ActionKind.PICK, ((product_id, 1),))


@pytest.mark.parametrize("product_id", ["cola", "soda"])
def test_the_receipt_says_what_was_seen(product_id: str) -> None:
    """From the weight change to the receipt: what was seen is what is charged, and sure enough not to be reviewed."""
    other = "soda" if product_id == "cola" else "cola"
    day = Day(people=("ann",), store=STORE)
    day.now = 6_000_000_000
    day.say(took(-351.0, (product_id, 3.0), (other, -3.0)))
    day.leave("ann")
    receipt = day.close()["ann"]
    assert items(receipt) == {product_id: 1}
    assert receipt.lines[0].probability > 0.95


def test_without_a_sight_the_twins_are_a_toss_up() -> None:
    """Nobody is sure of one of two equal drinks that nobody saw."""
    day = Day(people=("ann",), store=STORE)
    day.now = 6_000_000_000
    day.say(took(-351.0))
    day.leave("ann")
    assert day.close()["ann"].lines[0].probability < 0.7


def test_a_sight_of_something_lighter_does_not_outweigh_the_scale() -> None:
    """A tea in the picture makes no tea of 351 g."""
    assert best(took(-351.0, ("tea", 9.0), ("cola", 0.5)))[2] == (("cola", 1),)


def test_what_is_put_back_is_what_was_seen() -> None:
    """Of two equal drinks in hand the one that was seen goes back."""
    lots = (Lot("cola", 1, 351.0, 0.7, 1, 0), Lot("soda", 1, 351.0, 0.7, 2, 0))
    state = ((track_owner("ann"), lots),)
    assert best(took(351.0, ("soda", 2.0), ("cola", -2.0)), state)[2] == (("soda", 1),)


def test_a_sight_is_bounded_and_of_two_things_one_was_seen() -> None:
    """However sure a network is, its word is worth ln 50; of a pair the mean likelihood counts."""
    assert look_nats((("cola", 1),), {"cola": 40.0}) == BOUND
    assert look_nats((("cola", 1),), {"cola": -40.0}) == -BOUND
    pair = look_nats((("cola", 1), ("tea", 1)), {"cola": 2.0, "tea": 0.0})
    assert math.isclose(pair, math.log((math.exp(2.0) + 1.0) / 2.0))
    assert look_nats((), {"cola": 2.0}) == 0.0


def test_a_change_that_nobody_saw_is_written_as_before() -> None:
    """The field came later: without it the payload has the bytes it always had; with it, it comes back whole."""
    assert "appearance" not in json.dumps(encode(took(-351.0)))
    seen = took(-351.0, ("cola", 1.25), ("soda", -0.5))
    assert decode(WeightChanged, encode(seen)) == seen
