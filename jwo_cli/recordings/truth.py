"""What really happened in a recording, where somebody knows it: true receipts and true events. Never input of a replay.

The importer reads the benchmark's truth.json; the synthetic generator builds it directly. It is kept beside the
streams and is no part of the recording's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.model.findings import Finding, UserError

from .autocheckout import moment_ns
from .documents import child, items, number, record, text, whole
from .problems import MalformedError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueItem:
    """So many units of one product."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueReceipt:
    """What one shopper left with. `track_id` is the id carried last, `all_ids` every id this shopper ever had."""

    track_id: str
    all_ids: tuple[str, ...]
    items: tuple[TrueItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueEvent:
    """One act at the shelves: 'pick', 'put', 'touch', 'restock', 'handover', … One product per unit moved.

    `delta_g` is what the plates gained, grams. `at_ns` is the moment the load changed.
    """

    at_ns: int
    kind: str
    track_id: str
    products: tuple[str, ...]
    plates: tuple[str, ...]
    delta_g: float = 0.0
    to_track_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A recording's truth; `scenario` is the class of case ('handover', 'restock', …) that scores group by."""

    scenario: str
    receipts: tuple[TrueReceipt, ...]
    events: tuple[TrueEvent, ...] = ()


def read_truth_json(path: Path) -> Truth:
    """The benchmark's truth.json. Raises UserError naming the field that does not fit."""
    try:
        document: object = json.loads(path.read_bytes())
        return _truth(document)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as JSON: {error}", fix="Copy the case again.") from None
    except MalformedError as reason:
        found = Finding(file=str(path), problem=reason.problem, fix=reason.fix, field=reason.field)
        raise UserError(f"{path} is no truth of a case: {found.problem}", fix=reason.fix, findings=[found]) from None


def _truth(document: object) -> Truth:
    receipts = tuple(_receipt(item, f"receipts[{i}]") for i, item in enumerate(_list(document, "receipts", "receipts")))
    events = tuple(_event(item, f"events[{i}]") for i, item in enumerate(_list(document, "events", "events")))
    return Truth(scenario=text(child(document, "class", "class"), "class"), receipts=receipts, events=events)


def _receipt(value: object, path: str) -> TrueReceipt:
    bought = []
    for i, product in enumerate(_list(value, "products", f"{path}.products")):
        where = f"{path}.products[{i}]"
        barcode = text(child(product, "barcode", f"{where}.barcode"), f"{where}.barcode")
        quantity = whole(child(product, "quantity", f"{where}.quantity"), f"{where}.quantity")
        bought.append(TrueItem(product_id=barcode, quantity=quantity))
    ids = _list(value, "all_ids", f"{path}.all_ids")
    return TrueReceipt(
        track_id=text(child(value, "target_id", f"{path}.target_id"), f"{path}.target_id"),
        all_ids=tuple(text(item, f"{path}.all_ids") for item in ids),
        items=tuple(bought),
    )


def _event(found: object, path: str) -> TrueEvent:
    value = record(found, path)
    plates = []
    for i, plate in enumerate(_list(value, "plates", f"{path}.plates")):
        where = f"{path}.plates[{i}]"
        parts = [whole(child(plate, key, f"{where}.{key}"), f"{where}.{key}") for key in ("gondola", "shelf", "plate")]
        plates.append(f"g{parts[0]}.s{parts[1]}.p{parts[2]}")
    other = value.get("to_target_id")
    return TrueEvent(
        at_ns=moment_ns(child(value, "t", f"{path}.t"), f"{path}.t"),
        kind=text(child(value, "type", f"{path}.type"), f"{path}.type"),
        track_id=text(child(value, "target_id", f"{path}.target_id"), f"{path}.target_id"),
        products=tuple(text(item, f"{path}.products") for item in _list(value, "products", f"{path}.products")),
        plates=tuple(plates),
        delta_g=number(value.get("delta_g", 0.0), f"{path}.delta_g"),
        to_track_id=None if other is None else text(other, f"{path}.to_target_id"),
    )


def _list(value: object, field: str, path: str) -> list[object]:
    return items(child(value, field, path), path)
