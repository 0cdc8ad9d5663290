"""What units weigh is doubted, learnt, and never certain."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Product
from jwo_cli.shop.masses import MassBook, normal_density, wrong_density

TEA = Product(product_id="tea", name="Tea", price_minor=1, unit_mass_g=120.0)
JAR = Product(product_id="jar", name="Jar", price_minor=1, unit_mass_g=41.0)
NEW = Product(product_id="new", name="Never weighed", price_minor=1)


def test_events_that_agree_sharpen_the_mean() -> None:
    """Five teas of 121 g pull the listed 120 g there and make it surer."""
    book = MassBook((TEA,))
    before = book["tea"].var_g2
    for _ in range(5):
        book.learn("tea", 121.0, 0.5, 1)
    assert 120.2 < book["tea"].mean_g < 121.0
    assert book["tea"].var_g2 < before
    assert book["tea"].wrong < 0.01


def test_events_that_contradict_turn_the_odds() -> None:
    """Two jars of 550 g against a listed 41 g: the list is wrong, and a third jar fits the measured mass."""
    book = MassBook((JAR,))
    for mass in (548.0, 553.0):
        book.learn("jar", mass, 1.0, 1)
    assert book["jar"].wrong > 0.95
    assert book["jar"].unit_mass_g() == pytest.approx(550, abs=4)
    assert book["jar"].density(549.0, 1.0, 1) > 20 * book["jar"].density(41.0, 1.0, 1)


def test_a_suspicion_counts_only_when_it_repeats() -> None:
    """One odd mass is remembered, the second alike says that past events should be weighed again."""
    book = MassBook((JAR,))
    assert book.suspect("jar", 548.0, 1.0, 1, probability=0.5) is False
    assert book.suspect("jar", 552.0, 1.0, 1, probability=0.6) is True
    assert book["jar"].wrong == pytest.approx(0.54)  # no surer than that it was a jar at all


def test_what_fits_the_list_raises_no_suspicion() -> None:
    """A tea of 121.5 g is a tea."""
    book = MassBook((TEA,))
    assert book.suspect("tea", 121.5, 0.5, 1, probability=1.0) is False
    assert book["tea"].events == 0


def test_without_learning_nothing_changes() -> None:
    """The ablation's switch."""
    book = MassBook((JAR,), learning=False)
    book.learn("jar", 550.0, 1.0, 1)
    assert book["jar"].events == 0


def test_an_unweighed_product_may_weigh_anything_until_it_is_taken() -> None:
    """Its first unit teaches its mass."""
    book = MassBook((NEW,))
    wide = book["new"].density(90.0, 1.0, 1)
    book.learn("new", 90.0, 1.0, 1)
    assert book["new"].density(90.0, 1.0, 1) > 5 * wide


@given(st.floats(5, 2000), st.integers(1, 6))
def test_densities_are_densities(mass: float, count: int) -> None:
    """Over all masses the density of a count adds up to one (the broad part included)."""
    product = Product(product_id="p", name="P", price_minor=1, unit_mass_g=mass)
    belief = MassBook((product,))["p"]
    top = mass * count
    half = 8 * math.sqrt(count * (0.012 * mass) ** 2 + count**2 * belief.var_g2 + 0.25)
    fine = [top - half + half * step / 2000 for step in range(4001)]
    near = math.fsum(belief.density(x, 0.5, count) for x in fine) * half / 2000
    assert near == pytest.approx(1.0, abs=0.03)


@given(st.floats(1, 1000))
def test_wrong_masses_are_log_uniform(listed: float) -> None:
    """A factor of two either way is equally likely: density times mass is constant inside the range, zero outside."""
    inside = [listed * factor for factor in (0.1, 0.5, 1.0, 3.0, 15.0)]
    assert len({round(wrong_density(mass, listed) * mass, 9) for mass in inside}) == 1
    assert wrong_density(listed * 21, listed) == 0.0
    assert wrong_density(-1.0, listed) == 0.0


def test_normal_density_peaks_at_its_mean() -> None:
    """1/sqrt(2 pi) for the unit normal."""
    assert normal_density(0.0, 1.0) == pytest.approx(0.3989422804)
