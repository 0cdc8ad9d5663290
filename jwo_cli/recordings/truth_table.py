"""Truth as one Parquet table: a row a receipt and a row an event, so that SQL can join receipts against it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from .truth import TrueEvent, TrueItem, TrueReceipt, Truth

_SCENARIO = b"jwo.scenario"
_RECEIPT = "receipt"
_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),  # 'receipt', or the event's kind
        ("at_ns", pa.int64()),  # null for receipts
        ("track_id", pa.string()),
        ("all_ids", pa.list_(pa.string())),
        ("to_track_id", pa.string()),
        ("products", pa.list_(pa.string())),
        ("quantities", pa.list_(pa.int64())),
        ("plates", pa.list_(pa.string())),
        ("delta_g", pa.float64()),
    ]
)


def truth_table(truth: Truth) -> Any:
    """The Arrow table of a truth."""
    rows: list[dict[str, object]] = [
        {
            "kind": _RECEIPT,
            "track_id": receipt.track_id,
            "all_ids": list(receipt.all_ids),
            "products": [item.product_id for item in receipt.items],
            "quantities": [item.quantity for item in receipt.items],
        }
        for receipt in truth.receipts
    ]
    rows.extend(
        {
            "kind": event.kind,
            "at_ns": event.at_ns,
            "track_id": event.track_id,
            "to_track_id": event.to_track_id,
            "products": list(event.products),
            "plates": list(event.plates),
            "delta_g": event.delta_g,
        }
        for event in truth.events
    )
    return pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata({_SCENARIO: truth.scenario.encode()}))


def truth_of(table: Any) -> Truth:
    """The truth of such a table. Raises KeyError or ValueError when it is none."""
    rows = table.select(_SCHEMA.names).to_pylist()
    return Truth(
        scenario=table.schema.metadata[_SCENARIO].decode(),
        receipts=tuple(_receipt(row) for row in rows if row["kind"] == _RECEIPT),
        events=tuple(_event(row) for row in rows if row["kind"] != _RECEIPT),
    )


def _receipt(row: dict[str, Any]) -> TrueReceipt:
    bought = zip(row["products"], row["quantities"], strict=True)
    items = tuple(TrueItem(product_id=product, quantity=quantity) for product, quantity in bought)
    return TrueReceipt(track_id=row["track_id"], all_ids=tuple(row["all_ids"]), items=items)


def _event(row: dict[str, Any]) -> TrueEvent:
    return TrueEvent(
        at_ns=row["at_ns"],
        kind=row["kind"],
        track_id=row["track_id"],
        products=tuple(row["products"]),
        plates=tuple(row["plates"]),
        delta_g=row["delta_g"],
        to_track_id=row["to_track_id"],
    )
