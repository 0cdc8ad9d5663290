"""What could explain a mass at a place, whoever moved it: units of the facings there, alone or two products at once.

Mass says which product and how many; place says which facing. A unit may lean over its facing's edge (the share on its
own plates counts), two products must each show their part on the plates that are theirs alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import WeightChanged

from .beliefs import Lot
from .masses import MassBook, normal_density
from .settings import EngineSettings

_TINY = 1e-250
# Goods sold by weight: any amount up to this is as likely as any other.
_SCOOP_G = 3000.0


@dataclass(frozen=True, slots=True)
class Option:
    """Products that would explain a change whoever did it: log weight and (product, count, mass share in grams).

    `log_density` is the weight without the prior of taking that many.
    """

    log_weight: float
    items: tuple[tuple[str, int, float], ...]
    log_density: float = 0.0

    def goods(self) -> tuple[tuple[str, int], ...]:
        """Products and counts, sorted."""
        return tuple(sorted((product, count) for product, count, _ in self.items))

    def halves(self) -> tuple[tuple[Option, Option], ...]:
        """The ways in which two people can each have taken one of exactly two units."""
        match self.items:
            case ((product, 2, mass),):
                half = Option(0.0, ((product, 1, mass / 2),))
                return ((half, half),)
            case ((_, 1, _) as a, (_, 1, _) as b):
                first, second = Option(0.0, (a,)), Option(0.0, (b,))
                return ((first, second), (second, first))
            case _:
                return ()


@dataclass(frozen=True, slots=True)
class View:
    """An event with its sums: total change, its sigma, and the share of the change on each plate.

    `parts` says that several events are taken as one: their sum must fit a mass that is no mere suspicion.
    """

    event: WeightChanged
    seq: int
    delta_g: float
    sigma_g: float
    shares: tuple[tuple[str, float], ...]
    parts: bool = False


class Offers:
    """The planogram by plate and the masses by product."""

    def __init__(self, store: Store, masses: MassBook, settings: EngineSettings) -> None:
        self._settings = settings
        self._masses = masses
        self._products = store.catalogue.by_id()
        self._facings: dict[str, dict[str, None]] = {}
        for facing in store.facings:
            known = self._products.get(facing.product_id)
            for plate in facing.plates:
                if known is not None:
                    self._facings.setdefault(plate, {})[known.product_id] = None
        self._homes: dict[str, dict[str, None]] = {}
        for plate, products in self._facings.items():
            for product_id in products:
                self._homes.setdefault(product_id, {})[plate] = None
        self._beside: dict[str, tuple[str, ...]] = {}
        for _, shelf in store.shelves():
            ids = [plate.plate_id for plate in shelf.plates]
            for index, plate_id in enumerate(ids):
                self._beside[plate_id] = tuple(ids[max(index - 1, 0) : index] + ids[index + 1 : index + 2])

    def stands_at(self, product_id: str, plates: Sequence[str]) -> bool:
        """Whether a product has a facing on one of these plates."""
        return any(plate in self.home(product_id) for plate in plates)

    def knows(self, product_id: str) -> bool:
        """Whether the catalogue has a product."""
        return product_id in self._products

    def by_weight(self, product_id: str) -> bool:
        """Whether a product is sold by weight."""
        return self._products[product_id].sold_by is SoldBy.WEIGHT

    def home(self, product_id: str) -> dict[str, None]:
        """The plates of a product's facings."""
        return self._homes.get(product_id, {})

    def beside(self, plate_id: str) -> tuple[str, ...]:
        """A plate's neighbours on its shelf."""
        return self._beside.get(plate_id, ())

    def plates_around(self, event: WeightChanged) -> tuple[str, ...]:
        """The event's plates and their neighbours on the shelf, each once."""
        around = {delta.plate_id: None for delta in event.plates}
        for delta in event.plates:
            for beside in self._beside.get(delta.plate_id, ()):
                around.setdefault(beside)
        return tuple(around)

    def options(self, view: View) -> list[Option]:
        """Everything that can have left with this mass from this place, a stranger last resort included."""
        near = self.near_products(view)
        mass = -view.delta_g
        settings = self._settings
        options = [Option(math.log(settings.stranger_prior / settings.stranger_span_g), ())]
        for product_id, place in near.items():
            for count, prior in enumerate(settings.count_prior, 1):
                density = self.density(product_id, mass, view.sigma_g, count, firm=view.parts)
                if density > _TINY:
                    weight = math.log(density) + place
                    options.append(Option(math.log(prior) + weight, ((product_id, count, mass),), weight))
                if self._products[product_id].sold_by is SoldBy.WEIGHT:
                    break
        if settings.use_pairs:
            options += self._pairs(view, near, mass)
        return options

    def near_products(self, view: View) -> dict[str, float]:
        """Products with a facing on or beside the event's plates -> log place weight."""
        near: dict[str, float] = {}
        for plate in self.plates_around(view.event):
            for product_id in self._facings.get(plate, {}):
                near.setdefault(product_id, self.place(view, product_id))
        return near

    def place(self, view: View, product_id: str) -> float:
        """Log weight of a product by the share of the change that its own plates show."""
        if not self._settings.use_place:
            return 0.0
        share = math.fsum(part for plate, part in view.shares if plate in self.home(product_id))
        low = self._settings.neighbour_prior
        return math.log(low + (1.0 - low) * min(max(share, 0.0), 1.0) ** 2)

    def _pairs(self, view: View, near: dict[str, float], mass: float) -> list[Option]:
        products = list(near)
        deltas = {item.plate_id: item for item in view.event.plates}
        found = []
        for i, a in enumerate(products):
            for b in products[i + 1 :]:
                covered = {**self._homes[a], **self._homes[b]}
                outside = math.fsum(part for plate, part in view.shares if plate not in covered)
                inside = min(max(1.0 - outside, 0.0), 1.0)
                place = math.log(0.02 + 0.98 * inside**2) if self._settings.use_place else 0.0
                own_a = [d.delta_g for p, d in deltas.items() if p in self._homes[a] and p not in self._homes[b]]
                own_b = [d.delta_g for p, d in deltas.items() if p in self._homes[b] and p not in self._homes[a]]
                # Products that share all their plates tell nothing by place.
                own = (
                    -math.fsum(own_a) if any(p not in self._homes[b] for p in self._homes[a]) else None,
                    -math.fsum(own_b) if any(p not in self._homes[a] for p in self._homes[b]) else None,
                )
                for count_a, count_b in ((1, 1), (2, 1), (1, 2)):
                    score = self._pair_density((a, count_a), (b, count_b), own, view)
                    if score <= _TINY:
                        continue
                    prior = self._settings.pair_prior * (1.0 if count_a == count_b else 0.15)
                    share_a = self._masses[a].unit_mass_g() * count_a
                    share_b = self._masses[b].unit_mass_g() * count_b
                    part = mass * share_a / max(share_a + share_b, 1e-9)
                    items = ((a, count_a, part), (b, count_b, mass - part))
                    weight = math.log(score) + place
                    found.append(Option(math.log(prior) + weight, items, weight))
        return found

    def _pair_density(
        self, a: tuple[str, int], b: tuple[str, int], own: tuple[float | None, float | None], view: View
    ) -> float:
        """Density of the sum, times how well the plates that are each one's alone show its part (units straddle)."""
        (name_a, count_a), (name_b, count_b) = a, b
        belief_a, belief_b = self._masses[name_a], self._masses[name_b]
        mass, total = -view.delta_g, 0.0
        parts_a = belief_a.firm(count_a) if view.parts else belief_a.components(count_a)
        parts_b = belief_b.firm(count_b) if view.parts else belief_b.components(count_b)
        for weight_a, mean_a, var_a in parts_a:
            for weight_b, mean_b, var_b in parts_b:
                both = normal_density(mass - mean_a - mean_b, var_a + var_b + view.sigma_g**2)
                # What left one's own plates is its part, give or take what leans over onto others.
                squares = [
                    ((part - mean) / (0.25 * mean + 3.0 * view.sigma_g)) ** 2
                    for part, mean in zip(own, (mean_a, mean_b), strict=True)
                    if part is not None
                ]
                shown = math.exp(-0.5 * math.fsum(squares))
                total += weight_a * weight_b * both * max(shown, self._settings.neighbour_prior)
        return total

    def density(self, product_id: str, mass_g: float, sigma_g: float, count: int, *, firm: bool = False) -> float:
        """Density (1/g) of `count` units of a product showing this mass on a scale with this noise."""
        product = self._products[product_id]
        if product.sold_by is SoldBy.WEIGHT:
            return 1.0 / _SCOOP_G if 3.0 * sigma_g < mass_g < _SCOOP_G else 0.0
        if not self._settings.use_mass:
            return 1e-3
        return self._masses[product_id].density(mass_g, sigma_g, count, firm=firm)

    def unit(self, product_id: str) -> tuple[float, float]:
        """Mean and variance (g, g²) of one unit of a product, as its mass is believed now."""
        belief = self._masses[product_id]
        mean = belief.unit_mass_g()
        return mean, (belief.cv * mean) ** 2

    def part(self, lot: Lot, count: int) -> tuple[float, float]:
        """Mean and variance (g, g²) of `count` of a lot's units: their own measured mass, not the catalogue's."""
        if lot.units == count:
            return lot.mass_g, lot.var_g2
        share = count / lot.units
        belief = self._masses[lot.product_id]
        unit = lot.mass_g / lot.units
        between = count * (lot.units - count) / lot.units * (belief.cv * unit) ** 2
        return lot.mass_g * share, between + share * share * lot.var_g2


def shares_of(event: WeightChanged) -> tuple[tuple[str, float], ...]:
    """The share of a change, by absolute grams, on each of its plates."""
    total = math.fsum(abs(item.delta_g) for item in event.plates)
    if total <= 0:
        return ()
    return tuple((item.plate_id, round(abs(item.delta_g) / total, 4)) for item in event.plates)
