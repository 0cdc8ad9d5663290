"""How much of a layout could be read: rules that follow references hold still where their target is unknown."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whether all fixtures with their plates could be read, and which products were named but refused.

    `refused` is None when rows were lost together with their numbers, so that nobody knows what they named.
    """

    plates: bool = True
    refused: frozenset[str] | None = frozenset()

    def lacks(self, product_id: str, products: Container[str]) -> bool:
        """Whether a product is certainly in no row of the catalogue: neither among those read nor those refused."""
        return self.refused is not None and product_id not in products and product_id not in self.refused
