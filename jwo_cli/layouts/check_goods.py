"""Goods against the plan: what is sold, where it stands, and whether any sensor can tell it from its neighbour.

Two products are alike to a scale when a guess by mass alone would be wrong more than once in twenty: with both masses
normal, that is |m1 - m2| < 2 · 1.645 · sqrt((s1² + s2²) / 2 + SCALE_G²), s = spread × mass. On one plate nothing else
tells them apart; on neighbouring plates of one shelf the place does, until something is put back beside its own.
"""

from __future__ import annotations

import difflib
import math
from itertools import combinations, zip_longest
from itertools import product as product_pairs

from jwo_cli.layouts.known import Known
from jwo_cli.layouts.places import Places
from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.gtin import gtin_problem, upc_e_expand
from jwo_cli.model.layout import Facing, Store

SCALE_G = 2.0  # standard deviation of a weight change between two settled levels of a shelf plate
ONE_IN_TWENTY = 1.645
LIGHT_G = 2.0


def check(store: Store, places: Places, known: Known) -> list[Finding]:
    """Products, facings, taxes and promotions, and pairs that look alike."""
    products = store.catalogue.by_id()
    findings = _products(store.catalogue, places)
    findings += _facings(store, products, places, known)
    findings += _antennas(store, places, known)
    for promotion in store.catalogue.promotions:
        findings += _promotion(promotion, products, places, known)
    findings += _alike(store, products, places)
    return findings


def _products(catalogue: Catalogue, places: Places) -> list[Finding]:
    classes = [rate.tax_class for rate in catalogue.taxes]
    findings = []
    for product in catalogue.products:
        ident = product.product_id
        problem = gtin_problem(ident)
        if problem is not None and not (len(ident) == 8 and upc_e_expand(ident)):
            whole = upc_e_expand(ident)
            fix = (
                f"It may be the scanner's short form of {whole}."
                if whole
                else "Correct it, or keep it if it is your own."
            )
            findings.append(places.finding("product", ident, "gtin", problem, fix, severity=Severity.WARNING))
        if classes and product.tax_class not in classes:
            near = difflib.get_close_matches(product.tax_class, classes, 1)
            fix = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(classes)}, or add a [[tax]]."
            problem = f"{ident} has the tax class {product.tax_class!r}, which no [[tax]] defines"
            findings.append(places.finding("product", ident, "tax_class", problem, fix))
        if product.unit_mass_g is not None and product.unit_mass_g < LIGHT_G:
            problem = f"{ident} ({product.name}) weighs {product.unit_mass_g:g} g, too little for a shelf scale"
            fix = "Give grams, not kilograms."
            findings.append(places.finding("product", ident, "unit_mass_g", problem, fix, severity=Severity.WARNING))
    if not classes and catalogue.products:
        problem = "there are no tax rates; receipts will show no tax"
        fix = 'Add [[tax]] with class = "standard" and rate_percent.'
        findings.append(places.finding("store", "", "", problem, fix, severity=Severity.WARNING))
    return findings


def _facings(store: Store, products: dict[str, Product], places: Places, known: Known) -> list[Finding]:
    plates = {ident: shelf for ident, (_, shelf, _) in store.plates().items()}
    findings: list[Finding] = []
    used: dict[str, None] = {}
    for index, facing in enumerate(store.facings):
        used.update(dict.fromkeys(facing.plates))
        where = ("facing", str(index))
        product = products.get(facing.product_id)
        if known.lacks(facing.product_id, products):
            near = difflib.get_close_matches(facing.product_id, products, 1, cutoff=0.8)
            fix = f"Did you mean {near[0]} ({products[near[0]].name})?" if near else "Add it to the catalogue."
            problem = f"product {facing.product_id} is not in the catalogue"
            findings.append(places.finding(*where, "product", problem, fix))
        if product is not None and product.unit_mass_g is None and product.sold_by is SoldBy.UNIT:
            problem = f"{facing.product_id} ({product.name}) stands on a scale but nobody has weighed it"
            fix = "Give its unit_mass_g in the catalogue."
            findings.append(places.finding(*where, "product", problem, fix, severity=Severity.WARNING))
        findings += _facing_plates(facing, index, list(plates), places, known)
        shelves = list(dict.fromkeys(plates[plate].shelf_id for plate in facing.plates if plate in plates))
        if len(shelves) > 1:
            problem = f"one facing spans the shelves {' and '.join(shelves)}"
            findings.append(places.finding(*where, "plates", problem, "Write one facing for each shelf."))
    if known.plates:
        findings += _empty(store, used, places)
    return findings


def _facing_plates(facing: Facing, index: int, plates: list[str], places: Places, known: Known) -> list[Finding]:
    findings = []
    where = ("facing", str(index))
    if not facing.plates:
        findings.append(places.finding(*where, "plates", f"{facing.product_id} stands on no plate", "Name its plates."))
    for ident in dict.fromkeys(facing.plates):
        if facing.plates.count(ident) > 1:
            findings.append(places.finding(*where, "plates", f"plate {ident} is named twice", "Name it once."))
        if ident not in plates and known.plates:
            near = difflib.get_close_matches(ident, plates, 1)
            fix = f"Did you mean {near[0]}?" if near else "Name a plate of a [[fixture]]."
            findings.append(places.finding(*where, "plates", f"there is no plate {ident!r}", fix))
    return findings


def _empty(store: Store, used: dict[str, None], places: Places) -> list[Finding]:
    """Plates that no facing names, one finding a shelf."""
    findings = []
    for _, shelf in store.shelves():
        empty = [plate.plate_id for plate in shelf.plates if plate.plate_id not in used]
        if empty:
            listed = ", ".join(empty) if len(empty) <= 4 else f"{empty[0]} … {empty[-1]} ({len(empty)} plates)"
            problem = f"nothing stands on {listed}"
            fix = "Add a facing, or take the plates out of the layout; what is put there cannot be named."
            findings.append(places.finding("plate", empty[0], "", problem, fix, severity=Severity.WARNING))
    return findings


def _antennas(store: Store, places: Places, known: Known) -> list[Finding]:
    plates = store.plates()
    return [
        places.finding(
            "antenna", antenna.antenna_id, "plates", f"there is no plate {ident!r}", "Name plates of a [[fixture]]."
        )
        for antenna in store.antennas
        for ident in antenna.plates
        if known.plates and ident not in plates
    ]


def _promotion(promotion: Promotion, products: dict[str, Product], places: Places, known: Known) -> list[Finding]:
    where = ("promotion", promotion.promotion_id)
    findings = []
    if not promotion.products:
        findings.append(places.finding(*where, "products", "the promotion is about no product", "Name its products."))
    for ident in promotion.products:
        if known.lacks(ident, products):
            near = difflib.get_close_matches(ident, products, 1, cutoff=0.8)
            fix = f"Did you mean {near[0]} ({products[near[0]].name})?" if near else "Add it to the catalogue."
            findings.append(places.finding(*where, "products", f"product {ident} is not in the catalogue", fix))
    kind, value, quantity = promotion.kind, promotion.value, promotion.quantity
    if kind is PromotionKind.PERCENT_OFF and not 0 < value <= 100:
        findings.append(places.finding(*where, "value", f"{value} % off is no promotion", "Give 1 to 100."))
    if kind in (PromotionKind.AMOUNT_OFF, PromotionKind.MULTI_BUY) and value <= 0:
        findings.append(places.finding(*where, "value", "the amount is nothing", "Give an amount of money."))
    if kind in (PromotionKind.MULTI_BUY, PromotionKind.BUY_N_PAY_M) and quantity < 2:
        findings.append(places.finding(*where, "quantity", f"{quantity} is no multi-buy", "Give 2 or more."))
    if kind is PromotionKind.BUY_N_PAY_M and not 0 < value < max(quantity, 2):
        problem = f"buy {quantity}, pay {value} gives nothing away"
        findings.append(places.finding(*where, "value", problem, "Give the units to pay, fewer than quantity."))
    if promotion.from_ns is not None and promotion.until_ns is not None and promotion.until_ns <= promotion.from_ns:
        findings.append(places.finding(*where, "until", "it ends before it begins", "Give a later date."))
    return findings


def _alike(store: Store, products: dict[str, Product], places: Places) -> list[Finding]:
    """Pairs on one plate or on neighbouring plates of one shelf, once a pair, unless RFID covers both."""
    tagged = _tagged_plates(store)
    on_plate: dict[str, list[tuple[int, Product]]] = {}
    for index, facing in enumerate(store.facings):
        product = products.get(facing.product_id)
        for plate in dict.fromkeys(facing.plates):
            if product is not None and plate not in tagged:
                on_plate.setdefault(plate, []).append((index, product))
    seen: set[tuple[str, str]] = set()
    findings: list[Finding] = []
    for same_plate in (True, False):
        for _, shelf in store.shelves():
            idents = [plate.plate_id for plate in shelf.plates]
            for ident, beside in zip_longest(idents, idents[1:], fillvalue=""):
                here, right = on_plate.get(ident, []), on_plate.get(beside, [])
                for one, two in combinations(here, 2) if same_plate else product_pairs(here, right):
                    findings += _pair(one, two, ident, seen, places, same_plate=same_plate)
    return findings


def _pair(
    one: tuple[int, Product], two: tuple[int, Product], plate: str, seen: set[tuple[str, str]], places: Places,
    *, same_plate: bool,
) -> list[Finding]:  # fmt: skip
    """A finding when two products look alike; `seen` pairs are told once."""
    a, b = one[1], two[1]
    key = (min(a.product_id, b.product_id), max(a.product_id, b.product_id))
    if a.product_id == b.product_id or key in seen:
        return []
    known = all(item.unit_mass_g is not None and item.sold_by is SoldBy.UNIT for item in (a, b))
    reason = alike(a, b) if same_plate or known else None
    if reason is None:
        return []
    seen.add(key)
    names = f"{a.product_id} ({a.name}) and {b.product_id} ({b.name})"
    if same_plate:
        problem = f"no sensor can tell {names} apart: both stand on {plate} and {reason}"
        fix = "Give them plates of their own, or an RFID antenna."
    else:
        problem = f"{names} are neighbours at {plate} and {reason}: one put back beside its own passes for the other"
        fix = "Put something of another mass between them, or live with reviews."
    return [places.finding("facing", str(two[0]), "plates", problem, fix, severity=Severity.WARNING)]


def alike(one: Product, two: Product) -> str | None:
    """Why a scale cannot tell two products apart, or None when it can."""
    if SoldBy.WEIGHT in (one.sold_by, two.sold_by):
        return "one of them is sold by weight, so that any mass may be either"
    if one.unit_mass_g is None or two.unit_mass_g is None:
        return "one of them has no mass"
    spread = ((one.mass_cv * one.unit_mass_g) ** 2 + (two.mass_cv * two.unit_mass_g) ** 2) / 2
    needed = 2 * ONE_IN_TWENTY * math.sqrt(spread + SCALE_G**2)
    apart = abs(one.unit_mass_g - two.unit_mass_g)
    if apart >= needed:
        return None
    return f"their masses are {apart:.1f} g apart where {needed:.1f} g are needed"


def _tagged_plates(store: Store) -> set[str]:
    """Plates in an antenna's field: those it names, else those within its range."""
    covered: set[str] = set()
    centres = {ident: fixture.pose.apply(*plate.box.centre()) for ident, (fixture, _, plate) in store.plates().items()}
    for antenna in store.antennas:
        if antenna.plates:
            covered.update(antenna.plates)
        else:
            place = (antenna.pose.x_m, antenna.pose.y_m, antenna.pose.z_m)
            covered.update(ident for ident, centre in centres.items() if math.dist(place, centre) <= antenna.range_m)
    return covered
