"""How fractions of a minor unit become whole ones: three functions, integers only, used once per line.

Amounts to pay round to the nearest minor unit and a tie goes to the shopper: "10 % off" never gives less than ten per
cent because of a tie. Tax rounds to the nearest and a tie goes up, as tax law says where it speaks of it (Streamlined
Sales and Use Tax Agreement, section 324: up whenever the third decimal is greater than four; item basis allowed).
"""

from __future__ import annotations

from collections.abc import Sequence


def half_down(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, ties down: what the shopper pays. Both are not negative."""
    _check(numerator, denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, ties up: tax. Both are not negative."""
    _check(numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def apportion(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`amount` in whole parts proportional to `weights`, summing to it exactly (largest remainder, ties to the first).

    A part is never more than its weight while `amount` ≤ the sum of weights. Raises ValueError for an amount without
    anything to bear it.
    """
    whole = sum(weights)
    if amount == 0:
        return (0,) * len(weights)
    if amount < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError(f"cannot divide {amount} over weights {tuple(weights)}")
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return tuple(parts)


def _check(numerator: int, denominator: int) -> None:
    if numerator < 0 or denominator <= 0:
        raise ValueError(f"{numerator}/{denominator} is not an amount to round")
