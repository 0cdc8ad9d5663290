"""Picks, sales and corrections as EPCIS 2.0: the structure that the standard's schema asks for, and stable ids."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jwo_cli.drive import epcis
from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ActionKind, EventExplained, Explanation
from jwo_cli.model.entry import NewEntry
from tests.shop.test_receipts_text import bought, reviewed, sure

BIZ_STEPS = {"picking", "stocking", "retail_selling"}
DISPOSITIONS = {"in_progress", "sellable_accessible", "retail_sold"}
EVENT_FIELDS = {
    *("type", "eventID", "eventTime", "eventTimeZoneOffset", "action", "bizStep", "disposition", "readPoint"),
    *("bizLocation", "quantityList", "bizTransactionList", "errorDeclaration"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
URI = re.compile(r"(https://id\.gs1\.org/(01/\d{14}|414/\d{13})|urn:[a-z0-9][a-z0-9-]+:\S+)")

RECEIPT = bought(sure("bread"), sure("cola"))


def explained(action: ActionKind, *items: tuple[str, int], visit: str | None = "v1") -> EventExplained:
    way = Explanation(visit_id=visit, action=action, items=items, probability=0.9)
    return EventExplained(at_ns=1_750_000_000_123_000_000, event_seq=1, explanations=(way,))


@pytest.fixture
def exported(tmp_path: Path) -> list[dict[str, Any]]:
    """The events of a little day: two picks, one put back, a touch, a receipt, and two corrections."""
    day = [
        explained(ActionKind.PICK, ("4006381333931", 2)),
        explained(ActionKind.PUT, ("4006381333931", 1)),
        explained(ActionKind.NONE),
        explained(ActionKind.PICK, ("bread", 1), visit=None),
        RECEIPT,
        reviewed(RECEIPT, ("bread", 1)),
        reviewed(RECEIPT),
    ]
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        intake.append(
            [
                NewEntry(
                    key=str(n), at_ns=value.at_ns, source="run/x", kind=kind_of(type(value)), payload=encode(value)
                )
                for n, value in enumerate(day)
            ]
        )
        one = epcis.export(intake, store_id="kiosk", created_ns=5)
        assert one == epcis.export(intake, store_id="kiosk", created_ns=5)
    assert one["type"] == "EPCISDocument"
    assert one["schemaVersion"] == "2.0"
    assert one["@context"] == ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]
    assert TIME.fullmatch(one["creationDate"])
    events: list[dict[str, Any]] = one["epcisBody"]["eventList"]
    return events


def test_every_event_has_what_the_schema_asks_for(exported: list[dict[str, Any]]) -> None:
    """Types, times, actions and steps of the vocabulary, URIs for goods and places, no unknown field."""
    for event in exported:
        assert event.keys() <= EVENT_FIELDS
        assert (event["type"], event["action"]) == ("ObjectEvent", "OBSERVE")
        assert event["bizStep"] in BIZ_STEPS
        assert event["disposition"] in DISPOSITIONS
        assert TIME.fullmatch(event["eventTime"])
        assert URI.fullmatch(event["readPoint"]["id"])
        assert event["quantityList"]
        for item in event["quantityList"]:
            assert URI.fullmatch(item["epcClass"])
            assert item["quantity"] > 0


def test_a_day_is_told_in_order(exported: list[dict[str, Any]]) -> None:
    """Picked, put back, sold; then the sale declared wrong and the true one, then that declared wrong as well."""
    steps = [(event["bizStep"], "errorDeclaration" in event) for event in exported]
    assert steps == [
        ("picking", False),
        ("stocking", False),
        ("retail_selling", False),
        ("retail_selling", True),
        ("retail_selling", False),
        ("retail_selling", True),
    ]
    assert exported[0]["quantityList"] == [{"epcClass": "https://id.gs1.org/01/04006381333931", "quantity": 2}]


def test_an_error_declaration_repeats_the_event_and_names_the_true_one(exported: list[dict[str, Any]]) -> None:
    """The same id and content as what was wrong; where nothing was sold after all, nothing is named."""
    sale, wrong, true, gone = exported[2:]
    assert {**wrong, "errorDeclaration": None} == {**sale, "errorDeclaration": None}
    assert wrong["errorDeclaration"]["correctiveEventIDs"] == [true["eventID"]]
    assert gone["eventID"] == true["eventID"]
    assert "correctiveEventIDs" not in gone["errorDeclaration"]
    assert gone["errorDeclaration"]["reason"] == "incorrect_data"


def test_goods_and_places_without_a_number_have_urns_of_ours() -> None:
    """In-house numbers are no GTIN; a store without a GLN is still a place."""
    assert epcis.product_uri("bread", "kiosk") == "urn:jwo:product:kiosk:bread"
    assert epcis.product_uri("4006381333931", "kiosk") == "https://id.gs1.org/01/04006381333931"
