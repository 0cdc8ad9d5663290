"""Money as text: exact both ways."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.layouts.money import from_minor, to_minor


@given(st.integers(0, 10**11), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_reading_undoes_writing(minor: int, currency: str) -> None:
    """For currencies with two, none and three decimals."""
    if minor <= 10**9:
        assert to_minor(from_minor(minor, currency), currency) == minor


def test_no_cent_is_lost() -> None:
    """0.29 and 1.1 are not what floats make of them."""
    assert [to_minor("0.29", "EUR"), to_minor(Decimal("1.1"), "EUR"), to_minor(3, "EUR")] == [29, 110, 300]


@pytest.mark.parametrize("bad", ["", "2,49", "NaN", "inf", "-1", "0.001", "1e99", "two"])
def test_what_is_no_price_is_refused(bad: str) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match=r"amount|decimal|negative"):
        to_minor(bad, "EUR")
