"""How much of a layout could be read: rules that follow references hold still where their target is unknown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whether all fixtures with their plates, and all products, could be read."""

    plates: bool = True
    products: bool = True
