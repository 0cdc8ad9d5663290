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

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.observations import WeightChanged

from .beliefs import Group, Lot, Move, State, lots_of, plate_owner, together, track_owner
from .explain import Actor, WeightExplainer
from .groups import Groups
from .masses import normal_density
from .offers import View
from .settings import EngineSettings

Moves = Callable[[State], list[Move]]

Array = NDArray[np.float64]

_TINY = 1e-250
# The level between two overlapping changes is this uncertain: grams, and a share of what moved.
_BETWEEN_G, _BETWEEN_SHARE = 6.0, 0.15
# How the sum falls into pieces while two things overlap, or a hand presses: anything within this many grams.
_PIECES_G = 100.0
# What a plate shows of a unit that stands on it: known to this, grams and a share of the unit.
_SPREAD_G, _SPREAD_SHARE = 3.0, 0.03
_FARTHEST = -60.0


@dataclass(frozen=True, slots=True)
class Whole:
    """The group's last `count` changes and the present one as one change; `opposed` when some went up, some down."""

    count: int
    event: WeightChanged
    parts: tuple[WeightChanged, ...]
    opposed: bool


class Combiner:
    """Finds which changes may be one and what that would mean; `actors` says who may have done a change."""

    def __init__(
        self,
        explainer: WeightExplainer,
        groups: Groups,
        settings: EngineSettings,
        actors: Callable[[WeightChanged], list[Actor]],
    ) -> None:
        self._explainer = explainer
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
            joined = self._explainer.joined(earlier, whole)
            if joined is None or not all(self._within(group, one) for one in (earlier, joined)):
                break
            parts = (earlier, *parts)
            opposed = opposed or _sum(earlier) * _sum(event) < 0
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
        one = self._explainer.moves(whole.event, seq, self._actors(whole.event), log_prior=prior, parts=True)
        view = self._explainer.view(whole.event, seq, parts=True)
        if whole.count != 1 or not settings.use_together:
            return one
        actors = [self._likely(part) for part in whole.parts]
        if not whole.opposed:
            taken = self._one_each(view, whole, actors) if view.delta_g < 0 else []
            return _with(one, lambda _state: taken)
        return _with(one, lambda state: self._exchanges(state, view, whole, actors))

    def _one_each(self, view: View, whole: Whole, actors: Sequence[Sequence[Actor]]) -> list[Move]:
        """Two people took one after the other: each reach speaks for its own change, only the sum for the masses."""
        settings = self._settings
        first_g = -_sum(whole.parts[0])
        base = math.log(max(whole.event.real, 0.5) * settings.split_prior * settings.count_prior[0] ** 2)
        moves = []
        for option in self._explainer.options(view):
            for a, b in option.halves():
                mass = a.items[0][2]
                misfit = 0.5 * ((first_g - mass) / (_BETWEEN_G + _BETWEEN_SHARE * mass)) ** 2
                for one in actors[0]:
                    for other in actors[1]:
                        if one.track_id is None or other.track_id is None or one.track_id == other.track_id:
                            continue
                        weight = base + option.log_density - misfit + one.log_p + other.log_p
                        gives = self._explainer.gives(view, one, a) + self._explainer.gives(view, other, b)
                        names = together(one.track_id, other.track_id)
                        moves.append(Move(weight, (names, ActionKind.PICK, option.goods()), (), gives))
        return moves

    def _exchanges(self, state: State, view: View, whole: Whole, actors: Sequence[Sequence[Actor]]) -> list[Move]:
        """Somebody puts back what they hold while somebody takes a unit: the sum is the difference of the two."""
        settings = self._settings
        put = 0 if _sum(whole.parts[0]) > 0 else 1
        base = math.log(settings.split_prior / _PIECES_G * settings.home_prior * settings.count_prior[0])
        near = self._explainer.near(view)
        shapes: dict[tuple[str, str], float] = {}
        moves = []
        for giver in actors[put]:
            if giver.track_id is None:
                continue
            owner = track_owner(giver.track_id)
            for lot in lots_of(state, owner):
                if lot.product_id not in near:
                    continue
                part, var = self._explainer.part(lot, 1)
                for taken in near:
                    mass, spread = self._explainer.unit(taken)
                    density = normal_density(view.delta_g - part + mass, var + spread + view.sigma_g**2)
                    if density <= _TINY:
                        continue
                    if (key := (lot.product_id, taken)) not in shapes:
                        shapes[key] = self._shape(view, (lot.product_id, part), (taken, mass))
                    for taker in actors[1 - put]:
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
        plates = self._explainer.plates_around(view.event)
        felt = {item.plate_id: item for item in view.event.plates}
        delta = np.array([felt[plate].delta_g if plate in felt else 0.0 for plate in plates])
        noise = np.array([felt[plate].sigma_g if plate in felt else 0.0 for plate in plates])
        scale = np.hypot(noise, _SPREAD_G) + _SPREAD_SHARE * max(put[1], taken[1])
        stands = [self._stands(product, plates) for product, _ in (put, taken)]
        best = -math.inf
        for home_put, at_put in stands[0]:
            for home_taken, at_taken in stands[1]:
                # delta = put * (a0 + f (a1 - a0)) - taken * (b0 + g (b1 - b0)): least squares in the shares f and g
                rest = delta - put[1] * at_put[0] + taken[1] * at_taken[0]
                along = np.stack([put[1] * (at_put[1] - at_put[0]), -taken[1] * (at_taken[1] - at_taken[0])], axis=1)
                shares = np.clip(np.linalg.lstsq(along / scale[:, None], rest / scale, rcond=None)[0], 0.0, 1.0)
                misfit = 0.5 * float((((rest - along @ shares) / scale) ** 2).sum())
                at_home = [
                    home[0] + share * (home[1] - home[0])
                    for home, share in zip((home_put, home_taken), shares.tolist(), strict=True)
                ]
                low = self._settings.neighbour_prior
                placed = math.fsum(math.log(low + (1.0 - low) * share**2) for share in at_home)
                best = max(best, placed - misfit)
        return max(best, _FARTHEST)

    def _stands(self, product_id: str, plates: Sequence[str]) -> list[tuple[tuple[float, float], Array]]:
        """How a unit may stand: on one plate or between two neighbours, (at home there?, unit vectors [2, plates])."""
        home = self._explainer.home(product_id)
        found = []
        for i, plate in enumerate(plates):
            for j in range(i, len(plates)):
                if j != i and plates[j] not in self._explainer.beside(plate):
                    continue
                here = (float(plate in home), float(plates[j] in home))
                if any(here):
                    found.append((here, np.eye(len(plates))[[i, j]]))
        return found


def _sum(event: WeightChanged) -> float:
    return math.fsum(item.delta_g for item in event.plates)


def _with(one: Moves, more: Moves) -> Moves:
    """Both kinds of moves, heaviest first."""

    def for_state(state: State) -> list[Move]:
        extra = more(state)
        known = one(state)
        return sorted([*known, *extra], key=lambda move: -move.log_weight) if extra else known

    return for_state
