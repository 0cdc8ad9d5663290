"""What pictures say about products: calibrated, relative to saying nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.vision.appearance import Appearance, Gallery, LookModel, Looks, fit_temperature, mixed

PRODUCTS = ("cola", "soda", "tea", "jar")


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def gallery(seed: int = 0, pictures: int = 1) -> Gallery:
    draw = np.random.default_rng(seed)
    names = tuple(name for name in PRODUCTS for _ in range(pictures))
    looks = Looks(network=unit(draw.normal(size=(len(names), 32)) + 2), colour=unit(draw.random((len(names), 12))))
    return Gallery(product_ids=names, looks=looks, model="m")


def like(shop: Gallery, row: int, noise: float, seed: int = 1) -> Looks:
    draw = np.random.default_rng(seed)
    blurred = (shop.looks.network[[row]] + noise * draw.normal(size=(1, 32)) / np.sqrt(32),
               shop.looks.colour[[row]] + noise * draw.random((1, 12)) / np.sqrt(12))  # fmt: skip
    return Looks(network=unit(blurred[0]), colour=unit(blurred[1]))


@pytest.mark.parametrize("row", range(4))
def test_a_picture_speaks_for_the_product_it_shows(row: int) -> None:
    """A blurred picture of each product gives that product the highest word, above nothing."""
    shop = gallery()
    seen = Appearance(shop)
    nats = dict(seen.nats(seen.similarity(like(shop, row, 0.3)), PRODUCTS))
    assert max(nats, key=lambda name: nats[name]) == PRODUCTS[row]
    assert nats[PRODUCTS[row]] > 0 > min(nats.values())


def test_the_mean_likelihood_of_the_candidates_is_one() -> None:
    """What is not among the candidates is neither favoured nor disfavoured by the picture."""
    shop = gallery()
    seen = Appearance(shop)
    nats = [value for _, value in seen.nats(seen.similarity(like(shop, 0, 1.0)), PRODUCTS)]
    assert np.mean(np.exp(nats)) == pytest.approx(1.0, abs=1e-3)


def test_several_pictures_of_a_product_count_by_the_nearest() -> None:
    """Front and back of a package: either makes it likely."""
    shop = gallery(pictures=2)
    seen = Appearance(shop)
    for row in (2, 3):
        assert int(np.argmax(seen.similarity(like(shop, row, 0.2))[0])) == 1


def test_what_no_picture_tells_is_not_told() -> None:
    """One candidate, or candidates without pictures, or no crop at all: nothing."""
    seen = Appearance(gallery())
    sight = seen.similarity(like(gallery(), 0, 0.3))
    assert seen.nats(sight, ["cola"]) == ()
    assert seen.nats(sight, ["bread", "milk"]) == ()
    assert seen.nats(sight[:0], PRODUCTS) == ()
    assert "bread" not in dict(seen.nats(sight, ["cola", "soda", "bread"]))


def test_pictures_of_one_hand_are_averaged() -> None:
    """Ten frames that err alike are not ten witnesses."""
    shop = gallery()
    seen = Appearance(shop)
    sight = seen.similarity(like(shop, 0, 0.5))
    assert seen.nats(np.repeat(sight, 10, axis=0), PRODUCTS) == seen.nats(sight, PRODUCTS)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(-3, 3)), min_size=1, max_size=2))
def test_mixing_never_says_more_than_its_surest_part(sights: list[tuple[float, float]]) -> None:
    """Who may not have done it at all dilutes what they showed."""
    told = mixed([(weight, (("cola", nats),)) for weight, nats in sights])[0][1]
    values = [0.0, *(nats for _, nats in sights)]
    assert min(values) - 1e-3 <= told <= max(values) + 1e-3


def test_a_temperature_is_found_where_words_are_true() -> None:
    """From choices drawn by a softmax of known temperature it is found again within a tenth."""
    draw = np.random.default_rng(0)
    scores = draw.uniform(-1, 1, (4000, 5))
    chances = np.exp(scores / 0.2)
    chances /= chances.sum(axis=1, keepdims=True)
    true = np.array([draw.choice(5, p=row) for row in chances])
    assert fit_temperature(scores, true) == pytest.approx(0.2, rel=0.1)
    assert LookModel().temperature > 0
