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
