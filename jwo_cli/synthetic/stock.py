"""What stands where: every unit with its own mass and the plates that carry it.

Unit masses scatter by the product's spread around a true mean that is off the catalogue's by 0.4 % (the catalogue was
weighed once, by hand); four in ten units of a wide facing stand on two plates (26 of 66 true events do), with a quarter
to three quarters of the weight on each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jwo_cli.model.catalogue import Product, SoldBy
from jwo_cli.model.layout import Facing, Store

from .draws import Floats, between, chance, named, pick_one

STRADDLE = 0.4
TYPICAL_PORTION_G = 200.0  # of goods sold by weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing: its product, its mass, and where it stands (empty while somebody carries it)."""

    product_id: str
    mass_g: float
    plates: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    home: bool = True


def stockable(product: Product) -> bool:
    """Whether units of it can be made: of known mass, or weighed when sold."""
    return product.unit_mass_g is not None or product.sold_by is SoldBy.WEIGHT


class Stock:
    """The goods of a store. Units on a plate of another product are misplaced until taken."""

    def __init__(
        self,
        store: Store,
        *,
        seed: int,
        db_bias: float = 0.004,
        mass_cv: float | None = None,
        true_mass_g: Mapping[str, float] | None = None,
        silent: frozenset[str] = frozenset(),
        straddle: float = 1.0,
    ) -> None:
        self.store = store
        self._rng = named(seed, "stock")
        self._straddle = STRADDLE * straddle
        self.products = {product.product_id: product for product in store.catalogue.products}
        plates = store.plates()
        self.facings = tuple(
            facing
            for facing in store.facings
            if facing.product_id in self.products
            and stockable(self.products[facing.product_id])
            and all(plate in plates and plates[plate][0].fixture_id not in silent for plate in facing.plates)
        )
        self._cv = mass_cv
        self._mean_g = {}
        for product in store.catalogue.products:
            listed = (true_mass_g or {}).get(product.product_id, product.unit_mass_g)
            if listed is not None:
                self._mean_g[product.product_id] = listed * (1.0 + db_bias * float(self._rng.standard_normal()))
        self.misplaced: list[Unit] = []

    def facing_of(self, product_id: str) -> Facing:
        """A facing of this product. Raises KeyError when it has none on a live plate."""
        found = [facing for facing in self.facings if facing.product_id == product_id]
        if not found:
            raise KeyError(product_id)
        return found[0] if len(found) == 1 else pick_one(self._rng, found)

    def mean_g(self, product_id: str) -> float:
        """True mean mass of a unit, grams."""
        return self._mean_g.get(product_id, TYPICAL_PORTION_G)

    def unit(self, product_id: str) -> Unit:
        """A fresh unit; goods sold by weight come in portions of 60-400 g."""
        product: Product = self.products[product_id]
        if product.sold_by is SoldBy.WEIGHT:
            return Unit(product_id=product_id, mass_g=round(between(self._rng, 60.0, 400.0), 1))
        cv = product.mass_cv if self._cv is None else self._cv
        spread = 1.0 + cv * float(np.clip(self._rng.standard_normal(), -3.5, 3.5))
        return Unit(product_id=product_id, mass_g=self._mean_g[product_id] * spread)

    def take(self, facing: Facing, count: int) -> list[Unit]:
        """Units off a facing: all from one place, as a hand takes them."""
        where = self.spot(facing.plates)
        return [replace(self.unit(facing.product_id), plates=where[0], shares=where[1]) for _ in range(count)]

    def spot(self, plates: Sequence[str]) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """A place within a facing: one plate, or two neighbours and how the weight is shared."""
        index = int(self._rng.integers(len(plates)))
        if len(plates) > 1 and chance(self._rng, self._straddle):
            index = min(index, len(plates) - 2)
            share = between(self._rng, 0.25, 0.75)
            return (plates[index], plates[index + 1]), (share, 1.0 - share)
        return (plates[index],), (1.0,)

    def set_down(self, unit: Unit, plates: tuple[str, ...], shares: tuple[float, ...]) -> Unit:
        """The unit at its new place; remembered as misplaced where its product has no facing."""
        home = any(f.product_id == unit.product_id and set(plates) <= set(f.plates) for f in self.facings)
        placed = replace(unit, plates=plates, shares=shares, home=home)
        if not home:
            self.misplaced.append(placed)
        return placed

    def take_misplaced(self, product_id: str) -> Unit | None:
        """The misplaced unit of a product that was put down first, gone from its place."""
        for i, unit in enumerate(self.misplaced):
            if unit.product_id == product_id:
                return self.misplaced.pop(i)
        return None


def grams_by_plate(units: Sequence[Unit]) -> tuple[tuple[str, ...], Floats]:
    """(plates in order, masses [units, plates])."""
    plates = tuple(dict.fromkeys(plate for unit in units for plate in unit.plates))
    grams = np.zeros((len(units), len(plates)))
    for row, unit in enumerate(units):
        for plate, share in zip(unit.plates, unit.shares, strict=True):
            grams[row, plates.index(plate)] += unit.mass_g * share
    return plates, grams
