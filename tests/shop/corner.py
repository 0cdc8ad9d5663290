"""A corner shop that adds taxes in, has offers, and sells to one shopper at noon: receipts to read."""

from __future__ import annotations

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy, TaxRate
from jwo_cli.model.decisions import CartLine, LineAlternative, ReceiptCorrected, ReceiptIssued, VisitEnded
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.shop.receipts import correct_receipt, issue_receipt
from jwo_cli.shop.receipts_document import document
from jwo_cli.shop.receipts_text import receipt_text

NOON = 1_750_000_000_000_000_000  # 2025-06-15 15:06:40 UTC
TAXES = (TaxRate(tax_class="standard", rate_bp=1900), TaxRate(tax_class="reduced", rate_bp=700))
PRODUCTS = (
    Product(product_id="cola", name="Cola 0.33 l", price_minor=129, deposit_minor=25),
    Product(product_id="lemonade", name="Lemonade 0.33 l", price_minor=119, deposit_minor=25),
    Product(product_id="crisps", name="Crisps", price_minor=199, tax_class="reduced"),
    Product(product_id="bread", name="Rye bread", price_minor=295, tax_class="reduced"),
    Product(product_id="apples", name="Apples", price_minor=299, tax_class="reduced", sold_by=SoldBy.WEIGHT),
    Product(product_id="wine", name="Red wine", price_minor=799, age_min=18),
)
THREE_CRISPS = Promotion(
    promotion_id="crisps3", name="3 for 5.00", kind=PromotionKind.MULTI_BUY, products=("crisps",), value=500, quantity=3
)
DRINKS_3_FOR_2 = Promotion(
    promotion_id="drinks32",
    name="Drinks 3 for 2",
    kind=PromotionKind.BUY_N_PAY_M,
    products=("cola", "lemonade"),
    value=2,
    quantity=3,
)
BREAD_30 = Promotion(
    promotion_id="bread30", name="Bread -30%", kind=PromotionKind.PERCENT_OFF, products=("bread",), value=30
)
CORNER = Catalogue(currency="EUR", products=PRODUCTS, taxes=TAXES, promotions=(THREE_CRISPS, DRINKS_3_FOR_2, BREAD_30))
ENDED = VisitEnded(at_ns=NOON, visit_id="v1", track_id="t1")


def text_of(receipt: ReceiptIssued | ReceiptCorrected, *, width: int = 42, paid: int = 0, timezone: str = "UTC") -> str:
    """The text of its document, with `paid` by card."""
    return receipt_text(
        document(receipt, number="", store_id="", timezone=timezone, payments=[by_card(receipt, paid)] if paid else []),
        width=width,
    )


def by_card(receipt: ReceiptIssued | ReceiptCorrected, amount_minor: int) -> PaymentAnswered:
    """A charge that was done; below zero a refund."""
    return PaymentAnswered(
        at_ns=receipt.at_ns,
        key="k",
        purpose=PaymentPurpose.CHARGE if amount_minor > 0 else PaymentPurpose.REFUND,
        receipt_id=receipt.receipt_id,
        account="ann",
        amount_minor=abs(amount_minor),
        currency=receipt.currency,
        outcome=PaymentOutcome.DONE,
        provider="stripe",
        reference="pi_1",
    )


def sure(product_id: str, quantity: int = 1, mass_g: float | None = None) -> CartLine:
    return CartLine(product_id=product_id, quantity=quantity, probability=0.99, caused_by=(7,), mass_g=mass_g)


def perhaps(product_id: str, quantity: int, probability: float, *others: tuple[str, int, float]) -> CartLine:
    alternatives = tuple(LineAlternative(product_id=p, quantity=q, probability=c) for p, q, c in others)
    return CartLine(
        product_id=product_id, quantity=quantity, probability=probability, caused_by=(7,), alternatives=alternatives
    )


def bought(*cart: CartLine, probability: float = 0.97, catalogue: Catalogue = CORNER) -> ReceiptIssued:
    return issue_receipt(ENDED, cart, probability=probability, catalogue=catalogue).receipt


def reviewed(receipt: ReceiptIssued, *lines: tuple[str, int]) -> ReceiptCorrected:
    decided = ReviewDecided(at_ns=NOON + 1, receipt_id=receipt.receipt_id, staff="Ada", lines=lines)
    return correct_receipt(receipt, decided, CORNER)
