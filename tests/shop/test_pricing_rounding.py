"""Fractions of a minor unit: ties to the shopper for prices, up for tax, and shares that sum exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.shop.pricing_rounding import apportion, half_down, half_up

amounts = st.integers(0, 10**9)
parts = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("numerator", "denominator", "down", "up"),
    [
        (0, 7, 0, 0),
        (1, 2, 0, 1),
        (3, 2, 1, 2),
        (2, 3, 1, 1),
        (1, 3, 0, 0),
        (5, 10, 0, 1),
        (51, 100, 1, 1),
        (9, 3, 3, 3),
    ],
)
def test_ties_and_neighbours(numerator: int, denominator: int, down: int, up: int) -> None:
    """A tie goes down for what is paid and up for tax; everything else to the nearest."""
    assert (half_down(numerator, denominator), half_up(numerator, denominator)) == (down, up)


@settings(deadline=None)
@given(amounts, parts)
def test_rounding_is_to_the_nearest_and_differs_only_on_ties(numerator: int, denominator: int) -> None:
    """Both are within half a unit of the exact value; they differ exactly when it lies in the middle."""
    exact = Fraction(numerator, denominator)
    down, up = half_down(numerator, denominator), half_up(numerator, denominator)
    assert abs(exact - down) <= Fraction(1, 2)
    assert abs(exact - up) <= Fraction(1, 2)
    assert (down != up) == ((exact * 2).denominator == 1 and exact.denominator == 2)


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 2), (1, 0), (1, -3)])
def test_what_is_no_amount_is_refused(numerator: int, denominator: int) -> None:
    """Negative amounts and empty denominators are faults of the caller."""
    for rounded in (half_down, half_up):
        with pytest.raises(ValueError, match="not an amount"):
            rounded(numerator, denominator)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.data())
def test_shares_sum_exactly_and_never_exceed_their_weight(weights: list[int], data: st.DataObject) -> None:
    """Each share is within one unit of proportional, and the shares are the amount."""
    amount = data.draw(st.integers(0, sum(weights)))
    shares = apportion(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    if whole := sum(weights):
        assert all(abs(s - Fraction(amount * w, whole)) < 1 for s, w in zip(shares, weights, strict=True))


def test_the_first_of_equals_gets_the_odd_unit() -> None:
    """Ties are settled by order, so that the same basket always prints the same receipt."""
    assert apportion(100, (50, 50, 50)) == (34, 33, 33)


@pytest.mark.parametrize(("amount", "weights"), [(1, (0, 0)), (1, ()), (-1, (1,)), (1, (2, -1))])
def test_an_amount_that_nothing_can_bear_is_refused(amount: int, weights: tuple[int, ...]) -> None:
    """There is no share of something over nothing."""
    with pytest.raises(ValueError, match="cannot divide"):
        apportion(amount, weights)
