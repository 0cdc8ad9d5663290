"""Check digits and the short forms that scanners hand out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.gtin import check_digit, gtin_problem, upc_e_expand, upc_e_forms

DIGITS = st.text("0123456789", min_size=6, max_size=6)


@pytest.mark.parametrize("good", ["4006381333931", "90162909", "012000181139", "10012345678902"])
def test_gtins_with_their_check_digit_are_fine(good: str) -> None:
    """All four lengths; any other last digit is not."""
    assert gtin_problem(good) is None
    other = good[:-1] + str((int(good[-1]) + 1) % 10)
    assert "expected" in (gtin_problem(other) or "")


@given(st.text("0123456789", min_size=7, max_size=13).filter(lambda body: len(body) in (7, 11, 12, 13)))
def test_every_single_wrong_digit_is_found(body: str) -> None:
    """What the mod-10 check is for."""
    whole = body + str(check_digit(body))
    for place, digit in enumerate(whole):
        wrong = whole[:place] + str((int(digit) + 3) % 10) + whole[place + 1 :]
        assert gtin_problem(wrong) is not None


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("04252614", "042100005264"),  # last digit 1
        ("120130", "012000000133"),
        ("01201303", "012000000133"),
        ("0120850", "012000000850"),
        ("01234531", "012300000451"),  # 3
        ("01234543", "012340000053"),  # 4
        ("01234558", "012345000058"),  # 5 to 9
    ],
)
def test_upc_e_expands_by_its_last_digit(short: str, whole: str) -> None:
    """Six, seven and eight digits."""
    assert upc_e_expand(short) == whole
    assert gtin_problem(whole) is None


@given(DIGITS)
def test_all_forms_of_a_code_mean_the_same(body: str) -> None:
    """Whichever form a scanner gives, the others are its aliases."""
    whole = upc_e_expand(body)
    forms = upc_e_forms(body)
    assert whole == forms[-1]
    assert {upc_e_expand(form) for form in forms[:-1]} == {whole}
    assert all(body in upc_e_forms(form) for form in forms[:-1])


@pytest.mark.parametrize("other", ["90162909", "12345", "123456789", "2012013", "01201304", "12a130", ""])
def test_what_is_no_upc_e_is_not_expanded(other: str) -> None:
    """Other lengths, number systems above 1, wrong check digits."""
    assert upc_e_expand(other) is None
    assert upc_e_forms(other) == ()
