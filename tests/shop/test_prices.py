"""A visit pays the lower of the prices at entry and at exit, promotions included."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, TaxRate
from jwo_cli.shop.prices import fair_catalogue
from jwo_cli.shop.pricing import BasketItem, price_basket

CAME, LEFT = 100, 200
IDS = ("cola", "bread", "nuts")


def shop(*prices: int, promotions: tuple[Promotion, ...] = ()) -> Catalogue:
    products = tuple(
        Product(product_id=name, name=name, price_minor=price) for name, price in zip(IDS, prices, strict=False)
    )
    return Catalogue(
        currency="EUR", products=products, taxes=(TaxRate(tax_class="standard", rate_bp=1900),), promotions=promotions
    )


def percent(off: int, **when: int) -> Promotion:
    return Promotion(promotion_id="p", name="p", kind=PromotionKind.PERCENT_OFF, products=IDS, value=off, **when)


def total(came: Catalogue, left: Catalogue, *items: BasketItem) -> int:
    catalogue = fair_catalogue(came, left, items, started_ns=CAME, ended_ns=LEFT)
    return price_basket(catalogue, items, LEFT).total_minor


COLA = BasketItem(product_id="cola", quantity=1)
BREAD = BasketItem(product_id="bread", quantity=1)


def test_nothing_changed_nothing_is_made_anew() -> None:
    """The catalogue in force is used as it is."""
    same = shop(100, 200)
    assert fair_catalogue(same, same, [COLA], started_ns=CAME, ended_ns=LEFT) is same


def test_each_product_costs_the_lower_of_its_two_prices() -> None:
    """Cola went up and bread went down while somebody shopped: they pay the old cola and the new bread."""
    assert total(shop(100, 200), shop(120, 150), COLA, BREAD) == 250


def test_a_promotion_that_ended_during_the_visit_still_counts() -> None:
    """The sign hung there when they came in."""
    until = shop(100, promotions=(percent(10, until_ns=150),))
    assert total(until, until, COLA) == 90


def test_a_product_that_came_or_went_has_the_price_it_had() -> None:
    """Sold only at one of the two times: that time's price."""
    assert total(shop(100), shop(100, 200), COLA, BREAD) == 300
    assert total(shop(100, 200), shop(100), COLA, BREAD) == 300


def test_tax_on_top_is_that_of_the_exit_also_where_it_rose() -> None:
    """It went from 10 to 20 % meanwhile: the price is the lower one, its tax is owed in full."""
    came, left = (
        replace(shop(price), prices_include_tax=False, taxes=(TaxRate(tax_class="standard", rate_bp=rate),))
        for price, rate in ((100, 1000), (110, 2000))
    )
    assert total(came, left, COLA) == 120


prices = st.integers(1, 1000)
signs = st.lists(
    st.one_of(
        st.builds(percent, st.integers(0, 100)),
        st.builds(
            Promotion,
            promotion_id=st.just("m"),
            name=st.just("m"),
            kind=st.just(PromotionKind.MULTI_BUY),
            products=st.just(IDS),
            value=st.integers(0, 900),
            quantity=st.integers(2, 3),
        ),
    ),
    max_size=2,
    unique_by=lambda promotion: promotion.promotion_id,
).map(tuple)


@given(
    st.tuples(prices, prices, prices),
    st.tuples(prices, prices, prices),
    signs,
    signs,
    st.tuples(*[st.integers(0, 3)] * 3),
)
def test_never_dearer_than_all_at_entry_nor_than_all_at_exit(
    before: tuple[int, ...],
    after: tuple[int, ...],
    then: tuple[Promotion, ...],
    now: tuple[Promotion, ...],
    counts: tuple[int, ...],
) -> None:
    """The law behind it, whatever changed."""
    came, left = shop(*before, promotions=then), shop(*after, promotions=now)
    items = [BasketItem(product_id=name, quantity=count) for name, count in zip(IDS, counts, strict=True) if count]
    fair = total(came, left, *items)
    assert fair <= price_basket(came, items, CAME).total_minor
    assert fair <= price_basket(left, items, LEFT).total_minor
    assert fair == total(came, replace(left), *items)
