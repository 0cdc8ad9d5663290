"""How many cameras see floor and shelves, said in a shopkeeper's words, and where more of them help."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.coverage import cover, share_seen, targets, within
from jwo_cli.estimate.coverage_mounts import Mount, candidates, look, propose
from jwo_cli.estimate.coverage_sight import Solids
from jwo_cli.estimate.coverage_words import beside, blind_floor, blind_shelves
from jwo_cli.model.layout import Zone
from tests.estimate.rooms import ELL, SQUARE, gondola, room, watcher

PLACE = st.tuples(st.floats(min_value=0.2, max_value=5.8), st.floats(min_value=0.2, max_value=5.8))


def test_targets_are_the_free_floor_and_the_fronts_of_shelves() -> None:
    """Cells add up to floor less fixtures; openings stand just before the fronts, left to right."""
    wanted = targets(room(gondola("g", 2.0, 3.0, shelves=3), floor=SQUARE))
    assert len(wanted.cells) * wanted.cell_m**2 == pytest.approx(36 - 0.6, abs=0.3)
    assert wanted.shelves == (("g", "g.s1"), ("g", "g.s2"), ("g", "g.s3"))
    assert (wanted.openings[:, 1] < 3.0).all()
    assert (np.diff(wanted.openings[wanted.shelf == 0, 0]) > 0).all()
    assert wanted.span.sum() == pytest.approx(3.6)


def test_large_floors_get_larger_cells() -> None:
    """A hall does not take a thousand times as long as a kiosk."""
    hall = room(floor=((0.0, 0.0), (100.0, 0.0), (100.0, 60.0), (0.0, 60.0)))
    assert len(targets(hall).cells) < 7000


@settings(max_examples=25)
@given(first=PLACE, second=PLACE)
def test_a_further_camera_never_takes_anything_away(first: tuple[float, float], second: tuple[float, float]) -> None:
    """And a further fixture never gives anything."""
    store, more = room(gondola("g", 2.0, 3.0)), room(gondola("g", 2.0, 3.0), gondola("h", 4.0, 1.0, high=2.2))
    cameras = [watcher((*place, 2.6), (3.0, 3.0, 0.5)) for place in (first, second)]
    wanted = targets(store, 0.4)
    one, two = (cover(cameras[:count], wanted, Solids.of(store)) for count in (1, 2))
    assert (two.floor_count() >= one.floor_count()).all()
    assert (two.shelf_count() >= one.shelf_count()).all()
    fuller = cover(cameras, wanted, Solids.of(more))
    assert (fuller.floor_count() <= two.floor_count()).all()
    assert (fuller.shelf_count() <= two.shelf_count()).all()


def test_a_shelf_is_seen_from_its_front_only() -> None:
    """The gondola's own body hides its openings from behind."""
    store = room(gondola("g", 2.4, 3.0))
    wanted, solids = targets(store), Solids.of(store)
    front, back = watcher((3.0, 0.3, 2.0), (3.0, 3.0, 0.8)), watcher((3.0, 5.8, 2.0), (3.0, 3.0, 0.8))
    seen = cover([front, back], wanted, solids)
    assert seen.shelf[0].all()
    assert not seen.shelf[1].any()


def test_blind_spots_are_said_with_zone_fixture_and_side() -> None:
    """Behind the gondola nobody looks: that is what is said, and which shelf is blind in which part."""
    zones = (Zone(zone_id="shop", polygon=SQUARE),)
    store = room(gondola("g", 1.0, 4.9, high=2.2), zones=zones)
    wanted, solids = targets(store), Solids.of(store)
    camera = watcher((3.0, 0.2, 1.7), (1.6, 5.5, 1.0), view=110)
    seen = cover([camera], wanted, solids)
    spots = blind_floor(store, wanted, seen.floor_count(), 1)
    behind = [spot for spot in spots if spot.where == "shop, behind g"]
    assert "shop, behind g: no camera" in str(behind[0])
    assert 0.3 < behind[0].size < 1.5
    assert blind_floor(store, wanted, seen.floor_count() + 2, 2) == ()
    half = seen.shelf_count() * 0 + (wanted.along > 0.34)
    said = [str(spot) for spot in blind_shelves(wanted, half, 1)]
    assert said == [f"g, shelf g.s{number} (left third): no camera (0.4 m of front)" for number in (1, 2)]
    assert str(blind_shelves(wanted, half * 0, 1)[0]).startswith("g, shelf g.s1: no camera")


def test_staff_areas_come_last() -> None:
    """What shoppers do not walk on matters less."""
    north = ((0.0, 3.0), (6.0, 3.0), (6.0, 6.0), (0.0, 6.0))
    south = ((0.0, 0.0), (6.0, 0.0), (6.0, 3.0), (0.0, 3.0))
    zones = (Zone(zone_id="back", polygon=north, staff_only=True), Zone(zone_id="shop", polygon=south))
    store = room(zones=zones)
    wanted = targets(store)
    spots = blind_floor(store, wanted, np.zeros(len(wanted.cells), dtype=np.int64), 1)
    assert [spot.staff_only for spot in spots] == [False, True]


@pytest.mark.parametrize(
    ("turn", "point", "said"),
    [
        (0.0, (2.6, 2.0), "in front of g"),
        (0.0, (2.6, 4.5), "behind g"),
        (0.0, (1.0, 3.2), "left of g"),
        (0.0, (5.0, 3.2), "right of g"),
        (90.0, (3.0, 3.6), "in front of g"),  # turned by 90° the front looks east
    ],
)
def test_sides_are_those_of_a_shopper_before_the_fixture(turn: float, point: tuple[float, float], said: str) -> None:
    """Left and right as seen by somebody who faces its front."""
    assert beside(room(gondola("g", 2.0, 3.0, turn=turn)), np.array(point)) == said


def test_the_first_camera_proposed_is_the_best_of_all_candidates() -> None:
    """What it adds is no less than what any other would; each next one adds no more."""
    store = room(gondola("g", 2.4, 3.0, high=2.0), gondola("h", 3.6, 3.5, turn=180.0, high=2.0))
    mount = Mount(height_m=2.7)
    wanted, solids = targets(store, 0.4), Solids.of(store)
    floor, shelf = look(candidates(store, mount), wanted, solids)
    made = propose(store, cover([], wanted, solids), wanted, solids, mount, most=4, wanted=2, share=1.0)
    assert len(made) == 4
    alone = floor.mean(axis=1) + shelf.mean(axis=1)
    chosen = cover([made[0].watcher], wanted, solids)
    assert chosen.floor.mean() + chosen.shelf.mean() == pytest.approx(alone.max(), abs=1e-9)
    worth = [0.0]
    for count in range(1, 5):
        seen = cover([item.watcher for item in made[:count]], wanted, solids)
        worth.append(float(np.minimum(seen.floor_count(), 2).mean() + np.minimum(seen.shelf_count(), 2).mean()))
    assert (np.diff(worth) > 0).all()
    assert (np.diff(worth, 2) < 1e-9).all()
    last = cover([item.watcher for item in made], wanted, solids)
    assert made[-1].floor_share == pytest.approx(share_seen(last.floor_count(), 2))


def test_no_camera_is_proposed_where_enough_is_seen_or_none_helps() -> None:
    """Reached is reached; and a camera that would see nothing new is not hung."""
    store = room()
    wanted, solids = targets(store, 0.5), Solids.of(store)
    mount = Mount(height_m=2.7)
    many = [watcher((x, y, 2.7), (3.0, 3.0, 0.5), view=110) for x in (0.2, 5.8) for y in (0.2, 5.8)]
    seen = cover(many, wanted, solids)
    assert propose(store, seen, wanted, solids, mount, most=3, wanted=1, share=0.5) == []


def test_candidates_hang_inside_the_room_and_not_in_furniture() -> None:
    """On the inner side of walls; `wall_only` leaves the ceiling out."""
    store = room(gondola("tall", 0.0, 3.0, high=2.9), floor=ELL)
    made = candidates(store, Mount(height_m=2.7))
    places = np.array([camera.pose.centre() for camera in made])
    assert within(places[:, :2], np.array(ELL)).all()
    assert not ((places[:, 0] < 1.2) & (places[:, 1] > 3.0) & (places[:, 1] < 3.5)).any()
    assert len(candidates(store, Mount(height_m=2.7, wall_only=True))) < len(made)
    assert (np.array([camera.pose.turn[2, 2] for camera in made]) < 0).all()
