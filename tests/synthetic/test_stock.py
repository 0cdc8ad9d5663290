"""Stock: units with their own mass, misplaced ones remembered."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.stock import Stock, grams_by_plate

SOUP, SWEETS = "2000100000106", "2000100000250"


def test_units_scatter_about_a_mean_near_the_catalogues(kiosk: Store) -> None:
    """1 % from unit to unit (the catalogue's spread), the mean off by a fraction of a percent."""
    stock = Stock(kiosk, seed=1, db_bias=0.004)
    masses = np.array([stock.unit(SOUP).mass_g for _ in range(400)])
    assert masses.std() / masses.mean() == pytest.approx(0.01, rel=0.15)
    assert abs(masses.mean() / 440.0 - 1.0) < 0.02
    assert stock.mean_g(SOUP) == pytest.approx(masses.mean(), rel=0.002)


def test_goods_by_weight_come_in_portions(kiosk: Store) -> None:
    """Between 60 and 400 g."""
    stock = Stock(kiosk, seed=1)
    portions = [stock.unit(SWEETS).mass_g for _ in range(50)]
    assert 60.0 <= min(portions) < max(portions) <= 400.0


def test_a_wrong_catalogue_does_not_change_the_goods(kiosk: Store) -> None:
    """True masses may be named apart from the listed ones."""
    assert Stock(kiosk, seed=1, true_mass_g={SOUP: 700.0}).mean_g(SOUP) == pytest.approx(700.0, rel=0.02)


def test_misplaced_units_are_found_where_they_were_left(kiosk: Store) -> None:
    """A unit on its own facing is at home; on another's it waits until somebody takes it."""
    stock = Stock(kiosk, seed=1)
    home = stock.facing_of(SOUP).plates
    assert stock.set_down(stock.unit(SOUP), home[:1], (1.0,)).home
    assert not stock.set_down(stock.unit(SOUP), ("g1.s1.p1",), (1.0,)).home
    found = stock.take_misplaced(SOUP)
    assert found is not None
    assert found.plates == ("g1.s1.p1",)
    assert stock.take_misplaced(SOUP) is None


def test_weight_on_two_plates_adds_up(kiosk: Store) -> None:
    """Shares of a straddling unit sum to its mass; four in ten of a wide facing straddle."""
    stock = Stock(kiosk, seed=1)
    taken = [stock.take(stock.facing_of(SOUP), 1) for _ in range(300)]
    for units in taken:
        plates, grams = grams_by_plate(units)
        assert grams.sum() == pytest.approx(units[0].mass_g)
        assert len(plates) == grams.shape[1]
    assert 0.3 < np.mean([len(units[0].plates) > 1 for units in taken]) < 0.5
