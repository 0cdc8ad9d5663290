"""Prices between text and minor units, exactly: '2.49' EUR is 249, never 248.99999."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from jwo_cli.model.units import minor_digits

_LARGEST = Decimal(10) ** 9


def to_minor(value: str | Decimal | int, currency: str) -> int:
    """Decimal text or number in currency units -> minor units. Raises ValueError with a sentence for anything else."""
    digits = minor_digits(currency)
    try:
        amount = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount such as '2.49'") from None
    if not amount.is_finite() or abs(amount) > _LARGEST:
        raise ValueError(f"{value} is no amount such as '2.49'")
    minor = amount.scaleb(digits)
    if minor != minor.to_integral_value():
        raise ValueError(f"{value} has more than the {digits} decimal places of {currency}")
    if minor < 0:
        raise ValueError(f"{value} is negative")
    return int(minor)


def from_minor(minor: int, currency: str) -> str:
    """249 EUR -> '2.49'; the text that `to_minor` reads back to the same amount."""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"
