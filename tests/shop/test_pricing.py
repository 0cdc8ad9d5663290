"""What baskets cost: rules one by one, then laws that hold for every catalogue and basket."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy, TaxRate
from jwo_cli.model.findings import Severity
from jwo_cli.shop.pricing import BasketItem, PricedBasket, PricedLine, price_basket

BY_UNIT = "abcde"
BY_WEIGHT = "xy"
law = settings(deadline=None)


def product(product_id: str, price_minor: int, **more: object) -> Product:
    return Product(product_id=product_id, name=product_id.upper(), price_minor=price_minor, **more)  # type: ignore[arg-type]


def shop(*products: Product, **more: object) -> Catalogue:
    return Catalogue(currency="EUR", products=products, **more)  # type: ignore[arg-type]


def item(product_id: str, quantity: int = 1, mass_g: float | None = None) -> BasketItem:
    return BasketItem(product_id=product_id, quantity=quantity, mass_g=mass_g)


def only_line(catalogue: Catalogue, *items: BasketItem) -> PricedLine:
    (line,) = price_basket(catalogue, items, 0).lines
    return line


STANDARD = (TaxRate(tax_class="standard", rate_bp=2000),)


def test_tax_inside_a_price() -> None:
    """1.20 with 20 % inside holds 0.20 of tax."""
    line = only_line(shop(product("a", 120), taxes=STANDARD), item("a"))
    assert (line.total_minor, line.tax_minor) == (120, 20)


def test_tax_on_top_of_a_price() -> None:
    """1.20 plus 20 % is 1.44."""
    line = only_line(shop(product("a", 120), taxes=STANDARD, prices_include_tax=False), item("a"))
    assert (line.total_minor, line.tax_minor) == (144, 24)


@pytest.mark.parametrize(
    ("taxed", "inside", "total", "tax", "deposit_tax"),
    [(False, True, 145, 20, 0), (True, True, 145, 24, 4), (False, False, 169, 24, 0), (True, False, 174, 29, 5)],
)
def test_deposits_are_taxed_where_the_country_says_so(
    taxed: bool, inside: bool, total: int, tax: int, deposit_tax: int
) -> None:
    """A deposit of 0.25 beside 1.20 at 20 %, in all four kinds of store."""
    catalogue = shop(
        product("a", 120, deposit_minor=25), taxes=STANDARD, deposits_taxed=taxed, prices_include_tax=inside
    )
    line = only_line(catalogue, item("a"))
    assert (line.total_minor, line.tax_minor, line.deposit_tax_minor) == (total, tax, deposit_tax)


def test_deposits_are_never_discounted() -> None:
    """Goods given away still carry their deposit."""
    free = Promotion(promotion_id="f", name="Free", kind=PromotionKind.PERCENT_OFF, products=("a",), value=100)
    line = only_line(shop(product("a", 120, deposit_minor=25), promotions=(free,)), item("a", 2))
    assert (line.goods_minor, line.deposit_minor, line.total_minor) == (0, 50, 50)


@pytest.mark.parametrize(
    ("mass_g", "interval_g", "mass_to_pay_g", "total"),
    [(487.9, 1, 487, 146), (487.9, 5, 485, 145), (500.0, 1, 500, 149), (499.999999, 1, 500, 149), (0.4, 1, None, 0)],
)
def test_masses_are_rounded_down_to_the_scales_interval(
    mass_g: float, interval_g: int, mass_to_pay_g: float | None, total: int
) -> None:
    """Price × mass in whole verification intervals; a float's last bit is no gram, and the tie of 1.495 is 1.49."""
    catalogue = shop(product("x", 299, sold_by=SoldBy.WEIGHT), scale_interval_g=interval_g)
    line = only_line(catalogue, item("x", mass_g=mass_g))
    assert (line.mass_g, line.total_minor) == (mass_to_pay_g, total)


def test_promotions_on_goods_by_weight_are_per_kilogram() -> None:
    """One euro off a kilogram at 3.00: 400 g cost 0.80; multi-buys do not count masses."""
    offer = Promotion(promotion_id="o", name="o", kind=PromotionKind.AMOUNT_OFF, products=("x",), value=100)
    multi = Promotion(promotion_id="m", name="m", kind=PromotionKind.MULTI_BUY, products=("x",), value=1, quantity=1)
    line = only_line(shop(product("x", 300, sold_by=SoldBy.WEIGHT), promotions=(multi, offer)), item("x", mass_g=400.0))
    assert (line.list_minor, line.discount_minor, line.total_minor) == (120, -40, 80)
    assert line.promotions == ("o",)


def test_what_was_not_weighed_costs_nothing_and_is_reported() -> None:
    """A price per kilogram without a mass is no price."""
    basket = price_basket(shop(product("x", 299, sold_by=SoldBy.WEIGHT)), [item("x")], 0)
    assert basket.total_minor == 0
    assert "was not weighed" in basket.lines[0].problem
    assert [finding.field for finding in basket.findings] == ["x"]


def test_unknown_products_cost_nothing_and_are_reported() -> None:
    """The line stays visible; the finding says what to do; the others are priced."""
    basket = price_basket(shop(product("a", 100)), [item("ghost", 3), item("a")], 0)
    assert [(line.product_id, line.quantity, line.total_minor) for line in basket.lines] == [
        ("ghost", 3, 0),
        ("a", 1, 100),
    ]
    assert basket.findings[0].fix.startswith("Add the product")


def test_a_tax_class_without_a_rate_is_a_warning() -> None:
    """Named once, however many lines have it; a store without any rate has no tax, which is no fault."""
    a, b = product("a", 100, tax_class="odd"), product("b", 100, tax_class="odd")
    (finding,) = price_basket(shop(a, b, taxes=STANDARD), [item("a"), item("b")], 0).findings
    assert (finding.severity, "'odd' has no rate" in finding.problem) == (Severity.WARNING, True)
    assert price_basket(shop(a, b), [item("a"), item("b")], 0).findings == ()


def test_aliases_are_the_same_product() -> None:
    """Two numbers of one thing make one line, and its promotion counts both."""
    pair = Promotion(
        promotion_id="p", name="p", kind=PromotionKind.MULTI_BUY, products=("0012",), value=150, quantity=2
    )
    line = only_line(shop(product("a", 100, aliases=("0012",)), promotions=(pair,)), item("0012"), item("a"))
    assert (line.product_id, line.quantity, line.total_minor) == ("a", 2, 150)


def test_promotions_hold_in_their_window_only() -> None:
    """The sign that goes up at 10 counts from 10 on."""
    offer = Promotion(promotion_id="p", name="p", kind=PromotionKind.PERCENT_OFF, products=("a",), value=50, from_ns=10)
    catalogue = shop(product("a", 100), promotions=(offer,))
    assert [price_basket(catalogue, [item("a")], at).total_minor for at in (9, 10)] == [100, 50]


def test_a_bundle_of_three_equal_goods_costs_exactly_its_price() -> None:
    """Three different goods at 1.00 for 2.00 are 0.67 + 0.67 + 0.66, not 3 × 0.67."""
    three = Promotion(
        promotion_id="t", name="t", kind=PromotionKind.MULTI_BUY, products=("a", "b", "c"), value=200, quantity=3
    )
    goods = [product(name, 100) for name in "abc"]
    basket = price_basket(shop(*goods, promotions=(three,)), [item(name) for name in "abc"], 0)
    assert sorted(line.total_minor for line in basket.lines) == [66, 67, 67]


@pytest.mark.parametrize(("currency", "price", "rate_bp", "tax"), [("JPY", 108, 800, 8), ("KWD", 1_250, 500, 60)])
def test_currencies_of_no_and_three_digits_are_just_integers(currency: str, price: int, rate_bp: int, tax: int) -> None:
    """108 yen hold 8 yen of tax; 1.250 dinar hold 0.060 (0.0595 rounded to the fils)."""
    catalogue = replace(
        shop(product("a", price), taxes=(TaxRate(tax_class="standard", rate_bp=rate_bp),)), currency=currency
    )
    basket = price_basket(catalogue, [item("a")], 0)
    assert (basket.currency, basket.total_minor, basket.tax_minor) == (currency, price, tax)


def test_age_limits_are_flagged() -> None:
    """The line says from which age on."""
    assert only_line(shop(product("a", 100, age_min=18)), item("a")).age_min == 18


@pytest.mark.parametrize(("quantity", "mass_g"), [(0, None), (-1, None), (1, 0.0), (1, -3.0), (1, float("nan"))])
def test_baskets_of_nothing_cannot_be_built(quantity: int, mass_g: float | None) -> None:
    """A basket item is at least one unit, and its mass a mass."""
    with pytest.raises(ValueError, match=r"a: .*not a positive"):
        item("a", quantity, mass_g)


def test_ceilings_lower_goods_and_leave_deposits() -> None:
    """Goods of 3.00 under a ceiling of 2.00 are shared out by price; a ceiling below the deposit stops at it."""
    catalogue = shop(product("a", 100, deposit_minor=25), product("b", 200))
    basket = price_basket(catalogue, [item("a"), item("b")], 0, goods_at_most_minor=200)
    assert [(line.goods_minor, line.lowered) for line in basket.lines] == [(67, True), (133, True)]
    assert price_basket(catalogue, [item("a"), item("b")], 0, total_at_most_minor=100).total_minor == 100
    assert price_basket(catalogue, [item("a"), item("b")], 0, total_at_most_minor=10).total_minor == 25
    assert not any(line.lowered for line in price_basket(catalogue, [item("a")], 0, goods_at_most_minor=500).lines)


# -- laws -----------------------------------------------------------------------------------------------------------


# Equal prices are common in shops, and where ties show whether order matters.
prices = st.one_of(st.sampled_from([100, 199]), st.integers(0, 500))


@st.composite
def promotions(draw: st.DrawFn) -> Promotion:
    kind = draw(st.sampled_from(list(PromotionKind)))
    names = draw(st.lists(st.sampled_from(BY_UNIT + BY_WEIGHT), min_size=1, max_size=4, unique=True))
    quantity = draw(st.integers(1, 4))
    value = draw(st.integers(0, 400))
    if kind is PromotionKind.BUY_N_PAY_M:
        value = draw(st.integers(0, quantity - 1))
    if kind is PromotionKind.PERCENT_OFF:
        value = draw(st.integers(0, 100))
    name = f"{kind.value} {value} {quantity}"
    return Promotion(promotion_id=name, name=name, kind=kind, products=tuple(names), value=value, quantity=quantity)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    goods = [
        product(
            name,
            draw(prices),
            tax_class=draw(st.sampled_from(["standard", "reduced", "none"])),
            deposit_minor=draw(st.sampled_from([0, 0, 8, 25])),
            sold_by=SoldBy.WEIGHT if name in BY_WEIGHT else SoldBy.UNIT,
        )
        for name in BY_UNIT + BY_WEIGHT
    ]
    rates = draw(st.tuples(st.integers(0, 3000), st.integers(0, 1000)))
    return Catalogue(
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        products=tuple(goods),
        taxes=(
            TaxRate(tax_class="standard", rate_bp=rates[0]),
            TaxRate(tax_class="reduced", rate_bp=rates[1]),
            TaxRate(tax_class="none", rate_bp=0),
        ),
        promotions=tuple(draw(st.lists(promotions(), max_size=4))),
        prices_include_tax=draw(st.booleans()),
        deposits_taxed=draw(st.booleans()),
        scale_interval_g=draw(st.sampled_from([1, 2, 5])),
    )


@st.composite
def baskets(draw: st.DrawFn) -> tuple[BasketItem, ...]:
    def one() -> BasketItem:
        name = draw(st.sampled_from(BY_UNIT + BY_WEIGHT))
        grams = draw(st.integers(1, 20_000)) / 10 if name in BY_WEIGHT else None
        return item(name, 1 if name in BY_WEIGHT else draw(st.integers(1, 4)), grams)

    return tuple(one() for _ in range(draw(st.integers(0, 7))))


def amounts(basket: PricedBasket) -> list[tuple[str, int, int, int]]:
    return sorted((line.product_id, line.goods_minor, line.tax_minor, line.total_minor) for line in basket.lines)


@law
@given(catalogues(), baskets())
def test_totals_are_the_sums_of_the_lines(catalogue: Catalogue, items: tuple[BasketItem, ...]) -> None:
    """Every figure of a basket is the sum of its lines', and every line adds up from what is printed on it."""
    basket = price_basket(catalogue, items, 0)
    for figure in ("goods_minor", "deposit_minor", "tax_minor", "total_minor"):
        assert getattr(basket, figure) == sum(getattr(line, figure) for line in basket.lines)
    for line in basket.lines:
        added = 0 if catalogue.prices_include_tax else line.tax_minor
        assert line.total_minor == line.list_minor + line.discount_minor + line.deposit_minor + added
        assert line.discount_minor <= 0 <= line.goods_minor
        assert 0 <= line.deposit_tax_minor <= line.tax_minor <= line.total_minor


@law
@given(catalogues(), baskets())
def test_tax_is_within_half_a_unit_of_its_rate(catalogue: Catalogue, items: tuple[BasketItem, ...]) -> None:
    """gross·r/(1+r) inside, net·r on top: each line's tax is the nearest whole number, so net + tax = gross."""
    for line in price_basket(catalogue, items, 0).lines:
        base = line.goods_minor + (line.deposit_minor if catalogue.deposits_taxed else 0)
        rate = Fraction(line.tax_rate_bp, 10_000)
        exact = base * rate / (1 + rate) if catalogue.prices_include_tax else base * rate
        assert abs(line.tax_minor - exact) <= Fraction(1, 2)


@law
@given(catalogues(), baskets())
def test_a_price_split_into_net_and_tax_and_sold_net_comes_back(
    catalogue: Catalogue, items: tuple[BasketItem, ...]
) -> None:
    """Taking the tax out of a gross line and adding it to the net again is within one minor unit of the gross."""
    catalogue = replace(catalogue, prices_include_tax=True, deposits_taxed=True)
    for line in price_basket(catalogue, items, 0).lines:
        net = line.total_minor - line.tax_minor
        again = net + round(Fraction(net * line.tax_rate_bp, 10_000))
        assert abs(again - line.total_minor) <= 1


@law
@given(catalogues(), baskets(), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    catalogue: Catalogue, items: tuple[BasketItem, ...], shuffler: object
) -> None:
    """Whoever scans first, every product costs the same."""
    shuffled = list(items)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert amounts(price_basket(catalogue, shuffled, 0)) == amounts(price_basket(catalogue, items, 0))


@law
@given(catalogues(), baskets())
def test_units_one_by_one_cost_what_they_cost_together(catalogue: Catalogue, items: tuple[BasketItem, ...]) -> None:
    """Three items of one unit are one item of three; the lines are the same, in the same order."""
    single = [replace(one, quantity=1) for one in items for _ in range(one.quantity)]
    assert price_basket(catalogue, single, 0) == price_basket(catalogue, items, 0)


@law
@given(catalogues(), baskets())
def test_promotions_never_raise_a_line(catalogue: Catalogue, items: tuple[BasketItem, ...]) -> None:
    """No line's goods, tax or total are higher than without promotions."""
    plain = price_basket(replace(catalogue, promotions=()), items, 0)
    for line, listed in zip(price_basket(catalogue, items, 0).lines, plain.lines, strict=True):
        assert line.goods_minor <= listed.goods_minor == line.list_minor
        assert line.tax_minor <= listed.tax_minor
        assert line.total_minor <= listed.total_minor


@law
@given(catalogues(), baskets(), promotions())
def test_one_more_promotion_never_raises_the_goods(
    catalogue: Catalogue, items: tuple[BasketItem, ...], more: Promotion
) -> None:
    """Choice cannot hurt, up to the one rounding of each line."""
    richer = replace(catalogue, promotions=(*catalogue.promotions, more))
    before, after = price_basket(catalogue, items, 0), price_basket(richer, items, 0)
    assert after.goods_minor <= before.goods_minor + len(before.lines)


@law
@given(catalogues(), baskets(), st.sampled_from(BY_UNIT))
def test_one_more_unit_never_costs_more_than_its_shelf_price(
    catalogue: Catalogue, items: tuple[BasketItem, ...], more: str
) -> None:
    """It may make the basket cheaper (a bundle gets full); it never adds more than its price, up to rounding."""
    price = catalogue.by_id()[more].price_minor
    before, after = price_basket(catalogue, items, 0), price_basket(catalogue, (*items, item(more)), 0)
    assert after.goods_minor <= before.goods_minor + price + len(after.lines)


@law
@given(catalogues(), baskets())
def test_without_promotions_more_goods_never_cost_less(catalogue: Catalogue, items: tuple[BasketItem, ...]) -> None:
    """Where nothing is on offer, a basket costs at least what any part of it costs."""
    plain = replace(catalogue, promotions=())
    whole = price_basket(plain, items, 0).total_minor
    for i in range(len(items)):
        assert price_basket(plain, (*items[:i], *items[i + 1 :]), 0).total_minor <= whole


@law
@given(catalogues(), baskets(), st.integers(0, 3000))
def test_ceilings_hold_as_far_as_goods_go(catalogue: Catalogue, items: tuple[BasketItem, ...], ceiling: int) -> None:
    """The total is at most the ceiling, or the goods are free and only deposits and their tax are left."""
    basket = price_basket(catalogue, items, 0, total_at_most_minor=ceiling)
    assert basket.total_minor <= ceiling or basket.goods_minor == 0
    free = price_basket(catalogue, items, 0)
    assert basket == free or free.total_minor > ceiling
