"""Which devices of its layout a store must have heard, and must find well, before it opens."""

from __future__ import annotations

from jwo_cli.drive.fusing import addresses
from jwo_cli.drive.health import Needed
from jwo_cli.model.layout import Store


def needed(store: Store, *, broker: bool) -> Needed:
    """Calibrated cameras with an address, whoever reads them; with a broker the scales behind it.

    A door says nothing until it has to, so that it need not have been heard; one that went away keeps the store shut.
    """
    scales = store.weighing() if broker else ()
    gates = [gate.gate_id for gate in store.gates] if broker else []
    return Needed(heard=tuple(dict.fromkeys([*scales, *addresses(store)])), well=tuple(gates), scales=scales)
