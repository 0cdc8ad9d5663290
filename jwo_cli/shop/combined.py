"""Changes that follow each other as one: what the scale told in pieces because things overlapped.

* One lift or put in parts (noise hides where one ended; a slow lift rests on its way).
* Two people who took one after the other before the plate settled: the sum is right, the level between is not.
* A hand that pressed on meanwhile: the pieces go up and down, their sum is what was put or taken.
* An exchange: one puts back what another takes, on the same or neighbouring plates; the sum is the difference.

Each reading explains the present change together with the one or two before it, instead of each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.observations import WeightChanged

from .beliefs import Group, Lot, Move, State, lots_of, plate_owner, together, track_owner
from .explain import Actor, WeightExplainer
from .groups import Groups
from .masses import normal_density
from .offers import View
from .settings import EngineSettings

Moves = Callable[[State], list[Move]]

_TINY = 1e-250
# The level between two overlapping changes is this uncertain: grams, and a share of what moved.
_BETWEEN_G, _BETWEEN_SHARE = 6.0, 0.15
# How the sum falls into pieces while two things overlap, or a hand presses: anything within this many grams.
_PIECES_G = 100.0
# What a plate shows of a unit that stands on it: known to this, grams and a share of the unit.
_SPREAD_G, _SPREAD_SHARE = 3.0, 0.03
_FARTHEST = -60.0
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Whole:
    """The group's last `count` changes and the present one as one change; `opposed` when some went up, some down."""

    count: int
    event: WeightChanged
    parts: tuple[WeightChanged, ...]
    opposed: bool


class Combiner:
    """Finds which changes may be one and what that would mean; `actors` says who may have done a change.

    `explainer` is replaced when the store is laid out anew.
    """

    def __init__(
        self,
        explainer: WeightExplainer,
        groups: Groups,
        settings: EngineSettings,
        actors: Callable[[WeightChanged], list[Actor]],
    ) -> None:
        self.explainer = explainer
        self._groups = groups
        self._settings = settings
        self._actors = actors

    def instead(self, group: Group, event: WeightChanged, seq: int) -> list[tuple[int, Moves]]:
        """(n, moves) for the group's n changes before this one and this one together."""
        if not self._settings.use_parts:
            return []
        return [(whole.count, self._moves(whole, seq)) for whole in self._wholes(group, event)]

    def _wholes(self, group: Group, event: WeightChanged) -> list[Whole]:
        found: list[Whole] = []
        whole, opposed = event, False
        parts: tuple[WeightChanged, ...] = (event,)
        for count, last in enumerate(reversed(group.trail), 1):
            earlier = self._groups.event(last.seq).weight
            if earlier is None or earlier.shelf_id != event.shelf_id:
                break
            joined = self.explainer.joined(earlier, whole)
            if joined is None or not all(self._within(group, one) for one in (earlier, joined)):
                break
            parts = (earlier, *parts)
            opposed = opposed or _sum(earlier) * _sum(event) < 0
            if opposed and not self._settings.use_overlaps:
                break
            found.append(Whole(count, joined, parts, opposed))
            whole = joined
        return found

    def _within(self, group: Group, event: WeightChanged) -> bool:
        """Whether all who may have done this, and all plates where it may have left something, are of this group."""
        owners = [track_owner(actor.track_id) for actor in self._likely(event) if actor.track_id is not None]
        owners += [plate_owner(item.plate_id) for item in event.plates]
        return all(owner in group.owners for owner in owners if owner in self._groups)

    def _likely(self, event: WeightChanged) -> list[Actor]:
        return [actor for actor in self._actors(event) if actor.log_p > -self._settings.actor_floor]

    def _moves(self, whole: Whole, seq: int) -> Moves:
        settings = self._settings
        each = settings.foreign_prior / settings.stranger_span_g if whole.opposed else settings.split_prior
        prior = whole.count * math.log(each)
        one = self.explainer.moves(whole.event, seq, self._actors(whole.event), log_prior=prior, parts=True)
        view = self.explainer.view(whole.event, seq, parts=True)
        if not settings.use_together:
            return one
        if whole.opposed:
            put, taken = max(whole.parts, key=_sum), min(whole.parts, key=_sum)
            hands = self._likely(put), self._likely(taken)
            return _with(one, lambda state: self._exchanges(state, view, whole, hands))
        if whole.count != 1 or view.delta_g > 0:
            return one
        taken_each = self._one_each(view, whole, [self._likely(part) for part in whole.parts])
        return _with(one, lambda _state: taken_each)

    def _one_each(self, view: View, whole: Whole, actors: Sequence[Sequence[Actor]]) -> list[Move]:
        """Two people took one after the other: each reach speaks for its own change, only the sum for the masses."""
        settings = self._settings
        first_g = -_sum(whole.parts[0])
        base = math.log(max(whole.event.real, 0.5) * settings.split_prior * settings.count_prior[0] ** 2)
        moves = []
        for option in self.explainer.options(view):
            for a, b in option.halves():
                mass = a.items[0][2]
                misfit = 0.5 * ((first_g - mass) / (_BETWEEN_G + _BETWEEN_SHARE * mass)) ** 2
                for one in actors[0]:
                    for other in actors[1]:
                        if one.track_id is None or other.track_id is None or one.track_id == other.track_id:
                            continue
                        weight = base + option.log_density - misfit + one.log_p + other.log_p
                        gives = self.explainer.gives(view, one, a) + self.explainer.gives(view, other, b)
                        names = together(one.track_id, other.track_id)
                        moves.append(Move(weight, (names, ActionKind.PICK, option.goods()), (), gives))
        return moves

    def _exchanges(
        self, state: State, view: View, whole: Whole, hands: tuple[Sequence[Actor], Sequence[Actor]]
    ) -> list[Move]:
        """Somebody puts back what they hold while somebody takes a unit: the sum is the difference of the two.

        `hands` are who may have put and who may have taken, each by its own piece.
        """
        settings = self._settings
        base = math.log(settings.home_prior * settings.count_prior[0] / _PIECES_G)
        base += whole.count * math.log(settings.split_prior)
        near = self.explainer.near(view)
        shapes: dict[tuple[str, str], float] = {}
        moves = []
        for giver in hands[0]:
            if giver.track_id is None:
                continue
            owner = track_owner(giver.track_id)
            for lot in lots_of(state, owner):
                if lot.product_id not in near:
                    continue
                part, var = self.explainer.part(lot, 1)
                for taken in near:
                    mass, spread = self.explainer.unit(taken)
                    density = normal_density(view.delta_g - part + mass, var + spread + view.sigma_g**2)
                    if density <= _TINY:
                        continue
                    if (key := (lot.product_id, taken)) not in shapes:
                        shapes[key] = self._shape(view, (lot.product_id, part), (taken, mass))
                    for taker in hands[1]:
                        same = taker.track_id == giver.track_id
                        if taker.track_id is None or (same and taken == lot.product_id):
                            continue
                        weight = base + math.log(density) + shapes[key] + giver.log_p + taker.log_p
                        weight += math.log(settings.pair_prior) if same else 0.0
                        gone = part - view.delta_g
                        got = Lot(taken, 1, gone, var + view.sigma_g**2, view.seq, view.event.at_ns)
                        story = (
                            together(taker.track_id, giver.track_id), ActionKind.PICK, ((taken, 1),)
                        )  # fmt: skip
                        takes = ((owner, lot, 1, part),)
                        moves.append(Move(weight, story, takes, ((track_owner(taker.track_id), got),)))
        return moves

    def _shape(self, view: View, put: tuple[str, float], taken: tuple[str, float]) -> float:
        """Log weight of how the difference of what was put and what was taken spreads over the plates.

        A unit stands on one plate or straddles two, mostly its own. `put` and `taken` are (product, grams).
        """
        plates = self.explainer.plates_around(view.event)
        felt = {item.plate_id: (item.delta_g, item.sigma_g) for item in view.event.plates}
        heavier = max(put[1], taken[1])
        told = [felt.get(plate, (0.0, 0.0)) for plate in plates]
        delta = [grams for grams, _ in told]
        scale = [math.hypot(sigma, _SPREAD_G) + _SPREAD_SHARE * heavier for _, sigma in told]
        low = self._settings.neighbour_prior
        best = _FARTHEST
        for at_put in self._stands(put[0], plates):
            for at_taken in self._stands(taken[0], plates):
                misfit, shares = _misfit(delta, scale, (put[1], at_put.plates), (-taken[1], at_taken.plates))
                placed = 0.0
                for stand, share in zip((at_put, at_taken), shares, strict=True):
                    at_home = (1.0 - share) * stand.home[0] + share * stand.home[1]
                    placed += math.log(low + (1.0 - low) * at_home**2)
                best = max(best, placed - misfit)
        return best

    def _stands(self, product_id: str, plates: Sequence[str]) -> list[_Stand]:
        """How a unit may stand: on one plate or between two neighbours, at home with a part at least."""
        home = self.explainer.home(product_id)
        found: list[_Stand] = []
        for i, plate in enumerate(plates):
            found += [
                _Stand((i, j), (float(plate in home), float(plates[j] in home)))
                for j in range(i, len(plates))
                if (j == i or plates[j] in self.explainer.beside(plate)) and (plate in home or plates[j] in home)
            ]
        return found


@dataclass(frozen=True, slots=True)
class _Stand:
    """Two plates (or one twice) by their index, and whether each is the product's own (1) or not (0)."""

    plates: tuple[int, int]
    home: tuple[float, float]


def _misfit(
    delta: Sequence[float],
    scale: Sequence[float],
    one: tuple[float, tuple[int, int]],
    other: tuple[float, tuple[int, int]],
) -> tuple[float, tuple[float, float]]:
    """Nats against two masses (grams, their two plates) having made `delta`, and the share of each on its second plate.

    Least squares in the two shares, which are at least 0 and at most 1; `scale` is each plate's deviation, grams.
    """
    rest = list(delta)
    along: list[dict[int, float]] = []
    for mass, (first, second) in (one, other):
        rest[first] -= mass
        along.append({first: -mass, second: mass} if first != second else {})

    def product(a: dict[int, float], b: dict[int, float]) -> float:
        return math.fsum(value * b[i] / scale[i] ** 2 for i, value in a.items() if i in b)

    f_f, g_g, f_g = product(along[0], along[0]), product(along[1], along[1]), product(along[0], along[1])
    to_f, to_g = (math.fsum(value * rest[i] / scale[i] ** 2 for i, value in way.items()) for way in along)
    f = g = 0.0
    for _ in range(_ROUNDS):  # by turns, each within its bounds: the sum of squares is convex
        f = min(max((to_f - f_g * g) / f_f, 0.0), 1.0) if f_f else 0.0
        g = min(max((to_g - f_g * f) / g_g, 0.0), 1.0) if g_g else 0.0
    left = [value - f * along[0].get(i, 0.0) - g * along[1].get(i, 0.0) for i, value in enumerate(rest)]
    return 0.5 * math.fsum((value / deviation) ** 2 for value, deviation in zip(left, scale, strict=True)), (f, g)


def _sum(event: WeightChanged) -> float:
    return math.fsum(item.delta_g for item in event.plates)


def _with(one: Moves, more: Moves) -> Moves:
    """Both kinds of moves, heaviest first."""

    def for_state(state: State) -> list[Move]:
        extra = more(state)
        known = one(state)
        return sorted([*known, *extra], key=lambda move: -move.log_weight) if extra else known

    return for_state
