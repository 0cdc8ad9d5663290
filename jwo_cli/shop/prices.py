"""Which prices a visit pays when they changed meanwhile: the lower of those at entry and those at exit.

1. Each product costs the lower of its two unit prices and carries the lower of its two deposits; tax is that of the
   exit, the time of supply. What is sold only at one of the two times has that time's price.
2. The promotions in force at entry and those in force at exit are two signs on the door: the basket is priced under
   each, wholly, and the cheaper one counts; at the same price that of the exit.
So a basket never costs more than under the rules at entry, nor more than under those at exit, before tax that comes on
top: a rate that rises during a visit is owed in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jwo_cli.model.catalogue import Catalogue, Product, Promotion

from .pricing import BasketItem, price_basket
from .pricing_promotions import valid_promotions


def fair_catalogue(
    came: Catalogue, left: Catalogue, items: Sequence[BasketItem], *, started_ns: int, ended_ns: int
) -> Catalogue:
    """The catalogue that a basket is priced with; `left` itself where nothing changed during the visit."""
    then, now = valid_promotions(came, started_ns), valid_promotions(left, ended_ns)
    if came is left and then == now:
        return left
    products = _lower(came, left)
    both = [replace(left, products=products, promotions=_always(signs)) for signs in (now, then)]
    return min(both, key=lambda catalogue: price_basket(catalogue, items, ended_ns).total_minor)


def _lower(came: Catalogue, left: Catalogue) -> tuple[Product, ...]:
    before = {product.product_id: product for product in came.products}
    merged = [_cheaper(before.pop(product.product_id, product), product) for product in left.products]
    return (*merged, *before.values())


def _cheaper(before: Product, now: Product) -> Product:
    if before == now or before.sold_by is not now.sold_by:
        return now
    price, deposit = min(before.price_minor, now.price_minor), min(before.deposit_minor, now.deposit_minor)
    return replace(now, price_minor=price, deposit_minor=deposit)


def _always(promotions: Sequence[Promotion]) -> tuple[Promotion, ...]:
    """In force whenever: they were found to be, at the time that counts."""
    return tuple(replace(promotion, from_ns=None, until_ns=None) for promotion in promotions)
