"""A camera sees what is in its image, not hidden, and large enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.coverage_sight import Solids, density, hidden, nominal_lens, sees, widest
from jwo_cli.model.layout import LensKind
from tests.estimate.rooms import ELL, gondola, room, watcher

PLACE = st.tuples(*(st.floats(min_value=0.3, max_value=5.7) for _ in range(2)), st.floats(min_value=1.8, max_value=3.0))
TURN = st.floats(min_value=0, max_value=360)


def test_a_gondola_hides_what_is_behind_it_and_not_what_is_above() -> None:
    """From low, behind is hidden; over its top one looks."""
    solids = Solids.of(room(gondola("g", 2.4, 3.0)))
    place = np.array([3.0, 1.0, 1.2])
    points = np.array([[3.0, 5.0, 1.0], [3.0, 5.0, 3.0], [5.5, 5.0, 1.0], [3.0, 2.5, 1.0]])
    assert hidden(place, points, solids).tolist() == [True, False, False, False]


@given(place=PLACE, point=PLACE, turn=TURN)
def test_sight_goes_both_ways(place: tuple[float, ...], point: tuple[float, ...], turn: float) -> None:
    """What hides b from a hides a from b (away from what either hangs on)."""
    solids = Solids.of(room(gondola("g", 3.0, 3.0, turn=turn, high=2.5)))
    a, b = np.array(place), np.array(point)
    away = np.linalg.norm(a - b)
    near = any(
        _inside(solids, a + share * (b - a)) for share in (0.0, 0.3 / max(away, 0.3), 1 - 0.3 / max(away, 0.3), 1)
    )
    if away > 1 and not near:
        assert hidden(a, b[None], solids)[0] == hidden(b, a[None], solids)[0]


def _inside(solids: Solids, point: np.ndarray) -> bool:  # type: ignore[type-arg]
    local = solids.turn[0] @ point + solids.shift[0]
    return bool(((local > -0.3) & (local < solids.size[0] + 0.3)).all())


@given(place=PLACE, point=PLACE, turn=TURN)
def test_hiding_is_what_sampling_the_line_says(place: tuple[float, ...], point: tuple[float, ...], turn: float) -> None:
    """A line is hidden where one of many points along it lies well inside the box, and only near it."""
    solids = Solids.of(room(gondola("g", 3.0, 3.0, turn=turn, high=2.5)))
    a, b = np.array(place), np.array(point)
    share = np.linspace(0, 1, 400)[:, None]
    line = a + share * (b - a)
    far = (np.linalg.norm(line - a, axis=1) > 0.26) & (np.linalg.norm(line - b, axis=1) > 0.03)
    local = line @ solids.turn[0].T + solids.shift[0]
    deep = ((local > 0.03) & (local < solids.size[0] - 0.03)).all(axis=1) & far
    touch = ((local > -0.03) & (local < solids.size[0] + 0.03)).all(axis=1)
    found = bool(hidden(a, b[None], solids)[0])
    if deep.any():
        assert found
    if not touch.any():
        assert not found


def test_walls_of_a_bent_room_hide() -> None:
    """Round the corner of an L nobody sees; within one arm one does."""
    solids = Solids.of(room(floor=ELL))
    place = np.array([5.8, 1.0, 2.5])
    assert hidden(place, np.array([[1.0, 5.5, 1.0], [0.5, 0.5, 1.0]]), solids).tolist() == [True, False]


def test_a_camera_straight_down_sees_its_rectangle() -> None:
    """At height h a view of 90° is 2 h wide, and focal length over height gives the pixels a metre."""
    down = watcher((3.0, 3.0, 3.0), (3.0, 3.0, 0.0))
    points = np.array([[3.0, 3.0, 0.0], [5.9, 3.0, 0.0], [3.0, 4.6, 0.0], [3.0, 4.8, 0.0]])
    found = density(down, points)
    np.testing.assert_allclose(found, [640 / 3, 640 / 3, 640 / 3, 0], rtol=1e-3)


def test_behind_the_camera_nothing_is_seen() -> None:
    """Also not by lenses whose polynomial folds back."""
    ahead = watcher((3.0, 3.0, 1.0), (3.0, 6.0, 1.0))
    bent = ahead.lens.values.copy()
    bent[4:6] = (-0.4, 0.2)
    fold = replace(ahead, lens=replace(ahead.lens, values=bent))
    fish = replace(
        ahead,
        lens=replace(ahead.lens, kind=LensKind.EQUIDISTANT, values=np.array([400, 400, 640, 360, 0, 0, 0, 0], float)),
    )
    behind = np.array([[3.0, 1.0, 1.0], [5.9, 2.9, 1.0], [3.01, 0.1, 1.3]])
    for camera in (ahead, fold):
        assert density(camera, behind).tolist() == [0, 0, 0]
    assert density(fish, behind)[0] == 0


@given(
    x=st.floats(min_value=-2, max_value=2),
    y=st.floats(min_value=-1, max_value=1),
    z=st.floats(min_value=1, max_value=8),
)
def test_the_short_way_for_straight_lenses_is_the_long_one(x: float, y: float, z: float) -> None:
    """Focal length over depth is the lesser singular value: a lens with the slightest bend says the same."""
    camera = watcher((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    nearly = camera.lens.values.copy()
    nearly[4] = 1e-12
    other = replace(camera, lens=replace(camera.lens, values=nearly))
    point = camera.pose.inverse().apply(np.array([[x, y, z]]))
    edge = abs(abs(x / z) - 1) < 1e-3 or abs(abs(y / z) - 0.5625) < 2e-3
    if not edge:
        np.testing.assert_allclose(density(camera, point), density(other, point), rtol=1e-6)


def test_too_far_away_is_not_seen() -> None:
    """The least density decides."""
    camera = watcher((0.1, 3.0, 2.0), (6.0, 3.0, 1.0))
    point = np.array([[5.0, 3.0, 1.0]])
    there = float(density(camera, point)[0])
    solids = Solids.of(room())
    assert sees(camera, point, solids, there - 1).tolist() == [True]
    assert sees(camera, point, solids, there + 1).tolist() == [False]


@pytest.mark.parametrize("view", [40.0, 70.0, 110.0])
def test_the_widest_ray_goes_to_the_corner(view: float) -> None:
    """Half the diagonal of the image over the focal length."""
    lens = nominal_lens(1280, 720, view)
    corner = np.arctan(np.hypot(640, 360) / lens.values[0])
    assert widest(lens) == pytest.approx(corner, rel=1e-3)
