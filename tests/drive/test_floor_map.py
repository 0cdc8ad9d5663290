"""The floor in characters."""

from __future__ import annotations

from jwo_cli.drive.floor_map import FIXTURE, GATE, canvas, draw
from tests.drive import scene


def test_the_canvas_fits_the_space_and_keeps_the_shape() -> None:
    """A square floor is twice as many columns as rows, for a character is twice as high as wide."""
    place = canvas(scene.store(), columns=60, rows=20)
    assert place.rows <= 20
    assert place.columns <= 60
    assert abs(place.columns - 2 * place.rows) <= 2


def test_people_stand_where_they_are_and_above_everything() -> None:
    """North is up; a person in the middle of the fixture hides its mark."""
    shop = scene.store()
    place = canvas(shop, columns=60, rows=20)
    lines = draw(shop, place, people={"A": (2.0, 1.0), "B": (1.1, 3.2)}, busy={})
    (a_row,) = [row for row, line in enumerate(lines) if "A" in line]
    (b_row,) = [row for row, line in enumerate(lines) if "B" in line]
    assert b_row < a_row
    assert lines[a_row].index("A") > lines[b_row].index("B")


def test_a_busy_fixture_shows_its_mark_and_gates_are_drawn() -> None:
    """The fixture's name gives way to the mark."""
    shop = scene.store()
    place = canvas(shop, columns=60, rows=20)
    assert any("▼" in line for line in draw(shop, place, people={}, busy={"a": "▼"}))
    calm = draw(shop, place, people={}, busy={})
    assert any(f"{FIXTURE}a{FIXTURE}" in line for line in calm)
    assert GATE in calm[-1]


def test_somebody_outside_the_floor_is_drawn_at_its_edge() -> None:
    """A tracker's error must not break the picture."""
    shop = scene.store()
    lines = draw(shop, canvas(shop, columns=40, rows=15), people={"A": (99.0, -99.0)}, busy={})
    assert lines[-1].rstrip().endswith("A")
