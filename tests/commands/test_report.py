"""`jwo report` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Jwo


def test_sales_by_product_sum_what_was_charged(jwo: Jwo, kept: Path) -> None:
    """Three bottles in two receipts."""
    done = jwo("report", "sales", "--journal", kept)
    assert done.returncode == 0
    assert "Spring water" in done.stdout
    assert "charged in all: 3.00 EUR" in done.stdout


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
