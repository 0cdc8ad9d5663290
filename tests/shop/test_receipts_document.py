"""Receipts as documents and pages: every legal field is there, sums agree, and nobody's text becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.shop.receipts_document import Document, Merchant, document
from jwo_cli.shop.receipts_html import receipt_html
from jwo_cli.shop.receipts_text import receipt_text

from .test_receipts_text import bought, perhaps, reviewed, sure

SELLER = Merchant(name="Kiosk & Söhne GmbH", address=("Hauptstraße 1", "10115 Berlin"), tax_number="DE123456789")
RECEIPT = bought(sure("bread"), sure("wine"), perhaps("cola", 2, 0.7, ("cola", 1, 0.29)), probability=0.7)


def answer(purpose: PaymentPurpose, amount: int, outcome: PaymentOutcome = PaymentOutcome.DONE) -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=RECEIPT.at_ns + 1_000_000_000,
        key=f"k-{purpose}",
        purpose=purpose,
        receipt_id=RECEIPT.receipt_id,
        account="ann",
        amount_minor=amount,
        currency="EUR",
        outcome=outcome,
        provider="stripe",
        reference=f"pi_{purpose}",
    )


def made(receipt: ReceiptIssued | ReceiptCorrected = RECEIPT, *payments: PaymentAnswered) -> Document:
    return document(
        receipt,
        number="corner-kiosk-82",
        store_id="corner-kiosk",
        store_name="Corner Kiosk",
        seller=SELLER,
        timezone="Europe/Berlin",
        payments=payments,
        account="ann",
    )


class Text(HTMLParser):
    """The words of a page, and whether its tags close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


LEGAL = (
    "Kiosk & Söhne GmbH",
    "Hauptstraße 1",
    "10115 Berlin",
    "DE123456789",
    "corner-kiosk-82",
    "2025-06-15 17:06:40",
    "Rye bread",
    "Deposit",
    "7%",
    "19%",
    "pi_charge",
)


def test_every_form_has_the_fields_that_tax_offices_ask_for() -> None:
    """Seller, tax number, number, local time, goods, tax by rate, deposit, payment reference: page and text alike."""
    whole = made(RECEIPT, answer(PaymentPurpose.CHARGE, RECEIPT.charged_minor))
    page = " ".join(Text(receipt_html(whole)).words)
    text = receipt_text(whole)
    assert [field for field in LEGAL if field not in page] == []
    assert [field for field in LEGAL if field not in text] == []
    assert f"{RECEIPT.charged_minor / 100:.2f} EUR" in page


def test_a_correction_names_the_receipt_that_it_corrects() -> None:
    """By number and date, under a heading that says what it is, in every form; what is left of nothing is no taking."""
    corrected = document(
        reviewed(RECEIPT),
        number="kiosk-206",
        store_id="kiosk",
        timezone="Europe/Berlin",
        corrects=("kiosk-144", RECEIPT.at_ns),
    )
    assert (corrected.corrects, corrected.corrects_at) == ("kiosk-144", "2025-06-15T17:06:40+02:00")
    page, text = " ".join(Text(receipt_html(corrected)).words), receipt_text(corrected)
    assert "Correction no. kiosk-206\n" in text
    assert "Corrects no. kiosk-144\nof 2025-06-15 17:06:40 CEST\n" in text
    assert "Corrects no. kiosk-144 of 2025-06-15 17:06:40" in page
    for form in (page, text):
        assert "Nothing is charged" in form
        assert "Nothing was taken" not in form


def test_the_sums_of_a_document_agree() -> None:
    """Charged lines make the total, rates make the tax, payments and what is open make the total."""
    whole = made(RECEIPT, answer(PaymentPurpose.CAPTURE, 500), answer(PaymentPurpose.REFUND, 100))
    charged = [line for line in whole.lines if line.charged]
    assert whole.total_minor == sum(line.total_minor for line in charged) == RECEIPT.charged_minor
    assert whole.tax_minor == sum(row.tax_minor for row in whole.taxes)
    assert all(row.net_minor + row.tax_minor == row.gross_minor for row in whole.taxes)
    assert (whole.paid_minor, whole.open_minor) == (400, whole.total_minor - 400)
    assert whole.subtotal_minor + whole.tax_minor == whole.total_minor
    for line in whole.lines:
        assert line.goods_minor + line.discount_minor + line.deposit_minor == line.total_minor


def test_a_refund_that_came_back_is_still_to_be_given() -> None:
    """Paid, refunded, sent back: three rows, and the balance is what it was before the refund."""
    back = answer(PaymentPurpose.REFUND, 500)
    whole = made(
        RECEIPT,
        answer(PaymentPurpose.CHARGE, RECEIPT.charged_minor),
        back,
        replace(back, outcome=PaymentOutcome.RETURNED),
    )
    assert [row.what for row in whole.payments] == ["card", "refund", "refund returned"]
    assert whole.open_minor == 0


def test_only_money_that_moved_stands_on_it() -> None:
    """Not what was held, let go, refused or promised."""
    moved = (PaymentOutcome.DONE, PaymentOutcome.RETURNED)
    outcomes = [outcome for outcome in PaymentOutcome if outcome not in moved]
    refused = [answer(PaymentPurpose.CHARGE, 500, outcome) for outcome in outcomes]
    held = [answer(PaymentPurpose.AUTHORISE, 500), answer(PaymentPurpose.CANCEL, 500)]
    assert made(RECEIPT, *refused, *held).payments == ()


def test_a_correction_names_what_it_corrects_and_who() -> None:
    """It is a document of its own, and no review waits on it."""
    corrected = reviewed(RECEIPT, ("bread", 1))
    whole = made(corrected)
    page = " ".join(Text(receipt_html(whole)).words)
    assert (whole.kind, whole.corrected_by, whole.under_review) == ("correction", corrected.staff, False)
    assert "Corrects" in page
    assert "A person will look at this receipt" not in page


def test_what_waits_for_a_review_stands_apart() -> None:
    """With its reason, and not in the total."""
    page = " ".join(Text(receipt_html(made())).words)
    assert "Under review, not charged" in page
    assert "2 × Cola 0.33 l is right with probability 0.70" in page


@pytest.mark.parametrize("inside", [True, False])
def test_tax_on_top_is_shown_on_top(*, inside: bool) -> None:
    """A subtotal and the tax where prices are without; neither where it is inside."""
    page = Text(receipt_html(made(replace(RECEIPT, prices_include_tax=inside)))).words
    assert ("Subtotal" in page) is not inside
    assert (f"Tax {'included' if inside else 'added'}, EUR" in page) is True


def test_no_text_of_others_becomes_markup_and_nothing_is_loaded() -> None:
    """A product called <script>: shown as it is called. The page asks nobody for anything."""
    evil = replace(
        RECEIPT, lines=(replace(RECEIPT.lines[0], name='<script src="//x">&"\'', promotions=("<img src=x>",)),)
    )
    page = receipt_html(made(evil))
    parsed = Text(page)
    assert not parsed.tags & {"script", "img", "link", "iframe"}
    assert '<script src="//x">&"\'' in parsed.words
    assert parsed.open == []
    assert not re.search(r"(src|href)=|url\(|@import", re.sub(r"&lt;.*?&gt;", "", page))


def test_a_machine_without_the_time_zone_says_so() -> None:
    """UTC, and so called."""
    whole = replace(made(), at="")
    assert whole.timezone == "Europe/Berlin"
    lost = document(RECEIPT, number="n", store_id="s", timezone="Mars/Olympus")
    assert (lost.timezone, lost.at[-6:]) == ("UTC", "+00:00")
