"""AutoCheckout's documents judged as a layout: the import's own doubts, then the rules of every layout, with lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jwo_cli.layouts.autocheckout import from_autocheckout
from jwo_cli.layouts.checks import check
from jwo_cli.layouts.places import Places
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.layout import Store

_FIELDS = {"plates": "plate_ids", "product": "planogram_product_id.id"}  # what the documents call it


def check_autocheckout(planogram: Path, products: Path) -> tuple[Store, tuple[Finding, ...]]:
    """The store of both documents and everything doubtful about it. Raises UserError as `from_autocheckout` does."""
    places = Places(file=str(planogram))
    store, findings = from_autocheckout(planogram, products, places=places)
    more = [
        replace(finding, field=_FIELDS.get(finding.field or "", finding.field))
        for finding in check(store, places)
        # Products, and masses that facings lack, were judged by the import on the product's own line.
        if finding.file != str(products) and finding.field != "product"
    ]
    # The import's order is planogram, masses, planogram as a whole, other product fields: the rules go before the last.
    behind = 1 + max((index for index, finding in enumerate(findings) if finding.file != str(products)), default=-1)
    told = [*findings[:behind], *more, *findings[behind:]]
    return store, tuple(sorted(told, key=lambda finding: finding.severity is not Severity.ERROR))
