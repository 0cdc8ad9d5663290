"""Edited layout files made entries of a store that runs: prices, promotions, taxes, and what stands where.

What cannot change under people's hands (walls, fixtures, plates, gates, cameras, the currency) is refused by name: it
is in force from the next run on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from jwo_cli import console
from jwo_cli.drive.staff import tell, who
from jwo_cli.drive.state import in_force
from jwo_cli.journal import Intake
from jwo_cli.model.catalogue import Product, SoldBy
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.staffing import CatalogueChanged, PlanogramChanged
from jwo_cli.model.units import format_minor
from jwo_cli.synthetic.made import find_store

FIXED = ("store_id", "timezone", "floor", "zones", "gates", "fixtures", "cameras", "antennas")
FIXED_CATALOGUE = ("currency", "prices_include_tax", "scale_interval_g", "deposits_taxed")

# What is said of goods that the edited file lacks.
KEPT = "not in the file any more; it keeps its price until the store begins anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What changed, in words, and the entries that say it; empty where the files are in force already."""

    changes: tuple[str, ...]
    entries: tuple[int, ...]


def apply_files(
    layout: Path | None, journal: Path | None, staff: str, *, planogram: bool, catalogue: bool, dry_run: bool
) -> Applied:
    """`apply_layout` for commands: what is not named is the store directory's, or the user's name."""
    settings = console.store_settings()
    files = layout if layout is not None else None if settings is None else settings.layout
    if files is None:
        raise UserError("which layout?", fix="Name its folder or store.toml, or run this in a store directory.")
    place = console.journal_or_fail(journal)
    return apply_layout(place, files, staff=staff or who(), planogram=planogram, catalogue=catalogue, dry_run=dry_run)


def tell_applied(applied: Applied, *, as_json: bool) -> None:
    """What changed, and that it holds from now on."""
    if as_json:
        console.print_json(applied)
        return
    console.out("\n".join(applied.changes) or "nothing changes")
    if applied.entries:
        many = "entries" if len(applied.entries) > 1 else "entry"
        console.say(f"In force now: {many} {', '.join(map(str, applied.entries))}.")


def apply_layout(
    journal: Path, layout: Path, *, staff: str, planogram: bool, catalogue: bool, dry_run: bool = False
) -> Applied:
    """Bring the files of a layout into the store that runs. Raises UserError: no run, files with errors, too much."""
    wanted = find_store(str(layout))
    with Intake.open(journal, create=False) as intake:
        now = in_force(journal, intake)
        _only_goods(now, wanted)
        found: list[tuple[list[str], CatalogueChanged | PlanogramChanged | None]] = []
        if catalogue:
            found.append(_prices(now, wanted, staff))
        if planogram:
            found.append(_places(now, wanted, staff))
        changes = [line for lines, _ in found for line in lines]
        entries = [tell(intake, change, staff=staff).seq for _, change in found if change is not None and not dry_run]
    return Applied(changes=tuple(changes), entries=tuple(entries))


def _only_goods(now: Store, wanted: Store) -> None:
    others = [name for name in FIXED if getattr(now, name) != getattr(wanted, name)]
    others += [name for name in FIXED_CATALOGUE if getattr(now.catalogue, name) != getattr(wanted.catalogue, name)]
    if others:
        raise UserError(
            f"the files change more than goods and prices: {', '.join(others)}",
            fix="Close the store (`jwo store down`) and run it again: it then begins with these files.",
        )


def _prices(now: Store, wanted: Store, staff: str) -> tuple[list[str], CatalogueChanged | None]:
    before = {product.product_id: product for product in now.catalogue.products}
    products = tuple(item for item in wanted.catalogue.products if before.get(item.product_id) != item)
    kept = {item.product_id for item in wanted.catalogue.products}
    taxes = wanted.catalogue.taxes if wanted.catalogue.taxes != now.catalogue.taxes else None
    promotions = wanted.catalogue.promotions if wanted.catalogue.promotions != now.catalogue.promotions else None
    lines, currency = [], wanted.catalogue.currency
    for item in products:
        old = before.get(item.product_id)
        if old is None:
            lines.append(f"{item.product_id} {item.name}: new, {_price(item, currency)}")
        elif old.price_minor != item.price_minor:
            lines.append(f"{item.product_id} {item.name}: {_price(old, currency)} → {_price(item, currency)}")
        else:
            lines.append(f"{item.product_id} {item.name}: changed, price as before")
    lines += [f"{len(taxes)} tax rates"] if taxes is not None else []
    lines += [f"{len(promotions)} promotions in all"] if promotions is not None else []
    # A unit may stand on a shelf or be in somebody's hand: without a price it could not be charged.
    lines += [f"{name} {item.name}: {KEPT}" for name, item in before.items() if name not in kept]
    if not (products or taxes is not None or promotions is not None):
        return lines, None
    change = CatalogueChanged(at_ns=time.time_ns(), staff=staff, products=products, taxes=taxes, promotions=promotions)
    return lines, change


def _price(item: Product, currency: str) -> str:
    return format_minor(item.price_minor, currency) + ("/kg" if item.sold_by is SoldBy.WEIGHT else "")


def _places(now: Store, wanted: Store, staff: str) -> tuple[list[str], PlanogramChanged | None]:
    if now.facings == wanted.facings:
        return [], None
    before, after = set(now.facings), set(wanted.facings)
    lines = [f"{item.product_id} on {', '.join(item.plates)}" for item in wanted.facings if item not in before]
    lines += [f"{item.product_id} no longer on {', '.join(item.plates)}" for item in now.facings if item not in after]
    change = PlanogramChanged(at_ns=time.time_ns(), staff=staff, facings=wanted.facings, layout_version=wanted.version)
    return lines, change
