"""A store several times over, for benchmarks: k copies side by side, one catalogue, one floor.

Fixtures, shelves, plates and channels of copy n are called `c<n>-…`; facings of a product multiply. Zones, gates and
cameras stay those of the first copy.
"""

from __future__ import annotations

import math
from dataclasses import replace

from jwo_cli.layouts.version import with_version
from jwo_cli.model.layout import Fixture, Store


def scaled(store: Store, times: int) -> Store:
    """The store `times` times over, in rows; `store` itself when 1. Raises ValueError below 1."""
    if times < 1:
        raise ValueError(f"a store cannot be had {times} times")
    if times == 1:
        return store
    xs, ys = [x for x, _ in store.floor], [y for _, y in store.floor]
    columns = math.ceil(math.sqrt(times))
    rows = math.ceil(times / columns)
    wide, deep = max(xs) - min(xs), max(ys) - min(ys)
    shifts = [((n % columns) * wide, (n // columns) * deep) for n in range(times)]
    fixtures = tuple(
        _moved(fixture, f"c{n}-", dx, dy) for n, (dx, dy) in enumerate(shifts) for fixture in store.fixtures
    )
    facings = tuple(
        replace(facing, plates=tuple(f"c{n}-{plate}" for plate in facing.plates))
        for n in range(times)
        for facing in store.facings
    )
    left, low = min(xs), min(ys)
    right, high = left + columns * wide, low + rows * deep
    floor = ((left, low), (right, low), (right, high), (left, high))
    bigger = replace(
        store,
        store_id=f"{store.store_id}-x{times}",
        name=f"{store.name}, {times} times",
        floor=floor,
        fixtures=fixtures,
        facings=facings,
        antennas=(),
    )
    return with_version(bigger)


def _moved(fixture: Fixture, prefix: str, dx: float, dy: float) -> Fixture:
    pose = replace(fixture.pose, x_m=fixture.pose.x_m + dx, y_m=fixture.pose.y_m + dy)
    bays = tuple(
        replace(
            bay,
            bay_id=prefix + bay.bay_id,
            shelves=tuple(
                replace(
                    shelf,
                    shelf_id=prefix + shelf.shelf_id,
                    plates=tuple(
                        replace(plate, plate_id=prefix + plate.plate_id, channel=prefix + plate.channel)
                        for plate in shelf.plates
                    ),
                )
                for shelf in bay.shelves
            ),
        )
        for bay in fixture.bays
    )
    return replace(fixture, fixture_id=prefix + fixture.fixture_id, pose=pose, bays=bays)
