"""Receipts in other people's forms. The AutoCheckout competition's: a list of receipts under each case's name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from jwo_cli.drive.replay import ReplayResult
from jwo_cli.model.decisions import ReceiptIssued

Case = list[dict[str, object]]


def autocheckout(results: Sequence[ReplayResult]) -> dict[str, Case]:
    """`{"<case>": [{"target_id", "settled", "products": [{"barcode", "quantity"}]}]}`, the best estimate of each visit.

    All lines stand there, charged or not: `settled` says whether the store would charge by itself. A shopper who took
    nothing has no receipt and is left out; one who may have taken something after all is in review, with no products.
    """
    return {result.name: [_receipt(receipt) for receipt in result.receipts] for result in results}


def _receipt(receipt: ReceiptIssued) -> dict[str, object]:
    quantities: dict[str, int] = {}
    for line in receipt.lines:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    products = [{"barcode": barcode, "quantity": quantity} for barcode, quantity in quantities.items()]
    return {"target_id": receipt.track_id, "settled": receipt.settled.value, "products": products}


def write_json(path: Path, value: object) -> None:
    """Write a JSON file as a whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
