"""Baskets of a little shop, and the receipts that are issued for them."""

from __future__ import annotations

from hypothesis import settings

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy, TaxRate
from jwo_cli.model.decisions import CartLine, LineAlternative, ReceiptCorrected, ReceiptIssued, VisitEnded
from jwo_cli.model.observations import ReviewDecided, Role
from jwo_cli.shop.receipts import Issued, Thresholds, correct_receipt, issue_receipt

ENDED = VisitEnded(at_ns=5, visit_id="rec.t1", track_id="t1")
PRODUCTS = (
    Product(product_id="a", name="Apple juice", price_minor=100, deposit_minor=25),
    Product(product_id="b", name="Bread", price_minor=200, tax_class="reduced", aliases=("0012",)),
    Product(product_id="c", name="Crisps", price_minor=199),
    Product(product_id="w", name="Walnuts", price_minor=1000, sold_by=SoldBy.WEIGHT),
)
TAXES = (TaxRate(tax_class="standard", rate_bp=1900), TaxRate(tax_class="reduced", rate_bp=700))
CRISPS = Promotion(
    promotion_id="c3", name="3 for 3.50", kind=PromotionKind.MULTI_BUY, products=("c",), value=350, quantity=3
)
SHOP = Catalogue(currency="EUR", products=PRODUCTS, taxes=TAXES, promotions=(CRISPS,))
law = settings(deadline=None)


def believed(
    product_id: str, quantity: int, probability: float, *others: tuple[str, int, float], mass_g: float | None = None
) -> CartLine:
    alternatives = tuple(LineAlternative(product_id=p, quantity=q, probability=c) for p, q, c in others)
    return CartLine(
        product_id=product_id,
        quantity=quantity,
        probability=probability,
        caused_by=(3, 4),
        alternatives=alternatives,
        mass_g=mass_g,
    )


def issue(
    *lines: CartLine,
    probability: float = 0.95,
    catalogue: Catalogue = SHOP,
    thresholds: Thresholds | None = None,
    role: Role = Role.SHOPPER,
) -> Issued:
    return issue_receipt(
        ENDED, lines, probability=probability, catalogue=catalogue, thresholds=thresholds, account="acc", role=role
    )


def decide(
    receipt: ReceiptIssued, *lines: tuple[str, int], previous: ReceiptCorrected | None = None
) -> ReceiptCorrected:
    decided = ReviewDecided(at_ns=99, receipt_id=receipt.receipt_id, staff="Ada", lines=lines)
    return correct_receipt(receipt, decided, SHOP, previous=previous)


def charged(receipt: ReceiptIssued) -> list[tuple[str, int]]:
    return [(line.product_id, line.quantity) for line in receipt.lines if line.charged]
