"""Ways: from anywhere to anywhere, around what stands there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.synthetic.paths import Floor
from jwo_cli.synthetic.places import corners, inside
from jwo_cli.synthetic.sample import layout

STORE = layout()
FLOOR = Floor(STORE)
FREE = st.tuples(st.floats(0.3, 6.0), st.floats(0.3, 3.2)).filter(
    lambda point: not any(inside(point, corners(fixture, 0.35)) for fixture in STORE.fixtures)
)


@given(start=FREE, end=FREE)
def test_ways_go_around_fixtures(start: tuple[float, float], end: tuple[float, float]) -> None:
    """Begin and end are kept, steps are short, and nobody walks through a shelf."""
    way = FLOOR.way(start, end)
    assert tuple(way[0]) == start
    assert tuple(way[-1]) == end
    assert np.hypot(*np.diff(way, axis=0).T).max() < 0.3
    for fixture in STORE.fixtures:
        outline = corners(fixture, -0.02)
        assert not any(inside((float(x), float(y)), outline) for x, y in way[1:-1])


def test_a_way_is_the_same_every_time() -> None:
    """Remembered or found anew."""
    again = Floor(STORE)
    for ends in (((0.5, 0.5), (5.0, 3.0)), ((5.0, 0.5), (1.0, 3.0))):
        assert (FLOOR.way(*ends) == again.way(*ends)).all()
        assert (FLOOR.way(*ends) == FLOOR.way(*ends)).all()
