"""The order in which findings about AutoCheckout documents are told: what spoils receipts first, trivia last.

A real product table has 360 products of which 113 stand anywhere: its 125 doubts, in file order, hide the one mass
that is missing on a shelf.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jwo_cli.layouts.documents import ProductDocument
from jwo_cli.model.catalogue import Product
from jwo_cli.model.findings import Finding, Severity

PLANOGRAM, MASS, WHOLE_FILE, STANDING, TRIVIA = range(5)


def by_relevance(findings: list[Finding], products: Path, standing: Collection[int]) -> list[Finding]:
    """Errors as they were found; then doubts: a facing's own, masses, whole files, other fields of products that have
    a facing (their lines are `standing`), and last products without a facing.
    """

    def rank(finding: Finding) -> tuple[int, int, int]:
        if finding.severity is Severity.ERROR:
            return 0, 0, 0
        line = finding.line or 0
        if finding.file != str(products):
            return 1, PLANOGRAM if line else WHOLE_FILE, line
        if line not in standing:
            return 1, TRIVIA, line
        return 1, MASS if finding.field == "metadata.weight" else STANDING, line

    return sorted(findings, key=rank)


def standing_lines(rows: list[ProductDocument], catalogue: list[Product], facings: set[str]) -> set[int]:
    """Lines of products that have a facing (under any of their numbers), without lines that repeat an earlier one."""
    named = {item.product_id for item in catalogue if not facings.isdisjoint((item.product_id, *item.aliases))}
    seen: set[tuple[str, str, float | None, float | None]] = set()
    lines: set[int] = set()
    for row in rows:
        content = (row.product_id, row.name, row.price, row.weight_g)
        if row.product_id in named and content not in seen:
            lines.add(row.line)
        seen.add(content)
    return lines
