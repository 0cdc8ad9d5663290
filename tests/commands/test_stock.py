"""`jwo stock`: what is no quantity is refused before it is in the journal, where it would stay."""

from __future__ import annotations

import json
from pathlib import Path

from jwo_cli.journal import Intake
from tests.conftest import Jwo

COLA = "2000100000014"


def test_a_number_that_was_scanned_into_the_wrong_place_is_no_quantity(jwo: Jwo, tmp_path: Path) -> None:
    """Exit code 2 and one sentence; nothing is written, and the right one is booked."""
    with Intake.open(tmp_path / "journal", store_id="corner-kiosk"):
        pass
    place = ("--layout", "corner_kiosk", "--journal", "journal")
    for verb, *to in (("restock",), ("count",), ("move", "--from", "left-1", "--to", "left-1")):
        refused = jwo("stock", verb, COLA, COLA, *to, *place)
        assert (refused.returncode, "is not in the range" in refused.stderr) == (2, True), refused.stderr
    assert jwo("stock", "restock", COLA, "24", *place).returncode == 0
    ((kind, quantity),) = (
        (row["kind"], row["quantity"])
        for row in json.loads(
            jwo(
                "sql", "SELECT kind, quantity FROM entries JOIN stock_restocked USING (seq)", *place[2:], "--json"
            ).stdout
        )
    )
    assert (kind, quantity) == ("stock_restocked", 24)
