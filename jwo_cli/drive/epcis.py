"""Picks, sales and corrections as GS1 EPCIS 2.0 events (JSON-LD), for whoever traces goods or checks stock.

A pick is the store's last word on an event, where it is as sure as it must be to charge (`picking`; put back:
`stocking`), a sale is what a receipt charges (`retail_selling`, `retail_sold`). Where a store ran that charges, what
shadows and replayed recordings came to is not told. A correction repeats the sale with an error declaration that names
the event which is true instead, as the standard has it (EPCIS 2.0, 7.4.1.4). Products are GS1 Digital Links where they
have a GTIN, else URNs of our own; so are places without a GLN. Event ids come from journal entries, so that exporting
again gives the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from jwo_cli.drive.receipts import has_charged
from jwo_cli.journal import Intake
from jwo_cli.model.catalogue import SoldBy
from jwo_cli.model.decisions import ActionKind, EventExplained, ReceiptCorrected, ReceiptIssued, ReceiptLine
from jwo_cli.model.epc import gtin14_of
from jwo_cli.model.paying import CHARGED_SOURCE
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.receipts import Thresholds

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_STEPS = {ActionKind.PICK: "picking", ActionKind.PUT: "stocking", ActionKind.MISPLACE: "stocking"}
# Name space of our event ids.
_EVENTS = uuid.UUID("5e1d8c40-6f0b-5c8e-9d0f-6a0c5b2b6f11")

Event = dict[str, Any]


def export(intake: Intake, *, store_id: str, gln: str = "", created_ns: int, rehearsals: bool = False) -> Event:
    """An EPCISDocument of everything in a journal, in journal order. `created_ns` dates the document."""
    place = f"https://id.gs1.org/414/{gln}" if gln else f"urn:jwo:store:{store_id}"
    source = "" if rehearsals or not has_charged(intake) else CHARGED_SOURCE
    events = [*_picks(intake, store_id, place, source), *_sales(intake, store_id, place, source)]
    ordered = [event for _, event in sorted(events, key=lambda pair: pair[0])]
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": _time(created_ns),
        "epcisBody": {"eventList": ordered},
    }


def _picks(intake: Intake, store_id: str, place: str, source: str) -> Iterator[tuple[int, Event]]:
    """What the store says of each event at last: it may have thought otherwise before. Named after the event."""
    last = {explained.event_seq: explained for _, explained in intake.observed([EventExplained], source_prefix=source)}
    sure = Thresholds().line
    for seq, explained in last.items():
        best = explained.explanations[0] if explained.explanations else None
        if best is None or best.probability < sure:
            continue
        if best.action not in _STEPS or best.visit_id is None or not best.items:
            continue
        event = _event(f"{store_id}/{seq}", explained.at_ns, place, _STEPS[best.action])
        event["disposition"] = "in_progress" if best.action is ActionKind.PICK else "sellable_accessible"
        event["quantityList"] = [{"epcClass": product_uri(item, store_id), "quantity": n} for item, n in best.items]
        yield seq, event


def _sales(intake: Intake, store_id: str, place: str, source: str) -> Iterator[tuple[int, Event]]:
    """Sales, and for each correction the last sale again (declared wrong) and the one that is true."""
    last: dict[str, Event] = {}
    seen: set[str] = set()
    for seq, receipt in intake.observed([ReceiptIssued], source_prefix=source):
        if receipt.receipt_id in seen:
            continue  # a rehearsal's, whose recording was replayed into its journal
        seen.add(receipt.receipt_id)
        event = _sale(f"{store_id}/{seq}", receipt.at_ns, place, receipt.receipt_id, receipt.lines, store_id)
        if event is not None:
            last[receipt.receipt_id] = event
            yield seq, event
    for seq, corrected in intake.observed([ReceiptCorrected], source_prefix=source):
        name = f"{store_id}/{seq}"
        event = _sale(name, corrected.at_ns, place, corrected.receipt_id, corrected.lines, store_id)
        wrong = last.pop(corrected.receipt_id, None)
        if wrong is not None:
            yield seq, _declared(wrong, corrected, [event["eventID"]] if event is not None else [])
        if event is not None:
            last[corrected.receipt_id] = event
            yield seq, event


def _declared(wrong: Event, corrected: ReceiptCorrected, instead: list[str]) -> Event:
    declaration: Event = {"declarationTime": _time(corrected.at_ns), "reason": "incorrect_data"}
    if instead:
        declaration["correctiveEventIDs"] = instead
    return {**wrong, "errorDeclaration": declaration}


def _sale(
    name: str, at_ns: int, place: str, receipt_id: str, lines: Iterable[ReceiptLine], store_id: str
) -> Event | None:
    sold = [_quantity(line, store_id) for line in lines if line.charged]
    if not sold:
        return None
    event = _event(name, at_ns, place, "retail_selling")
    event["disposition"] = "retail_sold"
    event["quantityList"] = sold
    event["bizTransactionList"] = [{"type": "inv", "bizTransaction": f"urn:jwo:receipt:{store_id}:{receipt_id}"}]
    return event


def _quantity(line: ReceiptLine, store_id: str) -> Mapping[str, object]:
    uri = product_uri(line.product_id, store_id)
    if line.sold_by is SoldBy.WEIGHT:
        return {"epcClass": uri, "quantity": round((line.mass_g or 0.0) / 1000, 6), "uom": "KGM"}
    return {"epcClass": uri, "quantity": line.quantity}


def product_uri(product_id: str, store_id: str) -> str:
    """A class of goods: its GTIN as a GS1 Digital Link, or a URN of the store's own."""
    gtin = gtin14_of(product_id)
    return f"https://id.gs1.org/01/{gtin}" if gtin is not None else f"urn:jwo:product:{store_id}:{product_id}"


def _event(name: str, at_ns: int, place: str, step: str) -> Event:
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(_EVENTS, name)}",
        "eventTime": _time(at_ns),
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": step,
        "readPoint": {"id": place},
        "bizLocation": {"id": place},
    }


def _time(at_ns: int) -> str:
    whole = datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_ns % NS_PER_S // 1_000_000:03d}Z"
