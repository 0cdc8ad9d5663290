"""From a basket that is believed to a receipt that is charged: doubt is settled in the shopper's favour.

1. A receipt is settled automatically when the whole of it is exact with probability ≥ `Thresholds.receipt` and each
   line ≥ `Thresholds.line`, everything on it can be priced and no age is left to check. All of it is charged then.
2. Else it goes to review. Charged are only the units beyond doubt: of each line the largest quantity q' with
   P(at least q') ≥ `Thresholds.line`. Goods sold by weight are charged whole or not at all: no part was weighed.
3. The charged units are a basket of their own with its own promotions, and never cost more than the best estimate
   (two certain items of a "3 for 5.00" would). The other units carry the rest: what confirming them would add. So the
   lines sum to the receipt, the charged lines to the charge, and confirming costs what the receipt shows.
4. What a person decides is priced by the rules in force when the shopper left. It takes more than the shopper was told
   (the receipt's total, afterwards what it was corrected to) only where the person says so; taking goods off never
   costs anything, and what is confirmed stays as it was to the penny.
Receipt ids are made of the visit's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Catalogue, Product, SoldBy
from jwo_cli.model.decisions import (
    CartLine,
    LineAlternative,
    ReceiptCorrected,
    ReceiptIssued,
    ReceiptLine,
    ReviewNeeded,
    Settlement,
    VisitEnded,
)
from jwo_cli.model.observations import ReviewDecided, Role

from .pricing import BasketItem, PricedBasket, PricedLine, price_basket, with_goods
from .pricing_rounding import apportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How sure is sure enough: probabilities for the whole receipt and for each line.

    `age_review` sends goods with an age limit above `age_checked` to review: for a store whose door checks no ages.
    """

    receipt: float = 0.90
    line: float = 0.90
    age_review: bool = False
    age_checked: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.receipt <= 1 and 0 < self.line <= 1):
            raise ValueError(f"thresholds are probabilities above 0, not {self.receipt} and {self.line}")

    def unchecked(self, age_min: int | None) -> bool:
        """Whether nobody has seen that the shopper is old enough."""
        return self.age_review and age_min is not None and age_min > self.age_checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A receipt and what a person should look at on it; a settled one has no reviews."""

    receipt: ReceiptIssued
    reviews: tuple[ReviewNeeded, ...]


def receipt_id_of(visit_id: str) -> str:
    """The one receipt of a visit."""
    return f"r-{visit_id}"


def issue_receipt(
    ended: VisitEnded,
    cart: Sequence[CartLine],
    *,
    probability: float,
    catalogue: Catalogue,
    thresholds: Thresholds | None = None,
    account: str | None = None,
    role: Role = Role.SHOPPER,
    note: str = "",
) -> Issued:
    """Price the basket of a visit and decide what is charged.

    `cart` has one line a product; `probability` is that of the whole basket being exact. A line of quantity 0 is not
    printed, but in doubt (something may have been taken after all) it asks for a review. `note` says what else a
    person should know about a doubtful receipt. Raises ValueError for two lines of one product and for a visit that
    cannot be billed: only shoppers are.
    """
    if role is not Role.SHOPPER:
        raise ValueError(f"{ended.visit_id}: {role.value} are never billed")
    thresholds = thresholds or Thresholds()
    table = catalogue.by_id()
    belief = {key: _with_names(table, line) for key, line in _by_product(table, cart).items()}
    best = price_basket(
        catalogue, [_item(line, line.quantity) for line in belief.values() if line.quantity], ended.at_ns
    )
    doubts = _doubts(table, belief, best, thresholds)
    if probability < thresholds.receipt:
        whole = f"the whole receipt is right with probability {probability:.2f}, below {thresholds.receipt:.2f}"
        doubts.append((None, f"{whole}; {note}" if note else whole))
    if doubts:
        lines = _lines_under_review(catalogue, belief, best, ended, thresholds=thresholds, reasons=dict(doubts))
    else:
        lines = [_receipt_line(line, belief[line.product_id], charged=True) for line in best.lines]
    receipt_id = receipt_id_of(ended.visit_id)
    receipt = ReceiptIssued(
        at_ns=ended.at_ns,
        receipt_id=receipt_id,
        visit_id=ended.visit_id,
        track_id=ended.track_id,
        currency=catalogue.currency,
        lines=tuple(lines),
        total_minor=sum(line.total_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        charged_minor=charged_minor(lines),
        settled=Settlement.REVIEW if doubts else Settlement.AUTOMATIC,
        probability=probability,
        reasons=tuple(reason for _, reason in doubts),
        account=account,
        prices_include_tax=catalogue.prices_include_tax,
    )
    reviews = tuple(
        ReviewNeeded(
            at_ns=ended.at_ns, receipt_id=receipt_id, visit_id=ended.visit_id, product_id=product_id, reason=reason
        )
        for product_id, reason in doubts
    )
    return Issued(receipt=receipt, reviews=reviews)


def charged_minor(lines: Sequence[ReceiptLine]) -> int:
    """What the shopper pays of these lines, minor units."""
    return sum(line.total_minor for line in lines if line.charged)


def certain_units(line: CartLine, table: Mapping[str, Product], threshold: float) -> tuple[int, float]:
    """The largest quantity up to the line's own that was taken at least with probability ≥ `threshold`, and that one.

    P(at least q) adds up the line and those alternatives that are the same product; another product in its place
    counts as none of it, and so does whatever probability the alternatives leave open.
    """
    own = _key(table, line.product_id)
    chances = {line.quantity: line.probability}
    for other in line.alternatives:
        if _key(table, other.product_id) == own and other.quantity != line.quantity:
            chances[other.quantity] = chances.get(other.quantity, 0.0) + other.probability
    at_least = 0.0
    for quantity in sorted(chances, reverse=True):
        at_least += chances[quantity]
        if at_least >= threshold - 1e-9:  # sums of rounded probabilities
            return max(0, min(quantity, line.quantity)), min(1.0, at_least)
    return 0, 1.0


def correct_receipt(
    receipt: ReceiptIssued,
    decided: ReviewDecided,
    catalogue: Catalogue,
    *,
    previous: ReceiptCorrected | None = None,
) -> ReceiptCorrected:
    """What a person decided, priced, and the difference to what was charged: below zero it is a refund.

    `previous` is the last correction of this receipt, if there was one. Masses come from the receipt's lines; goods
    by weight that were not on it cannot be priced and stay uncharged, as do unknown products. Where deposits alone,
    which cannot be lowered, are above what may be charged, everything stays as it was. Raises ValueError when the
    decision is about another receipt.
    """
    if decided.receipt_id != receipt.receipt_id:
        raise ValueError(f"the decision is about {decided.receipt_id!r}, the receipt is {receipt.receipt_id!r}")
    table = catalogue.by_id()
    before = receipt.lines if previous is None else previous.lines
    items = decided_items(table, receipt, decided)
    units, stands = _units(table, items), charged_units(before, catalogue)
    charged = tuple(replace(line, probability=1.0) for line in before if line.charged)
    standing = (charged,) if previous is None else (before, charged)
    lines = next((kept for kept in standing if _units(table, [_as_item(line) for line in kept]) == units), None)
    if lines is None or decided.charge_more:
        told = receipt.total_minor if previous is None else charged_minor(before)
        ceiling: int | None = charged_minor(before) if _within(units, stands) else told
        if decided.charge_more:
            estimate = _units(table, [_as_item(line) for line in receipt.lines])
            ceiling = receipt.total_minor if _within(units, estimate) else None
        priced = price_basket(catalogue, items, receipt.at_ns, total_at_most_minor=ceiling)
        lines = tuple(_corrected_line(line, receipt) for line in priced.lines)
        if ceiling is not None and priced.total_minor > ceiling:
            lines = before
    return ReceiptCorrected(
        at_ns=decided.at_ns,
        receipt_id=receipt.receipt_id,
        visit_id=receipt.visit_id,
        currency=receipt.currency,
        lines=lines,
        total_minor=charged_minor(lines),
        tax_minor=sum(line.tax_minor for line in lines if line.charged),
        difference_minor=charged_minor(lines) - charged_minor(before),
        staff=decided.staff,
        replaces=before,
        prices_include_tax=catalogue.prices_include_tax,
        account=decided.account or (previous.account if previous is not None else None) or receipt.account,
    )


def charged_units(lines: Sequence[ReceiptLine], catalogue: Catalogue) -> dict[str, int]:
    """Product -> how many of it are charged."""
    return _units(catalogue.by_id(), [_as_item(line) for line in lines if line.charged])


def _within(units: Mapping[str, int], others: Mapping[str, int]) -> bool:
    return all(quantity <= others.get(product_id, 0) for product_id, quantity in units.items())


def _key(table: Mapping[str, Product], product_id: str) -> str:
    product = table.get(product_id)
    return product_id if product is None else product.product_id


def _by_product(table: Mapping[str, Product], cart: Sequence[CartLine]) -> dict[str, CartLine]:
    belief: dict[str, CartLine] = {}
    for line in cart:
        key = _key(table, line.product_id)
        if key in belief:
            raise ValueError(f"two cart lines of {key!r}: a belief has one line a product")
        if line.quantity < 0:
            raise ValueError(f"{key!r}: a cart line cannot hold {line.quantity} units")
        belief[key] = line
    return belief


def _item(line: CartLine, quantity: int) -> BasketItem:
    """Some of a cart line; what part of it weighs is not known."""
    mass_g = line.mass_g if quantity == line.quantity else None
    return BasketItem(product_id=line.product_id, quantity=quantity, mass_g=mass_g)


def _doubts(
    table: Mapping[str, Product], belief: Mapping[str, CartLine], best: PricedBasket, thresholds: Thresholds
) -> list[tuple[str | None, str]]:
    """(product, reason in plain words) for everything on the receipt that a person should look at."""
    problems = {line.product_id: line.problem for line in best.lines}
    doubts: list[tuple[str | None, str]] = []
    for key, line in belief.items():
        product = table.get(key)
        name = key if product is None else product.name
        reasons = [problems[key]] if problems.get(key) else []
        if line.probability < thresholds.line:
            what = f"{line.quantity} × {name}" if line.quantity else f"no {name}"
            reasons.append(
                f"{what} is right with probability {line.probability:.2f}, below {thresholds.line:.2f}"
                + _others(table, line.alternatives)
            )
        if product is not None and line.quantity and thresholds.unchecked(product.age_min):
            reasons.append(f"{name} is sold from {product.age_min} years on: check the age")
        if reasons:
            doubts.append((key, "; ".join(reasons)))
    return doubts


def _with_names(table: Mapping[str, Product], line: CartLine) -> CartLine:
    """The line with its alternatives' names: whoever reads a receipt has no catalogue, or a later one."""
    named = tuple(
        replace(other, name=table[other.product_id].name) if other.product_id in table else other
        for other in line.alternatives
    )
    return replace(line, alternatives=named)


def _others(table: Mapping[str, Product], alternatives: Sequence[LineAlternative]) -> str:
    """The likeliest two alternatives in words."""
    words = []
    for other in sorted(alternatives, key=lambda other: -other.probability)[:2]:
        product = table.get(other.product_id)
        name = other.product_id if product is None else product.name
        words.append(f"{other.quantity or 'no'} {'× ' if other.quantity else ''}{name} ({other.probability:.2f})")
    return "; it may be " + " or ".join(words) if words else ""


def _lines_under_review(
    catalogue: Catalogue,
    belief: Mapping[str, CartLine],
    best: PricedBasket,
    ended: VisitEnded,
    *,
    thresholds: Thresholds,
    reasons: Mapping[str | None, str],
) -> list[ReceiptLine]:
    """The best estimate's lines, each split into what is charged and what is not."""
    table = catalogue.by_id()
    certain: dict[str, int] = {}
    parts: dict[str, CartLine] = {}  # what is believed of the charged part
    for line in best.lines:
        cart_line = belief[line.product_id]
        units, at_least = certain_units(cart_line, table, thresholds.line)
        unchecked = thresholds.unchecked(line.age_min)
        if line.problem or unchecked or (line.sold_by is SoldBy.WEIGHT and units < line.quantity):
            units = 0
        certain[line.product_id] = units
        parts[line.product_id] = cart_line if units == line.quantity else replace(cart_line, probability=at_least)
    items = [_item(belief[key], units) for key, units in certain.items() if units]
    sure = price_basket(
        catalogue, items, ended.at_ns, goods_at_most_minor=best.goods_minor, total_at_most_minor=best.total_minor
    )
    by_product = {line.product_id: line for line in sure.lines}
    doubtful = [
        _rest_of(line, line.quantity - certain[line.product_id])
        for line in best.lines
        if certain[line.product_id] < line.quantity
    ]
    listed = [line.list_minor for line in doubtful]
    shares = apportion(max(0, min(best.goods_minor - sure.goods_minor, sum(listed))), listed)
    rests = {line.product_id: with_goods(catalogue, line, share) for line, share in zip(doubtful, shares, strict=True)}
    lines = []
    for key in certain:
        if key in by_product:
            reason = "lowered: the certain items alone never cost more than all" if by_product[key].lowered else ""
            lines.append(_receipt_line(by_product[key], parts[key], charged=True, reason=reason))
        if key in rests:
            reason = reasons.get(key, "")
            lines.append(_receipt_line(rests[key], belief[key], charged=False, reason=reason))
    return lines


def _rest_of(line: PricedLine, units: int) -> PricedLine:
    """`units` of a line at shelf price; what part of a line weighs is not known."""
    return replace(
        line,
        quantity=units,
        mass_g=line.mass_g if units == line.quantity else None,
        list_minor=line.list_minor * units // line.quantity,
        discount_minor=0,
        deposit_minor=line.deposit_minor * units // line.quantity,
    )


def _receipt_line(line: PricedLine, cart_line: CartLine, *, charged: bool, reason: str = "") -> ReceiptLine:
    return ReceiptLine(
        product_id=line.product_id,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        discount_minor=line.discount_minor,
        deposit_minor=line.deposit_minor,
        tax_class=line.tax_class,
        tax_rate_bp=line.tax_rate_bp,
        tax_minor=line.tax_minor,
        total_minor=line.total_minor,
        probability=cart_line.probability,
        charged=charged,
        caused_by=cart_line.caused_by,
        alternatives=cart_line.alternatives,
        mass_g=line.mass_g,
        promotions=line.promotions if line.discount_minor else (),
        reason=reason or line.problem,
        sold_by=line.sold_by,
        age_min=line.age_min,
        deposit_tax_minor=line.deposit_tax_minor,
    )


def _as_item(line: ReceiptLine) -> BasketItem:
    return BasketItem(product_id=line.product_id, quantity=line.quantity)


def _units(table: Mapping[str, Product], items: Sequence[BasketItem]) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in items:
        key = _key(table, item.product_id)
        units[key] = units.get(key, 0) + item.quantity
    return units


def decided_items(table: Mapping[str, Product], receipt: ReceiptIssued, decided: ReviewDecided) -> list[BasketItem]:
    """The decided lines as a basket; goods by weight take the mass that the receipt shows for as many units."""
    weighed = {line.product_id: line for line in receipt.lines if line.sold_by is SoldBy.WEIGHT}
    items = []
    for product_id, quantity in decided.lines:
        if quantity < 1:
            continue
        line = weighed.get(_key(table, product_id))
        mass_g = None
        if line is not None and line.mass_g is not None:
            mass_g = line.mass_g * quantity / line.quantity
        items.append(BasketItem(product_id=product_id, quantity=quantity, mass_g=mass_g))
    return items


def _corrected_line(line: PricedLine, receipt: ReceiptIssued) -> ReceiptLine:
    """A line that a person decided: certain, with what the receipt knew of its causes."""
    known = next((old for old in receipt.lines if old.product_id == line.product_id), None)
    cart_line = CartLine(
        product_id=line.product_id,
        quantity=line.quantity,
        probability=1.0,
        caused_by=() if known is None else known.caused_by,
    )
    reason = "lowered: nobody pays more than they were told" if line.lowered else ""
    return _receipt_line(line, cart_line, charged=not line.problem, reason=reason)
