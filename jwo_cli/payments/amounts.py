"""Minor units on the wire: the currencies in which a provider counts otherwise than ISO 4217.

Source: https://docs.stripe.com/currencies#special-cases.
"""

from __future__ import annotations

# Two decimals on the wire although the currency has none; and currencies of three decimals whose last must be 0.
_TIMES_HUNDRED = ("ISK", "UGX")
_LAST_DIGIT_ZERO = ("BHD", "JOD", "KWD", "OMR", "TND")


def wire_amount(amount_minor: int, currency: str) -> int | None:
    """Our minor units as Stripe counts them; None for an amount that it cannot take to the penny."""
    if currency in _TIMES_HUNDRED:
        return amount_minor * 100
    if currency in _LAST_DIGIT_ZERO and amount_minor % 10:
        return None
    return amount_minor


def minor_amount(wire: int, currency: str) -> int:
    """Stripe's amount in our minor units."""
    return wire // 100 if currency in _TIMES_HUNDRED else wire
