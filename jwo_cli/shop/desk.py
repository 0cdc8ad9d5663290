"""What people decide about a receipt, whenever they do: its correction, and the money that goes with it.

1. A receipt's state is a fold over the journal (`Case`): as it was issued, the corrections since, the money asked for.
   No run's memory is in it, so that a receipt of last month is decided as one of a minute ago.
2. A decision says all that is on the receipt. Due for it is what it comes to, less what was asked before: however often
   and in whatever order people decide, the money asked for is what was decided last.
3. A decision that changes nothing, because it was taken before, is nothing new.
4. Prices are those of the visit (`Prices`). Where nobody knows them any more the receipt's own lines have to do: each
   of its goods at what it cost there, discounts shared evenly and rounded to the shopper; nothing can be added then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from jwo_cli.model.catalogue import Catalogue, Product, TaxRate
from jwo_cli.model.decisions import ReceiptCorrected, ReceiptIssued, ReceiptLine
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import PaymentDue, PaymentPurpose, payment_due
from jwo_cli.model.units import format_minor

from .prices import fair_catalogue
from .receipts import charged_minor, charged_units, correct_receipt, decided_items

NAMED = 8  # products that an error lists
MOST_UNITS = 1_000  # of one product that anybody carries out: a number that was scanned into its place is more


class Start(StrEnum):
    """What a decision begins with, before it says how many of something there are."""

    CHARGED = "charged"  # what is charged now
    ESTIMATED = "estimated"  # everything on the receipt, as it was issued
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A receipt as it stands. `asked_minor` is what was asked for it: charges and captures less refunds."""

    receipt: ReceiptIssued
    corrections: tuple[ReceiptCorrected, ...] = ()
    asked_minor: int = 0

    @property
    def previous(self) -> ReceiptCorrected | None:
        """The latest correction."""
        return self.corrections[-1] if self.corrections else None

    @property
    def lines(self) -> tuple[ReceiptLine, ...]:
        """What is on it now, charged and not."""
        return self.receipt.lines if self.previous is None else self.previous.lines

    @property
    def account(self) -> str | None:
        """Who pays."""
        named = None if self.previous is None else self.previous.account
        return named or self.receipt.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The catalogues that a visit came in and left under. `adds` says whether they price goods beside the receipt's."""

    came: Catalogue
    left: Catalogue
    started_ns: int
    adds: bool = True

    def everything(self) -> Catalogue:
        """All that was sold at either time."""
        later = {product.product_id for product in self.left.products}
        gone = (product for product in self.came.products if product.product_id not in later)
        return replace(self.left, products=(*self.left.products, *gone))

    def fair(self, receipt: ReceiptIssued, decided: ReviewDecided) -> Catalogue:
        """The catalogue that the decided goods are priced with."""
        items = decided_items(self.everything().by_id(), receipt, decided)
        return fair_catalogue(self.came, self.left, items, started_ns=self.started_ns, ended_ns=receipt.at_ns)

    def agree(self, receipt: ReceiptIssued) -> bool:
        """Whether the receipt was made with these: every line's prices are theirs."""
        whole = tuple((line.product_id, line.quantity) for line in receipt.lines)
        table = self.fair(receipt, _saying(receipt, whole)).by_id()
        return receipt.currency == self.left.currency and all(
            line.product_id in table and _same_price(table[line.product_id], line)
            for line in receipt.lines
            if line.unit_price_minor
        )


def _same_price(product: Product, line: ReceiptLine) -> bool:
    deposit_minor = product.deposit_minor * line.quantity
    return (product.price_minor, product.sold_by, deposit_minor) == (
        line.unit_price_minor,
        line.sold_by,
        line.deposit_minor,
    )


def own_prices(case: Case, beside: Catalogue | None = None) -> Prices:
    """What the receipt itself says that its goods cost, corrections included; `beside` them what else is sold.

    Raises UserError where that has another currency.
    """
    receipt = case.receipt
    if beside is not None and beside.currency != receipt.currency:
        raise UserError(
            f"the receipt is in {receipt.currency}, the layout's prices are in {beside.currency}",
            fix="Name the layout of the store that the receipt is from.",
        )
    products: dict[str, Product] = {}
    rates: dict[str, int] = {} if beside is None else {tax.tax_class: tax.rate_bp for tax in beside.taxes}
    for line in (*receipt.lines, *(line for corrected in case.corrections for line in corrected.lines)):
        if not (line.unit_price_minor or line.charged):
            continue  # nobody could price it then either
        product = _own(line, receipt)
        known = products.get(line.product_id, product)
        products[line.product_id] = replace(product, price_minor=min(product.price_minor, known.price_minor))
        rates[line.tax_class] = line.tax_rate_bp
    others = () if beside is None else (item for item in beside.products if item.product_id not in products)
    catalogue = Catalogue(
        currency=receipt.currency,
        products=(*products.values(), *others),
        taxes=tuple(TaxRate(tax_class=name, rate_bp=rate) for name, rate in rates.items()),
        prices_include_tax=receipt.prices_include_tax,
        deposits_taxed=any(line.deposit_tax_minor for line in receipt.lines),
    )
    return Prices(came=catalogue, left=catalogue, started_ns=receipt.at_ns, adds=beside is not None)


def _own(line: ReceiptLine, receipt: ReceiptIssued) -> Product:
    """The goods of a line, at their share of what it cost without deposits."""
    unit_minor = line.unit_price_minor
    goods_minor = line.total_minor - line.deposit_minor - (0 if receipt.prices_include_tax else line.tax_minor)
    if line.discount_minor < 0 <= goods_minor:
        unit_minor = unit_minor * goods_minor // (goods_minor - line.discount_minor)
    return Product(
        product_id=line.product_id,
        name=line.name,
        price_minor=unit_minor,
        tax_class=line.tax_class,
        age_min=line.age_min,
        deposit_minor=line.deposit_minor // line.quantity,
        sold_by=line.sold_by,
    )


def _saying(receipt: ReceiptIssued, lines: tuple[tuple[str, int], ...]) -> ReviewDecided:
    return ReviewDecided(at_ns=receipt.at_ns, receipt_id=receipt.receipt_id, staff="", lines=lines)


def meant(case: Case, start: Start, changes: Mapping[str, int], catalogue: Catalogue) -> tuple[tuple[str, int], ...]:
    """All that is on the receipt when somebody says: as `start`, and of these products so many."""
    units: dict[str, int] = {}
    if start is Start.CHARGED:
        units = charged_units(case.lines, catalogue)
    elif start is Start.ESTIMATED:
        units = charged_units([replace(line, charged=True) for line in case.receipt.lines], catalogue)
    units.update(changes)
    return tuple((product_id, quantity) for product_id, quantity in units.items() if quantity > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What follows from a decision. `new` is whether anything does: somebody may have decided the same before."""

    corrected: ReceiptCorrected
    due: PaymentDue | None
    new: bool


def decide(case: Case, decided: ReviewDecided, prices: Prices) -> Ruling:
    """The correction that a decision means, and the money that is to move for it, if somebody pays this receipt.

    Raises UserError: more of something than anybody carries, another account pays it already, or the deposits of what
    was decided exceed what may be charged.
    """
    for product_id, quantity in decided.lines:
        if quantity > MOST_UNITS:
            product = prices.everything().by_id().get(product_id)
            name = product.name if product is not None else product_id
            raise UserError(
                f"nobody carries out {quantity} of {name}", fix=f"Say how many there are, {MOST_UNITS:,} at most."
            )
    if decided.account and case.account and decided.account != case.account:
        raise UserError(
            f"{case.receipt.receipt_id} is paid by {case.account} already", fix="Decide it without naming an account."
        )
    catalogue = prices.fair(case.receipt, decided)
    corrected = correct_receipt(case.receipt, decided, catalogue, previous=case.previous)
    wanted = charged_units([replace(line, charged=True) for line in corrected.lines], catalogue)
    if corrected.lines == case.lines and wanted != meant_units(decided, catalogue):
        most = format_minor(charged_minor(case.lines), corrected.currency)
        raise UserError(
            f"the deposits of these goods alone are more than the {most} that the shopper was told",
            fix="If they shall pay more than that, add --charge-more.",
        )
    due = _due(case, corrected)
    new = case.previous is None or due is not None or (corrected.lines, corrected.account) != (case.lines, case.account)
    return Ruling(corrected=corrected, due=due, new=new)


def meant_units(decided: ReviewDecided, catalogue: Catalogue) -> dict[str, int]:
    """Product -> how many of it a decision says that there are."""
    table = catalogue.by_id()
    units: dict[str, int] = {}
    for name, quantity in decided.lines:
        key = table[name].product_id if name in table else name
        units[key] = units.get(key, 0) + max(quantity, 0)
    return {key: quantity for key, quantity in units.items() if quantity}


def _due(case: Case, corrected: ReceiptCorrected) -> PaymentDue | None:
    difference = corrected.total_minor - case.asked_minor
    if corrected.account is None or not difference:
        return None
    return payment_due(
        at_ns=corrected.at_ns,
        purpose=PaymentPurpose.CHARGE if difference > 0 else PaymentPurpose.REFUND,
        visit_id=corrected.visit_id,
        receipt_id=corrected.receipt_id,
        account=corrected.account,
        amount_minor=abs(difference),
        currency=corrected.currency,
        decision=len(case.corrections) + 1,
    )


def find_product(text: str, case: Case, catalogue: Catalogue) -> str:
    """The product that a person means: its number (a GTIN in any length), or a part of its name that fits only one.

    What is on the receipt, or may have been, comes before the rest of the catalogue. Raises UserError.
    """
    table = catalogue.by_id()
    near = {line.product_id: line.name for line in (*case.receipt.lines, *case.lines)}
    near |= {
        other.product_id: other.name
        for line in case.receipt.lines
        for other in line.alternatives
        if other.product_id in table
    }
    near |= _doubted(case.receipt, catalogue)
    return find_sold(
        text,
        catalogue,
        near=near,
        otherwise=f"On this receipt are, or may have been: {_named(near, near) or 'none'}.",
    )


def find_sold(text: str, catalogue: Catalogue, *, otherwise: str, near: Mapping[str, str] | None = None) -> str:
    """A product of a catalogue by its number or a part of its name; `near` ones (id -> name) come first.

    Raises UserError where several fit, and with the advice `otherwise` where none does.
    """
    table = catalogue.by_id()
    if text in table:
        return table[text].product_id
    if near and text in near:
        return text
    everything = {product.product_id: product.name for product in catalogue.products}
    digits = text.lstrip("0")
    same = {product.product_id for name, product in table.items() if digits and name.lstrip("0") == digits}
    if text.isdigit() and len(same) == 1:
        return same.pop()
    for names in (near or {}, everything):
        fitting = _fitting(text.casefold(), names) if text else []
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UserError(
                f"{len(fitting)} products fit {text!r}: {_named(fitting, names)}", fix="Give more of its name."
            )
    raise UserError(f"no product fits {text!r}", fix=otherwise)


def _doubted(receipt: ReceiptIssued, catalogue: Catalogue) -> dict[str, str]:
    """Products that the reasons for a review name: of what was probably not taken there is no line."""
    said = "\n".join(receipt.reasons)
    found: dict[str, str] = {}
    for product in sorted(catalogue.products, key=lambda item: -len(item.name)):  # "Oat bar XL" is no "Oat bar"
        if product.name and product.name in said:
            found[product.product_id] = product.name
            said = said.replace(product.name, "")
    return found


def _fitting(text: str, names: Mapping[str, str]) -> list[str]:
    """Products of that very name; else with a word that begins so; else with that anywhere in their names."""
    folded = {key: name.casefold() for key, name in names.items()}
    exact = [key for key, name in folded.items() if name == text]
    begins = [key for key, name in folded.items() if f" {text}" in f" {name}"]
    return exact or begins or [key for key, name in folded.items() if text in name]


def _named(keys: Iterable[str], names: Mapping[str, str]) -> str:
    return ", ".join(f"{names[key]} ({key})" for key in list(keys)[:NAMED])
