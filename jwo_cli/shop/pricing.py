"""What a basket costs. Integers from the shelf to the total; every line is rounded once to pay and once for its tax.

1. Items of the same product (aliases included) become one line; a line's price does not depend on their order.
2. Promotions in force at the time of the visit are applied as is best for the shopper (`pricing_promotions`).
3. Goods sold by weight cost price per kilogram × mass, the mass rounded down to the scale's verification interval.
4. Deposits are added whole: no promotion lowers them. They are taxed with their goods only where the catalogue says so.
5. Tax is computed per line from the rounded amount that is printed: inside it where shelf prices include tax, on top
   where they do not. `total_minor` is what is paid, in both.
6. What cannot be priced (not in the catalogue, sold by weight but not weighed) costs nothing and is reported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Catalogue, Product, SoldBy
from jwo_cli.model.findings import Finding, Severity

from .pricing_promotions import Saving, Stack, best_savings, best_single, valid_promotions
from .pricing_rounding import apportion, half_down, half_up

_MG_PER_G = 1000
_MG_PER_KG = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketItem:
    """Some units of one product; `mass_g` is what they weigh together, None where nobody knows."""

    product_id: str
    quantity: int
    mass_g: float | None = None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"{self.product_id}: a basket holds {self.quantity} of it, which is not a positive number")
        if self.mass_g is not None and not (math.isfinite(self.mass_g) and self.mass_g > 0):
            raise ValueError(f"{self.product_id}: {self.mass_g} g is not a positive mass")


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One product of a basket, minor units; the fields are those of `ReceiptLine`.

    `list_minor` is the goods at shelf price, `discount_minor` ≤ 0 what promotions took off. A line with a `problem`
    could not be priced and costs nothing; `lowered` lines were brought down to the ceiling the caller set.
    """

    product_id: str
    name: str
    quantity: int
    unit_price_minor: int
    list_minor: int
    discount_minor: int
    deposit_minor: int
    tax_class: str
    tax_rate_bp: int
    tax_minor: int
    deposit_tax_minor: int
    total_minor: int
    mass_g: float | None = None
    sold_by: SoldBy = SoldBy.UNIT
    promotions: tuple[str, ...] = ()
    age_min: int | None = None
    problem: str = ""
    lowered: bool = False

    @property
    def goods_minor(self) -> int:
        """The goods alone after promotions, as the shelf prices are meant (with or without tax)."""
        return self.list_minor + self.discount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBasket:
    """The lines in the order in which their products first appeared, and their sums, minor units."""

    currency: str
    lines: tuple[PricedLine, ...]
    goods_minor: int
    deposit_minor: int
    tax_minor: int
    total_minor: int
    findings: tuple[Finding, ...] = ()


def price_basket(
    catalogue: Catalogue,
    items: Sequence[BasketItem],
    at_ns: int,
    *,
    goods_at_most_minor: int | None = None,
    total_at_most_minor: int | None = None,
) -> PricedBasket:
    """The price of `items` under the rules of `catalogue` at `at_ns`.

    The two ceilings lower the goods (never the deposits), spread by price, until the sums are not above them.
    """
    table = catalogue.by_id()
    merged = _merge(table, items)
    savings = _savings(catalogue, table, merged, at_ns)
    findings: list[Finding] = []
    lines = []
    for product_id, lot in merged.items():
        if product_id not in savings:
            line, finding = _unpriced(table.get(product_id), lot)
            findings.append(finding)
        else:
            line = _line(catalogue, table[product_id], lot, savings[product_id])
        lines.append(line)
    findings += _tax_findings(catalogue, lines)
    lines = [_with_tax(catalogue, line) for line in lines]
    if goods_at_most_minor is not None:
        excess = sum(line.goods_minor for line in lines) - goods_at_most_minor
        lines = _lowered(catalogue, lines, excess)
    if total_at_most_minor is not None:
        lines = _under_total(catalogue, lines, total_at_most_minor)
    return PricedBasket(
        currency=catalogue.currency,
        lines=tuple(lines),
        goods_minor=sum(line.goods_minor for line in lines),
        deposit_minor=sum(line.deposit_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        total_minor=sum(line.total_minor for line in lines),
        findings=tuple(findings),
    )


def with_goods(catalogue: Catalogue, line: PricedLine, goods_minor: int) -> PricedLine:
    """The line with its goods at another amount (0 … list price) and the tax that follows from it."""
    return _with_tax(catalogue, replace(line, discount_minor=goods_minor - line.list_minor))


@dataclass(frozen=True, slots=True)
class _Lot:
    """Units of one product in a basket; `mass_mg` is what was weighed of them."""

    name: str
    quantity: int
    mass_mg: int


def _merge(table: Mapping[str, Product], items: Sequence[BasketItem]) -> dict[str, _Lot]:
    """Product (or unknown identifier) -> its units together, in order of first appearance. Masses add up in mg."""
    merged: dict[str, _Lot] = {}
    for item in items:
        known = table.get(item.product_id)
        key = item.product_id if known is None else known.product_id
        before = merged.get(key, _Lot(key, 0, 0))
        mass_mg = 0 if item.mass_g is None else round(item.mass_g * _MG_PER_G)
        merged[key] = _Lot(key, before.quantity + item.quantity, before.mass_mg + mass_mg)
    return merged


def _savings(
    catalogue: Catalogue, table: Mapping[str, Product], merged: Mapping[str, _Lot], at_ns: int
) -> dict[str, Saving]:
    """What promotions save on each product that can be priced (per kilogram for those sold by weight).

    Worked in catalogue order, so that the order of the items cannot matter.
    """
    valid = tuple(
        replace(promotion, products=tuple(table[p].product_id for p in promotion.products if p in table))
        for promotion in valid_promotions(catalogue, at_ns)
    )
    here = [product for product in catalogue.products if product.product_id in merged]
    stacks = [
        Stack(product_id=p.product_id, price_minor=p.price_minor, quantity=merged[p.product_id].quantity)
        for p in here
        if p.sold_by is SoldBy.UNIT
    ]
    savings = {stack.product_id: s for stack, s in zip(stacks, best_savings(stacks, valid), strict=True)}
    for product in here:
        mass_mg = _mass_to_pay(catalogue, merged[product.product_id])
        if product.sold_by is SoldBy.WEIGHT and mass_mg > 0:
            per_kg, promotion = best_single(product, valid)
            savings[product.product_id] = Saving(
                singles_hundredths=100 * product.price_minor - per_kg,
                promotions=() if promotion is None else (promotion,),
            )
    return savings


def _mass_to_pay(catalogue: Catalogue, lot: _Lot) -> int:
    """Milligrams, rounded down to whole verification intervals of the scale."""
    interval_mg = max(1, catalogue.scale_interval_g) * _MG_PER_G
    return lot.mass_mg // interval_mg * interval_mg


def _line(catalogue: Catalogue, product: Product, lot: _Lot, saving: Saving) -> PricedLine:
    """The line before tax."""
    mass_mg = _mass_to_pay(catalogue, lot) if product.sold_by is SoldBy.WEIGHT else lot.mass_mg
    if product.sold_by is SoldBy.WEIGHT:
        listed = half_down(product.price_minor * mass_mg, _MG_PER_KG)
        per_kg = 100 * product.price_minor - saving.singles_hundredths
        goods = half_down(per_kg * mass_mg, 100 * _MG_PER_KG)
    else:
        listed = product.price_minor * lot.quantity
        goods = half_down(100 * (listed - saving.bundles_minor) - saving.singles_hundredths, 100)
    rates = {tax.tax_class: tax.rate_bp for tax in catalogue.taxes}
    return PricedLine(
        product_id=product.product_id,
        name=product.name,
        quantity=lot.quantity,
        unit_price_minor=product.price_minor,
        list_minor=listed,
        discount_minor=goods - listed,
        deposit_minor=product.deposit_minor * lot.quantity,
        tax_class=product.tax_class,
        tax_rate_bp=rates.get(product.tax_class, 0),
        tax_minor=0,
        deposit_tax_minor=0,
        total_minor=0,
        mass_g=mass_mg / _MG_PER_G if mass_mg else None,
        sold_by=product.sold_by,
        promotions=tuple(promotion.name for promotion in saving.promotions),
        age_min=product.age_min,
    )


def _unpriced(product: Product | None, lot: _Lot) -> tuple[PricedLine, Finding]:
    """A line that costs nothing because its price cannot be known, and why."""
    if product is None:
        problem = f"{lot.name!r} is not in the catalogue"
        fix = "Add the product to the catalogue, then settle the receipt by hand"
    else:
        problem = f"{product.name!r} is sold by weight and was not weighed"
        fix = "Weigh it, or settle the receipt by hand"
    line = PricedLine(
        product_id=lot.name,
        name=lot.name if product is None else product.name,
        quantity=lot.quantity,
        unit_price_minor=0 if product is None else product.price_minor,
        list_minor=0,
        discount_minor=0,
        deposit_minor=0,
        tax_class="" if product is None else product.tax_class,
        tax_rate_bp=0,
        tax_minor=0,
        deposit_tax_minor=0,
        total_minor=0,
        sold_by=SoldBy.UNIT if product is None else product.sold_by,
        age_min=None if product is None else product.age_min,
        problem=problem,
    )
    return line, Finding(file="catalogue", field=lot.name, problem=problem, fix=fix)


def _tax_findings(catalogue: Catalogue, lines: Sequence[PricedLine]) -> list[Finding]:
    """Tax classes without a rate, once each; a store without any rates has declared that it has no tax."""
    known = [tax.tax_class for tax in catalogue.taxes]
    missing = {line.tax_class: line for line in lines if known and not line.problem and line.tax_class not in known}
    return [
        Finding(
            file="catalogue",
            field=line.product_id,
            problem=f"tax class {name!r} has no rate; {line.name!r} is sold without tax",
            fix=f"Add a rate for {name!r} or use one of {', '.join(known)}",
            severity=Severity.WARNING,
        )
        for name, line in missing.items()
    ]


def _with_tax(catalogue: Catalogue, line: PricedLine) -> PricedLine:
    """Tax and total from the rounded goods and the deposit."""
    deposit = line.deposit_minor if catalogue.deposits_taxed else 0
    tax = _tax(line.goods_minor + deposit, line.tax_rate_bp, inside=catalogue.prices_include_tax)
    return replace(
        line,
        tax_minor=tax,
        deposit_tax_minor=_tax(deposit, line.tax_rate_bp, inside=catalogue.prices_include_tax),
        total_minor=line.goods_minor + line.deposit_minor + (0 if catalogue.prices_include_tax else tax),
    )


def _tax(base_minor: int, rate_bp: int, *, inside: bool) -> int:
    """Tax inside a gross amount, gross·r/(1 + r), or on top of a net one, net·r; r in basis points."""
    return half_up(base_minor * rate_bp, 10_000 + rate_bp if inside else 10_000)


def _under_total(catalogue: Catalogue, lines: list[PricedLine], ceiling: int) -> list[PricedLine]:
    """The lines lowered until their total is not above `ceiling` or nothing but deposits is left.

    Where tax comes on top it falls with the goods: each step takes off no more than the excess needs.
    """
    share = 10_000 + (0 if catalogue.prices_include_tax else max((line.tax_rate_bp for line in lines), default=0))
    while (excess := sum(line.total_minor for line in lines) - ceiling) > 0 and any(line.goods_minor for line in lines):
        lines = _lowered(catalogue, lines, max(1, excess * 10_000 // share))
    return lines


def _lowered(catalogue: Catalogue, lines: Sequence[PricedLine], excess: int) -> list[PricedLine]:
    """The lines with `excess` minor units taken off their goods, spread by price, as far as there are goods."""
    goods = [line.goods_minor for line in lines]
    excess = min(excess, sum(goods))
    if excess <= 0:
        return list(lines)
    shares = apportion(excess, goods)
    return [
        replace(with_goods(catalogue, line, line.goods_minor - share), lowered=True) if share else line
        for line, share in zip(lines, shares, strict=True)
    ]
