"""`jwo stock` answers with what was written and what the books have now; a log shows who said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jwo_cli.journal import Intake
from tests.conftest import Jwo

PLACE = ("--layout", "corner_kiosk", "--journal", "journal")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A kiosk's journal with nothing in it."""
    with Intake.open(tmp_path / "journal", store_id="corner-kiosk"):
        return tmp_path / "journal"


@pytest.mark.usefixtures("journal")
def test_what_staff_do_is_answered_with_the_books(jwo: Jwo) -> None:
    """In words and in JSON: what, how many, where, how many there are now, and the entry."""
    chips = json.loads(jwo("layout", "show", "corner_kiosk", "--json").stdout)["catalogue"]["products"][0]
    done = jwo("stock", "restock", chips["product_id"], "12", *PLACE)
    assert done.stdout == f"12 × {chips['name']} booked in; the books have 12 now (entry 1)\n"
    counted = jwo("stock", "count", chips["name"].casefold(), "10", "--json", *PLACE)
    told = json.loads(counted.stdout)
    assert {key: told[key] for key in ("entry", "kind", "product_id", "found", "booked", "in_books")} == {
        "entry": 2,
        "kind": "stock_counted",
        "product_id": chips["product_id"],
        "found": 10,
        "booked": 12,
        "in_books": 10,
    }
    (row,) = json.loads(jwo("stock", "show", "--json", *PLACE).stdout)
    assert row["booked"] == 10


@pytest.mark.usefixtures("journal")
def test_a_move_is_questioned_and_can_be_read_again(jwo: Jwo) -> None:
    """To where it stood: refused. More than the books have, or to another product's place: said, and written."""
    facings = json.loads(jwo("layout", "show", "corner_kiosk", "--json").stdout)["facings"]
    here, there = (
        facings[0]["plates"][0],
        next(item["plates"][0] for item in facings if item["product_id"] != facings[0]["product_id"]),
    )
    product = facings[0]["product_id"]
    again = jwo("stock", "move", product, "1", "--from", here, "--to", here, *PLACE)
    assert (again.returncode, "where it stood, too" in again.stderr) == (2, True)
    moved = jwo("stock", "move", product, "2000", "--from", here, "--to", there, "--staff", "eve", *PLACE)
    assert moved.returncode == 0
    assert "The books have only 0 of it" in moved.stderr
    assert f"{there} is the place of " in moved.stderr
    (row,) = json.loads(jwo("stock", "log", product, "--json", *PLACE).stdout)
    assert (row["kind"], row["quantity"], row["from_plates"], row["staff"]) == ("stock_moved", 2000, [here], "eve")
    assert f"moved from {here} to {there}" in jwo("stock", "log", *PLACE).stdout


@pytest.mark.usefixtures("journal")
def test_advice_can_be_typed_as_it_stands(jwo: Jwo) -> None:
    """An unknown product or plate: the command that lists them names the layout."""
    refused = jwo("stock", "restock", "nosuch", "1", *PLACE)
    assert refused.returncode == 2
    assert refused.stderr == "error: no product fits 'nosuch'. `jwo layout show corner_kiosk --facings` lists them.\n"
    assert jwo("layout", "show", "corner_kiosk", "--facings").returncode == 0
    nowhere = jwo("stock", "restock", "nosuch", "1", "--journal", "journal")
    assert nowhere.stderr.startswith("error: which store's products? Name --layout")
