"""`jwo report` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import StoreOpened
from tests.conftest import Jwo
from tests.shop.test_receipts_text import bought, sure


def opened(place: Path, source: str) -> None:
    """A store that ran, and charged for a loaf."""
    values = (StoreOpened(at_ns=1, recording_id="", layout_version="1"), bought(sure("bread")))
    with Intake.open(place, store_id="corner") as intake:
        intake.append(
            [
                NewEntry(key=f"{source}{n}", at_ns=n, source=source, kind=kind_of(type(value)), payload=encode(value))
                for n, value in enumerate(values)
            ]
        )


def test_sales_by_product_sum_what_was_charged(jwo: Jwo, tmp_path: Path) -> None:
    """A loaf, after its promotion; with a shadow's loaf beside it the sum is no longer called charged."""
    opened(tmp_path / "j", "run/1")
    done = jwo("report", "sales", "--journal", tmp_path / "j")
    assert done.returncode == 0
    assert "Rye bread" in done.stdout
    assert "charged in all: 2.06 EUR" in done.stdout
    assert "nobody" not in done.stdout
    mixed = jwo("report", "sales", "--rehearsals", "--journal", tmp_path / "j").stdout
    assert "with rehearsals that nobody was charged for" in mixed
    assert "charged in all" not in mixed


def test_what_was_only_rehearsed_was_charged_to_nobody(jwo: Jwo, kept: Path) -> None:
    """Three bottles in two receipts of recordings: the heading says so, and no column says otherwise."""
    for by in ("product", "day"):
        done = jwo("report", "sales", "--by", by, "--journal", kept)
        assert "(rehearsed: nobody was charged)" in done.stdout
        assert "\nin all: 3.00 EUR" in done.stdout
        assert "charged in all" not in done.stdout


def test_amounts_stand_to_the_right(jwo: Jwo, kept: Path) -> None:
    """What was sold under its heading's end, as the numbers beside it."""
    heading, row = (
        line
        for line in jwo("report", "sales", "--journal", kept).stdout.splitlines()
        if "sold" in line or "Spring" in line
    )
    assert row[: heading.index("sold") + 4].endswith(" 3")


def test_json_by_day_counts_receipts(jwo: Jwo, kept: Path) -> None:
    """Both visits were on one day."""
    (day,) = json.loads(jwo("report", "sales", "--by", "day", "--json", "--journal", kept).stdout)
    assert day["day"] == "2023-11-14"
    assert (day["receipts"], day["waiting"], day["units"], day["total_minor"]) == (2, 0, 3, 300)


def test_a_journal_is_needed(jwo: Jwo, tmp_path: Path) -> None:
    """By flag or by environment."""
    done = jwo("report", "sales")
    assert done.returncode == 2
    assert "JWO_JOURNAL" in done.stderr
    assert jwo("report", "sales", "--by", "moon", "--journal", tmp_path).returncode == 2
