"""Units live in names; this file holds the few conversions and the one money type.

Time is int nanoseconds UTC, length metres, mass grams, money integer minor units of an ISO 4217 currency.
"""

from __future__ import annotations

from dataclasses import dataclass

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
METRES_PER_INCH = 0.0254

# Minor-unit digits that differ from the usual two (ISO 4217, the currencies shops use).
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3}


def seconds_to_ns(seconds: float) -> int:
    """Seconds since the epoch to integer nanoseconds, rounded to the microsecond (what a float64 holds)."""
    return round(seconds * 1_000_000) * 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in integer minor units (cents) of one currency; sums across currencies cannot be built."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code such as 'EUR'")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount_minor=self.amount_minor + other.amount_minor, currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount_minor=-self.amount_minor, currency=self.currency)

    def __str__(self) -> str:
        return format_minor(self.amount_minor, self.currency)


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def format_minor(amount_minor: int, currency: str) -> str:
    """Minor units as people read them: 1299 EUR -> '12.99 EUR', 1299 JPY -> '1299 JPY'."""
    digits = minor_digits(currency)
    sign, whole = ("-" if amount_minor < 0 else ""), abs(amount_minor)
    if digits == 0:
        return f"{sign}{whole} {currency}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d} {currency}"
