"""The GTIN inside a tag's number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.epc import gtin14_of, gtin_of
from jwo_cli.model.gtin import gtin_problem

# Digits of the company prefix -> (partition, its bits, bits of the item)
LENGTHS = {
    12: (0, 40, 4),
    11: (1, 37, 7),
    10: (2, 34, 10),
    9: (3, 30, 14),
    8: (4, 27, 17),
    7: (5, 24, 20),
    6: (6, 20, 24),
}


def sgtin(company: str, item: str, serial: int = 6789, filter_value: int = 1) -> str:
    """SGTIN-96 in hexadecimal, bit by bit as the standard draws it."""
    partition, company_bits, item_bits = LENGTHS[len(company)]
    bits = f"{0x30:08b}{filter_value:03b}{partition:03b}{int(company):0{company_bits}b}{int(item):0{item_bits}b}"
    return f"{int(bits + f'{serial:038b}', 2):024X}"


@pytest.mark.parametrize(
    ("tag", "gtin"),
    [
        ("3074257BF7194E4000001A85", "80614141123458"),  # the standard's example: 0614141.812345.6789, filter 3
        ("3034257bf7194e4000001a85", "80614141123458"),  # filter 1, small letters
        ("urn:epc:id:sgtin:0614141.812345.6789", "80614141123458"),
        ("urn:epc:tag:sgtin-96:3.0614141.812345.6789", "80614141123458"),
        ("3674257BF7194E59B2C2BF100000000000000000000000000000", "80614141123458"),  # SGTIN-198, serial "32a/b"
        ("30340091C011F63B08EF656E", "00009328183921"),  # company 0009328, item 018392; read in the Nedap store
        ("E28011700000020EC2507057", None),  # a chip maker's number
        ("3038257BF7194E4000001A85", None),  # partition 6 with a prefix of more than six digits
        ("303C257BF7194E4000001A85", None),  # partition 7 does not exist
        ("3074257BF7194E4000001A", None),  # too short
        ("urn:epc:id:sgtin:0614141.81234.6789", None),  # twelve digits
        ("not a tag", None),
        ("", None),
    ],
)
def test_known_tags(tag: str, gtin: str | None) -> None:
    """Examples of the standard, tags of a real store, and what holds no GTIN."""
    assert gtin_of(tag) == gtin


@given(
    digits=st.integers(6, 12), number=st.integers(0, 10**13 - 1), serial=st.integers(0, 2**38 - 1), f=st.integers(0, 7)
)
def test_every_gtin_survives_its_tag(digits: int, number: int, serial: int, f: int) -> None:
    """Whatever the length of the company's prefix: the same valid GTIN comes out, whatever serial and filter."""
    whole = f"{number:013d}"
    company, item = whole[:digits], whole[digits:]
    gtin = gtin_of(sgtin(company, item, serial, f))
    assert gtin is not None
    assert gtin_problem(gtin) is None
    assert gtin[:-1] == item[0] + company + item[1:]


@given(st.text(max_size=60))
def test_rubbish_has_no_gtin(text: str) -> None:
    """No text raises; what comes out is a valid GTIN or nothing."""
    gtin = gtin_of(text)
    assert gtin is None or gtin_problem(gtin) is None


@pytest.mark.parametrize(
    ("identifier", "gtin"),
    [
        ("80614141123458", "80614141123458"),
        ("012000171741", "00012000171741"),  # UPC-A
        ("12000171741", "00012000171741"),  # the same after a spreadsheet ate its zero
        ("4006381333931", "04006381333931"),  # EAN-13
        ("96385074", "00000096385074"),  # EAN-8
        ("04252614", "00042100005264"),  # UPC-E
        ("4006381333930", None),  # wrong check digit
        ("cola", None),
        ("0", None),
    ],
)
def test_catalogue_identifiers(identifier: str, gtin: str | None) -> None:
    """Twelve and thirteen digits are the same number as fourteen; in-house numbers are none."""
    assert gtin14_of(identifier) == gtin
