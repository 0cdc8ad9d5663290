"""What units weigh: the catalogue's mass, doubted and corrected by what was seen to leave.

For each product two readings compete: the catalogue is right within its bias, or it is wrong and only measurements
count. Confirmed events move the odds (Bayes) and sharpen both means (conjugate normal updates). The real nanostore's
table has such errors: a bottle listed with 666 g weighs 1064 g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Product

# Relative bias of a catalogue mass against the mean of the units on the shelf: 0.4 % in the data's description,
# doubled here because packaging and filling change over a product's life.
LISTED_BIAS = 0.008
# One in a hundred listed masses is plainly wrong (2 of 178 in the real store's table).
PRIOR_WRONG = 0.012
# Some products vary more than the table says (hand-packed, refilled, another batch): this share, this much wider.
_LOOSE, _LOOSE_SPREAD = 0.05, 3.0
# Beyond this the list's mass plays no part any more.
_DISPROVED = 0.9
# A suspicion never makes a list more wrong than this; a confirmed event may.
_SUSPECT_AT_MOST = 0.9
# A wrong mass may be off by any factor up to 20 (41 g is listed for a jar of 550 g): log-uniform.
_WRONG_FACTOR = 20.0


@dataclass(slots=True)
class MassBelief:
    """Belief about one product's mean unit mass: both readings' mean and variance, and the odds between them."""

    listed_g: float | None
    cv: float
    mean_g: float
    var_g2: float
    wrong: float
    measured_g: float = 0.0
    measured_var_g2: float = math.inf
    events: int = 0
    reported: bool = False

    def copy(self) -> MassBelief:
        """What is believed now, to compare with later."""
        return replace(self)

    def components(self, count: int) -> tuple[tuple[float, float, float], ...]:
        """(weight, mean, variance) of the mass of `count` units, without the scale's noise and the broad part."""
        spread = count * (self.cv * self.mean_g) ** 2 + count * count * self.var_g2
        mean, right = count * self.mean_g, 1.0 - self.wrong
        parts = [(right * (1.0 - _LOOSE), mean, spread), (right * _LOOSE, mean, spread * _LOOSE_SPREAD**2)]
        if self.events and self.measured_var_g2 < math.inf:
            measured_spread = count * (self.cv * self.measured_g) ** 2
            parts.append((self.wrong, count * self.measured_g, measured_spread + count**2 * self.measured_var_g2))
        return tuple(parts)

    def firm(self, count: int) -> tuple[tuple[float, float, float], ...]:
        """The components that are no mere suspicion: the list's, or what was measured once the list is disproved."""
        parts = self.components(count)
        return parts[-1:] if self.wrong > _DISPROVED else parts[:2]

    def density(self, mass_g: float, sigma_g: float, count: int, *, firm: bool = False) -> float:
        """Probability density (1/g) that `count` units show `mass_g` on a scale with noise `sigma_g`.

        With `firm` only masses that are no mere suspicion count.
        """
        total = 0.0
        for weight, mean, var in self.firm(count) if firm else self.components(count):
            total += weight * normal_density(mass_g - mean, var + sigma_g * sigma_g)
        if firm:
            return total
        if not (self.events and self.measured_var_g2 < math.inf) and self.mean_g > 0:
            total += self.wrong * wrong_density(mass_g, self.mean_g * count)
        return total

    def absorb(self, unit_g: float, noise_g2: float) -> None:
        """One more measured unit mass (conjugate normal update)."""
        if math.isinf(self.measured_var_g2):
            self.measured_g, self.measured_var_g2 = unit_g, noise_g2
        else:
            gain = self.measured_var_g2 / (self.measured_var_g2 + noise_g2)
            self.measured_g += gain * (unit_g - self.measured_g)
            self.measured_var_g2 *= 1.0 - gain
        self.events += 1

    def unit_mass_g(self) -> float:
        """The best single figure for one unit."""
        return self.measured_g if self.wrong > 0.5 and self.events else self.mean_g


def normal_density(error: float, var: float) -> float:
    """Density of N(0, var) at `error`."""
    return math.exp(-0.5 * error * error / var) / math.sqrt(2.0 * math.pi * var)


def wrong_density(mass_g: float, listed_g: float) -> float:
    """Density (1/g) of a mass whose listed value is wrong by an unknown factor."""
    if mass_g <= 0 or not listed_g / _WRONG_FACTOR <= mass_g <= listed_g * _WRONG_FACTOR:
        return 0.0
    return 1.0 / (mass_g * 2.0 * math.log(_WRONG_FACTOR))


class MassBook:
    """Beliefs about the unit masses of a catalogue; `learn` is called with events that are beyond doubt."""

    def __init__(self, products: tuple[Product, ...], *, learning: bool = True) -> None:
        self._learning = learning
        self._beliefs = {product.product_id: _prior(product) for product in products}

    def add(self, products: tuple[Product, ...]) -> None:
        """Learn of new products, and of masses that the list now states otherwise; what was measured stays."""
        for product in products:
            known = self._beliefs.get(product.product_id)
            if known is None or known.listed_g != product.unit_mass_g:
                self._beliefs[product.product_id] = _prior(product)

    def __getitem__(self, product_id: str) -> MassBelief:
        return self._beliefs[product_id]

    def __contains__(self, product_id: str) -> bool:
        return product_id in self._beliefs

    def suspect(self, product_id: str, mass_g: float, sigma_g: float, count: int, *, probability: float) -> bool:
        """An event that the catalogue's mass cannot explain, though the place says this product: remember its mass.

        `probability` is that of the event being this product at all: so far is the list believed to be wrong from now
        on. Returns True when the event repeats an earlier one, so that past events should be weighed again.
        """
        belief = self._beliefs[product_id]
        if not self._learning or mass_g <= 0:
            return False
        unit = mass_g / count
        noise = (sigma_g / count) ** 2 + (belief.cv * unit) ** 2 / count
        if wrong_density(unit, belief.mean_g) <= 0 or (unit - belief.mean_g) ** 2 < 25.0 * (belief.var_g2 + noise):
            return False
        known = belief.measured_var_g2 < math.inf
        if known and (unit - belief.measured_g) ** 2 < 16.0 * (belief.measured_var_g2 + noise):
            belief.absorb(unit, noise)
            belief.wrong = max(belief.wrong, _SUSPECT_AT_MOST * probability)
            return True
        if belief.events <= 1:
            belief.measured_g, belief.measured_var_g2, belief.events = unit, noise, 1
            belief.wrong = max(belief.wrong, _SUSPECT_AT_MOST * probability)
        return False

    def learn(self, product_id: str, mass_g: float, sigma_g: float, count: int) -> None:
        """A confirmed event: `count` units weighed `mass_g` ± `sigma_g` together."""
        belief = self._beliefs[product_id]
        if not self._learning or mass_g <= 0:
            return
        unit = mass_g / count
        noise = (sigma_g / count) ** 2 + (belief.cv * unit) ** 2 / count
        fits = normal_density(unit - belief.mean_g, belief.var_g2 + noise)
        if belief.events and belief.measured_var_g2 < math.inf:
            differs = normal_density(unit - belief.measured_g, belief.measured_var_g2 + noise)
        else:
            differs = wrong_density(unit, belief.mean_g)
        wrong = belief.wrong * differs
        right = (1.0 - belief.wrong) * fits
        # Never certain: the catalogue may change tomorrow.
        belief.wrong = min(max(wrong / max(wrong + right, 1e-300), 1e-4), 1.0 - 1e-4)
        if belief.wrong < 0.5:
            gain = belief.var_g2 / (belief.var_g2 + noise)
            belief.mean_g += gain * (unit - belief.mean_g)
            belief.var_g2 *= 1.0 - gain
        belief.absorb(unit, noise)


def _prior(product: Product) -> MassBelief:
    mass = product.unit_mass_g
    if mass is None:
        # Nobody weighed it: anything from a chewing gum to a large bottle, until the first one is taken.
        return MassBelief(listed_g=None, cv=product.mass_cv, mean_g=350.0, var_g2=300.0**2, wrong=0.0)
    return MassBelief(
        listed_g=mass, cv=product.mass_cv, mean_g=mass, var_g2=(LISTED_BIAS * mass) ** 2 + 0.25, wrong=PRIOR_WRONG
    )
