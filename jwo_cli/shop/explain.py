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

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import PlateDelta, WeightChanged
from jwo_cli.model.units import NS_PER_S

from .beliefs import Lot, Move, State, plate_owner, together, track_owner
from .looks import weighed
from .masses import MassBook, normal_density
from .offers import Offers, Option, View, shares_of
from .settings import EngineSettings

_TINY = 1e-250
# False alarms are small (vibration, drift, pushes): exponential with this mean, and one in ten anything up to 2 kg.
_FALSE_ALARM_G, _FALSE_ALARM_ANY, _FALSE_ALARM_SPAN_G = 80.0, 0.1, 2000.0
# A unit stands at home when this share of it presses on its facing's plates.
_AT_HOME = 0.25
# What is not for sale: a bag, a leaning hand.
FOREIGN = ""
# However sure the scale is: one change in five hundred is its own doing.
_DOUBT = 2e-3
# Grams that a scale's zero may wander across one event beyond the reported sigma.
_EXTRA_SIGMA_G = 0.7
# One put in a hundred is measured wrong by much: grams, and a share of the mass.
_GROSS, _GROSS_G, _GROSS_SHARE = 0.01, 5.0, 0.2


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may have done it (None: nobody we know) with log probability; staff may bring goods.

    `log_likelihood` is the reach's own, against somebody nobody saw: how plainly their hand was there, whoever did it.
    """

    track_id: str | None
    log_p: float
    staff: bool
    log_likelihood: float = 0.0


class WeightExplainer:
    """Turns a `WeightChanged` into the moves that a state allows."""

    def __init__(self, store: Store, masses: MassBook, settings: EngineSettings) -> None:
        self._settings = settings
        self._offers = Offers(store, masses, settings)

    def plates_around(self, event: WeightChanged) -> tuple[str, ...]:
        """The event's plates and their neighbours on the shelf, each once."""
        return self._offers.plates_around(event)

    def stands_at(self, product_id: str, plates: Sequence[str]) -> bool:
        """Whether a product has a facing on one of these plates."""
        return self._offers.stands_at(product_id, plates)

    def view(self, event: WeightChanged, seq: int, *, parts: bool = False) -> View:
        """An event with its sums."""
        delta = math.fsum(item.delta_g for item in event.plates)
        sigma = math.sqrt(math.fsum(item.sigma_g**2 for item in event.plates) + _EXTRA_SIGMA_G**2)
        return View(event, seq, delta, sigma, shares_of(event), parts)

    def options(self, view: View) -> list[Option]:
        """Everything that can have left with this mass from this place."""
        return self._offers.options(view)

    def near(self, view: View) -> dict[str, float]:
        """Products that stand on or beside the event's plates -> log place weight."""
        return self._offers.near_products(view)

    def part(self, lot: Lot, count: int) -> tuple[float, float]:
        """Mean and variance (g, g²) of `count` of a lot's units."""
        return self._offers.part(lot, count)

    def home(self, product_id: str) -> dict[str, None]:
        """The plates of a product's facings."""
        return self._offers.home(product_id)

    def beside(self, plate_id: str) -> tuple[str, ...]:
        """A plate's neighbours on its shelf."""
        return self._offers.beside(plate_id)

    def unit(self, product_id: str) -> tuple[float, float]:
        """Mean and variance (g, g²) of one unit of a product."""
        return self._offers.unit(product_id)

    def joined(self, first: WeightChanged, second: WeightChanged) -> WeightChanged | None:
        """Two changes as parts of one; None where they cannot be.

        Noise splits what happens on neighbouring plates at once; a slow lift rests on its way on the same plates; a put
        and a pick, or a hand that presses on, overlap.
        """
        mine = {item.plate_id: item for item in first.plates}
        same = any(item.plate_id in mine for item in second.plates)
        around = self.plates_around(first)
        deltas = [math.fsum(item.delta_g for item in event.plates) for event in (first, second)]
        opposed = deltas[0] * deltas[1] <= 0
        theirs = self.plates_around(second) if opposed else [item.plate_id for item in second.plates]
        pause_s = (second.at_ns - first.at_ns) / NS_PER_S
        longest_s = self._settings.slow_lift_s if same else self._settings.split_s
        if abs(pause_s) > longest_s or not any(plate in around for plate in theirs):
            return None
        for item in second.plates:
            known = mine.get(item.plate_id)
            mine[item.plate_id] = item if known is None else _summed(known, item)
        # A slow lift ends with the hand there; of two halves at once the larger is better seen.
        main = second if same or abs(deltas[1]) > abs(deltas[0]) else first
        return replace(
            main,
            begin_ns=min(first.begin_ns, second.begin_ns),
            end_ns=max(first.end_ns, second.end_ns),
            plates=tuple(mine.values()),
            real=max(first.real, second.real),
        )

    def moves(
        self, event: WeightChanged, seq: int, actors: Sequence[Actor], *, log_prior: float = 0.0, parts: bool = False
    ) -> Callable[[State], list[Move]]:
        """A function from a state to its moves, heaviest first; what repeats between states is computed once.

        `parts` says that the event is several taken as one, with `log_prior` for that.
        """
        view = self.view(event, seq, parts=parts)
        delta = view.delta_g
        real = min(max(event.real, _DOUBT), 1.0 - _DOUBT)
        nothing = Move(log_prior + math.log((1.0 - real) * _nothing_density(delta)), (None, ActionKind.NONE, ()))
        log_real = math.log(real) + log_prior
        kept = [actor for actor in actors if actor.log_p > -self._settings.actor_floor]
        found = self._takings(view, kept, log_real) if delta < 0 else self._arrivals(view, kept, log_real)
        looks = dict(event.appearance) if self._settings.use_looks else {}
        common = weighed([nothing, *found], looks)
        around = self._offers.plates_around(event)
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
            return sorted([*common, *weighed(extra, looks)], key=lambda move: -move.log_weight) if extra else common

        common.sort(key=lambda move: -move.log_weight)
        return for_state

    # -- what leaves ---------------------------------------------------------------------------------------------

    def _takings(self, view: View, actors: Sequence[Actor], log_real: float) -> list[Move]:
        options = self._offers.options(view)
        best = max((option.log_weight for option in options), default=-math.inf)
        moves = []
        for option in options:
            if option.log_weight < best - self._settings.beam_floor:
                continue
            for actor in actors:
                story = (actor.track_id, ActionKind.PICK, option.goods())
                gives = self.gives(view, actor, option)
                moves.append(Move(log_real + actor.log_p + option.log_weight, story, (), gives))
            moves += self._two_at_once(view, actors, option, log_real)
        return moves

    def gives(self, view: View, actor: Actor, option: Option) -> tuple[tuple[str, Lot], ...]:
        """What an actor has of what an option says left."""
        if actor.track_id is None:
            return ()
        owner, var, at_ns = track_owner(actor.track_id), view.sigma_g**2, view.event.at_ns
        return tuple((owner, Lot(product, count, mass, var, view.seq, at_ns)) for product, count, mass in option.items)

    def _two_at_once(self, view: View, actors: Sequence[Actor], option: Option, log_real: float) -> list[Move]:
        """Two people take a unit each at the same moment: both hands must be there, whoever of them is likelier."""
        if not self._settings.use_together or not (parts := option.halves()):
            return []
        there = [actor for actor in actors if actor.track_id is not None and actor.log_likelihood > 0]
        prior = math.log(self._settings.together_prior) + option.log_density
        moves = []
        for i, first in enumerate(there):
            for second in there[i + 1 :]:
                weight = log_real + prior + first.log_p + second.log_likelihood
                names = together(first.track_id or "", second.track_id or "")
                for a, b in parts:
                    gives = self.gives(view, first, a) + self.gives(view, second, b)
                    moves.append(Move(weight, (names, ActionKind.PICK, option.goods()), (), gives))
        return moves

    def _from_misplaced(
        self, view: View, actors: Sequence[Actor], owner: str, lots: tuple[Lot, ...], log_real: float
    ) -> list[Move]:
        moves = []
        mass = -view.delta_g
        for lot in lots:
            if lot.product_id == FOREIGN and mass - lot.mass_g > 4.0 * view.sigma_g:
                moves += self._with_foreign(view, actors, owner, lot, log_real)
            fit = _profile_fit(lot, view)
            for count in range(1, lot.units + 1):
                part, var = self._offers.part(lot, count)
                density = normal_density(mass - part, var + view.sigma_g**2)
                goods = lot.product_id != FOREIGN
                prior = self._settings.misplaced_prior if goods else 1.0
                weight = math.log(prior * max(density, _TINY)) + fit + log_real
                items = ((lot.product_id, count),) if goods else ()
                for actor in actors:
                    gives: tuple[tuple[str, Lot], ...] = ()
                    if actor.track_id is not None and goods:
                        taken = Lot(lot.product_id, count, mass, view.sigma_g**2, view.seq, view.event.at_ns)
                        gives = ((track_owner(actor.track_id), taken),)
                    story = (actor.track_id, ActionKind.PICK, items)
                    moves.append(Move(weight + actor.log_p, story, ((owner, lot, count, mass),), gives))
        return moves

    def _with_foreign(self, view: View, actors: Sequence[Actor], owner: str, lot: Lot, log_real: float) -> list[Move]:
        """A hand that leaned here is gone and took goods with it: the rest of the mass is theirs."""
        sigma = math.sqrt(view.sigma_g**2 + lot.var_g2)
        rest = replace(view, delta_g=view.delta_g + lot.mass_g, sigma_g=sigma)
        moves = []
        for option in self._offers.options(rest):
            for actor in actors if option.items else ():
                story = (actor.track_id, ActionKind.PICK, option.goods())
                weight = math.log(self._settings.lean_and_take_prior) + log_real + actor.log_p + option.log_weight
                moves.append(Move(weight, story, ((owner, lot, 1, lot.mass_g),), self.gives(rest, actor, option)))
        return moves

    # -- what arrives --------------------------------------------------------------------------------------------

    def _arrivals(self, view: View, actors: Sequence[Actor], log_real: float) -> list[Move]:
        settings = self._settings
        near = self._offers.near_products(view)
        foreign = math.log(settings.foreign_prior / settings.stranger_span_g)
        main = max(view.event.plates, key=lambda item: item.delta_g).plate_id
        thing = Lot(FOREIGN, 1, view.delta_g, view.sigma_g**2, view.seq, view.event.at_ns, view.shares)
        stays = ((plate_owner(main), thing),) if settings.use_foreign else ()
        moves = []
        for actor in actors:
            base = log_real + actor.log_p
            moves.append(Move(base + foreign, (actor.track_id, ActionKind.PUT, ()), (), stays))
            for product_id, place in near.items():
                for count, prior in enumerate(settings.count_prior, 1):
                    density = self._offers.density(product_id, view.delta_g, view.sigma_g, count)
                    if density <= _TINY:
                        continue
                    bring = settings.restock_prior if actor.staff else settings.missed_pick_prior
                    action = ActionKind.RESTOCK if actor.staff else ActionKind.PUT
                    weight = base + math.log(bring * prior * density) + place
                    moves.append(Move(weight, (actor.track_id, action, ((product_id, count),))))
        return moves

    def _put_backs(self, view: View, actor: Actor, owner: str, lots: tuple[Lot, ...], log_real: float) -> list[Move]:
        moves = []
        base = log_real + actor.log_p
        for lot in lots:
            if not self._offers.knows(lot.product_id):
                continue  # a tag named it, no scale knows what it weighs
            if self._offers.by_weight(lot.product_id):
                moves += self._pour_back(view, base, owner, lot, actor)
                continue
            for count in range(1, lot.units + 1):
                part, var = self._offers.part(lot, count)
                density = _roughly(view.delta_g - part, var + view.sigma_g**2, part)
                moves += self._land(view, base + math.log(max(density, _TINY)), owner, actor, ((lot, count),))
        known = [lot for lot in lots if self._offers.knows(lot.product_id)]
        for i, first in enumerate(known):
            for second in known[i + 1 :]:
                part_a, var_a = self._offers.part(first, 1)
                part_b, var_b = self._offers.part(second, 1)
                density = normal_density(view.delta_g - part_a - part_b, var_a + var_b + view.sigma_g**2)
                weight = base + math.log(self._settings.pair_prior * max(density, _TINY))
                moves += self._land(view, weight, owner, actor, ((first, 1), (second, 1)))
        return moves

    def _land(
        self, view: View, weight: float, owner: str, actor: Actor, parts: tuple[tuple[Lot, int], ...]
    ) -> list[Move]:
        """Lots put down here: each at home when it has a facing here, else misplaced."""
        takes, gives, counts = [], [], []
        for lot, count in parts:
            mass, _ = self._offers.part(lot, count)
            if len(parts) == 1:
                mass = view.delta_g
            takes.append((owner, lot, count, mass))
            counts.append((lot.product_id, count))
            place = self._offers.place(view, lot.product_id)
            at_home = math.fsum(part for plate, part in view.shares if plate in self._offers.home(lot.product_id))
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

    def _pour_back(self, view: View, base: float, owner: str, lot: Lot, actor: Actor) -> list[Move]:
        """Goods sold by weight go back in any amount up to what was taken."""
        if view.delta_g > lot.mass_g + 3.0 * view.sigma_g:
            return []
        left = lot.mass_g - view.delta_g
        weight = (
            base + math.log(self._settings.home_prior / max(lot.mass_g, 1.0)) + self._offers.place(view, lot.product_id)
        )
        gives: tuple[tuple[str, Lot], ...] = ()
        if left > 3.0 * view.sigma_g:
            gives = ((owner, lot._replace(mass_g=left, var_g2=lot.var_g2 + view.sigma_g**2)),)
        story = (actor.track_id, ActionKind.PUT, ((lot.product_id, 1),))
        return [Move(weight, story, ((owner, lot, lot.units, lot.mass_g),), gives)]


def _roughly(error: float, var: float, mass_g: float) -> float:
    """Density (1/g) of an error that is Gaussian but now and then gross: a hand pressed on meanwhile."""
    gross = normal_density(error, var + (_GROSS_G + _GROSS_SHARE * mass_g) ** 2)
    return (1.0 - _GROSS) * normal_density(error, var) + _GROSS * gross


def _nothing_density(delta_g: float) -> float:
    """Density (1/g) of a change that is nothing but the scale's own doing."""
    small = math.exp(-abs(delta_g) / _FALSE_ALARM_G) / _FALSE_ALARM_G
    return (1.0 - _FALSE_ALARM_ANY) * small + _FALSE_ALARM_ANY / _FALSE_ALARM_SPAN_G


def _summed(a: PlateDelta, b: PlateDelta) -> PlateDelta:
    return PlateDelta(plate_id=a.plate_id, delta_g=a.delta_g + b.delta_g, sigma_g=math.hypot(a.sigma_g, b.sigma_g))


def _profile_fit(lot: Lot, view: View) -> float:
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
    return lot._replace(units=1, mass_g=lot.mass_g / lot.units, tags=lot.tags if lot.units == 1 else (), profile=())
