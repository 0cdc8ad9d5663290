"""What a basket is believed to be, from hypotheses that disagree."""

from __future__ import annotations

import math

from jwo_cli.shop.beliefs import Group, Hypothesis, Lot, track_owner
from jwo_cli.shop.settle import best_basket
from tests.shop.little_store import PRODUCTS

ANN = track_owner("ann")
TABLE = {product.product_id: product for product in PRODUCTS}
COLA, TEA = Lot("cola", 1, 350.0, 1.0, 1, 0), Lot("tea", 1, 120.0, 1.0, 2, 0)


def believed(*stories: tuple[float, tuple[Lot, ...]]) -> Group:
    hypotheses = [Hypothesis(math.log(p), ((ANN, lots),) if lots else (), ()) for p, lots in stories]
    return Group(owners={ANN: None}, hypotheses=hypotheses)


def test_the_most_probable_basket_when_it_is_credible() -> None:
    """Cola and tea with 0.7; the tea is doubted with 0.3 and the line says so."""
    basket = best_basket(believed((0.7, (COLA, TEA)), (0.3, (COLA,))), [ANN], TABLE)
    assert [(line.product_id, line.quantity, line.probability) for line in basket.lines] == [
        ("cola", 1, 1.0),
        ("tea", 1, 0.7),
    ]
    assert math.isclose(basket.probability, 0.7)


def test_the_least_wrong_basket_when_none_is_credible() -> None:
    """Nothing with 0.4, cola and tea with 0.35, cola with 0.25: the cola stands (0.6), the tea does not (0.35)."""
    group = believed((0.4, ()), (0.35, (COLA, TEA)), (0.25, (COLA,)))
    basket = best_basket(group, [ANN], TABLE)
    assert [(line.product_id, line.quantity) for line in basket.lines] == [("cola", 1)]
    assert basket.lines[0].caused_by == (1,)
    assert math.isclose(basket.probability, 0.25)


def test_of_two_who_met_one_has_both_things_rather_than_each_their_own() -> None:
    """Hers went over or his came, hardly neither: keeping just her cola is a hedge that is almost never right."""
    basket = best_basket(believed((0.43, (COLA, TEA)), (0.41, ()), (0.16, (COLA,))), [ANN], TABLE)
    assert [line.product_id for line in basket.lines] == ["cola", "tea"]
    assert math.isclose(basket.probability, 0.43)


def test_equal_odds_are_settled_in_the_shoppers_favour() -> None:
    """One or no cola, evenly: none."""
    basket = best_basket(believed((0.4, (COLA,)), (0.4, ()), (0.1, (TEA,)), (0.1, (COLA, TEA))), [ANN], TABLE)
    assert basket.lines == ()


def test_what_may_be_missing_is_named() -> None:
    """The best basket lacks a tea that was taken with 0.3: a line of quantity 0 says so."""
    basket = best_basket(believed((0.7, (COLA,)), (0.3, (COLA, TEA))), [ANN], TABLE, doubted=0.1)
    assert [(line.product_id, line.quantity) for line in basket.lines] == [("cola", 1), ("tea", 0)]


def test_goods_by_weight_are_paid_by_the_mass_that_is_most_believed() -> None:
    """A scoop of 210 g for sure; whether 60 g went back (two stories of much the same) or not (one story) is open."""

    def scoop(mass_g: float) -> tuple[Lot, ...]:
        return (Lot("nuts", 1, mass_g, 1.0, 1, 0),)

    group = believed((0.4, scoop(210.0)), (0.35, scoop(150.0)), (0.25, scoop(151.0)))
    basket = best_basket(group, [ANN], TABLE)
    (line,) = basket.lines
    assert (line.quantity, line.mass_g) == (1, 150.0)
    assert math.isclose(line.probability, 0.6)
    assert math.isclose(basket.probability, 0.6)
