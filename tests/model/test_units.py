"""Money and time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.units import Money, format_minor, seconds_to_ns


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1299, "EUR", "12.99 EUR"), (-5, "EUR", "-0.05 EUR"), (1299, "JPY", "1299 JPY"), (1299, "KWD", "1.299 KWD")],
)
def test_minor_units_are_written_as_people_read_them(minor: int, currency: str, text: str) -> None:
    """With the digits that the currency has."""
    assert format_minor(minor, currency) == text


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_money_adds_exactly(a: int, b: int) -> None:
    """Integers, so that no cent is lost; what is taken from itself is nothing."""
    left, right = Money(amount_minor=a, currency="EUR"), Money(amount_minor=b, currency="EUR")
    assert (left + right).amount_minor == a + b
    assert (left + -left).amount_minor == 0


def test_currencies_do_not_mix() -> None:
    """A sum across currencies cannot be built, nor a currency that is none."""
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money(amount_minor=1, currency="EUR") + Money(amount_minor=1, currency="USD")
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(amount_minor=1, currency="euro")


@given(st.integers(0, 4 * 10**15))
def test_seconds_become_whole_microseconds(microseconds: int) -> None:
    """A float64 holds microseconds of this century; what is below is its noise."""
    assert abs(seconds_to_ns(microseconds / 1e6) - microseconds * 1000) <= 1000
    assert seconds_to_ns(1587531996.955) == 1587531996955000000
