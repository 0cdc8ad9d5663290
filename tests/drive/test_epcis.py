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
from jwo_cli.model.observations import StoreOpened
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


def explained(
    event_seq: int, action: ActionKind, *items: tuple[str, int], visit: str | None = "v1", probability: float = 0.9
) -> EventExplained:
    way = Explanation(visit_id=visit, action=action, items=items, probability=probability)
    return EventExplained(at_ns=1_750_000_000_123_000_000, event_seq=event_seq, explanations=(way,))


def keep(intake: Intake, *values: Any, source: str = "run/x") -> None:
    head, _ = intake.head()
    intake.append(
        [
            NewEntry(key=str(n), at_ns=value.at_ns, source=source, kind=kind_of(type(value)), payload=encode(value))
            for n, value in enumerate(values, head + 1)
        ]
    )


def events(intake: Intake, *, rehearsals: bool = False) -> list[dict[str, Any]]:
    document = epcis.export(intake, store_id="kiosk", created_ns=5, rehearsals=rehearsals)
    told: list[dict[str, Any]] = document["epcisBody"]["eventList"]
    return told


@pytest.fixture
def exported(tmp_path: Path) -> list[dict[str, Any]]:
    """The events of a little day: two picks, one put back, a touch, a receipt, and two corrections."""
    day = [
        explained(1, ActionKind.PICK, ("4006381333931", 2)),
        explained(2, ActionKind.PUT, ("4006381333931", 1)),
        explained(3, ActionKind.NONE),
        explained(4, ActionKind.PICK, ("bread", 1), visit=None),
        RECEIPT,
        reviewed(RECEIPT, ("bread", 1)),
        reviewed(RECEIPT),
    ]
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        keep(intake, *day)
        one = epcis.export(intake, store_id="kiosk", created_ns=5)
        assert one == epcis.export(intake, store_id="kiosk", created_ns=5)
    assert one["type"] == "EPCISDocument"
    assert one["schemaVersion"] == "2.0"
    assert one["@context"] == ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]
    assert TIME.fullmatch(one["creationDate"])
    told: list[dict[str, Any]] = one["epcisBody"]["eventList"]
    return told


def test_a_receipt_that_is_there_twice_is_one_sale(tmp_path: Path) -> None:
    """A shadow's, and its replay's in the same journal."""
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        keep(intake, RECEIPT, source="shadow/x")
        keep(intake, RECEIPT, source="recording/x")
        assert [event["bizStep"] for event in events(intake)] == ["retail_selling"]


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


def test_an_event_is_told_once_as_it_was_believed_last(tmp_path: Path) -> None:
    """Two were thought to be one at first: one event, of two; its id is the event's."""
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        keep(intake, explained(1, ActionKind.PICK, ("bread", 1)))
        (first,) = events(intake)
        keep(intake, explained(1, ActionKind.PICK, ("bread", 2)))
        (last,) = events(intake)
    assert (first["eventID"], first["quantityList"][0]["quantity"]) == (last["eventID"], 1)
    assert last["quantityList"][0]["quantity"] == 2


def test_what_could_not_be_charged_is_no_fact(tmp_path: Path) -> None:
    """The likeliest of several ways, at 0.4, is told to nobody; nor what was sure once and is no more."""
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        keep(
            intake,
            explained(1, ActionKind.PICK, ("bread", 1), probability=0.4),
            explained(2, ActionKind.PICK, ("bread", 1)),
            explained(2, ActionKind.PICK, ("bread", 2), probability=0.5),
        )
        assert events(intake) == []


def test_in_a_store_s_journal_rehearsals_are_told_only_when_asked_for(tmp_path: Path) -> None:
    """A shadow's pick and a replayed recording's sale beside the store's own; without a store they are all there is."""
    opened = StoreOpened(at_ns=1, recording_id="x", layout_version="v")
    with Intake.open(tmp_path / "journal", store_id="kiosk") as intake:
        keep(intake, explained(1, ActionKind.PICK, ("bread", 1)), source="shadow/a")
        keep(intake, RECEIPT, source="recording/b")
        assert len(events(intake)) == 2
        keep(intake, opened, explained(4, ActionKind.PICK, ("cola", 1)))
        assert [event["quantityList"][0]["epcClass"] for event in events(intake)] == ["urn:jwo:product:kiosk:cola"]
        assert len(events(intake, rehearsals=True)) == 3
