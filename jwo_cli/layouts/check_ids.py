"""One name, one thing: ids and channels are unique, whatever they name."""

from __future__ import annotations

from collections.abc import Iterable

from jwo_cli.layouts.places import Places
from jwo_cli.model.findings import Finding
from jwo_cli.model.layout import Store


def check(store: Store, places: Places) -> list[Finding]:
    """Ids that stand twice, channels that two plates share, aliases that are taken."""
    shelves = [shelf for _, shelf in store.shelves()]
    plates = [plate for shelf in shelves for plate in shelf.plates]
    named = {
        "zone": [item.zone_id for item in store.zones],
        "gate": [item.gate_id for item in store.gates],
        "fixture": [item.fixture_id for item in store.fixtures],
        "bay": [bay.bay_id for item in store.fixtures for bay in item.bays],
        "shelf": [item.shelf_id for item in shelves],
        "plate": [item.plate_id for item in plates],
        "camera": [item.camera_id for item in store.cameras],
        "antenna": [item.antenna_id for item in store.antennas],
        "tax": [item.tax_class for item in store.catalogue.taxes],
        "promotion": [item.promotion_id for item in store.catalogue.promotions],
        "product": [item.product_id for item in store.catalogue.products],
    }
    findings = []
    for kind, idents in named.items():
        for ident in _repeated(idents):
            problem = f"the {kind} id {ident!r} is given more than once"
            name = "class" if kind == "tax" else "gtin" if kind == "product" else "id"
            findings.append(places.finding(kind, ident, name, problem, f"Give each {kind} an id of its own."))
    owner: dict[str, str] = {}
    for plate in plates:
        first = owner.setdefault(plate.channel, plate.plate_id)
        if first != plate.plate_id:
            line = places.line("plate", first)
            at = f" (line {line})" if line is not None else ""
            problem = f"{plate.plate_id} has channel {plate.channel}, which {first}{at} has already"
            fix = "Each plate has its own wire; look up device:row:column on the converter."
            findings.append(places.finding("plate", plate.plate_id, "channel", problem, fix))
    return findings + _aliases(store, places)


def _aliases(store: Store, places: Places) -> list[Finding]:
    findings = []
    owner = {product.product_id: product.product_id for product in store.catalogue.products}
    for product in store.catalogue.products:
        for alias in product.aliases:
            first = owner.setdefault(alias, product.product_id)
            if first != product.product_id:
                problem = f"{alias} is an alias of {product.product_id} but means {first} already"
                fix = "A number means one product; take it away from one of them."
                findings.append(places.finding("product", product.product_id, "aliases", problem, fix))
    return findings


def _repeated(idents: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for ident in idents:
        counts[ident] = counts.get(ident, 0) + 1
    return [ident for ident, count in counts.items() if count > 1]
