"""Double entry: books that do not balance cannot be built, and every receipt and correction is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from jwo_cli.model.catalogue import Catalogue, Product, SoldBy, TaxRate
from jwo_cli.model.decisions import CartLine, LineAlternative, ReceiptIssued, VisitEnded
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.model.staffing import StockCounted, StockRestocked
from jwo_cli.shop.ledger import Posting, Transaction, balance, counted, paid, postings_for, restocked
from jwo_cli.shop.receipts import correct_receipt, issue_receipt

KIOSK = Catalogue(
    currency="EUR",
    products=(
        Product(product_id="cola", name="Cola", price_minor=120, deposit_minor=25),
        Product(product_id="bread", name="Bread", price_minor=214, tax_class="reduced"),
        Product(product_id="nuts", name="Nuts", price_minor=1000, tax_class="reduced", sold_by=SoldBy.WEIGHT),
    ),
    taxes=(TaxRate(tax_class="standard", rate_bp=2000), TaxRate(tax_class="reduced", rate_bp=700)),
)
ENDED = VisitEnded(at_ns=5, visit_id="v1", track_id="t1")
NUTS = CartLine(product_id="nuts", quantity=1, probability=1.0, caused_by=(), mass_g=250.4)


def cart(product_id: str, quantity: int, probability: float = 1.0, fewer: float = 0.0) -> CartLine:
    others = (LineAlternative(product_id=product_id, quantity=quantity - 1, probability=fewer),) if fewer else ()
    return CartLine(
        product_id=product_id, quantity=quantity, probability=probability, caused_by=(), alternatives=others
    )


def issued(*lines: CartLine, catalogue: Catalogue = KIOSK) -> ReceiptIssued:
    sure = min((line.probability for line in lines), default=1.0)
    return issue_receipt(ENDED, lines, probability=sure, catalogue=catalogue).receipt


def postings(*amounts: tuple[str, int, str]) -> tuple[Posting, ...]:
    return tuple(Posting(account=account, amount=amount, commodity=what) for account, amount, what in amounts)


def answer(
    purpose: PaymentPurpose, amount_minor: int, outcome: PaymentOutcome = PaymentOutcome.DONE
) -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=6,
        key=f"key-{purpose}",
        purpose=purpose,
        receipt_id="r-v1",
        account="acct-1",
        amount_minor=amount_minor,
        currency="EUR",
        outcome=outcome,
        provider="fake",
        reference="pi_1",
    )


def transaction(lines: Sequence[Posting]) -> Transaction:
    return Transaction(transaction_id="t", at_ns=0, receipt_id=None, purpose="test", postings=tuple(lines))


def test_a_receipt_is_owed_by_the_shopper_and_split_between_sales_tax_and_deposits() -> None:
    """Two colas and a bread: 5.04 owed; sales and tax by class, deposits apart; goods from stock to sold."""
    assert balance(postings_for(issued(cart("cola", 2), cart("bread", 1)))) == {
        ("deposits", "EUR"): -50,
        ("receivable", "EUR"): 504,
        ("sales:reduced", "EUR"): -200,
        ("sales:standard", "EUR"): -200,
        ("sold", "unit:bread"): 1,
        ("sold", "unit:cola"): 2,
        ("stock", "unit:bread"): -1,
        ("stock", "unit:cola"): -2,
        ("tax:reduced", "EUR"): -14,
        ("tax:standard", "EUR"): -40,
    }


def test_goods_by_weight_leave_the_stock_in_grams() -> None:
    """250.4 g of nuts are 250 g to pay and 250 g out of stock."""
    books = balance(postings_for(issued(NUTS)))
    assert books["stock", "gram:nuts"] == -250
    assert books["receivable", "EUR"] == 250


@pytest.mark.parametrize(
    ("inside", "taxed", "deposits", "tax", "sales", "owed"),
    [
        (True, False, -25, -20, -100, 145),
        (True, True, -21, -24, -100, 145),
        (False, False, -25, -24, -120, 169),
        (False, True, -25, -29, -120, 174),
    ],
)
def test_deposits_are_held_without_their_tax(
    inside: bool, taxed: bool, deposits: int, tax: int, sales: int, owed: int
) -> None:
    """The same cola in the four kinds of store: what is held for the shopper is net, the tax is the state's."""
    catalogue = replace(KIOSK, prices_include_tax=inside, deposits_taxed=taxed)
    books = balance(postings_for(issued(cart("cola", 1), catalogue=catalogue)))
    money = {account: amount for (account, commodity), amount in books.items() if commodity == "EUR"}
    assert money == {"deposits": deposits, "tax:standard": tax, "sales:standard": sales, "receivable": owed}


def test_what_is_under_review_is_neither_owed_nor_in_stock() -> None:
    """One of two colas is beyond doubt: it is owed, the other waits outside of stock."""
    books = balance(postings_for(issued(cart("cola", 2, 0.6, fewer=0.39))))
    assert books["receivable", "EUR"] == 145
    assert (books["sold", "unit:cola"], books["unsettled", "unit:cola"], books["stock", "unit:cola"]) == (1, 1, -2)


def test_after_a_correction_the_books_say_only_what_was_decided() -> None:
    """Receipt plus correction equal the decided receipt alone: nothing unsettled, the rest back in stock."""
    receipt = issued(cart("cola", 2, 0.6, fewer=0.39), cart("bread", 1))
    decided = ReviewDecided(at_ns=9, receipt_id="r-v1", staff="Ada", lines=(("cola", 1),))
    corrected = correct_receipt(receipt, decided, KIOSK)
    books = balance([*postings_for(receipt), *postings_for(corrected)])
    assert books == balance(postings_for(issued(cart("cola", 1))))


def test_paying_and_paying_back_closes_the_account() -> None:
    """Captured, corrected to nothing, refunded: nobody owes anybody, and nothing is left in clearing."""
    receipt = issued(cart("cola", 1))
    corrected = correct_receipt(receipt, ReviewDecided(at_ns=9, receipt_id="r-v1", staff="Ada", lines=()), KIOSK)
    everything = [
        *postings_for(receipt),
        *paid(answer(PaymentPurpose.CHARGE, receipt.charged_minor)),
        *postings_for(corrected),
        *paid(answer(PaymentPurpose.REFUND, -corrected.difference_minor)),
    ]
    assert [t.purpose for t in everything] == ["receipt", "charge", "correction", "refund"]
    assert balance(everything) == {}


MOVED = (PaymentOutcome.DONE, PaymentOutcome.RETURNED)


def test_a_refund_that_comes_back_is_taken_back_in_the_books() -> None:
    """Its bank sent it back: the store has the money, and owes it."""
    back = answer(PaymentPurpose.REFUND, 120)
    returned = replace(back, outcome=PaymentOutcome.RETURNED)
    assert balance([*paid(back), *paid(returned)]) == {}
    assert len({transaction.transaction_id for transaction in (*paid(back), *paid(returned))}) == 2


@pytest.mark.parametrize("outcome", [item for item in PaymentOutcome if item not in MOVED])
def test_only_money_that_moved_is_posted(outcome: PaymentOutcome) -> None:
    """A refusal, a promise and a failure post nothing; nor does money that is only held or let go of."""
    assert paid(answer(PaymentPurpose.CHARGE, 120, outcome)) == ()
    assert paid(answer(PaymentPurpose.AUTHORISE, 120)) == ()
    assert paid(answer(PaymentPurpose.CANCEL, 120)) == ()


def test_a_stock_count_posts_the_difference_as_shrink() -> None:
    """Twelve on the books, nine on the shelf: three are shrink; grams for goods by weight."""
    cola = StockCounted(at_ns=1, staff="ann", product_id="cola", found=9, booked=12)
    nuts = StockCounted(at_ns=1, staff="ann", product_id="nuts", found=880, booked=900, sold_by=SoldBy.WEIGHT)
    assert balance(counted(cola)) == {("shrink", "unit:cola"): 3, ("stock", "unit:cola"): -3}
    assert ("stock", "gram:nuts") in balance(counted(nuts))
    assert counted(replace(cola, booked=9)) == ()


def test_goods_that_are_brought_in_are_in_stock() -> None:
    """Twelve came from outside of the books."""
    twelve = StockRestocked(at_ns=1, staff="ann", product_id="cola", quantity=12)
    assert balance(restocked(twelve)) == {("stock", "unit:cola"): 12, ("supplied", "unit:cola"): -12}


def test_an_empty_receipt_and_other_decisions_post_nothing() -> None:
    """No money and no goods moved: no transaction."""
    assert postings_for(issued()) == ()
    assert postings_for(ENDED) == ()
    receipt = issued(cart("cola", 1))
    same = ReviewDecided(at_ns=9, receipt_id="r-v1", staff="Ada", lines=(("cola", 1),))
    assert postings_for(correct_receipt(receipt, same, KIOSK)) == ()


def test_transactions_that_do_not_sum_to_zero_cannot_be_built() -> None:
    """Each commodity balances for itself: a euro is not a cola, and not a dollar."""
    with pytest.raises(ValueError, match="EUR is off by 1"):
        transaction(postings(("receivable", 101, "EUR"), ("sales", -100, "EUR")))
    with pytest.raises(ValueError, match="must sum to zero"):
        transaction(postings(("receivable", 100, "EUR"), ("sales", -100, "USD")))
    with pytest.raises(ValueError, match="without postings"):
        transaction(())


@pytest.mark.parametrize(("account", "amount", "commodity"), [("", 1, "EUR"), ("stock", 1, ""), ("stock", 0, "EUR")])
def test_postings_of_nothing_or_to_nowhere_cannot_be_built(account: str, amount: int, commodity: str) -> None:
    """A posting moves something into an account."""
    with pytest.raises(ValueError, match="posting"):
        Posting(account=account, amount=amount, commodity=commodity)
