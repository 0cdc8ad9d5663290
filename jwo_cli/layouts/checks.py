"""What can be wrong with a store although every field can be read: all rules, run over the finished types.

Errors refuse the layout; warnings are doubts that a store can live with. Each rule says its tolerance and why.
"""

from __future__ import annotations

from jwo_cli.layouts import check_floor, check_goods, check_ids, check_shelves, check_units
from jwo_cli.layouts.known import Known
from jwo_cli.layouts.places import Places
from jwo_cli.model.findings import Finding
from jwo_cli.model.layout import Store

__all__ = ["Known", "check"]


def check(store: Store, places: Places | None = None, known: Known | None = None) -> list[Finding]:
    """Everything wrong or doubtful about a store, rule by rule in a fixed order.

    `places` says where things were written; without it findings name the things. `known` says what could be read:
    references into a part that could not are not judged.
    """
    where, readable = places or Places(), known or Known()
    return [
        *check_ids.check(store, where),
        *check_units.check(store, where),
        *check_floor.check(store, where),
        *check_shelves.check(store, where),
        *check_goods.check(store, where, readable),
    ]
