"""The gates of a store as the tracker needs them: how likely somebody came, or went, where a track begins or ends.

Entries let in, exits let out, most gates do both. A layout without gates says nothing: people may come and go at the
edge of the floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Gate, GateKind

from .floor import Doors, Leaving
from .settings import TrackSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorways:
    """Gates by what they do; `edge` [k, 2] is the floor's polygon, for layouts without gates."""

    gates: tuple[Gate, ...]
    edge: Floats

    def outside(self, settings: TrackSettings, *, leaving: bool | None = None) -> Leaving:
        """How likely people come (`leaving` False) or go (True) at a place; None: either."""
        closed = {True: GateKind.ENTRY, False: GateKind.EXIT, None: None}[leaving]
        chosen = [gate for gate in self.gates if gate.kind is not closed]
        if not self.gates:
            return Leaving(Doors(a=self.edge, b=np.roll(self.edge, -1, axis=0)), settings)
        return Leaving(_doors(chosen or list(self.gates)), settings)

    def nearest(self, place: Floats, within_m: float, *, leaving: bool) -> str | None:
        """The gate that somebody at `place` [2] came or went by; None when none is so near."""
        closed = GateKind.ENTRY if leaving else GateKind.EXIT
        chosen = [gate for gate in self.gates if gate.kind is not closed]
        far = [float(_doors([gate])(place[None], np.ones(1))[0]) for gate in chosen]
        best = int(np.argmin(far)) if far else -1
        return chosen[best].gate_id if far and far[best] <= within_m else None


def _doors(gates: list[Gate]) -> Doors:
    return Doors(a=np.array([gate.a for gate in gates], np.float64), b=np.array([gate.b for gate in gates], np.float64))
