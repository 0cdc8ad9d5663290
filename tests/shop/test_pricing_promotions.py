"""Promotions: the shopper gets the cheapest combination; an exhaustive search agrees."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind
from jwo_cli.shop import pricing_promotions
from jwo_cli.shop.pricing_promotions import Stack, best_savings, best_single, is_sound, valid_promotions

KINDS = tuple(PromotionKind)


def promotion(name: str, kind: str, products: str, value: int, quantity: int = 1) -> Promotion:
    return Promotion(
        promotion_id=name,
        name=name,
        kind=PromotionKind(kind),
        products=tuple(products.split()),
        value=value,
        quantity=quantity,
    )


def stack(product_id: str, price_minor: int, quantity: int = 1) -> Stack:
    return Stack(product_id=product_id, price_minor=price_minor, quantity=quantity)


def saved(stacks: Sequence[Stack], *promotions: Promotion) -> list[float]:
    """What each stack saves, minor units."""
    return [s.bundles_minor + s.singles_hundredths / 100 for s in best_savings(stacks, promotions)]


def test_the_better_of_two_promotions_on_one_item_wins() -> None:
    """Twenty per cent off 10.00 beats 1.50 off."""
    off, less = promotion("off", "percent_off", "a", 20), promotion("less", "amount_off", "a", 150)
    assert saved([stack("a", 1000)], less, off) == [200]
    assert best_savings([stack("a", 1000)], (less, off))[0].promotions == (off,)


def test_amount_off_never_makes_a_price_negative() -> None:
    """One euro off something for 0.60 makes it free."""
    assert saved([stack("a", 60, 2)], promotion("p", "amount_off", "a", 100)) == [120]


def test_a_multi_buy_that_is_dearer_than_the_shelf_is_not_applied() -> None:
    """Three for 5.00 of something at 1.00 is no offer."""
    assert saved([stack("a", 100, 3)], promotion("p", "multi_buy", "a", 500, 3)) == [0]


def test_a_multi_buy_takes_the_dearest_units_and_leaves_the_rest() -> None:
    """Any two for 3.00 out of 2.50, 2.00 and 0.50: the first two, 1.50 saved, shared in proportion."""
    stacks = [stack("cheap", 50), stack("dear", 250), stack("mid", 200)]
    savings = best_savings(stacks, (promotion("p", "multi_buy", "cheap mid dear", 300, 2),))
    assert [s.bundles_minor for s in savings] == [0, 83, 67]
    assert savings[0].promotions == ()


def test_three_for_two_groups_dear_with_dear() -> None:
    """Six units at 5, 5, 5, 1, 1, 1: one dear and one cheap unit are free, not two cheap ones."""
    assert sum(saved([stack("a", 500, 3), stack("b", 100, 3)], promotion("p", "buy_n_pay_m", "a b", 2, 3))) == 600


def test_units_of_two_promotions_are_divided_for_the_greatest_saving() -> None:
    """Taking the greedy bundle first would save 3.00; leaving it saves 2 × 2.00."""
    stacks = [stack("a", 500), stack("b", 500), stack("c", 500), stack("d", 500)]
    greedy = promotion("greedy", "multi_buy", "b c", 700, 2)
    left, right = promotion("left", "multi_buy", "a b", 800, 2), promotion("right", "multi_buy", "c d", 800, 2)
    assert sum(saved(stacks, greedy, left, right)) == 400


def test_a_single_promotion_may_beat_a_bundle_for_one_unit_only() -> None:
    """Three units at half price of 4.00 cost 6.00; two for 3.00 and one at half price cost 5.00."""
    half, pair = promotion("half", "percent_off", "a", 50), promotion("pair", "multi_buy", "a", 300, 2)
    saving = best_savings([stack("a", 400, 3)], (half, pair))[0]
    assert (saving.bundles_minor, saving.singles_hundredths) == (500, 20_000)
    assert saving.promotions == (pair, half)


def _assignments(units: Sequence[tuple[str, int]], promotions: Sequence[Promotion]) -> Iterator[int]:
    """The cost in hundredths of every partition of units into single sales and bundles."""
    if not units:
        yield 0
        return
    (first, price), rest = units[0], units[1:]
    singles = [100 * price]
    for p in promotions:
        if first in p.products and p.kind is PromotionKind.PERCENT_OFF:
            singles.append(price * (100 - p.value))
        if first in p.products and p.kind is PromotionKind.AMOUNT_OFF:
            singles.append(100 * max(0, price - p.value))
        if first in p.products and p.kind in {PromotionKind.MULTI_BUY, PromotionKind.BUY_N_PAY_M}:
            able = [i for i, (name, _) in enumerate(rest) if name in p.products]
            for others in itertools.combinations(able, p.quantity - 1):
                prices = sorted([price, *(rest[i][1] for i in others)], reverse=True)
                cost = 100 * (p.value if p.kind is PromotionKind.MULTI_BUY else sum(prices[: p.value]))
                left = [unit for i, unit in enumerate(rest) if i not in others]
                yield from (cost + more for more in _assignments(left, promotions))
    yield from (min(singles) + more for more in _assignments(rest, promotions))


@st.composite
def promotions_of(draw: st.DrawFn, products: str) -> Promotion:
    """Any sound promotion over some of the products."""
    kind = draw(st.sampled_from(KINDS))
    names = draw(st.lists(st.sampled_from(products), min_size=1, max_size=4, unique=True))
    quantity, value = draw(st.integers(1, 3)), draw(st.integers(0, 60))
    if kind is PromotionKind.BUY_N_PAY_M:
        value = draw(st.integers(0, quantity - 1))
    name = f"{kind.value}-{value}-{quantity}"
    return Promotion(promotion_id=name, name=name, kind=kind, products=tuple(names), value=value, quantity=quantity)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=4, max_size=4),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.lists(promotions_of("abcd"), max_size=3),
)
def test_no_other_combination_is_cheaper(prices: list[int], counts: list[int], promotions: list[Promotion]) -> None:
    """The search finds the least cost of all partitions of up to eight units among up to three promotions."""
    named = zip("abcd", prices, counts, strict=True)
    stacks = [stack(name, price, count) for name, price, count in named if count]
    units = [(s.product_id, s.price_minor) for s in stacks for _ in range(s.quantity)]
    listed = 100 * sum(price for _, price in units)
    savings = best_savings(stacks, promotions)
    found = listed - sum(100 * s.bundles_minor + s.singles_hundredths for s in savings)
    assert found == min(_assignments(units, promotions))
    assert all(s.bundles_minor >= 0 and s.singles_hundredths >= 0 for s in savings)


def test_beyond_the_bound_the_best_promotions_are_solved_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one bundle at a time the greatest saving is taken, then what is left, and nothing gets dearer."""
    monkeypatch.setattr(pricing_promotions, "MAX_STATES", 2)
    stacks = [stack("a", 500), stack("b", 500), stack("c", 500), stack("d", 500)]
    greedy = promotion("greedy", "multi_buy", "b c", 700, 2)
    left, right = promotion("left", "multi_buy", "a b", 800, 2), promotion("right", "multi_buy", "c d", 800, 2)
    assert sum(saved(stacks, left, right, greedy)) == 300
    assert sum(saved(stacks, left, right)) == 400


def test_promotions_are_valid_from_and_until() -> None:
    """The first nanosecond counts, the last does not; an unsound promotion never does."""
    window = Promotion(
        promotion_id="w",
        name="w",
        kind=PromotionKind.PERCENT_OFF,
        products=("a",),
        value=10,
        from_ns=100,
        until_ns=200,
    )
    catalogue = Catalogue(currency="EUR", products=(), promotions=(window, promotion("bad", "percent_off", "a", 101)))
    assert [bool(valid_promotions(catalogue, at)) for at in (99, 100, 199, 200)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("kind", "value", "quantity", "sound"),
    [
        ("percent_off", 100, 1, True),
        ("percent_off", 101, 1, False),
        ("percent_off", -1, 1, False),
        ("amount_off", 0, 1, True),
        ("amount_off", -5, 1, False),
        ("multi_buy", 0, 1, True),
        ("multi_buy", 500, 0, False),
        ("multi_buy", -1, 3, False),
        ("buy_n_pay_m", 2, 3, True),
        ("buy_n_pay_m", 3, 3, False),
        ("buy_n_pay_m", -1, 3, False),
    ],
)
def test_promotions_that_cannot_be_meant_are_never_applied(kind: str, value: int, quantity: int, sound: bool) -> None:
    """A layout's check reports them with their line; the till only leaves them out."""
    offer = promotion("p", kind, "a", value, quantity)
    assert is_sound(offer) is sound
    assert valid_promotions(Catalogue(currency="EUR", products=(), promotions=(offer,)), 0) == (
        (offer,) if sound else ()
    )


def test_a_product_finds_its_promotion_under_an_alias() -> None:
    """Scanners and promotion lists may know a product by another number."""
    product = Product(product_id="a", name="A", price_minor=200, aliases=("0012",))
    offer = promotion("p", "percent_off", "0012", 25)
    assert best_single(product, (offer,)) == (15_000, offer)
