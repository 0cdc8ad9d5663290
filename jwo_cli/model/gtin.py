"""GTINs: shapes and check digits (GS1 General Specifications §7.9), nothing else.

Shops also carry identifiers that are no GTIN (scanner short forms, in-house numbers). They are kept as they are and
reported; `gtin_problem` says what is wrong with one.
"""

from __future__ import annotations

LENGTHS = (8, 12, 13, 14)


def check_digit(body: str) -> int:
    """The mod-10 check digit that belongs behind `body` (digits without their check digit)."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return -total % 10


def gtin_problem(identifier: str) -> str | None:
    """None for a valid GTIN-8/12/13/14; otherwise a sentence that says what is wrong with it."""
    if not identifier.isascii() or not identifier.isdigit():
        return f"{identifier!r} holds something else than digits"
    if len(identifier) not in LENGTHS:
        return f"{identifier!r} has {len(identifier)} digits; a GTIN has 8, 12, 13 or 14"
    expected = check_digit(identifier[:-1])
    if int(identifier[-1]) != expected:
        return f"{identifier!r} has check digit {identifier[-1]}, expected {expected}"
    return None


def upc_e_expand(identifier: str) -> str | None:
    """The UPC-A (12 digits) behind a zero-suppressed UPC-E code, or None when `identifier` is none.

    Accepted are the forms that scanners hand out: six digits (number system 0 and check digit left off), seven (check
    digit left off) and eight (whole; its check digit has to fit). GS1 General Specifications §5.2.2.4.2.
    """
    if not identifier.isascii() or not identifier.isdigit() or len(identifier) not in (6, 7, 8):
        return None
    system, body = ("0", identifier) if len(identifier) == 6 else (identifier[0], identifier[1:7])
    if system not in "01":
        return None
    last = body[5]
    if last in "012":
        number = system + body[:2] + last + "0000" + body[2:5]
    elif last == "3":
        number = system + body[:3] + "00000" + body[3:5]
    elif last == "4":
        number = system + body[:4] + "00000" + body[4]
    else:
        number = system + body[:5] + "0000" + last
    check = str(check_digit(number))
    if len(identifier) == 8 and identifier[7] != check:
        return None
    return number + check


def upc_e_forms(identifier: str) -> tuple[str, ...]:
    """Every other way to write a UPC-E code: six, seven and eight digits and its UPC-A; empty when it is none."""
    whole = upc_e_expand(identifier)
    if whole is None:
        return ()
    body = identifier if len(identifier) == 6 else identifier[1:7]
    seven = whole[0] + body
    forms = (body, seven, seven + whole[-1], whole) if whole[0] == "0" else (seven, seven + whole[-1], whole)
    return tuple(form for form in forms if form != identifier)
