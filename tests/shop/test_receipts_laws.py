"""What holds for any receipt: sums, favours, books, the journal."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model import codec
from jwo_cli.model.catalogue import Catalogue, Promotion, PromotionKind
from jwo_cli.model.decisions import CartLine, ReceiptCorrected, ReceiptIssued, Settlement
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.shop.ledger import balance, postings_for
from jwo_cli.shop.pricing import BasketItem, price_basket
from jwo_cli.shop.receipts import Thresholds, correct_receipt
from tests.shop.basket import CRISPS, ENDED, SHOP, believed, issue, law


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    value, quantity = draw(st.integers(0, 500)), draw(st.integers(1, 4))
    crossing = Promotion(
        promotion_id="x",
        name="x",
        kind=PromotionKind.MULTI_BUY,
        products=("a", "b", "c"),
        value=value,
        quantity=quantity,
    )
    percent = Promotion(
        promotion_id="p", name="p", kind=PromotionKind.PERCENT_OFF, products=("b", "w"), value=draw(st.integers(0, 100))
    )
    offers = draw(st.sampled_from([(), (CRISPS,), (crossing,), (CRISPS, crossing, percent)]))
    return replace(SHOP, promotions=offers, prices_include_tax=draw(st.booleans()), deposits_taxed=draw(st.booleans()))


@st.composite
def carts(draw: st.DrawFn) -> tuple[CartLine, ...]:
    lines = []
    for product in draw(st.lists(st.sampled_from(["a", "b", "c", "w", "ghost"]), max_size=5, unique=True)):
        quantity = 1 if product == "w" else draw(st.integers(0, 4))
        chances = [draw(st.integers(1, 50)) for _ in range(quantity + 2)]
        shares = [round(chance / sum(chances), 4) for chance in chances]
        others = tuple((product, q, share) for q, share in enumerate(shares) if q != quantity)
        mass_g = draw(st.integers(1, 900)) / 1.0 if product == "w" else None
        lines.append(believed(product, quantity, shares[quantity], *others, mass_g=mass_g))
    return tuple(lines)


chances = st.floats(0.0, 1.0)
thresholds_ = st.builds(Thresholds, receipt=st.floats(0.5, 1.0), line=st.floats(0.05, 1.0))


@law
@given(catalogues(), carts(), chances, thresholds_)
def test_the_receipt_is_the_sum_of_its_lines_and_shows_the_best_estimate(
    catalogue: Catalogue, cart: tuple[CartLine, ...], probability: float, thresholds: Thresholds
) -> None:
    """Totals, tax and charge are sums; the lines' units are the believed ones; every uncharged line has its reason."""
    receipt = issue(*cart, probability=probability, catalogue=catalogue, thresholds=thresholds).receipt
    assert receipt.total_minor == sum(line.total_minor for line in receipt.lines)
    assert receipt.charged_minor == sum(line.total_minor for line in receipt.lines if line.charged)
    assert receipt.tax_minor == sum(line.tax_minor for line in receipt.lines)
    units: dict[str, int] = {}
    for line in receipt.lines:
        units[line.product_id] = units.get(line.product_id, 0) + line.quantity
        assert line.discount_minor <= 0 <= line.total_minor
        assert line.charged or line.reason
    assert units == {line.product_id: line.quantity for line in cart if line.quantity}
    assert receipt.settled is Settlement.REVIEW or all(line.charged for line in receipt.lines)


@law
@given(catalogues(), carts(), chances, thresholds_)
def test_nobody_is_charged_more_than_the_best_estimate_costs(
    catalogue: Catalogue, cart: tuple[CartLine, ...], probability: float, thresholds: Thresholds
) -> None:
    """The charge never exceeds the price of the whole; the receipt's total is that price where tax is inside."""
    receipt = issue(*cart, probability=probability, catalogue=catalogue, thresholds=thresholds).receipt
    taken = [line for line in cart if line.quantity]
    items = [BasketItem(product_id=line.product_id, quantity=line.quantity, mass_g=line.mass_g) for line in taken]
    whole = price_basket(catalogue, items, ENDED.at_ns).total_minor
    assert receipt.charged_minor <= whole
    if catalogue.prices_include_tax:
        assert receipt.total_minor == whole


@law
@given(catalogues(), carts(), chances, thresholds_)
def test_confirming_costs_at_most_what_the_receipt_showed(
    catalogue: Catalogue, cart: tuple[CartLine, ...], probability: float, thresholds: Thresholds
) -> None:
    """And exactly that where tax is inside; saying that nothing was taken gives everything back."""
    receipt = issue(*cart, probability=probability, catalogue=catalogue, thresholds=thresholds).receipt
    lines = tuple((line.product_id, line.quantity) for line in cart)
    decided = ReviewDecided(at_ns=99, receipt_id=receipt.receipt_id, staff="Ada", lines=lines)
    confirmed = correct_receipt(receipt, decided, catalogue)
    assert confirmed.total_minor <= receipt.total_minor
    if catalogue.prices_include_tax:
        assert confirmed.total_minor == receipt.total_minor
    nothing = correct_receipt(receipt, replace(decided, lines=()), catalogue)
    assert nothing.difference_minor == -receipt.charged_minor


@law
@given(catalogues(), carts(), chances, thresholds_, st.lists(st.tuples(st.sampled_from("abcw"), st.integers(0, 3))))
def test_receipts_and_corrections_balance_in_the_books(
    catalogue: Catalogue,
    cart: tuple[CartLine, ...],
    probability: float,
    thresholds: Thresholds,
    lines: list[tuple[str, int]],
) -> None:
    """Everything sums to zero per commodity, and the shopper owes what the receipt and then the correction say."""
    receipt = issue(*cart, probability=probability, catalogue=catalogue, thresholds=thresholds).receipt
    decided = ReviewDecided(at_ns=99, receipt_id=receipt.receipt_id, staff="Ada", lines=tuple(lines))
    corrected = correct_receipt(receipt, decided, catalogue)
    for decisions, owed in (([receipt], receipt.charged_minor), ([receipt, corrected], corrected.total_minor)):
        books = balance([t for decision in decisions for t in postings_for(decision)])
        assert books.get(("receivable", "EUR"), 0) == owed
        for commodity in {commodity for _, commodity in books}:
            assert sum(amount for (_, what), amount in books.items() if what == commodity) == 0


@law
@given(catalogues(), carts(), chances)
def test_receipts_survive_the_journal(catalogue: Catalogue, cart: tuple[CartLine, ...], probability: float) -> None:
    """What is written as JSON reads back as the same receipt and the same correction."""
    receipt = issue(*cart, probability=probability, catalogue=catalogue).receipt
    assert codec.decode(ReceiptIssued, codec.encode(receipt)) == receipt
    decided = ReviewDecided(at_ns=99, receipt_id=receipt.receipt_id, staff="Ada", lines=(("a", 1),))
    corrected = correct_receipt(receipt, decided, catalogue)
    assert codec.decode(ReceiptCorrected, codec.encode(corrected)) == corrected
