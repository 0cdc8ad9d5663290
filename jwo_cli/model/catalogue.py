"""What is sold, for how much, under which rules. A product is one GTIN (or in-house number)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SoldBy(StrEnum):
    """Sold by the piece, or by weight (price per kilogram, from a bin on a plate)."""

    UNIT = "unit"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One thing for sale.

    `unit_mass_g` is the gross mass of one unit, None where nobody has weighed it; `mass_cv` its relative spread between
    units (standard deviation / mean). `price_minor` is per unit, or per kilogram when `sold_by` is weight.
    `aliases` are other identifiers that scanners give for the same thing.
    """

    product_id: str
    name: str
    price_minor: int
    unit_mass_g: float | None = None
    mass_cv: float = 0.012
    tax_class: str = "standard"
    age_min: int | None = None
    deposit_minor: int = 0
    sold_by: SoldBy = SoldBy.UNIT
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.product_id:
            raise ValueError("a product needs an identifier")
        if self.unit_mass_g is not None and not 0 < self.unit_mass_g < 1e6:
            raise ValueError(f"{self.product_id}: unit mass {self.unit_mass_g} g is not a positive mass")
        if not 0 <= self.mass_cv < 1:
            raise ValueError(f"{self.product_id}: mass spread {self.mass_cv} is not in [0, 1)")
        if self.price_minor < 0 or self.deposit_minor < 0:
            raise ValueError(f"{self.product_id}: prices and deposits are not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """A tax class and its rate in basis points (1900 = 19 %)."""

    tax_class: str
    rate_bp: int


class PromotionKind(StrEnum):
    """The promotions every till knows."""

    PERCENT_OFF = "percent_off"  # value: percent off each unit
    AMOUNT_OFF = "amount_off"  # value: minor units off each unit
    MULTI_BUY = "multi_buy"  # any `quantity` of the products together cost `value` minor units
    BUY_N_PAY_M = "buy_n_pay_m"  # of each `quantity` units the cheapest are free until `value` are paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A price rule over some products, valid in [from_ns, until_ns)."""

    promotion_id: str
    name: str
    kind: PromotionKind
    products: tuple[str, ...]
    value: int
    quantity: int = 1
    from_ns: int | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All products in file order, with tax rates and promotions. Identifiers are unique; build it to look things up.

    `scale_interval_g` is the verification interval of the scales that goods sold by weight stand on: masses to pay
    are rounded down to it. `deposits_taxed` says whether deposits share the tax of their goods (as in Germany) or
    stay outside of it; the VAT directive, article 92, leaves that to each country.
    """

    currency: str
    products: tuple[Product, ...]
    taxes: tuple[TaxRate, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    prices_include_tax: bool = True
    scale_interval_g: int = 1
    deposits_taxed: bool = False

    def by_id(self) -> dict[str, Product]:
        """Every identifier and alias -> product, in file order."""
        table = {product.product_id: product for product in self.products}
        for product in self.products:
            for alias in product.aliases:
                table.setdefault(alias, product)
        return table
