"""All the ways in which one weight change can have come about, as weighted moves.

Weight of a move = P(real) · P(actor | reach) · prior(action) · N(mass) · place. What leaves may be units of the facings
on those plates (or just beside), two products at once, something misplaced there, or a stranger. What arrives may be
units that somebody holds (home or elsewhere), a restock by staff, or something that nobody was seen to take. And
perhaps nothing happened at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import WeightChanged

from .beliefs import FLOOR, Lot, Move, State, plate_owner, track_owner
from .masses import MassBook, normal_density
from .settings import EngineSettings

_TINY = 1e-250
# A false alarm has no mass of its own: anything up to half a kilogram either way.
_NOTHING_DENSITY = 1.0 / 500.0
# A unit stands at home when this share of it presses on its facing's plates.
_AT_HOME = 0.25
# What is not for sale: a bag, a leaning hand.
FOREIGN = ""
# Grams that a scale's zero may wander across one event beyond the reported sigma.
_EXTRA_SIGMA_G = 0.7


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may have done it (None: nobody we know) with log probability; staff may bring goods."""

    track_id: str | None
    log_p: float
    staff: bool


@dataclass(frozen=True, slots=True)
class Option:
    """Products that would explain a change whoever did it: log weight and (product, count, mass share in grams)."""

    log_weight: float
    items: tuple[tuple[str, int, float], ...]


class WeightExplainer:
    """Turns a `WeightChanged` into the moves that a state allows. Holds the planogram by plate."""

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
        self._home: dict[str, dict[str, None]] = {}
        for plate, products in self._facings.items():
            for product_id in products:
                self._home.setdefault(product_id, {})[plate] = None
        self._beside: dict[str, tuple[str, ...]] = {}
        for _, shelf in store.shelves():
            ids = [plate.plate_id for plate in shelf.plates]
            for index, plate_id in enumerate(ids):
                self._beside[plate_id] = tuple(ids[max(index - 1, 0) : index] + ids[index + 1 : index + 2])

    def plates_around(self, event: WeightChanged) -> tuple[str, ...]:
        """The event's plates and their neighbours on the shelf, each once."""
        around = {delta.plate_id: None for delta in event.plates}
        for delta in event.plates:
            for beside in self._beside.get(delta.plate_id, ()):
                around.setdefault(beside)
        return tuple(around)

    def joined(self, first: WeightChanged, second: WeightChanged) -> WeightChanged | None:
        """Two changes of the same sign on neighbouring plates as one; None where they are no halves of one thing."""
        mine = {item.plate_id: item for item in first.plates}
        other = {item.plate_id: item for item in second.plates}
        if any(plate in mine for plate in other) or not any(plate in self.plates_around(first) for plate in other):
            return None
        deltas = [math.fsum(item.delta_g for item in event.plates) for event in (first, second)]
        if deltas[0] * deltas[1] <= 0:
            return None
        main = first if abs(deltas[0]) >= abs(deltas[1]) else second
        return replace(
            main,
            begin_ns=min(first.begin_ns, second.begin_ns),
            end_ns=max(first.end_ns, second.end_ns),
            plates=first.plates + second.plates,
            real=max(first.real, second.real),
        )

    def moves(
        self, event: WeightChanged, seq: int, actors: Sequence[Actor], *, log_prior: float = 0.0
    ) -> Callable[[State], list[Move]]:
        """A function from a state to its moves, heaviest first. Parts that repeat between states are computed once."""
        delta = math.fsum(item.delta_g for item in event.plates)
        sigma = math.sqrt(math.fsum(item.sigma_g**2 for item in event.plates) + _EXTRA_SIGMA_G**2)
        view = _View(event, seq, delta, sigma, _shares(event))
        real = min(max(event.real, 1e-4), 1.0 - 1e-4)
        nothing = Move(log_prior + math.log((1.0 - real) * _NOTHING_DENSITY), (None, ActionKind.NONE, ()))
        log_real = math.log(real) + log_prior
        kept = [actor for actor in actors if actor.log_p > -self._settings.actor_floor]
        found = self._takings(view, kept, log_real) if delta < 0 else self._arrivals(view, kept, log_real)
        common = [nothing, *found]
        around = self.plates_around(event)
        cache: dict[tuple[str, tuple[Lot, ...]], list[Move]] = {}
        by_owner = {track_owner(actor.track_id): actor for actor in kept if actor.track_id is not None}
        plates = {plate_owner(plate): None for plate in around}

        def for_state(state: State) -> list[Move]:
            extra: list[Move] = []
            for owner, lots in state:
                key = (owner, lots)
                if delta < 0:
                    if owner in plates and self._settings.use_misplaced:
                        if key not in cache:
                            cache[key] = self._from_misplaced(view, kept, owner, lots, log_real)
                        extra += cache[key]
                elif owner in by_owner and self._settings.use_holdings:
                    if key not in cache:
                        cache[key] = self._put_backs(view, by_owner[owner], owner, lots, log_real)
                    extra += cache[key]
            return sorted([*common, *extra], key=lambda move: -move.log_weight) if extra else common

        common.sort(key=lambda move: -move.log_weight)
        return for_state

    # -- what leaves ---------------------------------------------------------------------------------------------

    def _takings(self, view: _View, actors: Sequence[Actor], log_real: float) -> list[Move]:
        options = self._options(view)
        best = max((option.log_weight for option in options), default=-math.inf)
        moves = []
        for option in options:
            if option.log_weight < best - self._settings.beam_floor:
                continue
            items = tuple(sorted((product, count) for product, count, _ in option.items))
            for actor in actors:
                gives: tuple[tuple[str, Lot], ...] = ()
                if actor.track_id is not None:
                    owner = track_owner(actor.track_id)
                    gives = tuple(
                        (owner, Lot(product, count, mass, view.sigma_g**2, view.seq, view.event.at_ns))
                        for product, count, mass in option.items
                    )
                story = (actor.track_id, ActionKind.PICK, items)
                moves.append(Move(log_real + actor.log_p + option.log_weight, story, (), gives))
        return moves

    def _options(self, view: _View) -> list[Option]:
        near = self._near_products(view)
        mass = -view.delta_g
        settings = self._settings
        options = [Option(math.log(settings.stranger_prior / settings.stranger_span_g), ())]
        for product_id, place in near.items():
            for count, prior in enumerate(settings.count_prior, 1):
                density = self._density(product_id, mass, view.sigma_g, count)
                if density > _TINY:
                    options.append(Option(math.log(prior * density) + place, ((product_id, count, mass),)))
                if self._products[product_id].sold_by is SoldBy.WEIGHT:
                    break
        if settings.use_pairs:
            options += self._pairs(view, near, mass)
        return options

    def _near_products(self, view: _View) -> dict[str, float]:
        """Products with a facing on or beside the event's plates -> log place weight."""
        near: dict[str, float] = {}
        for plate in self.plates_around(view.event):
            for product_id in self._facings.get(plate, {}):
                near.setdefault(product_id, self._place(view, product_id))
        return near

    def _place(self, view: _View, product_id: str) -> float:
        if not self._settings.use_place:
            return 0.0
        share = math.fsum(part for plate, part in view.shares if plate in self._home.get(product_id, {}))
        low = self._settings.neighbour_prior
        return math.log(low + (1.0 - low) * min(max(share, 0.0), 1.0) ** 2)

    def _pairs(self, view: _View, near: dict[str, float], mass: float) -> list[Option]:
        products = list(near)
        deltas = {item.plate_id: item for item in view.event.plates}
        found = []
        for i, a in enumerate(products):
            for b in products[i + 1 :]:
                covered = {**self._home[a], **self._home[b]}
                outside = math.fsum(part for plate, part in view.shares if plate not in covered)
                inside = min(max(1.0 - outside, 0.0), 1.0)
                place = math.log(0.02 + 0.98 * inside**2) if self._settings.use_place else 0.0
                own_a = [d.delta_g for p, d in deltas.items() if p in self._home[a] and p not in self._home[b]]
                own_b = [d.delta_g for p, d in deltas.items() if p in self._home[b] and p not in self._home[a]]
                # Products that share all their plates tell nothing by place.
                own = (
                    -math.fsum(own_a) if any(p not in self._home[b] for p in self._home[a]) else None,
                    -math.fsum(own_b) if any(p not in self._home[a] for p in self._home[b]) else None,
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
                    found.append(Option(math.log(prior * score) + place, items))
        return found

    def _pair_density(
        self, a: tuple[str, int], b: tuple[str, int], own: tuple[float | None, float | None], view: _View
    ) -> float:
        """Density of the sum, times how well the plates that are each one's alone show its part (units straddle)."""
        (name_a, count_a), (name_b, count_b) = a, b
        belief_a, belief_b = self._masses[name_a], self._masses[name_b]
        mass, total = -view.delta_g, 0.0
        for weight_a, mean_a, var_a in belief_a.components(count_a):
            for weight_b, mean_b, var_b in belief_b.components(count_b):
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

    def _density(self, product_id: str, mass_g: float, sigma_g: float, count: int) -> float:
        product = self._products[product_id]
        if product.sold_by is SoldBy.WEIGHT:
            return 1.0 / 3000.0 if 3.0 * sigma_g < mass_g < 3000.0 else 0.0
        if not self._settings.use_mass:
            return 1e-3
        return self._masses[product_id].density(mass_g, sigma_g, count)

    def _from_misplaced(
        self, view: _View, actors: Sequence[Actor], owner: str, lots: tuple[Lot, ...], log_real: float
    ) -> list[Move]:
        moves = []
        mass = -view.delta_g
        for lot in lots:
            fit = _profile_fit(lot, view)
            for count in range(1, lot.units + 1):
                part, var = self._part(lot, count)
                density = normal_density(mass - part, var + view.sigma_g**2)
                weight = math.log(self._settings.misplaced_prior * max(density, _TINY)) + fit + log_real
                goods = lot.product_id != FOREIGN
                items = ((lot.product_id, count),) if goods else ()
                for actor in actors:
                    gives: tuple[tuple[str, Lot], ...] = ()
                    if actor.track_id is not None and goods:
                        taken = Lot(lot.product_id, count, mass, view.sigma_g**2, view.seq, view.event.at_ns)
                        gives = ((track_owner(actor.track_id), taken),)
                    story = (actor.track_id, ActionKind.PICK, items)
                    moves.append(Move(weight + actor.log_p, story, ((owner, lot, count, mass),), gives))
        return moves

    # -- what arrives --------------------------------------------------------------------------------------------

    def _arrivals(self, view: _View, actors: Sequence[Actor], log_real: float) -> list[Move]:
        settings = self._settings
        near = self._near_products(view)
        foreign = math.log(settings.foreign_prior / settings.stranger_span_g)
        main = max(view.event.plates, key=lambda item: item.delta_g).plate_id
        thing = Lot(FOREIGN, 1, view.delta_g, view.sigma_g**2, view.seq, view.event.at_ns, view.shares)
        stays = ((plate_owner(main), thing),) if settings.use_misplaced else ()
        moves = []
        for actor in actors:
            base = log_real + actor.log_p
            moves.append(Move(base + foreign, (actor.track_id, ActionKind.PUT, ()), (), stays))
            for product_id, place in near.items():
                for count, prior in enumerate(settings.count_prior, 1):
                    density = self._density(product_id, view.delta_g, view.sigma_g, count)
                    if density <= _TINY:
                        continue
                    bring = settings.restock_prior if actor.staff else settings.missed_pick_prior
                    action = ActionKind.RESTOCK if actor.staff else ActionKind.PUT
                    weight = base + math.log(bring * prior * density) + place
                    moves.append(Move(weight, (actor.track_id, action, ((product_id, count),))))
        return moves

    def _put_backs(self, view: _View, actor: Actor, owner: str, lots: tuple[Lot, ...], log_real: float) -> list[Move]:
        moves = []
        base = log_real + actor.log_p
        for lot in lots:
            if self._products[lot.product_id].sold_by is SoldBy.WEIGHT:
                moves += self._pour_back(view, base, owner, lot, actor)
                continue
            for count in range(1, lot.units + 1):
                part, var = self._part(lot, count)
                density = normal_density(view.delta_g - part, var + view.sigma_g**2)
                moves += self._land(view, base + math.log(max(density, _TINY)), owner, actor, ((lot, count),))
        for i, first in enumerate(lots):
            for second in lots[i + 1 :]:
                part_a, var_a = self._part(first, 1)
                part_b, var_b = self._part(second, 1)
                density = normal_density(view.delta_g - part_a - part_b, var_a + var_b + view.sigma_g**2)
                weight = base + math.log(self._settings.pair_prior * max(density, _TINY))
                moves += self._land(view, weight, owner, actor, ((first, 1), (second, 1)))
        return moves

    def _land(
        self, view: _View, weight: float, owner: str, actor: Actor, parts: tuple[tuple[Lot, int], ...]
    ) -> list[Move]:
        """Lots put down here: each at home when it has a facing here, else misplaced."""
        takes, gives, counts = [], [], []
        for lot, count in parts:
            mass, _ = self._part(lot, count)
            if len(parts) == 1:
                mass = view.delta_g
            takes.append((owner, lot, count, mass))
            counts.append((lot.product_id, count))
            place = self._place(view, lot.product_id)
            at_home = math.fsum(part for plate, part in view.shares if plate in self._home.get(lot.product_id, {}))
            if at_home >= _AT_HOME:
                weight += math.log(self._settings.home_prior) + place
                continue
            weight += math.log(self._settings.misplace_prior)
            main = max(view.event.plates, key=lambda item: item.delta_g).plate_id
            stays = Lot(lot.product_id, count, mass, view.sigma_g**2, view.seq, view.event.at_ns, view.shares)
            gives.append((plate_owner(main), stays))
        action = ActionKind.MISPLACE if gives else ActionKind.PUT
        story = (actor.track_id, action, tuple(sorted(counts)))
        kept = tuple(gives) if self._settings.use_misplaced else ()
        return [Move(weight, story, tuple(takes), kept)]

    def _pour_back(self, view: _View, base: float, owner: str, lot: Lot, actor: Actor) -> list[Move]:
        """Goods sold by weight go back in any amount up to what was taken."""
        if view.delta_g > lot.mass_g + 3.0 * view.sigma_g:
            return []
        left = lot.mass_g - view.delta_g
        weight = base + math.log(self._settings.home_prior / max(lot.mass_g, 1.0)) + self._place(view, lot.product_id)
        gives: tuple[tuple[str, Lot], ...] = ()
        if left > 3.0 * view.sigma_g:
            gives = ((owner, lot._replace(mass_g=left, var_g2=lot.var_g2 + view.sigma_g**2)),)
        story = (actor.track_id, ActionKind.PUT, ((lot.product_id, 1),))
        return [Move(weight, story, ((owner, lot, lot.units, lot.mass_g),), gives)]

    def _part(self, lot: Lot, count: int) -> tuple[float, float]:
        """Mean and variance (g, g²) of `count` of a lot's units: their own measured mass, not the catalogue's."""
        if lot.units == count:
            return lot.mass_g, lot.var_g2
        share = count / lot.units
        belief = self._masses[lot.product_id]
        unit = lot.mass_g / lot.units
        between = count * (lot.units - count) / lot.units * (belief.cv * unit) ** 2
        return lot.mass_g * share, between + share * share * lot.var_g2


@dataclass(frozen=True, slots=True)
class _View:
    """An event with its sums: total change, its sigma, and the share of the change on each plate."""

    event: WeightChanged
    seq: int
    delta_g: float
    sigma_g: float
    shares: tuple[tuple[str, float], ...]


def _shares(event: WeightChanged) -> tuple[tuple[str, float], ...]:
    total = math.fsum(abs(item.delta_g) for item in event.plates)
    if total <= 0:
        return ()
    return tuple((item.plate_id, round(abs(item.delta_g) / total, 4)) for item in event.plates)


def _profile_fit(lot: Lot, view: _View) -> float:
    """Log likelihood ratio that what left stood where the lot was put: the same split over the plates."""
    then, now = dict(lot.profile), dict(view.shares)
    if not then:
        return 0.0
    distance = 0.5 * math.fsum(abs(then.get(plate, 0.0) - now.get(plate, 0.0)) for plate in {**then, **now})
    return math.log(0.1 + 2.5 * math.exp(-distance / 0.06))


def in_hand_weights(lots: Sequence[Lot], at_ns: int, settings: EngineSettings) -> list[float]:
    """Chance, summing to one, that each lot is the one in the hand at `at_ns`: the last one picked most likely."""
    raw = [settings.in_hand_floor + math.exp(-max(at_ns - lot.at_ns, 0) / 1e9 / settings.in_hand_s) for lot in lots]
    total = math.fsum(raw)
    return [value / total for value in raw]


def unit_of(lot: Lot) -> Lot:
    """One unit of a lot, as it would look in other hands."""
    return lot._replace(units=1, mass_g=lot.mass_g / lot.units, tags=0, profile=())


__all__ = ["FLOOR", "FOREIGN", "Actor", "WeightExplainer", "in_hand_weights", "unit_of"]
