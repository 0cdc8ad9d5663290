"""Stories: a shopper does something, and the docstring is the receipt they get."""

from __future__ import annotations

import inspect
from typing import Protocol

import pytest

from jwo_cli.model.catalogue import Catalogue, Product, TaxRate
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.shop.receipts import Thresholds, issue_receipt
from jwo_cli.shop.receipts_document import NOBODY_PAYS, Merchant, document
from jwo_cli.shop.receipts_text import receipt_text
from tests.shop.corner import (
    CORNER,
    ENDED,
    PRODUCTS,
    TAXES,
    bought,
    by_card,
    perhaps,
    reviewed,
    sure,
    text_of,
)


class Reads(Protocol):
    """Compares a receipt, of which so much was paid by card."""

    def __call__(self, receipt: ReceiptIssued | ReceiptCorrected, *, paid: int = 0) -> None: ...


@pytest.fixture
def reads(request: pytest.FixtureRequest) -> Reads:
    """Compares a receipt, below its head, with what the test's docstring shows after its first sentence."""
    _, _, wanted = inspect.cleandoc(request.function.__doc__).partition("\n\n")

    def check(receipt: ReceiptIssued | ReceiptCorrected, *, paid: int = 0) -> None:
        _, _, printed = text_of(receipt, paid=paid, width=40).partition("-" * 40 + "\n")
        assert printed.rstrip("\n") == wanted

    return check


def test_somebody_takes_one_cola(reads: Reads) -> None:
    """The deposit is printed apart, is not discounted, and is outside of the tax.

    Cola 0.33 l                         1.29
      Deposit                           0.25
    ----------------------------------------
    TOTAL                           1.54 EUR
    Still to pay                    1.54 EUR

    Tax included, EUR
    rate               net      tax    gross
    19% standard      1.08     0.21     1.29
    """
    reads(bought(sure("cola")))


def test_three_bags_of_crisps_cost_five_euros(reads: Reads) -> None:
    """A multi-buy costs exactly what the sign says, and a fourth bag its shelf price.

    Crisps                              7.96
      4 × 1.99
      3 for 5.00                       -0.97
    ----------------------------------------
    TOTAL                           6.99 EUR
    Still to pay                    6.99 EUR

    Tax included, EUR
    rate               net      tax    gross
    7% reduced        6.53     0.46     6.99
    """
    reads(bought(sure("crisps", 4)))


def test_three_drinks_for_two_frees_the_cheapest_and_shares_the_gift(reads: Reads) -> None:
    """The lemonade is free; its price is taken off both products in proportion, so that a return refunds a fair share.

    Cola 0.33 l                         2.58
      2 × 1.29
      Drinks 3 for 2                   -0.81
      Deposit                           0.50
    Lemonade 0.33 l                     1.19
      Drinks 3 for 2                   -0.38
      Deposit                           0.25
    ----------------------------------------
    TOTAL                           3.33 EUR
    Still to pay                    3.33 EUR

    Tax included, EUR
    rate               net      tax    gross
    19% standard      2.17     0.41     2.58
    """
    reads(bought(sure("cola", 2), sure("lemonade")))


def test_apples_are_weighed_down_to_whole_grams(reads: Reads) -> None:
    """487.9 g at 2.99 a kilogram are 487 g, and 1.45613 is 1.46.

    Apples                              1.46
      0.487 kg × 2.99/kg
    ----------------------------------------
    TOTAL                           1.46 EUR
    Still to pay                    1.46 EUR

    Tax included, EUR
    rate               net      tax    gross
    7% reduced        1.36     0.10     1.46
    """
    reads(bought(sure("apples", mass_g=487.9)))


def test_bread_at_thirty_per_cent_off_rounds_the_tie_to_the_shopper(reads: Reads) -> None:
    """Thirty per cent off 2.95 leaves 2.065: the shopper pays 2.06.

    Rye bread                           2.95
      Bread -30%                       -0.89
    ----------------------------------------
    TOTAL                           2.06 EUR
    Still to pay                    2.06 EUR

    Tax included, EUR
    rate               net      tax    gross
    7% reduced        1.93     0.13     2.06
    """
    reads(bought(sure("bread")))


def test_wine_is_flagged_with_its_age(reads: Reads) -> None:
    """The age limit stands beside the name.

    Red wine (from 18)                  7.99
    ----------------------------------------
    TOTAL                           7.99 EUR
    Still to pay                    7.99 EUR

    Tax included, EUR
    rate               net      tax    gross
    19% standard      6.71     1.28     7.99
    """
    reads(bought(sure("wine")))


def test_one_or_two_colas_charges_one_until_somebody_has_looked(reads: Reads) -> None:
    """Two are likelier, one is certain: one is charged, the other is shown with the reason.

    Cola 0.33 l                         1.29
      Deposit                           0.25
    -- under review, not charged -----------
    Cola 0.33 l                         1.29
      Deposit                           0.25
      2 × Cola 0.33 l is right with
      probability 0.70, below 0.90; it may
      be 1 × Cola 0.33 l (0.29)
    ----------------------------------------
    TOTAL                           1.54 EUR
    If all is confirmed             3.08 EUR
    Still to pay                    1.54 EUR

    Tax included, EUR
    rate               net      tax    gross
    19% standard      1.08     0.21     1.29

    A person will look at this receipt; you
    will get the result.
    """
    reads(bought(perhaps("cola", 2, 0.70, ("cola", 1, 0.29)), probability=0.70))


def test_the_doubtful_third_of_a_three_for_five_is_shown_at_what_it_would_add(reads: Reads) -> None:
    """Two bags alone cost 3.98, with the third 5.00: confirming the third costs 1.02.

    Crisps                              3.98
      2 × 1.99
    -- under review, not charged -----------
    Crisps                              1.99
      3 for 5.00                       -0.97
      3 × Crisps is right with probability
      0.60, below 0.90; it may be 2 × Crisps
      (0.40)
    ----------------------------------------
    TOTAL                           3.98 EUR
    If all is confirmed             5.00 EUR
    Still to pay                    3.98 EUR

    Tax included, EUR
    rate               net      tax    gross
    7% reduced        3.72     0.26     3.98

    A person will look at this receipt; you
    will get the result.
    """
    reads(bought(perhaps("crisps", 3, 0.6, ("crisps", 2, 0.4)), probability=0.6))


def test_a_review_that_finds_less_refunds(reads: Reads) -> None:
    """Staff saw that nothing but the bread was taken: the cola and its deposit go back.

    Rye bread                           2.95
      Bread -30%                       -0.89
    ----------------------------------------
    TOTAL                           2.06 EUR
    To be refunded                  1.54 EUR

    Tax included, EUR
    rate               net      tax    gross
    7% reduced        1.93     0.13     2.06

    Paid, EUR
    Card, stripe                        3.60
      pi_1
    """
    reads(reviewed(bought(sure("bread"), sure("cola")), ("bread", 1)), paid=360)


def test_a_review_that_confirms_asks_for_the_rest(reads: Reads) -> None:
    """Two colas after all: what was shown as waiting is now to pay.

    Cola 0.33 l                         2.58
      2 × 1.29
      Deposit                           0.50
    ----------------------------------------
    TOTAL                           3.08 EUR
    Still to pay                    1.54 EUR

    Tax included, EUR
    rate               net      tax    gross
    19% standard      2.17     0.41     2.58

    Paid, EUR
    Card, stripe                        1.54
      pi_1
    """
    reads(reviewed(bought(perhaps("cola", 2, 0.70, ("cola", 1, 0.29)), probability=0.70), ("cola", 2)), paid=154)


def test_what_was_paid_and_refunded_is_not_asked_for_again() -> None:
    """Once the money has moved nothing is open, on a receipt and on a correction of either direction."""
    receipt = bought(sure("bread"), sure("cola"))
    less = reviewed(receipt, ("bread", 1))
    back = document(less, number="", store_id="", payments=[by_card(less, receipt.charged_minor), by_card(less, -154)])
    for text in (text_of(receipt, paid=receipt.charged_minor), text_of(less, paid=206), receipt_text(back)):
        assert not any(word in text for word in ("Still to pay", "To be refunded", "CHARGED"))
    assert "Refund, stripe                       -1.54" in receipt_text(back)


def test_a_rehearsal_says_that_nobody_pays() -> None:
    """A shadow's receipt: in words, and nothing is open."""
    text = receipt_text(document(bought(sure("bread")), number="", store_id="", rehearsal=True))
    assert NOBODY_PAYS in text
    assert "Still to pay" not in text


def test_nothing_taken(reads: Reads) -> None:
    """An empty basket is a receipt over nothing.

    Nothing was taken
    ----------------------------------------
    TOTAL                           0.00 EUR
    """
    reads(bought())


def test_a_product_that_nobody_listed(reads: Reads) -> None:
    """It is shown, costs nothing, and says why.

    -- under review, not charged -----------
    4012345678901                       0.00
      '4012345678901' is not in the
      catalogue
    ----------------------------------------
    TOTAL                           0.00 EUR

    A person will look at this receipt; you
    will get the result.
    """
    reads(bought(sure("4012345678901")))


def test_a_store_that_adds_tax_prints_it_below(reads: Reads) -> None:
    """Shelf prices are net: subtotal, tax on top (7.25 % of 2.79 is 0.202), total.

    Soda                                2.79
    ----------------------------------------
    Subtotal                        2.79 USD
    Tax                             0.20 USD
    TOTAL                           2.99 USD
    Still to pay                    2.99 USD

    Tax added, USD
    rate               net      tax    gross
    7.25% sales       2.79     0.20     2.99
    """
    diner = Catalogue(
        currency="USD",
        products=(Product(product_id="soda", name="Soda", price_minor=279, tax_class="sales"),),
        taxes=(TaxRate(tax_class="sales", rate_bp=725),),
        prices_include_tax=False,
    )
    reads(bought(sure("soda"), catalogue=diner))


def test_the_head_names_the_merchant_the_receipt_and_the_local_time() -> None:
    """Name, address, tax number, receipt number and time with its zone stand at the top."""
    merchant = Merchant(name="Corner shop", address=("Main St 1",), tax_number="DE123")
    receipt = document(bought(sure("cola")), number="", store_id="", seller=merchant, timezone="Europe/Berlin")
    text = receipt_text(receipt, width=40)
    assert text.splitlines()[:7] == [
        "              Corner shop",
        "               Main St 1",
        "             Tax no. DE123",
        "",
        "Receipt r-v1",
        "2025-06-15 17:06:40 CEST",
        "-" * 40,
    ]


def test_an_unknown_time_zone_prints_utc() -> None:
    """A store on Mars still gets receipts."""
    assert "2025-06-15 15:06:40 UTC" in text_of(bought(sure("cola")), timezone="Mars/Olympus")


def test_long_and_wide_names_stay_inside_the_width() -> None:
    """Names are cut, Japanese ones by the columns they take, and yen have no decimals."""
    products = (
        Product(product_id="tea", name="お〜いお茶 濃い茶 ペットボトル 525ml 機能性表示食品", price_minor=150),
        Product(product_id="long", name="An exceedingly long name of a product that nobody could print", price_minor=9),
    )
    kiosk = Catalogue(currency="JPY", products=products)
    lines = text_of(bought(sure("tea"), sure("long"), catalogue=kiosk), width=32).splitlines()
    names = lines[3:5]
    assert names[0].endswith(" 150")
    assert names[1] == "An exceedingly long name of a  9"
    assert sum(2 if ord(char) > 0x2000 else 1 for char in names[0]) <= 32


def test_a_correction_names_who_decided() -> None:
    """The member of staff stands on the corrected receipt."""
    assert "Corrected by Ada" in text_of(reviewed(bought(sure("cola")), ("cola", 1)))


def test_deposits_that_are_taxed_are_in_the_tax_table() -> None:
    """In a German store the deposit is part of the turnover: 1.54 gross, not 1.29."""
    german = Catalogue(currency="EUR", products=PRODUCTS, taxes=TAXES, deposits_taxed=True)
    assert "19% standard        1.29     0.25     1.54" in text_of(bought(sure("cola"), catalogue=german))


def test_age_review_holds_the_wine_back() -> None:
    """Where the door checks no ages, wine waits for a person."""
    issued = issue_receipt(
        ENDED, [sure("wine")], probability=0.99, catalogue=CORNER, thresholds=Thresholds(age_review=True)
    )
    assert "Red wine is sold from 18 years on: check the age" in " ".join(
        text.strip() for text in text_of(issued.receipt, width=60).splitlines()
    )
    assert issued.receipt.charged_minor == 0
