"""Films: cameras show what the play has, hidden where something stands before it, and the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cv2")

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.film.optics import views, with_lenses
from jwo_cli.synthetic.film.people import Shown, clothes, paint
from jwo_cli.synthetic.film.scenery import product_colours, scenery
from jwo_cli.synthetic.film.shooting import Shot, shoot
from jwo_cli.synthetic.sample import CHIPS, START_NS, layout
from jwo_cli.synthetic.scripts import Actor, Leave, Pick, Script
from jwo_cli.synthetic.simulate import Simulated, simulate

WIDTH = 320


@pytest.fixture(scope="module")
def store() -> Store:
    return with_lenses(layout(), width_px=WIDTH)


@pytest.fixture(scope="module")
def play(store: Store) -> Simulated:
    ann = Actor(key="ann", enter_s=0.5, acts=(Pick(product=CHIPS), Leave()))
    return simulate(store, Script(name="f", scenario="f", seed=5, start_ns=START_NS, actors=(ann,)))


def film(store: Store, play: Simulated, seed: int, seconds: float = 6.0) -> list[Shot]:
    return list(shoot(store, play.stage, start_ns=START_NS, duration_s=seconds, seed=seed, fps=2.0))


def test_the_same_seed_gives_the_same_pixels(store: Store, play: Simulated) -> None:
    """And another one other grain and clothes."""
    first, again, other = (film(store, play, seed, 2.0) for seed in (1, 1, 2))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(first, other, strict=True))


def test_every_camera_shows_its_own_moments(store: Store, play: Simulated) -> None:
    """Both cameras twice a second, in order of time, of the size that the store says."""
    shots = film(store, play, 1)
    assert [shot.at_ns for shot in shots] == sorted({shot.at_ns for shot in shots})
    assert {shot.camera_id for shot in shots} == {"c1", "c2"}
    assert {shot.image.shape for shot in shots} == {(180, WIDTH, 3)}


def standing(x_m: float, y_m: float, holding: str | None = None) -> Shown:
    up = np.array([1.7, 1.5, 1.45, 1.45, 1.15, 1.15, 0.95, 0.95])
    aside = np.array([0.0, 0.0, 0.18, -0.18, 0.24, -0.24, 0.24, -0.24])
    joints = np.column_stack([x_m + aside, np.full(8, y_m), up])
    legs = np.array([[x_m + s, y_m, z] for s, z in ((0.1, 0.5), (0.1, 0.06), (-0.1, 0.5), (-0.1, 0.06))])
    return Shown(joints_m=joints, legs_m=legs, holding=(holding, None), clothes=clothes(3, "x"))


def test_a_body_is_where_its_joints_are(store: Store) -> None:
    """Painted pixels lie around the projected body, from head to feet, and nowhere else."""
    view = views(store)["c1"]
    ground = scenery(store, view, width_px=WIDTH, height_px=180, seed=1)
    image = ground.image.copy()
    person = standing(1.9, 2.9)
    paint(image, ground, view, [person])
    rows, columns = np.nonzero(np.abs(image.astype(int) - ground.image).sum(axis=2) > 20)
    spots = view.project(np.concatenate([person.joints_m, person.legs_m]))
    assert abs(rows.min() - (spots[0, 1] - 8)) < 6
    assert abs(rows.max() - spots[:, 1].max()) < 6
    assert columns.min() > spots[:, 0].min() - 12
    assert columns.max() < spots[:, 0].max() + 12


def test_what_stands_before_somebody_hides_them(store: Store) -> None:
    """Behind the island, seen from the other side, only what looks over it is painted."""
    view = views(store)["c1"]
    ground = scenery(store, view, width_px=WIDTH, height_px=180, seed=1)
    free, hidden = ground.image.copy(), ground.image.copy()
    person = standing(3.7, 2.3)
    paint(free, replace(ground, depth_m=np.full_like(ground.depth_m, 50.0)), view, [person])
    paint(hidden, ground, view, [person])
    shown = [np.count_nonzero(np.abs(image.astype(int) - ground.image).sum(axis=2) > 20) for image in (free, hidden)]
    assert 0 < shown[1] < 0.7 * shown[0]


def test_a_thing_in_a_hand_has_its_package_colours(store: Store) -> None:
    """So that a crop at the hand tells what it is."""
    view = views(store)["c1"]
    ground = scenery(store, view, width_px=WIDTH, height_px=180, seed=1)
    with_it, without = ground.image.copy(), ground.image.copy()
    paint(with_it, ground, view, [standing(1.5, 1.9, CHIPS)])
    paint(without, ground, view, [standing(1.5, 1.9)])
    changed = np.abs(with_it.astype(int) - without).sum(axis=2) > 30
    assert np.count_nonzero(changed) > 20
    own, band = (colour.astype(float) for colour in product_colours(CHIPS))
    mean = with_it[changed].mean(axis=0)
    middle = (own + band) / 2 * 0.85
    assert np.linalg.norm(mean - middle) < 60


def test_goods_stand_on_the_shelves_facing_the_shoppers(store: Store) -> None:
    """The island's goods are seen from the east camera and not through its back."""
    grounds = {name: scenery(store, view, width_px=WIDTH, height_px=180, seed=1) for name, view in views(store).items()}
    centre = np.array([store.plate_centre("g2.s2.p3")])
    spread = {}
    for name, view in views(store).items():
        x, y = (int(value) for value in view.project(centre)[0])
        spread[name] = float(grounds[name].image[y - 8 : y + 8, x - 8 : x + 8].std(axis=(0, 1)).mean())
    assert spread["c2"] > 3 * spread["c1"]
