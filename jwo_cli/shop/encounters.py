"""Moves that no scale shows: things change hands, lie on the floor, identities swap.

Each function gives the moves of one state for one observation; `beliefs.expand` weighs them against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.observations import FloorTouched, HandsMet, IdentityDoubted, ShelfTouched

from .beliefs import FLOOR, Move, State, Story, lots_of, track_owner
from .explain import in_hand_weights, unit_of
from .settings import EngineSettings

_NOTHING: Story = (None, ActionKind.NONE, ())
# Something on the floor is picked up by a hand that goes down there (m, standard deviation of the hands' places); what
# is put down may be put anywhere in the open (m²).
_FLOOR_REACH_M = 0.25
_OPEN_FLOOR_M2 = 8.0


# Of several units picked together all go over, rather than one.
_WHOLE_LOT = 0.25


def _log(probability: float) -> float:
    return math.log(min(max(probability, 1e-4), 1.0 - 1e-4))


def hand_over_moves(event: HandsMet, settings: EngineSettings) -> Callable[[State], list[Move]]:
    """Nothing changed hands, or one unit (or a whole lot) went from one to the other, what was picked last first."""

    def for_state(state: State) -> list[Move]:
        pairs = [(event.a, event.b), (event.b, event.a)]
        held = {giver: lots_of(state, track_owner(giver)) for giver, _ in pairs}
        every = [lot for giver, _ in pairs for lot in held[giver]]
        # Hands that pass nothing of ours pass something of theirs: the meeting itself says nothing of who holds goods.
        moves = [Move(_log(1.0 - event.probability) if every else 0.0, _NOTHING)]
        weights = iter(in_hand_weights(every, event.at_ns, settings) if every else [])
        for giver, taker in pairs:
            owner, to = track_owner(giver), track_owner(taker)
            for lot in held[giver]:
                weight = _log(event.probability) + math.log(next(weights))
                single_share = 1.0 if lot.units == 1 else 1.0 - _WHOLE_LOT
                one = unit_of(lot)._replace(at_ns=event.at_ns)
                single = Move(
                    weight + math.log(single_share),
                    (giver, ActionKind.HAND_OVER, ((lot.product_id, 1),)),
                    ((owner, lot, 1, one.mass_g),),
                    ((to, one),),
                )
                moves.append(single)
                if lot.units > 1:
                    whole = lot._replace(at_ns=event.at_ns)
                    story = (giver, ActionKind.HAND_OVER, ((lot.product_id, lot.units),))
                    moves.append(
                        Move(
                            weight + math.log(_WHOLE_LOT), story, ((owner, lot, lot.units, lot.mass_g),), ((to, whole),)
                        )
                    )
        return sorted(moves, key=lambda move: -move.log_weight)

    return for_state


def shelf_exchange_moves(
    event: ShelfTouched, hands: Sequence[str], at_home: Callable[[str], bool], settings: EngineSettings
) -> Callable[[State], list[Move]]:
    """A touch while two people's hands were there may be a put by one and a pick by the other that cancel out.

    `hands` are the tracks whose hands were plainly there; `at_home` says which products stand on the touched plates.
    """

    def for_state(state: State) -> list[Move]:
        moves = []
        for giver in hands:
            owner = track_owner(giver)
            for lot in lots_of(state, owner):
                if not at_home(lot.product_id):
                    continue
                one = unit_of(lot)._replace(at_ns=event.at_ns)
                for taker in hands:
                    if taker != giver:
                        story = (giver, ActionKind.HAND_OVER, ((lot.product_id, 1),))
                        gives = ((track_owner(taker), one),)
                        moves.append(Move(0.0, story, ((owner, lot, 1, one.mass_g),), gives))
        if not moves:
            return [Move(0.0, _NOTHING)]
        # A touch tells nothing about who holds how much: the ways share one prior.
        whole = 1.0 + settings.cancelling_prior
        share = math.log(settings.cancelling_prior / len(moves) / whole)
        return [Move(-math.log(whole), _NOTHING), *(move._replace(log_weight=share) for move in moves)]

    return for_state


def floor_moves(event: FloorTouched, settings: EngineSettings) -> Callable[[State], list[Move]]:
    """Something was put on the floor, something that lies there was taken up, or neither."""

    def for_state(state: State) -> list[Move]:
        owner = track_owner(event.track_id)
        moves = [Move(_log(1.0 - event.probability), _NOTHING)]
        held, lying = lots_of(state, owner), lots_of(state, FLOOR)
        for lot, share in zip(held, in_hand_weights(held, event.at_ns, settings) if held else [], strict=True):
            here = unit_of(lot)._replace(at_ns=event.at_ns, profile=(("x", event.x_m), ("y", event.y_m)))
            story = (event.track_id, ActionKind.MISPLACE, ((lot.product_id, 1),))
            weight = _log(event.probability) + math.log(share)
            moves.append(Move(weight, story, ((owner, lot, 1, here.mass_g),), ((FLOOR, here),)))
        for lot in lying:
            place = dict(lot.profile)
            squared = (place["x"] - event.x_m) ** 2 + (place["y"] - event.y_m) ** 2
            near = math.log(_OPEN_FLOOR_M2 / (2.0 * math.pi)) - 0.5 * squared / _FLOOR_REACH_M**2
            weight = _log(event.probability) + near - 2.0 * math.log(_FLOOR_REACH_M)
            up = lot._replace(at_ns=event.at_ns, profile=())
            story = (event.track_id, ActionKind.PICK, ((lot.product_id, lot.units),))
            moves.append(Move(weight, story, ((FLOOR, lot, lot.units, lot.mass_g),), ((owner, up),)))
        return sorted(moves, key=lambda move: -move.log_weight)

    return for_state


def identity_moves(event: IdentityDoubted) -> Callable[[State], list[Move]]:
    """The ids still mean the same people, or what one holds belongs to the other id now."""
    a, b = track_owner(event.before), track_owner(event.after)
    same = Move(_log(1.0 - event.probability), _NOTHING)
    story: Story = (event.before, ActionKind.NONE, ())
    if event.kind in {"swap", "merge"}:
        other = Move(_log(event.probability), story, exchange=(a, b), until_ns=event.at_ns)
    else:
        other = Move(_log(event.probability), story, rename=(a, b))
    moves = sorted([same, other], key=lambda move: -move.log_weight)
    return lambda _state: moves
