"""What a hand at a plate that did not weigh may mean: nothing, one unit taken, or something put back.

No scale felt it, so all there is are the hand and the planogram. The moves keep enough doubt that such a visit waits
for a person; what it asks that person names the plates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import UnweighedReach

from .beliefs import Lot, Move, State, Story, lots_of, track_owner
from .masses import MassBook

_NOTHING: Story = (None, ActionKind.NONE, ())
# However clear the hand: it may have straightened, pressed or looked. Low enough that a person always decides.
ACTED = 0.8
# Somebody who holds what belongs there is about as likely to bring it back as to take another.
_BACK = 0.5
# Below this, nobody needs to be told.
WORTH_NAMING = 0.3
# What was taken of the same goods so near in time is what this hand took.
_SAME_NS = 800_000_000
# Nothing was weighed: a unit taken there is as heavy as its kind, within this (g²).
_UNSEEN_VAR_G2 = 1e4


class UnweighedExplainer:
    """Holds the planogram by plate."""

    def __init__(self, store: Store, masses: MassBook) -> None:
        self._masses = masses
        products = store.catalogue.by_id()
        self._facings: dict[str, dict[str, None]] = {}
        for facing in store.facings:
            known = products.get(facing.product_id)
            for plate in facing.plates:
                if known is not None:
                    self._facings.setdefault(plate, {})[known.product_id] = None

    def moves(self, event: UnweighedReach, seq: int) -> Callable[[State], list[Move]]:
        """A function from a state to its moves, heaviest first."""
        offered = tuple({product: None for plate in event.plates for product in self._facings.get(plate, {})})
        acted = min(max(event.probability, 1e-4), 1.0 - 1e-4) * ACTED
        owner = track_owner(event.track_id)

        def for_state(state: State) -> list[Move]:
            held = [lot for lot in lots_of(state, owner) if lot.product_id in offered]
            if not offered or any(abs(lot.at_ns - event.at_ns) <= _SAME_NS for lot in held):
                return [Move(0.0, _NOTHING)]  # nothing to take, or a scale beside felt a part of what was taken
            back = [lot for lot in held if lot.at_ns < event.begin_ns]
            moves = [Move(math.log(1.0 - acted), _NOTHING)]
            taken = acted * (1.0 - _BACK) if back else acted
            for product_id in offered:
                unit = Lot(product_id, 1, self._masses[product_id].unit_mass_g(), _UNSEEN_VAR_G2, seq, event.at_ns)
                story = (event.track_id, ActionKind.PICK, ((product_id, 1),))
                moves.append(Move(math.log(taken / len(offered)), story, (), ((owner, unit),)))
            for lot in back:
                story = (event.track_id, ActionKind.PUT, ((lot.product_id, 1),))
                takes = ((owner, lot, 1, lot.mass_g / lot.units),)
                moves.append(Move(math.log(acted * _BACK / len(back)), story, takes))
            return sorted(moves, key=lambda move: -move.log_weight)

        return for_state


def note(plates: Iterable[str]) -> str:
    """What a reviewer should know, empty when every plate weighed."""
    names = ", ".join(plates)
    return f"hands reached to {names} while it did not weigh" if names else ""
